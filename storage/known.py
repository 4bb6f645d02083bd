"""Knows the directory as one piece of news looks at it: who there is and who is on duty, each asked for once.

A rise tells everybody on call, and each of their letters asks who they are, what the child is called, who took the
alert. The answers are kept for one piece of news and then forgotten: the next may have changed who there is.
"""

from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from storage.directory import Directory
from storage.people import ChildRow, Home, Organisation, Person
from storage.rota import OnCall

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Directory):
    """A directory that remembers what it was asked, until it is told to forget."""

    _answers: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def forget(self) -> None:
        """Ask anew from here on."""
        self._answers.clear()

    async def person(self, person_id: str) -> Person | None:
        return await self._once(("person", person_id), lambda: Directory.person(self, person_id))

    async def persons(self, ids: Collection[str]) -> list[Person]:
        unknown = [each for each in ids if ("person", each) not in self._answers]
        found = {person.person_id: person for person in await Directory.persons(self, unknown)}
        self._answers.update({("person", each): found.get(each) for each in unknown})
        people = [cast(Person | None, self._answers["person", each]) for each in ids]
        return sorted([person for person in people if person is not None], key=lambda person: person.person_id)

    async def child(self, child_id: str) -> ChildRow | None:
        return await self._once(("child", child_id), lambda: Directory.child(self, child_id))

    async def home(self, home_id: str) -> Home | None:
        return await self._once(("home", home_id), lambda: Directory.home(self, home_id))

    async def organisation(self, organisation_id: str) -> Organisation | None:
        return await self._once(
            ("organisation", organisation_id), lambda: Directory.organisation(self, organisation_id)
        )

    async def on_call(self, organisation: str, home: str, now: datetime) -> OnCall:
        asked = ("on call", organisation, home, now)
        on_call = await self._once(asked, lambda: Directory.on_call(self, organisation, home, now))
        people = [*on_call.people, *(person for _, person in on_call.lines)]
        self._answers.update({("person", person.person_id): person for person in people})
        return on_call

    async def _once(self, asked: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        if asked not in self._answers:
            self._answers[asked] = await ask()
        return cast(T, self._answers[asked])
