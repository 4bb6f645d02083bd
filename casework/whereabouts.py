"""Question 1: where is the child? Contact is the child's own voice, heard sounding free to talk, or a sighting; located is
contact *and* a place named. A text, a post or a friend's word is neither (4.2)."""

from datetime import datetime, timedelta

from casework import facts, silence
from casework.case import Case
from casework.effects import To, Withdraw
from casework.events import CheckAnswered, ClockSet, LocationDecided, ReturnUndone, WhereaboutsGiven, WorryRaised
from casework.levels import Located, Status
from casework.limits import MINUTE
from casework.protocol import Protocol
from casework.protocol_parts import HARD_CAP_MINUTES
from casework.turn import Turn

AT_ONCE = timedelta(minutes=10)  # how long a colleague's opposite answer undoes a sighting without more words


def locate(turn: Turn) -> None:
    """Start the clock where a time became known, then decide whether the child counts as located."""
    if turn.case.status is Status.RETURNED and _gone_again(turn):
        _undo(turn)
    if turn.case.returned:
        return
    _start_clock(turn)
    _away(turn)
    news = turn.news
    if isinstance(news, CheckAnswered | WhereaboutsGiven):
        found = _located(turn.case, turn.protocol)
        agreed = _agreed(turn, found)
        if (found, agreed) != (turn.case.located, turn.case.agreed_until) and not _lost_since(turn.case, turn.protocol):
            turn.decide(LocationDecided(at=turn.now, located=found, agreed_until=agreed))


def _gone_again(turn: Turn) -> bool:
    """A worry after a return, or a colleague who says "no news" in the moment another said "I can see": the riskier
    answer stands, in both orders (HZ14), and raising is open to everybody (F4)."""
    news, confirmed = turn.news, turn.case.back.confirmed_at
    if isinstance(news, WorryRaised):
        return True
    just_now = confirmed is not None and turn.now - confirmed <= AT_ONCE
    return just_now and bool(_means(turn) & {"no_news", "no_contact", "new_worry", "told", "phone"})


def _undo(turn: Turn) -> None:
    case, chase = turn.case, turn.protocol.timers.chase
    waits = case.missing_at is not None and case.police.number is None
    at = turn.now + min(chase.high, chase.medium) * MINUTE if waits else None
    turn.decide(ReturnUndone(at=turn.now, chase_at=at))
    turn.effects.append(Withdraw())
    turn.tell(To(kind="told", id=""), "C_GONE", {"at": turn.now}, via="both")


def _start_clock(turn: Turn) -> None:
    news = turn.news
    if not isinstance(news, CheckAnswered) or news.instant is None or not turn.protocol.has(news.check):
        return
    if turn.protocol.find(news.check).means not in ("due", "which_child"):
        return
    known = turn.case.t0_kind != "reported"
    if news.instant < turn.case.t0 or (not known and news.instant == turn.case.t0):
        kind = "seen" if "seen" in news.values else "due"
        turn.decide(ClockSet(at=turn.now, t0=news.instant, kind=kind))


def _located(case: Case, protocol: Protocol) -> Located:
    where = facts.whereabouts(case, protocol)
    if where is None or not where.place:
        return Located.NO
    if facts.meant(case, protocol, "voice") != {"calm"}:
        return Located.CLAIMED
    safe = facts.meant(case, protocol, "place_safe")
    if not safe:
        return Located.CLAIMED
    return Located.SAFE if safe == {"safe"} else Located.UNSAFE


def _lost_since(case: Case, protocol: Protocol) -> bool:
    """Contact failed after the last words on where the child is: only new contact counts as located again."""
    where = facts.whereabouts(case, protocol)
    if where is None or case.t0_kind != "agreed":
        return False
    voices = [a for c in protocol.by_means("voice") for a in case.answers.get(c.id, ())]
    return not any(a.at >= case.t0 and a.at > case.checks_from for a in voices)


def _agreed(turn: Turn, found: Located) -> datetime | None:
    """The agreed return: an authorised stay, or the time the child named, up to 360 min after the first t0 (A01)."""
    case = turn.case
    if found is not Located.SAFE:
        return None
    where = facts.whereabouts(case, turn.protocol)
    named = where.instant if where else None
    if case.authorised_until is not None:
        return max(case.authorised_until, named or case.authorised_until)
    cap = case.first_t0 + min(turn.protocol.timers.hard_cap, HARD_CAP_MINUTES) * MINUTE
    if case.located is Located.SAFE and case.agreed_until is not None and case.extensions:
        return case.agreed_until
    return min(named, cap) if named is not None else None


def _away(turn: Turn) -> None:
    """A located child: a good check extends the agreement, a failed one ends it."""
    case = turn.case
    if case.located is not Located.SAFE or case.status is Status.RETURN_CLAIMED:
        return
    if _contact_failed(turn):
        agreed = min(case.agreed_until or turn.now, turn.now)
        turn.decide(LocationDecided(at=turn.now, located=Located.NO))
        turn.decide(ClockSet(at=turn.now, t0=agreed, kind="agreed"))
    elif _still_safe(turn):
        away = turn.protocol.timers.away
        if case.extensions < away.extend_times:
            base = max(case.agreed_until or turn.now, turn.now)
            turn.decide(
                LocationDecided(
                    at=turn.now,
                    located=Located.SAFE,
                    agreed_until=base + away.extend_by * MINUTE,
                    extended=True,
                )
            )


def _still_safe(turn: Turn) -> bool:
    return isinstance(turn.news, CheckAnswered) and "still_safe" in _means(turn)


def _contact_failed(turn: Turn) -> bool:
    """R_REV 3, AWAY_CHECK 2, or either silent for 10 minutes (5.2)."""
    if isinstance(turn.news, CheckAnswered):
        return bool(_means(turn) & {"no_contact", "no_news"})
    return silence.stage_now(turn) == silence.SILENT and any(
        p.check in ("R_REV", "AWAY_CHECK") for p in turn.case.prompts
    )


def _means(turn: Turn) -> set[str]:
    news = turn.news
    if not isinstance(news, CheckAnswered) or not turn.protocol.has(news.check):
        return set()
    check = turn.protocol.find(news.check)
    return {o.means for v in news.values if (o := check.option(v))}
