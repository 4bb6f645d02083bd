"""How a home or a duty team binds a group chat on Telegram, and what becomes of it: moved, left, shut out.

`/bind` is typed in the group by somebody who may; that they may is looked up when they type. The group then hears codes
alone, and nobody is believed the more for being in it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from handlers.inbox import everywhere
from handlers.talk import Talk
from handlers.updates import Update
from storage import contacts, dying, groups
from storage.desk import Desk
from storage.groups import GroupChat

Change: TypeAlias = Callable[[Desk, Update], Awaitable[None]]

TEAM = ("team", "duty", "all")
INSIDE = ("member", "administrator", "creator", "restricted")


async def bind(talk: Talk, rest: str) -> None:
    """`/bind [HOME | team]`, in a group: a manager for a home of theirs, somebody on call for every home for all of them."""
    chat, home = talk.update.chat, await _place(talk, rest.strip())
    if talk.update.private or chat is None or home is None:
        await talk.say("bind_how")
        return
    group = GroupChat(
        organisation=talk.person.organisation, home=home, chat_id=chat, bound_by=talk.person.person_id
    )  # fmt: skip
    if not await groups.bind(talk.desk.tx, group, talk.now):
        await talk.say("refused")
        return
    await talk.desk.say(channel="telegram", address=str(chat), text="group_bound", fields={"home": home})
    await talk.say("bind_ok", {"home": home})


async def unbind(talk: Talk, rest: str) -> None:
    """`/unbind`, in the group: it hears nothing any more. Who may bind it may let it go."""
    held = None if talk.update.chat is None else await groups.at(talk.desk.tx, talk.update.chat)
    if held is None or held.organisation != talk.person.organisation:
        await talk.say("bind_how")
    elif not _may(talk, held.home):
        await talk.say("refused")
    else:
        await groups.unbind(talk.desk.tx, held.chat_id)
        await talk.say("unbind_ok")


async def _place(talk: Talk, named: str) -> str | None:
    """Which home is meant, empty for all; None where it is not said, or not theirs to bind."""
    person = talk.person
    if named.casefold() in TEAM:
        home = ""
    elif named:
        home = next((h.id for h in await talk.desk.directory.homes(person.organisation) if h.id == named), "?")
    else:
        managed = person.scopes("manager")
        home = (
            managed[0]
            if len(managed) == 1 and not everywhere(talk.person)
            else ""
            if everywhere(talk.person) and not managed
            else "?"
        )
    return home if home != "?" and _may(talk, home) else None


def _may(talk: Talk, home: str) -> bool:
    return everywhere(talk.person) or (bool(home) and talk.person.is_manager(home))


# ---- what becomes of a chat ------------------------------------------------------------------------------


async def _member(desk: Desk, update: Update) -> None:
    """The bot was let in or shut out. Of a person it is noted at once: their alerts go by text before one is lost."""
    assert update.chat is not None, "a change of a chat names it"
    inside = update.words in INSIDE
    if not update.private:
        if not inside:
            await dying.lose_group(desk, update.chat, f"the bot is out of it: {update.words}")
        return
    person = await desk.directory.person_by_telegram(update.sender)
    if person is None:
        desk.ignore()
    elif inside:
        await contacts.lives(desk.tx, person.person_id, "telegram")
    else:
        await dying.note(
            desk, person=person.person_id, channel="telegram", address=str(update.sender), fault="the bot was blocked"
        )


async def _migrated(desk: Desk, update: Update) -> None:
    """A group became a supergroup: same people, another number."""
    assert update.chat is not None and update.chat_after is not None, "a move names both chats"
    if not await groups.moved(desk.tx, update.chat, update.chat_after):
        desk.ignore()


CHANGES: Mapping[str, Change] = {"member": _member, "migrated": _migrated}
