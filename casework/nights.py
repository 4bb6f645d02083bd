"""The nights that protocols are compared on: what adults told us, minute by minute, whatever the protocol made of it.

Built in, so that a comparison needs no file: S1, S2, S10 and the marker of S3 from the domain's scenarios. The answers
are the same under every protocol; what is asked, when, and what follows is the protocol's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from casework.events import AlertAcknowledged, Child, ChildSeen, NoteMade, PoliceLogged, ReturnClaimed, WhereaboutsGiven
from casework.levels import Side, Trust
from casework.limits import LONDON
from casework.protocol import Protocol
from casework.rehearsal import Rehearsal


@dataclass(frozen=True)
class Night:
    """One night: its name, what it is about, and how it is played."""

    name: str
    says: str
    play: Callable[[Protocol], Rehearsal]


def half_an_hour_late(protocol: Protocol) -> Rehearsal:
    """S1: K, 15, in a home, due 21:00; spoken to, in a safe place, back at 21:44."""
    night = Rehearsal(protocol, _at("2026-06-10", "20:00"))
    night.watches(Child(child_id="K", age=15), _at("2026-06-10", "21:00"))
    _go(night, "21:16", ("W_BACK", "no_news"), ("C01", "no"), ("C04", "spoke"), ("C05", "yes"))
    back_at = _at("2026-06-10", "21:45")
    night.hear(
        WhereaboutsGiven(at=night.now, by=night.adult, channel="telegram", check="C06", place=True, adult=True,
                         back_at=back_at)
    )  # fmt: skip
    _go(night, "21:18", ("C07", "yes"), ("C10", "no"), ("C11", "none"))
    _go(night, "21:20", ("C12", "not_worried"))
    _go(night, "21:44")
    _seen(night)
    return night


def phone_off(protocol: Protocol) -> Rehearsal:
    """S2: the same boy, phone off, no news at any review; the log number at 23:14, back at 00:40."""
    night = Rehearsal(protocol, _at("2026-06-24", "21:20"))
    night.opens(Child(child_id="K", age=15, episodes_90_days=1), _at("2026-06-24", "21:00"))
    _go(night, "21:22", ("C01", "no"))
    _go(night, "21:24", ("C04", "off"))
    searched = [o.value for o in protocol.find("C03").options if o.completes and not o.means]
    _go(night, "21:26", ("C03", *searched))
    _go(night, "21:28", ("C08", "nobody_knows"), ("C09", "nobody"), ("C10", "no"), ("C11", "none"))
    _go(night, "21:32", ("C12", "a_bit"))
    no_news = {"R_REV": "no_news", "R_NEWS": "no_news"}
    night.until(_later(night, "23:02"), no_news)
    night.hear(AlertAcknowledged(at=night.now, by="on_call", channel="telegram"))
    night.until(_later(night, "23:14"), no_news)
    night.hear(PoliceLogged(at=night.now, by=night.adult, channel="telegram", number="1234"))
    night.until(_later(night, "23:50"), no_news)
    night.hear(NoteMade(at=night.now, by="on_call", channel="telegram", acted=True))
    night.until(_at("2026-06-25", "00:40"), no_news)
    _seen(night)
    return night


def marked_child(protocol: Protocol) -> Rehearsal:
    """S3: L, 14, in a home, marked for exploitation on the register, five minutes late."""
    night = Rehearsal(protocol, _at("2026-06-15", "20:05"))
    night.opens(Child(child_id="L", age=14, flags=("cse",)), _at("2026-06-15", "20:00"))
    _go(night, "20:07", ("C01", "no"), ("C04", "off"))
    _go(night, "20:20")
    return night


def false_return(protocol: Protocol) -> Rehearsal:
    """S10: U, 14, at home; the parent answers, is told at 19:10 that the child is back, and it is not so."""
    night = Rehearsal(protocol, _at("2026-06-23", "18:20"), Side.PARENT)
    night.opens(Child(child_id="U", age=14, at_home=True, looked_after=False, parents=("parent",)), None)
    _go(night, "18:21", ("P00", "ready"), ("P01", "no"))
    night.answers("P02", "given", instant=_at("2026-06-23", "18:00"))
    _go(night, "18:25", ("P06", "off"), ("P04", "looked"))
    _go(night, "18:29", ("P08", "no"), ("P11", "neither"))
    _go(night, "18:33", ("P12", "no"), ("P10", "no"))
    _go(night, "18:38", ("P16", "a_bit"))
    _go(night, "18:40", ("P07", "nobody_knows"))
    no_news = {"R_REV": "no_news"}
    night.until(_later(night, "19:10"), no_news)
    night.hear(ReturnClaimed(at=night.now, by=night.adult, channel="sms", trust=Trust.NONE))
    night.answers("B_SEEN", "told")
    night.until(_later(night, "20:10"), no_news)
    return night


NIGHTS = (
    Night("S1", "half an hour late, reached, in a safe place", half_an_hour_late),
    Night("S2", "phone off, no news, to the limit", phone_off),
    Night("S3", "marked for exploitation, five minutes late", marked_child),
    Night("S10", "a return that was not one", false_return),
)


# ---- how they are played -------------------------------------------------------------------------


def _at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=LONDON).astimezone(UTC)


def _later(night: Rehearsal, clock: str) -> datetime:
    return _at(f"{night.now.astimezone(LONDON):%Y-%m-%d}", clock)


def _go(night: Rehearsal, clock: str, *answers: tuple[str, ...]) -> None:
    """Go on to this local time, then give these answers."""
    night.until(_later(night, clock))
    for check, *values in answers:
        night.answers(check, *values)


def _seen(night: Rehearsal) -> None:
    """Staff see the child, who is well; the police are told where they had been told."""
    night.hear(ChildSeen(at=night.now, by=night.adult, channel="telegram", via="staff", seen_at=night.now))
    night.answers("B_WELL", "no")
    assert night.case is not None
    if night.case.police.number is not None:
        night.until(night.now + timedelta(minutes=3))
        night.answers("B_POL", "done")
