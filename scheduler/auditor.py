"""Does the house still do what it promised? Looked for every 15 seconds; what is found is mended, and said.

1. every open case has a live deadline, and its row shows the first of them
2. nothing that is due waits for a minute
3. no letter is in the hands of a sender who is gone, and none that may go waits for long
4. the clock ticks
5. every case of a child who is out has a text at the provider that outlives the house, where such texts are kept

Where all is well nothing is written. One node at a time looks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from scheduler.deadlines import ring
from storage import mending, notices, outbox
from storage.casebook import Casebook, where
from storage.desk import Desk
from storage.mending import Wrong

EVERY = timedelta(seconds=15)
LETTER_LATE_AFTER = timedelta(seconds=120)  # P10: a channel that fails is routed around within two minutes
TICK_LATE_AFTER = timedelta(seconds=15)  # three sweeps of the metronome
SAID_EVERY = timedelta(hours=1)  # of one kind of fault, for as long as it lasts
OF_THE_CHANNELS = frozenset({"late_letters"})  # what a provider does is told by those who look after channels
OF_THE_TEXTS = frozenset({"no_dead_man_text", "dead_man_faults"})  # mended by whoever puts them there, within a look
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One look: how often each kind of fault was found, and which kinds were there at the look before, too."""

    at: datetime
    found: Mapping[str, int] = field(default_factory=dict)
    lasting: frozenset[str] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong that could not be mended at once."""
        return not self.lasting


class Auditor:
    """Looks over one casebook. `ticked`: when the clock last ticked, None where somebody moves it by hand. `texts`: of how
    many cases the dead-man texts could not be looked after, None where none are kept."""

    def __init__(
        self, casebook: Casebook, ticked: Callable[[], datetime | None] = lambda: None,
        stir: Callable[[], None] = lambda: None, texts: Callable[[], int | None] = lambda: None,
    ) -> None:  # fmt: skip
        self._casebook, self._ticked, self._stir, self._texts = casebook, ticked, stir, texts
        self._said: dict[str, datetime] = {}
        self.last: Audit | None = None
        self.mended = 0  # since this house began

    async def look(self, now: datetime) -> Audit:
        """Look, mend and say. Raises only where the database cannot be read."""
        wrong = await self._wrong(now)
        found = self._kinds(wrong, now)
        before = {} if self.last is None else self.last.found
        self.last = Audit(at=now, found=found, lasting=frozenset(found.keys() & before.keys()))
        if found:
            _log.error("the house's own check found faults", **found)
            await self._mend(wrong, now)
            await self._say(self.last, self._kinds(await self._wrong(now), now))
        return self.last

    async def _wrong(self, now: datetime) -> Wrong:
        kept = self._texts() is not None
        return await self._casebook.database.read(lambda tx: mending.look(tx, now, texts=kept))

    def _kinds(self, wrong: Wrong, now: datetime) -> dict[str, int]:
        ticked, oldest = self._ticked(), wrong.oldest_letter
        counts = {
            "overdue": len(wrong.overdue), "unarmed": len(wrong.unarmed), "hidden": len(wrong.hidden),
            "stuck_letters": wrong.stuck, "late_letters": int(oldest is not None and now - oldest > LETTER_LATE_AFTER),
            "no_dead_man_text": len(wrong.untexted), "dead_man_faults": self._texts() or 0,
            "tick": int(ticked is not None and now - ticked > TICK_LATE_AFTER),
        }  # fmt: skip
        return {kind: count for kind, count in counts.items() if count}

    async def _mend(self, wrong: Wrong, now: datetime) -> None:
        """Each by itself: what cannot be mended is found again at the next look."""
        parts = self._casebook.parts
        for case_id in dict.fromkeys([*wrong.unarmed, *wrong.hidden]):
            try:
                rearm = partial(mending.rearm, case_id=case_id, parts=parts)
                self.mended += await self._casebook.database.write(rearm)
            except Exception as fault:
                _log.critical("a case could not be given its deadlines", case=case_id, fault=where(fault))
        try:
            if wrong.overdue or wrong.hidden:
                self.mended += await ring(self._casebook, now) > 0
        except Exception as fault:
            _log.critical("what is late could not be done", fault=where(fault))
        try:
            if wrong.stuck:
                self.mended += await self._casebook.database.write(lambda tx: outbox.recover(tx, now))
        except Exception as fault:
            _log.critical("letters of a sender who is gone could not be taken back", fault=where(fault))
        self._stir()

    async def _say(self, audit: Audit, left: Mapping[str, int]) -> None:
        """Tell people on call, once an hour and kind: what could be mended, and at once what is `left`."""
        now, quiet = audit.at, OF_THE_CHANNELS | (OF_THE_TEXTS - audit.lasting)
        kinds = [kind for kind in {**audit.found, **left} if kind not in quiet]
        for text, which in (
            ("X_BROKEN", [kind for kind in kinds if kind in left]),
            ("X_MENDED", [kind for kind in kinds if kind not in left]),
        ):
            new = [kind for kind in which if now - self._said.get(f"{text} {kind}", now - SAID_EVERY) >= SAID_EVERY]
            if not new:
                continue
            count = left.get(new[0]) or audit.found[new[0]]
            try:
                await self._casebook.at_desk(partial(tell_faults, text=text, fault=f"{new[0]} {count}"))
                self._said |= dict.fromkeys([f"{text} {kind}" for kind in new], now)
            except Exception as fault:
                _log.critical("nobody could be told of the house's faults", fault=where(fault))


async def tell_faults(desk: Desk, *, text: str, fault: str) -> None:
    """Tell the co-ordinators on duty and the owners of every organisation."""
    people = await desk.directory.holders("owner")
    for organisation in await desk.directory.organisations():
        people += await desk.directory.on_duty(organisation.id, "coordinator", "", desk.now)
    await notices.tell(desk, people, text, {"fault": fault})
