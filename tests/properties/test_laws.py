"""The laws of the house on random nights. Each is seen to fail by one patch in tests/sabotage (make sabotage)."""

from dataclasses import fields, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.locales import books
from casework import conditions, facts, limits
from casework.deadlines import armed
from casework.effects import Tell
from casework.events import ChildSeen, CloseAsked, ReturnClaimed, WorryRaised
from casework.evolve import evolve, replay
from casework.levels import Level, Status, Trust
from casework.protocol_parts import HARD_CAP_MINUTES, OPPOSITES
from casework.step import step
from casework.wording import render
from tests.builders import Night, a_child, the_protocol
from tests.properties.nights import STARTS, Act, acts, children, lateness, opened, play, starts, told

BASE = the_protocol()
BOOK = books()["en"]
# Everything a rule may look at. Sex, name, ethnicity, faith and nationality are not among them, and must not come in.
DECIDES = {
    "child_id", "age", "flags", "at_home", "looked_after", "primary_school", "register_factors", "episodes_90_days",
    "active_patterns", "parents", "medicine_due_at", "has_plan", "plan_limit_minutes",
    "text_999", "surroundings",
}  # fmt: skip


@given(children, starts, lateness, st.booleans(), st.booleans(), acts)
def test_an_open_case_always_has_a_deadline(child, start, late, parent, askable, script):
    """P1: after every piece of news a case that is not closed has a live deadline."""
    night = opened(BASE, child, start, late, parent=parent, askable=askable)
    rung_back = Act(wait=0, who="cass", what="seen", choice=1)  # every night ends with a confirmed return
    play(night, [*script, rung_back])  # Night.hear checks it after each step
    assert night.case is not None
    assert bool(armed(night.case, BASE)) is night.case.open


@given(starts, acts)
def test_no_letter_after_a_case_is_closed(start, script):
    """A closed case says nothing more, whatever is heard."""
    night = opened(BASE, a_child(), start, 0, parent=False)
    night.hear(ChildSeen(at=night.now, by="alice", channel="telegram", via="staff", seen_at=night.now))
    night.answers("B_WELL", "no", by="alice")
    night.hear(CloseAsked(at=night.now, by="mo", channel="telegram"))
    assert night.case is not None and night.case.status is Status.CLOSED
    for act in [*script, Act(wait=0, who="mo", what="close", choice=0)]:
        news = told(night, act)
        if news is not None:
            assert not any(isinstance(x, Tell) for x in night.hear(news).effects)


@given(children, starts, lateness, st.booleans(), acts)
def test_nothing_lowers_a_level(child, start, late, parent, script):
    """More or worse answers, silence and the clock never lower a level; software never does (F3)."""
    night = opened(BASE, child, start, late, parent=parent)
    assert night.case is not None
    level = night.case.level
    for act in [*script, Act(wait=600, who="cass", what="wait", choice=0)]:
        play(night, [act])
        assert night.case.level >= level
        level = night.case.level


@given(children, starts, lateness, acts)
def test_silence_is_never_reassurance(child, start, late, script):
    """A night in which nobody answers any more ends as a police matter within the hard cap."""
    night = play(opened(BASE, child, start, late, parent=False), script)
    assert night.case is not None
    if night.case.returned:
        return
    night.until(max(night.now, night.case.first_t0) + timedelta(minutes=HARD_CAP_MINUTES + 1))
    if night.case.authorised_until is None and night.case.unlocated:
        assert night.case.level >= Level.MEDIUM


@given(children, starts, lateness, st.booleans(), acts)
def test_replay_gives_the_same_case(child, start, late, parent, script):
    """State is a fold: the log alone rebuilds the case, byte for byte."""
    night = play(opened(BASE, child, start, late, parent=parent), script)
    assert replay(night.log) == night.case


@given(children, starts, lateness, st.booleans(), acts)
def test_the_same_script_gives_the_same_log(child, start, late, parent, script):
    """The core has no clock and no chance."""
    one = play(opened(BASE, child, start, late, parent=parent), script)
    two = play(opened(BASE, child, start, late, parent=parent), script)
    assert one.log == two.log
    assert one.texts() == two.texts()


@given(children, starts, st.lists(st.tuples(st.sampled_from(("C04", "C08", "C10", "C11", "C12")), st.integers(0, 9)),
                                  unique_by=lambda pair: pair[0], min_size=2), st.randoms())  # fmt: skip
