"""Knows what follows from an address at which nothing arrives any more, and from a sign of life from there.

It is noted, letters pass it by from then on, and whoever answers for the person hears of it once and has it mended. Who
texted STOP can be rung: their case goes on, and START brings their texts back.
"""

from casework.events import ContactRestored
from storage import contacts, groups, handing_over, notices, undelivered
from storage.desk import Desk
from storage.directory import Person

WAYS = {"telegram": "Telegram", "sms": "text", "voice": "phone", "email": "e-mail"}


async def note(desk: Desk, *, person: str | None, channel: str, address: str, fault: str) -> None:
    """Note that an address is dead: of a person whoever is to mend it hears, and what waits for it goes another way; a
    group's binding ends and its people hear."""
    if person is not None:
        whose = await desk.directory.person(person)
        if whose is not None and await contacts.died(desk.tx, person, channel, address, fault, desk.now):
            await _tell(desk, whose, channel, fault)
            await undelivered.pass_by(desk, whose, channel, address, fault)
    elif channel == "telegram" and address.lstrip("-").isdecimal():
        await lose_group(desk, int(address), fault)


async def spoke(desk: Desk, person: Person, channel: str, *, opts_in: bool = False) -> None:
    """Something came from a channel of theirs that was dead. Who opted out of our texts may write, and still gets none."""
    if channel not in person.dead:
        return
    if opts_in or await contacts.fault_of(desk.tx, person.person_id, channel) != contacts.OPTED_OUT:
        await contacts.lives(desk.tx, person.person_id, channel)
        for case in await desk.open_cases(person=person.person_id):
            if person.person_id in case.unreachable:
                news = ContactRestored(at=desk.now, by=person.person_id, channel=channel, person=person.person_id)
                await desk.record(case.case_id, news)


async def _tell(desk: Desk, whose: Person, channel: str, fault: str) -> None:
    """Who answers for them hears it. A parent who waits in a case is the case's: it tells people to ring them now."""
    if whose.parent_of and not whose.on_call and await desk.open_cases(person=whose.person_id):
        return
    homes = list(whose.homes)
    for child_id in whose.parent_of:
        child = await desk.directory.child(child_id)
        homes += [] if child is None else [child.home]
    people = [p for home in ("", *homes) for p in await handing_over.keepers(desk, whose.organisation, home)]
    if not [p for p in people if p.person_id != whose.person_id]:
        people += await desk.directory.on_duty(whose.organisation, "deputy", "", desk.now)
    others = [p for p in people if p.person_id != whose.person_id]
    text = "C_STOPPED" if fault == contacts.OPTED_OUT else "C_LOST"
    await notices.tell(desk, others or people, text, {"name": whose.name, "way": WAYS[channel]})


async def lose_group(desk: Desk, chat_id: int, fault: str) -> None:
    """A group takes nothing any more: whoever bound it, who answers for it, and the owner hear so, once."""
    group = await groups.lost(desk.tx, chat_id, fault, desk.now)
    if group is None:
        return
    people = await handing_over.keepers(desk, group.organisation, group.home)
    people += [p for p in await desk.directory.persons([group.bound_by]) if p.active]
    await notices.tell(desk, people, "X_GROUP", {}, home=group.home)
