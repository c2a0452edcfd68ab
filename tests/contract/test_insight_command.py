"""`anomalyops tools` and `anomalyops tool`: outputs, exit codes, and what a user lacks."""

from __future__ import annotations

import csv
import io
import json

import pytest
from elasticsearch import Elasticsearch
from insight_world import WINDOW, plant

from anomalyops.cli.main import invoke
from engine_process import EngineProcess

PASSWORD = "a long way"


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("secured"), f"password={PASSWORD!r}")
    process.start()
    with Elasticsearch(process.url, basic_auth=("elastic", PASSWORD), request_timeout=60) as elastic:
        plant(elastic)
        roles = {
            "blind": [],
            "reader": [{"names": [".ml-anomalies-*", ".ml-annotations-*"], "privileges": ["read"]}],
        }
        for name, indices in roles.items():
            elastic.security.put_role(name=name, cluster=["monitor_ml"], indices=indices)
            elastic.security.put_user(username=name, password="secret-1", roles=[name])
    yield process.url
    process.kill()


@pytest.fixture
def run(secured, monkeypatch, capsys):
    def command(*arguments, user="elastic"):
        monkeypatch.setenv("COLUMNS", "140")
        monkeypatch.setenv("ANOMALYOPS_USERNAME", user)
        monkeypatch.setenv("ANOMALYOPS_PASSWORD", PASSWORD if user == "elastic" else "secret-1")
        code = invoke(["tool", *arguments, "--url", secured])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def test_parameters_are_options_or_pairs(run):
    code, out, _ = run("ad_rca_multi_job_entities", "--min-job-count", "3", f"--start={WINDOW['start']}", "-o", "json")
    assert code == 0
    document = json.loads(out)
    assert [row["influencer_field_value"] for row in document["rows"]] == ["db1"]
    assert document["parameters"] == {"min_job_count": "3", "start": WINDOW["start"]}
    again = run("ad_rca_multi_job_entities", "-p", "min_job_count=3", "-p", f"start={WINDOW['start']}", "-o", "json")
    assert json.loads(again[1])["rows"] == document["rows"]


def test_a_table_and_csv(run):
    code, out, _ = run("ad_query_anomaly_timeline", "--interval", "10m")
    assert code == 0
    assert out.splitlines()[0].split() == ["TIME", "JOB_ID", "MAX_ANOMALY_SCORE", "MEAN_ANOMALY_SCORE", "BUCKETS"]
    assert "2026-01-10 10:00:00  db-cpu                      91                65.5        2" in out
    _, out, _ = run("ad_get_categories", "--job-id", "log-categories", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["category_id"], row["examples"]) for row in rows] == [
        ("2", "request served"),
        ("1", "request 7 failed"),
    ]


def test_the_query_that_is_shown_is_what_was_asked(run):
    code, out, _ = run("ad_query_influencers", "--influencer-value", 'a"b', "--show-query", "-o", "json")
    assert code == 3
    first = json.loads(out)["queries"][0]
    assert first["way"] == "esql"
    assert 'influencer_field_value == "a\\"b"' in first["shown"]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["ad_query_anomaly_records", "--min-score", "100"], 0, "nothing_above_threshold"),
        (["ad_query_anomaly_records", "--start", "2031-01-01"], 3, "nothing_in_window"),
        (["ad_query_anomaly_records", "--job-id-pattern", "nobody"], 3, "no_results"),
        (["ad_rca_source_evidence", "--index", "nothing-here"], 3, "no_index"),
    ],
)
def test_exit_codes_of_empty_answers(run, arguments, code, reason):
    found, out, _ = run(*arguments, "-o", "json")
    assert (found, json.loads(out)["empty"]["reason"]) == (code, reason)


def test_who_may_not_read_is_told_so(run):
    code, out, _ = run("ad_query_anomaly_records", "-o", "json", user="blind")
    assert code == 3
    empty = json.loads(out)["empty"]
    assert empty["reason"] == "no_privilege"
    assert "unauthorized for user [blind]" in empty["message"]
    assert run("ad_query_anomaly_records", user="reader")[0] == 0
    code, out, _ = run("ad_get_job_messages", user="reader")
    assert code == 3
    assert out.startswith("this user has no privilege to read")
    _, out, _ = run("ad_validate_ml_tool_permissions", "--source-index", "web-logs-1", "-o", "json", user="reader")
    document = json.loads(out)
    granted = {(row["on"], row["privilege"]): row["granted"] for row in document["rows"]}
    assert granted[".ml-anomalies-*", "read"]
    assert not granted[".ml-notifications-*", "read"]
    assert not granted["web-logs-1", "read"]
    assert "reader lacks" in document["notes"][0]
    assert "read on web-logs-1" in document["notes"][0]


def test_configurations_come_from_the_api_where_their_index_is_closed(run):
    code, out, _ = run("ad_get_jobs", "--job-id-pattern", "web-latency", "-o", "json", user="reader")
    assert code == 0
    row = json.loads(out)["rows"][0]
    assert (row["job_id"], row["datafeed_id"], row["indices"]) == (
        "web-latency",
        "datafeed-web-latency",
        ["web-logs-*"],
    )


def test_wrong_credentials_are_one_line(secured, monkeypatch, capsys):
    monkeypatch.setenv("ANOMALYOPS_USERNAME", "elastic")
    monkeypatch.setenv("ANOMALYOPS_PASSWORD", "wrong-word")
    assert invoke(["tool", "ad_get_jobs", "--url", secured]) == 1
    error = capsys.readouterr().err
    assert "unable to authenticate user [elastic]" in error
    assert "wrong-word" not in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ad_get_job"], "there is no tool 'ad_get_job'; did you mean ad_get_jobs"),
        (
            ["ad_get_jobs", "--colour", "red"],
            "there is no parameter --colour; there are --job-id-pattern, --group",
        ),
        (["ad_get_jobs", "--group"], "--group needs a value"),
        (["ad_get_jobs", "web"], "'web' is unexpected"),
        (["ad_get_jobs", "--limit", "1", "--limit", "2"], "--limit is given twice"),
        (["ad_get_jobs", "-p", "limit"], "--param 'limit': expected NAME=VALUE"),
        (["ad_get_jobs", "--limit", "many"], "ad_get_jobs: limit: Input should be a valid integer"),
    ],
)
def test_mistakes_are_one_line(run, arguments, words):
    code, out, error = run(*arguments)
    assert (code, out) == (1, "")
    assert words in error
    assert error.count("\n") == 1
