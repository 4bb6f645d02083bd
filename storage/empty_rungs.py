"""Knows what becomes of an alert whose rung nobody holds, or only somebody on leave: whoever stands on the next rungs hears
at once, and it is said.

The ladder keeps its own time; here the minutes are saved that it would wait for nobody.
"""

from datetime import timedelta

from casework.case import Case
from casework.effects import Tell, To
from casework.protocol import Protocol
from casework.protocol_parts import Rung
from storage.addressees import Addressees
from storage.codec import ms
from storage.database import Tx

SAID_EVERY = timedelta(hours=12)  # of one role in one case
EVERYBODY = To(kind="all_duty")


async def passed_over(addressees: Addressees, case: Case, alert: Tell, protocol: Protocol) -> list[To]:
    """Whom else an alert goes to, since nobody holds the role it is for: the next rungs, up to one that somebody holds."""
    assert alert.alert is not None, "asked of an alert"
    if alert.to.kind != "duty" or await is_held(addressees, case, alert.to.id):
        return []
    beyond: list[To] = []
    for rung in protocol.rungs_after(alert.alert):
        role = role_of(rung, case)
        if role == "all":
            return [*beyond, EVERYBODY]
        beyond.append(To(kind="duty", id=role))
        if await is_held(addressees, case, role):
            return beyond
    return [*beyond, EVERYBODY]


def role_of(rung: Rung, case: Case) -> str:
    """The role that a rung alerts for this child; `all` is everybody on call."""
    return rung.role_at_home if case.child.at_home and rung.role_at_home else rung.role


async def is_held(addressees: Addressees, case: Case, role: str) -> bool:
    """Whether somebody has this role now who is not merely asked for want of anybody else."""
    held = await addressees.held(case, role)
    return bool(held.people) and not (held.stand_in or held.away)


async def empty_first(addressees: Addressees, case: Case, protocol: Protocol) -> str:
    """The role of the first rung where nobody holds it, else nothing."""
    first = protocol.rungs_after(0)[0]
    role = role_of(first, case)
    return "" if role == "all" or await is_held(addressees, case, role) else role


async def to_say(tx: Tx, case: Case, role: str, text: str, addressees: Addressees) -> list[Tell]:
    """What is said of an empty rung, and to whom: the owner, the home's manager, the co-ordinator. Once in a while."""
    now = addressees.now
    new = await tx.run(
        "INSERT INTO empty_rung (case_id, role, said_at) VALUES (?, ?, ?) ON CONFLICT (case_id, role)"
        " DO UPDATE SET said_at = excluded.said_at WHERE empty_rung.said_at <= ?",
        case.case_id, f"{text} {role}", ms(now), ms(now - SAID_EVERY),
    )  # fmt: skip
    if not new:
        return []
    told = (each for each in ("owner", "manager", "coordinator") if each != role)
    return [Tell(to=To(kind="duty", id=each), text=text, fields={"role": role}, via="quiet") for each in told]
