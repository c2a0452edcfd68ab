"""`anomalyops investigate` over the planted incident: the cause is known."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest
from elasticsearch import Elasticsearch
from insight_world import BEGAN, END, RESULTS, START, at, bucket, influencer, plant, plant_steps, record

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
    with Elasticsearch(url, request_timeout=60) as client:
        body = [part for one in planted for part in ({"index": {"_index": RESULTS}}, one)]
        assert not client.bulk(operations=body, refresh=True)["errors"]
    window = ("--start", at(day - 5).isoformat(), "--end", at(day + 5).isoformat())
    _, found = investigate(window=window)
    assert [one["entity"] for one in found["suspects"]] == ["stock", "orders"]
    assert found["suspects"][0]["parts"]["silence"] == 1
    assert found["suspects"][0]["parts"]["explains"] > found["suspects"][1]["parts"]["explains"]
    assert "not confirmed by evidence" in found["notes"][-1]


def test_messages_are_compared_with_those_before(investigate, url):
    values = {"function": "count", "by_field_name": "mlcategory", "by_field_value": "1"}
    with Elasticsearch(url, request_timeout=60) as client:
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
        (["--start", "2031-01-01", "--end", "2031-01-02"], 3, "Nothing to investigate: the window lies in the future"),
        (["--start", "2001-01-01", "--end", "2001-01-02"], 3, "Nothing to investigate: there are no"),
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


DAY = 24 * 60


@pytest.fixture
def steps(url):
    """Two services whose latency rises in the same bucket, one 90 seconds after the other."""
    with Elasticsearch(url, request_timeout=60) as client:
        plant_steps(client)
    yield ("--start", at(2 * DAY).isoformat(), "--end", at(2 * DAY + 120).isoformat())
    with Elasticsearch(url, request_timeout=60) as client:
        client.indices.delete(index="steps")
        for name in BEGAN:
            client.ml.delete_job(job_id=f"steps-{name}", force=True)


def test_who_was_first_is_told_by_the_source_where_the_bucket_is_the_same(investigate, steps):
    _, found = investigate(window=steps)
    assert [one["entity"] for one in found["suspects"]] == ["stock", "orders"]
    for one in found["suspects"]:
        truth = at(2 * DAY + BEGAN[one["entity"]])
        assert abs(datetime.fromisoformat(one["onset"]) - truth) <= timedelta(seconds=15)
        low, high = map(datetime.fromisoformat, one["onsetBetween"])
        assert low - timedelta(seconds=15) <= truth <= high + timedelta(seconds=15)
    (lead,) = found["leads"]
    assert lead["leader"] == {"job": "steps-stock", "entity": "stock"}
    assert lead["follower"] == {"job": "steps-orders", "entity": "orders"}
    assert abs(lead["seconds"] - 90) <= 30
    assert lead["confidence"] > 0.9


def test_the_report_tells_when_it_began_and_what_leads_what(url, steps, capsys):
    assert invoke(["investigate", *steps, "--url", url]) == 0
    said = capsys.readouterr().out
    assert re.search(
        r"stock \(service\) is the most likely cause.* It began at 2026-01-12 11:0[12]:\d\d UTC \(by its", said
    )
    assert "This speaks for it: stock in steps-stock comes 1m " in said
    assert "What leads what\n---" in said


def test_a_source_that_cannot_be_read_leaves_the_bucket(url, investigate, steps):
    with Elasticsearch(url, request_timeout=60) as client:
        client.indices.delete(index="steps")
        _, found = investigate(window=steps)
        client.indices.create(index="steps")
    assert {one["onset"] for one in found["suspects"]} == {at(2 * DAY + 60).isoformat()}
    assert [one["onsetBetween"] for one in found["suspects"]] == [None, None]
    assert found["leads"] == []


def test_the_source_tells_who_calls_whom(url, investigate):
    """Nobody complains; but the source of a job of calls says that one of the two calls the other."""
    day = 3 * DAY
    planted = [
        influencer(f"{job}-{name}", day + minutes, "caller", name, 80)
        for name in ("front", "back")
        for job in ("latency", "errors")
        for minutes in (0, 5, 10)
    ]
    documents = [
        {"@timestamp": at(day - 2).isoformat(), "caller": caller, "callee": target}
        for caller, target in (("back", "disk"), ("front", "back"))
    ]
    with Elasticsearch(url, request_timeout=60) as client:
        keyword = {"type": "keyword"}
        properties = {"@timestamp": {"type": "date"}, "caller": keyword, "callee": keyword}
        client.indices.create(index="traces", mappings={"properties": properties})
        split = {"partition_field_name": "caller", "by_field_name": "callee"}
        client.ml.put_job(
            job_id="calls-of-all",
            analysis_config={"bucket_span": "5m", "detectors": [{"function": "count", **split}]},
            data_description={"time_field": "@timestamp"},
        )
        client.ml.put_datafeed(datafeed_id="datafeed-calls-of-all", job_id="calls-of-all", indices=["traces"])
        planted.append(record("calls-of-all", day, 0, 0, function="count"))
        body = [part for one in planted for part in ({"index": {"_index": RESULTS}}, one)]
        body += [part for one in documents for part in ({"index": {"_index": "traces"}}, one)]
        assert not client.bulk(operations=body, refresh=True)["errors"]
    _, found = investigate(window=("--start", at(day - 5).isoformat(), "--end", at(day + 15).isoformat()))
    assert [one["entity"] for one in found["suspects"]] == ["back", "front"]
    assert [one["parts"]["origin"] for one in found["suspects"]] == [1, pytest.approx(0.27, abs=0.05)]


def test_a_service_is_looked_at_with_what_it_has_to_do_with(investigate):
    code, found = investigate("--service", "checkout")
    assert code == 0
    assert found["service"] == {
        "name": "checkout",
        "jobs": {
            "db-cpu": "its results name db1 (host), as those of web-errors do",
            "web-errors": "its results name checkout (service)",
            "web-latency": "its results name checkout (service)",
        },
    }
    assert set(found["jobs"]) == {"db-cpu", "web-errors", "web-latency"}
    assert found["rootCause"] == "db1"
    assert {step["job_id"] for step in found["timeline"]} <= set(found["jobs"])
    assert [(one["influencer_field_value"], one["jobs"]) for one in found["entities"]] == [("db1", 3), ("checkout", 2)]
    _, three = investigate("--service", "checkout", "--min-job-count", "3")
    assert [one["influencer_field_value"] for one in three["entities"]] == ["db1"]


def test_a_service_that_nothing_has_to_do_with(url, capsys):
    assert invoke(["investigate", *WINDOW, "--service", "chekout", "--url", url]) == 3
    said = capsys.readouterr().out
    assert "no job with results in the window has to do with a service 'chekout'; results name checkout" in said
    assert invoke(["investigate", *WINDOW, "--service", "", "--url", url]) == 1
    assert "--service: expected the name of a service, found nothing" in capsys.readouterr().err


def test_what_others_do_is_left_out(url, investigate):
    """Of three services in one job one is worst; what is asked about calls another, as its source says."""
    day = 4 * DAY
    planted = [
        made
        for name, score in (("page", 60), ("disk", 70), ("mail", 99))
        for minutes in (0, 5, 10)
        for made in (
            influencer("shared", day + minutes, "app", name, score),
            record(
                "shared", day + minutes, score, score, function="count",
                partition_field_name="app", partition_field_value=name,
            ),
        )
    ]  # fmt: skip
    with Elasticsearch(url, request_timeout=60) as client:
        keyword = {"type": "keyword"}
        properties = {"@timestamp": {"type": "date"}, "app": keyword, "peer": keyword}
        client.indices.create(index="spans", mappings={"properties": properties})
        split = {"partition_field_name": "app", "by_field_name": "peer"}
        client.ml.put_job(
            job_id="spans-of-all",
            analysis_config={"bucket_span": "5m", "detectors": [{"function": "count", **split}]},
            data_description={"time_field": "@timestamp"},
        )
        client.ml.put_datafeed(datafeed_id="datafeed-spans-of-all", job_id="spans-of-all", indices=["spans"])
        planted.append(record("spans-of-all", day, 0, 0, function="count"))
        body = [part for one in planted for part in ({"index": {"_index": RESULTS}}, one)]
        span = {"@timestamp": at(day - 2).isoformat(), "app": "page", "peer": "disk"}
        body += [{"index": {"_index": "spans"}}, span]
        assert not client.bulk(operations=body, refresh=True)["errors"]
    window = ("--start", at(day - 5).isoformat(), "--end", at(day + 15).isoformat())
    _, every = investigate(window=window)
    assert {one["entity"] for one in every["suspects"]} == {"page", "disk", "mail"}
    _, found = investigate("--service", "page", window=window)
    assert [one["entity"] for one in found["suspects"]] == ["disk", "page"]
    assert found["notes"][0].startswith("1 other services that the same jobs name were left out (mail)")


def test_more_jobs_than_are_shown_are_all_looked_at(url, investigate):
    """The cause is named by the job that comes last by name, of more jobs than a page of anything has."""
    day = 6 * DAY
    jobs = [f"fleet-{number:04}" for number in range(620)]
    planted = [influencer(job, day, "host", f"host-{job}", 30) for job in jobs]
    planted += [bucket(job, day, 30, 10) for job in jobs]
    planted += [influencer(job, day - 5, "host", "culprit", 97) for job in jobs[-3:]]
    with Elasticsearch(url, request_timeout=60) as client:
        body = [part for one in planted for part in ({"index": {"_index": RESULTS}}, one)]
        assert not client.bulk(operations=body, refresh=True)["errors"]
    window = ("--start", at(day - 10).isoformat(), "--end", at(day + 10).isoformat())
    _, found = investigate(window=window)
    assert (len(found["jobs"]), len(found["affectedJobs"])) == (620, 620)
    assert found["rootCause"] == "culprit"
    assert not any("more than" in note for note in found["notes"])
    listed = ",".join(jobs)
    _, same = investigate("--jobs", listed, window=window)
    assert same["suspects"] == found["suspects"]
