"""Knows what may be set from outside, and what of it cannot stand together: environment and `.env`, nothing else.

All faults are told at once, by name; no value is ever printed, for half of them are secrets. What is missing never
opens a door: a webhook without a long secret, or a live house without a key for its log, does not start.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.settings_checks import TELEGRAM, TWILIO, faults, numbers
from storage.endpoints import is_loopback

SECRETS = (
    "TELEGRAM_BOT_TOKEN", "TELEGRAM_WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_PREVIOUS",
    "PORCHLIGHT_AUDIT_KEY", "SMTP_URL", "PORCHLIGHT_WEBHOOK_KEY", "PORCHLIGHT_HEARTBEAT_URL", "METRICS_TOKEN",
)  # fmt: skip
CREDENTIALS = ("TELEGRAM_BOT_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
KEY_BYTES = 32


class BadSettings(Exception):
    """Porchlight cannot start with these settings. Each fault is a sentence that begins with a name."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("\n".join(found))
        self.faults = found


class Settings(BaseSettings):
    """What this house was told. Attributes are the names of the contract in small letters."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=True, hide_input_in_errors=True, populate_by_name=True
    )

    mode: Literal["sandbox", "live"] = Field("sandbox", alias="PORCHLIGHT_MODE")
    database_url: str = Field("sqlite:///var/porchlight.db", alias="DATABASE_URL")
    http_bind: str = Field("127.0.0.1:8080", alias="HTTP_BIND")
    public_url: str = Field("", alias="PUBLIC_URL")
    telegram_bot_token: SecretStr | None = Field(None, alias="TELEGRAM_BOT_TOKEN")
    telegram_api_url: str = Field(TELEGRAM, alias="TELEGRAM_API_URL")
    telegram_webhook_secret: SecretStr | None = Field(None, alias="TELEGRAM_WEBHOOK_SECRET")
    telegram_a_second: float = Field(30, alias="TELEGRAM_A_SECOND", ge=1, le=1000)
    telegram_mode: Literal["webhook", "polling", "off"] = Field("off", alias="TELEGRAM_MODE")
    twilio_account_sid: str = Field("", alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr | None = Field(None, alias="TWILIO_AUTH_TOKEN")
    twilio_auth_token_previous: SecretStr | None = Field(None, alias="TWILIO_AUTH_TOKEN_PREVIOUS")
    twilio_api_url: str = Field(TWILIO, alias="TWILIO_API_URL")
    twilio_a_second: float = Field(10, alias="TWILIO_A_SECOND", ge=1, le=1000)
    twilio_from: str = Field("", alias="TWILIO_FROM")
    twilio_messaging_service_sid: str = Field("", alias="TWILIO_MESSAGING_SERVICE_SID")
    smtp_url: SecretStr | None = Field(None, alias="SMTP_URL")  # it holds a password
    mail_from: str = Field("", alias="MAIL_FROM")
    webhook_key: SecretStr | None = Field(None, alias="PORCHLIGHT_WEBHOOK_KEY")
    audit_key_text: SecretStr | None = Field(None, alias="PORCHLIGHT_AUDIT_KEY")
    heartbeat_url: SecretStr | None = Field(None, alias="PORCHLIGHT_HEARTBEAT_URL")  # whoever knows it can beat for us
    metrics_token: SecretStr | None = Field(None, alias="METRICS_TOKEN")
    last_resort_text: str = Field("", alias="PORCHLIGHT_LAST_RESORT")
    canary_text: str = Field("", alias="PORCHLIGHT_CANARY")
    protocols: Path | None = Field(None, alias="PORCHLIGHT_PROTOCOLS")
    log: Literal["console", "json"] = Field("console", alias="PORCHLIGHT_LOG")
    test_clock: Path | None = Field(None, alias="PORCHLIGHT_TEST_CLOCK")
    test_crash: str | None = Field(None, alias="PORCHLIGHT_TEST_CRASH")
    test_seed: str | None = Field(None, alias="PORCHLIGHT_TEST_SEED")
    folder: Path = Path()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Take values from `load` alone, which knows about NAME_FILE and tells all faults together."""
        return (init_settings,)

    @property
    def var(self) -> Path:
        """The folder of everything this house writes beside its database."""
        return self.folder / "var"

    @property
    def sandbox(self) -> bool:
        return self.mode == "sandbox"

    @property
    def uses_twilio(self) -> bool:
        return self.twilio_auth_token is not None

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways beyond the usual ones that were set up: a telephone needs a number of ours to ring from, and a report
        does not leave the sandbox."""
        outside = () if self.sandbox else (("email", self.smtp_url), ("webhook", self.webhook_key))
        rings = ("voice",) if self.uses_twilio and self.twilio_from else ()
        return (*rings, *(name for name, needed in outside if needed is not None))

    @property
    def last_resort(self) -> tuple[str, ...]:
        """The numbers that are told when the house can keep no records."""
        return tuple(numbers(self.last_resort_text))

    @property
    def canaries(self) -> tuple[tuple[str, str], ...]:
        """Where canaries fly, each a channel and an address there, by channels that are open in this house."""
        places = [("sms" if each.startswith("+") else "telegram", each) for each in numbers(self.canary_text)]
        open_ones = {"sms": self.uses_twilio, "telegram": self.telegram_mode != "off"}
        return tuple(place for place in places if open_ones[place[0]])

    @property
    def mail_sender(self) -> str:
        """Whose name a report goes out in: MAIL_FROM, else a mailbox at our own address that perhaps nobody reads."""
        return self.mail_from or f"porchlight@{urlsplit(self.public_url).hostname or 'localhost'}"

    @property
    def for_test(self) -> bool:
        """Whether this house is a test's, and may call nobody but this very machine."""
        return any(each is not None for each in (self.test_clock, self.test_crash, self.test_seed))

    @property
    def loopback(self) -> bool:
        """Whether this house can reach nobody: the sandbox, or every provider URL is this very machine."""
        used = [self.telegram_api_url] * (self.telegram_mode != "off") + [self.twilio_api_url] * self.uses_twilio
        used += [] if self.smtp_url is None else [self.smtp_url.get_secret_value()]
        return self.sandbox or all(is_loopback(url) for url in used)

    @property
    def bind(self) -> tuple[str, int]:
        """Host and port of HTTP_BIND."""
        host, _, port = self.http_bind.rpartition(":")
        return host.strip("[]"), int(port)

    def secrets(self) -> list[str]:
        """Every secret value, for the scrubber of the log alone."""
        held = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in held if isinstance(value, SecretStr)]


