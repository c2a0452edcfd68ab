"""`anomalyops explain` and `troubleshoot` over jobs that the engine ran on a series whose anomalies are known."""

from __future__ import annotations

import json
import math
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from elasticsearch import Elasticsearch

from anomalyops.cli.main import invoke
from captures import check
from engine_process import EngineProcess
from waiting import PATIENCE_S

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 26
SPIKE, DIP, LARGER = (
    BEGIN + timedelta(days=22, hours=12),
    BEGIN + timedelta(days=23, hours=10),
    BEGIN + timedelta(days=24, hours=15),
)
VALUES = {SPIKE: 320.0, DIP: 5.0, LARGER: 2500.0}


def series():
    chance = random.Random(3)
    for hour in range(DAYS * 24):
        moment = BEGIN + timedelta(hours=hour)
        wave = 100 + 30 * math.sin(2 * math.pi * hour / 24) + chance.gauss(0, 3)
        yield {
            "@timestamp": (moment + timedelta(minutes=5)).isoformat(),
            "value": VALUES.get(moment, wave),
            "host": "h1",
        }


def run(client, name, detector, **more):
    client.ml.put_job(
        job_id=name,
        analysis_config={"bucket_span": "1h", "detectors": [detector], "influencers": ["host"]},
        data_description={"time_field": "@timestamp"},
        model_plot_config={"enabled": True},
        **more,
    )
    client.ml.put_datafeed(datafeed_id=f"datafeed-{name}", job_id=name, indices=["series"], query_delay="60s")


def finish(client, *names):
    end = (BEGIN + timedelta(days=DAYS)).isoformat()
    for name in names:
        client.ml.open_job(job_id=name)
        client.ml.start_datafeed(datafeed_id=f"datafeed-{name}", start="0", end=end)
    deadline = time.monotonic() + PATIENCE_S
    while any(client.ml.get_job_stats(job_id=name)["jobs"][0]["state"] != "closed" for name in names):
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("explain"))
    process.start()
    with process.client() as client:
        kinds = {"@timestamp": {"type": "date"}, "value": {"type": "double"}, "host": {"type": "keyword"}}
        client.indices.create(index="series", mappings={"properties": kinds})
        client.bulk(index="series", operations=[p for row in series() for p in ({"index": {}}, row)], refresh=True)
        mean = {"function": "mean", "field_name": "value"}
        rule = {"conditions": [{"applies_to": "actual", "operator": "lt", "value": 1000}]}
        run(client, "loud", mean)
        run(client, "sided", mean | {"function": "high_mean"})
        run(client, "ruled", mean | {"custom_rules": [rule]})
        run(client, "holiday", mean)
        client.ml.put_calendar(calendar_id="days", job_ids=["holiday"])
        event = {
            "description": "fair",
            "start_time": SPIKE.isoformat(),
            "end_time": (SPIKE + timedelta(hours=2)).isoformat(),
        }
        client.ml.post_calendar_events(calendar_id="days", events=[event])
        finish(client, "loud", "sided", "ruled", "holiday")
        client.ml.put_job(job_id="new", analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
                          data_description={"time_field": "@timestamp"})  # fmt: skip
    yield process.url
    process.kill()


@pytest.fixture
def explain(url, capsys):
    def command(*arguments):
        code = invoke(["explain", *arguments, "--url", url, "-o", "json"])
        document = json.loads(capsys.readouterr().out)
        assert code == 0, document
        return document

    return command


def shown_by(capsys):
    """Runs commands and gives what they print."""

    def run(arguments):
        capsys.readouterr()
        invoke(arguments)
        return capsys.readouterr().out

    return run


def test_the_page_shows_what_is_printed(url, capsys):
    check("docs/explain.md", shown_by(capsys), url, figures=False)


def texts(document, about):
    return [part["text"] for part in document["parts"] if part["about"] == about]


def test_the_worst_record_is_explained(explain):
    document = explain("loud")
    assert datetime.fromisoformat(document["at"]) == LARGER
    assert document["flagged"]
    assert "times higher than typical (2500 instead of" in document["verdict"]
    assert ": critical (" in document["verdict"]
    assert "above the bounds" in texts(document, "bounds")[0]
    assert "the job had seen 25 days: enough for daily and weekly seasons" in texts(document, "history")
    assert texts(document, "influencers")[0].startswith("who contributed to the bucket, most first: host=h1 (")
    shares = [part["text"] for part in document["parts"] if part["about"] == "factors" and "%" in part["text"]]
    assert sum(int(text.partition("%")[0]) for text in shares) in range(99, 102)


