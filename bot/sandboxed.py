"""Knows what makes a house a sandbox: every provider is a double on this machine, and its people are made up."""

from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.settings import Settings
from storage import pulse, roster
from storage.database import Database, Tx
from storage.directory import Directory

if TYPE_CHECKING:
    from bot.sandbox import Sandbox


def led_to(settings: Settings, doubles: "Sandbox", port: int) -> Settings:
    """The settings with every provider led to the doubles, whatever credentials were set."""
    return settings.model_copy(
        update={
            "telegram_bot_token": SecretStr(doubles.token),
            "telegram_api_url": doubles.telegram_url,
            "telegram_mode": "polling",
            "telegram_webhook_secret": None,
            "twilio_account_sid": doubles.account_sid,
            "twilio_auth_token": SecretStr(doubles.auth_token),
            "twilio_auth_token_previous": None,
            "twilio_api_url": doubles.twilio_url,
            "twilio_from": doubles.from_number,
            "twilio_messaging_service_sid": doubles.service_sid,
            "public_url": f"http://127.0.0.1:{port}",
        }
    )


async def catch_up(doubles: "Sandbox", database: Database) -> None:
    """Set the sandbox's clock to where its last life ended: it may have been moved ahead, and time never goes back."""
    last = await pulse.last_alive(database)
    if last is not None:
        doubles.clock.set(last)


async def move_in(database: Database) -> None:
    """Let the made-up people move in, where nobody lives yet."""
    from bot import sandbox

    if await database.read(_somebody):
        return
    seed = roster.parse(sandbox.SEED.read_text(encoding="utf-8"))
    assert isinstance(seed, roster.Roster), "the sandbox's own roster is without faults"
    await database.write(lambda tx: roster.apply(tx, seed, take_telegram_ids=True))


async def _somebody(tx: Tx) -> bool:
    return bool(await Directory(tx).organisations())
