"""From `kubectl apply` to a running job, and through its changes."""

from __future__ import annotations

import time

import pytest
from kube_harness.kubectl import TIMEOUT
from kube_harness.processes import wait_until
from kube_harness.world import World


def steps(world: World, *, since: int) -> list[str]:
    """The server calls that changed something, as `verb of what`, from the given position of the proxy on."""
    names = {world.job_id: "job", world.datafeed_id: "datafeed"}
    found = []
    for call in world.proxy.writes()[since:]:
        method, _, path = call.partition(" ")
        parts = path.strip("/").split("/")
        name = names.get(parts[2] if len(parts) > 2 else "")
        if name is not None:
            verb = parts[3].lstrip("_") if len(parts) > 3 else {"PUT": "create", "DELETE": "delete"}[method]
            found.append(f"{verb} {name}")
    return found


def test_manifests_become_a_running_job(world: World) -> None:
    world.start_pair()
    assert world.engine.job_state(world.job_id) == "opened"
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    # One call creates both; a Datafeed that is told of after its AnomalyJob comes by its own.
    together, alone = ["create job"], ["create job", "open job", "create datafeed"]
    running = ["open job", "start datafeed"]
    assert steps(world, since=0) in ([*together, *running], [*alone, "start datafeed"])

    wait_until(
        lambda: world.engine.call("GET", f"/_ml/anomaly_detectors/{world.job_id}/results/buckets")["count"] > 100,
        what="buckets of the two days in the index",
    )


def test_a_datafeed_that_is_refused_leaves_its_job_alone(world: World) -> None:
    """The server refuses both in one call; the job is there all the same, and the Datafeed says what is wrong."""
    world.apply(world.connection(), world.datafeed(query={"no_such_clause": {}}), world.job())
    assert "no_such_clause" in world.condition("datafeed", "Stalled", status="True", reason="Rejected")["message"]
    world.condition("anomalyjob", "Synced", status="True")
    assert world.engine.job_state(world.job_id) == "opened"
    world.apply(world.datafeed())
    world.wait_ready()
    assert world.engine.datafeed_state(world.datafeed_id) == "started"


def test_the_owner_is_marked_beside_the_users_own_settings(world: World) -> None:
    world.start_pair(job=world.job(customSettings={"team": "web"}))
    settings = world.engine.job_config(world.job_id)["custom_settings"]
    uid = world.kubectl.get("anomalyjob", "requests", world.namespace)["metadata"]["uid"]
    cluster = world.kubectl.get("namespace", "kube-system")["metadata"]["uid"]
    assert settings["team"] == "web"
    owner = {"cluster": cluster, "namespace": world.namespace, "name": "requests", "uid": uid}
    assert settings.items() >= {f"anomalyops.io/{key}": value for key, value in owner.items()}.items()


def test_the_spec_stays_as_it_was_written(world: World) -> None:
    world.start_pair()
    stored = world.kubectl.get("datafeed", "feed", world.namespace)
    assert stored["spec"].items() >= world.datafeed()["spec"].items()
    assert not any("kopf" in key for key in stored["metadata"].get("annotations", {}))
    assert stored["metadata"]["finalizers"] == ["anomalyops.io/finalizer"]


def test_printer_columns(world: World) -> None:
    world.start_pair()
    table = world.kubectl("get", "anomalyjobs", "-n", world.namespace)
    header, row = (line.split() for line in table.splitlines())
    columns = dict(zip(header, row, strict=False))
    expected = {"NAME": "requests", "JOB": world.job_id, "STATE": "opened", "DATAFEED": "started", "READY": "True"}
    assert columns.items() >= expected.items()
    assert "started" in world.kubectl("get", "adf", "-n", world.namespace)
    assert "True" in world.kubectl("get", "esc", "-n", world.namespace)
    assert "Used" in world.kubectl("get", "aj", "-n", world.namespace, "-o", "wide").upper().replace("USED", "Used")


