"""What other tools made is exported and taken over: nothing changes but the mark, and what rested goes on resting."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from raw_http import RawConnection

from anomalyops.cli.main import invoke

JOBS, FEEDS = "/_ml/anomaly_detectors", "/_ml/datafeeds"

# As Terraform's provider sends them: every field in its own words, the run state by calls of their own.
TERRAFORM_JOB = {
    "job_id": "tf_requests",
    "description": "Requests by status",
    "groups": ["web", "terraform"],
    "analysis_config": {
        "bucket_span": "15m",
        "detectors": [
            {
                "function": "high_mean",
                "field_name": "bytes",
                "partition_field_name": "host",
                "detector_description": "large answers",
                "use_null": False,
                "custom_rules": [
                    {
                        "actions": ["skip_result"],
                        "conditions": [{"applies_to": "actual", "operator": "lt", "value": 10}],
                    }
                ],
            },
            {"function": "nzc", "partition_field_name": "host"},
        ],
        "influencers": ["host"],
        "model_prune_window": "30d",
    },
    "analysis_limits": {"model_memory_limit": "100mb", "categorization_examples_limit": 4},
    "data_description": {"time_field": "@timestamp", "time_format": "epoch_ms"},
    "model_plot_config": {"enabled": True, "annotations_enabled": True},
    "custom_settings": {"team": "web", "custom_urls": [{"url_name": "Logs", "url_value": "discover#/"}]},
    "allow_lazy_open": True,
    "model_snapshot_retention_days": 14,
    "daily_model_snapshot_retention_after_days": 7,
    "results_index_name": "tf-requests",
}
TERRAFORM_FEED = {
    "job_id": "tf_requests",
    "indices": ["made-by-others"],
    "query": {"bool": {"filter": [{"term": {"host": {"value": "h1"}}}]}},
    "query_delay": "90s",
    "frequency": "450s",
    "scroll_size": 1000,
    "max_empty_searches": 10,
    "chunking_config": {"mode": "manual", "time_span": "3h"},
    "delayed_data_check_config": {"enabled": True, "check_window": "2h"},
    "indices_options": {
        "expand_wildcards": ["all"],
        "ignore_unavailable": True,
        "allow_no_indices": True,
        "ignore_throttled": False,
    },
}
# As the JavaScript client sends what a Kibana wizard makes: few fields, the datafeed inside of the job.
JS_HEADERS = {
    "content-type": "application/vnd.elasticsearch+json; compatible-with=8",
    "accept": "application/vnd.elasticsearch+json; compatible-with=8",
    "user-agent": "elasticsearch-js/8.19.1 (linux; Node.js 22.0.0; Transport 8.9.1)",
    "x-elastic-client-meta": "es=8.19.1,js=22.0.0,t=8.9.1,hc=22.0.0",
}
JS_JOB = {
    "description": "",
    "groups": [],
    "analysis_config": {
        "bucket_span": "5m",
        "detectors": [{"function": "avg", "field_name": "bytes"}],
        "summary_count_field_name": "doc_count",
    },
    "analysis_limits": {"model_memory_limit": "1gb"},
    "data_description": {"time_field": "@timestamp"},
    "custom_settings": {"created_by": "single-metric-wizard"},
    "datafeed_config": {
        "datafeed_id": "datafeed-js-mean",
        "indexes": "made-by-others",
        "aggs": {
            "buckets": {
                "date_histogram": {"field": "@timestamp", "fixed_interval": "60000ms"},
                "aggs": {
                    "bytes": {"avg": {"field": "bytes"}},
                    "@timestamp": {"max": {"field": "@timestamp"}},
                },
            }
        },
    },
}


class Raw:
    """Requests as other tools send them, and what the engine has."""

    def __init__(self, url):
        self.url = url

    def send(self, method, path, body=None, headers=None):
        data = b"" if body is None else json.dumps(body).encode()
        with RawConnection(self.url) as connection:
            answer = connection.request(method, path, headers or {"content-type": "application/json"}, data)
        assert answer.status == 200, answer.text
        return answer.body

    def job(self, job_id):
        (job,) = self.send("GET", f"{JOBS}/{job_id}")["jobs"]
        return job

    def states(self, job_id, datafeed_id):
        job = self.send("GET", f"{JOBS}/{job_id}/_stats")["jobs"][0]["state"]
        return job, self.send("GET", f"{FEEDS}/{datafeed_id}/_stats")["datafeeds"][0]["state"]


@pytest.fixture
def made(engine):
    """An engine with a running pair of Terraform's, a stopped one of the JavaScript client's, and no more."""
    raw = Raw(engine.url)
    with engine.client() as client:
        fields = {"@timestamp": {"type": "date"}, "host": {"type": "keyword"}, "bytes": {"type": "long"}}
        client.indices.create(index="made-by-others", mappings={"properties": fields})
        for minutes in range(0, 600, 5):  # a datafeed that has found no document is not ready
            moment = datetime.now(UTC) - timedelta(minutes=minutes)
            document = {"@timestamp": moment.isoformat(), "host": "h1", "bytes": 100 + minutes}
            client.index(index="made-by-others", document=document)
    raw.send("PUT", f"{JOBS}/tf_requests", {key: value for key, value in TERRAFORM_JOB.items() if key != "job_id"})
    raw.send("PUT", f"{FEEDS}/datafeed-tf_requests", TERRAFORM_FEED)
    raw.send("POST", f"{JOBS}/tf_requests/_open", {"timeout": "30s"})
    raw.send("POST", f"{FEEDS}/datafeed-tf_requests/_start")
    raw.send("PUT", f"{JOBS}/js-mean", JS_JOB, JS_HEADERS)
    return raw


def without_mark(job):
    """The configuration but for the mark, and for the snapshot that the running job has come to."""
    settings = {key: value for key, value in job["custom_settings"].items() if not key.startswith("anomalyops.io/")}
    kept = {key: value for key, value in job.items() if key != "model_snapshot_id"}
    return {**kept, "custom_settings": settings}


def test_what_others_made_is_taken_over_and_nothing_changes_but_the_mark(made, tmp_path, capsys):
    folder = tmp_path / "exported"
    assert invoke(["export", "--url", made.url, "--output-dir", str(folder)]) == 0
    assert "wrote 2 jobs, 2 datafeeds to" in capsys.readouterr().err
    before = {job_id: made.job(job_id) for job_id in ("tf_requests", "js-mean")}
    states = made.states("tf_requests", "datafeed-tf_requests"), made.states("js-mean", "datafeed-js-mean")
    assert states == (("opened", "started"), ("closed", "stopped"))

    assert invoke(["plan", "-f", str(folder), "--url", made.url, "-o", "json"]) == 2
    for planned in json.loads(capsys.readouterr().out)["plans"]:
        (step,) = planned["steps"]
        assert (step["verb"], set(step["body"])) == ("update job", {"custom_settings"})
        assert planned["obstacles"] == []
    assert invoke(["plan", "-f", str(folder), "--url", made.url, "--output", "markdown"]) == 2
    assert "#### AnomalyJob/tf-requests and Datafeed/datafeed-tf-requests" in capsys.readouterr().out
    assert invoke(["apply", "-f", str(folder), "--url", made.url, "--timeout", "10m"]) == 0
    capsys.readouterr()
    for job_id, job in before.items():
        after = made.job(job_id)
        assert any(key.startswith("anomalyops.io/") for key in after["custom_settings"])
        assert without_mark(after) == without_mark(job)
    assert states == (made.states("tf_requests", "datafeed-tf_requests"), made.states("js-mean", "datafeed-js-mean"))
    assert invoke(["plan", "-f", str(folder), "--url", made.url]) == 0
    capsys.readouterr()

    assert invoke(["export", "--url", made.url, "--output-dir", str(folder)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert invoke(["export", "--url", made.url, "--output-dir", str(folder), "--overwrite"]) == 0
    for path in folder.iterdir():  # the mark is no part of a manifest, and whose the jobs are now is said beside it
        assert yaml.safe_load(path.read_text()) == yaml.safe_load(texts[path.name])
    assert "# Managed by AnomalyJob default/tf-requests" in (folder / "anomalyjob-tf-requests.yaml").read_text()


def test_a_manifest_says_what_differs_from_what_the_server_fills_in(made, capsys):
    assert invoke(["export", "--url", made.url, "--job", "js-*", "-n", "ops"]) == 0
    job, feed = yaml.safe_load_all(capsys.readouterr().out)
    assert job == {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": "AnomalyJob",
        "metadata": {"name": "js-mean", "namespace": "ops"},
        "spec": {
            "analysisConfig": {
                "bucketSpan": "5m",
                "detectors": [{"function": "avg", "fieldName": "bytes"}],
                "summaryCountFieldName": "doc_count",
            },
            "dataDescription": {"timeField": "@timestamp"},
            "customSettings": {"created_by": "single-metric-wizard"},
        },
    }
    assert feed["metadata"] == {"name": "datafeed-js-mean", "namespace": "ops"}
    assert set(feed["spec"]) == {"jobRef", "indices", "aggregations"}


def test_what_was_exported_makes_the_same_again(made, tmp_path, capsys):
    folder = tmp_path / "exported"
    assert invoke(["export", "--url", made.url, "--output-dir", str(folder), "--job", "tf_requests"]) == 0
    before = without_mark(made.job("tf_requests"))
    made.send("DELETE", f"{JOBS}/tf_requests?force=true")
    assert invoke(["apply", "-f", str(folder), "--url", made.url, "--timeout", "10m"]) == 0
    capsys.readouterr()
    after = without_mark(made.job("tf_requests"))
    changing = {"create_time", "finished_time"}
    assert {key: value for key, value in after.items() if key not in changing} == {
        key: value for key, value in before.items() if key not in changing
    }


def test_a_pattern_that_no_job_has_is_an_error(made, capsys):
    assert invoke(["export", "--url", made.url, "--job", "nothing-*"]) == 1
    assert "no such job; it has 2: js-mean, tf_requests" in capsys.readouterr().err