def test_the_drift_of_a_score_is_told_with_what_caused_it(explain):
    document = explain("loud", "--at", SPIKE.isoformat())
    record = document["record"]
    assert record["actual"] == [320.0]
    drift = record["initial_record_score"] - record["record_score"]
    score = texts(document, "score")
    if abs(drift) < 0.05:
        assert "no renormalisation since" in score[0]
    else:
        assert f"drifted by {drift:+.1f}" in score[0]
        if drift > 0:
            assert LARGER.strftime("%Y-%m-%d %H:%M") in score[1]


def test_a_record_is_named_by_its_id(explain, url):
    with Elasticsearch(url, request_timeout=60) as client:
        hit = client.search(
            index=".ml-anomalies-*", size=1, query={"bool": {"filter": [
                {"term": {"result_type": "record"}}, {"term": {"job_id": "loud"}},
                {"term": {"timestamp": SPIKE.isoformat()}},
            ]}},
        )["hits"]["hits"][0]  # fmt: skip
    assert explain("loud", "--record", hit["_id"])["record"]["actual"] == [320.0]


@pytest.mark.parametrize(
    ("job", "at", "words"),
    [
        ("sided", DIP, "but high_mean looks for high values alone"),
        ("ruled", SPIKE, "this rule excuses it: skip_result where actual < 1000"),
        ("holiday", SPIKE, "the scheduled event fair covers it"),
        ("loud", BEGIN + timedelta(days=21), "inside its bounds"),
        ("loud", BEGIN - timedelta(days=1), "the job's data begin at 2026-01-05 00:05 UTC"),
        ("loud", BEGIN + timedelta(days=DAYS + 1), "the job has only come to 2026-01-30 23:00 UTC yet"),
        ("loud", BEGIN + timedelta(hours=3), "the job had seen 2:55:00: nothing is flagged before 8:00:00"),
        ("new", SPIKE, "the job has not seen any data yet"),
    ],
)
def test_why_nothing_was_flagged(explain, job, at, words):
    document = explain(job, "--at", at.isoformat())
    assert not document["flagged"]
    assert words in document["verdict"]


def test_a_person_sees_the_series(url, capsys):
    assert invoke(["explain", "loud", "--url", url]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("loud, 2026-01-29 15:00:00 UTC\nmean(value) was ")
    assert "●" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["explain", "laud"], "there is no job 'laud'; there are loud"),
        (["explain", "new"], "job new has no records yet: give --at"),
        (["explain", "loud", "--record", "x"], "job loud has no record 'x'"),
        (["explain", "loud", "--at", "noon"], "--at: expected an ISO 8601 time"),
        (["explain", "loud", "--at", "now", "--record", "x"], "give --at or --record, not both"),
        (["troubleshoot"], "give one JOB, or --all"),
        (["troubleshoot", "loud", "--all"], "give one JOB, or --all"),
        (["troubleshoot", "laud"], "there is no job 'laud'; there are loud"),
    ],
)
def test_mistakes_are_one_line(url, capsys, arguments, words):
    assert invoke([*arguments, "--url", url]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_fleet_and_what_came_late(url, capsys):
    assert invoke(["troubleshoot", "--all", "--url", url]) == 0
    shown = capsys.readouterr().out
    assert "5 of 5 jobs are healthy" in shown
    assert invoke(["troubleshoot", "loud", "--url", url]) == 0
    assert "no sign of missing documents" in capsys.readouterr().out
    with Elasticsearch(url, request_timeout=60) as client:
        late = [
            {"@timestamp": (LARGER + timedelta(minutes=n)).isoformat(), "value": 99.0, "host": "h1"}
            for n in range(10, 15)
        ]
        client.bulk(index="series", operations=[p for row in late for p in ({"index": {}}, row)], refresh=True)
    check("docs/troubleshoot.md", shown_by(capsys), url, figures=False)
    assert invoke(["troubleshoot", "loud", "--url", url, "-o", "json"]) == 2
    (found,) = json.loads(capsys.readouterr().out)["jobs"]
    assert (found["severity"], found["verdict"]) == ("warning", "documents came too late for the datafeed")
    assert found["findings"][0]["evidence"] == "finished buckets lack 5 documents that the source holds now"
    assert found["plan"] == [
        {
            "words": "wait longer before data are read",
            "call": "POST _ml/datafeeds/datafeed-loud/_update",
            "body": {"query_delay": "120s"},
        }
    ]


def test_what_is_open_without_a_running_datafeed(url, capsys):
    with Elasticsearch(url, request_timeout=60) as client:
        client.ml.open_job(job_id="sided")
        try:
            assert invoke(["troubleshoot", "sided", "--url", url]) == 2
            shown = capsys.readouterr().out
            assert "the job is open and its datafeed is stopped" in shown
            assert "start the datafeed from where it stopped: POST _ml/datafeeds/datafeed-sided/_start" in shown
            assert invoke(["troubleshoot", "--all", "--url", url]) == 2
            assert capsys.readouterr().out.splitlines()[1].startswith("sided")
        finally:
            client.ml.close_job(job_id="sided")
