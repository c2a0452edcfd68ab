"""Numbers for Prometheus: what is served, what cannot be, and how long the work stands still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.watching.scopes import Scopes
from anomalyops.watching.work import Work

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A number that goes up and down.

    Attributes:
        name: Without the prefix of the operator.
        help: What it counts, in one line.
        values: The value for each set of labels.
    """

    name: str
    help: str
    values: list[tuple[Mapping[str, str], float]] = field(default_factory=list)


def gauges(work: Work, connections: ConnectionController, scopes: Scopes) -> Iterator[Gauge]:
    """The operator's numbers at this moment."""
    yield Gauge(
        name="scope_trouble",
        help="1 while the objects of a kind in a namespace cannot be listed, so that changes of them may be missed.",
        values=[
            ({"kind": scope.plural, "namespace": scope.namespace or ""}, float(bool(trouble)))
            for scope, trouble in scopes.standing()
        ],
    )
    yield Gauge(
        name="connection_usable",
        help="1 while the server of a connection answers and has machine learning.",
        values=[
            ({"namespace": key.namespace, "connection": key.name}, float(runtime.usable))
            for key, runtime in connections.runtimes.items()
        ],
    )
    yield Gauge(
        name="objects",
        help="Objects of each kind that are served.",
        values=[({"kind": plural}, float(count)) for plural, count in work.objects.counts().items()],
    )
    yield _seconds("queue_standstill", "Time in which work waited and none began or ended.", work.queue.standstill())
    yield _seconds("longest_reconcile", "Age of the oldest reconcile that still runs.", work.queue.longest_run())
    yield _seconds("watch_echo_age", "Time for which the watch has owed a change of our own.", work.writer.echo_age())


def exposition(found: Iterable[Gauge]) -> str:
    """Gauges in the text format of Prometheus, version 0.0.4 (Prometheus documentation, "Exposition formats")."""
    lines = []
    for gauge in found:
        name = f"anomalyops_{gauge.name}"
        lines += [f"# HELP {name} {gauge.help}", f"# TYPE {name} gauge"]
        for labels, value in gauge.values:
            inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
            lines.append(f"{name}{{{inside}}} {value:g}" if inside else f"{name} {value:g}")
    return "".join(f"{line}\n" for line in lines)


def _seconds(name: str, text: str, value: float) -> Gauge:
    return Gauge(name=f"{name}_seconds", help=text, values=[({}, value)])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
