"""How each case stands, in words for somebody who has never seen one: what is known, what happens next, who is told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from casework.limits import LONDON
from storage import views
from storage.database import Tx
from storage.directory import Directory

AT_MOST = 6
STATE_SAYS = {
    "watching": "waited for", "checking": "checks are running", "absent": "absent: the home keeps checking",
    "missing": "MISSING: a matter for the police", "return_claimed": "said to be back, nobody has confirmed it",
    "returned": "back, and seen", "closed": "closed",
}  # fmt: skip
LEVEL_SAYS = {
    "unassessed": "risk not assessed yet", "nar": "no apparent risk", "low": "low risk", "medium": "medium risk",
    "high": "HIGH risk",
}  # fmt: skip
NEXT_SAYS = {
    "watch": "the bot asks whether the child is back",
    "answer": "no reply by then is taken for the worse answer",
    "checks": "the first checks must be done",
    "review": "the bot asks for news",
    "limit": "the limit: from then on the child is missing",
    "unsure": "a co-ordinator must settle a “not sure”",
    "rung": "if nobody takes the alert, the next person is called",
    "reference": "the bot asks for the police log number",
    "claim": "the return must be confirmed by somebody who saw the child",
    "lapse": "whoever took the alert must show that they act on it",
    "wellbeing": "the bot asks whether the child is well",
    "interview": "the return talk must have been held",
    "task": "somebody has a task to finish",
}


async def told(tx: Tx) -> list[dict[str, Any]]:
    """The newest cases as the page tells them."""
    return [await _case(tx, row) for row in await views.rows(tx, "v_case", order="-opened_at", limit=AT_MOST)]


async def next_deadline(tx: Tx) -> datetime | None:
    """The next instant at which the house will ask, call or decide something by itself."""
    first = await views.rows(tx, "v_deadline", order="due_at", limit=1)
    return datetime.fromisoformat(first[0]["due_at"]) if first else None


async def _case(tx: Tx, row: Mapping[str, Any]) -> dict[str, Any]:
    facts = (await _next(tx, row), _limit(row), _police(row), await _on_call(tx, row))
    return {
        "code": row["code"], "child": row["child"], "state": row["state"], "level": row["level"],
        "state_says": STATE_SAYS.get(row["state"], row["state"]),
        "level_says": LEVEL_SAYS.get(row["level"], row["level"]),
        "facts": [fact for fact in facts if fact is not None],
    }  # fmt: skip


async def _next(tx: Tx, row: Mapping[str, Any]) -> tuple[str, str] | None:
    due = await views.rows(tx, "v_deadline", order="due_at", limit=1, case_id=row["id"])
    if not due:
        return None
    return "Next", f"{clock(due[0]['due_at'])}: {NEXT_SAYS.get(due[0]['kind'], due[0]['kind'])}"


def _limit(row: Mapping[str, Any]) -> tuple[str, str] | None:
    if row["limit_at"] is None or row["state"] not in ("checking", "absent"):
        return None
    return "Limit", f"{clock(row['limit_at'])}, counted from {clock(row['t0'])}"


def _police(row: Mapping[str, Any]) -> tuple[str, str] | None:
    if row["reported_ref"]:
        return "Police", f"they know: log number {row['reported_ref']}"
    if row["state"] == "missing":
        return "Police", "no log number yet: they may not know"
    return None


async def _on_call(tx: Tx, row: Mapping[str, Any]) -> tuple[str, str] | None:
    """Who was called, and whether anybody took it."""
    people = {person.person_id: person.name for person in await Directory(tx).people(row["organisation"])}
    alerts = await views.rows(tx, "v_alert", order="sent_at", case_id=row["id"])
    taken = [each for each in alerts if each["acked_by"] is not None]
    if taken:
        by = taken[-1]["acked_by"]
        return "On call", f"{people.get(by, by)} took it at {clock(taken[-1]['acked_at'])}"
    names = list(dict.fromkeys(people.get(each["person"], each["person"]) for each in alerts))
    return ("On call", f"{', '.join(names)} called; nobody has taken it") if names else None


def clock(instant: str) -> str:
    """London's wall clock of an instant of the views."""
    return f"{datetime.fromisoformat(instant).astimezone(LONDON):%H:%M}"