def test_a_memory_limit_is_changed_on_a_running_job_in_order(world: World) -> None:
    world.start_pair()
    before = len(world.proxy.writes())
    world.apply(world.job(analysisLimits={"modelMemoryLimit": "64mb"}))
    world.wait_ready()
    assert steps(world, since=before) == [
        "stop datafeed",
        "close job",
        "update job",
        "open job",
        "start datafeed",
    ]
    assert world.engine.job_config(world.job_id)["analysis_limits"]["model_memory_limit"] == "64mb"
    assert world.engine.datafeed_state(world.datafeed_id) == "started"


def test_a_query_delay_is_changed_without_closing_the_job(world: World) -> None:
    world.start_pair()
    before = len(world.proxy.writes())
    world.apply(world.datafeed(queryDelay="90s"))
    world.wait_ready()
    assert steps(world, since=before) == ["stop datafeed", "update datafeed", "start datafeed"]
    assert world.engine.datafeed_config(world.datafeed_id)["query_delay"] == "90s"
    assert world.engine.job_state(world.job_id) == "opened"


def test_a_description_is_changed_without_touching_the_run_state(world: World) -> None:
    world.start_pair()
    before = len(world.proxy.writes())
    world.apply(world.job(description="Requests of the web tier"))
    world.wait_ready()
    assert steps(world, since=before) == ["update job"]


def test_the_same_meaning_in_other_words_is_no_change(world: World) -> None:
    world.start_pair()
    before = len(world.proxy.writes())
    world.apply(world.job(analysisLimits={"modelMemoryLimit": "32768kb"}), world.datafeed(queryDelay="1m"))
    world.wait_ready()
    assert steps(world, since=before) == []


def test_an_immutable_change_is_refused_by_the_api_server(world: World) -> None:
    world.start_pair()
    changed = world.job()
    changed["spec"]["analysisConfig"]["bucketSpan"] = "1h"
    message = world.kubectl.refuse(changed, namespace=world.namespace)
    assert "bucketSpan" in message
    assert "replacePolicy" in message


def test_an_immutable_change_that_is_allowed_by_name_recreates_the_job(world: World) -> None:
    world.start_pair()
    before = len(world.proxy.writes())
    changed = world.job(replacePolicy="Recreate")
    changed["spec"]["analysisConfig"]["bucketSpan"] = "30m"
    world.apply(changed)
    world.wait_ready()
    assert "delete job" in steps(world, since=before)
    assert world.engine.job_config(world.job_id)["analysis_config"]["bucket_span"] == "30m"
    assert world.engine.datafeed_state(world.datafeed_id) == "started"


def test_suspend_stops_and_resume_starts_again(world: World) -> None:
    world.start_pair()
    world.apply(world.datafeed(suspend=True))
    world.condition("datafeed", "Ready", reason="Suspended")
    assert world.engine.datafeed_state(world.datafeed_id) == "stopped"
    world.apply(world.datafeed())
    world.wait_ready("datafeed/feed")
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    assert not world.events("DatafeedStopped")


def test_a_datafeed_waits_for_its_job_and_goes_on_when_it_appears(world: World) -> None:
    world.apply(world.connection(), world.datafeed())
    condition = world.condition("datafeed", "Ready", status="False", reason="WaitingForJob")
    assert "requests" in condition["message"]
    assert world.engine.datafeed_config(world.datafeed_id) is None
    world.apply(world.job())
    world.wait_ready()
    assert world.engine.datafeed_state(world.datafeed_id) == "started"


def test_a_second_datafeed_of_a_job_is_refused_in_its_status(world: World) -> None:
    world.start_pair(datafeed=world.datafeed(deletionPolicy="Delete"))
    second = world.datafeed(datafeedId=f"{world.namespace}-second")
    second["metadata"]["name"] = "second"
    world.apply(second)
    condition = world.kubectl.wait_condition("datafeed", "second", world.namespace, "Stalled", reason="Conflict")
    assert "'feed'" in condition["message"]
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    world.kubectl("delete", "datafeed", "feed", "-n", world.namespace, TIMEOUT)
    world.kubectl.wait_condition("datafeed", "second", world.namespace, "Ready")


