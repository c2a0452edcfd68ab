"""A small HTTP server that behaves like the ML endpoints, and can be made to misbehave at any call."""

from __future__ import annotations

import copy
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from anomalyops.elastic import Credentials, Endpoint, Gateway
from anomalyops_engine.api.filtering import keep_paths

TRIALS = ("/_validate", "/_validate/detector", "/_preview", "/_field_caps")
PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
DEFAULTS = {
    "job_type": "anomaly_detector",
    "job_version": "8.19.3",
    "model_snapshot_retention_days": 10,
    "daily_model_snapshot_retention_after_days": 1,
    "results_index_name": "shared",
    "allow_lazy_open": False,
}


def error_body(status: int, type_: str, reason: str, caused_by: dict | None = None) -> dict:
    error = {"root_cause": [{"type": type_, "reason": reason}], "type": type_, "reason": reason}
    return {"error": error | ({"caused_by": caused_by} if caused_by else {}), "status": status}


@dataclass
class Fault:
    """What happens instead of, or after, the next matching call."""

    method: str
    path: str  # regular expression
    status: int = 0  # 0: drop the connection
    body: Any = None
    after: bool = False  # the call takes effect, then the answer is lost or replaced
    times: int = 1

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and re.fullmatch(self.method, method) and re.search(self.path, path) is not None


