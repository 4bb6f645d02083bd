"""Knows a country full of homes, and the news of a night in it: what 64 people tell the casebook at once.

The news of a case is that of a real night: the answers to the checks one by one, a note now and then, and in one case
of three an adult who is very worried, which declares the child missing, alerts people on call and files a report; then
the alert is taken and a log number told. Every piece comes with a message of its own for the inbox.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Self, TypeAlias

from bot.chance import Chance
from bot.locales import books
from casework.events import AlertAcknowledged, CheckAnswered, News, NoteMade, PoliceLogged
from casework.levels import Trust
from storage import roster
from storage.casebook import Casebook
from storage.database import Database
from storage.inbox import Heard
from storage.migrate import migrate
from storage.parts import no_crash
from storage.roster_file import Entry, Roster
from tests.builders import BASE, the_protocol
from tests.storage.houses import opening

HOMES_AN_ORGANISATION, CHILDREN_A_HOME = 50, 6
KEY = b"k" * 32
RAW = '{"text": "' + "x" * 300 + '"}'
EVERY_GRAVE = 3
GUESSED_RATE, ROOM = 500.0, 2.0  # records a second, until it is known; more than a slice may need

Told: TypeAlias = Callable[[datetime, str], News]  # the instant, the home's number


def _answer(check: str, *values: str) -> Told:
    return lambda at, home: CheckAnswered(at=at, by=f"staff{home}", channel="telegram", check=check, values=values)


def _note(at: datetime, home: str) -> News:
    return NoteMade(at=at, by=f"staff{home}", channel="telegram")


def _taken(at: datetime, home: str) -> News:
    return AlertAcknowledged(at=at, by=f"coordinator{int(home) // HOMES_AN_ORGANISATION}", channel="telegram")


def _logged(at: datetime, home: str) -> News:
    return PoliceLogged(at=at, by=f"staff{home}", channel="telegram", trust=Trust.VERIFIED, number="1234")


CALM: Sequence[Told] = (
    _answer("C01", "no"), _answer("C04", "no_answer"), _answer("C03", "bedroom", "all_rooms"), _note,
    _answer("C08", "nobody_knows"), _answer("C09", "nobody"), _answer("C10", "no"), _answer("C11", "none"), _note,
    _answer("C12", "not_worried"), _answer("D13", "not_needed"), _note,
)  # fmt: skip
GRAVE: Sequence[Told] = (
    *CALM[:9],
    _answer("C12", "very_worried"),
    _taken,
    _answer("D13", "not_needed"),
    _logged,
    _note,
)


def now() -> datetime:
    """The machine's instant."""
    return datetime.now(UTC)


