"""`anomalyops demo` as a user runs it: what it finds, what it prints, and that it leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from anomalyops.demo import weblogs
from waiting import PATIENCE_S, until

CRITICAL = 75
LIMIT = PATIENCE_S  # a demo takes less than 60 s on a machine of its own


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The finished demo: what it wrote to stdout and stderr, and the folder it kept its temporary files in."""
    folder = tmp_path_factory.mktemp("demo")
    process = start(folder, "--output", "json")
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    return out, err, folder


def start(folder, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "anomalyops.cli", "demo", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder)},
        preexec_fn=heeds_interrupts,  # noqa: PLW1509 (the tests start no thread)
    )


def heeds_interrupts():
    """Let the process be interrupted even where the tests run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def engines_on(folder):
    """Processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace") if entry.name.isdigit() else ""
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def of_job(document, job, *, at_least=0.0):
    return [a for a in document["anomalies"] if a["job"] == job and a["recordScore"] >= at_least]


def hour(text):
    return datetime.fromisoformat(text)


def incident(name):
    return next(item for item in weblogs.planted() if item.name == name)


def test_stdout_is_one_json_document_of_the_promised_shape(demo):
    out, err, _ = demo
    document = json.loads(out)
    assert set(document) == {"resources", "anomalies", "influencers"}
    assert {(r["kind"], r["name"]) for r in document["resources"]} == {
        (kind, name)
        for kind in ("AnomalyJob", "Datafeed")
        for name in ("low-request-rate", "response-code-rates", "url-scanning")
    }
    for resource in document["resources"]:
        assert resource["ready"] is True
        assert (resource["jobState"], resource["datafeedState"]) == ("closed", "stopped")
        assert resource["memoryStatus"] == "ok"
        assert resource["processedRecordCount"] > 1_000
    for anomaly in document["anomalies"]:
        assert set(anomaly) == {"job", "timestamp", "recordScore", "entity", "actual", "typical"}
    scores = [anomaly["recordScore"] for anomaly in document["anomalies"]]
    assert scores == sorted(scores, reverse=True)
    assert err == ""


def test_the_outage_is_critical_in_low_request_rate(demo):
    outage = incident("outage")
    critical = of_job(json.loads(demo[0]), "low_request_rate", at_least=CRITICAL)
    found = {hour(a["timestamp"]): a for a in critical}
    assert any(outage.start <= moment < outage.end for moment in found)
    assert all(a["actual"] == 0 and a["typical"] > 15 for a in critical)


def test_the_scan_is_critical_in_both_other_jobs(demo):
    document = json.loads(demo[0])
    start = incident("scan").start.replace(minute=0, second=0)
    scanning = of_job(document, "url_scanning", at_least=CRITICAL)
    assert [(a["entity"], hour(a["timestamp"])) for a in scanning] == [(weblogs.SCANNER, start)]
    codes = of_job(document, "response_code_rates", at_least=CRITICAL)
    assert ("404", start) in [(a["entity"], hour(a["timestamp"])) for a in codes]
    influencers = {(i["job"], i["field"], i["value"]): i["influencerScore"] for i in document["influencers"]}
    assert influencers["response_code_rates", "clientip", weblogs.SCANNER] >= CRITICAL
    assert influencers["url_scanning", "clientip", weblogs.SCANNER] >= CRITICAL


def test_low_request_rate_flags_neither_nights_nor_the_high_spike(demo):
    flagged = of_job(json.loads(demo[0]), "low_request_rate", at_least=25)
    outage, scan = incident("outage"), incident("scan")
    for anomaly in flagged:
        moment = hour(anomaly["timestamp"])
        assert 6 <= moment.hour < 18, f"a night is flagged: {anomaly}"
        assert moment != scan.start.replace(minute=0, second=0), f"the spike is flagged: {anomaly}"
    assert all(outage.start <= hour(a["timestamp"]) < outage.end for a in flagged if a["recordScore"] >= 50)


def test_nothing_is_left_running_and_no_file_is_left(demo):
    folder = demo[2]
    assert engines_on(folder) == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_either(tmp_path, number):
    process = start(tmp_path)
    wait_for(lambda: list(tmp_path.glob("*/data/engine.json")), process)
    assert engines_on(tmp_path)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "interrupted" in err
    assert engines_on(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_engine_of_a_killed_demo_stops_by_itself(tmp_path):
    process = start(tmp_path)
    wait_for(lambda: list(tmp_path.glob("*/data/engine.json")), process)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    until(lambda: not engines_on(tmp_path), "the end of the engine")


def wait_for(condition, process):
    until(lambda: condition() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
