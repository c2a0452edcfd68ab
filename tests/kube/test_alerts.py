"""The chart's alerts by Prometheus' own tool: each is raised by what it is for, in its time, and by nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_harness import binaries

ALERTS = Path(__file__).parent.parent.parent / "charts" / "anomalyops" / "files" / "monitoring" / "alerts.yaml"
TEXT = ALERTS.read_text().replace("ANOMALY_SCORE", "75")
RULES = {rule["alert"]: rule for group in yaml.safe_load(TEXT)["groups"] for rule in group["rules"]}
JOB = {"namespace": "web", "name": "logins", "job_id": "web-logins"}
FEED = {"kind": "Datafeed", "namespace": "web", "name": "logins"}
OF_JOB = FEED | {"kind": "AnomalyJob"}
CONNECTION = {"namespace": "web", "connection": "default"}
CALLS = "anomalyops_elasticsearch_request_seconds_count"

Series = dict[str, str]  # a name with its labels -> its values, one a minute


def number(name: str, labels: dict[str, str], values: str) -> Series:
    return {f"{name}{{{','.join(f'{key}={value!r}' for key, value in labels.items())}}}".replace("'", '"'): values}


def condition(of: dict[str, str], type_: str, reason: str, value: int = 1) -> Series:
    return number("anomalyops_resource_condition", of | {"type": type_, "reason": reason}, f"{value}x300")


def ready(reason: str, value: int) -> Series:
    return number("anomalyops_resource_ready", FEED | {"reason": reason}, f"{value}x300")


def behind(latest: str, opened: int) -> Series:
    times = number("anomalyops_job_latest_record_timestamp_seconds", JOB, latest)
    return times | number("anomalyops_job_opened", JOB, f"{opened}x300")


def calls(ok: float, failed: float) -> Series:
    answered = number(CALLS, {"method": "GET", "outcome": "ok"}, f"0+{ok}x300")
    return answered | number(CALLS, {"method": "GET", "outcome": "Unreachable"}, f"0+{failed}x300")


def ends(what: str, *, days: int) -> Series:
    """Promtool's clock begins at 0."""
    return number(f"anomalyops_connection_{what}_expiry_timestamp_seconds", CONNECTION, f"{days * 86400}x300")


@dataclass(frozen=True)
class Case:
    """What raises an alert.

    Attributes:
        raised: Numbers that raise it.
        after: Minutes from their begin until it is, beyond the time for which they must last.
        labels: The labels of the alert, beside its severity.
        summary: What it says.
        description: What else it says.
        quiet: Numbers that do not raise it.
    """

    raised: Series
    labels: dict[str, str]
    summary: str
    quiet: tuple[Series, ...]
    description: str = ""
    after: int = 0


