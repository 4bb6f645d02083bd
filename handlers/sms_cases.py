"""Which of the cases that concern a number a text is about: the one named, the only one, or the one picked.

Who may not be told whether a case is open gets what strangers get.
"""

from casework.commands import Command
from casework.wording import is_drill
from handlers.inbox import is_watch, may_see
from handlers.texter import Concern, Texter
from storage.addressees import askable


async def the_case(texter: Texter, command: Command) -> Concern | None:
    """The one case a command is about. None: they were told that there is none, that it is over, or asked which."""
    concerns = await texter.concerns()
    if command.ref is not None and not texter.chosen and not (concerns and await _mistyped(texter, command)):
        found = next((c for c in concerns if c.case.code == command.ref), None)
        return found or await _named(texter, command.ref, concerns)
    if texter.chosen:
        concerns = [c for c in concerns if await _picked(texter, c)] or concerns
    if len(concerns) == 1:
        return concerns[0]
    if concerns:
        await ask_which(texter, concerns)
    else:
        await _none_open(texter)
    return None


async def _mistyped(texter: Texter, command: Command) -> bool:
    """Whether somebody worries about a ref that leads them to no case, nor to a rehearsal: a wrong digit costs no worry. What
    is told of the police or of a return is never taken for another case than the one that was named."""
    if command.word != "WORRIED" or command.ref is None or is_drill(command.ref):
        return False
    for person in texter.people:
        case = await texter.desk.case_by_code(command.ref, [person.organisation])
        if case is not None and await may_see(texter.desk, person, case):
            return False
    return True


async def _picked(texter: Texter, concern: Concern) -> bool:
    child_id = concern.case.child.child_id
    letter = await texter.initial_of(child_id)
    return texter.names(letter, concern.case.code) or texter.names(letter, child_id)


async def _named(texter: Texter, ref: str, concerns: list[Concern]) -> Concern | None:
    """A case that was named by its ref: one they may see, though nothing of it is theirs; else they learn nothing of it, and
    whose own case is open is asked whether that is meant."""
    for person in texter.people:
        case = await texter.desk.case_by_code(ref, [person.organisation])
        if case is not None and await may_see(texter.desk, person, case):
            concern = Concern(person, case)
            if case.open and not is_watch(case):
                return concern
            if not case.open and concern.trusted:
                await texter.reply("N_OVER")
                return None
    if concerns and not is_drill(ref):
        await ask_which(texter, concerns)
    else:
        await _none_open(texter)
    return None


async def _none_open(texter: Texter) -> None:
    """Who may not be told whether a case is open gets what strangers get."""
    if any(askable(p) or not p.parent_of for p in texter.people):
        await texter.reply("N_NOCASE")
    else:
        await texter.neutral()


async def ask_which(texter: Texter, concerns: list[Concern]) -> None:
    """Ask which case is meant."""
    options = [(await texter.initial_of(c.case.child.child_id), c.case.code) for c in concerns if c.trusted]
    if options:
        await texter.ask_which(options)
    else:
        await texter.neutral()
