"""A stage with a whole house on it: the real clients, led to doubles of both providers, by a clock in a file.

It is what a rehearsal and the tests of whole nights play on; each says which settings its house has, and how it opens.
"""

import base64
from datetime import datetime
from pathlib import Path

from bot.app import House
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TOKEN, Sandbox
from bot.settings import Settings, load
from bot.stage import Stage
from storage.casebook import Casebook


class WholeStage(Stage):
    """One house in a folder of its own. `world` holds both doubles: failures are planted there."""

    def __init__(self, folder: Path, world: Sandbox) -> None:
        self.folder, self.world, self.board = folder, world, world.board
        self.standing: House | None = None  # None while it is down

    @property
    def house(self) -> House:
        """The house; only while it is up."""
        assert self.standing is not None, "the house is down"
        return self.standing

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    @property
    def casebook(self) -> Casebook | None:
        """The casebook; None while the house is down."""
        return None if self.standing is None else self.standing.casebook

    def settings(self, database: str, public_url: str, audit_key: bytes, **more: str) -> Settings:
        """Live, and led to the doubles. Nothing comes from the environment or from `.env`: no credential is even read."""
        told = {
            "PORCHLIGHT_MODE": "live", "DATABASE_URL": database, "HTTP_BIND": "127.0.0.1:0", "PUBLIC_URL": public_url,
            "TELEGRAM_MODE": "polling", "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": self.world.telegram_url,
            "TWILIO_FROM": NUMBER, "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_API_URL": self.world.twilio_url, "PORCHLIGHT_TEST_CLOCK": str(self.folder / "clock"),
            "PORCHLIGHT_AUDIT_KEY": base64.b64encode(audit_key).decode(),
        }  # fmt: skip
        return load({**told, **more}, self.folder)

    async def opens(self, house: House) -> None:
        """Open this house; the provider's callbacks go to it from now on."""
        self.standing = await house.__aenter__()
        self.world.twilio.house_url = f"http://127.0.0.1:{house.port}"

    # ---- what a stage does ----

    def set_clock(self, instant: datetime) -> None:
        """Move the clock of the house and of both networks."""
        self.world.clock.set(instant)
        (self.folder / "clock").write_text(self.world.clock.now().isoformat(), encoding="utf-8")

    async def down(self) -> None:
        """Close the house; what is in its memory alone is lost."""
        if self.standing is not None:
            await self.standing.__aexit__(None, None, None)
        self.standing = None

    async def settle(self) -> None:
        """Work until nothing moves at this instant, the callbacks of texts that went out included."""
        if self.standing is None:
            return
        await self.standing.settle()
        while await self.world.twilio.travel():
            await self.standing.settle()

    async def presses(self, account: str, message_id: int, token: str) -> None:
        await self.world.telegram.presses(account, message_id, token)

    async def types(self, account: str, words: str) -> None:
        await self.world.telegram.types(account, words)

    async def texts(self, number: str, words: str) -> None:
        await self.world.twilio.texts(number, words)
