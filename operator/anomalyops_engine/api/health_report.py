"""`GET /_health_report`: what is well, what is not, what follows from it and what to do, as Elasticsearch tells it.

The indicators `master_is_stable`, `shards_availability` and `disk` are Elasticsearch's; `store` and `ml` are of this
engine. Those of what the engine has not (lifecycles, snapshots, repositories) are not shown, and refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.machine import figures
from anomalyops_engine.api.parameters import at_least, known
from anomalyops_engine.jobs import JobService
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import EVERYTHING, Store

_ORDER: Final = ("green", "unknown", "yellow", "red")
_MISSING: Final = frozenset(
    {"data_stream_lifecycle", "file_settings", "ilm", "repository_integrity", "shards_capacity", "slm"}
)
# A part of the disk that should be free, and how many bytes of it are enough on a large one.
_LITTLE: Final = (0.10, 20 * 2**30)
_TOO_LITTLE: Final = (0.02, 2 * 2**30)
_MOST_RESOURCES: Final = 1000


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is not well.

    Attributes:
        status: how bad it is: yellow or red.
        name: its name in ids.
        symptom: what is seen.
        severity: of what follows, from 1, the worst, to 3.
        impact: what follows from it.
        areas: which parts that touches.
        cause: why it is so.
        action: what to do about it.
        resources: of what it is true, by kind.
    """

    status: str
    name: str
    symptom: str
    severity: int
    impact: str
    areas: tuple[str, ...]
    cause: str
    action: str
    resources: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What an indicator found: what it says when all is well, what is not, and figures."""

    well: str
    troubles: Sequence[Trouble]
    details: JsonObject

    @property
    def status(self) -> str:
        """The worst of it."""
        return max((trouble.status for trouble in self.troubles), key=_ORDER.index, default="green")

    def show(self, indicator: str, *, verbose: bool, size: int) -> JsonObject:
        """Return it as the report has it."""
        symptoms = [trouble.symptom for trouble in self.troubles]
        body: JsonObject = {"status": self.status, "symptom": " ".join(symptoms) or self.well}
        if verbose:
            body["details"] = self.details
        if self.troubles:
            body["impacts"] = [_impact(indicator, trouble) for trouble in self.troubles]
            if verbose:
                body["diagnosis"] = [_diagnosis(indicator, trouble, size) for trouble in self.troubles]
        return body


def _impact(indicator: str, trouble: Trouble) -> JsonObject:
    return {
        "id": f"anomalyops:health:{indicator}:impact:{trouble.name}",
        "severity": trouble.severity,
        "description": trouble.impact,
        "impact_areas": list(trouble.areas),
    }


def _diagnosis(indicator: str, trouble: Trouble, size: int) -> JsonObject:
    body: JsonObject = {
        "id": f"anomalyops:health:{indicator}:diagnosis:{trouble.name}",
        "cause": trouble.cause,
        "action": trouble.action,
        "help_url": "docs/engine.md#health",
    }
    if trouble.resources:
        body["affected_resources"] = {kind: list(names)[:size] for kind, names in trouble.resources.items()}
    return body


def endpoints(store: Store, jobs: JobService) -> list[Endpoint]:
    """Return the endpoints of this module."""
    parameters = known(["size", "verbose"], idle=["timeout"], readers={"size": at_least(0)})
    answer = partial(_report, store, jobs)
    return [
        Endpoint("GET", "/_health_report", Lane.STATE, answer, parameters),
        Endpoint("GET", "/_health_report/{indicator}", Lane.STATE, answer, parameters),
    ]


def _report(store: Store, jobs: JobService, call: Call) -> Response:
    asked = call.path.get("indicator")
    if asked in _MISSING:
        raise not_supported(
            f"health indicator [{asked}] is not supported by this engine; supported: [{', '.join(sorted(_INDICATORS))}]"
        )
    if asked is not None and asked not in _INDICATORS:
        raise ApiError(404, "resource_not_found_exception", f"Did not find indicator {asked}")
    verbose, size = call.flag("verbose", default=True), int(call.query.get("size", _MOST_RESOURCES))
    names = list(_INDICATORS) if asked is None else [asked]
    found = {name: _INDICATORS[name](store, jobs) for name in names}
    body: JsonObject = {"cluster_name": "anomalyops"}
    if asked is None:
        body = {"status": max((one.status for one in found.values()), key=_ORDER.index), **body}
    body["indicators"] = {name: finding.show(name, verbose=verbose, size=size) for name, finding in found.items()}
    return call.respond(body)


def _master(store: Store, jobs: JobService) -> Finding:
    node = {"node_id": jobs.node_id, "name": jobs.node()["name"]}
    return Finding("The cluster has a stable master node", (), {"current_master": node, "recent_masters": [node]})


def _shards(store: Store, jobs: JobService) -> Finding:
    with store.read() as reader:
        count = len(reader.resolve("*", wildcards=EVERYTHING, closed_too=True))
    zeros = ("creating_primaries", "creating_replicas", "initializing_primaries", "initializing_replicas")
    others = ("restarting_primaries", "restarting_replicas", "unassigned_primaries", "unassigned_replicas")
    details = {"started_primaries": count, "started_replicas": 0, **dict.fromkeys((*zeros, *others), 0)}
    return Finding("This cluster has all shards available.", (), details)


def disk_finding(free: int, total: int) -> Finding:
    """Return what is to be said of a disk with some bytes, of which some are free."""
    status = "green"
    for level, (part, enough) in (("yellow", _LITTLE), ("red", _TOO_LITTLE)):
        if free < min(part * total, enough):
            status = level
    details: JsonObject = {
        "indices_with_readonly_block": 0,
        "nodes_with_enough_disk_space": int(status == "green"),
        "nodes_with_unknown_disk_status": 0,
        "nodes_over_high_watermark": int(status == "yellow"),
        "nodes_over_flood_stage_watermark": int(status == "red"),
        "free_bytes": free,
        "total_bytes": total,
    }
    if status == "green":
        return Finding("The cluster has enough available disk space.", (), details)
    trouble = Trouble(
        status,
        "disk_space",
        f"The disk of the data folder has {free >> 20} MB left of {total >> 20} MB.",
        1 if status == "red" else 2,
        "Once the disk is full, documents, results and models cannot be written: requests are refused and datafeeds "
        "wait. What has been acknowledged is kept.",
        ("ingest", "deployment_management"),
        "The data folder, or something else on its disk, has grown.",
        "Give the disk more space, or delete indices and jobs that are not needed: their space is used again. Results "
        "are also deleted after the results_retention_days of their jobs.",
    )
    return Finding("", (trouble,), details)


def _disk(store: Store, jobs: JobService) -> Finding:
    now = figures(store.folder)
    return disk_finding(now.disk_free, now.disk_total)


def _store(store: Store, jobs: JobService) -> Finding:
    now, trouble = store.figures(), store.checkpoint_trouble
    details: JsonObject = {
        "file_bytes": now.file_bytes,
        "log_bytes": now.log_bytes,
        "memory_bytes": now.memory_bytes,
        "open_snapshots": now.cursors,
    }
    troubles = []
    if trouble is not None:
        troubles.append(
            Trouble(
                "yellow",
                "checkpoint_failed",
                "The write-ahead log cannot be brought into the database file.",
                3,
                "The log grows, and the next start takes longer. Nothing is lost.",
                ("deployment_management",),
                f"The latest attempt failed: {trouble}",
                "Look for a full disk, and for scrolls and points in time that are kept open for long.",
            )
        )
    return Finding("The store is sound.", troubles, details)


def _ml(store: Store, jobs: JobService) -> Finding:
    now, names = jobs.figures(), jobs.unwell()
    details: JsonObject = {
        "jobs": dict(now.jobs),
        "datafeeds": dict(now.datafeeds),
        "model_bytes": now.model_bytes,
        "model_limit_bytes": now.model_budget,
        "learners_ready": now.learners_ready,
    }
    troubles = [
        replace(trouble, resources={kind: names[trouble.name]}) for kind, trouble in _ML_TROUBLES if names[trouble.name]
    ]
    if now.upgrade_mode:
        troubles.append(
            Trouble(
                "yellow",
                "upgrade_mode",
                "Upgrade mode is on: all datafeeds are paused.",
                2,
                "No anomalies are found meanwhile; nothing is lost, datafeeds go on where they were.",
                ("ml",),
                "It was turned on by `POST _ml/set_upgrade_mode?enabled=true`.",
                "Turn it off by `POST _ml/set_upgrade_mode?enabled=false`.",
            )
        )
    return Finding("Jobs and datafeeds do what they should.", troubles, details)


_ML_TROUBLES: Final = (
    (
        "jobs",
        Trouble(
            status="red",
            name="failed_jobs",
            symptom="Some jobs have failed.",
            severity=1,
            impact="They find no anomalies.",
            areas=("ml",),
            cause="Their models could not be read or written; their notifications say why.",
            action="Read GET _ml/anomaly_detectors/{job_id}/_stats and the notifications; close a job with force=true "
            "and open it again, or revert it to an earlier model snapshot.",
        ),
    ),
    (
        "datafeeds",
        Trouble(
            status="yellow",
            name="datafeeds_in_trouble",
            symptom="Searches of some datafeeds fail.",
            severity=2,
            impact="Their jobs see no new data; the datafeeds try again and go on where they were.",
            areas=("ml",),
            cause="An index is missing or closed, a right is missing, or the search cannot be answered.",
            action="Read GET _ml/datafeeds/{datafeed_id}/_stats and GET _ml/datafeeds/{datafeed_id}/_preview.",
        ),
    ),
    (
        "jobs",
        Trouble(
            status="yellow",
            name="hard_limit",
            symptom="Models of some jobs have reached their memory limit.",
            severity=2,
            impact="Series that are new to them are not analysed.",
            areas=("ml",),
            cause="The jobs have more series than their model_memory_limit has room for.",
            action="Close the jobs, raise analysis_limits.model_memory_limit, and open them again.",
        ),
    ),
    (
        "jobs",
        Trouble(
            status="yellow",
            name="waiting_for_memory",
            symptom="Some jobs wait for memory to be opened.",
            severity=2,
            impact="They find no anomalies until there is room.",
            areas=("ml",),
            cause="The models of the open jobs leave less memory than the limits of these jobs ask for.",
            action="Close other jobs, lower limits, or give the engine more memory (ml.memory).",
        ),
    ),
)

_INDICATORS: Final[Mapping[str, Callable[[Store, JobService], Finding]]] = {
    "master_is_stable": _master,
    "shards_availability": _shards,
    "disk": _disk,
    "store": _store,
    "ml": _ml,
}
