"""The fold has a name, and whoever changes what it makes of a log gives it another: cases in people's databases follow it."""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from casework import evolve
from casework.deadlines import armed
from storage import cases
from storage.codec import KINDS, canonical, case_text
from tests import logs

SHORT = 12
NEVER = "if case.silent_since is None or min(waiting)"  # a question that waits has set the silence: for what may come


def test_the_fold_bears_the_name_of_what_it_makes_of_the_kept_logs() -> None:
    """P15: after each event of each kept log, the case, its deadlines and its row, hashed. A database that stands by another
    name is folded anew when this program opens it: a change that keeps the old name would leave open cases as they were."""
    hashed = hashlib.sha256()
    for log in logs.kept():
        for case, protocol in logs.folded(log):
            due = {key: at.isoformat() for key, at in armed(case, protocol).items()}
            row = cases.row_of(case, protocol, None, None)
            hashed.update(f"{case_text(case)}{canonical([due, row])}\n".encode())
    name = hashed.hexdigest()[:SHORT]
    assert name == evolve.FOLD, (
        f'what stands of old cases has changed. If that is what you want, write FOLD = "{name}" in casework/evolve.py: every'
        " house then folds its cases anew from their logs when it is upgraded. If not, you have moved cases that are open."
    )


def test_the_kept_logs_pass_every_line_of_the_fold() -> None:
    """A line that no kept log passes could be changed unseen: add a night in which it is passed, `python -m tests.logs`."""
    passed = set[int]()
    file = evolve.__file__

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code.co_filename != file:
            return None
        passed.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for log in logs.kept():
            evolve.replay(log)
    finally:
        sys.settrace(before)
    source = Path(file).read_text(encoding="utf-8")
    lines = source.splitlines()
    within = set(_lines(compile(source, file, "exec")))
    never = ("raise OurMistake", "assert_never", "case _:")
    left = {at: lines[at - 1] for at in sorted(within - passed) if not lines[at - 1].strip().startswith(never)}
    assert not left, "\n".join(f"evolve.py:{at}: {line}" for at, line in left.items())


def test_every_choice_of_the_fold_comes_out_both_ways_in_the_kept_logs() -> None:
    """Within a line, too: `a if b else c` where it makes a difference, and each part of `and` and `or` but the last."""
    fold = logs.the_fold()
    lines = fold.source.splitlines()
    fold.seen.clear()
    for log in logs.kept():
        fold.within["replay"](log)
    left = {f"{lines[line - 1].strip()} @{column}: {way}" for line, column, way in fold.every - fold.seen}
    assert {each for each in left if not each.startswith(NEVER)} == set()


def test_the_kept_logs_hold_every_kind_of_event() -> None:
    """What an event of a new kind does to a case is kept, too."""
    assert set(KINDS) == {type(event).__name__ for log in logs.kept() for event in log}


def _lines(code: CodeType) -> Iterator[int]:
    """The lines of every function in a module, but not their heads."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from (at for _, _, at in each.co_lines() if at is not None and at != each.co_firstlineno)
            yield from _lines(each)
