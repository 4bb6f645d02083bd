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


async def test_every_copy_lives_in_a_home_with_people_of_its_own(tmp_path: Path):
    """Nobody answers for five hundred homes; who is on call for an organisation is on call for all of its copies."""
    path = tmp_path / "herd.db"
    await herd.settle(path, herd.spread_over(60, ORIGINALS))
    herd.multiply(path, TIMES)
    await overdue(path)
    with sqlite3.connect(path) as line:
        homes = dict(line.execute("SELECT person, count(*) FROM role WHERE scope <> '' GROUP BY person"))
        accounts = [number for (number,) in line.execute("SELECT telegram_id FROM person")]
        told = line.execute("SELECT DISTINCT case_row.home, outbox.person FROM outbox JOIN case_row USING (case_id)")
        own = {person for _, person in told} & {f"staff{herd.APART // 6 * n}-{m}" for n in range(4) for m in (1, 2)}
        strays = line.execute(
            "SELECT count(*) FROM case_row, json_tree(folded) WHERE case_id LIKE '%-1' AND value IN ('staff0', 'staff10')"
        ).fetchone()
    line.close()
    assert set(homes.values()) == {1}
    assert len(set(accounts)) == len(accounts)
    assert own
    assert strays == (0,)
