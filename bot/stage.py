"""Plays a night: people press, type and text; time passes from deadline to deadline, never over one; phones are read.

What a night is played on is a stage: the rooms alone on a virtual clock (`bot.simulate`), or the whole house with the
real clients and the providers' doubles (`tests.scenarios`). Both share this driver: a file means the same on each.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.sandbox.switchboard import Shown, Switchboard
from bot.scenario import BadScenario, Line, Scenario, clock
from casework.limits import LONDON
from storage import cases, outbox
from storage.casebook import Casebook
from storage.database import Tx
from storage.numbers import e164
from storage.roster import Roster

SOON = timedelta(hours=18)  # an instant further off is written with its date
RINGS_AT_MOST = 5000
TICK = "\N{CHECK MARK} "


@dataclass(frozen=True, slots=True)
class Cast:
    """Who has which phone: addresses by person and channel, the first channel first."""

    phones: dict[str, dict[str, str]]

    @classmethod
    def of(cls, roster: Roster) -> "Cast":
        """Everybody of a roster."""
        found: dict[str, dict[str, str]] = {}
        for _, entry in roster.entries("person"):
            mobile = e164(str(entry["mobile"])) if "mobile" in entry else None
            ways = {"telegram": entry.get("telegram_id"), "sms": mobile}
            found[entry["id"]] = {channel: str(address) for channel, address in ways.items() if address}
        return cls(found)

    def address(self, person: str, channel: str) -> tuple[str, str]:
        """The channel and address of a person's phone; an empty channel means their first. Raises BadScenario."""
        ways = self.phones.get(person, {})
        chosen = channel or next(iter(ways), "")
        if chosen not in ways:
            raise BadScenario(f"{person} has no phone for {channel or 'anything'}")
        return chosen, ways[chosen]

    def owner(self, channel: str, address: str) -> str:
        """Whose phone this is; the address where it is nobody's."""
        return next((who for who, ways in self.phones.items() if ways.get(channel) == address), address)


class Stage(ABC):
    """A house to play on. What is special to one kind of house stands in the abstract methods."""

    board: Switchboard
    cast: Cast
    _taken = 0

    # ---- what each kind of stage does in its own way ----

    @property
    @abstractmethod
    def now(self) -> datetime: ...

    @property
    @abstractmethod
    def casebook(self) -> Casebook | None:
        """The casebook; None while the house is down."""
        ...

    @abstractmethod
    def set_clock(self, instant: datetime) -> None: ...

    @abstractmethod
    async def settle(self) -> None:
        """Work until nothing moves at this instant."""
        ...

    @abstractmethod
    async def presses(self, account: str, message_id: int, token: str) -> None: ...

    @abstractmethod
    async def types(self, account: str, words: str) -> None: ...

    @abstractmethod
    async def texts(self, number: str, words: str) -> None: ...

    @abstractmethod
    async def down(self) -> None: ...

    @abstractmethod
    async def up(self) -> None: ...

    async def between_steps(self) -> None:  # noqa: B027 - most stages have nothing to do here
        """Nothing, or close the house and open it again."""

    # ---- time ----

    async def move_to(self, instant: datetime) -> None:
        """Let time pass up to this instant, every deadline and letter at its own minute."""
        for _ in range(RINGS_AT_MOST):
            due = await self._next_due()
            if due is None or due > instant:
                break
            await self._be_at(max(due, self.now))
        else:
            raise RuntimeError("the night does not move on")
        if instant > self.now:
            await self._be_at(instant)

    async def _be_at(self, instant: datetime) -> None:
        if self.casebook is not None:
            await self.between_steps()
        self.set_clock(instant)
        if self.casebook is not None:
            await self.settle()

    async def _next_due(self) -> datetime | None:
        if self.casebook is None:
            return None
        times = [await self.casebook.next_due(), await self.casebook.database.read(outbox.next_due)]
        return min((each for each in times if each is not None), default=None)

    # ---- people ----

    async def does(self, person: str, channel: str, words: str) -> None:
        """The person presses the button of these words on their newest message that has one, else writes them."""
        channel, address = self.cast.address(person, channel)
        await self.between_steps()
        if channel == "sms":
            await self.texts(address, words)
        elif found := self._button(address, words):
            await self.presses(address, *found)
        else:
            await self.types(address, words)
        await self.settle()

    def _button(self, account: str, words: str) -> tuple[int, str] | None:
        for shown in sorted(self.board.phone("telegram", account), key=lambda each: each.message_id, reverse=True):
            for label, token in (key for row in shown.buttons for key in row):
                if words in (label, label.removeprefix(TICK)):
                    return shown.message_id, token
        return None

    def taken(self) -> list[Line]:
        """Every message that came to a phone since the last call, an edited card too, oldest first."""
        news, self._taken = self.board.sent[self._taken :], len(self.board.sent)
        return [
            Line(each.at, "said", self.cast.owner(each.channel, each.address), each.channel, _words(each.message))
            for each in news
        ]

    # ---- what holds ----

    async def state(self, keys: Sequence[str]) -> str:
        """What holds now of the newest case, as a script writes it: `state=missing limit=23:00`."""
        if self.casebook is None:
            raise BadScenario("the house is down: nothing can be looked at")
        held = await self.casebook.database.read(_state(self.now))
        return " ".join(f"{key}={held.get(key, '-')}" for key in keys)


