"""The manifests of the documentation, applied as a new user would."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.world import World

from anomalyops.demo import weblogs

SAMPLES = Path(__file__).parent.parent.parent / "manifests" / "samples"


def rendered(world: World, folder: str) -> list[Manifest]:
    """A sample folder with its connection led to this test's engine, in this test's namespace."""
    manifests = list(yaml.safe_load_all(world.kubectl("kustomize", SAMPLES / folder)))
    for manifest in manifests:
        manifest["metadata"]["namespace"] = world.namespace
        if manifest["kind"] == "ElasticsearchConnection":
            manifest["spec"] |= {"url": world.proxy.url, "observeInterval": "1s"}
    return manifests


def apply_until_ready(world: World, manifests: list[Manifest], report: pytest.FixtureRequest) -> None:
    names = [f"{manifest['kind'].lower()}/{manifest['metadata']['name']}" for manifest in manifests]
    begun = time.monotonic()
    world.apply(*manifests)
    world.wait_ready(*names, timeout=90)
    seconds = time.monotonic() - begun
    report.node.user_properties.append(("seconds from apply to Ready", round(seconds, 1)))
    print(f"{len(names)} resources Ready {seconds:.1f} s after kubectl apply")


def remove(world: World, manifests: list[Manifest]) -> None:
    """Through the operator, jobs and results included, so that the ids are free for other tests."""
    for manifest in manifests:
        if manifest["kind"] != "ElasticsearchConnection":
            manifest["spec"]["deletionPolicy"] = "Delete"
    world.apply(*manifests)
    world.kubectl(
        "delete",
        "modelsnapshotreverts,anomalyforecasts,datafeeds,anomalyjobs,anomalyfilters,anomalycalendars",
        "--all",
        "-n",
        world.namespace,
        "--timeout=60s",
    )


def fill_web_logs(world: World) -> None:
    """The sample web logs, once an engine."""
    if world.engine.request("GET", f"/{weblogs.INDEX}/_count")[0] != 200:
        world.engine.index(weblogs.INDEX, weblogs.MAPPING["properties"], list(weblogs.generate()))


def test_web_logs(world: World, request: pytest.FixtureRequest) -> None:
    fill_web_logs(world)
    manifests = rendered(world, "weblogs")
    apply_until_ready(world, manifests, request)
    jobs = {item["status"]["jobId"]: item["status"]["jobState"] for item in world.kubectl.list("aj", world.namespace)}
    assert jobs == dict.fromkeys(["low_request_rate", "response_code_rates", "url_scanning"], "opened")
    remove(world, manifests)
    assert world.engine.job_config("low_request_rate") is None


def test_nyc_taxi(world: World, request: pytest.FixtureRequest) -> None:
    """A recording: its datafeed comes to an end, which is success."""
    start = datetime(2014, 7, 1, tzinfo=UTC)
    times = [start + timedelta(minutes=30 * number) for number in range(48 * 30)]
    documents = [
        {"timestamp": at.isoformat(), "value": 15000 + 9000 * math.sin(math.pi * (at.hour - 9) / 12)} for at in times
    ]
    world.engine.index("nyc-taxi", {"timestamp": {"type": "date"}, "value": {"type": "double"}}, documents)
    manifests = rendered(world, "nyc-taxi")
    apply_until_ready(world, manifests, request)
    ready = world.kubectl.condition("datafeed", "nyc-taxi", world.namespace, "Ready")
    assert ready is not None
    assert ready["reason"] == "LookbackComplete"
    counts = world.engine.call("GET", "/_ml/anomaly_detectors/nyc-taxi/_stats")["jobs"][0]["data_counts"]
    assert counts["processed_record_count"] == len(documents)
    remove(world, manifests)


def test_known_clients(world: World, request: pytest.FixtureRequest) -> None:
    """A filter and the job that needs it, applied at once."""
    fill_web_logs(world)
    manifests = rendered(world, "known-clients")
    apply_until_ready(world, manifests, request)
    remove(world, manifests)
    assert world.engine.request("GET", "/_ml/filters/known-clients")[0] == 404


def test_days_off(world: World, request: pytest.FixtureRequest) -> None:
    """A calendar and the job that it chooses by its label."""
    fill_web_logs(world)
    manifests = rendered(world, "days-off")
    apply_until_ready(world, manifests, request)
    path = "/_ml/calendars/days-off"
    wait_until(
        lambda: world.engine.call("GET", path)["calendars"][0]["job_ids"] == ["office-hours"],
        timeout=20,
        what="the job",
    )
    assert world.engine.call("GET", f"{path}/events")["count"] == 4  # the mark is one
    remove(world, manifests)
    assert world.engine.request("GET", path)[0] == 404


def test_forecast(world: World, request: pytest.FixtureRequest) -> None:
    """A forecast that waits until its job has learnt enough, and one that waits for Monday."""
    fill_web_logs(world)
    manifests = rendered(world, "forecast")
    apply_until_ready(world, manifests, request)
    reasons = {
        item["metadata"]["name"]: next(one["reason"] for one in item["status"]["conditions"] if one["type"] == "Ready")
        for item in world.kubectl.list("anomalyforecasts", world.namespace)
    }
    assert reasons["next-days"] == "ForecastFinished"
    assert reasons["each-week"] in {"Scheduled", "ForecastFinished"}
    remove(world, manifests)


def test_revert(world: World, request: pytest.FixtureRequest) -> None:
    """A job that learns anew, but for the hours in which the site was down."""
    fill_web_logs(world)
    manifests = rendered(world, "revert")
    apply_until_ready(world, manifests, request)
    (revert,) = world.kubectl.list("modelsnapshotreverts", world.namespace)
    assert revert["status"]["state"] == "Reverted"
    path = f"/_ml/calendars/{revert['status']['calendarId']}/events"
    assert [one["description"] for one in world.engine.call("GET", path)["events"]] == ["The site was down"]
    remove(world, manifests)
    assert world.engine.request("GET", path)[0] == 404


def test_job_set(world: World, request: pytest.FixtureRequest) -> None:
    """A job for each response code that the logs have."""
    fill_web_logs(world)
    manifests = rendered(world, "job-set")
    apply_until_ready(world, manifests, request)
    (job_set,) = world.kubectl.list("anomalyjobsets", world.namespace)
    made = world.kubectl.list("aj", world.namespace)
    assert job_set["status"]["readiness"] == f"{len(made)}/{len(made)}"
    assert {"200", "404", "503"} <= {one["metadata"]["annotations"]["anomalyops.io/value"] for one in made}
    manifests[:] = [one for one in manifests if one["kind"] == "AnomalyJobSet"]
    manifests[0]["spec"]["template"]["job"]["deletionPolicy"] = "Delete"
    manifests[0]["spec"]["template"]["datafeed"]["deletionPolicy"] = "Delete"
    world.apply(*manifests)
    world.wait_ready("anomalyjobset/by-response")
    world.kubectl("delete", "anomalyjobsets", "--all", "-n", world.namespace, "--timeout=30s")
    # There is no garbage collector in this cluster.
    world.kubectl("delete", "datafeeds,anomalyjobs", "--all", "-n", world.namespace, "--timeout=60s")
