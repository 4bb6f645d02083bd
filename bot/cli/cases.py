"""The commands about cases: what stands where, why, and everything a person may say to one."""

import argparse
from collections.abc import Iterator
from typing import Any

from bot.acts.desk_work import FINE, Said
from bot.cli import reports, told
from bot.cli.house import act, case_named, look
from bot.cli.parser import Commands, by
from bot.protocols import shelf
from bot.settings import Settings
from casework.explain import because, clock, sentence
from casework.protocol import Protocol
from storage import cases, log, views, words
from storage.codec import event_data, instant
from storage.database import Tx

SHORT = ("code", "child", "home", "state", "level", "located", "next_due", "reported_ref", "opened_at")
WITH_CASE = ("v_deadline", "v_alert", "v_task", "v_report")


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    case = commands.group("case", "cases: open, look at and go on with them")
    made = case.command("list", "the open cases, or all of them", list_cases)
    made.add_argument("--all", action="store_true", help="closed ones too")
    case.command("show", "one case: where it stands, deadlines, alerts, tasks", show).add_argument(
        "case", metavar="CASE"
    )
    made = case.command("journal", "the log of a case, readably", journal)
    made.add_argument("case", metavar="CASE")
    made.add_argument("--why", action="store_true", help="the rules behind each conclusion, with their sources")
    made.add_argument("--words", action="store_true", help="what people wrote, too")
    _add_acts(case)
    made = by(commands.command("ack", "take the alert of a case", _acting("ack")))
    made.add_argument("case", metavar="CASE")
    made = commands.command("report", "the missing report of a case", reports.report)
    made.add_argument("case", metavar="CASE")
    made.add_argument("--format", choices=("text", "pdf", "json"), default="text")


def _add_acts(case: Commands) -> None:
    made = by(case.command("open", "open a case for a child", _acting("case open")))
    made.add_argument("child", metavar="CHILD")
    time = made.add_mutually_exclusive_group()
    time.add_argument("--due", metavar="HH:MM", help="when the child was due back")
    time.add_argument("--seen", metavar="HH:MM", help="when the child was last certainly here")
    made.add_argument("--to", metavar="PERSON", help="the adult who is asked, when it is not the author")
    for name, says in (
        ("claim", "somebody says the child is back; the clock runs on"),
        ("note", "keep words with the case"),
        ("raise", "raise the case: somebody is worried"),
        ("close", "sign the end of a case"),
    ):
        made = by(case.command(name, says, _acting(f"case {name}")))
        made.add_argument("case", metavar="CASE")
        made.add_argument(
            "words", metavar="WORDS", nargs=None if name == "note" else "?", help="in the author's own words"
        )
        if name == "note":
            made.add_argument("--call", action="store_true", help="somebody on call acted: the alert stays theirs")
    made = by(case.command("verify-return", "the child was seen", _acting("case verify-return")))
    made.add_argument("case", metavar="CASE")
    made.add_argument("--via", choices=("callback", "police", "social_care"), default="callback")
    made.add_argument("--seen", metavar="HH:MM", help="when the child was seen; now, if not given")
    made.add_argument("--name", help="the officer's or social worker's name")
    made.add_argument("--reference", help="their number")
    made.add_argument("--elsewhere", action="store_true", help="found, and not back at home")
    made = by(case.command("log-number", "record the police log number", _acting("case log-number")))
    made.add_argument("case", metavar="CASE")
    made.add_argument("number", metavar="NUMBER")
    made = by(case.command("declined", "the police said no", _acting("case declined")))
    made.add_argument("case", metavar="CASE")
    made.add_argument("words", metavar="REASON")
    made.add_argument("--number", help="the log number they gave")
    made.add_argument("--review", metavar="HH:MM", help="when they will look again")


def _acting(name: str) -> Any:
    async def does(settings: Settings, arguments: argparse.Namespace) -> Said:
        """Hand the act over with what was typed."""
        typed = {key: value for key, value in vars(arguments).items() if isinstance(value, str | bool)}
        return await act(settings, name, typed)

    return does


async def list_cases(settings: Settings, arguments: argparse.Namespace) -> Said:
    """The open cases, most urgent first; with `--all` the closed ones too."""
    rows = await look(settings, lambda tx: views.rows(tx, "v_case", order="next_due"))
    found = [row for row in rows if arguments.all or row["state"] != "closed"]
    return Said(FINE, told.table(found, SHORT, "no case is open"), found)


async def show(settings: Settings, arguments: argparse.Namespace) -> Said:
    """One case: its row, and its rows of deadlines, alerts, tasks and reports."""

    async def unit(tx: Tx) -> dict[str, Any]:
        case_id = await case_named(tx, arguments.case)
        row = (await views.rows(tx, "v_case", id=case_id) or [{"id": case_id}])[0]
        return {
            **row,
            **{view.removeprefix("v_") + "s": await views.rows(tx, view, case_id=case_id) for view in WITH_CASE},
        }

    data = await look(settings, unit)
    lines = [*told.table([data], SHORT, "")]
    for name, rows in data.items():
        if isinstance(rows, list) and rows:
            columns = [column for column in rows[0] if column not in ("case_id", "id")]
            lines += ["", name, *told.table(rows, columns, "")]
    return Said(FINE, tuple(lines), data)


async def journal(settings: Settings, arguments: argparse.Namespace) -> Said:
    """The log of a case: each entry with time and author; `--why`: the rules, `--words`: what was written."""

    async def unit(tx: Tx) -> list[dict[str, Any]]:
        case_id = await case_named(tx, arguments.case)
        held = await cases.find(tx, case_id)
        assert held is not None, "a case that was found exists"
        protocol = shelf(settings.protocols)[held.case.protocol]
        files = iter(await words.media_of(tx, case_id))
        return [await _entry(tx, each, protocol, arguments, files) for each in await log.read(tx, case_id)]

    entries = await look(settings, unit)
    lines = [line for entry in entries for line in _entry_lines(entry)]
    return Said(FINE, tuple(lines), entries)


async def _entry(
    tx: Tx, entry: log.Entry, protocol: Protocol, arguments: argparse.Namespace, files: Iterator[int | None]
) -> dict[str, Any]:
    """One entry; `files` are the pictures and places that were kept, in the order of the notes that brought them."""
    event = entry.event
    written, media = getattr(event, "words", None), getattr(event, "media", None)
    return {
        "seq": entry.seq,
        "at": event_data(event)["at"],
        "time": clock(event.at),
        "recorded_at": clock(instant(entry.recorded_at)),
        "actor": getattr(event, "by", "house"),
        "kind": type(event).__name__,
        "says": sentence(event),
        "why": list(because(event, protocol)) if arguments.why else [],
        "words": await words.read(tx, written) if written and arguments.words else None,
        "media": {"kind": media, "bytes": next(files, None)} if media else None,
    }


def _entry_lines(entry: dict[str, Any]) -> list[str]:
    late = "" if entry["time"] == entry["recorded_at"] else f" (written {entry['recorded_at']})"
    first = f"{entry['time']}  {entry['actor']:<12}  {entry['says']}{_kept(entry['media'])}{late}"
    said = [f'"{entry["words"]}"'] if entry["words"] else []
    return [first, *(" " * 32 + line for line in (*said, *entry["why"]))]


def _kept(media: dict[str, Any] | None) -> str:
    """Whether what was sent in is here: it stands in the report, also when the provider has it no more."""
    if media is None:
        return ""
    return ", and its file could not be had" if media["bytes"] is None else f", and is kept ({media['bytes']} bytes)"
