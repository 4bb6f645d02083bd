"""The commands about rules: what is on the shelf, whether it is sound, how files differ, and nights played by them."""

import argparse
import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.acts.desk_work import FINDINGS, FINE, BadUsage, Said
from bot.cli import told
from bot.cli.parser import Commands
from bot.locales import books
from bot.protocols import Shelf, shelf
from bot.settings import Settings
from casework import check as checking
from casework import loading
from casework.loading import BadProtocol, Finding
from casework.stricter import Raw

LISTED = ("name", "status", "jurisdiction", "extends", "checks", "rules", "findings")
CHANGED = ("direction", "where", "before", "after")


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    protocol = commands.group("protocol", "the rules: list, prove and compare them")
    protocol.command("list", "every protocol on the shelf", list_protocols)
    made = protocol.command("check", "read each file for faults and play bad nights against it", check)
    made.add_argument("protocol", nargs="*", metavar="PROTOCOL", help="a name or a file; none: every one on the shelf")
    diff = protocol.command("diff", "key by key, where two protocols differ, and which is stricter", diff_protocols)
    diff.add_argument("before", metavar="PROTOCOL")
    diff.add_argument("after", metavar="PROTOCOL")
    compare = protocol.command("compare", "the same answers under every protocol, where it matters", compare_protocols)
    compare.add_argument("protocol", nargs="*", metavar="PROTOCOL", help="by name; all of them where none is named")
    compare.add_argument("--night", action="append", metavar="NIGHT", help="S1, S2, S3 or S10; all where none is named")
    draw = protocol.command("draw", "how a case moves and how an alert climbs, as a picture in text", draw_protocol)
    draw.add_argument("protocol", nargs="?", default="england/base/2026-01-01", metavar="PROTOCOL")
    draw.add_argument("--mermaid", action="store_true", help="as mermaid text, for a page that draws it")


async def list_protocols(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Every protocol on the shelf, and how many findings keep a file from loading."""
    found = shelf(settings.protocols)
    rows = [_row(found, name) for name in sorted(found.files)]
    bad = any(row["findings"] for row in rows)
    return Said(FINDINGS if bad else FINE, told.table(rows, LISTED, "the shelf is empty"), rows)


def _row(found: Shelf, name: str) -> dict[str, object]:
    if name not in found:
        return {"name": name, "status": "does not load", "findings": len(found.findings[name])}
    protocol = found[name]
    meta = protocol.protocol
    return {
        "name": name, "status": meta.status, "jurisdiction": meta.jurisdiction, "extends": meta.extends,
        "checks": len(protocol.check), "rules": len(protocol.rule), "findings": 0,
    }  # fmt: skip


async def check(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Check protocols by name or file; the findings are all there are, not the first."""
    held = shelf(settings.protocols)
    wanted = arguments.protocol or sorted(held.files)
    results = [(name, await asyncio.to_thread(_checked, held, name)) for name in wanted]
    lines = tuple(line for name, found in results for line in _verdict(name, found))
    data = [
        {"protocol": name, "findings": [{"where": each.where, "says": each.says} for each in found]}
        for name, found in results
    ]
    return Said(FINDINGS if any(found for _, found in results) else FINE, lines, data)


def _checked(held: Shelf, name: str) -> list[Finding]:
    """All findings of one protocol, by its name on the shelf or as a file that lies anywhere."""
    path = held.files.get(name) or Path(name)
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise BadUsage(f"no protocol and no file is called {name}; `porchlight protocol list`") from fault
    try:
        raw = loading.read(data)
        meta = raw.get("protocol")
        extends = meta.get("extends") if isinstance(meta, dict) else None
        base = held.raw(str(extends)) if extends in held else None
        try:
            protocol, unloaded = loading.load(data, lambda name: _raw(held, name))[0], list[Finding]()
        except BadProtocol as bad:
            protocol, unloaded = None, bad.findings
    except BadProtocol as bad:
        return bad.findings
    unloaded = unloaded or held.findings.get(name, [])  # it reads well, and lies where its name does not
    return list(dict.fromkeys([*unloaded, *checking.check(raw, protocol, base, books())]))


def _raw(held: Shelf, name: str) -> Raw:
    if name not in held:
        raise BadProtocol([Finding("protocol.extends", f"{name} is not on the shelf, or does not load")])
    return held.raw(name)


def _verdict(name: str, found: Iterable[Finding]) -> list[str]:
    lines = [f"  {each}" for each in found]
    return [f"{name}: {len(lines)} findings", *lines] if lines else [f"{name}: sound"]


# ---- diff and compare ----------------------------------------------------------------------------


async def diff_protocols(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Every key in which two protocols differ, and the direction."""
    from casework.diff import diff

    found = shelf(settings.protocols)
    _known((arguments.before, arguments.after), found.names(), "protocol")
    changes = diff(found.raw(arguments.before), found.raw(arguments.after))
    rows = [{"direction": c.direction, "where": c.where, "before": c.before, "after": c.after} for c in changes]
    shown = [{**row, "before": _short(row["before"]), "after": _short(row["after"])} for row in rows]
    return Said(FINE, told.table(shown, CHANGED, "they say the same"), rows)


def _known(names: Iterable[str], there: list[str], what: str) -> None:
    strange = [name for name in names if name not in there]
    if strange:
        raise BadUsage(f"no {what} is called {', '.join(strange)}; there are {', '.join(there)}")


def _short(value: Any) -> str:
    if value is None:
        return "-"
    words = " ".join(str(each) for each in value) if isinstance(value, list) and value else str(value)
    return "(all of it)" if isinstance(value, dict) else words if len(words) <= 48 else words[:45] + "..."


async def compare_protocols(settings: Settings, arguments: argparse.Namespace) -> Said:
    """The built-in nights under each protocol, and every difference that an adult or an inspector would notice."""
    from casework.compare import compare
    from casework.nights import NIGHTS

    found = shelf(settings.protocols)
    _known(arguments.protocol, found.names(), "protocol")
    wanted = arguments.night or [night.name for night in NIGHTS]
    _known(wanted, [night.name for night in NIGHTS], "night")
    names = arguments.protocol or found.names()
    nights = tuple(night for night in NIGHTS if night.name in wanted)
    differences = compare({name: found[name] for name in names}, nights)
    lines = [f"{night.name}: {night.says}" for night in nights]
    for each in differences:
        lines += ["", f"{each.night}: {each.what}"]
        for value, who in each.groups().items():
            lines += [f"  {value}", f"      {', '.join(who)}"]
    data = [{"night": d.night, "what": d.what, "values": dict(d.values)} for d in differences]
    return Said(FINE, tuple(lines if differences else [*lines, "", "no difference"]), data)


# ---- draw ----------------------------------------------------------------------------------------


async def draw_protocol(settings: Settings, arguments: argparse.Namespace) -> Said:
    """How a case moves, and how an alert climbs under one protocol."""
    from casework import draw

    found = shelf(settings.protocols)
    _known((arguments.protocol,), found.names(), "protocol")
    protocol = found[arguments.protocol]
    if arguments.mermaid:
        pictures = {"status": draw.status_mermaid(), "chain": draw.chain_mermaid(protocol)}
    else:
        pictures = {"status": draw.status_text(), "chain": draw.chain_text(protocol)}
    return Said(FINE, tuple("\n\n".join(pictures.values()).splitlines()), pictures)
