"""What a client asks that looks for machine learning or for a sound cluster: info, licence, features, health."""

from __future__ import annotations

import re
from typing import Final

from starlette.responses import Response

from anomalyops_engine import __version__
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.api.parameters import WAITING, integer, known
from anomalyops_engine.jobs import JobService
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import EVERYTHING, Index, IndexNotFoundError, Store, Wildcards

_LICENSE_UID: Final = "00000000-0000-0000-0000-000000000000"
_BUILD_DATE: Final = "2025-01-01T00:00:00.000Z"
_NODES: Final = 1
_NODE_CONDITION = re.compile(r"(?P<op>>=|<=|>|<|)(?P<n>\d{1,9})|(?P<word>ge|le|gt|lt)\((?P<m>\d{1,9})\)")
_WORDS = {"ge": ">=", "le": "<=", "gt": ">", "lt": "<"}


class ClusterEndpoints:
    """Handlers of `_ml/info`, `_ml/set_upgrade_mode`, `_license`, `_xpack` and `_cluster/health`."""

    def __init__(self, service: JobService, store: Store, *, secured: bool) -> None:
        self._service = service
        self._secured = secured
        self._store = store

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        health = known(
            ["expand_wildcards", "level", "wait_for_active_shards", "wait_for_nodes"],
            idle=(
                *WAITING,
                *("local", "wait_for_events", "wait_for_no_initializing_shards", "wait_for_no_relocating_shards"),
                "wait_for_status",
            ),
            readers={"wait_for_active_shards": _shards_or_all},
        )
        return [
            Endpoint("GET", "/_ml/info", Lane.STATE, self.info),
            Endpoint(
                "POST", "/_ml/set_upgrade_mode", Lane.MANAGEMENT, self.set_upgrade_mode, known(["enabled", "timeout"])
            ),
            Endpoint("GET", "/_license", Lane.STATE, self.license, known(["accept_enterprise"], idle=["local"])),
            Endpoint("GET", "/_xpack", Lane.STATE, self.xpack, known(["accept_enterprise", "categories"])),
            Endpoint("GET", "/_xpack/usage", Lane.STATE, self.usage, known(idle=["master_timeout"])),
            Endpoint("GET", "/_cluster/health", Lane.STATE, self.health, health),
            Endpoint("GET", "/_cluster/health/{index}", Lane.STATE, self.health, health),
        ]

    def info(self, call: Call) -> Response:
        """`GET /_ml/info`."""
        return call.respond(self._service.info())

    def set_upgrade_mode(self, call: Call) -> Response:
        """`POST /_ml/set_upgrade_mode`."""
        parameters = Parameters(call)
        self._service.set_upgrade_mode(enabled=parameters.flag("enabled", default=False))
        return call.respond({"acknowledged": True})

    def license(self, call: Call) -> Response:
        """`GET /_license`: the engine has one licence, which never ends and includes machine learning."""
        return call.respond(
            {
                "license": {
                    "status": "active",
                    "uid": _LICENSE_UID,
                    "type": _license_type(call),
                    "issue_date": _BUILD_DATE,
                    "issue_date_in_millis": 1_735_689_600_000,
                    "max_nodes": None,
                    "max_resource_units": 1,
                    "issued_to": "anomalyops",
                    "issuer": "anomalyops",
                    "start_date_in_millis": -1,
                }
            }
        )

    def xpack(self, call: Call) -> Response:
        """`GET /_xpack`: which features are there."""
        parts: JsonObject = {
            "build": {"hash": f"anomalyops-{__version__}", "date": _BUILD_DATE},
            "license": {
                "uid": _LICENSE_UID,
                "type": _license_type(call),
                "mode": _license_type(call),
                "status": "active",
            },
            "features": {
                "ml": {
                    "available": True,
                    "enabled": True,
                    "native_code_info": {"version": __version__, "build_hash": "anomalyops"},
                },
                "security": {"available": True, "enabled": self._secured},
            },
        }
        asked = call.query.get("categories", "build,license,features").lower().split(",")
        shown = {name.strip() for name in asked if not name.strip().startswith("-")}
        body = {name: part for name, part in parts.items() if name in shown}
        return call.respond({**body, "tagline": "anomalyops embedded engine"})

    def usage(self, call: Call) -> Response:
        """`GET /_xpack/usage`: how much of machine learning is used; of the other features there are none."""
        counts = self._service.counts()
        states = {state: {"count": number} for state, number in counts["states"].items()}
        return call.respond(
            {
                "ml": {
                    "available": True,
                    "enabled": True,
                    "jobs": {"_all": {"count": counts["jobs"]}, **states},
                    "datafeeds": {"_all": {"count": counts["datafeeds"]}},
                    "node_count": _NODES,
                },
                "security": {"available": False, "enabled": False},
            }
        )

    def health(self, call: Call) -> Response:
        """`GET /_cluster/health[/{index}]`: one node, which is up when it answers.

        What can never come, such as a second node, is answered with 408 at once.
        """
        given = call.query.get("expand_wildcards")
        status = "green"
        indices: list[Index] = []
        try:
            with self._store.read() as reader:
                wildcards = EVERYTHING if given is None else Wildcards.parse(given)
                indices = reader.resolve(call.path.get("index", "*"), wildcards=wildcards, closed_too=True)
        except IndexNotFoundError:
            status = "red"
        shards = call.query.get("wait_for_active_shards", "0")
        satisfied = shards == "all" or integer("wait_for_active_shards", shards) <= len(indices)
        satisfied = satisfied and status == "green" and _has_nodes(call.query.get("wait_for_nodes", str(_NODES)))
        body: JsonObject = {"cluster_name": "anomalyops", "status": status, "timed_out": not satisfied, **_NODE_COUNTS}
        body |= {**_shard_counts(len(indices)), **_QUEUES, "active_shards_percent_as_number": 100.0}
        if call.flag("human", default=False):
            body |= {"task_max_waiting_in_queue": "0s", "active_shards_percent": "100.0%"}
        level = call.query.get("level", "cluster").lower()
        if level != "cluster":
            body["indices"] = {index.name: _index_health(shards=level == "shards") for index in indices}
        return call.respond(body, 200 if satisfied else 408)