def test_a_retained_datafeed_stands_in_the_way_of_another_until_it_may_be_replaced(world: World) -> None:
    world.start_pair()
    world.kubectl("delete", "datafeed", "feed", "-n", world.namespace, TIMEOUT)
    second = world.datafeed(datafeedId=f"{world.namespace}-second")
    second["metadata"]["name"] = "second"
    world.apply(second)
    condition = world.kubectl.wait_condition("datafeed", "second", world.namespace, "Stalled", reason="Conflict")
    assert world.datafeed_id in condition["message"]
    passes = len(world.proxy.reads())
    wait_until(lambda: len(world.proxy.reads()) > passes + 12, what="some more looks")
    world.kubectl.wait_condition("datafeed", "second", world.namespace, "Ready", status="False", reason="Conflict")
    second["spec"]["replacePolicy"] = "Recreate"
    world.apply(second)
    world.kubectl.wait_condition("datafeed", "second", world.namespace, "Ready")
    assert world.engine.datafeed_config(world.datafeed_id) is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"analysis_limits": {"model_memory_limit": "16mb"}}, "analysis_limits"),
        ({"description": "by hand"}, "description"),
    ],
)
def test_a_change_by_somebody_else_is_undone(world: World, change: dict[str, object], field: str) -> None:
    world.start_pair(job=world.job(description="as written"))
    url = f"/_ml/anomaly_detectors/{world.job_id}"
    if field == "analysis_limits":
        world.engine.call("POST", f"/_ml/datafeeds/{world.datafeed_id}/_stop")
        world.engine.call("POST", f"{url}/_close")
    wanted = world.engine.job_config(world.job_id)[field]
    world.engine.call("POST", f"{url}/_update", change)
    wait_until(lambda: world.engine.job_config(world.job_id)[field] == wanted, what=f"{field} as before")
    wait_until(lambda: world.engine.datafeed_state(world.datafeed_id) == "started", what="the feed running")


def test_a_datafeed_that_somebody_stopped_is_started_again(world: World) -> None:
    world.start_pair()
    world.engine.call("POST", f"/_ml/datafeeds/{world.datafeed_id}/_stop")
    wait_until(lambda: world.engine.datafeed_state(world.datafeed_id) == "started", what="the feed running")


def test_a_job_that_somebody_deleted_is_created_again(world: World) -> None:
    world.start_pair()
    world.engine.call("DELETE", f"/_ml/anomaly_detectors/{world.job_id}?force=true")
    wait_until(lambda: world.engine.datafeed_state(world.datafeed_id) == "started", what="the feed running")
    assert world.engine.job_state(world.job_id) == "opened"


def test_a_lookback_that_ended_is_done(world: World) -> None:
    day_ago, now = int(time.time()) - 24 * 3600, int(time.time()) - 2 * 3600
    world.start_pair(datafeed=world.datafeed(start=str(day_ago), end=str(now)))
    world.condition("datafeed", "Ready", reason="LookbackComplete")
    before = len(world.proxy.writes())
    passes = len(world.proxy.reads())
    wait_until(lambda: len(world.proxy.reads()) > passes + 12, what="some more looks")
    assert steps(world, since=before) == []
    assert world.engine.datafeed_state(world.datafeed_id) == "stopped"


def test_an_annotation_asks_for_a_look_at_the_server_now(world: World) -> None:
    world.start_pair(job=world.job(description="as declared"))
    world.apply(world.connection(observeInterval="10m", resyncInterval="10m"))
    world.wait_observed("elasticsearchconnection/default")
    time.sleep(3)  # the look that the change of the connection has asked for
    world.engine.call("POST", f"/_ml/anomaly_detectors/{world.job_id}/_update", {"description": "by hand"})
    annotation = "reconcile.anomalyops.io/requestedAt=2026-01-01T00:00:00Z"
    world.kubectl("annotate", "anomalyjob/requests", annotation, "-n", world.namespace)
    wait_until(
        lambda: world.engine.job_config(world.job_id)["description"] == "as declared",
        what="the drift healed without waiting for the next look",
    )
