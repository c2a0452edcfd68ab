"""What runs in this engine, as tasks: `_tasks` and `_cat/tasks`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from anomalyops_engine.api import cat_table
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.cat_table import Column, Kind
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import known
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.audit import wall_clock_ms
from anomalyops_engine.jobs.nodes import ROLES
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store.patterns import matches_any

COLUMNS: Final = (
    Column("id", (), "id", "id of the task with the node"),
    Column("action", ("ac",), "action", "task action", shown=True),
    Column("task_id", ("ti",), "task_id", "unique task id", shown=True),
    Column("parent_task_id", ("pti",), "parent_task_id", "parent task id", shown=True, absent="-"),
    Column("type", ("ty",), "type", "task type", shown=True),
    Column("start_time", ("start",), "start_time_in_millis", "start time in ms", shown=True),
    Column("timestamp", ("ts", "hms", "hhmmss"), "clock", "start time in HH:MM:SS", shown=True),
    Column("running_time", ("time",), "running_time_ms", "running time", shown=True, kind=Kind.TIME),
    Column("ip", ("i",), "ip", "ip address", shown=True),
    Column("node", ("n",), "node_name", "node name", shown=True),
    Column("x_opaque_id", ("x",), "headers.X-Opaque-Id", "X-Opaque-ID header"),
    Column("description", ("desc",), "description", "description of the task"),
)
_DETAILED: Final = (*COLUMNS[:-1], replace(COLUMNS[-1], shown=True))
# Nothing has a parent, and what is shown is complete.
_IDLE: Final = ("detailed", "timeout", "wait_for_completion")


class TaskEndpoints:
    """Handlers of lists of tasks."""

    def __init__(self, service: JobService) -> None:
        self._service = service

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        listing = known(["actions", "group_by", "nodes", "parent_task_id"], idle=(*_IDLE, "master_timeout"))
        rows = cat_table.parameters("actions", "detailed", "nodes", "parent_task_id", idle=_IDLE[1:])
        return [
            Endpoint("GET", "/_tasks", Lane.STATE, self.listed, listing),
            Endpoint("GET", "/_cat/tasks", Lane.STATE, self.table, rows),
        ]

    def listed(self, call: Call) -> Response:
        """`GET /_tasks`."""
        found = {f"{task['node']}:{task['id']}": task for task in self._chosen(call)}
        grouped = call.query.get("group_by", "nodes").lower()
        if grouped == "none":
            return call.respond({"tasks": list(found.values())})
        if grouped == "parents":
            return call.respond({"tasks": found})
        node = self._service.node()
        shown = {node["id"]: {**node, "roles": list(ROLES), "tasks": found}} if found else {}
        return call.respond({"nodes": shown})

    def table(self, call: Call) -> Response:
        """`GET /_cat/tasks`."""
        node = self._service.node()
        return cat_table.respond(
            call,
            _DETAILED if call.flag("detailed", default=False) else COLUMNS,
            lambda: [
                {
                    **task,
                    "task_id": f"{task['node']}:{task['id']}",
                    "clock": time.strftime("%H:%M:%S", time.gmtime(task["start_time_in_millis"] / 1000)),
                    "running_time_ms": task["running_time_in_nanos"] / 1e6,
                    "ip": node["transport_address"].rpartition(":")[0],
                    "node_name": node["name"],
                }
                for task in self._chosen(call)
            ],
        )

    def _chosen(self, call: Call) -> list[JsonObject]:
        """Return the tasks that a request asks for.

        Raises:
            ApiError: 400 for a parent that cannot be one.
        """
        parent = call.query.get("parent_task_id")
        if parent is not None and ":" not in parent:
            raise ApiError(400, "illegal_argument_exception", f"malformed task id {parent}")
        actions = call.query.get("actions", "*").split(",")
        nodes = call.query.get("nodes", "_all")
        if (parent is not None and parent != "unset:-1") or not self._service.is_meant(nodes):
            return []
        running = [*self._service.running(), self._own(call)]
        return [task for task in running if matches_any(actions, task["action"])]

    def _own(self, call: Call) -> JsonObject:
        """Return the request for the list, which is a task while it is answered."""
        node, _, number = self._service.tasks.new_id().rpartition(":")
        opaque = call.request.headers.get("x-opaque-id")
        return {
            "node": node,
            "id": int(number),
            "type": "transport",
            "action": "cluster:monitor/tasks/lists",
            "description": "",
            "start_time_in_millis": wall_clock_ms(),
            "running_time_in_nanos": call.running_ns(),
            "cancellable": False,
            "headers": {} if opaque is None else {"X-Opaque-Id": opaque},
        }
