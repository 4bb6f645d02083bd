"""Knows how a person on call is told of duty, rota and readiness: by every channel they have, each time the same words.

What belongs to no case has no ladder behind it, so it does not rest on one channel alone. Names stand on Telegram only.
"""

from collections.abc import Iterable, Mapping

from casework import wording
from casework.effects import Field
from storage.desk import Desk
from storage.directory import Person
from storage.keyboards import Keyboard


async def tell(
    desk: Desk, people: Iterable[Person], text: str, fields: Mapping[str, Field], *, role: str = "", home: str = "",
    button: tuple[str, str, str] | None = None, everywhere: bool = False,
) -> None:  # fmt: skip
    """Tell each of these people once a channel; an empty `home` is every home.

    `button`: what stands under it on Telegram, as (label, command, what the command is given). `everywhere`: also where
    nothing arrives any more, to see whether it does again.
    """
    for person in {each.person_id: each for each in people if each.active}.values():
        book = desk.book(person.language)
        said = {**fields, "role": role, "home": home}
        for channel, address in (("telegram", person.telegram_id), ("sms", person.mobile)):
            if address is None or not (everywhere or channel in (person.written_by or person.known_by)):
                continue
            keys: Keyboard = ()
            if button is not None and channel == "telegram":
                label, command, value = button
                token = await desk.make_button(
                    case_id=None, person=person.person_id, action="duty", check=command, value=value
                )
                keys = (((wording.label(book, label), token),),)
            await desk.say(
                person=person.person_id, channel=channel, address=str(address), text=text, fields=said, keyboard=keys,
                book=person.language,
            )  # fmt: skip
