"""A rehearsal at the doors: every word that anybody reads says that it is one, also what passes over a screen."""

from pathlib import Path

from tests.databases import ON_BOTH
from tests.handlers import sms_phones
from tests.handlers.telegram_phones import phones

pytestmark = ON_BOTH


async def test_what_passes_over_a_screen_says_drill(tmp_path: Path) -> None:
    """The answer to a press that comes late, and to one by somebody whom nobody knows."""
    async with phones(tmp_path, drill=True) as home:
        await home.types("alice", "/absent K7 20:45")
        asked = await home.with_button("alice", "Yes")
        await home.presses("alice", "Yes", row=asked)
        assert (await home.presses("alice", "Yes", row=asked)).startswith("DRILL ")
        assert (await home.presses("stranger", "Yes", row=asked)).startswith("DRILL ")


async def test_every_letter_of_a_drill_says_so(tmp_path: Path) -> None:
    """Also that which goes while nobody said which child is missing."""
    async with sms_phones.phones(tmp_path, drill=True) as home:
        await home.texts("sam", "MISSING")
        rows = await home.house.rows("SELECT body, text FROM outbox")
        assert "X_WHICH" in {row["text"] for row in rows}
        assert [] == [row["text"] for row in rows if not row["body"].startswith("DRILL ")]