def _words(shown: Shown) -> str:
    return f"[{shown.document}] {shown.text}".strip() if shown.document else shown.text


def _state(now: datetime) -> Callable[[Tx], Awaitable[dict[str, str]]]:
    async def unit(tx: Tx) -> dict[str, str]:
        row = await tx.row("SELECT case_id FROM case_row ORDER BY opened_at DESC, case_id DESC LIMIT 1")
        held = None if row is None else await cases.find(tx, row["case_id"])
        if row is None or held is None:
            return {}
        case = held.case
        seen = await tx.row("SELECT * FROM v_case WHERE id = ?", case.case_id)
        rows = await tx.rows(
            "SELECT kind, min(due_at) AS due FROM v_deadline WHERE case_id = ? GROUP BY kind", case.case_id
        )
        found = {each["kind"]: _when(datetime.fromisoformat(each["due"]), now) for each in rows}
        if seen is not None:
            found |= {key: str(seen[key]) for key in ("state", "level", "located") if seen[key]}
            for key, column in (("t0", "t0"), ("limit", "limit_at"), ("opened", "opened_at"), ("closed", "closed_at")):
                found |= {} if seen[column] is None else {key: _when(datetime.fromisoformat(seen[column]), now)}
            found |= {} if seen["reported_ref"] is None else {"reported": str(seen["reported_ref"])}
        told = case.police.number if case.police.number and not case.reported else None
        found |= {} if told is None else {"told": told}
        found |= {"rules": ",".join(r.rule for r in case.reasons) or "-", "factors": ",".join(case.factors) or "-"}
        if case.back.interview_due is not None:
            found["talk_due"] = _when(case.back.interview_due, now)
        return found | {"reports": str(case.reports), "rung": str(case.alert.rung), "taken": case.alert.taken_by or "-"}

    return unit


def _when(at: datetime, now: datetime) -> str:
    local = at.astimezone(LONDON)
    return clock(at) if abs(at - now) < SOON else f"{local:%Y-%m-%d}/{clock(at)}"


async def play(scenario: Scenario, stage: Stage) -> list[Line]:
    """Play what people did and let time pass; return the transcript, in the order it happened."""
    transcript: list[Line] = []
    for line in scenario.lines:
        if line.kind == "remark":
            transcript.append(line)
            continue
        if line.kind != "said" or line.at > stage.now:
            await stage.move_to(line.at)
        transcript += stage.taken()
        match line.kind:
            case "did":
                transcript.append(line)
                await stage.does(line.person, line.channel, line.text)
            case "state":
                held = await stage.state([pair.split("=")[0] for pair in line.text.split()])
                transcript.append(Line(line.at, "state", text=held))
            case "down":
                transcript.append(line)
                await stage.down()
            case "up":
                transcript.append(line)
                await stage.up()
        transcript += stage.taken()
    return transcript
