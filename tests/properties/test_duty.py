"""The laws of the rota, on random rotas: somebody is always on duty where somebody was put, and in doubt one more."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from casework.duty import EARLY, LOOK_BACK, TakenOver, on_duty
from casework.rota import Plan, Shift

PEOPLE = ("cass", "dee", "mo", "ola")
WEEK = frozenset(range(1, 8))
CLOCK_NIGHTS = (
    datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2027, 3, 27, 20, tzinfo=UTC),
    datetime(2027, 10, 30, 20, tzinfo=UTC),
)  # fmt: skip
A_NIGHT = datetime(2026, 11, 25, 21, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

people = st.sampled_from(PEOPLE)
minutes = st.integers(0, 24 * 60 - 1)
clocks = minutes.map(lambda n: time(n // 60, n % 60))
instants = st.integers(-9 * 24 * 60, 3 * 24 * 60).map(lambda n: A_NIGHT + n * MINUTE)


@st.composite
def shifts(draw, kinds=("shift", "override", "leave", "standing")):
    """A line of a rota, by the week or once."""
    kind = draw(st.sampled_from(kinds))
    line = (2, draw(st.integers(0, 1))) if kind == "standing" else (1, draw(st.integers(1, 2)))
    known = {"shift_id": str(draw(st.integers(0, 9999))), "person": draw(people), "kind": kind, "line": line}
    if kind == "override":
        known["instead_of"] = draw(st.sampled_from(("", *PEOPLE)))
    if kind != "leave" and draw(st.booleans()):
        return Shift(**known, days=draw(st.frozensets(st.sampled_from(sorted(WEEK)), min_size=1)),
                     begins=draw(clocks), ends=draw(clocks))  # fmt: skip
    begins = draw(instants)
    return Shift(**known, from_at=begins, until_at=begins + draw(st.integers(1, 3000)) * MINUTE)


rotas = st.lists(shifts(), max_size=6)
takings = st.lists(st.builds(TakenOver, people, instants), max_size=4)


def alerted(duty):
    return {*duty.people, *duty.keeping}


@given(st.sampled_from(CLOCK_NIGHTS), st.lists(clocks, min_size=1, max_size=4, unique=True), st.integers(0, 12 * 60))
def test_a_day_cut_into_shifts_has_somebody_on_duty_at_every_instant_of_a_clock_change_night(night, cuts, minute):
    """Wherever the cuts fall, in the hour that comes twice and in the one that never comes."""
    ordered = sorted(cuts)
    rota = [
        Shift(shift_id=str(n), person=PEOPLE[n], days=WEEK, begins=begins, ends=ordered[(n + 1) % len(ordered)])
        for n, begins in enumerate(ordered)
    ]
    plan = Plan(rota, night, night + timedelta(hours=12))
    assert list(plan.gaps()) == []
    assert on_duty(rota, (), night + minute * MINUTE).people


@given(rotas, takings, st.sampled_from((A_NIGHT, *CLOCK_NIGHTS)))
def test_the_plan_says_the_same_for_the_instant_and_for_the_window(rota, taken, night):
    """Who is on duty now does not depend on how far one looks."""
    plan = Plan(rota, night - timedelta(hours=5), night + timedelta(hours=7))
    found = {shift.person for shift in plan.first(night)}
    assert found == set(on_duty(rota, taken, night).people)
    assert bool(found) is not any(gap.holds(night) for gap in plan.gaps())


@given(rotas, takings, people, st.integers(0, 600))
def test_taking_over_relieves_others_and_never_who_is_on_duty(rota, taken, person, ago):
    """A hand-over closes what is open; nobody whom the rota puts on duty leaves by it."""
    before = on_duty(rota, taken, A_NIGHT)
    after = on_duty(rota, [*taken, TakenOver(person, A_NIGHT - ago * MINUTE)], A_NIGHT)
    assert after.people == before.people
    assert set(after.keeping) <= set(before.keeping)
    assert after.everybody <= before.everybody


@given(st.lists(shifts(kinds=("shift", "override", "standing")), max_size=6), takings)
def test_while_a_hand_over_is_open_nobody_is_relieved(rota, taken):
    """At every change: until somebody has taken over, whoever was alerted a moment before is alerted still."""
    for change in Plan(rota, A_NIGHT - timedelta(days=1), A_NIGHT).changes[1:]:
        before, after = on_duty(rota, taken, change - MINUTE / 60), on_duty(rota, taken, change)
        assert not after.open or after.everybody or alerted(before) <= alerted(after)


@given(st.lists(shifts(kinds=("shift", "override")), min_size=1, max_size=6), takings)
def test_only_who_is_on_duty_closes_a_hand_over(rota, taken):
    """What others say counts for nothing, and so does what was said before: those who had the duty a week aside."""
    duty = on_duty(rota, taken, A_NIGHT)
    plan = Plan(rota, A_NIGHT - LOOK_BACK, A_NIGHT + MINUTE)
    came = {person: plan.came(person, A_NIGHT) for person in duty.people}
    spoke = any(t.person in came and came[t.person] - EARLY <= t.at <= A_NIGHT for t in taken)
    a_week = any(since == plan.since for since in came.values())
    alone = not duty.keeping and not duty.everybody
    assert not duty.people or spoke or a_week or not alone or set(duty.people) >= _before(rota, taken, came)


def _before(rota, taken, came):
    """Who was alerted just before the first of them came: the same people need not keep anything."""
    return alerted(on_duty(rota, taken, min(came.values()) - MINUTE / 60))


@given(rotas, takings, shifts(kinds=("override",)))
def test_an_override_never_leaves_a_rung_empty_that_was_filled(rota, taken, override):
    """Also by somebody who is away, in place of themselves, or twice round in a circle."""
    before, after = on_duty(rota, taken, A_NIGHT), on_duty([*rota, override], taken, A_NIGHT)
    assert bool(before.people) <= bool(after.people)


@given(people, people, clocks, clocks, st.sampled_from(CLOCK_NIGHTS), st.integers(0, 36 * 60))
def test_a_swap_of_two_shifts_leaves_both_filled(one, other, first, second, night, minute):
    """Each has the other's shift; whoever was on duty, somebody still is, and nobody else came in."""
    rota = [
        Shift(shift_id="1", person=one, days=WEEK, begins=first, ends=second),
        Shift(shift_id="2", person=other, days=WEEK, begins=second, ends=first),
    ]
    swap = [
        Shift(shift_id="3", person=other, kind="override", instead_of=one, days=WEEK, begins=first, ends=second),
        Shift(shift_id="4", person=one, kind="override", instead_of=other, days=WEEK, begins=second, ends=first),
    ]
    at = night + minute * MINUTE
    assert on_duty(rota, (), at).people and on_duty([*rota, *swap], (), at).people
    assert set(on_duty([*rota, *swap], (), at).people) <= {one, other}


