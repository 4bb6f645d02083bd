"""What a person may do to a case through the command line; each is one piece of news, recorded through the one door."""

from bot.acts.desk_work import (
    CHANNEL,
    FINDINGS,
    REFUSED,
    Act,
    Arguments,
    BadUsage,
    Said,
    author,
    decides,
    somebody,
    standing,
    the_case,
    time_of,
    works,
)
from bot.locales import books
from casework.case import Case
from casework.commands import NUMBER_AT_MOST
from casework.errors import NotAllowed
from casework.events import (
    AbsenceReported,
    AlertAcknowledged,
    ChildSeen,
    CloseAsked,
    CloseRefused,
    News,
    NoteMade,
    PoliceDeclined,
    PoliceLogged,
    ReturnClaimed,
    WorryRaised,
)
from casework.levels import Side, Status
from casework.limits import LONDON
from casework.times import read_coming
from handlers import taking
from handlers.inbox import signs
from storage.addressees import askable
from storage.desk import Desk
from storage.directory import Person


async def open_case(desk: Desk, arguments: Arguments) -> Said:
    """Open a case for a child, or join the one that is open; the adult who is asked is the author, or `to`."""
    by = await author(desk, arguments)
    opening = await desk.opening(str(arguments["child"]))
    if by.organisation != opening.organisation:
        raise NotAllowed(f"{by.person_id} does not belong to {opening.organisation}")
    reporter = await somebody(desk, str(arguments["to"])) if arguments.get("to") else by
    side = _side(reporter, opening.home, opening.child.child_id)
    due, seen = arguments.get("due"), arguments.get("seen")
    t0 = time_of(str(due or seen), desk.now) if due or seen else desk.now
    case_id = await desk.open(
        AbsenceReported(
            at=desk.now, by=by.person_id, channel=CHANNEL, case_id=opening.case_id, code=opening.code,
            organisation=opening.organisation, home=opening.home, child=opening.child, protocol=opening.protocol,
            t0=t0, t0_kind="due" if due else "seen" if seen else "reported", opened_at=desk.now, side=side,
            reporter=reporter.person_id, reporter_channel=_channel(reporter, side),
            askable=side is Side.STAFF or askable(reporter),
        )
    )  # fmt: skip
    return await standing(desk, case_id, "opened" if case_id == opening.case_id else "joined the case that is open")


def _side(reporter: Person, home: str, child_id: str) -> Side:
    """Which checks this adult is asked. Raises NotAllowed for one who has to do with neither home nor child."""
    if works(reporter, home):
        return Side.STAFF
    if child_id in reporter.parent_of:
        return Side.PARENT
    raise NotAllowed(f"{reporter.person_id} is neither staff of {home}, nor on call, nor a parent of {child_id}")


def _channel(reporter: Person, side: Side) -> str:
    return "telegram" if side is Side.STAFF and reporter.telegram_id is not None else "sms"


async def claim(desk: Desk, arguments: Arguments) -> Said:
    """Somebody says the child is back: a claim; the clock runs on."""
    by, case = await _both(desk, arguments)
    news = ReturnClaimed(at=desk.now, by=by.person_id, channel=CHANNEL, words=await _kept(desk, case, arguments))
    return await _recorded(desk, case, news, "noted as a claim: the clock runs on until the child is seen")


async def verify_return(desk: Desk, arguments: Arguments) -> Said:
    """The child was seen: by police or social care, named and with a reference, or the stored number was rung."""
    by, case = await _both(desk, arguments)
    via = str(arguments.get("via") or "callback")
    if not (decides(by, case.home) or (via != "callback" and works(by, case.home))):
        raise NotAllowed("only a co-ordinator, a deputy or the home's manager confirms a return by ringing")
    if via != "callback" and not (arguments.get("name") and arguments.get("reference")):
        raise BadUsage("a sighting by police or social care needs --name and --reference")
    seen_at = time_of(str(arguments["seen"]), desk.now) if arguments.get("seen") else desk.now
    news = ChildSeen(
        at=desk.now, by=by.person_id, channel=CHANNEL, via=via, seen_at=seen_at,
        elsewhere=bool(arguments.get("elsewhere")), words=await _kept(desk, case, arguments, "name", "reference"),
    )  # fmt: skip
    await desk.record(case.case_id, news)
    after = await desk.case(case.case_id)
    done = after is not None and after.returned
    return await standing(desk, case.case_id, "return confirmed" if done else "noted; a second person must confirm it")


async def close(desk: Desk, arguments: Arguments) -> Said:
    """Sign the end of a case; refused while something is missing, and the answer says what."""
    by, case = await _both(desk, arguments)
    if not signs(by, case):
        raise NotAllowed("only the home's manager closes a case; for a child at home the co-ordinator does")
    words = await _kept(desk, case, arguments)
    news = CloseAsked(at=desk.now, by=by.person_id, channel=CHANNEL, words=words)
    done = await desk.record(case.case_id, news)
    refused = next((each for each in done.decisions if isinstance(each, CloseRefused)), None)
    if refused is not None:
        says = books()["en"].phrase
        missing = ", ".join(says.get(f"missing_{each}", each) for each in refused.missing)
        return Said(REFUSED, (f"not yet closed; missing: {missing}",), {"missing": list(refused.missing)})
    if done.case.status is not Status.CLOSED:
        return await standing(desk, case.case_id, "not closed: the child has not been seen", code=REFUSED)
    return await standing(desk, case.case_id, "closed")


