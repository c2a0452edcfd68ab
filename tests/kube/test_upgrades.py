"""Objects of earlier versions beside today's definitions and today's operator."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.world import World

RECORDS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent.parent / "earlier_versions").glob("*.json"))
}


def as_applied(stored: Manifest, namespace: str) -> Manifest:
    """An object as a person has it, in another namespace."""
    metadata = {"name": stored["metadata"]["name"], "namespace": namespace}
    return {**copy.deepcopy(stored), "metadata": metadata}


@pytest.mark.parametrize("day", RECORDS)
def test_what_an_earlier_version_stored_is_admitted(world: World, day: str) -> None:
    """By schema and rules of the API server; nothing is stored, so nothing of it reaches a server."""
    objects = [one for pair in RECORDS[day]["pairs"] for one in pair["objects"]] + RECORDS[day]["others"]
    text = "\n---\n".join(json.dumps(as_applied(one, world.namespace)) for one in objects)
    arguments = ("create", "--dry-run=server", "--validate=strict", "-f", "-")
    assert world.kubectl(*arguments, stdin=text).count("created (server dry run)") == len(objects)


@pytest.mark.parametrize("day", RECORDS)
def test_a_running_pair_is_taken_on_by_today_s_operator(world: World, day: str) -> None:
    """The earlier version has made it, with its mark; today's writes its own form of that and touches nothing else."""
    (record,) = (one for one in RECORDS[day]["pairs"] if one["objects"][0]["metadata"]["name"] == "rich")
    fields: dict[str, Any] = {"@timestamp": {"type": "date"}, "took": {"type": "long"}, "level": {"type": "keyword"}}
    for name in ("service", "path"):
        fields[name] = {"type": "text", "fields": {"keyword": {"type": "keyword"}}}
    world.engine.call("PUT", f"/logs-{world.namespace}", {"mappings": {"properties": fields}})
    job, feed = (as_applied(one, world.namespace) for one in renamed(world, record["objects"]))
    world.apply(job, feed)  # no connection yet: nothing is looked at
    uid = world.kubectl.get("anomalyjob", "rich", world.namespace)["metadata"]["uid"]
    cluster = world.kubectl.get("namespace", "kube-system")["metadata"]["uid"]
    old = {"cluster-1": cluster, record["objects"][0]["metadata"]["uid"]: uid}
    for call in renamed(world, record["calls"], old):
        carry_out(world, call)
    job_id, feed_id = job["spec"]["jobId"], feed["spec"]["datafeedId"]
    try:
        before = world.engine.job_config(job_id), world.engine.datafeed_config(feed_id)
        world.apply(world.connection())
        world.wait_observed("anomalyjob/rich", "datafeed/rich")
        for kind in ("anomalyjob", "datafeed"):
            world.kubectl.wait_condition(kind, "rich", world.namespace, "Synced", status="True")
        writes = [call for call in world.proxy.writes() if "/_ml/" in call]
        assert [call for call in writes if not call.endswith(f"{job_id}/_update")] == []
        after = world.engine.job_config(job_id), world.engine.datafeed_config(feed_id)
        assert [without_marks(one) for one in after] == [without_marks(one) for one in before]
        assert (world.engine.job_state(job_id), world.engine.datafeed_state(feed_id)) == ("opened", "started")
        world.kubectl("delete", "datafeed/rich", "anomalyjob/rich", "-n", world.namespace, "--wait=false")
        wait_until(lambda: world.engine.job_state(job_id) == "closed", what="the retained job is closed")
    finally:
        world.engine.request("DELETE", f"/_ml/datafeeds/{feed_id}?force=true")
        world.engine.request("DELETE", f"/_ml/anomaly_detectors/{job_id}?force=true")


def renamed(world: World, recorded: Any, old: dict[str, str] | None = None) -> Any:
    """What was recorded, with names of this test's own."""
    text = json.dumps(recorded).replace("web-rich", f"{world.namespace}-rich")
    text = text.replace('["logs-web-*", "logs-old"]', json.dumps([f"logs-{world.namespace}"]))
    text = text.replace('"namespace": "web"', f'"namespace": "{world.namespace}"')
    text = text.replace('"anomalyops.io/namespace": "web"', f'"anomalyops.io/namespace": "{world.namespace}"')
    for was, now in (old or {}).items():
        text = text.replace(was, now)
    return json.loads(text)


def carry_out(world: World, call: dict[str, Any]) -> None:
    """A step as it was recorded, sent to the engine."""
    job, feed = f"/_ml/anomaly_detectors/{call.get('job_id')}", f"/_ml/datafeeds/{call.get('datafeed_id')}"
    match call["step"]:
        case "CreateJob":
            world.engine.call("PUT", job, call["body"])
        case "CreateDatafeed":
            world.engine.call("PUT", feed, call["body"])
        case "UpdateJob":
            world.engine.call("POST", f"{job}/_update", call["body"])
        case "OpenJob":
            world.engine.call("POST", f"{job}/_open")
        case "StartDatafeed":
            times = {name: call[name] for name in ("start", "end") if name in call}
            world.engine.call("POST", f"{feed}/_start", times)
        case other:
            raise AssertionError(other)


def without_marks(config: Any) -> Any:
    """A configuration as others see it; a snapshot may be stored at any time."""
    plain = {key: value for key, value in (config or {}).items() if not key.startswith("model_snapshot")}
    settings = plain.get("custom_settings", {})
    plain["custom_settings"] = {key: value for key, value in settings.items() if not key.startswith("anomalyops")}
    plain.pop("datafeed_config", None)
    return plain
