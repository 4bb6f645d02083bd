"""A parent who cannot speak reads at the SMS door what they can do, and the report says that they cannot be rung."""

from bot.locales import books
from casework.report import as_text, compose
from storage.dossier import dossier
from tests.builders import the_protocol
from tests.databases import ON_BOTH
from tests.handlers.sms_phones import phones

pytestmark = ON_BOTH


async def test_a_parent_who_cannot_speak_reads_text_999(tmp_path):
    """O_HIGH_TEXT999 in place of O_HIGH, from the register's word alone."""
    async with phones(tmp_path) as held:
        mute = "UPDATE person SET voice_ok = 0, text_999 = 1 WHERE id = 'pat'"
        await held.house.database.write(lambda tx: tx.run(mute))
        await held.texts("pat", "MISSING 20:55")
        await held.texts("pat", "1")
        first, *_ = await held.texts("pat", "1")
        assert "TEXT 999 NOW" in first and "RING" not in first
        case = await held.case()
        made = await held.house.database.read(lambda tx: dossier(tx, case.case_id, books()["en"]))
        assert made is not None
        report = compose(made.log, made.case, the_protocol(), made.register)
        assert "Can speak on the phone: no: Pat Example; answers by text" in as_text(report)
