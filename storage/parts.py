"""Knows what the casebook needs of the house: protocols, words, chance, a key, and where a test may end the process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from casework.errors import NotAllowed, RetiredProtocol
from casework.protocol import Protocol
from casework.wording import Phrasebook
from storage.chance import Chance
from storage.known import Memory
from storage.recent import Recent


def no_crash(point: str) -> None:
    """Pass a crash point without harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything a unit of work may use besides its transaction. `ways`: channels beyond the usual ones that were set up
    in this house (`email`, `webhook`, `voice`)."""

    protocols: Mapping[str, Protocol]
    books: Mapping[str, Phrasebook]
    chance: Chance
    audit_key: bytes
    drill: bool
    crash: Callable[[str], None]
    ways: frozenset[str] = frozenset()
    recent: Recent = field(default_factory=Recent)
    memory: Memory = field(default_factory=Memory)

    def book(self, language: str) -> Phrasebook:
        """The words of a language; English where it has none."""
        return self.books.get(language) or self.books["en"]

    def protocol(self, name: str) -> Protocol:
        """The protocol a case is pinned to. Raises NotAllowed when its file is not on the shelf."""
        if name not in self.protocols:
            raise NotAllowed(f"the protocol {name} is not installed")
        return self.protocols[name]

    def protocol_to_open(self, name: str) -> Protocol:
        """The protocol for a new case. Raises RetiredProtocol (HZ19)."""
        protocol = self.protocol(name)
        if protocol.protocol.status == "retired":
            raise RetiredProtocol(f"{name} is retired: no case may be opened under it")
        return protocol