def test_the_order_of_unrelated_answers_does_not_change_the_level(child, start, answers, order):
    """The same answers in any order, at one moment, give the same level."""
    shuffled = list(answers)
    order.shuffle(shuffled)
    levels = []
    for sequence in (answers, shuffled):
        night = opened(BASE, child, start, 0, parent=False)
        for check, choice in sequence:
            options = BASE.find(check).options
            night.answers(check, options[choice % len(options)].value, by="alice")
        assert night.case is not None
        levels.append((night.case.level, frozenset(r.rule for r in night.case.reasons if r.rule.startswith("R"))))
    assert levels[0] == levels[1]


@given(children, starts, st.sampled_from([c.id for c in BASE.check if c.side == "staff" and c.kind == "choice"]),
       st.integers(0, 9), st.integers(0, 9))  # fmt: skip
def test_the_riskier_of_two_answers_stands_in_both_orders(child, start, check, one, two):
    """HZ14: two members of staff press opposite buttons in the same second."""
    options = BASE.find(check).options
    first, second = options[one % len(options)].value, options[two % len(options)].value
    ends = []
    for pair in ((first, second), (second, first)):
        night = opened(BASE, child, start, 0, parent=False)
        play(night, [Act(wait=0, who="ben", what="join", choice=0)])
        night.answers(check, pair[0], by="alice")
        night.answers(check, pair[1], by="ben")
        assert night.case is not None
        stands = facts.standing(night.case, BASE.find(check))
        assert stands is not None
        worst = max(o.worse for o in options if o.value in stands.values)
        ends.append((night.case.level, night.case.route, set(night.case.flags), set(night.case.factors), worst))
    assert ends[0] == ends[1]


@given(children, starts, lateness, st.booleans(), acts)
def test_letters_to_one_person_in_an_hour_are_bounded(child, start, late, parent, script):
    """At most 60 letters to one addressee in any hour that nobody's own acts call forth (the clock alone)."""
    night = play(opened(BASE, child, start, late, parent=parent), script)
    begin = night.now
    before = len(night.said)
    night.until(begin + timedelta(hours=1))
    counts: dict[str, int] = {}
    for said in night.said[before:]:
        counts[said.to] = counts.get(said.to, 0) + 1
    assert max(counts.values(), default=0) <= 60


@given(children, starts, lateness, st.booleans(), acts)
def test_reported_is_never_before_a_confirmed_number(child, start, late, parent, script):
    """P7: without a number from a verified person nothing says that the police know."""
    night = opened(BASE, child, start, late, parent=parent)
    confirmed = False
    for act in script:
        play(night, [act])
        assert night.case is not None
        confirmed = confirmed or (act.what == "log" and act.who != "pat")
        if not confirmed:
            assert not night.case.reported
            assert not any(s.text in ("R_NEWS", "O_POL") for s in night.said)


@given(children, starts, lateness, acts, acts)
def test_evolve_never_raises_for_news_in_any_status(child, start, late, script, more):
    """Whatever is heard, in whatever status, is noted."""
    night = play(opened(BASE, child, start, late, parent=False), script)
    case = night.case
    assert case is not None
    for status in Status:
        odd = replace(case, status=status)
        for act in more:
            news = told(night, act)
            if news is not None:
                assert evolve(odd, news).case_id == case.case_id
                assert step(odd, news, BASE).case.case_id == case.case_id


@given(children, starts, lateness, st.booleans(), acts)
def test_the_limit_never_passes_the_hard_cap(child, start, late, parent, script):
    """Six hours from the first t0 is the most an absence may stay outside the missing process (D2), on any night."""
    night = play(opened(BASE, child, start, late, parent=parent), script)
    case = night.case
    assert case is not None
    from_when = max(case.first_t0, case.authorised_until or case.first_t0)
    assert limits.limit(case, BASE) <= from_when + timedelta(minutes=360)


@given(children, starts, lateness, st.booleans(), acts)
def test_only_a_verified_sighting_ends_the_search(child, start, late, parent, script):
    """P8: claims, codes on a risky case, silence and time never make a case returned."""
    night = opened(BASE, child, start, late, parent=parent)
    for act in [*script, Act(wait=0, who="pat", what="claim", choice=0)]:
        before = night.case
        assert before is not None
        risky = before.level > Level.LOW or bool(before.flags)
        play(night, [act])
        assert night.case is not None
        if night.case.returned and not before.returned:
            by_staff = act.who != "pat" and act.what in ("seen", "answer")
            by_code = act.what == "claim" and act.choice % 5 == 0 and not risky
            assert by_staff or by_code or act.what == "answer"
            if act.what == "answer":
                assert night.case.back.seen_by != "pat" or not risky or by_staff


