"""`kubectl anomaly`, as kubectl finds and calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from kube_harness.processes import wait_until
from kube_harness.world import World

SCRIPTS = Path(sys.executable).parent


def _run(world: World, command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "KUBECONFIG": str(world.kubectl.kubeconfig),
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def anomaly(world: World, *arguments: str, code: int = 0) -> str:
    done = _run(world, [str(world.kubectl.program), "anomaly", *arguments, "-n", world.namespace])
    assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_a_job_is_shown_explained_suspended_and_resumed(world: World) -> None:
    assert "no resources found" in anomaly(world, "status")
    world.start_pair()
    table = anomaly(world, "status")
    assert "anomalyjob/requests" in table
    assert "datafeed/feed" in table
    listed = json.loads(anomaly(world, "status", "-o", "json"))
    assert {item["kind"] for item in listed["items"]} == {"AnomalyJob", "Datafeed", "ElasticsearchConnection"}

    told = anomaly(world, "explain", "requests")
    assert f"AnomalyJob {world.namespace}/requests, job {world.job_id} on the server" in told
    assert "state    opened, datafeed started" in told
    assert "Ready=True  Ready" in told
    assert "Nothing: all is as it should be." in told
    document = json.loads(anomaly(world, "explain", "requests", "-o", "json"))
    assert document["datafeed"]["metadata"]["name"] == "feed"
    assert any("create job" in event["note"] for event in document["events"])

    assert "suspended" in anomaly(world, "suspend", "requests")
    wait_until(lambda: world.engine.job_state(world.job_id) == "closed", what="the job closed")
    assert "resumed" in anomaly(world, "resume", "requests")
    wait_until(lambda: world.engine.job_state(world.job_id) == "opened", what="the job open")

    assert "asked for a look now" in anomaly(world, "restart", "requests")
    for kind, name in (("anomalyjob", "requests"), ("datafeed", "feed")):
        annotations = world.kubectl.get(kind, name, world.namespace)["metadata"]["annotations"]
        assert annotations["reconcile.anomalyops.io/requestedAt"]

    assert "Job created" in anomaly(world, "logs", "requests")
    instead = anomaly(world, "logs", "requests", "--url", "http://127.0.0.1:1")
    assert "Events instead of the server's messages" in instead
    assert "PlanExecuted" in instead
    assert "there: requests" in anomaly(world, "explain", "no-such", code=1)


def test_what_is_wrong_is_an_exit_code_and_advice(world: World) -> None:
    world.apply(world.job())  # without a connection
    world.condition("anomalyjob", "Ready", status="Unknown", reason="ConnectionNotFound")
    assert "AnomalyJob/requests: ConnectionNotFound" in anomaly(world, "status", code=2)
    told = anomaly(world, "explain", "requests")
    assert "AnomalyJob: ConnectionNotFound: No ElasticsearchConnection of that name" in told
    assert "No Datafeed names this job." in told
    wrong = {"description": "x", "start": "2026-01-05", "duration": "1d", "rrule": "FREQ=SECONDLY"}
    world.apply(world.calendar(recurringEvents=[wrong]))
    assert "AnomalyCalendar/holidays: " in (told := anomaly(world, "status", code=3))
    assert "needs FREQ, which is one of DAILY" in told


def test_kubectl_completes_commands_and_names(world: World) -> None:
    world.apply(world.job())

    def completed(*words: str, directive_of: str = ":4") -> list[str]:
        program = str(SCRIPTS / "kubectl_complete-anomaly")
        *found, directive = _run(world, [program, *words]).stdout.splitlines()
        assert directive == directive_of
        return found

    assert completed("") == ["status", "plan", "explain", "restart", "suspend", "resume", "logs"]
    assert completed("re") == ["restart", "resume"]
    assert completed("-n", world.namespace, "explain", "") == ["requests"]
    assert completed("-n", world.namespace, "explain", "x") == []
    assert completed("--context", "none", "explain", "") == []
    assert completed("plan", "-f", "", directive_of=":0") == []
    assert completed("plan", "-o", "m") == ["markdown"]
    assert completed("plan", "--pr") == ["--prune"]
    assert completed("-n", world.namespace, "status", "--all") == ["--all-namespaces"]
    assert completed("status", "-A", "-o", "j") == ["json"]
    through = _run(world, [str(world.kubectl.program), "__complete", "anomaly", "-n", world.namespace, "logs", "r"])
    assert "requests" in through.stdout.splitlines()
