"""The files of one report version as they leave the house: a PDF to read and its JSON twin, under a name without a name."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """`name`: what the files are called, without an ending. `as_at`: the last thing known in them."""

    ref: str
    version: int
    as_at: datetime
    name: str
    pdf: bytes
    json: bytes
