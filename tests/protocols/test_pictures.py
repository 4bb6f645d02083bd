"""The pictures in the documents are the rules' own: drawn again, they must be what the page shows."""

from pathlib import Path

from bot.protocols import shelf
from casework import draw
from tests.builders import BASE

PAGE = Path(__file__).parent.parent.parent / "docs" / "pictures.md"


def page() -> str:
    """The page as it should read today."""
    protocol = shelf(None)[BASE]
    return "\n".join([
        "# Pictures of the rules",
        "",
        "Drawn from the code's table of moves and from the protocol file; a test keeps this page current.",
        "`porchlight protocol draw --mermaid england/base/2026-01-01` prints what stands in the blocks.",
        "",
        "## How a case moves",
        "",
        "An event that is not shown leaves the case where it stands. A claimed return that proves false falls back to the",
        "status it had before. Only a child who was seen leads to the end.",
        "",
        "```mermaid",
        draw.status_mermaid(),
        "```",
        "",
        "## How an alert climbs",
        "",
        f"Under `{BASE}`. At minute 0 the nearest adult already knows whom to ring: no call to the police waits for",
        "this chain.",
        "",
        "```mermaid",
        draw.chain_mermaid(protocol),
        "```",
        "",
        "The same in words:",
        "",
        "```",
        draw.chain_text(protocol),
        "```",
        "",
    ])  # fmt: skip


def test_the_page_of_pictures_is_current() -> None:
    """A change of a move or a rung changes the page; write it anew with `python -m tests.protocols.test_pictures`."""
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
