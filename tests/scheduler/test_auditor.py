"""The house's own check: what it finds, what it mends, whom it tells, and that it writes nothing where all is well."""

from datetime import timedelta
from pathlib import Path

import pytest

from scheduler.auditor import Auditor
from storage.codec import ms
from tests.databases import ON_BOTH
from tests.storage.houses import House, a_house

pytestmark = ON_BOTH


async def told(h: House) -> list[tuple[str, str]]:
    """What was said of the house's own faults, and to whom."""
    rows = await h.rows(
        "SELECT text, person FROM outbox WHERE text IN ('X_MENDED', 'X_BROKEN') AND channel = 'sms' ORDER BY text, person"
    )
    return [(row["text"], row["person"]) for row in rows]


async def test_where_all_is_well_nothing_is_found_and_nothing_written(tmp_path: Path) -> None:
    """An idle house costs a few looks by key."""
    async with a_house(tmp_path) as h:
        await h.opens()
        auditor, writes = Auditor(h.casebook, h.clock.now), list[object]()
        h.database.write = writes.append  # type: ignore[method-assign, assignment]
        audit = await auditor.look(h.clock.now())
        assert audit.passed and not audit.found and not writes


async def test_a_case_that_lost_its_deadlines_gets_them_again_and_it_is_said(tmp_path: Path) -> None:
    """P1: the deadlines follow from the case, so nothing is lost with them."""
    async with a_house(tmp_path) as h:
        await h.opens()
        before = await h.rows("SELECT * FROM deadline ORDER BY key")
        await h.database.write(lambda tx: tx.run("DELETE FROM deadline"))
        auditor = Auditor(h.casebook)
        audit = await auditor.look(h.clock.now())
        assert dict(audit.found) == {"unarmed": 1} and audit.passed and auditor.mended == 1
        assert await h.rows("SELECT * FROM deadline ORDER BY key") == before and not await h.findings()
        assert await told(h) == [("X_MENDED", "cass")]
        assert not (await auditor.look(h.clock.after(seconds=15))).found


async def test_a_deadline_that_the_case_does_not_show_is_rung(tmp_path: Path) -> None:
    """It would have waited for as long as its row said something later."""
    async with a_house(tmp_path) as h:
        await h.opens()
        due = (await h.row("SELECT next_due FROM case_row"))["next_due"]
        later = due + 86_400_000
        await h.database.write(lambda tx: tx.run("UPDATE case_row SET next_due = ?", later))
        h.clock.instant = h.clock.instant + timedelta(milliseconds=due - ms(h.clock.instant), minutes=2)
        audit = await Auditor(h.casebook).look(h.clock.now())
        assert audit.found["hidden"] == 1
        assert await h.rows("SELECT 1 AS yes FROM event WHERE kind = 'DeadlinePassed'")
        assert "hidden" not in (await Auditor(h.casebook).look(h.clock.now())).found


async def test_what_is_overdue_is_rung_where_the_clock_stands_still(tmp_path: Path) -> None:
    """The bells are wound by another hand for once; that the clock stands is found as well."""
    async with a_house(tmp_path) as h:
        await h.opens()
        ticked = h.clock.now()
        h.clock.after(hours=1)
        auditor = Auditor(h.casebook, lambda: ticked)
        audit = await auditor.look(h.clock.now())
        assert dict(audit.found) == {"overdue": 1, "tick": 1, "late_letters": 1}  # nobody posts here
        assert await h.rows("SELECT 1 AS yes FROM event WHERE kind = 'DeadlinePassed'")
        again = await auditor.look(h.clock.after(seconds=15))
        assert again.lasting == {"tick", "late_letters"} and not again.passed
        assert ("X_BROKEN", "cass") in await told(h)


async def test_letters_of_a_sender_who_is_gone_go_out_again(tmp_path: Path) -> None:
    """A minute after whoever took them should have been done."""
    async with a_house(tmp_path) as h:
        await h.opens()
        past = ms(h.clock.now() - timedelta(seconds=61))
        (letter, *_) = await h.rows("SELECT id FROM outbox WHERE state = 'queued'")
        await h.database.write(
            lambda tx: tx.run("UPDATE outbox SET state = 'sending', held_until = ? WHERE id = ?", past, letter["id"])
        )
        stirred: list[bool] = []
        audit = await Auditor(h.casebook, stir=lambda: stirred.append(True)).look(h.clock.now())
        assert dict(audit.found) == {"stuck_letters": 1} and stirred
        assert (await h.row("SELECT state FROM outbox WHERE id = ?", letter["id"]))["state"] == "queued"


async def test_the_same_fault_is_told_once_an_hour(tmp_path: Path) -> None:
    """One that comes again and again does not flood whoever is on call."""
    async with a_house(tmp_path) as h:
        await h.opens()
        auditor = Auditor(h.casebook)
        for _ in range(4):
            await h.database.write(lambda tx: tx.run("DELETE FROM deadline"))
            await auditor.look(h.clock.after(seconds=15))
            assert not (await auditor.look(h.clock.after(seconds=15))).found
        assert await told(h) == [("X_MENDED", "cass")]
        await h.database.write(lambda tx: tx.run("DELETE FROM deadline"))
        await auditor.look(h.clock.after(hours=1))
        assert len(await told(h)) >= 2


async def test_what_could_not_be_mended_is_not_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look tells that it is broken, never that no child waits; what was mended beside it is told as such."""

    async def fail(*_: object) -> int:
        raise ValueError("the bells are stuck")

    async with a_house(tmp_path) as h:
        await h.opens()
        past = ms(h.clock.now() + timedelta(seconds=1))
        await h.database.write(lambda tx: tx.run("UPDATE outbox SET state = 'sending', held_until = ?", past))
        h.clock.after(hours=1)
        monkeypatch.setattr("scheduler.auditor.ring", fail)
        auditor = Auditor(h.casebook)
        found = (await auditor.look(h.clock.now())).found
        assert {"overdue", "stuck_letters"} <= found.keys()
        assert await told(h) == [("X_BROKEN", "cass"), ("X_MENDED", "cass")]
        said = {row["text"]: row["body"] for row in await h.rows("SELECT text, body FROM outbox WHERE text LIKE 'X_%'")}
        assert ": overdue 1." in said["X_BROKEN"] and f": stuck_letters {found['stuck_letters']}." in said["X_MENDED"]
