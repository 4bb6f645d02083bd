"""A case in sentences: an inquiry reads why, and nobody is quoted."""

from casework.events import PoliceLogged, RiskAssessed, WorryRaised
from casework.explain import because, clock, why
from tests.builders import Night, a_child, local, the_protocol

DAY = "2026-06-24"


def a_told_night() -> Night:
    """Phone off, the limit, a worry, a log number."""
    night = Night(the_protocol(), local(DAY, "21:20"))
    night.opens(a_child(flags=("medical",)), t0=local(DAY, "21:00"))
    night.answers("C01", "no")
    night.answers("C04", "off")
    night.until(local(DAY, "23:10"))
    night.hear(WorryRaised(at=night.now, by="pat", channel="sms", words="words-1"))
    night.hear(PoliceLogged(at=night.now, by="alice", channel="telegram", number="1234"))
    return night


def test_every_conclusion_names_its_rule_and_its_source() -> None:
    """Return the reason with the decision: no level without one."""
    night = a_told_night()
    judged = [event for event in night.log if isinstance(event, RiskAssessed) and event.reasons]
    assert judged
    for event in judged:
        lines = list(because(event, night.protocol))
        assert all(f"because {reason.rule}: " in " ".join(lines) for reason in event.reasons)
        assert all("source " in line for line in lines if line.startswith("because"))
        assert "no longer holds" not in " ".join(lines)


def test_the_case_reads_from_top_to_bottom() -> None:
    """Each event one sentence, in order, with London's clock."""
    night = a_told_night()
    lines = list(why(night.log, night.protocol))
    assert lines[0] == "Wed 24 Jun 21:20 K7 was reported absent (due Wed 24 Jun 21:00); alice is asked."
    assert any(line.startswith("Wed 24 Jun 23:10 somebody is worried: R16") for line in lines)
    assert any("the police log number 1234 was told (verified)" in line for line in lines)
    sentences = [line for line in lines if not line.startswith(("because", "counted"))]
    assert len(sentences) == len(night.log)


def test_what_people_wrote_is_not_quoted() -> None:
    """Free text lies apart from the log; not even its id is shown."""
    night = a_told_night()
    assert "words-1" not in " ".join(why(night.log, night.protocol))


def test_the_hour_that_comes_twice_says_which() -> None:
    """P16: 01:30 BST and 01:30 GMT are an hour apart."""
    assert clock(local("2026-10-25", "00:30")) == "Sun 25 Oct 00:30"
    assert clock(local("2026-10-25", "01:30")).endswith("01:30 BST")
