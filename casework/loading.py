"""How a protocol file becomes a protocol: TOML, merged into the file it extends, validated whole; or every finding at once.

The stricter value wins, key by key: smaller, save the night (from: earlier, to: later), offers (more) and definitions
(all of them). A lower layer may add checks, flags, factors and rules, never remove one; levels it may only drop.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from casework.protocol import Protocol

Raw = dict[str, Any]
LISTS = {"check": "id", "flag": "id", "factor": "id", "rule": "id", "floor": "id", "rung": "rung", "task": "id"}
REPLACED = ("notice", "step")  # duties of a jurisdiction: its own list, where it has one
EARLIER = ("night_from",)
LARGER = ("min_offers", "night_to")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a protocol: where, and what."""

    where: str
    says: str

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"


class BadProtocol(ValueError):
    """A protocol file that may not load; `findings` are all of them."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(map(str, findings)))
        self.findings = findings


def load(data: bytes, base: Callable[[str], Raw]) -> tuple[Protocol, Raw]:
    """Read one file; `base` gives the merged raw data of the protocol a file extends. Raises BadProtocol."""
    try:
        raw = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise BadProtocol([Finding("file", str(fault))]) from fault
    extends = raw.get("protocol", {}).get("extends", "")
    whole = merge(base(extends), raw) if extends else raw
    try:
        return Protocol.model_validate(whole), whole
    except ValidationError as fault:
        raise BadProtocol([_finding(e) for e in fault.errors()]) from fault


def _finding(error: Mapping[str, Any]) -> Finding:
    return Finding(".".join(str(part) for part in error["loc"]), str(error["msg"]))


def merge(below: Raw, above: Raw) -> Raw:
    """Lay a stricter file over the one it extends."""
    whole = dict(below)
    for key, value in above.items():
        if key in LISTS:
            whole[key] = _merge_list(below.get(key, []), value, LISTS[key])
        elif key in REPLACED or key not in below:
            whole[key] = value
        elif key == "protocol":
            whole[key] = _merge_meta(below[key], value)
        elif key == "timers":
            whole[key] = _stricter(below[key], value)
        elif key == "nar_at_most_factors" or key == "medium_at_factors":
            whole[key] = min(below[key], value)
        elif isinstance(value, dict):
            whole[key] = {**below[key], **value}
        elif isinstance(value, list):
            whole[key] = [*below[key], *(v for v in value if v not in below[key])]
        else:
            whole[key] = value
    return whole


def _merge_meta(below: Raw, above: Raw) -> Raw:
    levels = [level for level in below["levels"] if level in above.get("levels", below["levels"])]
    definitions = [*below["definition_missing"], *above.get("definition_missing", [])]
    return {**below, **above, "levels": levels, "definition_missing": list(dict.fromkeys(definitions))}


def _merge_list(below: list[Raw], above: list[Raw], key: str) -> list[Raw]:
    changed = {entry.get(key): entry for entry in above}
    kept = [_merge_entry(entry, changed.pop(entry[key], {})) for entry in below]
    return [*kept, *(entry for entry in above if entry.get(key) in changed)]


def _merge_entry(below: Raw, above: Raw) -> Raw:
    """One entry: tuples of raised flags and the like only grow; the rest is taken from above."""
    whole = {**below, **above}
    if "on_register" in below:
        whole["on_register"] = list(dict.fromkeys([*below["on_register"], *above.get("on_register", [])]))
    if "after" in below and "after" in above:
        whole["after"] = min(below["after"], above["after"])
    return whole


def _stricter(below: Any, above: Any, key: str = "") -> Any:
    """The stricter of two values of one key."""
    if isinstance(below, dict) and isinstance(above, dict):
        return {k: _stricter(below.get(k, above.get(k)), above.get(k, below.get(k)), k) for k in {**below, **above}}
    if key == "bands":
        laid = {band["under"]: band for band in above}
        return [_stricter(band, laid.get(band["under"], band)) for band in below]
    if key in LARGER:
        return max(below, above)
    if isinstance(below, int | float) and not isinstance(below, bool) or key in EARLIER:
        return min(below, above)
    return above