@dataclass
class FakeElasticsearch:
    """Jobs and datafeeds with the state rules and error texts of the contract."""

    jobs: dict[str, dict] = field(default_factory=dict)
    job_states: dict[str, str] = field(default_factory=dict)
    processed: dict[str, int] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)  # time of the latest record, ms
    model_bytes: dict[str, int] = field(default_factory=dict)
    feeds: dict[str, dict] = field(default_factory=dict)
    feed_states: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=lambda: {"@timestamp": "date", "bytes": "long", "time": "date"})
    max_memory: str | None = None
    messages: list[dict] = field(default_factory=list)
    upgrade_mode: bool = False
    looks_until_closed: int = 0  # how often the stats still say "closing" after a close
    lookbacks_end_at_once: bool = False
    started: list[tuple[str, Any, Any]] = field(default_factory=list)
    version: str = "8.19.3"
    calls: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    kill_at_write: int | None = None  # drop the connection before this many more writes
    url: str = ""
    closing: dict[str, int] = field(default_factory=dict)

    def fault(self, method: str, path: str, **kwargs: Any) -> None:
        self.faults.append(Fault(method, path, **kwargs))

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [
            (m, p) for m, p in self.calls if m != "GET" and not p.endswith(("/_search", "/_has_privileges", *TRIALS))
        ]

    @property
    def trials(self) -> list[str]:
        return [p.rsplit("/", 1)[1] for _, p in self.calls if p.endswith(TRIALS)]

    # -- HTTP

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method, path = request.method, request.path
        self.calls.append((method, path))
        self.headers.append(dict(request.headers))
        body = await request.json() if request.can_read_body else None
        self.bodies.append(body)
        fault = next((f for f in self.faults if f.matches(method, path)), None)
        if method != "GET" and not path.endswith(TRIALS) and self.kill_at_write is not None:
            if self.kill_at_write <= 0:
                return self._drop(request)
            self.kill_at_write -= 1
        if fault is not None:
            fault.times -= 1
            if fault.after:
                self._route(method, path, body, request.query)
            if fault.status == 0:
                return self._drop(request)
            return web.json_response(fault.body, status=fault.status, headers=PRODUCT)
        status, answer = self._route(method, path, body, request.query)
        if status < 300 and "filter_path" in request.query:
            answer = keep_paths(answer, request.query["filter_path"].split(","))
        return web.json_response(answer, status=status, headers=PRODUCT)

    @staticmethod
    def _drop(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def _route(self, method: str, path: str, body: Any, query: Any) -> tuple[int, Any]:
        if path == "/":
            return 200, {"cluster_name": "fake", "cluster_uuid": "u1", "version": {"number": self.version}}
        if path == "/_xpack":
            features = {"ml": {"available": True, "enabled": True}}
            return 200, {"license": {"type": "trial", "status": "active"}, "features": features}
        if path == "/_ml/info":
            limits = {} if self.max_memory is None else {"max_model_memory_limit": self.max_memory}
            return 200, {"defaults": {}, "limits": limits, "upgrade_mode": self.upgrade_mode}
        if path.endswith(("/_validate", "/_validate/detector")):
            return 200, {"acknowledged": True}
        if path.endswith("/_preview"):
            return 200, []
        if path.endswith("/_field_caps"):
            asked = query["fields"].split(",")
            found = {name: {kind: {"type": kind}} for name, kind in self.fields.items() if name in asked}
            return 200, {"indices": ["logs-1"] if self.fields else [], "fields": found}
        if path.endswith("/_search"):
            return 200, {"hits": {"hits": copy.deepcopy(self.messages)}}
        if path == "/_ml/calendars":
            return 200, {"count": 0, "calendars": []}
        if path.startswith("/_ml/filters/"):
            return 404, error_body(404, "resource_not_found_exception", "No filter with that id exists")
        match = re.fullmatch(r"/_ml/(anomaly_detectors|datafeeds)/([^/]+)(/\w+)?", path)
        if match is None:
            return 400, error_body(400, "illegal_argument_exception", f"no handler found for uri [{path}]")
        kind, identifier, action = match.groups()
        handler: Callable[..., tuple[int, Any]] = getattr(
            self, ("_job_" if kind == "anomaly_detectors" else "_feed_") + method.lower()
        )
        return handler(identifier, (action or "").lstrip("/_"), body, query)

    # -- jobs

    def _job_state(self, job_id: str) -> str:
        if self.closing.get(job_id, 0) > 0:
            self.closing[job_id] -= 1
            return "closing"
        return self.job_states[job_id]

    def _job_item(self, job_id: str) -> dict:
        item = copy.deepcopy(self.jobs[job_id])
        feed = next((f for f in self.feeds.values() if f["job_id"] == job_id), None)
        if feed is not None:
            item["datafeed_config"] = copy.deepcopy(feed)
        return item

    def _job_stats(self, job_id: str) -> dict:
        return {
            "job_id": job_id,
            "state": self._job_state(job_id),
            "data_counts": {
                "job_id": job_id,
                "processed_record_count": self.processed.get(job_id, 0),
                "input_record_count": self.processed.get(job_id, 0),
                **({"latest_record_timestamp": self.latest[job_id]} if job_id in self.latest else {}),
            },
            "model_size_stats": {
                "job_id": job_id,
                "model_bytes": self.model_bytes.get(job_id, 0),
                "memory_status": "ok",
            },
            "assignment_explanation": "",
        }

    def _job_get(self, job_id: str, action: str, body: Any, query: Any) -> tuple[int, Any]:
        item = self._job_stats if action == "stats" else self._job_item
        if job_id == "_all":
            return 200, {"count": len(self.jobs), "jobs": [item(each) for each in self.jobs]}
        if job_id not in self.jobs:
            return self._no_job(job_id)
        return 200, {"count": 1, "jobs": [item(job_id)]}

    @staticmethod
    def _no_job(job_id: str) -> tuple[int, Any]:
        return 404, error_body(404, "resource_not_found_exception", f"No known job with id '{job_id}'")

    def _job_put(self, job_id: str, action: str, body: Any, query: Any) -> tuple[int, Any]:
        if job_id in self.jobs:
            reason = f"The job cannot be created with the Id '{job_id}'. The Id is already used."
            return 400, error_body(400, "resource_already_exists_exception", reason)
        body = copy.deepcopy(body)
        feed = body.pop("datafeed_config", None)
        job = copy.deepcopy(DEFAULTS) | body | {"job_id": job_id, "create_time": 1}
        job.setdefault("analysis_limits", {})
        job["analysis_limits"].setdefault("model_memory_limit", "1024mb")
        job["analysis_limits"].setdefault("categorization_examples_limit", 4)
        for index, detector in enumerate(job["analysis_config"]["detectors"]):
            detector.setdefault("detector_description", detector["function"])
            detector["detector_index"] = index
        job["analysis_config"].setdefault("influencers", [])
        job["analysis_config"].setdefault("model_prune_window", "30d")
        job["data_description"].setdefault("time_field", "time")
        job["data_description"].setdefault("time_format", "epoch_ms")
        self.jobs[job_id] = job
        self.job_states[job_id] = "closed"
        if feed is not None:
            status, answer = self._embedded_feed_put({**feed, "job_id": job_id})
            if status != 200:  # what is refused takes the job back
                del self.jobs[job_id], self.job_states[job_id]
                return status, answer
        return 200, self._job_item(job_id)

    def _embedded_feed_put(self, body: dict) -> tuple[int, Any]:
        """A datafeed that comes with its job: refused as it is alone."""
        feed_id = body.pop("datafeed_id")
        fault = next((f for f in self.faults if f.matches("PUT", f"/_ml/datafeeds/{feed_id}")), None)
        if fault is not None and fault.status >= 400:
            return fault.status, fault.body
        return self._feed_put(feed_id, "", body, {})

    def _job_post(self, job_id: str, action: str, body: Any, query: Any) -> tuple[int, Any]:
        if job_id not in self.jobs:
            return self._no_job(job_id)
        state = self.job_states[job_id]
        if action == "open":
            if state != "closed":
                reason = f"Cannot open job [{job_id}] because it has already been opened"
                return 409, error_body(409, "status_exception", reason)
            self.job_states[job_id] = "opened"
            return 200, {"opened": True, "node": "n1"}
        if action == "close":
            if state == "failed" and query.get("force") != "true":
                reason = f"cannot close job [{job_id}] because it failed, use force close"
                return 409, error_body(409, "status_exception", reason)
            if state != "closed":
                self.closing[job_id] = self.looks_until_closed
            self.job_states[job_id] = "closed"
            return 200, {"closed": True}
        if action == "reset":
            if state != "closed":
                return 409, error_body(409, "status_exception", "Can only reset a job when it is closed.")
            self._forget(job_id)
            return 200, {"acknowledged": True}
        assert action == "update", action
        return self._update_job(job_id, body)

    def _update_job(self, job_id: str, body: dict) -> tuple[int, Any]:
        job = self.jobs[job_id]
        if "analysis_limits" in body and self.job_states[job_id] == "opened":
            reason = "Cannot update analysis_limits while the job is open"
            return 400, error_body(400, "status_exception", reason)
        for key, value in body.items():
            if key == "detectors":
                for change in value:
                    detector = job["analysis_config"]["detectors"][change["detector_index"]]
                    if "description" in change:
                        detector["detector_description"] = change["description"]
            elif key in ("model_prune_window", "categorization_filters", "per_partition_categorization"):
                job["analysis_config"][key] = value
            else:
                job[key] = copy.deepcopy(value)
        return 200, self._job_item(job_id)

    def _job_delete(self, job_id: str, action: str, body: Any, query: Any) -> tuple[int, Any]:
        if job_id not in self.jobs:
            return self._no_job(job_id)
        state = self.job_states[job_id]
        if state != "closed":
            reason = f"Cannot delete job [{job_id}] because the job is {state}"
            return 409, error_body(409, "status_exception", reason)
        feed = next((i for i, f in self.feeds.items() if f["job_id"] == job_id), None)
        if feed is not None:
            if self.feed_states[feed] != "stopped":
                reason = f"failed to delete job [{job_id}] as its datafeed [{feed}] could not be deleted"
                return 409, error_body(409, "status_exception", reason)
            del self.feeds[feed]
        del self.jobs[job_id]
        self._forget(job_id)
        return 200, {"acknowledged": True}

    def _forget(self, job_id: str) -> None:
        for learned in (self.processed, self.latest, self.model_bytes):
            learned.pop(job_id, None)

    # -- datafeeds

    def _feed_stats(self, feed_id: str) -> dict:
        return {
            "datafeed_id": feed_id,
            "state": self.feed_states[feed_id],
            "timing_stats": {"job_id": self.feeds[feed_id]["job_id"], "search_count": 0},
        }

    def _feed_get(self, feed_id: str, action: str, body: Any, query: Any) -> tuple[int, Any]:
        item = self._feed_stats if action == "stats" else (lambda each: copy.deepcopy(self.feeds[each]))
        if feed_id == "_all":
            return 200, {"count": len(self.feeds), "datafeeds": [item(each) for each in self.feeds]}
        if feed_id not in self.feeds:
            return self._no_feed(feed_id)
        return 200, {"count": 1, "datafeeds": [item(feed_id)]}

    @staticmethod
    def _no_feed(feed_id: str) -> tuple[int, Any]:
        return 404, error_body(404, "resource_not_found_exception", f"No datafeed with id [{feed_id}] exists")

    def _feed_put(self, feed_id: str, action: str, body: Any, query: Any) -> tuple[int, Any]:
        if feed_id in self.feeds:
            reason = f"A datafeed with id [{feed_id}] already exists"
            return 400, error_body(400, "resource_already_exists_exception", reason)
        if body["job_id"] not in self.jobs:
            return self._no_job(body["job_id"])
        feed = {
            "query": {"match_all": {"boost": 1}},
            "query_delay": "61499ms",
            "scroll_size": 1000,
            "chunking_config": {"mode": "auto"},
            "delayed_data_check_config": {"enabled": True},
            "indices_options": {
                "expand_wildcards": ["open"],
                "ignore_unavailable": False,
                "allow_no_indices": True,
                "ignore_throttled": True,
            },
        }
        self.feeds[feed_id] = feed | copy.deepcopy(body) | {"datafeed_id": feed_id}
        self.feed_states[feed_id] = "stopped"
        return 200, self.feeds[feed_id]

    def _feed_post(self, feed_id: str, action: str, body: Any, query: Any) -> tuple[int, Any]:
        if feed_id not in self.feeds:
            return self._no_feed(feed_id)
        state, job_id = self.feed_states[feed_id], self.feeds[feed_id]["job_id"]
        if action == "start":
            if state == "started":
                reason = f"cannot start datafeed [{feed_id}] because it has already been started"
                return 409, error_body(409, "status_exception", reason)
            if self.job_states[job_id] not in ("opened", "opening"):
                reason = f"cannot start datafeed [{feed_id}] because job [{job_id}] is closed"
                return 409, error_body(409, "status_exception", reason)
            self.started.append((feed_id, (body or {}).get("start"), (body or {}).get("end")))
            if (body or {}).get("end") is not None and self.lookbacks_end_at_once:
                self.processed[job_id] = 1000
                self.job_states[job_id] = "closed"  # the server closes the job of a lookback that ended
            else:
                self.feed_states[feed_id] = "started"
            return 200, {"started": True, "node": "n1"}
        if action == "stop":
            self.feed_states[feed_id] = "stopped"
            return 200, {"stopped": True}
        assert action == "update", action
        if state != "stopped":
            reason = f"Cannot update datafeed [{feed_id}] while its status is {state}"
            return 409, error_body(409, "status_exception", reason)
        self.feeds[feed_id] |= copy.deepcopy(body)
        return 200, self.feeds[feed_id]

    def _feed_delete(self, feed_id: str, action: str, body: Any, query: Any) -> tuple[int, Any]:
        if feed_id not in self.feeds:
            return self._no_feed(feed_id)
        if self.feed_states[feed_id] != "stopped":
            reason = f"Cannot delete datafeed [{feed_id}] while its status is {self.feed_states[feed_id]}"
            return 409, error_body(409, "status_exception", reason)
        del self.feeds[feed_id]
        return 200, {"acknowledged": True}


@pytest.fixture
async def server() -> AsyncIterator[FakeElasticsearch]:
    fake = FakeElasticsearch()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    test_server = TestServer(app)
    await test_server.start_server()
    fake.url = str(test_server.make_url("/")).rstrip("/")
    yield fake
    await test_server.close()


@pytest.fixture
async def gateway(server: FakeElasticsearch) -> AsyncIterator[Gateway]:
    made = Gateway(
        Endpoint(urls=(server.url,), credentials=Credentials(username="u", password="s3cret"), request_timeout=60),
        state_timeout=60,
        poll_interval=0.01,
    )
    yield made
    await made.close()