@given(rotas, rotas, st.integers(0, 24 * 60))
def test_what_a_change_of_the_rota_empties_is_told(before, after, minute):
    """No more and no less: each instant when somebody stood on the old one and nobody stands on the new one."""
    until, at = A_NIGHT + timedelta(days=1), A_NIGHT + minute * MINUTE - MINUTE / 60
    old, new = Plan(before, A_NIGHT - MINUTE, until), Plan(after, A_NIGHT - MINUTE, until)
    lost = bool(old.first(at)) and not new.first(at)
    assert lost is any(span.holds(at) for span in old.emptied(new))


@given(rotas, takings, people)
def test_who_cannot_be_reached_is_never_counted_as_on_duty(rota, taken, person):
    """They are passed over, as one on leave is."""
    duty = on_duty(rota, taken, A_NIGHT, out={person})
    assert person not in (*duty.people, *duty.second)


def once(person, begins, ends, **more):
    """A shift from and until so many hours after the night's begin."""
    hour = timedelta(hours=1)
    return Shift(shift_id=f"{person}{begins}", person=person, from_at=A_NIGHT + begins * hour,
                 until_at=A_NIGHT + ends * hour, **more)  # fmt: skip


def test_a_hand_over_is_open_until_the_next_person_accepts_it():
    """Alerts go to both; then to the next alone."""
    rota = [once("cass", -12, 0), once("dee", 0, 12)]
    taken = [TakenOver("cass", A_NIGHT - timedelta(hours=12))]
    duty = on_duty(rota, taken, A_NIGHT + timedelta(hours=3))
    assert (duty.people, duty.keeping, duty.open, duty.everybody) == (("dee",), ("cass",), True, False)
    taken.append(TakenOver("dee", A_NIGHT + timedelta(hours=4)))
    assert on_duty(rota, taken, A_NIGHT + timedelta(hours=3)).keeping == ("cass",)
    assert on_duty(rota, taken, A_NIGHT + timedelta(hours=4)).keeping == ()


