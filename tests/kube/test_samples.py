"""The manifests of the documentation, applied as a new user would."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from kube_harness.kubectl import TIMEOUT, Manifest
from kube_harness.processes import wait_until
from kube_harness.world import ACCOUNT, World

from anomalyops.demo import weblogs

SAMPLES = Path(__file__).parent.parent.parent / "manifests" / "samples"
FOLDERS = sorted(folder.name for folder in SAMPLES.iterdir() if folder.is_dir())

_DELETED = {
    "AnomalyJob",
    "Datafeed",
    "AnomalyFilter",
    "AnomalyCalendar",
    "AnomalyForecast",
    "ModelSnapshotRevert",
}  # kinds with a deletion policy

Check = Callable[[World, pytest.FixtureRequest], None]
CHECKS: dict[str, Check] = {}


def sample(folder: str) -> Callable[[Check], Check]:
    """What a sample folder needs beside the web logs, and what shall come of it."""

    def register(check: Check) -> Check:
        CHECKS[folder] = check
        return check

    return register


def applied_alone(world: World, request: pytest.FixtureRequest, folder: str) -> None:
    """A folder of which nothing else is known: applied over the web logs, until all of it is Ready."""
    fill_web_logs(world)
    manifests = rendered(world, folder)
    apply_until_ready(world, manifests, request)
    remove(world, manifests)


@pytest.mark.parametrize("folder", FOLDERS)
def test_sample(world: World, request: pytest.FixtureRequest, folder: str) -> None:
    """Every folder that is there."""
    if folder in CHECKS:
        CHECKS[folder](world, request)
    else:
        applied_alone(world, request, folder)


def test_every_check_has_its_folder() -> None:
    assert set(CHECKS) <= set(FOLDERS)
    loose = [file.name for file in SAMPLES.iterdir() if file.suffix in {".yaml", ".yml", ".json"}]
    assert loose == [], "a sample is a folder"


def rendered(world: World, folder: str) -> list[Manifest]:
    """A sample folder with its connection led to this test's engine, in this test's namespace."""
    manifests = list(yaml.safe_load_all(world.kubectl("kustomize", SAMPLES / folder)))
    for manifest in manifests:
        manifest["metadata"]["namespace"] = world.namespace
        if manifest["kind"] == "ElasticsearchConnection":
            manifest["spec"] |= {"url": world.proxy.url, "observeInterval": "1s"}
    return manifests


def apply_until_ready(world: World, manifests: list[Manifest], report: pytest.FixtureRequest) -> None:
    ours = [manifest for manifest in manifests if manifest["apiVersion"].startswith("anomalyops.io/")]
    assert ours, "a sample without a resource"
    names = [f"{manifest['kind'].lower()}/{manifest['metadata']['name']}" for manifest in ours]
    begun = time.monotonic()
    world.apply(*manifests)
    world.wait_ready(*names)
    seconds = time.monotonic() - begun
    report.node.user_properties.append(("seconds from apply to Ready", round(seconds, 1)))
    print(f"{len(names)} resources Ready {seconds:.1f} s after kubectl apply")


def remove(world: World, manifests: list[Manifest]) -> None:
    """Through the operator, jobs and results included, so that the ids are free for other tests."""
    for manifest in manifests:
        if manifest["kind"] in _DELETED:
            manifest["spec"]["deletionPolicy"] = "Delete"
    world.apply(*manifests)
    world.kubectl(
        "delete",
        "investigations,modelsnapshotreverts,anomalyforecasts,datafeeds,anomalyjobs,anomalyfilters,anomalycalendars",
        "--all",
        "-n",
        world.namespace,
        TIMEOUT,
    )


def fill_web_logs(world: World) -> None:
    """The sample web logs, once an engine."""
    if world.engine.request("GET", f"/{weblogs.INDEX}/_count")[0] != 200:
        world.engine.index(weblogs.INDEX, weblogs.MAPPING["properties"], list(weblogs.generate()))


@sample("weblogs")
def web_logs(world: World, request: pytest.FixtureRequest) -> None:
    fill_web_logs(world)
    manifests = rendered(world, "weblogs")
    apply_until_ready(world, manifests, request)
    jobs = {item["status"]["jobId"]: item["status"]["jobState"] for item in world.kubectl.list("aj", world.namespace)}
    assert jobs == dict.fromkeys(["low_request_rate", "response_code_rates", "url_scanning"], "opened")
    remove(world, manifests)
    assert world.engine.job_config("low_request_rate") is None


@sample("embedded")
def an_engine_of_its_own(world: World, request: pytest.FixtureRequest) -> None:
    """Accepted as it stands; `test_embedded.py` goes on to its first anomaly, with an engine in its pod's place."""
    del request
    manifests = list(yaml.safe_load_all(world.kubectl("kustomize", SAMPLES / "embedded")))
    answer = world.kubectl(
        *("apply", "--dry-run=server", "-n", world.namespace, "-f", "-"), stdin=yaml.safe_dump_all(manifests)
    )
    assert len(answer.splitlines()) == len(manifests)


