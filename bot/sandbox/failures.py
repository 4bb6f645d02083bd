"""Failures that a test or the sandbox's page plants in a double: the next calls of a kind are refused as told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Failures:
    """Planted refusals, per method, in the order they were planted."""

    waiting: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def plant(self, method: str, times: int = 1, **answer: Any) -> None:
        """Refuse the next `times` calls of a method with this answer."""
        self.waiting.setdefault(method, []).extend([answer] * times)

    def take(self, method: str) -> Mapping[str, Any] | None:
        """The refusal due for this call, if any."""
        planted = self.waiting.get(method) or self.waiting.get("*")
        return planted.pop(0) if planted else None
