"""Knows a town of families to measure with: who lives there, what its parents text and its staff type of an evening.

Numbers are from Ofcom's ranges for drama; there are more of them for landlines than for mobiles.
"""

from datetime import date

from storage.roster_file import Entry, Roster

HOMES_AN_ORGANISATION = 50
RANGES = (  # the first number of each thousand
    447700900000, 441134960000, 441144960000, 441154960000, 441164960000, 441174960000, 441184960000, 441214960000,
)  # fmt: skip
DUTY_RANGE = 442079460000
FIRST_STAFF, FIRST_DUTY = 10_000, 90_000

# A night as a parent answers it: one text cannot be read, one comes when nothing is asked.
PARENT_TEXTS = ("MISSING", "1", "2", "?", "2", "1", "2", "at Sams", "2", "2", "2", "2", "no news")
# The same as care staff type it: one text is no answer, one asks how the case stands.
STAFF_TEXTS = (
    "/absent {child}", "No", "Rings out", "All rooms", "Done, nobody knows", "Asked, nobody else missing", "No",
    "None of these", "he left at eight with Tom", "A bit", "/case",
)  # fmt: skip


def number(home: int) -> str:
    """The number of a home's parent."""
    return f"+{RANGES[home // 1000] + home % 1000}"


def account(home: int) -> int:
    """The Telegram account of a home's member of staff."""
    return FIRST_STAFF + home


def child(home: int) -> str:
    """The code of a home's child."""
    return f"C{home}"


def roster(homes: int) -> Roster:
    """So many families, each with a child, a parent who texts and a member of staff who types."""
    organisations = range((homes + HOMES_AN_ORGANISATION - 1) // HOMES_AN_ORGANISATION)
    tables = {
        "organisation": [_organisation(each) for each in organisations],
        "home": [_home(each) for each in range(homes)],
        "child": [_child(each) for each in range(homes)],
        "person": [
            *(_on_call(each, place) for each in organisations for place in range(len(_ON_CALL))),
            *(person for each in range(homes) for person in (_parent(each), _staff(each))),
        ],
        "duty": [
            {"organisation": f"org{each}", "role": role, "person": f"{role}{each}"}
            for each in organisations
            for role in _ON_CALL
        ],
    }
    return Roster(tables, {name: list(range(len(entries))) for name, entries in tables.items()})


_ON_CALL = ("coordinator", "deputy")


def _of(home: int) -> str:
    return f"org{home // HOMES_AN_ORGANISATION}"


def _organisation(each: int) -> Entry:
    return {"id": f"org{each}", "name": f"Organisation {each}", "jurisdiction": "england",
            "protocol": "england/base/2026-01-01", "duty_number": "+441632960100",
            "police_email": "control@police.example"}  # fmt: skip


def _home(home: int) -> Entry:
    return {"id": f"home{home}", "organisation": _of(home), "kind": "family", "name": "Elm Road", "town": "Exampleton"}


def _child(home: int) -> Entry:
    return {"id": child(home), "home": f"home{home}", "first_name": "Kai", "family_name": "Example",
            "born": date(2011, 2, 3)}  # fmt: skip


def _parent(home: int) -> Entry:
    return {"id": f"parent{home}", "organisation": _of(home), "name": f"Parent {home}", "contact": "open",
            "roles": [f"parent:{child(home)}"], "mobile": number(home)}  # fmt: skip


def _staff(home: int) -> Entry:
    return {"id": f"staff{home}", "organisation": _of(home), "name": f"Staff {home}", "roles": [f"staff:home{home}"],
            "telegram_id": account(home)}  # fmt: skip


def _on_call(organisation: int, place: int) -> Entry:
    role, nth = _ON_CALL[place], len(_ON_CALL) * organisation + place
    return {"id": f"{role}{organisation}", "organisation": f"org{organisation}", "name": f"{role} {organisation}",
            "roles": [role], "mobile": f"+{DUTY_RANGE + nth}", "telegram_id": FIRST_DUTY + nth}  # fmt: skip