_NODE_COUNTS: Final[JsonObject] = {"number_of_nodes": _NODES, "number_of_data_nodes": _NODES}
_QUEUES: Final[JsonObject] = {
    "delayed_unassigned_shards": 0,
    "number_of_pending_tasks": 0,
    "number_of_in_flight_fetch": 0,
    "task_max_waiting_in_queue_millis": 0,
}


def _shard_counts(active: int) -> JsonObject:
    return {
        "active_primary_shards": active,
        "active_shards": active,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": 0,
        "unassigned_primary_shards": 0,
    }


def _index_health(*, shards: bool) -> JsonObject:
    """Return what is said of an index: all of them are well."""
    body: JsonObject = {"status": "green", "number_of_shards": 1, "number_of_replicas": 0, **_shard_counts(1)}
    if shards:
        one = {
            "status": "green",
            "primary_active": True,
            **{key: count for key, count in _shard_counts(1).items() if key != "active_primary_shards"},
        }
        body["shards"] = {"0": one}
    return body


def _shards_or_all(name: str, text: str) -> object:
    return text if text == "all" else integer(name, text)


def _license_type(call: Call) -> str:
    """Return the type of the licence, in the words that clients of before the enterprise licence know, if asked."""
    return "enterprise" if call.flag("accept_enterprise", default=True) else "platinum"


def _has_nodes(condition: str) -> bool:
    """Return whether the one node satisfies `wait_for_nodes`.

    Raises:
        ApiError: 400 when the condition cannot be read.
    """
    found = _NODE_CONDITION.fullmatch(condition.strip())
    if found is None:
        reason = f"[wait_for_nodes] must be a number or a comparison such as [>=1] or [ge(1)], got [{condition}]"
        raise ApiError(400, "illegal_argument_exception", reason)
    number = int(found["n"] or found["m"])
    operator = _WORDS.get(found["word"] or "", found["op"] or "=")
    compared = {
        ">=": number <= _NODES,
        "<=": number >= _NODES,
        ">": number < _NODES,
        "<": number > _NODES,
        "=": number == _NODES,
    }
    return compared[operator]