async def note(desk: Desk, arguments: Arguments) -> Said:
    """Keep words with the case; `call`: a person on call acted, so that their taking of the alert starts anew."""
    by, case = await _both(desk, arguments)
    words = await _kept(desk, case, arguments)
    acted = bool(arguments.get("call")) and decides(by, case.home)
    news = NoteMade(at=desk.now, by=by.person_id, channel=CHANNEL, words=words, acted=acted)
    return await _recorded(desk, case, news, "noted")


async def worry(desk: Desk, arguments: Arguments) -> Said:
    """Raise the case: the worry of any adult is a red flag (R16)."""
    by, case = await _both(desk, arguments)
    news = WorryRaised(at=desk.now, by=by.person_id, channel=CHANNEL, words=await _kept(desk, case, arguments))
    return await _recorded(desk, case, news, "raised")


async def log_number(desk: Desk, arguments: Arguments) -> Said:
    """Record a police log number; from here on the case is reported. A parent's word is for others to confirm."""
    by, case = await _both(desk, arguments)
    number = str(arguments["number"]).strip()
    if not number or len(number) > NUMBER_AT_MOST:
        raise BadUsage(f"a log number has 1 to {NUMBER_AT_MOST} characters")
    if not works(by, case.home):
        raise NotAllowed("a log number is recorded by staff, a manager, a co-ordinator or a deputy")
    news = PoliceLogged(at=desk.now, by=by.person_id, channel=CHANNEL, number=number)
    return await _recorded(desk, case, news, f"police log number {number} recorded")


async def declined(desk: Desk, arguments: Arguments) -> Said:
    """Record that the police said no: why, and when they will look again."""
    by, case = await _both(desk, arguments)
    if not works(by, case.home):
        raise NotAllowed("that the police declined is recorded by staff, a manager, a co-ordinator or a deputy")
    review_at = read_coming(str(arguments["review"]), desk.now) if arguments.get("review") else None
    if arguments.get("review") and review_at is None:
        raise BadUsage("--review is the time the police will look again, like 23:30")
    news = PoliceDeclined(
        at=desk.now, by=by.person_id, channel=CHANNEL, number=arguments.get("number"), review_at=review_at,
        words=await _kept(desk, case, arguments),
    )  # fmt: skip
    return await _recorded(desk, case, news, "noted: the case goes on, on our own clock")


async def acknowledge(desk: Desk, arguments: Arguments) -> Said:
    """Take the alert of a case; findings where somebody else has it. Raises NotAllowed for somebody it never went to and who
    is not on call."""
    by, case = await _both(desk, arguments)
    if case.alert.rung == 0 and await desk.alert_for(case.case_id, by.person_id) is None:
        raise NotAllowed(f"no alert of {case.code} runs")
    if not (decides(by, case.home) or "owner" in by.roles or await desk.alerts_for(case.case_id, by.person_id)):
        raise NotAllowed(f"{by.person_id} is not on call for {case.code}")
    if (day := await taking.day_in_hand(desk, case, by.person_id)) is not None:
        return await _recorded(desk, case, taking.taken_on(desk, by.person_id, CHANNEL, day), f"noted: {day}")
    rung, holder = await taking.highest(desk, case, by.person_id), case.alert.taken_by
    if holder not in (None, by.person_id) and rung is None and case.alert.taken_at is not None:
        since = f"{case.alert.taken_at.astimezone(LONDON):%H:%M}"
        return await standing(desk, case.case_id, f"{holder} took it at {since}", code=FINDINGS)
    news = AlertAcknowledged(at=desk.now, by=by.person_id, channel=CHANNEL, rung=rung)
    after = (await desk.record(case.case_id, news)).case
    more = taking.became(case, after, by.person_id) == taking.MORE
    line = f"noted: {by.person_id} has answered, one more person must" if more else f"taken by {by.person_id}"
    return await standing(desk, case.case_id, line)


async def _both(desk: Desk, arguments: Arguments) -> tuple[Person, Case]:
    by = await author(desk, arguments)
    case = await the_case(desk, arguments, by)
    if not works(by, case.home) and case.child.child_id not in by.parent_of and "owner" not in by.roles:
        raise NotAllowed(f"{by.person_id} has nothing to do with {case.code}")
    return by, case


async def _recorded(desk: Desk, case: Case, news: News, line: str) -> Said:
    await desk.record(case.case_id, news)
    return await standing(desk, case.case_id, line)


async def _kept(desk: Desk, case: Case, arguments: Arguments, *names: str) -> str | None:
    """Keep what was typed apart from the log; None where nothing was."""
    parts = [str(arguments[name]) for name in (*names, "words") if arguments.get(name)]
    if not parts:
        return None
    return await desk.keep(", ".join(parts), case_id=case.case_id, child_id=case.child.child_id)


ACTS: dict[str, Act] = {
    "case open": open_case,
    "case claim": claim,
    "case verify-return": verify_return,
    "case close": close,
    "case note": note,
    "case raise": worry,
    "case log-number": log_number,
    "case declined": declined,
    "ack": acknowledge,
}
