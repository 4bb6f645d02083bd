"""The commands that keep the house: run it, bring its database up to date, say what is wrong before a night does."""

import argparse
from dataclasses import asdict

from bot import protocols
from bot.acts.desk_work import FINDINGS, FINE, Said
from bot.cli import told
from bot.cli.house import act, look
from bot.cli.parser import Commands
from bot.crash import Crash
from bot.settings import Settings, audit_key
from casework.errors import NotAllowed, OurMistake
from casework.evolve import replay as fold
from storage import cases, log, views
from storage import migrate as schema
from storage.database import Database, Tx, Unreadable
from storage.moving import refuse_if_moving
from storage.refolding import refold
from storage.verify import verify as verify_all

INBOX = ("received_at", "source", "external_id", "state")
OUTBOX = ("created_at", "case_id", "person", "channel", "kind", "state", "tries", "sent_at")
SAME = "the same"  # a case as its log has it


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    commands.command("run", "start the house; without credentials, the sandbox", run)
    commands.command("migrate", "bring the database to this program's schema, and its cases to its fold", migrate)
    commands.command("doctor", "look for what would fail on the night", doctor)
    commands.command("verify", "check every promise over the database", verify)
    made = commands.command("replay", "fold a case anew from its log and compare", replay)
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("case", metavar="CASE", nargs="?")
    which.add_argument("--all", action="store_true", help="every case")
    inbox = commands.group("inbox", "messages that came in")
    made = inbox.command("list", "messages, newest first", inbox_list)
    made.add_argument("--state", choices=("new", "done", "ignored", "quarantined"))
    made.add_argument("--limit", type=int, default=50, metavar="N")
    made = inbox.command("retry", "give quarantined messages new tries", retry)
    made.add_argument("source", nargs="?", choices=("telegram", "twilio"))
    made.add_argument("external_id", nargs="?", metavar="ID")
    outbox = commands.group("outbox", "letters on their way out")
    made = outbox.command("list", "letters, newest first", outbox_list)
    made.add_argument("--state", choices=("queued", "sending", "sent", "delivered", "failed", "expired", "cancelled"))
    made.add_argument("--limit", type=int, default=50, metavar="N")


async def run(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Start the house and stay until it is told to stop."""
    from bot import app

    return Said(await app.run(settings), ())


async def migrate(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Bring the database to the schema of this program, and every case to its fold; the house must not be running."""
    database, crash = await Database.open(settings.database_url), Crash(settings.test_crash)
    try:
        applied = await schema.migrate(database, crash)
        await database.read(refuse_if_moving)
        shelf, key = protocols.shelf(settings.protocols), audit_key(settings)
        folded = await refold(database, shelf, key, archive=True, crash=crash)
    finally:
        await database.close()
    lines = list(applied)
    if folded.looked_at:
        lines.append(f"{folded.looked_at} cases folded anew from their logs, {folded.changed} of them stood otherwise")
    lines += [
        f"{each.code} ({each.case_id}) could not be folded and stands as it was: {each.why}" for each in folded.left
    ]
    data = {"applied": applied, "folded": asdict(folded)}
    nothing = "nothing to do: the schema is this program's, and so is the fold of the cases"
    return Said(FINDINGS if folded.left else FINE, tuple(lines) or (nothing,), data)


async def doctor(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Look for what would fail on the night."""
    from bot.doctor import examine

    found = await examine(settings)
    lines = tuple(f"{each.level:<8}{each.says}" for each in found)
    bad = any(each.level == "bad" for each in found)
    return Said(FINDINGS if bad else FINE, lines, [asdict(each) for each in found])


async def verify(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Check every promise over the database; it runs beside a living house."""
    database = await Database.open(settings.database_url, read_only=True)
    try:
        found = await verify_all(database, protocols.shelf(settings.protocols), audit_key(settings))
    finally:
        await database.close()
    lines = tuple(f"{each.promise}: {each.subject}: {each.says}" for each in found)
    data = {"ok": not found, "findings": [asdict(each) for each in found]}
    return Said(FINDINGS if found else FINE, lines or ("clean: every promise holds",), data)


async def replay(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Fold cases anew from their logs; a finding where one differs from what is stored."""

    async def unit(tx: Tx) -> list[tuple[str, str]]:
        every = await views.case_ids(tx) if arguments.all else []
        one = None if arguments.all else await views.case_id(tx, arguments.case)
        return [(case_id, await _compared(tx, case_id)) for case_id in (*every, one) if case_id]

    results = await look(settings, unit)
    if not results and not arguments.all:
        raise NotAllowed(f"there is no case {arguments.case}")
    lines = tuple(f"{case_id}: {seen}" for case_id, seen in results)
    data = [{"case_id": case_id, "same": seen == SAME} for case_id, seen in results]
    bad = any(seen != SAME for _, seen in results)
    return Said(FINDINGS if bad else FINE, lines or ("there are no cases",), data)


async def _compared(tx: Tx, case_id: str) -> str:
    try:
        held = await cases.find(tx, case_id)
        same = held is not None and held.case == fold(await log.events(tx, case_id))
    except (Unreadable, OurMistake, NotAllowed, ValueError, TypeError, KeyError):
        return "CANNOT BE READ: `porchlight verify` says what is wrong"
    return SAME if same else "DIFFERS from what is stored"


async def inbox_list(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Messages that came in."""
    return await _listed(settings, "v_inbox", "-received_at", INBOX, arguments)


async def outbox_list(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Letters on their way out."""
    return await _listed(settings, "v_outbox", "-created_at", OUTBOX, arguments)


async def _listed(
    settings: Settings, view: str, order: str, columns: tuple[str, ...], arguments: argparse.Namespace
) -> Said:
    where = {"state": arguments.state} if arguments.state else {}
    rows = await look(settings, lambda tx: views.rows(tx, view, order=order, limit=arguments.limit, **where))
    return Said(FINE, told.table(rows, columns, "none"), rows)


async def retry(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Give quarantined messages three new tries; the running house works them."""
    typed = {"source": arguments.source, "external_id": arguments.external_id}
    return await act(settings, "inbox retry", typed)
