"""Knows the directory as it stood when it was last changed: what was asked of it once is not asked again until then.

The register changes a few times a day, and every piece of news looks at it a dozen times. It bears a mark that the database
itself draws anew at each change (migration 0019), and an answer holds as long as the mark it was given under stands. So a
change by whatever hand, of a roster, a command, another node or a tool from outside, is seen by the next piece of news;
one that was undone brings the old mark back.
"""

from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from storage.database import Tx
from storage.directory import Directory
from storage.people import ChildRow, Home, Organisation, Person
from storage.people_rows import MARK
from storage.rota import MayBeOnCall, OnCallPart

T = TypeVar("T")

AT_MOST = 8192  # answers kept, of some 1 kB each
_NONE_YET = object()


class Memory:
    """What a house was answered under the newest mark that it saw."""

    def __init__(self, at_most: int = AT_MOST) -> None:
        self._at_most = at_most
        self._mark = ""
        self._answers: dict[Hashable, Any] = {}

    def under(self, mark: str) -> dict[Hashable, Any]:
        """The answers given under this mark; what was kept under another is dropped."""
        if mark != self._mark or len(self._answers) > self._at_most:
            self._mark, self._answers = mark, {}
        return self._answers


@dataclass(slots=True)
class Known(Directory):
    """The directory as one open transaction sees it, with the memory of its house. `kept`: between two calls of
    `stands` the mark is not looked at again."""

    memory: Memory = field(default_factory=Memory)
    kept: bool = True
    _mark: str | None = None

    def stands(self, mark: str | None) -> None:
        """Say which mark the register bears now; None: look at it before the next answer."""
        self._mark = mark

    async def person(self, person_id: str) -> Person | None:
        return await self._once(("person", person_id), Directory.person, person_id)

    async def persons(self, ids: Collection[str]) -> list[Person]:
        answers = await self._answers()
        unknown = [each for each in ids if ("person", each) not in answers]
        found = {person.person_id: person for person in await Directory.persons(self, unknown)} if unknown else {}
        people = [found[each] if each in found else answers.get(("person", each)) for each in ids]
        if unknown and await self._still_stands():
            answers.update({("person", each): found.get(each) for each in unknown})
        return sorted([person for person in people if person is not None], key=lambda person: person.person_id)

    async def person_by_telegram(self, telegram_id: int) -> Person | None:
        return await self._once(("account", telegram_id), Directory.person_by_telegram, telegram_id)

    async def people_by_number(self, e164: str) -> list[Person]:
        return list(await self._once(("number", e164), Directory.people_by_number, e164))

    async def holders(self, role: str, scope: str = "") -> list[Person]:
        return list(await self._once(("holders", role, scope), Directory.holders, role, scope))

    async def child(self, child_id: str) -> ChildRow | None:
        return await self._once(("child", child_id), Directory.child, child_id)

    async def home(self, home_id: str) -> Home | None:
        return await self._once(("home", home_id), Directory.home, home_id)

    async def organisation(self, organisation_id: str) -> Organisation | None:
        return await self._once(("organisation", organisation_id), Directory.organisation, organisation_id)

    async def may_be_on_call(self, organisation: str, home: str, hour: datetime) -> MayBeOnCall:
        asked = ("on call", organisation, home, hour)
        return await self._once(asked, Directory.may_be_on_call, organisation, home, hour)

    async def on_call_part(self, organisation: str, home: str, hour: datetime) -> OnCallPart:
        asked = ("on call of", organisation, home, hour)
        return await self._once(asked, Directory.on_call_part, organisation, home, hour)

    async def _once(self, asked: Hashable, ask: Callable[..., Awaitable[T]], *of: Any) -> T:
        """What was answered before, or the answer, which is kept if the register still bears the mark it bore.

        Where this unit itself changed the register meanwhile, its change may yet be undone.
        """
        answers = await self._answers()
        known = answers.get(asked, _NONE_YET)
        if known is not _NONE_YET:
            return cast(T, known)
        self._seen = None
        answer = await ask(self, *of)
        if await self._still_stands():
            answers[asked] = answer
        return answer

    async def _still_stands(self) -> bool:
        """Whether the newest of what was just read stood under the mark that answers are given under now."""
        if self._seen is None:
            self._seen = await _mark(self.tx)
        return self._seen == self._mark

    async def _answers(self) -> dict[Hashable, Any]:
        if self._mark is None or not self.kept:
            self._mark = await _mark(self.tx)
        return self.memory.under(self._mark)


async def _mark(tx: Tx) -> str:
    row = await tx.row(f"SELECT {MARK} AS mark")
    assert row is not None, "a query without a table has one row"
    return str(row["mark"])