@sample("nyc-taxi")
def nyc_taxi(world: World, request: pytest.FixtureRequest) -> None:
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


@sample("known-clients")
def known_clients(world: World, request: pytest.FixtureRequest) -> None:
    """A filter and the job that needs it, applied at once."""
    fill_web_logs(world)
    manifests = rendered(world, "known-clients")
    apply_until_ready(world, manifests, request)
    remove(world, manifests)
    assert world.engine.request("GET", "/_ml/filters/known-clients")[0] == 404


@sample("days-off")
def days_off(world: World, request: pytest.FixtureRequest) -> None:
    """A calendar and the job that it chooses by its label."""
    fill_web_logs(world)
    manifests = rendered(world, "days-off")
    apply_until_ready(world, manifests, request)
    path = "/_ml/calendars/days-off"
    wait_until(
        lambda: world.engine.call("GET", path)["calendars"][0]["job_ids"] == ["office-hours"],
        what="the job",
    )
    assert world.engine.call("GET", f"{path}/events")["count"] == 4  # the mark is one
    remove(world, manifests)
    assert world.engine.request("GET", path)[0] == 404


@sample("forecast")
def forecast(world: World, request: pytest.FixtureRequest) -> None:
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


@sample("revert")
def revert(world: World, request: pytest.FixtureRequest) -> None:
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


@sample("job-set")
def job_set(world: World, request: pytest.FixtureRequest) -> None:
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
    world.kubectl("delete", "anomalyjobsets", "--all", "-n", world.namespace, TIMEOUT)
    # There is no garbage collector in this cluster.
    world.kubectl("delete", "datafeeds,anomalyjobs", "--all", "-n", world.namespace, TIMEOUT)


@sample("investigation")
def investigation(world: World, request: pytest.FixtureRequest) -> None:
    """What broke lately: the job of the team is asked, and the investigation comes to an end."""
    fill_web_logs(world)
    manifests = rendered(world, "investigation")
    apply_until_ready(world, manifests, request)
    (found,) = world.kubectl.list("investigations", world.namespace)
    ready = next(one for one in found["status"]["conditions"] if one["type"] == "Ready")
    assert ready["reason"] in {"Investigated", "NothingFound"}
    assert "chooses no AnomalyJob" not in found["status"]["summary"]
    remove(world, manifests)


@sample("from-config-maps")
def from_config_maps(world: World, request: pytest.FixtureRequest) -> None:
    """A filter list and a calendar of what other teams keep, read by the right that the manifest names."""
    role = "anomalyops-config-map-reader"
    account = f"--serviceaccount={ACCOUNT}"
    world.kubectl("create", "rolebinding", role, "-n", world.namespace, f"--clusterrole={role}", account)
    manifests = rendered(world, "from-config-maps")
    apply_until_ready(world, manifests, request)
    (found,) = world.engine.call("GET", "/_ml/filters/known-hosts")["filters"]
    assert found["items"] == ["backup.*", "build-1", "build-2", "load-test"]
    events = world.engine.call("GET", "/_ml/calendars/maintenance/events")["events"]
    assert sum(one["description"] == "Backup" for one in events) in {7, 8, 9}  # two a week, for four weeks and today
    remove(world, manifests)
    assert world.engine.request("GET", "/_ml/filters/known-hosts")[0] == 404
    assert world.engine.request("GET", "/_ml/calendars/maintenance")[0] == 404
