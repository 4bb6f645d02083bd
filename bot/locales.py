"""Reads the shipped catalogues of words; English lies below every other language."""

from pathlib import Path

from casework.wording import Phrasebook, load

SHIPPED = Path(__file__).resolve().parent.parent / "casework" / "locales"


def books(folder: Path = SHIPPED) -> dict[str, Phrasebook]:
    """Every catalogue of the folder by its language. Raises UnreadableBook: the house does not start without words."""
    english = load((folder / "en.toml").read_bytes())
    found = {english.language: english}
    for path in sorted(folder.glob("*.toml")):
        if path.stem != english.language:
            book = load(path.read_bytes(), below=english)
            found[book.language] = book
    return found
