"""The real aiogram client over HTTP against the loopback double: what leaves, what comes back, what a refusal means."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from bot.channels.long_text import TELEGRAM_AT_MOST, split
from bot.channels.telegram import Conflict, TelegramChannel
from bot.polling import Poller
from bot.sandbox.failures import Failures
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.telegram import TelegramDouble
from scheduler.outbox import Refused, Unreachable
from storage.outbox import Letter

NOW = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
TOKEN = "42:" + "a" * 35
ALICE = "1001"
LETTER = Letter(
    id="letter-1", case_id="org1-1", person="alice", channel="telegram", address=ALICE, text="C01",
    body="A17: in danger?", keyboard=((("Yes", "t" * 22), ("No", "u" * 22)),), kind="question", urgency=3, edit=None,
    protect=True, document=None, case_card=True, due_at=NOW, expires_at=None, tries=0,
)  # fmt: skip


@dataclass
class Line:
    """The channel, and the double at the other end of it."""

    channel: TelegramChannel
    double: TelegramDouble
    board: Switchboard

    def phone(self) -> list[str]:
        return [m.text for m in self.board.phone("telegram", ALICE)]


class Failing(Failures):
    """Each call is refused as told, or taken."""

    def __init__(self, answers: Iterator[Mapping[str, Any] | None]) -> None:
        super().__init__()
        self._answers = answers

    def take(self, method: str) -> Mapping[str, Any] | None:
        return next(self._answers)


async def _no_document(name: str) -> tuple[str, bytes]:
    raise KeyError(name)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    board = Switchboard(lambda: NOW)
    double = TelegramDouble(TOKEN, board, lambda: NOW)
    app = web.Application(client_max_size=30 * 1024 * 1024)
    app.add_routes(double.routes())
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def document(name: str) -> tuple[str, bytes]:
        if name == "org1-1/1":
            return "A17-1.pdf", b"%PDF-1.7"
        raise KeyError(name)

    channel = TelegramChannel(token=TOKEN, api_url=f"http://127.0.0.1:{port}", document=document, seconds=5)
    yield Line(channel, double, board)
    await channel.close()
    await runner.cleanup()


async def test_a_letter_arrives_with_its_buttons_and_cannot_be_forwarded(line: Line):
    """Every case message is protected."""
    receipt = await line.channel.send(LETTER)
    (message,) = line.board.phone("telegram", ALICE)
    assert (LETTER.body, True, str(message.message_id)) == (message.text, message.protected, receipt.provider_id)
    assert [["Yes", "No"]] == [[b[0] for b in row] for row in message.buttons]


async def test_a_name_that_looks_like_markup_arrives_as_it_is(line: Line):
    """A12, B042: nothing is parsed, so nothing can break."""
    hostile = '<b>, </b><a href="http://x">here</a>, *_[](, {{7*7}}, ${x}, %s, {0}'
    await line.channel.send(replace(LETTER, body=hostile))
    assert [hostile] == line.phone()


async def test_a_card_is_changed_in_place(line: Line):
    """One card per case: the next question replaces the one that was answered."""
    first = await line.channel.send(LETTER)
    again = await line.channel.send(replace(LETTER, body="A17: ring K7", edit=int(first.provider_id)))
    assert (["A17: ring K7"], first.provider_id) == (line.phone(), again.provider_id)


async def test_a_card_that_says_the_same_already_is_success(line: Line):
    """B058: 400 `message is not modified`."""
    first = await line.channel.send(LETTER)
    again = await line.channel.send(replace(LETTER, edit=int(first.provider_id)))
    assert first.provider_id == again.provider_id


async def test_a_card_that_was_deleted_is_sent_anew(line: Line):
    """A question is never lost because its card is."""
    receipt = await line.channel.send(replace(LETTER, edit=77))
    assert ([LETTER.body], True) == (line.phone(), receipt.provider_id != "77")


async def test_the_card_before_loses_its_buttons(line: Line):
    """Two live cards would invite an answer to the wrong question."""
    first = await line.channel.send(LETTER)
    await line.channel.send(replace(LETTER, body="A17: ring K7", before=int(first.provider_id)))
    old, new = line.board.phone("telegram", ALICE)
    assert ((), True) == (old.buttons, bool(new.buttons))


async def test_a_long_text_is_cut_at_a_line_and_its_first_line_stays(line: Line):
    """B056: the 999 line is never cut."""
    body = "RING 999 NOW.\n" + "\n".join(f"line {n} " + "x" * 90 for n in range(60))
    await line.channel.send(replace(LETTER, body=body))
    first, last = line.phone()
    assert first.startswith("RING 999 NOW.\n") and first + "\n" + last == body
    assert all(len(part) <= TELEGRAM_AT_MOST for part in (first, last))


async def test_a_long_text_that_broke_off_goes_again_as_a_repeat(line: Line):
    """Its first part was read; the whole comes again, and says so."""
    answers = iter([None, {"code": 500, "description": "Internal Server Error"}])
    line.double.failures = Failing(answers)
    with pytest.raises(Unreachable) as fault:
        await line.channel.send(replace(LETTER, body="line\n" * 1500))
    assert fault.value.in_doubt and len(line.phone()) == 1


def test_a_text_without_lines_is_cut_all_the_same():
    """Emoji count double at Telegram."""
    parts = list(split("🏠" * 5000))
    assert "🏠" * 5000 == "".join(parts)
    assert all(len(p.encode("utf-16-le")) // 2 <= TELEGRAM_AT_MOST for p in parts)


async def test_a_blocked_a_deactivated_and_an_unknown_account_are_dead(line: Line):
    """B050, B059: the next channel goes at once."""
    for where in (line.double.blocked, line.double.deactivated, line.double.unknown):
        where.add(ALICE)
        with pytest.raises(Refused) as refused:
            await line.channel.send(LETTER)
        assert refused.value.dead
        where.clear()


@pytest.mark.parametrize(
    ("status", "words", "in_doubt"),
    [(500, "Internal Server Error", False), (502, "Bad Gateway", True), (503, "Service Unavailable", False),
     (504, "Gateway Timeout", True)],
)  # fmt: skip
async def test_a_broken_telegram_is_tried_again(line: Line, status: int, words: str, in_doubt: bool):
    """B054: unknown never means stop. Behind a gateway that gave up, Telegram itself may have heard us: it goes as a repeat."""
    line.double.failures.plant("sendMessage", code=status, description=words)
    with pytest.raises(Unreachable) as fault:
        await line.channel.send(LETTER)
    assert in_doubt is fault.value.in_doubt


async def test_too_many_requests_says_when_to_come_again(line: Line):
    """B053: no busy loop."""
    line.double.failures.plant("sendMessage", code=429, description="Too Many Requests", retry_after=900)
    with pytest.raises(Unreachable) as late:
        await line.channel.send(LETTER)
    assert 900 == late.value.retry_after_seconds


async def test_no_wait_is_longer_than_a_day(line: Line):
    """A number that no calendar holds stopped every letter of the house; it is asked again tomorrow."""
    line.double.failures.plant("sendMessage", code=429, description="Too Many Requests", retry_after=10**15)
    with pytest.raises(Unreachable) as late:
        await line.channel.send(LETTER)
    assert 86400 == late.value.retry_after_seconds


async def test_a_group_that_became_a_supergroup_gets_the_same_letter_once(line: Line):
    """B051."""
    line.double.failures.plant("sendMessage", code=400, description="Bad Request: group chat was upgraded",
                               migrate_to_chat_id=-1005)  # fmt: skip
    await line.channel.send(LETTER)
    assert [LETTER.body] == [m.text for m in line.board.phone("telegram", "-1005")]


@pytest.mark.parametrize(
    "words",
    [
        "can't parse entities: at byte 3", "BUTTON_DATA_INVALID", "can't parse reply keyboard markup JSON object",
        "inline keyboard button text is empty", "BUTTON_TYPE_INVALID",
    ],
)  # fmt: skip
async def test_a_text_whose_markup_is_refused_goes_once_more_and_plain(line: Line, words: str):
    """B057: every button has a typed form; the words are what must arrive."""
    line.double.failures.plant("sendMessage", code=400, description=f"Bad Request: {words}")
    await line.channel.send(LETTER)
    (message,) = line.board.phone("telegram", ALICE)
    assert (message.text, message.buttons) == (LETTER.body, ())


async def test_a_card_whose_markup_is_refused_is_followed_by_plain_words(line: Line):
    """The old card stays; the question stands below it."""
    first = await line.channel.send(LETTER)
    line.double.failures.plant("editMessageText", code=400, description="Bad Request: BUTTON_DATA_INVALID")
    await line.channel.send(replace(LETTER, body="A17: ring K7", edit=int(first.provider_id)))
    assert line.phone() == [LETTER.body, "A17: ring K7"]


async def test_a_refused_letter_is_not_a_dead_account(line: Line):
    """An error of ours must not cut a person off."""
    line.double.failures.plant("sendMessage", code=400, description="Bad Request: message is too long")
    with pytest.raises(Refused) as refused:
        await line.channel.send(LETTER)
    assert not refused.value.dead


async def test_a_revoked_token_waits_and_nothing_quotes_it(line: Line):
    """B060; and no error carries the token."""
    line.double.token = "42:" + "b" * 35
    with pytest.raises(Unreachable) as fault:
        await line.channel.send(LETTER)
    assert ("401", None) == (fault.value.code, fault.value.__cause__)


async def test_a_network_that_is_down_is_tried_again():
    """Nobody listens: the letter waits."""
    channel = TelegramChannel(token=TOKEN, api_url="http://127.0.0.1:9", document=_no_document, seconds=1)
    try:
        with pytest.raises(Unreachable) as fault:
            await channel.send(LETTER)
        assert TOKEN not in str(fault.value) and not fault.value.in_doubt
    finally:
        await channel.close()


async def test_an_answer_that_was_lost_leaves_a_doubt() -> None:
    """B055: Telegram heard us and said nothing in time; the next try says that it is a repeat."""

    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        raise AssertionError

    app = web.Application()
    app.router.add_post("/{anything:.*}", silent)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    channel = TelegramChannel(
        token=TOKEN, api_url=f"http://127.0.0.1:{runner.addresses[0][1]}", document=_no_document,
        seconds=0.2,
    )  # fmt: skip
    try:
        with pytest.raises(Unreachable) as fault:
            await channel.send(LETTER)
        assert fault.value.in_doubt
    finally:
        await channel.close()
        await runner.cleanup()


async def test_a_report_goes_as_a_protected_file(line: Line):
    """Only where the organisation wants it; the name is the case's code."""
    await line.channel.send(replace(LETTER, document="org1-1/1", body="A17: missing report", keyboard=()))
    (message,) = line.board.phone("telegram", ALICE)
    assert ("A17-1.pdf", b"%PDF-1.7", True) == (message.document, message.data, message.protected)


