"""What would fail on the night: looked for by day, and said in a sentence each, with what to do about it.

It only looks: nothing is changed, nobody is written to.
"""

from bot.doctor import duty, machine, proof, providers, register
from bot.doctor.found import Found
from bot.settings import Settings


async def examine(settings: Settings) -> list[Found]:
    """Look at settings, files, disk, database, people, duty, protocols and, outside the sandbox, the providers."""
    return [
        *machine.examine(settings), *proof.examine(settings), *await register.examine(settings), *await duty.examine(settings),
        *await providers.examine(settings),
    ]  # fmt: skip
