"""What the health endpoint answers: proof that work is being done, not merely that a process exists."""

from __future__ import annotations

from typing import Any

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.watching.leadership import Leadership
from anomalyops.watching.scopes import Scopes
from anomalyops.watching.work import Work

STANDSTILL_LIMIT = 900.0  # seconds in which one of the plans that others wait for must begin or end
ECHO_LIMIT = 180.0  # seconds until the watch must have shown a change that we made ourselves


class UnhealthyError(Exception):
    """The operator is stuck: a restart helps."""


def candidacy(leadership: Leadership) -> dict[str, Any]:
    """Facts about who leads, for the endpoint's JSON answer.

    Raises:
        UnhealthyError: nobody looks after the lease any more.
    """
    if leadership.silence() > 0:
        raise UnhealthyError(f"no look at lease {leadership.lease} for too long")
    return {"leads": leadership.leads, "leader": leadership.leader, "identity": leadership.identity}


def health(work: Work, connections: ConnectionController, scopes: Scopes) -> dict[str, Any]:
    """Facts about the work in progress, for the endpoint's JSON answer; ages in seconds.

    Raises:
        UnhealthyError: an observer makes no passes any more, a watch is dead, or the queue stands still.
    """
    silent = [str(key) for key, runtime in connections.runtimes.items() if runtime.silence() > 0]
    if silent:
        raise UnhealthyError(f"no look at {', '.join(sorted(silent))} for too long")
    echo = work.writer.echo_age()
    if echo > ECHO_LIMIT:
        raise UnhealthyError(f"the watch has not shown a change of our own for {echo:.0f} s")
    standstill = work.queue.standstill()
    if standstill > STANDSTILL_LIMIT:
        raise UnhealthyError(f"pairs have waited for {standstill:.0f} s in which no plan began or ended")
    return {
        **work.objects.counts(),
        "troubles": scopes.troubles,
        "usableConnections": sum(runtime.usable for runtime in connections.runtimes.values()),
        "queueStandstillSeconds": round(standstill, 1),
        "longestReconcileSeconds": round(work.queue.longest_run(), 1),
        "watchEchoAgeSeconds": round(echo, 1),
    }
