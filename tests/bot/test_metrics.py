"""Numbers for a graph: in Prometheus' form, for whoever has the token, and never a word about anybody."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.sandbox import SERVICE_SID, Sandbox
from tests.bot.living import PAT, Living, a_world, living
from tests.databases import ON_BOTH

pytestmark = ON_BOTH
TOKEN = "graph-token"
NOBODY = re.compile(r"Kai|Pat|Cass|Alice|Example|\bK7\b|alice|cass|\bpat\b|oak|org1|\+44|07700")


@pytest.fixture
async def world():
    async with a_world() as world:
        yield world


async def asked(life: Living, **headers: str) -> tuple[int, str]:
    async with life.client.get(f"{life.url}/metrics", headers=headers) as answer:
        return answer.status, await answer.text()


def read(text: str) -> dict[str, float]:
    """Every sample by its name and labels."""
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_numbers_are_told_and_nobody_is_named(tmp_path: Path, world: Sandbox) -> None:
    """A case is open, its letters and its dead-man texts are counted; the process tells of itself, too."""
    async with living(tmp_path, world, TWILIO_MESSAGING_SERVICE_SID=SERVICE_SID) as life:
        await life.text(PAT, "MISSING 20:55")
        await life.settle()
        status, text = await asked(life)
        found = read(text)
        assert status == 200 and not NOBODY.search(text)
        assert found["porchlight_ready"] == found["porchlight_cases_open"] == found["porchlight_database_writable"] == 1
        assert found["porchlight_dead_man_texts stands"] == 2 and found["porchlight_channel_works sms"] == 1
        assert found["porchlight_deadlines_live"] >= 1 and found["porchlight_events_total"] >= 1
        assert found["porchlight_overdue"] == found["porchlight_outbox_oldest_seconds"] == 0
        assert "process_resident_memory_bytes" in found


async def test_with_a_token_nobody_else_reads_them(tmp_path: Path, world: Sandbox) -> None:
    """401 without it, with another, and with one that is sent in another way."""
    async with living(tmp_path, world, METRICS_TOKEN=TOKEN) as life:
        assert (await asked(life))[0] == 401
        for wrong in (f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ", "Bearer \u00e4"):
            assert (await asked(life, Authorization=wrong))[0] == 401
        assert (await asked(life, Authorization=f"Bearer {TOKEN}"))[0] == 200
        assert (await asked(life, Authorization=f"bearer {TOKEN}"))[0] == 200