def parsed(children: int) -> Roster:
    """The roster of a country with so many children, six to a home and fifty homes to an organisation."""
    homes = -(-children // CHILDREN_A_HOME)
    organisations = -(-homes // HOMES_AN_ORGANISATION)
    people, duties = list[Entry](), list[Entry]()
    for number in range(organisations):
        for place, role in enumerate(("coordinator", "deputy", "owner")):
            contact = 3 * number + place
            people.append({"id": f"{role}{number}", "organisation": f"org{number}", "name": f"{role} {number}",
                           "roles": [role], "mobile": f"+447700{900000 + contact % 1000}",
                           "telegram_id": 10_000_000 + contact})  # fmt: skip
            if role != "owner":
                duties.append({"organisation": f"org{number}", "role": role, "person": f"{role}{number}"})
    for number in range(homes):
        for role, accounts in (("staff", 20_000_000), ("manager", 30_000_000)):
            people.append({"id": f"{role}{number}", "organisation": f"org{number // HOMES_AN_ORGANISATION}",
                           "name": f"{role} {number}", "roles": [f"{role}:home{number}"],
                           "telegram_id": accounts + number})  # fmt: skip
    tables: dict[str, list[Entry]] = {
        "organisation": [
            {"id": f"org{number}", "name": f"Organisation {number}", "jurisdiction": "england", "protocol": BASE,
             "duty_number": "+441632960100", "police_email": "control@police.example"} for number in range(organisations)
        ],
        "home": [
            {"id": f"home{number}", "organisation": f"org{number // HOMES_AN_ORGANISATION}", "kind": "children",
             "name": f"House {number}", "town": "Exampleton"} for number in range(homes)
        ],
        "child": [
            {"id": f"C{number}", "home": f"home{number // CHILDREN_A_HOME}", "first_name": "Kai",
             "family_name": "Example", "born": date(2011, 2, 3)} for number in range(children)
        ],
        "person": people,
        "duty": duties,
    }  # fmt: skip
    return Roster(tables, {name: list(range(len(entries))) for name, entries in tables.items()})


def casebook_of(
    database: Database, clock: Callable[[], datetime] = now, crash: Callable[[str], None] = no_crash
) -> Casebook:
    """The casebook of a database, as the house makes it."""
    return Casebook(database, {BASE: the_protocol()}, books(), clock, Chance(), audit_key=KEY, crash=crash)


@dataclass(slots=True)
class Out:
    """A case that is out: whose it is, and how much of its night was told."""

    case_id: str
    number: int
    told: int = 0

    @property
    def home(self) -> str:
        return str(self.number // CHILDREN_A_HOME)

    @property
    def night(self) -> Sequence[Told]:
        return GRAVE if self.number % EVERY_GRAVE == 0 else CALM


@dataclass
class Country:
    """A casebook with so many children in it, of whom each may be out once, and the callers who tell it of them."""

    casebook: Casebook
    children: int
    numbers: "count[int]" = field(default_factory=count)
    waiting: deque[Out] = field(default_factory=deque)
    _messages: "count[int]" = field(default_factory=count)
    _fastest: float = GUESSED_RATE

    @classmethod
    async def settled(cls, database: Database, children: int, clock: Callable[[], datetime] = now) -> Self:
        """Bring an empty database up to date and fill its register."""
        await migrate(database)
        everybody = parsed(children)
        await database.write(lambda tx: roster.apply(tx, everybody, take_telegram_ids=True))
        return cls(casebook_of(database, clock), children)

    async def opens(self, cases: int) -> None:
        """Open so many cases, each of a child who was not out yet."""
        numbers = [next(self.numbers) for _ in range(cases)]
        assert not numbers or numbers[-1] < self.children, "everybody is out"
        self.waiting += await asyncio.gather(*(self._open(number) for number in numbers))

    async def _open(self, number: int) -> Out:
        act = opening(f"C{number}", f"staff{number // CHILDREN_A_HOME}")
        return Out(await self.casebook.at_desk(act), number)

    async def spread_out(self, cases: int, *, whole: bool = False) -> None:
        """Open so many cases and bring each to another point of its night, so that callers tell all of it at once.

        `whole`: to its end.
        """
        await self.opens(cases)
        await asyncio.gather(*(self._begin(out, whole) for out in self.waiting))

    async def _begin(self, out: Out, whole: bool) -> None:
        for _ in range(len(out.night) if whole else out.number % len(CALM)):
            await self._tell(out)

    async def _tell(self, out: Out) -> None:
        news = out.night[out.told](self.casebook.now(), out.home)
        out.told += 1
        await self.casebook.record(out.case_id, news, self.heard())

    def heard(self) -> Heard:
        """A message nobody heard before."""
        number = next(self._messages)
        return Heard(source="telegram", external_id=f"m{number}", received_at=self.casebook.now(), raw=RAW)

    async def tells(self, callers: int, seconds: float) -> float:
        """Records a second while so many callers tell one piece of news after another, each of a case of its own."""
        await self.stock_up(callers, seconds)
        begun = time.perf_counter()
        told = await asyncio.gather(*(self._caller(begun + seconds) for _ in range(callers)))
        rate = sum(told) / (time.perf_counter() - begun)
        self._fastest = max(self._fastest, rate)
        return rate

    async def stock_up(self, callers: int, seconds: float) -> None:
        """Have enough still to be told, before the time is taken: nobody may run out of news."""
        left = sum(len(out.night) - out.told for out in self.waiting)
        wanted = callers * len(GRAVE) + self._fastest * seconds * ROOM
        await self.opens(max(0, int((wanted - left) / len(CALM))))

    async def _caller(self, until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            out = self.waiting.popleft()
            while out.told < len(out.night) and time.perf_counter() < until:
                await self._tell(out)
                done += 1
            if out.told < len(out.night):
                self.waiting.appendleft(out)
        return done
