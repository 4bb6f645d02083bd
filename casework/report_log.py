"""What a log says to somebody who was not there: who answered what and when, which rules fired, who was told.

The log holds ids alone; names, words and labels come from the caller's `Register`.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from casework import events as e
from casework.case import Case
from casework.protocol import Protocol
from casework.wording import Phrasebook, label, local

NOBODY = {"clock": "the clock", "police": "police", "house": "Porchlight"}
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_JOINERS = "\u200c\u200d"  # needed to write Persian and many names


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What only the caller knows. `names` and `phones` by person id, `words` by words id, `profile` by field name."""

    book: Phrasebook
    first_name: str
    family_name: str
    born: date | None = None
    home: str = ""
    town: str = ""
    organisation: str = ""
    profile: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    phones: Mapping[str, str] = field(default_factory=dict)
    cannot_speak: frozenset[str] = frozenset()  # ids of people who cannot speak on the phone
    words: Mapping[str, str] = field(default_factory=dict)
    photo: str = ""  # when it was taken, or "" where there is none
    history: tuple[str, ...] = ()
    made_by: str = "Porchlight"

    def name(self, person: str) -> str:
        return clean(self.names.get(person) or NOBODY.get(person, person))

    def said(self, words_id: str | None) -> str:
        return clean(self.words.get(words_id, "")) if words_id else ""


def clean(words: str) -> str:
    """The words on one line, without what cannot be seen: control characters and direction overrides (B041, B044)."""
    spaced = re.sub(r"\s+", " ", words)
    return "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in _UNSEEN).strip()


@dataclass(frozen=True, slots=True)
class Told:
    """One answer as a report prints it."""

    check: str
    result: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """A log, its case and register, read together. Times print relative to `as_at`, the last thing known."""

    log: Sequence[e.Event]
    case: Case
    protocol: Protocol
    register: Register

    @property
    def as_at(self) -> datetime:
        return max((x.at for x in self.log), default=self.case.opened_at)

    def when(self, instant: datetime) -> str:
        return local(self.register.book, instant, self.as_at)

    def check_name(self, check: str) -> str:
        return self.register.book.name.get(check, check)

    def answers(self) -> list[Told]:
        """Every answer in the order it came."""
        return [told for x in self.log if (told := self._told(x)) is not None]

    def _told(self, event: e.Event) -> Told | None:
        match event:
            case e.CheckAnswered():
                return Told(event.check, self._result(event), event.by, event.at)
            case e.WhereaboutsGiven():
                words = self.register.said(event.words) or ("a place was named" if event.place else "would not say")
                back = f"; back {self.when(event.back_at)}" if event.back_at else ""
                return Told(event.check, words + back, event.by, event.at)
        return None

    def _result(self, event: e.CheckAnswered) -> str:
        chosen = [label(self.register.book, f"{event.check}.{v}") for v in event.values if v != "given"]
        if event.instant is not None:
            chosen.append(self.when(event.instant))
        words = self.register.said(event.words)
        said = ", ".join(c for c in chosen if c.casefold() != words.casefold() or not words)
        return ": ".join(part for part in (said, words) if part) or "answered"

    def evidence(self) -> list[tuple[str, e.NoteMade]]:
        """Every photo and place that was sent in, in the order it came: its kind, and the note that brought it."""
        return [(x.media, x) for x in self.log if isinstance(x, e.NoteMade) and x.media is not None]

    def asked_at(self, checks: Sequence[str]) -> datetime | None:
        """When one of these checks was last put, or None."""
        return max((x.asked_at for x in self.log if isinstance(x, e.CheckAsked) and x.check in checks), default=None)

    def reasons(self) -> list[e.Reason]:
        """Every rule and flag that fired, once, in the order they became known."""
        found: dict[str, e.Reason] = {}
        for reason in self.case.reasons:
            found.setdefault(reason.rule, reason)
        return list(found.values())

    def says(self, rule: str) -> tuple[str, str]:
        """What a rule or flag says, and its source."""
        protocol = self.protocol
        found: dict[str, tuple[str, str]] = {r.id: (r.says, r.source) for r in protocol.rule}
        found |= {f.id: (f.says, f.source) for f in protocol.flag}
        found |= {f.id: (f.says, f.source) for f in protocol.factor}
        return found.get(rule, (rule, ""))

    def flags(self) -> list[e.Reason]:
        """The red flags alone."""
        return [r for r in self.reasons() if r.rule.startswith("R")]

    def because(self, reason: e.Reason) -> str:
        """The evidence of a reason in words: `register:cse`, `C11=row`, `words`, or the conditions of a rule."""
        book, said = self.register.book, reason.because
        if said.startswith("register:"):
            mark = said.removeprefix("register:")
            return f"register: {book.flag.get(mark, mark)}"
        check, _, value = said.partition("=")
        if value and self.protocol.has(check):
            return f"{self.check_name(check)}: {label(book, f'{check}.{value}')}"
        return "words that were written" if said == "words" else said.replace("_", " ")

    def since(self) -> datetime | None:
        """When the version before the latest one was made: what is newer has changed. None for the first."""
        made = [x.at for x in self.log if isinstance(x, e.ReportMade)]
        return made[-2] if len(made) > 1 else None

    def changes(self) -> list[str]:
        """What became known after the version before, oldest first."""
        since = self.since()
        if since is None:
            return []
        news = [f"{self.when(r.at)} {r.rule}: {self.says(r.rule)[0]}" for r in self.reasons() if r.at > since]
        news += [f"{self.when(x.at)} {line}" for x in self.log if x.at > since and (line := self._change(x))]
        return news

    def _change(self, event: e.Event) -> str:
        match event:
            case e.CheckAnswered() | e.WhereaboutsGiven():
                told = self._told(event)
                return f"{self.check_name(event.check)}: {told.result} ({self.register.name(event.by)})" if told else ""
            case e.LocationDecided():
                return f"whereabouts: {event.located.value}"
            case e.PoliceLogged():
                return f"police log number {clean(event.number)} ({event.trust.value}, {self.register.name(event.by)})"
            case e.PoliceDeclined():
                return f"police said no ({self.register.name(event.by)})"
            case e.ReturnClaimed():
                return f"return claimed, not confirmed ({self.register.name(event.by)})"
        return ""

    def chain(self) -> list[str]:
        """The on-call people in order: which rung was alerted, who took it, and when it lapsed."""
        roles = {r.rung: r.role.replace("_", " ") for r in self.protocol.rung}
        lines = []
        for x in self.log:
            match x:
                case e.RungClimbed():
                    lines.append(f"{self.when(x.at)} E{x.rung} alerted: {roles.get(x.rung, 'on call')}")
                case e.AlertAcknowledged():
                    lines.append(f"{self.when(x.at)} taken by {self.register.name(x.by)}")
                case e.AlertLapsed():
                    lines.append(f"{self.when(x.at)} taking lapsed, alerted again")
        return lines
