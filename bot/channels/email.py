"""Knows how a missing report goes out by e-mail, and words that no other way carries: one message through the organisation's
own mail server (aiosmtplib).

A server that took a message has told nobody. The letter counts as sent and never as more: a bounce or an automatic
answer goes to the mailbox of MAIL_FROM, which this house does not read, and that the police know is said by a log
number alone (P7). A server's answers quote addresses: nothing of them leaves this file but the code.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from typing import Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from bot.channels.papers import Papers
from casework import wording
from casework.wording import Phrasebook
from scheduler.outbox import Receipt, Refused, Unreachable
from storage.endpoints import is_here
from storage.outbox import Letter

SEND_SECONDS = 30  # the whole of it, with a report of some megabytes; shorter than the outbox holds a letter
GOODBYE_SECONDS = 2
SMTPS, SUBMISSION, RELAY = 465, 587, 25
POLICE, REPORT = "police", "report"
DEAD = (550, 551, 553)  # no such mailbox; what else a server refuses is this message, not the address
NOT_THE_LETTER = (530, 535, 538)  # our own account at the server: a letter waits for it to be set right
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server as SMTP_URL names it. `smtps` speaks TLS from the first byte, `smtp` before the first secret; only a
    server on this very machine is spoken to in the clear."""

    host: str
    port: int
    tls: bool
    start_tls: bool
    user: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> Self:
        """Read `smtp://USER:PASSWORD@HOST:PORT` or `smtps://…`; the settings were checked before."""
        parts = urlsplit(url)
        host, tls, here = parts.hostname or "", parts.scheme == "smtps", is_here(parts.hostname or "")
        usual = SMTPS if tls else RELAY if here else SUBMISSION
        user, password = (None if each is None else unquote(each) for each in (parts.username, parts.password))
        return cls(
            host=host, port=parts.port or usual, tls=tls, start_tls=not (tls or here), user=user or None,
            password=password,
        )  # fmt: skip


class EmailChannel:
    """Sends letters through one mail server, a connection a message."""

    name = "email"

    def __init__(
        self, *, url: str, sender: str, papers: Callable[[Letter], Awaitable[Papers]], book: Phrasebook,
        now: Callable[[], datetime], seconds: float = SEND_SECONDS,
    ) -> None:  # fmt: skip
        """`papers` are the files that a letter names. Certificates are those the machine trusts, and no other."""
        self._server, self._sender, self._papers, self._book = Server.of(url), sender, papers, book
        self._now, self._seconds = now, seconds

    async def send(self, letter: Letter) -> Receipt:
        """Hand one letter over. Raises Refused for good, Unreachable for now; neither holds an address."""
        papers = await self._papers(letter) if letter.kind == REPORT else None
        try:
            message = self._words_alone(letter) if papers is None else self._report(letter, papers)
        except ValueError:  # an address that would be a line of its own in the header
            raise Refused("no address") from None
        line = _line(self._server, self._seconds)
        try:
            async with asyncio.timeout(self._seconds):
                await _hand_over(line, message)
        except (aiosmtplib.SMTPException, TimeoutError, OSError, ValueError) as error:
            raise translated(error) from None
        finally:
            await _goodbye(line, min(self._seconds, GOODBYE_SECONDS))
        return Receipt(provider_id=str(message["Message-ID"]))

    def _report(self, letter: Letter, papers: Papers) -> EmailMessage:
        """The report as a mail: no name in its subject."""
        message = self._message(letter, self._words("mail_subject", papers))
        message.set_content(self._words("mail_police" if letter.person == POLICE else "mail_services", papers))
        for data, kind in ((papers.pdf, "pdf"), (papers.json, "json")):
            message.add_attachment(data, maintype="application", subtype=kind, filename=f"{papers.name}.{kind}")
        return message

    def _words_alone(self, letter: Letter) -> EmailMessage:
        """An alert or a question that neither Telegram nor a text carries: the words of the text, which hold no name."""
        message = self._message(letter, self._book.text["mail_words_subject"])
        message.set_content(f"{letter.body}\n\n{self._book.text['mail_words']}")
        return message

    def _message(self, letter: Letter, subject: str) -> EmailMessage:
        """A mail without its words; it has one Message-ID however often it is sent."""
        home = self._sender.rpartition("@")[2]
        message = EmailMessage(policy=WIRE)
        message["From"], message["To"] = self._sender, letter.address
        message["Subject"] = subject
        message["Date"] = format_datetime(self._now())
        message["Message-ID"] = f"<{letter.id}@{home}>"
        message["References"] = f"<{letter.case_id}@{home}>"  # the versions of one case lie together
        message["Auto-Submitted"] = "auto-generated"  # no machine should answer, and none is listened to
        return message

    def _words(self, text: str, papers: Papers) -> str:
        return wording.render(
            self._book, text, channel="email", code=papers.ref, who="", now=self._now(),
            fields={"number": str(papers.version), "at": papers.as_at}, drill=wording.is_drill(papers.ref),
        )  # fmt: skip


async def _hand_over(line: aiosmtplib.SMTP, message: EmailMessage) -> None:
    await line.connect()
    with contextlib.suppress(aiosmtplib.SMTPHeloError):  # an old server knows no extensions, and takes mail
        await line.ehlo()
    # should it bounce, the report itself must not travel back with the notice
    options = ["RET=HDRS"] if line.supports_extension("dsn") else []
    await line.send_message(message, mail_options=options)


async def _goodbye(line: aiosmtplib.SMTP, seconds: float) -> None:
    """Hang up. What was taken stays taken, whatever a server makes of being left."""
    with contextlib.suppress(aiosmtplib.SMTPException, TimeoutError, OSError):
        async with asyncio.timeout(seconds):
            await line.quit()
    line.close()


async def knock(url: str, seconds: float = SEND_SECONDS) -> None:
    """Go as far as our name and password, and leave nothing. Raises Refused or Unreachable, as sending would."""
    try:
        async with asyncio.timeout(seconds), _line(Server.of(url), seconds):
            pass
    except (aiosmtplib.SMTPException, TimeoutError, OSError, ValueError) as error:
        raise translated(error) from None


def _line(server: Server, seconds: float) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=server.host, port=server.port, use_tls=server.tls, start_tls=server.start_tls, username=server.user,
        password=server.password, timeout=seconds,
    )  # fmt: skip


def translated(error: Exception) -> Refused | Unreachable:
    """What a mail server's answer means to the outbox: this letter never (Refused), or not now (Unreachable)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]  # a letter has one address
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        return Unreachable(type(error).__name__)
    if error.code in NOT_THE_LETTER:
        _log.critical("the mail server does not take our name or password", code=error.code)
        return Unreachable(str(error.code))
    if error.code < 500:
        return Unreachable(str(error.code))
    return Refused(str(error.code), dead=isinstance(error, aiosmtplib.SMTPRecipientRefused) and error.code in DEAD)