def test_a_duty_may_be_taken_over_half_an_hour_before_it_begins_and_no_sooner():
    """The night before is no answer for tonight."""
    rota = [once("cass", -12, 0), once("dee", 0, 12)]
    for sooner, closed in ((EARLY, True), (EARLY + MINUTE, False)):
        taken = [TakenOver("cass", A_NIGHT - timedelta(hours=12)), TakenOver("dee", A_NIGHT - sooner)]
        assert on_duty(rota, taken, A_NIGHT).open is not closed


def test_nobody_who_ever_accepted_stays_alone_with_it():
    """Three shifts, none accepted after the first: all three are alerted, the latest first."""
    rota = [once("cass", -24, -12), once("dee", -12, 0), once("mo", 0, 12)]
    duty = on_duty(rota, [TakenOver("cass", A_NIGHT - timedelta(hours=24))], A_NIGHT)
    assert (duty.people, duty.keeping) == (("mo",), ("dee", "cass"))


def test_a_first_shift_that_nobody_accepted_calls_everybody_who_has_the_role():
    """Nobody is known who had it before, and silence is never reassurance."""
    assert on_duty([once("dee", 0, 12)], (), A_NIGHT).everybody
    assert not on_duty([once("dee", 0, 12)], [TakenOver("dee", A_NIGHT)], A_NIGHT).everybody


def test_a_line_of_the_roster_needs_nobody_to_take_it_over():
    """It holds until the shift that comes is accepted, and at once when that ends."""
    rota = [Shift(shift_id="r", person="cass", kind="standing", line=(2, 0)), once("dee", 0, 2)]
    assert alerted(on_duty(rota, (), A_NIGHT - MINUTE)) == {"cass"}
    assert alerted(on_duty(rota, (), A_NIGHT)) == {"cass", "dee"}
    assert alerted(on_duty(rota, (), A_NIGHT + timedelta(hours=2))) == {"cass"}


def test_who_has_had_a_duty_for_a_week_has_taken_it_over():
    """A rota of one person is no hand-over that stays open for ever."""
    always = Shift(shift_id="1", person="cass", days=WEEK, from_at=A_NIGHT - LOOK_BACK - MINUTE)
    assert not on_duty([always], (), A_NIGHT).open
    assert on_duty([always], (), A_NIGHT - timedelta(days=2)).open


def test_an_hour_that_comes_twice_belongs_to_both_shifts():
    """From the first 01:30 of 25 Oct 2026 to the second: one ends, one begins, and both are on duty."""
    late, early = time(21), time(1, 30)
    rota = [
        Shift(shift_id="1", person="cass", days=WEEK, begins=late, ends=early),
        Shift(shift_id="2", person="dee", days=WEEK, begins=early, ends=late),
    ]
    for clock, on in (
        ("00:29", ("cass",)),
        ("00:30", ("cass", "dee")),
        ("01:29", ("cass", "dee")),
        ("01:30", ("dee",)),
    ):
        at = datetime.combine(date(2026, 10, 25), time.fromisoformat(clock), tzinfo=UTC)
        assert on_duty(rota, (), at).people == on, clock


def test_a_night_shift_is_as_long_as_the_night():
    """From 20:00 to 08:00 is 13 hours when the clocks go back and 11 when they go forward."""
    rota = [Shift(shift_id="1", person="cass", days=WEEK, begins=time(20), ends=time(8))]
    for day, hours in ((date(2026, 10, 24), 13), (date(2026, 3, 28), 11), (date(2026, 11, 25), 12)):
        noon = datetime.combine(day, time(12), tzinfo=UTC)
        day_off = list(Plan(rota, noon, noon + timedelta(days=1)).gaps())
        on_for = day_off[1].begins - day_off[0].ends
        assert on_for == timedelta(hours=hours)
