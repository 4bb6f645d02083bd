"""One step in the making: the case as it stands so far, what was decided and what must be done about it.

A question never touches the case itself; it decides, and the fold (`evolve`) says what that changes. So the log of
decisions is at once history and the only way a case moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from casework import gate
from casework.case import Case, Reporter
from casework.effects import Effect, Field, Tell, To
from casework.events import DeadlinePassed, Event, News
from casework.evolve import evolve
from casework.levels import Status
from casework.protocol import Protocol
from casework.protocol_parts import Check
from casework.speech import HELD_BACK, rank


@dataclass(slots=True)
class Turn:
    """`before` is the case as it was before the news; None where the news opened it."""

    before: Case | None
    case: Case
    news: News
    protocol: Protocol
    decisions: list[Event] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    now: datetime = field(init=False)
    due_keys: tuple[str, ...] = field(init=False)  # of the deadlines that passed in this news
    _due_kinds: set[str] = field(init=False)  # the same without details
    _looked_at: Case | None = field(init=False, default=None)  # the case that `_next_gate` is true of
    _next_gate: Check | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.now = self.news.at
        self.due_keys = self.news.kinds if isinstance(self.news, DeadlinePassed) else ()
        self._due_kinds = {key.partition(":")[0] for key in self.due_keys} if self.due_keys else set()

    @property
    def opened(self) -> bool:
        """Whether this step opened the case (not merely a watch)."""
        was = self.before is None or self.before.status is Status.WATCHING
        return was and self.case.status is not Status.WATCHING

    def due(self, kind: str) -> bool:
        """Whether a deadline of this kind (or `kind:detail`) passed in this news."""
        return kind in self._due_kinds

    def decide(self, event: Event) -> None:
        self.case = evolve(self.case, event)
        self.decisions.append(event)

    def derive(self, news: News) -> None:
        """News that follows from news (`I can see K7` is a sighting): it stands in the log like any other."""
        self.decide(news)

    def tell(self, to: To, text: str, fields: Mapping[str, Field] | None = None, **more: object) -> None:
        self.effects.append(Tell(to=to, text=text, fields=dict(fields or {}), **more))  # type: ignore[arg-type]

    def tell_reporters(self, text: str, fields: Mapping[str, Field] | None = None, **more: object) -> None:
        """The same words to every adult on the case who may be told; who cannot speak and may text 999 reads so."""
        for reporter in self.askable():
            texts_999 = reporter.person in self.case.child.text_999
            words = self.protocol.wording.by_text.get(text, text) if texts_999 else text
            self.tell(To(kind="person", id=reporter.person), words, fields, **more)

    def askable(self) -> list[Reporter]:
        unreachable = self.case.unreachable
        return [r for r in self.case.reporters if r.askable and r.person not in unreachable]

    def next_gate(self) -> Check | None:
        """The next question before the first decision; several ask in one step, and the case often stays the same."""
        if self._looked_at is not self.case:
            self._looked_at, self._next_gate = self.case, gate.next_gate(self.case, self.protocol)
        return self._next_gate

    def gate_complete(self) -> bool:
        """Whether every gate question of this side has its answer, or none is due any more."""
        return self.case.gate_done or self.next_gate() is None

    def next_check(self) -> Check | None:
        """The next question of this case."""
        return self.next_gate() if gate.in_gate(self.case) else gate.next_check(self.case, self.protocol)

    def worker(self) -> Reporter | None:
        """The adult who last worked the case, or the first who may be asked; None where nobody may be."""
        worker = self.case.reporter(self.case.worked_by)
        if worker is not None and worker.askable and worker.person not in self.case.unreachable:
            return worker
        return next(iter(self.askable()), None)

    def rung(self, number: int) -> To:
        """Whom an alert of this rung goes to, for this child."""
        rung = self.protocol.rung_at(number)
        role = rung.role_at_home if self.case.child.at_home and rung.role_at_home else rung.role
        return To(kind="all_duty") if role == "all" else To(kind="duty", id=role)

    def goes_out_at(self, person: str) -> datetime:
        """When a question to this person goes out: a minute later if weightier words go to them now (5.3)."""
        weightier = any(
            isinstance(x, Tell) and x.to.kind == "person" and x.to.id == person and x.not_before is None
            and rank(x.text) < rank("QUESTION")
            for x in self.effects
        )  # fmt: skip
        return self.now + HELD_BACK if weightier else self.now
