"""The commands about rules: what is on the shelf, whether it is sound, how files differ, and nights played by them."""

import argparse

from bot.acts.desk_work import FINDINGS, FINE, Said
from bot.cli import told
from bot.cli.parser import Commands
from bot.protocols import Shelf, shelf
from bot.settings import Settings

LISTED = ("name", "status", "jurisdiction", "extends", "checks", "rules", "findings")


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    protocol = commands.group("protocol", "the rules: list, prove and compare them")
    protocol.command("list", "every protocol on the shelf", list_protocols)


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
