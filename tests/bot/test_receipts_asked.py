"""A whole house whose callbacks are lost: it asks Twilio, and does what the callback would have made it do."""

from datetime import timedelta
from pathlib import Path

from tests.bot.living import EVENING, PAT, a_world, living
from tests.databases import ON_BOTH

pytestmark = ON_BOTH


async def test_a_lost_callback_is_made_up_for_by_asking(tmp_path: Path) -> None:
    """The text never arrived, nobody said so: a minute later the house knows, and people on call hear of the dead number."""
    async with a_world() as world, living(tmp_path, world) as house:
        await house.text(PAT, "MISSING 20:30")
        await house.settle()
        for message in world.twilio.messages.values():
            if message["to"] == PAT:
                message.update(status="undelivered", error_code=30005)
        house.now(EVENING + timedelta(seconds=59))
        await house.settle()
        assert {row["state"] for row in await house.rows(f"SELECT state FROM outbox WHERE address = '{PAT}'")} == {
            "sent"
        }
        house.now(EVENING + timedelta(seconds=60))
        await house.settle()
        states = [row["state"] for row in await house.rows(f"SELECT state FROM outbox WHERE address = '{PAT}'")]
        assert "failed" in states
        assert {"person": "cass"} in await house.rows(
            "SELECT person FROM outbox WHERE text = 'X_DEAD' AND state = 'sent'"
        )