async def test_a_report_that_cannot_be_composed_is_told_in_words(line: Line):
    """A letter is never lost for want of its file."""
    await line.channel.send(replace(LETTER, document="org1-1/9", body="A17: missing report", keyboard=()))
    assert ["A17: missing report"] == line.phone()


async def test_a_photo_is_fetched_and_a_large_one_refused(line: Line):
    """10 MB at most, whatever was announced."""
    line.double.files = {"small": b"x" * 100_000, "large": b"x" * (10 * 1024 * 1024 + 1)}
    assert b"x" * 100_000 == await line.channel.fetch_file("small")
    with pytest.raises(Refused):
        await line.channel.fetch_file("large")
    with pytest.raises(Refused):
        await line.channel.fetch_file("gone")


async def test_an_answer_to_an_old_press_is_refused_and_said_so(line: Line):
    """B036: the act stands; the door shrugs."""
    with pytest.raises(Refused):
        await line.channel.answer_press("17", "too late")


# ---- polling --------------------------------------------------------------------------------------


async def test_an_update_is_confirmed_only_after_it_was_kept(line: Line):
    """A3: a house that dies in between hears it again."""
    await line.double.types(ALICE, "/absent")
    heard: list[int] = []

    async def fails(update: dict[str, Any]) -> None:
        raise OSError("the disk is full")

    async def keeps(update: dict[str, Any]) -> None:
        heard.append(int(str(update["update_id"])))

    with pytest.raises(OSError, match="full"):
        await Poller(line.channel, fails, patient=True).once(0)
    poller = Poller(line.channel, keeps, patient=True)
    assert (1, [1]) == (await poller.once(0), heard)
    assert 0 == await poller.once(0)


