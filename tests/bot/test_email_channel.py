"""Reports by e-mail, through the real client to a real server: what arrives, in the clear to nobody, and what answers mean."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.channels.email import EmailChannel, Server
from bot.channels.papers import Papers
from bot.locales import books
from scheduler.outbox import Refused, Unreachable
from storage.outbox import Letter
from tests.bot.mail_server import MailServer, a_mail_server

NOW = datetime(2026, 11, 25, 23, 1, tzinfo=UTC)
OWN_CERTIFICATE = Path(__file__).parent / "own_certificate.pem"  # with its key, which proves nothing to anybody
POLICE, SENDER = "control@police.example", "porchlight@northfield.example"
LETTER = Letter(
    id="letter-1", case_id="org1-1", person="police", channel="email", address=POLICE, text="REPORT", body="",
    keyboard=(), kind="report", urgency=0, edit=None, protect=True, document="org1-1/2", case_card=False, due_at=NOW,
    expires_at=None, tries=1,
)  # fmt: skip
PAPERS = Papers(ref="A17", version=2, as_at=NOW, name="A17-v2", pdf=b"%PDF-1.7 Kai", json=b'{"child_name": "Kai"}')


async def papers(letter: Letter) -> Papers:
    assert letter.document == "org1-1/2"
    return PAPERS


def channel(url: str, seconds: float = 5, papers: Callable[[Letter], Awaitable[Papers]] = papers) -> EmailChannel:
    return EmailChannel(
        url=url, sender=SENDER, papers=papers, book=books()["en"], now=lambda: NOW, seconds=seconds
    )  # fmt: skip


@asynccontextmanager
async def a_line(seconds: float = 5) -> AsyncIterator[tuple[MailServer, EmailChannel]]:
    async with a_mail_server() as server:
        yield server, channel(server.url, seconds)


async def test_a_report_arrives_as_a_pdf_and_its_twin() -> None:
    """Both files, from and to whom, and one id however often it is sent."""
    async with a_line() as (server, mail):
        receipt = await mail.send(LETTER)
        await mail.send(LETTER)
        first, again = server.taken
    assert (first["From"], first["To"], server.recipients) == (SENDER, POLICE, [POLICE, POLICE])
    assert first["Message-ID"] == again["Message-ID"] == receipt.provider_id == "<letter-1@northfield.example>"
    files = {part.get_filename(): part.get_content() for part in first.iter_attachments()}
    assert set(files) == {"A17-v2.pdf", "A17-v2.json"}
    assert files["A17-v2.pdf"] == PAPERS.pdf and json.loads(files["A17-v2.json"]) == {"child_name": "Kai"}


async def test_nobody_is_named_where_anybody_may_look() -> None:
    """A subject stands in a list on a screen; the words say that an e-mail is no call, and never that the police know."""
    async with a_line() as (server, mail):
        await mail.send(LETTER)
        await mail.send(replace(LETTER, person="services"))
    for message in server.taken:
        body = message.get_body()
        assert body is not None
        words = f"{message['Subject']} {body.get_content()}"
        assert "A17, version 2" in words and "Kai" not in words
        assert "999" in words and "does not take the place of a call" in words
        assert not any(claim in words.lower() for claim in ("police know", "reported to the police", "been reported"))


async def test_a_drills_mail_says_so_in_its_subject_and_in_its_words() -> None:
    """Should one ever leave, nobody may take it for a child who is out."""

    async def of_a_drill(letter: Letter) -> Papers:
        return replace(PAPERS, ref="X17")

    async with a_mail_server() as server:
        await channel(server.url, papers=of_a_drill).send(LETTER)
    [message] = server.taken
    body = message.get_body()
    assert body is not None
    assert message["Subject"].startswith("DRILL ") and body.get_content().startswith("DRILL ")


async def test_no_machine_should_answer_and_a_bounce_should_not_carry_the_report_back() -> None:
    """An automatic answer is no confirmation, so none is asked for."""
    async with a_line() as (server, mail):
        await mail.send(LETTER)
        server.notices = True
        await mail.send(LETTER)
    assert server.taken[0]["Auto-Submitted"] == "auto-generated"
    assert server.returns == ["HDRS"]


@pytest.mark.parametrize("words", ["550 5.1.1 {}: no such user", "551 {} moved", "553 {} not here"])
async def test_a_mailbox_that_is_not_there_is_dead(words: str) -> None:
    """P10: refused for good, so that a person hears of it at once; the server's words quote the address, ours do not."""
    async with a_line() as (server, mail):
        server.to_recipient = words
        with pytest.raises(Refused) as caught:
            await mail.send(LETTER)
    assert (caught.value.code, caught.value.dead, server.taken) == (words[:3], True, [])
    assert POLICE not in repr(caught.value) and caught.value.__suppress_context__


