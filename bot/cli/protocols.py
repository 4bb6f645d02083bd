"""The commands about rules: what is on the shelf, whether it is sound, how files differ, and nights played by them."""

import argparse
import asyncio
from collections.abc import Iterable
from pathlib import Path

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


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    protocol = commands.group("protocol", "the rules: list, prove and compare them")
    protocol.command("list", "every protocol on the shelf", list_protocols)
    made = protocol.command("check", "read each file for faults and play bad nights against it", check)
    made.add_argument("protocol", nargs="*", metavar="PROTOCOL", help="a name or a file; none: every one on the shelf")


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
    return list(dict.fromkeys([*unloaded, *checking.check(raw, protocol, base, books())]))


def _raw(held: Shelf, name: str) -> Raw:
    if name not in held:
        raise BadProtocol([Finding("protocol.extends", f"{name} is not on the shelf, or does not load")])
    return held.raw(name)


def _verdict(name: str, found: Iterable[Finding]) -> list[str]:
    lines = [f"  {each}" for each in found]
    return [f"{name}: {len(lines)} findings", *lines] if lines else [f"{name}: sound"]
