"""Plays the night of a rehearsal: a child is not back, the adult who reported it falls silent, and nobody takes the alert
until the child is a missing one and it has climbed to everybody; then all who answer take it at once, the police's
number is told, and the child is seen.

So every rung is tried in one night, which no real night may be allowed to do.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.acts.performing import Performer
from bot.rehearsal.stage import Drill
from casework.case import Case
from casework.errors import NotAllowed
from storage import cases
from storage.database import Row, Tx
from storage.directory import Directory
from storage.people import Person

DESK = ("coordinator", "deputy")
LONGEST = timedelta(hours=12)  # by then every limit of every protocol has passed
AFTER_THE_CLIMB = timedelta(minutes=1)  # what may be said a minute later has been said
UNTIL_SEEN = timedelta(minutes=45)
QUIET = timedelta(minutes=90)  # after the return: no alert may come in it
_TAKE = re.compile(r"\bACK (X\d+) (\d{4})\b")


@dataclass(frozen=True, slots=True)
class Adult:
    """The adult who reports the child, and who ends the night from a desk: somebody on call, where there is anybody."""

    reports: Person
    desk: Person | None
    child: str


async def adult_of(tx: Tx, organisation: str, home_id: str, child_id: str) -> Adult:
    """Who reports this child: staff of the home, or a verified parent who may be told. Raises NotAllowed for nobody."""
    directory = Directory(tx)
    staff = [person for person in await directory.staff_of(home_id) if person.telegram_id is not None]
    parents = [p for p in await directory.parents_of(child_id) if p.verified and p.contact == "open" and p.mobile]
    reports = next(iter([*staff, *parents]), None)
    if reports is None:
        raise NotAllowed(f"{home_id}: no member of staff with Telegram and no verified parent could report {child_id}")
    people = [person for person in await directory.people(organisation) if person.active]
    desk = next((person for role in DESK for person in people if role in person.roles), None)
    return Adult(reports, desk, child_id)


class Night:
    """One case of one child, from the absence to the return."""

    def __init__(self, stage: Drill, adult: Adult, silent: Collection[str]) -> None:
        self._stage, self._adult, self._silent = stage, adult, silent
        self._act = Performer(stage.house.casebook)
        self.case_id = self.code = ""
        self.answered: set[str] = set()
        self.taken_by: str | None = None
        self.seen_at = stage.now
        self._take = {book.label["TAKE"] for book in stage.house.books.values() if "TAKE" in book.label}

    async def play(self) -> None:
        """Play it from its beginning to its end. Raises NotAllowed where the house refuses what must be possible."""
        await self._opens()
        await self._climbs()
        await self._is_taken()
        desk = self._adult.desk
        if desk is not None:
            await self._does("case log-number", by=desk.person_id, number="DRILL 1")
            await self._stage.move_to(self._stage.now + UNTIL_SEEN)
            await self._does(
                "case verify-return", by=desk.person_id, via="police", name="PC Drill", reference="DRILL 2"
            )
        self.seen_at = self._stage.now
        await self._stage.move_to(self._stage.now + QUIET)

    async def case(self) -> Case:
        """The case as it stands."""
        held = await self._stage.house.database.read(lambda tx: cases.find(tx, self.case_id))
        assert held is not None, "it was opened"
        return held.case

    async def alerts(self) -> list[Row]:
        """Every alert that was made: rung, person, channel, and what became of its letter."""
        return await self._stage.house.database.read(
            lambda tx: tx.rows(
                "SELECT alert.rung, alert.person, alert.channel, alert.made_at, alert.state AS alert, outbox.state,"
                " outbox.address, outbox.text FROM alert JOIN outbox ON outbox.id = alert.letter_id WHERE alert.case_id = ?"
                " ORDER BY alert.made_at, alert.alert_id", self.case_id,
            )
        )  # fmt: skip

    # ---- its acts ----

    async def _opens(self) -> None:
        reporter = self._adult.reports.person_id
        await self._does("case open", by=reporter, child=self._adult.child)
        rows = await self._stage.house.database.read(lambda tx: tx.rows("SELECT case_id, code FROM case_row"))
        self.case_id, self.code = rows[0]["case_id"], rows[0]["code"]

    async def _climbs(self) -> None:
        """Time passes from deadline to deadline; nobody says anything, until everybody on call was alerted."""
        end = self._stage.now + LONGEST
        while self._stage.now < end:
            case = await self.case()
            last = self._stage.house.shelf[case.protocol].last_rung
            if case.missing_at is not None and case.alert.rung >= last:
                break
            due = await self._stage.house.casebook.next_due()
            if due is None:
                raise NotAllowed("the night does not move on: no deadline is armed")
            await self._stage.move_to(min(due, end))
        await self._stage.move_to(self._stage.now + AFTER_THE_CLIMB)

    async def _is_taken(self) -> None:
        """Everybody who reads alerts and answers takes it, by the first phone on which one stands."""
        alerted = dict.fromkeys(row["person"] for row in await self.alerts())
        for person in alerted:
            if person not in self._silent and await self._takes(person):
                self.answered.add(person)
        self.taken_by = (await self.case()).alert.taken_by

    async def _takes(self, person: str) -> bool:
        for channel, address in self._stage.cast.phones.get(person, {}).items():
            for shown in reversed(self._stage.board.phone(channel, address)):
                token = next((t for row in shown.buttons for label, t in row if label in self._take), None)
                typed = _TAKE.search(shown.text) if channel == "sms" else None
                if token is not None:
                    await self._stage.presses(address, shown.message_id, token)
                elif typed is not None:
                    await self._stage.texts(address, typed[0])
                if token is not None or typed is not None:
                    await self._stage.settle()
                    return True
        return False

    async def _does(self, act: str, **arguments: str) -> Mapping[str, Any]:
        more = {"case": self.case_id} if self.case_id else {}
        said = await self._act(act, {**more, **arguments})
        if said.code:
            raise NotAllowed(f"{act}: {' '.join(said.lines)}")
        await self._stage.settle()
        return {} if said.data is None else dict(said.data)
