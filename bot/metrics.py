"""Knows how /metrics is answered: numbers for a graph, in Prometheus' text form, and never a word about anybody.

Labels are channels, states and kinds of fault: words of this program. No case, child, person, home or organisation is one.
The library is loaded when it is first asked for.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.gauges import Counted

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What this process counted since it began. `texts_out_s`: for how long what lies at the provider could not be moved."""

    heartbeats: int
    mended: int
    texts_out_s: int


async def told(ready: bool, facts: Mapping[str, Any], counted: Counted | None, lived: Lived) -> bytes:
    """The answer. `counted` is None where the database cannot be read: what is known without it is told all the same."""
    return await asyncio.to_thread(_write, [*_of_ready(ready, facts), *_of_house(lived), *_of_database(counted)])


def _write(metrics: Iterable["Metric"]) -> bytes:
    from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
    from prometheus_client.registry import Collector

    class Known(Collector):
        def collect(self) -> Iterable["Metric"]:
            return metrics

    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(Known())
    return bytes(generate_latest(registry))


def _of_ready(ready: bool, facts: Mapping[str, Any]) -> Iterable["Metric"]:
    yield _gauge("ready", "1 while every promise holds", int(ready))
    yield _gauge("database_writable", "1 while the database takes writes", int(facts["db_writable"]))
    for name, says in (
        ("tick_age_s", "Since the clock last ticked"), ("overdue", "Deadlines more than a minute late"),
        ("open_without_deadline", "Open cases without a live deadline"),
        ("outbox_oldest_s", "How long the oldest letter that may go has waited"),
    ):  # fmt: skip
        if facts[name] is not None:
            yield _gauge(name.replace("_s", "_seconds") if name.endswith("_s") else name, says, facts[name])
    yield _each("channel_works", "1 while letters leave by this channel", "channel", facts["channels"])
    yield _each("duty_warnings", "What would hurt on a night to come", "kind", facts["duty_warnings"])
    yield _each("canary_back", "1 while no canary is late by this channel", "channel", facts["canary"])
    found = {} if facts["self_check"] is None else facts["self_check"]["found"]
    yield _each("self_check_found", "What the house's own check found last", "kind", found)


def _of_house(lived: Lived) -> Iterable["Metric"]:
    yield _counter("heartbeats", "Heartbeats that the watcher outside heard", lived.heartbeats)
    yield _counter("self_check_mended", "Faults that the house's own check mended", lived.mended)
    yield _gauge("dead_man_out_seconds", "For how long dead-man texts could not be moved", lived.texts_out_s)


def _of_database(counted: Counted | None) -> Iterable["Metric"]:
    if counted is None:
        return
    yield _gauge("cases_open", "Open cases and watches", counted.open_cases)
    yield _gauge("deadlines_live", "Live deadlines", counted.deadlines)
    yield _counter("events", "Entries of the log", counted.events)
    yield _gauge("inbox_waiting", "Messages that are to be tried again", counted.inbox_waiting)
    yield _gauges("letters", "Letters that wait or are being sent", ("channel", "state"), counted.letters)
    yield _each("dead_man_texts", "Texts that lie there should this house die", "state", counted.texts)


def _gauge(name: str, says: str, value: float) -> "Metric":
    return _gauges(name, says, (), {(): value})


def _each(name: str, says: str, label: str, values: Mapping[str, float]) -> "Metric":
    return _gauges(name, says, (label,), {(key,): float(value) for key, value in values.items()})


def _gauges(name: str, says: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(f"porchlight_{name}", says, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _counter(name: str, says: str, value: float) -> "Metric":
    from prometheus_client.core import CounterMetricFamily

    return CounterMetricFamily(f"porchlight_{name}", says, value=value)
