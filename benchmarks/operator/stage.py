"""The processes that are measured, and what they have used: seconds of a core, MiB, requests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kube_harness.control_plane import ControlPlane
from kube_harness.processes import Process
from kube_harness.services import Engine, Operator

API_VERSION = "anomalyops.io/v1alpha1"
NAMESPACE = "many"
INDEX = "numbers"
INSTALL = Path(__file__).parent.parent.parent / "manifests" / "install"
SYSTEM = "anomalyops-system"
_PATIENCE = 1800.0  # seconds
_TICKS = os.sysconf("SC_CLK_TCK")

Manifest = dict[str, Any]


class Stage:
    """A cluster with the definitions, an engine with an empty index, and an operator that is not started yet.

    Args:
        folder: Where all of them write.
        observe: Seconds between two looks at the server.
    """

    def __init__(self, folder: Path, *, observe: int) -> None:
        self._plane = ControlPlane(folder)
        self._observe = observe
        self.kubectl = self._plane.start()
        self.engine = Engine(folder).start()
        fill(self.engine)
        self.kubectl("apply", "--server-side", "-k", INSTALL)
        self.kubectl.wait_for_definitions()
        self.kubectl("create", "namespace", NAMESPACE)
        token = self.kubectl("create", "token", "anomalyops", "-n", SYSTEM, "--duration=12h").strip()
        self.kubeconfig = self._plane.kubectl(token, name="operator").kubeconfig
        self.operator = Operator(folder, self.kubeconfig, f"--namespace={NAMESPACE}", "--log-level=warning")

    def end(self) -> None:
        """Stops everything."""
        self.operator.stop()
        self.engine.stop()
        self._plane.stop()

    def connect(self) -> None:
        """Makes the connection that all pairs use."""
        spec = {"url": self.engine.url, "observeInterval": f"{self._observe}s", "resyncInterval": "5m"}
        self.kubectl.apply(manifest("ElasticsearchConnection", "default", spec))

    # -- what was used -------------------------------------------------------------------------------------

    def requests(self) -> int:
        """Calls that the operator has made to the server."""
        samples = self.operator.metrics()
        prefix = "anomalyops_elasticsearch_request_seconds_count"
        return round(sum(value for name, value in samples.items() if name.startswith(prefix)))

    def kubernetes_writes(self) -> int:
        """Requests that the API server has answered and that change something of ours."""
        lines = self.kubectl("get", "--raw", "/metrics").splitlines()
        total = 0.0
        for line in lines:
            if not line.startswith("apiserver_request_total{") or "anomalyops.io" not in line:
                continue
            if any(f'verb="{verb}"' in line for verb in ("POST", "PUT", "PATCH", "APPLY", "DELETE")):
                total += float(line.rpartition(" ")[2])
        return round(total)


def fill(engine: Engine) -> None:
    """A document each five minutes of the last two hours: enough to be read, and nothing to wait for."""
    now = int(time.time())
    documents = [{"@timestamp": at * 1000, "value": at % 7} for at in range(now - 7200, now, 300)]
    engine.index(INDEX, {"@timestamp": {"type": "date"}, "value": {"type": "double"}}, documents)


def manifest(kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    """An object of the namespace that is measured."""
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def pair(number: int, *, delay: str = "60s") -> list[Manifest]:
    """A job and its datafeed, which looks for documents every ten minutes."""
    name = f"pair-{number:05}"
    job = {
        "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "mean", "fieldName": "value"}]},
        "analysisLimits": {"modelMemoryLimit": "1mb"},
        "dataDescription": {"timeField": "@timestamp"},
    }
    feed = {"jobRef": {"name": name}, "indices": [INDEX], "queryDelay": delay, "frequency": "10m"}
    return [manifest("AnomalyJob", name, job), manifest("Datafeed", name, feed)]


def processor_seconds(process: Process) -> float:
    """The time that a process has had a core for."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def until(check: Callable[[], bool], what: str, *, interval: float = 0.25) -> float:
    """Waits until something is so, and returns how many seconds that took.

    Raises:
        TimeoutError: it is not so after half an hour.
    """
    began = time.perf_counter()
    while not check():
        if time.perf_counter() - began > _PATIENCE:
            raise TimeoutError(f"{what} after {_PATIENCE:g} s")
        time.sleep(interval)
    return time.perf_counter() - began
