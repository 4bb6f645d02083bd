"""What a person may do to the register through the command line: take a roster, add, invite or cut off a person."""

from bot.acts.desk_work import CHANNEL, FINDINGS, FINE, Act, Arguments, BadUsage, Said, author, somebody
from casework.errors import NotAllowed
from casework.events import DeadlinePassed
from storage import invites, pins, roster
from storage.desk import Desk
from storage.directory import Person
from storage.numbers import e164
from storage.roster import PLAIN_ROLES, SCOPED, BadRoster, Roster

SHOWN = (
    "organisation", "name", "roles", "mobile", "email", "telegram_id", "contact", "language", "active", "verified",
    "voice_ok", "text_999", "whatsapp",
)  # fmt: skip


async def take_roster(desk: Desk, arguments: Arguments) -> Said:
    """Take a roster file, all of it or nothing; what is wrong with it is told line by line."""
    take = bool(arguments["take_telegram_ids"])
    try:
        read = roster.parse(str(arguments["text"]))
        standing = await roster.standing(desk.tx, read)
        counted = await roster.apply(desk.tx, read, take_telegram_ids=take, now=desk.now)
    except BadRoster as bad:
        return Said(FINDINGS, tuple(map(str, bad.faults)), [{"line": f.line, "says": f.says} for f in bad.faults])
    line = "taken: " + ", ".join(f"{number} of {name}" for name, number in counted.items() if number)
    notes = [*map(str, read.notes), *standing]
    return Said(FINE, (line, *notes), {**counted, "notes": notes})


async def invite(desk: Desk, arguments: Arguments) -> Said:
    """Invite a person: a one-time link for staff and on-call people, six digits by SMS for a parent's number."""
    person = await _other(desk, arguments)
    if person.parent_of and not (person.homes or person.on_call):
        return await _ask_number(desk, person)
    token = await invites.make_link(desk.directory, person.person_id, desk.now, desk.chance)
    line = f"send {person.person_id} this, by a way only they read; it works once, for {invites.LINK_HOURS} hours:"
    return Said(FINE, (line, f"/start {token}"), {"person": person.person_id, "start": f"/start {token}"})


async def _ask_number(desk: Desk, person: Person) -> Said:
    if person.mobile is None:
        raise NotAllowed(f"{person.person_id} has no mobile number")
    digits = await invites.make_digits(desk.directory, person.person_id, desk.now, desk.chance)
    await desk.say(
        person=person.person_id, channel="sms", address=person.mobile, text="number_code", fields={"digits": digits},
        book=person.language,
    )  # fmt: skip
    return Said(FINE, (f"six digits go to {person.person_id}'s number; texting them back verifies it",),
                {"person": person.person_id, "sent": "sms"})  # fmt: skip


async def deactivate(desk: Desk, arguments: Arguments) -> Said:
    """Cut a person off: account, buttons and invites are dead in the same transaction (T4), and what they had taken lapses."""
    person = await _other(desk, arguments)
    await desk.directory.deactivate(person.person_id)
    by = str(arguments["by"])
    for case in await desk.open_cases(organisation=person.organisation):
        if case.alert.taken_by == person.person_id:
            over = DeadlinePassed(at=desk.now, by=by, channel=CHANNEL, kinds=("lapse",), due=desk.now)
            await desk.record(case.case_id, over)
    return Said(FINE, (f"{person.person_id} is cut off",), {"person": person.person_id, "active": False})


async def set_pin(desk: Desk, arguments: Arguments) -> Said:
    """Give a person the PIN they key on the telephone; here it is hashed already, so that it is written down nowhere. They
    set their own, and whoever manages people sets anybody's; the person hears of it."""
    by = await author(desk, arguments)
    person = await somebody(desk, str(arguments["person"]))
    if by.person_id != person.person_id:
        await _other(desk, arguments)
    stored = str(arguments["hash"])
    if not stored.startswith("scrypt$"):
        raise BadUsage("a PIN comes hashed, from `porchlight person pin ID`")
    await pins.set_pin(desk.tx, person.person_id, stored, desk.now)
    for channel, address in (("telegram", person.telegram_id), ("sms", person.texted_at)):
        if address is not None:
            await desk.say(
                person=person.person_id, channel=channel, address=str(address), text="pin_set", book=person.language
            )
            break
    return Said(FINE, (f"{person.person_id} has a new PIN",), {"person": person.person_id})


async def add(desk: Desk, arguments: Arguments) -> Said:
    """Add a person to the author's organisation. What is known of a person changes by the roster file alone."""
    by = await author(desk, arguments)
    _must_manage(by)
    name = str(arguments["person"])
    if await desk.directory.person(name) is not None:
        raise NotAllowed(f"{name} is known already; the roster file changes what is known of a person")
    entry = await _entry(desk, by, arguments)
    await roster.apply(desk.tx, Roster({"person": [entry]}, {"person": [1]}), take_telegram_ids=False, now=desk.now)
    person = await somebody(desk, name)
    return Said(FINE, (f"{person.person_id}: {', '.join(person.roles)}",), row(person))


async def _entry(desk: Desk, by: Person, arguments: Arguments) -> dict[str, object]:
    """What was typed as an entry of a roster. Raises BadUsage for a role or number that cannot be."""
    mobile = arguments.get("mobile")
    if mobile and e164(str(mobile)) is None:
        raise BadUsage("--mobile is no telephone number (is a digit missing?)")
    for role in arguments["role"]:
        if not await _is_role(desk, by, str(role)):
            raise BadUsage(f"--role {role}: none of staff:HOME, manager:HOME, parent:CHILD, {', '.join(PLAIN_ROLES)}")
    given = {key: arguments[key] for key in ("mobile", "email", "contact", "language") if arguments.get(key)}
    known = {"id": arguments["person"], "organisation": by.organisation, "name": arguments["name"]}
    return {**known, "roles": list(arguments["role"]), **given}


async def _is_role(desk: Desk, by: Person, role: str) -> bool:
    """Whether this is a role, of a home or child of the author's own organisation."""
    kind, _, scope = role.partition(":")
    if kind not in SCOPED:
        return role in PLAIN_ROLES
    child = await desk.directory.child(scope) if SCOPED[kind] == "child" else None
    home = await desk.directory.home(scope if SCOPED[kind] == "home" else "" if child is None else child.home)
    return home is not None and home.organisation == by.organisation


async def _other(desk: Desk, arguments: Arguments) -> Person:
    by = await author(desk, arguments)
    _must_manage(by)
    person = await somebody(desk, str(arguments["person"]))
    if person.organisation != by.organisation:
        raise NotAllowed(f"{person.person_id} does not belong to {by.organisation}")
    return person


def _must_manage(by: Person) -> None:
    if not by.on_call:
        raise NotAllowed("people are added, invited and cut off by a manager, a co-ordinator, a deputy or the owner")


def row(person: Person) -> dict[str, object]:
    """A person as the command line shows one."""
    shown = {"id": person.person_id} | {name: getattr(person, name) for name in SHOWN}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in shown.items()}


ACTS: dict[str, Act] = {
    "import": take_roster,
    "person add": add,
    "person invite": invite,
    "person deactivate": deactivate,
    "person pin": set_pin,
}
