"""A real mail server (aiosmtpd) on loopback, that takes, refuses or falls silent as a test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

GOOD = "250 taken"


@dataclass
class MailServer:
    """What came in, and what is said to whoever comes."""

    to_sender: str = GOOD
    to_recipient: str = GOOD
    to_data: str = GOOD
    silent: bool = False
    hangs_up: bool = False
    lingers: bool = False  # it never answers a goodbye
    asked: int = 0
    notices: bool = False  # it says that it knows delivery notices, as most do
    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    returns: list[str] = field(default_factory=list)  # how much a bounce may quote
    logins: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [answers[0], *(["250-DSN"] if self.notices else []), *answers[1:]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        if self.hangs_up and server.transport is not None:
            server.transport.close()
        if self.silent:
            await asyncio.sleep(60)
        if self.to_sender == GOOD:
            envelope.mail_from = address
        return self.to_sender

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.to_recipient == GOOD:
            envelope.rcpt_tos.append(address)
        return self.to_recipient.format(address)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.to_data == GOOD:
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
            self.recipients += envelope.rcpt_tos
        return self.to_data

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.lingers:
            await asyncio.sleep(60)
        return "221 Bye"

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(f"{data.login.decode()} {data.password.decode()}")
        return AuthResult(success=data.password == b"p:w@d", handled=False)


class _Answering(SMTP):
    """The server, told how much of a message the notice of a failure may quote."""

    def _getparams(self, params: Any) -> Any:
        found = super()._getparams(params)
        if found and "RET" in found:
            self.event_handler.returns.append(found.pop("RET"))
        return found


@asynccontextmanager
async def a_mail_server(tls: ssl.SSLContext | None = None, *, login: bool = False) -> AsyncIterator[MailServer]:
    """`tls`: speak it from the first byte. `login`: ask for a password first."""
    made, loop = MailServer(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Answering(
            made, hostname="mail.example", loop=loop, auth_required=login, auth_require_tls=False,
            authenticator=made.login if login else None,
        ), "127.0.0.1", 0, ssl=tls,
    )  # fmt: skip
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
