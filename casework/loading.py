"""How a protocol file becomes a protocol: TOML, merged into what it extends, validated whole; or every finding at once.

The stricter value wins, key by key (`stricter.py`). A lower layer may add checks, flags, factors and rules, never
remove or weaken one; of the levels it may drop NAR alone.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from casework import stricter
from casework.protocol import Protocol
from casework.stricter import KEY_OF, MILD, Raw

ENTRIES = ("check", "flag", "factor", "rule", "floor", "rung", "task")
OF_A_JURISDICTION = ("notice", "step")  # its own list where it has one; within a jurisdiction the list only grows
NEVER_INHERITED = ("status", "approved_by", "effective_from", "effective_to", "extends", "absent_says", "absent_unless")


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


def read(data: bytes) -> Raw:
    """One file's own data. Raises BadProtocol where it is no TOML."""
    try:
        return tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise BadProtocol([Finding("file", str(fault))]) from fault


def load(data: bytes, base: Callable[[str], Raw]) -> tuple[Protocol, Raw]:
    """Read one file; `base` gives the merged raw data of the protocol a file extends. Raises BadProtocol."""
    raw = read(data)
    meta = raw.get("protocol")
    extends = meta.get("extends") if isinstance(meta, dict) else None
    return whole(raw, base(str(extends)) if extends else None)


def whole(raw: Raw, below: Raw | None) -> tuple[Protocol, Raw]:
    """A file's own data, laid over the whole of what it extends, and validated. Raises BadProtocol with every finding."""
    merged = raw if below is None else laid_over(below, raw)
    try:
        return Protocol.model_validate(merged), merged
    except ValidationError as fault:
        raise BadProtocol([_finding(e) for e in fault.errors()]) from fault


def _finding(error: Mapping[str, Any]) -> Finding:
    return Finding(".".join(str(part) for part in error["loc"]), str(error["msg"]))


def laid_over(below: Raw, above: Raw) -> Raw:
    """`merge`, or BadProtocol where the file is not laid out as a protocol at all."""
    try:
        return merge(below, above)
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise BadProtocol([Finding("file", f"not laid out as a protocol: {fault}")]) from fault


def merge(below: Raw, above: Raw) -> Raw:
    """Lay a stricter file over the one it extends."""
    whole = dict(below)
    for key, value in above.items():
        if key == "protocol":
            whole[key] = _meta(below[key], value)
        elif key in ENTRIES:
            whole[key] = _entries(key, below.get(key, []), value)
        elif key in OF_A_JURISDICTION:
            moved = above["protocol"].get("jurisdiction") != below["protocol"]["jurisdiction"]
            whole[key] = value if moved else _entries(key, below.get(key, []), value)
        elif key == "wording":
            whole[key] = _wording(below[key], value)
        elif key == "sources" or key not in below:
            whole[key] = {**below[key], **value} if key in below else value
        elif key in ("active_pattern", "worry_words"):
            whole[key] = list(dict.fromkeys([*below[key], *value]))
        else:
            whole[key] = stricter.stricter(key, below[key], value)
    return whole


def _meta(below: Raw, above: Raw) -> Raw:
    wanted = above["levels"] if "levels" in above else below["levels"]
    levels = [level for level in below["levels"] if level != "nar" or level in wanted]
    definitions = [*below["definition_missing"], *above.get("definition_missing", [])]
    languages = [*below.get("languages", ["en"]), *above.get("languages", [])]
    inherited = {key: value for key, value in below.items() if key not in NEVER_INHERITED}
    return {
        **inherited, **above, "levels": levels, "definition_missing": list(dict.fromkeys(definitions)),
        "languages": list(dict.fromkeys(languages)),
    }  # fmt: skip


def _entries(key: str, below: list[Raw], above: list[Raw]) -> list[Raw]:
    name = KEY_OF[key]
    said = {entry.get(name): entry for entry in above}
    known = [_one(key, entry, said.pop(entry[name], {})) for entry in below]
    new = [_new(key, entry) for entry in above if entry.get(name) in said and _may_add(key, entry)]
    if key == "rung":
        return _in_order(known)
    if key == "rule":  # before the mild ones, which end the table
        first = next((n for n, each in enumerate(known) if each["outcome"] in MILD), len(known))
        return [*known[:first], *new, *known[first:]]
    return [*known, *new]


def _one(key: str, below: Raw, above: Raw) -> Raw:
    match key:
        case "rule":
            return stricter.rule(below, above)
        case "floor":
            return below
        case "notice" | "step":
            return {**below, **{k: v for k, v in above.items() if k in ("says", "source", "tag")}}
    return stricter.entry(below, above)


def _may_add(key: str, entry: Raw) -> bool:
    """No rung behind the last, which repeats for ever; no rule that reassures or only asks a person."""
    return key != "rung" and not (key == "rule" and entry.get("outcome") not in ("MEDIUM", "WELFARE", "HIGH"))


def _new(key: str, entry: Raw) -> Raw:
    """A new check means nothing to the core but what its answers raise, and in the gate it must be answered (M03)."""
    if key != "check":
        return entry
    options = [{k: v for k, v in option.items() if k != "means"} for option in entry.get("options", [])]
    plain = {**{k: v for k, v in entry.items() if k != "means"}, "options": options}
    return {**plain, "mandatory": True} if entry.get("stage") == "gate" else plain


def _in_order(rungs: list[Raw]) -> list[Raw]:
    """No rung later than the one above it."""
    latest = rungs[-1]["after"] if rungs else 0
    made = []
    for rung in reversed(rungs):
        latest = min(latest, rung["after"])
        made.append({**rung, "after": latest})
    return made[::-1]


def _wording(below: Raw, above: Raw) -> Raw:
    """An outcome may get words of its own, never those the base has for another outcome."""
    return {**below, **{key: text for key, text in above.items() if text not in below.values()}}
