"""What of the missing report may be seen on Telegram: the script to read out, with a blank where the name goes.

The document itself goes to people on call alone, protected, and only where their organisation wants it so.
"""

from casework import report_script
from casework.case import Case
from casework.report_log import Reading, Register
from handlers import inbox
from handlers.talk import Talk, split_ref
from storage import log, words


async def report(talk: Talk, rest: str) -> None:
    """`/report [REF]`: the script; for people on call also the document, or where it lies."""
    ref, _ = split_ref(rest)
    case = await talk.which(ref, "report")
    if case is not None:
        await give(talk, case)


async def give(talk: Talk, case: Case) -> None:
    """Hand over what of the report this person may have."""
    if not case.reports:
        await talk.say("report_none", case=case)
        return
    if not await talk.works(case):
        await talk.say("refused")
        return
    await talk.say("script", {"text": await _script(talk, case)}, case=case)
    if not inbox.answers_for(talk.person, case.home):
        return
    organisation = await talk.desk.directory.organisation(case.organisation)
    number = {"number": str(case.reports)}
    if organisation is not None and organisation.report_in_telegram:
        await talk.say("report_caption", number, case=case, document=f"{case.case_id}/{case.reports}")
    else:
        await talk.say("report_where", number, case=case)


async def _script(talk: Talk, case: Case) -> str:
    directory, tx = talk.desk.directory, talk.desk.tx
    child = await directory.child(case.child.child_id)
    home = await directory.home(case.home)
    organisation = await directory.organisation(case.organisation)
    assert child is not None, "the child of a case is on the register"
    register = Register(
        book=talk.book, first_name=child.first_name, family_name=child.family_name, born=child.born,
        home="" if home is None else home.name, town="" if home is None else home.town,
        organisation="" if organisation is None else organisation.name, profile=child.profile,
        names={p.person_id: p.name for p in await directory.people(case.organisation)},
        words=await words.of_case(tx, case.case_id),
    )  # fmt: skip
    entries = await log.events(tx, case.case_id)
    return report_script.without_name(Reading(entries, case, talk.protocol(case), register))
