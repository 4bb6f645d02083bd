"""What can be seen by day of how anybody would learn that this house has died, or keeps no records."""

from collections.abc import Iterator

from bot.doctor.found import Found
from bot.settings import Settings


def examine(settings: Settings) -> Iterator[Found]:
    """Look at what was set; in the sandbox nobody is to learn anything."""
    if settings.sandbox:
        return
    ways = (
        ("heartbeat", settings.heartbeat_url is not None, "PORCHLIGHT_HEARTBEAT_URL", "no watcher outside would miss us"),
        ("dead man", bool(settings.twilio_messaging_service_sid) and settings.uses_twilio, "TWILIO_MESSAGING_SERVICE_SID",
         "no text lies ready to tell of an open case should this house die"),
        ("last resort", bool(settings.last_resort), "PORCHLIGHT_LAST_RESORT",
         "nobody is told when the records can no longer be kept"),
        ("canary", bool(settings.canaries), "PORCHLIGHT_CANARY", "nothing tries by day whether an alert gets through"),
    )  # fmt: skip
    for what, there, name, says in ways:
        yield Found("ok", what, "set up") if there else Found("warn", what, f"{name} is not set: {says}")