@given(children, starts, lateness, acts)
def test_a_claim_moves_no_deadline_later(child, start, late, script):
    """While a return is claimed the child counts as unlocated and no deadline moves later."""
    night = play(opened(BASE, child, start, late, parent=True), script)
    case = night.case
    assert case is not None
    if case.returned:
        return
    night.until(night.now)  # what is due already rings first
    before = armed(night.case, BASE)
    play(night, [Act(wait=0, who="pat", what="claim", choice=1)])
    after = armed(night.case, BASE)
    if night.case.status is not Status.RETURNED:
        assert night.case.unlocated
        assert all(kind in after and after[kind] <= at for kind, at in before.items() if kind != "limit:a01")


def test_a_claim_puts_no_check_off():
    """The same where the next check is sooner than a quarter of an hour: random nights seldom come there."""
    night = Night(BASE, STARTS[0])
    night.opens(a_child(age=13), t0=STARTS[0])
    searched = [o.value for o in BASE.find("C03").options if not o.means]
    for check, *values in (
        ("C01", "no"), ("C04", "off"), ("C03", *searched), ("C08", "nobody_knows"), ("C09", "nobody"), ("C10", "no"),
        ("C11", "none"), ("C12", "not_worried"),
    ):  # fmt: skip
        night.answers(check, *values)
    assert night.case is not None and night.case.level is Level.LOW and night.case.review_at is not None
    asked_at = night.case.review_at
    night.hear(ReturnClaimed(at=night.now, by="pat", channel="sms", trust=Trust.NONE))
    assert night.case.review_at == asked_at < night.now + timedelta(minutes=15)


@given(children, starts, lateness, acts)
def test_no_text_to_a_parent_holds_a_register_secret(child, start, late, script):
    """T1, HZ10: nothing sent by SMS names a flag, a plan, a place, a rule's finding or the child beyond one initial."""
    night = play(opened(BASE, child, start, late, parent=True), script)
    secrets = {*BOOK.flag.values(), "Oak House", "Exampleton", "Kai", "Example"}
    said_to_parents = {(s.text, s.at): s.tell.fields for s in night.said if s.to == "pat"}
    asked = {(c.id, night.now): {"flags": child.flags, "at": night.now} for c in BASE.check if c.side != "staff"}
    for (name, at), words in {**asked, **said_to_parents}.items():
        text = render(BOOK, name, channel="sms", code="A17", who="K", now=at, fields=words)
        assert not any(secret.lower() in text.lower() for secret in secrets)
        assert "reported" not in text.lower()
        assert "no apparent risk" not in text.lower()


@given(children, starts, lateness, acts, st.sampled_from(("Łukasz", "Aisha", "Mei")), st.sampled_from(("oak", "elm")))
def test_who_the_child_is_changes_nothing(child, start, late, script, name, home):
    """HZ18: rules see age, flags and history; another code or home gives the same night, word for word."""
    one = play(opened(BASE, child, start, late, parent=False), script)
    two = play(opened(BASE, replace(child, child_id=name), start, late, parent=False), script)
    assert one.texts() == two.texts()
    assert one.case is not None and two.case is not None
    assert armed(one.case, BASE) == armed(two.case, BASE)
    assert limits.limit(one.case, BASE) == limits.limit(two.case, BASE)
    assert {f.name for f in fields(child)} == DECIDES


def test_a_worry_always_raises():
    """F4: raising is open to everybody."""
    night = Night(BASE, STARTS[0])
    night.opens(a_child())
    night.hear(WorryRaised(at=night.now, by="pat", channel="sms", trust=Trust.NONE))
    assert night.case is not None
    assert night.case.level is Level.HIGH


@given(children, starts, lateness, st.booleans(), acts)
def test_what_is_ruled_out_at_a_glance_does_not_hold(child, start, late, parent, script):
    """A rule that is not asked could not have fired: no such condition holds, now or hours later."""
    night = opened(BASE, child, start, late, parent=parent)
    for act in (None, *script):
        play(night, [] if act is None else [act])
        assert night.case is not None
        for name in conditions.ruled_out(night.case):
            for later in (timedelta(0), timedelta(hours=3), timedelta(days=2)):
                assert not conditions.holds((name,), night.case, BASE, night.now + later), name
            other = OPPOSITES.get(name)
            assert other is None or conditions.holds((other,), night.case, BASE, night.now), name


@given(children, starts, lateness, st.booleans(), acts)
def test_an_event_leaves_the_case_before_it_as_it_was(child, start, late, parent, script):
    """The fold writes into its own copy alone: whoever still holds the case of before sees what it was."""
    night = opened(BASE, child, start, late, parent=parent)
    assert night.case is not None
    case, seen = night.case, repr(night.case)
    play(night, script)
    assert repr(case) == seen
