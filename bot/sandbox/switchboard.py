"""What every phone shows: both doubles write here what the house sent, and people's own words stand beside it.

One phone is one channel and one address (a Telegram account or a number). Nothing here knows a person or a case.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

Buttons: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]  # rows of (label, callback data)
Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message on one phone. `mine`: the phone's owner wrote it."""

    message_id: int
    at: datetime
    text: str
    buttons: Buttons = ()
    mine: bool = False
    edited: bool = False
    document: str = ""  # its file name
    data: bytes = b""
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One thing the house sent, in the order it came: a new message, or an edit of an old one."""

    at: datetime
    channel: str
    address: str
    message: Shown


@dataclass(slots=True)
class Switchboard:
    """Every phone, what the house sent to it, and a signal for whoever watches."""

    now: Callable[[], datetime]
    phones: dict[Key, list[Shown]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    toasts: dict[Key, tuple[int, str]] = field(default_factory=dict)  # words that pass over a screen: which, what
    version: int = 0
    last_id: int = 100
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def phone(self, channel: str, address: str) -> list[Shown]:
        """The messages of one phone, oldest first."""
        return self.phones.setdefault((channel, address), [])

    def deliver(self, channel: str, address: str, **parts: object) -> Shown:
        """The house's message arrives."""
        shown = self._put(channel, address, **parts)
        self.sent.append(Sent(at=self.now(), channel=channel, address=address, message=shown))
        return shown

    def write(self, channel: str, address: str, text: str, **parts: object) -> Shown:
        """The owner of the phone writes."""
        return self._put(channel, address, text=text, mine=True, **parts)

    def rewrite(self, channel: str, address: str, message_id: int, text: str) -> Shown:
        """The owner changes a message of theirs. Raises KeyError where there is none."""
        messages = self.phone(channel, address)
        for place, old in enumerate(messages):
            if old.message_id == message_id and old.mine:
                messages[place] = replace(old, text=text, edited=True)
                self.touch()
                return messages[place]
        raise KeyError(message_id)

    def announce(self, channel: str, address: str, text: str) -> Shown:
        """The network itself writes to the phone: the house neither sent this nor knows of it."""
        return self._put(channel, address, text=text)

    def edit(self, channel: str, address: str, message_id: int, text: str, buttons: Buttons) -> Shown | None:
        """The house changes one of its messages; None where there is no such message."""
        messages = self.phone(channel, address)
        for place, old in enumerate(messages):
            if old.message_id == message_id and not old.mine:
                messages[place] = replace(old, text=text, buttons=buttons, edited=old.edited or text != old.text)
                if text != old.text:
                    self.sent.append(Sent(at=self.now(), channel=channel, address=address, message=messages[place]))
                self.touch()
                return messages[place]
        return None

    def toast(self, channel: str, address: str, words: str) -> None:
        """Words pass over the screen and leave nothing behind."""
        number, _ = self.toasts.get((channel, address), (0, ""))
        self.toasts[channel, address] = (number + 1, words)
        self.touch()

    def find(self, channel: str, address: str, message_id: int) -> Shown | None:
        """One message of a phone."""
        return next((m for m in self.phone(channel, address) if m.message_id == message_id), None)

    def remove(self, channel: str, address: str, message_id: int) -> None:
        """A message is deleted."""
        self.phones[(channel, address)] = [m for m in self.phone(channel, address) if m.message_id != message_id]
        self.touch()

    async def wait(self, seen: int, seconds: float) -> int:
        """Wait until something changed since version `seen`, or the time is up; returns the version now."""
        if self.version == seen:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), seconds)
        return self.version

    def _put(self, channel: str, address: str, **parts: object) -> Shown:
        self.last_id += 1
        shown = Shown(message_id=self.last_id, at=self.now(), **parts)  # type: ignore[arg-type]
        self.phone(channel, address).append(shown)
        self.touch()
        return shown

    def touch(self) -> None:
        """Tell whoever watches that there is something new to see."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()
