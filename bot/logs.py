"""Knows how the house writes its log: one line an event to stderr, ids but never a person's number, name or secret.

stdout belongs to the ready line. Whatever a library puts into a message is scrubbed on the way out: Twilio's errors quote phone
numbers, Telegram's URLs hold the bot's token (T20). Of an exception the kind and the place are told, never its words: they may
quote what a person typed. Only those of this program are kept, which are written to hold nobody.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

HIDDEN = "[hidden]"
OURS = ("bot", "handlers", "scheduler", "storage", "casework")
CAUSES_AT_MOST = 5
_SCRUBBED = re.compile(
    r"\+\d[\d ]{6,17}\d"  # a phone number as the providers write it
    r"|(?<![\w-])0[127]\d{8,9}(?!\d)"  # as people in Britain write it
    r"|(?:bot)?\d{5,}:[A-Za-z0-9_-]{20,}"  # a bot's token, in a URL too
    r"|(?<=exception=)\w+\(.*?\)(?=>|$)"  # as asyncio tells of a task that nobody waited for
    r"|(?<=Basic )[A-Za-z0-9+/=]{8,}|(?<=Bearer )\S+"
)
_QUIET = {"aiohttp.access": logging.ERROR, "apscheduler": logging.WARNING, "twilio": logging.WARNING}


class Scrubber:
    """The last processor: hides numbers, tokens and the secrets of this house in the finished line."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(sorted({s for s in secrets if len(s) >= 6}, key=len, reverse=True))

    def scrub(self, line: str) -> str:
        """Return the line without what must not be in it; line breaks inside become visible."""
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return _SCRUBBED.sub(HIDDEN, line)

    def __call__(self, logger: WrappedLogger, method: str, line: Any) -> Any:
        return self.scrub(line) if isinstance(line, str) else line


class _Stderr(logging.StreamHandler[TextIO]):
    """Whatever stderr is when something is logged: it may be led elsewhere for a while, and closed there."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def set_up(style: str, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send our own log and every library's to one place. `style`: console or json."""
    scrubber = Scrubber(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _one_line,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handler: logging.Handler = _Stderr() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(_without_words),
                last,
                scrubber,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )


def _without_words(exc_info: ExcInfo) -> str:
    """An exception and what caused it: where each went through, and its kind."""
    return "\n".join(line for fault in _causes(exc_info[1]) for line in _lines(fault))


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    for _ in range(CAUSES_AT_MOST):
        if fault is None:
            return
        yield fault
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)


def _lines(fault: BaseException) -> Iterator[str]:
    kind = type(fault)
    words = f": {fault}" if kind.__module__.partition(".")[0] in OURS else ""
    yield f"{kind.__module__}.{kind.__qualname__}{words}"
    for frame in traceback.extract_tb(fault.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"


def _one_line(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A message never breaks the line, nor colours a terminal: what is not printable is written out (T11)."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in value)
    return event
