"""One test's part of the cluster: a namespace, a connection through a proxy, and manifests to change."""

from __future__ import annotations

import copy
import json
import math
import time
from typing import Any

from kube_harness.kubectl import Kubectl, Manifest
from kube_harness.proxy import EngineProxy
from kube_harness.services import Engine, Operator
from waiting import PATIENCE_S

API_VERSION = "anomalyops.io/v1alpha1"
INDEX = "kube-requests"
SECRET_READER = "anomalyops-secret-reader"
ACCOUNT = "anomalyops-system:anomalyops"
HOUR = 3600
# What a test may leave behind, in the order in which it goes.
_KINDS = (
    "investigations,anomalyjobsets,modelsnapshotreverts,anomalyforecasts,datafeeds,anomalyjobs,anomalyfilters,"
    "anomalycalendars"
)


class World:
    """A namespace whose connection `default` leads to the engine through `proxy`.

    Ids on the server start with the namespace, because all tests share the engine.
    """

    def __init__(self, kubectl: Kubectl, engine: Engine, operator: Operator, *, namespace: str):
        self.kubectl = kubectl
        self.engine = engine
        self.operator = operator
        self.namespace = namespace
        self.proxy = EngineProxy(engine.url)
        self.job_id = f"{namespace}-requests"
        self.datafeed_id = f"{namespace}-feed"
        self.filter_id = f"{namespace}-hosts"
        self.calendar_id = f"{namespace}-holidays"

    def set_up(self) -> None:
        fill_index(self.engine)
        self.kubectl("create", "namespace", self.namespace)

    def tear_down(self) -> None:
        """Removes what the test left, so that the operator and the engine have nothing to do for it any more."""
        self.proxy.credentials = None
        if self.proxy._server is None:
            self.proxy.up()
        left = [f"{item['kind']}/{item['metadata']['name']}" for item in self.kubectl.list(_KINDS, self.namespace)]
        if left:
            # One call each for all of them: a process of kubectl takes longer than what it asks for.
            self.kubectl.run("delete", "-n", self.namespace, "--wait=false", *left, check=False)
            free = ("--type=merge", "-p", json.dumps({"metadata": {"finalizers": None}}))
            self.kubectl.run("patch", "-n", self.namespace, *left, *free, check=False)
        self.kubectl("delete", "elasticsearchconnections", "--all", "-n", self.namespace)
        self.engine.request("DELETE", f"/_ml/datafeeds/{self.datafeed_id}?force=true")
        self.engine.request("DELETE", f"/_ml/anomaly_detectors/{self.job_id}?force=true")
        self.engine.request("DELETE", f"/_ml/filters/{self.filter_id}")
        self.engine.request("DELETE", f"/_ml/calendars/{self.calendar_id}")
        self.proxy.down()

    # -- manifests -----------------------------------------------------------------------------------------

    def connection(self, **spec: Any) -> Manifest:
        """The connection `default`, looked at every second."""
        content = {
            "url": self.proxy.url,
            "observeInterval": "1s",
            "resyncInterval": "3s",
            "requestTimeout": "5s",
        }
        return self._manifest("ElasticsearchConnection", "default", content | spec)

    def job(self, **spec: Any) -> Manifest:
        """A small job: the mean of `value`, 15 minute buckets."""
        content = {
            "jobId": self.job_id,
            "analysisConfig": {
                "bucketSpan": "15m",
                "detectors": [{"function": "mean", "fieldName": "value"}],
                "influencers": ["host"],
            },
            "analysisLimits": {"modelMemoryLimit": "32mb"},
            "dataDescription": {"timeField": "@timestamp"},
        }
        return self._manifest("AnomalyJob", "requests", content | copy.deepcopy(spec))

    def datafeed(self, **spec: Any) -> Manifest:
        """A real-time datafeed of that job."""
        content = {
            "datafeedId": self.datafeed_id,
            "jobRef": {"name": "requests"},
            "indices": [INDEX],
            "queryDelay": "60s",
        }
        return self._manifest("Datafeed", "feed", content | copy.deepcopy(spec))

    def filter(self, *items: str, **spec: Any) -> Manifest:
        """A filter list of these items."""
        return self._manifest("AnomalyFilter", "hosts", {"filterId": self.filter_id, "items": list(items)} | spec)

    def calendar(self, *events: dict[str, Any], **spec: Any) -> Manifest:
        """A calendar of these events."""
        content = {"calendarId": self.calendar_id, "events": list(events)}
        return self._manifest("AnomalyCalendar", "holidays", content | spec)

    def forecast(self, **spec: Any) -> Manifest:
        """A forecast of the job for half a day."""
        return self._manifest("AnomalyForecast", "half-day", {"jobRef": {"name": "requests"}, "duration": "12h"} | spec)

    def revert(self, **spec: Any) -> Manifest:
        """A revert of the job."""
        return self._manifest("ModelSnapshotRevert", "back", {"jobRef": {"name": "requests"}} | spec)

    def investigation(self, **spec: Any) -> Manifest:
        """An investigation of the last two hours."""
        window = {} if "start" in spec else {"since": "2h"}
        return self._manifest("Investigation", "incident", window | spec)

    def job_set(self, *values: str, **spec: Any) -> Manifest:
        """A job and a datafeed for each host."""
        detectors = [{"function": "mean", "fieldName": "value"}]
        template = {
            "labels": {"host": "{{value}}"},
            "job": {
                "description": "Requests of {{value}}",
                "analysisConfig": {"bucketSpan": "15m", "detectors": detectors},
                "analysisLimits": {"modelMemoryLimit": "11mb"},
                "dataDescription": {"timeField": "@timestamp"},
                "deletionPolicy": "Delete",
            },
            "datafeed": {
                "indices": [INDEX],
                "query": {"term": {"host": "{{value}}"}},
                "queryDelay": "60s",
                "deletionPolicy": "Delete",
            },
        }
        source: dict[str, Any] = {} if "terms" in spec else {"values": list(values)}
        return self._manifest("AnomalyJobSet", "hosts", source | {"template": template} | copy.deepcopy(spec))

    def engine_body(self) -> dict[str, Any]:
        """A small job as somebody makes it by hand."""
        detectors = [{"function": "count"}]
        return {"analysis_config": {"bucket_span": "15m", "detectors": detectors}, "data_description": {}}

    def _manifest(self, kind: str, name: str, spec: dict[str, Any]) -> Manifest:
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}

    # -- steps that many tests share -----------------------------------------------------------------------

    def apply(self, *manifests: Manifest) -> str:
        return self.kubectl.apply(*manifests)

    def allow_secrets(self) -> None:
        """Runs the command that the installation's manifests and the operator's condition name."""
        arguments = (f"--clusterrole={SECRET_READER}", f"--serviceaccount={ACCOUNT}")
        self.kubectl("create", "rolebinding", SECRET_READER, "-n", self.namespace, *arguments)

    def start_pair(self, job: Manifest | None = None, datafeed: Manifest | None = None) -> None:
        """Connection, job and datafeed, until all are Ready and the datafeed runs."""
        self.apply(self.connection(), job or self.job(), datafeed or self.datafeed())
        self.wait_ready()

    def wait_ready(self, *names: str, timeout: float = PATIENCE_S) -> None:
        names = names or ("elasticsearchconnection/default", "anomalyjob/requests", "datafeed/feed")
        self.wait_observed(*names, timeout=timeout)
        self.kubectl.wait_ready(self.namespace, *names, timeout=timeout)

    def wait_observed(self, *names: str, timeout: float = PATIENCE_S) -> None:
        """Until the operator has seen the present spec: `kubectl wait` alone would take an older Ready."""
        for name in names:
            kind, _, plain = name.partition("/")
            generation = self.kubectl.get(kind, plain, self.namespace)["metadata"]["generation"]
            path = f"--for=jsonpath={{.status.observedGeneration}}={generation}"
            self.kubectl("wait", path, f"--timeout={timeout:g}s", "-n", self.namespace, name)

    def condition(self, kind: str, type_: str, **expected: Any) -> Manifest:
        """Waits for a condition of the test's job, datafeed, filter, calendar or connection."""
        names = {
            "anomalyjob": "requests",
            "datafeed": "feed",
            "anomalyfilter": "hosts",
            "anomalycalendar": "holidays",
            "anomalyforecast": "half-day",
            "modelsnapshotrevert": "back",
            "anomalyjobset": "hosts",
            "investigation": "incident",
        }
        name = names.get(kind, "default")
        return self.kubectl.wait_condition(kind, name, self.namespace, type_, **expected)

    def events(self, reason: str | None = None) -> list[Manifest]:
        """Events of this namespace as `kubectl get events` has them, oldest first."""
        found = self.kubectl.list("events.events.k8s.io", self.namespace)
        found.sort(key=lambda event: event["eventTime"] or "")
        return [event for event in found if reason in {None, event["reason"]}]


def fill_index(engine: Engine) -> None:
    """Two days of one document each five minutes up to now, with a daily rhythm; done once an engine."""
    if engine.request("GET", f"/{INDEX}/_count")[0] == 200:
        return
    now = int(time.time()) // 300 * 300
    documents = [
        {
            "@timestamp": at * 1000,
            "value": 100 + 40 * math.sin(2 * math.pi * at / (24 * HOUR)) + at // 300 % 7,
            "host": f"web-{at // 300 % 3}",
        }
        for at in range(now - 48 * HOUR, now, 300)
    ]
    mapping = {"@timestamp": {"type": "date"}, "value": {"type": "double"}, "host": {"type": "keyword"}}
    engine.index(INDEX, mapping, documents)
