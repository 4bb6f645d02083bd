"""From outside, through webhooks alone: an absence becomes a confirmed police log number, and the house can be stopped at
any moment in between."""

from datetime import datetime, timedelta

import pytest

from tests.databases import ON_BOTH
from tests.outside import outside

pytestmark = [ON_BOTH, pytest.mark.slow]


async def test_from_an_absence_to_a_confirmed_log_number_through_webhooks_alone(tmp_path):
    """Signed Twilio posts and Telegram updates with the secret; what is read are the contract's views."""
    async with outside(tmp_path) as house:
        await house.start()
        await house.texts("pat", "MISSING 19:50")
        (case,) = house.rows("SELECT * FROM v_case")
        assert (case["state"], case["child"], case["t0"]) == ("checking", "N5", "2026-06-15T18:50:00.000Z")
        code = case["code"]
        assert house.phone("pat", "sms")[-1].startswith(f"Absence check {code} for N.")
        await house.texts("pat", "1")
        await house.texts("pat", "1")
        (case,) = house.rows("SELECT * FROM v_case")
        assert (case["state"], case["level"], case["reported_ref"]) == ("missing", "high", None)
        assert "RING 999 NOW" in house.phone("pat", "sms")[-1]
        assert any(f"ESC {code} HIGH" in text for text in house.phone("cass"))
        assert f"ESC {code} HIGH" in house.phone("cass", "sms")[-1]
        digits = house.phone("cass", "sms")[-1].split(f"ACK {code} ")[1][:4]
        await house.texts("cass", f"ACK {code} {digits}")
        (taken, *_) = house.rows("SELECT * FROM v_alert WHERE state = 'taken'")
        assert taken["acked_by"] == "cass"
        house.set_clock(house.now + timedelta(minutes=5))
        await house.settle()
        assert any("no police log number" in text for text in house.phone("pat", "sms"))
        await house.texts("pat", "POL 3001")
        (case,) = house.rows("SELECT * FROM v_case")
        assert case["reported_ref"] is None
        await house.types("cass", f"/pol {code} 3001")
        (case,) = house.rows("SELECT * FROM v_case")
        assert case["reported_ref"] == "3001"
        (*_, report) = house.rows("SELECT * FROM v_report ORDER BY version")
        assert (report["police_ref"], report["police_ref_by"]) == ("3001", "cass")
        assert {r["state"] for r in house.rows("SELECT * FROM v_inbox")} == {"done"}
        for view in ("v_event", "v_deadline", "v_outbox", "v_task", "v_pattern"):
            house.rows(f"SELECT * FROM {view}")
        assert (await house.command("verify"))[0] == 0


async def test_what_fell_due_while_the_house_was_down_rings_at_start_before_ready(tmp_path):
    """Late, never lost: the limit passed while nobody ran."""
    async with outside(tmp_path) as house:
        await house.start()
        await house.types("alice", "/absent K7 19:50")
        (case,) = house.rows("SELECT * FROM v_case")
        assert case["limit_at"] == "2026-06-15T20:50:00.000Z"
        await house.kill()
        house.set_clock(datetime.fromisoformat("2026-06-15T22:00:00+00:00"))
        await house.start()
        (case,) = house.rows("SELECT * FROM v_case")
        assert case["state"] == "missing"
        await house.settle()
        assert any("we were down to 23:00" in text for text in house.phone("alice"))
        assert (await house.command("verify"))[0] == 0


async def test_a_wrong_secret_or_signature_changes_nothing(tmp_path):
    """401 and 403 before the body is looked at; nothing is kept."""
    async with outside(tmp_path) as house:
        await house.start()
        url = f"http://127.0.0.1:{house.port}"
        for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "x" * 39}):
            async with house.client.post(f"{url}/telegram/webhook", json={"update_id": 1}, headers=headers) as answer:
                assert answer.status == 401
        form = house.texted("pat", "MISSING")
        async with house.client.post(f"{url}/twilio/sms", data=form, headers={"X-Twilio-Signature": "x"}) as answer:
            assert answer.status == 403
        assert house.rows("SELECT * FROM v_inbox") == []
