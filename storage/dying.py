"""Knows what follows from an address at which nothing arrives any more: it is noted, and of a group it is said."""

from storage import contacts, groups, handing_over, notices
from storage.desk import Desk


async def note(desk: Desk, *, person: str | None, channel: str, address: str, fault: str) -> None:
    """Note that an address is dead: that of a person on call is warned of, a group's binding ends and its people hear."""
    if person is not None:
        if await desk.directory.person(person) is not None:
            await contacts.died(desk.tx, person, channel, address, fault, desk.now)
    elif channel == "telegram" and address.lstrip("-").isdecimal():
        await lose_group(desk, int(address), fault)


async def lose_group(desk: Desk, chat_id: int, fault: str) -> None:
    """A group takes nothing any more: whoever bound it, who answers for it, and the owner hear so, once."""
    group = await groups.lost(desk.tx, chat_id, fault, desk.now)
    if group is None:
        return
    people = await handing_over.keepers(desk, group.organisation, group.home)
    people += [p for p in await desk.directory.persons([group.bound_by]) if p.active]
    await notices.tell(desk, people, "X_GROUP", {}, home=group.home)