@pytest.mark.parametrize("place", ["to_sender", "to_recipient", "to_data"])
async def test_a_server_that_is_busy_is_tried_again(place: str) -> None:
    """4xx, as greylisting says it: not now."""
    async with a_line() as (server, mail):
        setattr(server, place, "451 4.7.1 come again later")
        with pytest.raises(Unreachable):
            await mail.send(LETTER)
        setattr(server, place, MailServer.to_data)
        await mail.send(LETTER)
        assert len(server.taken) == 1


@pytest.mark.parametrize("place", ["to_sender", "to_data"])
async def test_a_server_that_will_not_have_this_message_says_nothing_of_the_address(place: str) -> None:
    """Too big, or looks like spam: a person must send it on, and the address stays as good as it was."""
    async with a_line() as (server, mail):
        setattr(server, place, "554 5.7.1 no")
        with pytest.raises(Refused) as caught:
            await mail.send(LETTER)
        assert not caught.value.dead


async def test_a_silent_server_and_a_dead_line_do_not_hold_the_post() -> None:
    """A real time-out, and nobody there."""
    async with a_line(seconds=0.3) as (server, mail):
        server.silent = True
        async with asyncio.timeout(5):
            with pytest.raises(Unreachable):
                await mail.send(LETTER)
    with pytest.raises(Unreachable):
        await channel("smtp://127.0.0.1:1").send(LETTER)


async def test_a_server_that_took_a_message_and_never_says_goodbye_has_taken_it() -> None:
    """Or the police would get the same report again and again, and the co-ordinator would hear that they got none."""
    async with a_line(seconds=1) as (server, mail):
        server.lingers = True
        receipt = await mail.send(LETTER)
        assert receipt.provider_id == "<letter-1@northfield.example>" and len(server.taken) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_name_and_a_password_open_the_server() -> None:
    """Taken from the URL, where odd characters stand as percent signs; a wrong one is our fault and not the letter's."""
    async with a_mail_server(login=True) as server:
        at = f"127.0.0.1:{server.port}"
        await channel(f"smtp://porch:p%3Aw%40d@{at}").send(LETTER)
        with pytest.raises(Unreachable) as caught:
            await channel(f"smtp://porch:wrong@{at}").send(LETTER)
    assert set(server.logins) == {"porch p:w@d", "porch wrong"}
    assert (caught.value.code, len(server.taken)) == ("535", 1)


async def test_an_address_cannot_add_a_line_of_its_own() -> None:
    """B044: `\\r\\nBcc:` in a roster stays an odd address and never becomes a second recipient."""
    async with a_line() as (server, mail):
        with pytest.raises(Refused):
            await mail.send(replace(LETTER, address=f"{POLICE}\r\nBcc: them@example.org"))
        assert server.taken == []


# ---- how it travels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "port", "tls", "start_tls"),
    [
        ("smtps://mail.example", 465, True, False), ("smtp://mail.example", 587, False, True),
        ("smtp://mail.example:25", 25, False, True), ("smtp://127.0.0.1", 25, False, False),
        ("smtp://localhost:2525", 2525, False, False), ("smtps://127.0.0.1:4650", 4650, True, False),
    ],
)  # fmt: skip
def test_only_this_very_machine_is_spoken_to_in_the_clear(url: str, port: int, tls: bool, start_tls: bool) -> None:
    """A report about a child does not cross a network unsealed, whatever the server says it can."""
    server = Server.of(url)
    assert (server.port, server.tls, server.start_tls) == (port, tls, start_tls)


def sealed() -> ssl.SSLContext:
    """The server's side, under a certificate for this machine that nobody signed."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(OWN_CERTIFICATE)
    return tls


async def test_a_certificate_that_nobody_signed_gets_nothing() -> None:
    """No trick and no setting leads round it."""
    async with a_mail_server(sealed()) as server:
        with pytest.raises(Unreachable):
            await channel(f"smtps://127.0.0.1:{server.port}").send(LETTER)
        assert server.taken == []


async def test_a_certificate_that_the_machine_trusts_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator says whom the machine trusts, as for every program on it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(OWN_CERTIFICATE))
    async with a_mail_server(sealed()) as server:
        await channel(f"smtps://127.0.0.1:{server.port}").send(LETTER)
        assert len(server.taken) == 1
