"""How an account becomes somebody's: by a one-time invite alone. Whoever is nobody reads the same words, always.

The words tell a stranger where help is, and nothing of what this is for or who is in it (B025, B028).
"""

from handlers.inbox import Doors
from handlers.talk import Talk
from handlers.telegram_commands import helped
from handlers.updates import Update
from storage.desk import Desk
from storage.directory import Person
from storage.invites import link_hash

TOKEN_AT_MOST = 64


def is_start(update: Update) -> bool:
    """Whether this is `/start` with something behind it, in a private chat."""
    word, _, token = update.words.partition(" ")
    return update.kind == "text" and update.private and word == "/start" and bool(token.strip())


async def start(doors: Doors, desk: Desk, update: Update, known: Person | None) -> None:
    """Redeem an invite, once, for an account that is bound to nobody else."""
    token = update.words.partition(" ")[2].strip()
    if known is not None:
        await helped(Talk(doors, desk, known, update), "")
        return
    found = await desk.directory.redeem_invite(link_hash(token), desk.now) if _may_be(update, token) else "unknown"
    if found == "used":
        await desk.tell_co_ordinators("X_INVITE", {})
    if isinstance(found, str) or not await desk.directory.bind_telegram(found.person_id, update.sender):
        await _say(desk, update, "invite_bad")
        return
    await desk.say(
        person=found.person_id, channel="telegram", address=str(update.sender), text="invite_ok",
        fields={"name": found.name}, book=found.language,
    )  # fmt: skip


def _may_be(update: Update, token: str) -> bool:
    return update.authentic and len(token) <= TOKEN_AT_MOST and token.isascii()


async def stranger(doors: Doors, desk: Desk, update: Update) -> None:
    """The neutral words, with the number of the duty desk where it can only be one; in a group nothing at all."""
    if not update.private or update.kind == "press":
        desk.ignore()
        return
    organisations = await desk.directory.organisations()
    number = organisations[0].duty_number if len(organisations) == 1 else None
    await _say(desk, update, "stranger" if number else "stranger_alone", duty=number)


async def former(desk: Desk, update: Update, person: Person) -> None:
    """Somebody who was cut off is told so, kindly, and who can help; a press says it itself."""
    if update.private and update.kind != "press":
        await desk.say(channel="telegram", address=str(update.sender), text="left", book=person.language)


async def _say(desk: Desk, update: Update, text: str, **fields: str | None) -> None:
    await desk.say(channel="telegram", address=str(update.sender), text=text, fields=fields)
