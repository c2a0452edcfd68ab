"""What the health endpoint answers: proof that work is being done, not merely that a process exists."""

from __future__ import annotations

from typing import Any

from anomalyops.handlers.controller import Controller

ECHO_LIMIT = 180.0  # seconds until the watch must have shown a change that we made ourselves


class UnhealthyError(Exception):
    """The operator is stuck: a restart helps."""


def health(controller: Controller) -> dict[str, Any]:
    """Facts about the work in progress, for the endpoint's JSON answer; ages in seconds.

    Raises:
        UnhealthyError: an observer makes no passes any more, or a watch is dead.
    """
    silent = [str(key) for key, runtime in controller.connections.items() if runtime.silence() > 0]
    if silent:
        raise UnhealthyError(f"no look at {', '.join(sorted(silent))} for too long")
    echo = controller.writer.echo_age()
    if echo > ECHO_LIMIT:
        raise UnhealthyError(f"the watch has not shown a change of our own for {echo:.0f} s")
    return {
        "connections": len(controller.connections),
        "usableConnections": sum(runtime.usable for runtime in controller.connections.values()),
        "jobs": len(controller.state.jobs),
        "datafeeds": len(controller.state.datafeeds),
        "longestReconcileSeconds": round(controller.queue.longest_run(), 1),
        "watchEchoAgeSeconds": round(echo, 1),
    }
