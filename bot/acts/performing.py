"""Knows every act by its name, and performs one in one unit of work: in the running house, or by a command alone."""

from dataclasses import dataclass

from bot.acts import cases, messages, people, rota
from bot.acts.desk_work import REFUSED, USAGE, Act, Arguments, BadUsage, Said
from casework.errors import NotAllowed
from storage.casebook import Casebook
from storage.desk import Desk

ACTS: dict[str, Act] = {**cases.ACTS, **people.ACTS, **messages.ACTS, **rota.ACTS}


@dataclass(frozen=True, slots=True)
class Performer:
    """Performs acts. `take_telegram_ids`: the sandbox, or a house whose every provider is this very machine."""

    casebook: Casebook
    take_telegram_ids: bool = False

    async def __call__(self, name: str, arguments: Arguments) -> Said:
        """Perform one act. What was refused or mistyped is an answer, never an exception; nothing of it is kept."""
        act = ACTS.get(name)
        if act is None:
            return Said(USAGE, (f"this house knows no act {name!r}",))
        known = {**arguments, "take_telegram_ids": self.take_telegram_ids}

        async def at_desk(desk: Desk) -> Said:
            return await act(desk, known)

        try:
            return await self.casebook.at_desk(at_desk)
        except NotAllowed as refusal:
            return Said(REFUSED, (str(refusal),))
        except BadUsage as mistake:
            return Said(USAGE, (str(mistake),))
