"""Pictures of the rules, drawn from the rules: how a case moves (`evolve.MOVES`) and how an alert climbs.

A picture that is drawn by hand goes stale; these are kept in `docs/pictures.md` by a test.
"""

from collections.abc import Iterator

from casework.evolve import MOVES
from casework.levels import Status
from casework.protocol import Protocol
from casework.protocol_parts import Rung


def status_mermaid() -> str:
    """How a case moves from status to status, as a mermaid diagram."""
    return "\n".join(["stateDiagram-v2", "    [*] --> watching: WatchSet", "    [*] --> checking: AbsenceReported",
                      *(f"    {a} --> {b}: {', '.join(why)}" for (a, b), why in _moves().items()),
                      "    closed --> [*]"])  # fmt: skip


def status_text() -> str:
    """The same in plain lines: from, to, and the event that leads there."""
    lines = ["(nothing) -> watching         a watch is set", "(nothing) -> checking         an absence is reported"]
    return "\n".join([*lines, *(f"{f'{a} -> {b}':<29} {', '.join(why)}" for (a, b), why in _moves().items())])


def _moves() -> dict[tuple[Status, Status], list[str]]:
    found: dict[tuple[Status, Status], list[str]] = {}
    for (start, event), end in MOVES.items():
        found.setdefault((start, end), []).append(event.__name__)
    return found


def chain_mermaid(protocol: Protocol) -> str:
    """How an alert climbs under this protocol, as a mermaid diagram."""
    lines = ["flowchart TD", '    E0["0 min: the nearest adult is told to ring the police"]']
    lines += [f'    E{rung.rung}["+{rung.after} min: {_who(rung)}, by {_via(rung)}"]' for rung in protocol.rung]
    lines.append(f"    E0 --> E{protocol.rung[0].rung}")
    for rung, above in zip(protocol.rung, protocol.rung[1:], strict=False):
        wait = above.after - rung.after
        lines.append(f"    E{rung.rung} -->|nobody took it: +{wait} min| E{above.rung}")
    last = protocol.rung[-1].rung
    lines.append(f"    E{last} -->|{_repeat(protocol)}| E{last}")
    lines += [f"    E{rung.rung} -->|a named person takes it| T[taken]" for rung in protocol.rung]
    lines.append(f"    T -->|{_lapse(protocol)}| E{protocol.rung[0].rung}")
    return "\n".join(lines)


def chain_text(protocol: Protocol) -> str:
    """The same in plain lines."""
    return "\n".join(_chain_lines(protocol))


def _chain_lines(protocol: Protocol) -> Iterator[str]:
    yield f"{protocol.name}: who is told, and when"
    yield "  0 min     the nearest adult is told to ring the police"
    for rung in protocol.rung:
        also = f"; the adult reads {rung.tell_reporter}" if rung.tell_reporter else ""
        yield f"  +{rung.after:<3} min  E{rung.rung} {_who(rung)}, by {_via(rung)}{also}"
    yield f"  then      {_repeat(protocol)}, until a named person takes it"
    yield f"  taken     {_lapse(protocol)}"
    chase = protocol.timers.chase
    yield f"  number    asked for every {chase.high} min at HIGH, {chase.welfare} at WELFARE, {chase.medium} at MEDIUM"
    yield f"            and people on call are told after every {chase.escalate_every} asks without one"


def _who(rung: Rung) -> str:
    role = "everybody on call" if rung.role == "all" else rung.role.replace("_", " ")
    return f"{role} (child at home: {rung.role_at_home.replace('_', ' ')})" if rung.role_at_home else role


def _via(rung: Rung) -> str:
    return " and ".join("SMS" if channel == "sms" else channel.capitalize() for channel in rung.via)


def _repeat(protocol: Protocol) -> str:
    repeat = protocol.repeat
    number = f"{repeat.confirmed_number} with a confirmed log number"
    return f"again every {repeat.high} min at HIGH, {repeat.others} otherwise, {number}"


def _lapse(protocol: Protocol) -> str:
    lapse = protocol.timers.lapse
    return f"lapses after {lapse.high} min at HIGH, {lapse.medium} at MEDIUM, unless the taker acts: then E1 again"