CASES = {
    "AnomalyFound": Case(
        raised=number("anomalyops_job_record_score", JOB, "0x10 91.4x300"),
        after=11,
        labels=JOB,
        summary="web/logins found an anomaly of score 91",
        description="The latest finished bucket of job web-logins holds a record of that score.",
        quiet=({}, number("anomalyops_job_record_score", JOB, "74.9x300")),
    ),
    "AnomalyJobMemoryLimited": Case(
        raised=condition(OF_JOB, "MemoryLimited", "MemoryHardLimit"),
        labels=OF_JOB | {"type": "MemoryLimited", "reason": "MemoryHardLimit"},
        summary="The model of web/logins has reached its memory limit",
        description="MemoryHardLimit: new entities are ignored at the hard limit.",
        quiet=({}, condition(OF_JOB, "JobFailed", "JobFailed")),
    ),
    "AnomalyJobFailed": Case(
        raised=condition(OF_JOB, "JobFailed", "JobFailed"),
        labels=OF_JOB | {"type": "JobFailed", "reason": "JobFailed"},
        summary="The job of web/logins has failed and could not be healed",
        quiet=({}, condition(OF_JOB, "MemoryLimited", "MemoryHardLimit")),
    ),
    "AnomalyJobSnapshotTooOld": Case(
        raised=condition(OF_JOB, "SnapshotTooOld", "SnapshotTooOld"),
        labels=OF_JOB | {"type": "SnapshotTooOld", "reason": "SnapshotTooOld"},
        summary="The model snapshot of web/logins is too old for Elasticsearch 9",
        description="Version 9 does not open the job with it; the condition says how to get a newer one.",
        quiet=({}, condition(OF_JOB, "JobFailed", "JobFailed")),
    ),
    "DatafeedStopped": Case(
        raised=condition(FEED, "DatafeedStopped", "Stopped"),
        labels=FEED | {"type": "DatafeedStopped", "reason": "Stopped"},
        summary="The datafeed web/logins is stopped and could not be started",
        quiet=({}, condition(FEED, "DataDelayed", "DataDelayed")),
    ),
    "DatafeedMissesDocuments": Case(
        raised=condition(FEED, "DataDelayed", "DataDelayed"),
        labels=FEED | {"type": "DataDelayed", "reason": "DataDelayed"},
        summary="Documents reach web/logins after their bucket was read",
        quiet=({}, condition(OF_JOB, "DataDelayed", "DataDelayed")),
    ),
    "AnomalyJobBehind": Case(
        raised=behind("0x300", 1),
        after=121,
        labels=JOB,
        summary="The open job of web/logins has seen no record of the last two hours",
        quiet=({}, behind("0x300", 0), behind("0+60x300", 1)),
    ),
    "AnomalyResourceNotReady": Case(
        raised=ready("JobFailed", 0),
        labels=FEED,
        summary="Datafeed web/logins is not ready",
        description="The condition Ready of the resource says why.",
        quiet=({}, ready("Ready", 1), ready("WaitingForWindow", 0)),
    ),
    "AnomalyOperatorDown": Case(
        raised={},
        labels={},
        summary="No anomalyops operator answers; nothing is healed and no manifest is applied",
        quiet=(number("anomalyops_objects", {"kind": "anomalyjobs"}, "0x300"),),
    ),
    "AnomalyOperatorStuck": Case(
        raised=number("anomalyops_watch_echo_age_seconds", {"pod": "a"}, "0+60x300"),
        after=11,
        labels={"pod": "a"},
        summary="The anomalyops operator stands still",
        quiet=(
            {},
            number("anomalyops_queue_standstill_seconds", {"pod": "a"}, "600x300"),
            number("anomalyops_longest_reconcile_seconds", {"pod": "a"}, "1800x300"),
            number("anomalyops_connection_look_age_seconds", CONNECTION, "900x300"),
        ),
    ),
    "AnomalyScopeUnlistable": Case(
        raised=number("anomalyops_scope_trouble", {"kind": "anomalyjobs", "namespace": "web"}, "1x300"),
        labels={"kind": "anomalyjobs", "namespace": "web"},
        summary='anomalyjobs in namespace "web" cannot be listed',
        quiet=({}, number("anomalyops_scope_trouble", {"kind": "anomalyjobs", "namespace": "web"}, "0x300")),
    ),
    "AnomalyConnectionUnusable": Case(
        raised=number("anomalyops_connection_usable", CONNECTION, "0x300"),
        labels=CONNECTION,
        summary="The server of connection web/default cannot be used",
        quiet=({}, number("anomalyops_connection_usable", CONNECTION, "1x300")),
    ),
    "AnomalyLicenceEnds": Case(
        raised=ends("licence", days=13),
        labels=CONNECTION,
        summary="The licence of the server of connection web/default ends within two weeks",
        description="Machine learning ends with it; jobs are closed and datafeeds stopped by the server.",
        quiet=({}, ends("licence", days=15)),
    ),
    "AnomalyCertificateEnds": Case(
        raised=ends("certificate", days=13),
        labels=CONNECTION,
        summary="The certificate of the embedded engine of web/default was not renewed in time",
        quiet=({}, ends("certificate", days=29)),
    ),
    "AnomalyScoresUnreadable": Case(
        raised=number("anomalyops_connection_scores_readable", CONNECTION, "0x300"),
        labels=CONNECTION,
        summary="Connection web/default may not read .ml-anomalies-*: no anomaly alerts",
        quiet=({}, number("anomalyops_connection_scores_readable", CONNECTION, "1x300")),
    ),
    "AnomalyServerCallsFail": Case(
        raised=calls(80, 20),
        after=1,
        labels={},
        summary="More than a tenth of the calls to Elasticsearch fail",
        quiet=({}, calls(95, 5), calls(100, 0), calls(0, 0)),
    ),
}


@pytest.fixture(scope="module")
def promtool() -> Path:
    try:
        return binaries.find(binaries.PROMETHEUS)["promtool"]
    except binaries.BinariesUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alerts") / "alerts.yaml"
    path.write_text(TEXT)
    return path


def minutes(alert: str) -> int:
    """For how long what raises an alert must last."""
    lasting: str = RULES[alert].get("for", "0m")
    assert lasting.endswith("m")
    return int(lasting.removesuffix("m"))


def trial(series: Series, alert: str, at: int, raised: list[dict[str, Any]]) -> dict[str, Any]:
    """A test as promtool reads it; `at` in minutes."""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": f"{at}m", "alertname": alert, "exp_alerts": raised}],
    }


def trials(alert: str, case: Case) -> Iterator[dict[str, Any]]:
    rule = RULES[alert]
    said = {"summary": case.summary} | ({"description": case.description} if case.description else {})
    expected = {"exp_labels": case.labels | rule["labels"], "exp_annotations": said}
    due = case.after + minutes(alert)
    yield trial(case.raised, alert, due, [expected])
    yield trial(case.raised, alert, 290, [expected])
    if due:
        yield trial(case.raised, alert, due - 1, [])
    for series in case.quiet:
        if series or alert != "AnomalyOperatorDown":
            yield trial(series, alert, 290, [])


def run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_every_alert_is_tried() -> None:
    assert list(CASES) == list(RULES)


def test_the_rules_are_what_prometheus_takes(promtool: Path, rules: Path) -> None:
    result = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", rules)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(RULES)} rules found" in result.stdout


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_is_raised_by_what_it_is_for(promtool: Path, rules: Path, alert: str) -> None:
    tests = {"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": list(trials(alert, CASES[alert]))}
    path = rules.with_name(f"{alert}.yaml")
    path.write_text(yaml.safe_dump(tests))
    result = run(promtool, "test", "rules", path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_wrong_expectation_is_found(promtool: Path, rules: Path) -> None:
    """The tool does look: where nothing is to be raised and something is, it says so."""
    case = CASES["AnomalyConnectionUnusable"]
    path = rules.with_name("wrong.yaml")
    tests = [trial(case.raised, "AnomalyConnectionUnusable", 290, [])]
    path.write_text(yaml.safe_dump({"rule_files": [str(rules)], "tests": tests}))
    result = run(promtool, "test", "rules", path)
    assert result.returncode != 0
    assert "AnomalyConnectionUnusable" in result.stdout + result.stderr
