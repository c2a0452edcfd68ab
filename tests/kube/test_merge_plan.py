"""`anomalyops plan` and `kubectl anomaly plan` against the live objects of a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_harness.control_plane import ControlPlane
from kube_harness.kubectl import Kubectl, Manifest
from kube_harness.processes import wait_until
from kube_harness.world import World

SCRIPTS = Path(sys.executable).parent


class Merges:
    """Manifests in a folder, and what the command says of merging them."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder

    def write(self, *manifests: Manifest) -> None:
        text = yaml.safe_dump_all(manifests)
        (self.folder / "all.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, code: int, kubeconfig: Path | None = None) -> str:
        command = [str(SCRIPTS / "anomalyops"), "plan", "-f", str(self.folder), *arguments]
        command += ["--kubeconfig", str(kubeconfig or self.world.kubectl.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def json(self, *arguments: str, code: int, kubeconfig: Path | None = None) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.run("-o", "json", *arguments, code=code, kubeconfig=kubeconfig))
        return document

    def generations(self) -> dict[str, Any]:
        kinds = ("anomalyjobs", "datafeeds", "elasticsearchconnections")
        found = [one for kind in kinds for one in self.world.kubectl.list(kind, self.world.namespace)]
        return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["generation"] for one in found}


@pytest.fixture
def merges(world: World, tmp_path: Path) -> Merges:
    return Merges(world, tmp_path)


def steps(document: dict[str, Any], number: int = 0) -> list[str]:
    return [step["verb"] for step in document["plans"][number]["steps"]]


def test_a_merge_is_shown_field_by_field_with_the_steps_on_the_server(merges: Merges) -> None:
    world = merges.world
    merges.write(world.connection(), world.job(), world.datafeed())
    world.apply(world.connection())
    world.wait_ready("elasticsearchconnection/default")
    document = merges.json(code=2)
    assert [(one["kind"], one["action"]) for one in document["changes"]] == [
        ("AnomalyJob", "created"),
        ("Datafeed", "created"),
    ]
    assert steps(document)[:2] == ["create job", "create datafeed"]
    assert document["plans"][0]["model"] == "new"
    assert document["plans"][0]["presumed"] == ""

    world.start_pair()
    assert "In the cluster: 0 created, 0 changed, 0 removed, 3 unchanged." in merges.run(code=0)

    before = merges.generations()
    limits = {"modelMemoryLimit": "64mb"}
    detectors = [{"function": "mean", "fieldName": "value", "detectorDescription": "the mean"}]
    analysis = {"bucketSpan": "15m", "detectors": detectors, "influencers": ["host"]}
    job = world.job(analysisLimits=limits, analysisConfig=analysis)
    merges.write(world.connection(), job, world.datafeed(queryDelay="90s"))
    document = merges.json(code=2)
    fields = {one["path"]: one for change in document["changes"] for one in change["fields"]}
    assert fields == {
        "spec.analysisLimits.modelMemoryLimit": {
            "path": "spec.analysisLimits.modelMemoryLimit",
            "before": "32mb",
            "after": "64mb",
        },
        "spec.analysisConfig.detectors[0].detectorDescription": {
            "path": "spec.analysisConfig.detectors[0].detectorDescription",
            "after": "the mean",
        },
        "spec.queryDelay": {"path": "spec.queryDelay", "before": "60s", "after": "90s"},
    }
    found = steps(document)
    order = ["stop datafeed", "close job", "update job", "open job", "start datafeed"]
    assert [one for one in dict.fromkeys(found) if one in order] == order
    assert document["plans"][0]["model"] == "kept"
    assert not document["destructive"]

    text = merges.run("-o", "text", code=2)
    assert "spec.analysisLimits.modelMemoryLimit: 32mb -> 64mb" in text
    assert "model: kept" in text
    markdown = merges.run("-o", "markdown", code=2)
    assert f"#### AnomalyJob/requests and Datafeed/feed (namespace {world.namespace})" in markdown
    assert "~   spec.queryDelay: 60s -> 90s" in markdown
    assert merges.generations() == before
    assert world.engine.job_config(world.job_id)["analysis_limits"]["model_memory_limit"] == "32mb"

    # What was shown is what happens.
    world.apply(job, world.datafeed(queryDelay="90s"))
    world.wait_ready()
    config = wait_until(
        lambda: (
            (found := world.engine.job_config(world.job_id))
            and found["analysis_limits"]["model_memory_limit"] == "64mb"
            and found
        ),
        what="the new limit",
    )
    assert config["analysis_config"]["detectors"][0]["detector_description"] == "the mean"
    merges.run(code=0)


def test_a_lost_model_a_refusal_and_what_is_pruned_are_told(merges: Merges) -> None:
    world = merges.world
    world.start_pair()
    analysis = {"bucketSpan": "30m", "detectors": [{"function": "mean", "fieldName": "value"}]}
    merges.write(world.connection(), world.job(analysisConfig=analysis), world.datafeed())
    stuck = merges.json(code=3)
    assert [one["reason"] for one in stuck["plans"][0]["obstacles"]] == ["ImmutableFieldChanged"]
    assert stuck["plans"][0]["model"] == "kept"

    merges.write(world.connection(), world.job(analysisConfig=analysis, replacePolicy="Recreate"), world.datafeed())
    lost = merges.json(code=2)
    assert lost["destructive"]
    assert lost["plans"][0]["model"] == "lost"
    assert "**Loses models and their results:** AnomalyJob/requests" in merges.run("-o", "markdown", code=2)

    merges.write(world.connection(), world.job(jobId=f"{world.job_id}-2"), world.datafeed())
    refused = merges.json(code=3)
    (change,) = refused["changes"]
    assert "spec.jobId cannot change" in change["refused"][0]
    assert "spec.jobId cannot change" in world.kubectl.refuse(
        world.job(jobId=f"{world.job_id}-2"), namespace=world.namespace
    )

    merges.write(world.connection())
    merges.run("-n", world.namespace, code=0)
    pruned = merges.json("--prune", "-n", world.namespace, code=2)
    assert {(one["kind"], one["action"]) for one in pruned["changes"]} == {
        ("AnomalyJob", "removed"),
        ("Datafeed", "removed"),
    }
    assert steps(pruned)[:2] == ["stop datafeed", "close job"]
    assert pruned["plans"][0]["model"] == "kept"
    assert "deletionPolicy Retain" in pruned["plans"][0]["notes"][0]
    assert merges.json("--prune", "-l", "team=web", "-n", world.namespace, code=0)["empty"]
    assert "--selector" in merges.run("-l", "team=web", code=1)
    world.wait_ready()


def test_without_a_way_to_the_server_the_plan_follows_from_what_the_cluster_says(merges: Merges) -> None:
    world = merges.world
    world.start_pair()
    merges.write(world.connection(), world.job(analysisLimits={"modelMemoryLimit": "64mb"}), world.datafeed())
    asked = merges.json(code=2)
    told = merges.json("--url", "http://127.0.0.1:1", code=2)
    assert "127.0.0.1:1" in told["plans"][0]["presumed"]
    assert steps(told) == steps(asked)
    assert told["plans"][0]["model"] == "kept"
    assert "the server was not asked" in merges.run("--url", "http://127.0.0.1:1", code=2)


def test_calendars_and_sets_are_followed_to_what_they_have_to_do_with(merges: Merges) -> None:
    world = merges.world
    calendar = world.calendar(jobSelector={"matchLabels": {"team": "web"}})
    job_set = world.job_set("web-0", "web-1")
    world.apply(world.connection(), world.job(), world.datafeed(), calendar, job_set)
    world.wait_ready()
    world.wait_ready("anomalyjobset/hosts")
    labelled = world.job()
    labelled["metadata"]["labels"] = {"team": "web"}
    set_of_others = world.job_set("web-1", "web-2", prunePolicy="Delete")
    merges.write(world.connection(), labelled, world.datafeed(), calendar, set_of_others)
    document = merges.json(code=2)
    by_title = {one["resources"][0]["kind"] + "/" + one["resources"][0]["name"]: one for one in document["plans"]}
    assert by_title["AnomalyCalendar/holidays"]["notes"] == ["the jobs that it chooses change"]
    assert by_title["AnomalyCalendar/holidays"]["steps"]
    made = [one for one in document["changes"] if one["through"] == "AnomalyJobSet/hosts"]
    assert sorted((one["kind"], one["action"]) for one in made) == [
        ("AnomalyJob", "created"),
        ("AnomalyJob", "removed"),
        ("Datafeed", "created"),
        ("Datafeed", "removed"),
    ]
    assert document["destructive"]  # their deletionPolicy is Delete


def test_rights_to_read_are_enough_and_the_plugin_says_the_same(
    merges: Merges, control_plane: ControlPlane, admin: Kubectl
) -> None:
    world = merges.world
    world.start_pair()
    admin("create", "serviceaccount", "reviewer", "-n", world.namespace)
    role = ("--verb=get,list", "--resource=*.anomalyops.io", "-n", world.namespace)
    admin("create", "role", "reviewer", *role)
    account = f"--serviceaccount={world.namespace}:reviewer"
    admin("create", "rolebinding", "reviewer", "--role=reviewer", account, "-n", world.namespace)
    token = admin("create", "token", "reviewer", "-n", world.namespace, "--duration=1h").strip()
    reviewer = control_plane.kubectl(token, name=f"reviewer-{world.namespace}").kubeconfig

    merges.write(world.connection(), world.job(analysisLimits={"modelMemoryLimit": "64mb"}), world.datafeed())
    identity = admin.get("namespace", "kube-system")["metadata"]["uid"]
    unknown = merges.json(code=2, kubeconfig=reviewer)
    assert "give --cluster-id" in unknown["plans"][0]["presumed"]
    known = merges.json("--cluster-id", identity, code=2, kubeconfig=reviewer)
    assert known["plans"][0]["presumed"] == ""
    assert steps(known) == steps(unknown)

    environment = os.environ | {
        "KUBECONFIG": str(world.kubectl.kubeconfig),
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
    }
    command = [str(world.kubectl.program), "anomaly", "plan", "-f", str(merges.folder), "-n", world.namespace]
    done = subprocess.run(
        [*command, "-o", "json"], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 2, done.stderr
    assert steps(json.loads(done.stdout)) == steps(known)
