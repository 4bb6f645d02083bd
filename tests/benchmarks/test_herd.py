"""A herd is made of real cases: each copy rings by itself, with letters of its own, and the witness sees every one."""

import sqlite3
from pathlib import Path

from benchmarks import herd
from benchmarks.bells import overdue

ORIGINALS, TIMES = 4, 3  # one of each kind: two curfews, a question nobody answers, an absence whose limit comes


async def test_every_copy_of_a_case_rings_once_and_writes_its_own_letters(tmp_path: Path):
    """None is lost, none stumbles over another's ids, and each was due before it was committed."""
    path = tmp_path / "herd.db"
    await herd.settle(path, herd.spread_over(60, ORIGINALS))
    herd.multiply(path, TIMES)
    herd.at_rest(path)
    rang = await overdue(path)
    assert rang.lateness.lost == 0
    assert len(rang.lateness.late) == ORIGINALS * TIMES
    assert min(rang.lateness.late) > 0
    with sqlite3.connect(path) as line:
        letters = dict(line.execute("SELECT case_id, count(*) FROM outbox WHERE state = 'queued' GROUP BY case_id"))
    line.close()
    assert len(letters) == ORIGINALS * TIMES
    for case_id in [each for each in letters if not each[:-1].endswith(herd.SUFFIX)]:
        assert {letters[f"{case_id}{herd.SUFFIX}{n}"] for n in range(1, TIMES)} == {letters[case_id]}
