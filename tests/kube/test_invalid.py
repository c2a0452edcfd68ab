"""What the operator cannot read is not what is not there: an invalid object keeps what it manages."""

from __future__ import annotations

from kube_harness.kubectl import TIMEOUT, Manifest
from kube_harness.processes import wait_until
from kube_harness.world import World

# Admission accepts these, because its rules cannot compare times and settings so; the operator refuses them.
BACKWARDS = {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}


def invalid_job(world: World, **spec: object) -> Manifest:
    analysis = world.job()["spec"]["analysisConfig"] | {
        "detectors": [{"function": "count", "byFieldName": "mlcategory"}],
        "categorizationFieldName": "message",
        "categorizationFilters": ["[0-9]+"],
        "categorizationAnalyzer": {"tokenizer": "ml_standard"},
    }
    return world.job(analysisConfig=analysis, replacePolicy="Recreate", **spec)


def test_an_invalid_datafeed_keeps_running_and_is_deleted_as_its_policy_says(world: World) -> None:
    world.start_pair(datafeed=world.datafeed(deletionPolicy="Delete"))
    world.apply(world.datafeed(deletionPolicy="Delete", **BACKWARDS))
    world.condition("datafeed", "Stalled", reason="InvalidSpec")
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    world.apply(world.job(description="its job is not blocked"))
    world.wait_ready("anomalyjob/requests")
    assert world.engine.datafeed_state(world.datafeed_id) == "started"
    world.kubectl("delete", "adf/feed", "-n", world.namespace, "--wait=false")
    world.kubectl.wait_gone("datafeed", "feed", world.namespace)
    assert world.engine.datafeed_config(world.datafeed_id) is None
    assert "anomalyops.io/datafeed" not in world.engine.job_config(world.job_id)["custom_settings"]


def test_an_invalid_datafeed_comes_back_to_life(world: World) -> None:
    world.start_pair()
    world.apply(world.datafeed(**BACKWARDS))
    world.condition("datafeed", "Stalled", reason="InvalidSpec")
    world.apply(world.datafeed(queryDelay="90s"))
    world.wait_ready()
    assert world.engine.datafeed_config(world.datafeed_id)["query_delay"] == "90s"


def test_an_invalid_job_is_kept_and_deleted_as_its_policy_says(world: World) -> None:
    world.start_pair(job=world.job(deletionPolicy="Delete"), datafeed=world.datafeed(deletionPolicy="Delete"))
    world.apply(invalid_job(world, deletionPolicy="Delete"))
    world.condition("anomalyjob", "Stalled", reason="InvalidSpec")
    assert world.engine.job_state(world.job_id) == "opened"
    world.kubectl("delete", "aj/requests", "adf/feed", "-n", world.namespace, "--wait=false")
    world.kubectl.wait_gone("anomalyjob", "requests", world.namespace)
    world.kubectl.wait_gone("datafeed", "feed", world.namespace)
    assert world.engine.job_config(world.job_id) is None


def test_the_valid_datafeed_of_an_invalid_job_is_not_blocked(world: World) -> None:
    world.start_pair()
    world.apply(invalid_job(world))
    world.condition("anomalyjob", "Stalled", reason="InvalidSpec")
    world.apply(world.datafeed(queryDelay="2m"))
    wait_until(lambda: world.engine.datafeed_config(world.datafeed_id)["query_delay"] == "2m", what="the edit")
    wait_until(lambda: world.engine.datafeed_state(world.datafeed_id) == "started", what="the datafeed runs again")
    assert world.engine.job_config(world.job_id)["analysis_config"]["detectors"][0]["function"] == "mean"
    world.kubectl("delete", "adf/feed", "-n", world.namespace, "--wait=false")
    world.kubectl.wait_gone("datafeed", "feed", world.namespace)
    assert world.engine.datafeed_state(world.datafeed_id) == "stopped"


def test_the_datafeed_of_a_job_that_never_was_valid_says_so(world: World) -> None:
    world.apply(world.connection(), invalid_job(world), world.datafeed())
    world.condition("anomalyjob", "Stalled", reason="InvalidSpec")
    waiting = world.condition("datafeed", "Ready", status="False", reason="WaitingForJob")
    assert "invalid" in waiting["message"]
    world.kubectl("delete", "aj/requests", "adf/feed", "-n", world.namespace, TIMEOUT)