def load(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the settings: `.env` of the folder below, the environment above. Raises BadSettings with every fault."""
    base = folder or Path()
    given = _given(os.environ if environ is None else environ, base / ".env")
    found: list[str] = []
    _read_files(given, found)
    given = _defaults(given)
    found += faults(given)
    settings = _build(given, base, found)
    if found or settings is None:
        raise BadSettings(sorted(set(found)))
    return settings


def audit_key(settings: Settings) -> bytes:
    """The 32 bytes that chain the log. The sandbox, and a house with a test clock, make their own once and keep it."""
    if settings.audit_key_text is not None:
        return base64.b64decode(settings.audit_key_text.get_secret_value())
    path = settings.var / "audit.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return base64.b64decode(path.read_bytes())
    made = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(made))
    return made


def _given(environ: Mapping[str, str], env_file: Path) -> dict[str, str]:
    """What was set, the environment above `.env`; an empty value is none."""
    below = DotEnvSettingsSource(Settings, env_file=env_file, case_sensitive=True).env_vars
    above = EnvSettingsSource(Settings, case_sensitive=True)
    above.env_vars = environ
    return {name: value for name, value in {**below, **above.env_vars}.items() if value}


def _read_files(given: dict[str, str], found: list[str]) -> None:
    """Take each secret whose NAME_FILE is set from that file."""
    for name in SECRETS:
        path = given.get(f"{name}_FILE")
        if path is None:
            continue
        if name in given:
            found.append(f"{name}: set it or {name}_FILE, not both")
            continue
        try:
            given[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            found.append(f"{name}_FILE: this file cannot be read")


def _defaults(given: dict[str, str]) -> dict[str, str]:
    """What follows from what was set: sandbox without credentials, webhook where PUBLIC_URL is https."""
    mode = given.get("PORCHLIGHT_MODE") or ("live" if any(given.get(name) for name in CREDENTIALS) else "sandbox")
    if not given.get("TELEGRAM_BOT_TOKEN"):
        telegram = "off"
    else:
        telegram = "webhook" if given.get("PUBLIC_URL", "").startswith("https://") else "polling"
    return {"TELEGRAM_MODE": telegram, **given, "PORCHLIGHT_MODE": mode}


def _build(given: Mapping[str, str], folder: Path, found: list[str]) -> Settings | None:
    try:
        return Settings.model_validate({**given, "folder": folder})
    except ValidationError as error:
        found += [f"{each['loc'][0]}: {each['msg']}" for each in error.errors(include_input=False)]
        return None
