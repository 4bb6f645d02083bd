"""Knows the free text and pictures of a case, kept apart from the log by id, so that they can be sealed without it."""

from datetime import datetime

from storage.chance import Chance, time_id
from storage.codec import ms
from storage.database import Tx


def clean(text: str) -> str:
    """The text as any database takes it: half characters (lone surrogates) become �, NUL is dropped."""
    try:
        text.encode()  # cheap, and refuses half characters alone
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\x00", "") if "\x00" in text else text


async def keep(
    tx: Tx, text: str, now: datetime, chance: Chance, *, child_id: str | None = None, case_id: str | None = None
) -> str:
    """Keep words; returns their id."""
    words_id = time_id("words", now, chance)
    await tx.run(
        "INSERT INTO words (words_id, child_id, case_id, made_at, body) VALUES (?, ?, ?, ?, ?)",
        words_id, child_id, case_id, ms(now), clean(text),
    )  # fmt: skip
    return words_id


async def read(tx: Tx, words_id: str) -> str | None:
    """The words of an id, or None."""
    row = await tx.row("SELECT body FROM words WHERE words_id = ?", words_id)
    return None if row is None else str(row["body"])


async def of_case(tx: Tx, case_id: str) -> dict[str, str]:
    """All words of a case by their id: what a report or journal prints beside the log."""
    rows = await tx.rows("SELECT words_id, body FROM words WHERE case_id = ? ORDER BY words_id", case_id)
    return {row["words_id"]: row["body"] for row in rows}


async def keep_media(
    tx: Tx, case_id: str, kind: str, file_id: str, mime: str, data: bytes | None, now: datetime, chance: Chance
) -> str:
    """Keep a picture or location of a case; returns its id."""
    media_id = time_id("media", now, chance)
    await tx.run(
        "INSERT INTO media (media_id, case_id, kind, file_id, mime, made_at, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
        media_id, case_id, kind, file_id, clean(mime), ms(now), data,
    )  # fmt: skip
    return media_id


async def media_of(tx: Tx, case_id: str) -> list[int | None]:
    """The bytes kept of every picture and place of a case, in the order they came; None where a file could not be had."""
    rows = await tx.rows("SELECT length(data) AS bytes FROM media WHERE case_id = ? ORDER BY media_id", case_id)
    return [row["bytes"] for row in rows]
