"""A house that is killed and never comes back: each child who is out still raises the alarm, and the heart has stopped.

Forty open cases, a process from outside, its public contract alone. It is killed between any two instants of its work.
"""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.sandbox import SERVICE_SID
from tests.databases import ON_BOTH
from tests.outside import ROSTER, Outside, outside

pytestmark = [ON_BOTH, pytest.mark.slow]
CHILDREN = 40
STAFF, CO_ORDINATOR = "+447700900101", "+447700900301"
MORE = "".join(
    f'[[child]]\nid = "Z{n}"\nhome = "oak"\nfirst_name = "Kit"\nfamily_name = "Example"\nborn = 2011-02-03\n'
    for n in range(CHILDREN)
)


async def test_forty_open_cases_and_a_house_that_never_comes_back(tmp_path: Path) -> None:
    """One text for each case and each person it is meant for; the children who were seen to be back have none."""
    beats: list[datetime] = []
    async with outside(tmp_path) as house:

        async def hear(request: web.Request) -> web.Response:
            beats.append(house.now)
            return web.Response()

        app = web.Application()
        app.router.add_get("/", hear)
        watcher = web.AppRunner(app)
        await watcher.setup()
        await web.TCPSite(watcher, "127.0.0.1", 0).start()
        house.more = {
            "TWILIO_MESSAGING_SERVICE_SID": SERVICE_SID,
            "PORCHLIGHT_HEARTBEAT_URL": f"http://127.0.0.1:{watcher.addresses[0][1]}/",
        }
        try:
            await _a_night(house)
            assert beats and house.now - beats[-1] <= timedelta(seconds=60)
            await house.kill()
            heard = len(beats)
            cases = {
                row["code"]: row["next_due"]
                for row in house.rows("SELECT code, next_due FROM v_case WHERE state NOT IN ('returned', 'closed')")
            }
            texts = _standing(house)
            assert len(cases) == CHILDREN - 2
            assert texts == {
                (to, ref): datetime.fromisoformat(due) + timedelta(minutes=10)
                for ref, due in cases.items() for to in (STAFF, CO_ORDINATOR)
            }  # fmt: skip
            house.set_clock(max(texts.values()))
            await house.sandbox.twilio.travel()
            assert not _standing(house) and len(beats) == heard
            assert len([text for text in house.phone("cass", "sms") if "we may be down" in text]) == len(cases)
        finally:
            await watcher.cleanup()


async def _a_night(house: Outside) -> None:
    """Forty children are out; some news comes, two are back."""
    roster = house.folder / "more.toml"
    roster.write_text(ROSTER.read_text() + MORE)
    code, said = await house.command("import", str(roster))
    assert code == 0, said
    await house.start()
    for n in range(CHILDREN):
        assert await house.post_telegram(house.typed("alice", f"/absent Z{n}")) == 200
    await house.settle()
    refs = [row["code"] for row in house.rows("SELECT code FROM v_case ORDER BY id")]
    chance = random.Random(4)
    for minutes in (3, 4, 6):
        house.set_clock(house.now + timedelta(minutes=minutes))
        for ref in chance.sample(refs, 5):
            assert await house.post_telegram(house.typed("mo", f"/worried {ref}")) == 200
        await house.settle()
    for ref in refs[:2]:
        await house.types("mo", f"/back {ref}")
        await house.types("cass", f"/confirm {ref}")


def _standing(house: Outside) -> dict[tuple[str, str], datetime]:
    """What lies at the network, by number and ref; two for one person and case is a fault."""
    double = house.sandbox.twilio
    lying = [(double.messages[sid], at) for sid, at in double.timetable.standing().items()]
    found = {(message["to"], message["body"].partition(":")[0]): at for message, at in lying}
    assert len(found) == len(lying)
    return found
