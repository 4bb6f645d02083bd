"""Knows how much of a download there is room for, whatever size was announced."""

import io
from typing import Any


class Room(io.BytesIO):
    """A buffer of `most` bytes. Raises OSError for one more."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._most:
            raise OSError("more than announced")
        return super().write(data)