async def test_an_update_of_a_kind_nobody_knows_does_not_hold_up_the_rest(line: Line):
    """B015: raw updates, so that aiogram's models cannot refuse them."""
    await line.double.push({"teleportation": {"id": "?"}})
    await line.double.push({"message": {"message_id": "not a number"}})
    heard: list[object] = []

    async def keeps(update: dict[str, Any]) -> None:
        heard.append(update)

    assert 2 == await Poller(line.channel, keeps, patient=True).once(0)


async def test_a_second_poller_is_waited_out(line: Line):
    """B061: 409 is no crash and no busy loop; then it goes on."""
    line.double.failures.plant("getUpdates", code=409, description="Conflict: terminated by other getUpdates request")
    line.double.failures.plant("getUpdates", code=429, description="Too Many Requests", retry_after=7)
    await line.double.types(ALICE, "hello")
    waits: list[float] = []
    heard = asyncio.Event()

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    async def keeps(update: dict[str, Any]) -> None:
        heard.set()

    running = asyncio.create_task(Poller(line.channel, keeps, patient=True, pause=pause).run())
    await asyncio.wait_for(heard.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [1, 7] == waits


async def test_a_conflict_is_told_apart(line: Line):
    """So that readiness can say that two houses listen."""
    line.double.failures.plant("getUpdates", code=409, description="Conflict: terminated by other getUpdates request")
    with pytest.raises(Conflict):
        await line.channel.updates(None, 0)


async def test_a_node_that_does_not_lead_leaves_telegram_alone() -> None:
    """Telegram tells an update to one asker; a node asks from the moment it leads."""
    asked: list[int | None] = []
    leads = False

    class Telegram:
        async def updates(self, offset: int | None, wait_seconds: int) -> list[dict[str, Any]]:
            asked.append(offset)
            raise asyncio.CancelledError

    async def pause(seconds: float) -> None:
        nonlocal leads
        assert [] == asked
        leads = True

    async def hear(update: dict[str, Any]) -> None:
        raise AssertionError(update)

    with pytest.raises(asyncio.CancelledError):
        await Poller(Telegram(), hear, patient=True, may=lambda: leads, pause=pause).run()
    assert [None] == asked
