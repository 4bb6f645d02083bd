"""`/case`: how far an alert came with each person, who took it, whether they acted."""

from datetime import timedelta

from storage import proofs, roster
from tests.databases import ON_BOTH
from tests.handlers.telegram_phones import Phones
from tests.storage.houses import ROSTER

pytestmark = ON_BOTH


async def _missing(home: Phones) -> str:
    """K7 is absent and in danger: HIGH, Cass and five minutes later Dee alerted. Returns the code."""
    code = (await home.goes_missing()).code
    await home.house.silence(home.house.clock.now() + timedelta(minutes=5))
    return code


async def _newest(home: Phones) -> str:
    """What Alice was told last of how the alert stands."""
    return [text for text in await home.reads("alice") if "Told:" in text][-1]


async def _becomes(home: Phones, person: str, state: str) -> None:
    now = home.house.clock.now()
    rows = await home.house.rows(
        "SELECT id FROM outbox WHERE text = 'C_ALERT' AND person = ? AND channel = 'sms'", person
    )

    async def unit(tx):
        for row in rows:
            await proofs.receipt(tx, "sent", letter_id=row["id"])
            await tx.run("UPDATE outbox SET sent_at = ? WHERE id = ?", int(now.timestamp() * 1000), row["id"])
            if state == "delivered":
                await proofs.receipt(tx, "delivered", letter_id=row["id"])

    await home.house.database.write(unit)


async def test_who_waits_sees_how_far_it_came_with_each(home: Phones):
    """On its way, sent, delivered, seen: none of it is an answer."""
    code = await _missing(home)
    await home.types("alice", f"/case {code}")
    line = f"{code}: nobody has taken the alert yet; next 21:10. Told: Cass Example (on its way), Dee Example (on its way)."
    assert line in await home.reads("alice")
    await _becomes(home, "cass", "delivered")
    await _becomes(home, "dee", "sent")
    await home.types("alice", f"/case {code}")
    assert "Told: Cass Example (delivered 21:05), Dee Example (sent 21:05)." in await _newest(home)
    home.house.clock.after(minutes=1)
    await home.types("dee", f"/case {code}")
    await home.types("alice", f"/case {code}")
    assert "Dee Example (seen 21:06)" in await _newest(home)
    assert (await home.case()).alert.taken_by is None


async def test_taken_and_acted_are_shown(home: Phones):
    """With the time by which something must follow."""
    code = await _missing(home)
    await home.types("dee", f"/ack {code}")
    await home.types("alice", f"/case {code}")
    assert "taken by Dee Example at 21:05, no act noted yet; next 21:15." in await _newest(home)
    home.house.clock.after(minutes=2)
    await home.types("dee", f"/note {code} rang the home")
    await home.types("alice", f"/case {code}")
    assert "taken by Dee Example at 21:05, acted 21:07; next 21:17." in await _newest(home)
    home.house.clock.after(minutes=1)
    await home.types("mo", f"/note {code} somebody else's words")
    await home.types("alice", f"/case {code}")
    assert "acted 21:07; next 21:17." in await _newest(home)


PARENT = """
[[person]]
id = "bob"
organisation = "org1"
name = "Bob Example"
roles = ["parent:K7"]
mobile = "+447700900199"
telegram_id = 1005
contact = "open"
"""


async def test_a_parent_reads_no_name(home: Phones):
    """ "The on-call lead", and nothing of who was told."""
    more = roster.parse(ROSTER + PARENT)
    await home.house.database.write(lambda tx: roster.apply(tx, more, take_telegram_ids=True))
    code = await _missing(home)
    await home.types("bob", f"/case {code}")
    assert f"{code}: people on call are alerted; next 21:10." in await home.reads("bob")
    await home.types("dee", f"/ack {code}")
    await home.types("bob", f"/case {code}")
    assert f"{code}: taken by the on-call lead at 21:05; next 21:15." in await home.reads("bob")
    assert not any("Dee" in text or "Cass" in text for text in await home.reads("bob"))
