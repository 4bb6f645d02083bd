"""Knows which open cases concern children who are out together (G01): what is said of one is news to the other.

Two cases are linked when both children are out of the same home at the same time and an adult on either case said that
another child is out. A linked child takes the other's level and channel.
"""

import structlog

from casework.case import Case
from casework.facts import by_means, chosen
from casework.levels import Level, Route, Status
from casework.protocol import Protocol
from storage import cases
from storage.database import Tx
from storage.recent import Recent

_ROUTES = (Route.NONE, Route.POLICE, Route.NON_EMERGENCY, Route.EMERGENCY)
_OUT = (Status.CHECKING, Status.ABSENT, Status.MISSING, Status.RETURN_CLAIMED)
_log = structlog.get_logger(__name__)


def could_matter(before: Case | None, case: Case, protocol: Protocol) -> bool:
    """Whether this step can have linked or raised anybody: a case opened, rose, or named another child just now."""
    if before is None or before.status not in _OUT:
        return True
    if case.level >= Level.MEDIUM and (before.level != case.level or before.route != case.route):
        return True
    if case.answers is before.answers:
        return False
    return _names_another(case, protocol) and not _names_another(before, protocol)


async def raised(tx: Tx, case: Case, protocol: Protocol, recent: Recent) -> list[tuple[str, Case]]:
    """Pairs (id of the case to be told, the case that raises it), in order of id."""
    if case.status not in _OUT:
        return []
    lost = list[str]()
    others = await cases.open_cases(
        tx, recent, organisation=case.organisation, home=case.home, but=case.case_id, lost=lost
    )
    if lost:  # its own deadline tells of it; this child's case goes on
        _log.critical("an open case of the same home cannot be read", case=case.case_id, others=lost)
    names = _names_another(case, protocol)
    pairs = []
    for other in others:
        # both are out now, so their absences overlap; what is left to ask is whether anybody named another child
        if other.status not in _OUT or not (names or _names_another(other, protocol)):
            continue
        for weaker, stronger in ((other, case), (case, other)):
            if _raises(stronger, weaker):
                pairs.append((weaker.case_id, stronger))
    return sorted(pairs, key=lambda pair: pair[0])


def _names_another(case: Case, protocol: Protocol) -> bool:
    """An adult said that another child is out too."""
    return any(o.raises or o.factors for check in by_means(protocol, "others") for o in chosen(case, check))


def _raises(stronger: Case, weaker: Case) -> bool:
    """Whether this case stands above the other and it was not told so yet."""
    if stronger.level < Level.MEDIUM:
        return False
    known = (stronger.case_id, stronger.level, stronger.route)
    above = weaker.level < stronger.level or _ROUTES.index(weaker.route) < _ROUTES.index(stronger.route)
    return above and known not in weaker.linked
