"""`anomalyops investigate` over the planted incident: the cause is known."""

from __future__ import annotations

import json

import pytest
from elasticsearch import Elasticsearch
from insight_world import END, RESULTS, START, at, influencer, plant, record

from anomalyops.cli.main import invoke
from engine_process import EngineProcess

WINDOW = ["--start", START, "--end", END]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("investigate"))
    process.start()
    with process.client() as client:
        plant(client)
    yield process.url
    process.kill()


@pytest.fixture
def investigate(url, capsys):
    def command(*arguments, window=tuple(WINDOW)):
        code = invoke(["investigate", *window, *arguments, "--url", url, "-o", "json"])
        return code, json.loads(capsys.readouterr().out)

    return command


def test_the_cause_is_found(investigate):
    code, found = investigate()
    assert code == 0
    assert (found["rootCause"], found["faultClass"], found["severity"]) == ("db1", "resource", "critical")
    assert [one["entity"] for one in found["suspects"]] == ["db1", "checkout", "h9"]
    assert found["suspects"][0]["jobs"] == ["db-cpu", "web-errors", "web-latency"]
    assert found["likelihood"] > 0.5
    assert found["jobs"]["web-errors"] == ["web-logs-*"]
    assert [(row["influencer_field_name"], row["entities"]) for row in found["blastRadius"]] == [
        ("host", 2),
        ("service", 1),
    ]


def test_evidence_is_counted_before_and_during(investigate):
    _, found = investigate("--jobs", "web-*")
    assert found["rootCause"] == "checkout"
    evidence = found["evidence"]
    assert (evidence["job"], evidence["field"], evidence["before"], evidence["during"]) == (
        "web-errors",
        "service",
        0,
        30,
    )
    assert evidence["documents"][0]["document"]["service"] == "checkout"


def test_the_target_of_complaints_is_the_cause(investigate, url):
    """Two services are as bad as each other, and one complains about the other."""
    day = 24 * 60
    planted = [
        influencer(f"{job}-{name}", day, "service.name", name, 80)
        for name in ("orders", "stock")
        for job in ("latency", "errors")
    ]
    values = {"partition_field_name": "service.name", "partition_field_value": "orders"}
    values |= {"by_field_name": "service.target.name", "by_field_value": "stock", "function": "mean"}
    planted.append(record("calls", day, 70, 70, field_name="duration", **values))
    with Elasticsearch(url) as client:
        body = [part for one in planted for part in ({"index": {"_index": RESULTS}}, one)]
        assert not client.bulk(operations=body, refresh=True)["errors"]
    window = ("--start", at(day - 5).isoformat(), "--end", at(day + 5).isoformat())
    _, found = investigate(window=window)
    assert [one["entity"] for one in found["suspects"]] == ["stock", "orders"]
    assert found["suspects"][0]["parts"]["blame"] == 1
    assert "not confirmed by evidence" in found["notes"][-1]


def test_messages_are_compared_with_those_before(investigate, url):
    values = {"function": "count", "by_field_name": "mlcategory", "by_field_value": "1"}
    with Elasticsearch(url) as client:
        client.index(index=RESULTS, document=record("log-categories", 15, 90, 90, **values), refresh="true")
    _, found = investigate("--jobs", "log-categories")
    (category,) = found["logCategories"]
    assert (category["category"], category["before"], category["during"]) == (1, 0, 10)
    assert category["examples"] == ["request 10 failed", "request 11 failed", "request 12 failed"]
    assert found["rootCause"] == "log-categories"  # a job that names nobody stands for itself


@pytest.mark.parametrize("ending", ["md", "html", "json"])
def test_reports(url, tmp_path, capsys, ending):
    path = tmp_path / f"report.{ending}"
    assert (
        invoke(["investigate", *WINDOW, "--jobs", "db-*,web-*", "--url", url, "--report", str(path), "--show-query"])
        == 0
    )
    said = capsys.readouterr()
    assert said.out.startswith("Investigation of 2026-01-10 10:00 UTC to 2026-01-10 12:00 UTC\n===")
    assert "db1 (host) is the most likely cause: resource fault, severity critical." in said.out
    assert said.err.splitlines()[0] == "1/14 which jobs have results"
    assert len([line for line in said.err.splitlines() if "/14 " in line]) == 14
    written = path.read_text()
    if ending == "json":
        document = json.loads(written)
        assert document["rootCause"] == "db1"
        assert {one["step"] for one in document["queries"]} >= {"4/14 when it was how bad", "12/14 how far it reached"}
    else:
        assert "db1" in written
        assert "FROM .ml-anomalies-" in written
        assert ("<svg" if ending == "html" else "█") in written


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--start", "2031-01-01", "--end", "2031-01-02"], 3, "Nothing to investigate: there are no"),
        ([*WINDOW, "--jobs", "nobody"], 3, "Nothing to investigate"),
        ([*WINDOW, "--min-score", "100"], 3, "Nothing to investigate"),
        (["--start", END, "--end", START], 1, "is not before end"),
        (["--start", "noon"], 1, "--start: expected an ISO 8601 time"),
        ([*WINDOW, "--report", "x.pdf"], 1, "expected a file that ends in .md, .html or .json"),
        ([*WINDOW, "--jobs", "a b"], 1, "expected ids, or patterns"),
    ],
)
def test_nothing_and_mistakes(url, capsys, arguments, code, words):
    assert invoke(["investigate", *arguments, "--url", url]) == code
    said = capsys.readouterr()
    assert words in (said.out if code == 3 else said.err)
    assert "Traceback" not in said.err
