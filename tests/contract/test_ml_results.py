"""Reading results, also those that somebody else has written into the results index."""

from __future__ import annotations

import pytest
from elasticsearch import ApiError, BadRequestError
from raw_http import RawConnection

HOUR_MS = 3_600_000
START_MS = 1_464_739_200_000  # 2016-06-01T00:00:00Z
INDEX = ".ml-anomalies-shared"


@pytest.fixture(scope="module")
def client(shared_engine):
    with shared_engine.client() as client:
        for job_id, span in (("results-a", "1h"), ("results-b", "60m"), ("results-c", "30m")):
            client.ml.put_job(
                job_id=job_id,
                analysis_config={"bucket_span": span, "detectors": [{"function": "count"}]},
                data_description={"time_field": "time"},
            )
        yield client


@pytest.fixture
def written(client):
    """Buckets of job a at 00:00 (30) and 02:00 (10, interim), of b at 01:00 (10) and 02:00 (60), of c at 02:30 (3)."""
    rows = (
        ("results-a", 0, 30.0, {}),
        ("results-a", 2, 10.0, {"is_interim": True}),
        ("results-b", 1, 10.0, {"is_interim": False}),
        ("results-b", 2, 60.0, {"is_interim": False}),
        ("results-c", 2.5, 3.0, {}),
    )
    for job_id, hour, score, more in rows:
        document = {
            "job_id": job_id,
            "result_type": "bucket",
            "timestamp": START_MS + int(hour * HOUR_MS),
            "anomaly_score": score,
            "bucket_span": 3600,
            **more,
        }
        client.index(index=INDEX, id=f"{job_id}-{hour}", document=document)
    texts = {"timestamp": "2016-06-01T05:00:00Z", "job_id": "results-a"}
    client.index(index=INDEX, id="t1", document={**texts, "result_type": "bucket", "anomaly_score": 80.0})
    client.index(index=INDEX, id="t2", document={**texts, "result_type": "record", "record_score": 80.0})
    client.index(index=INDEX, id="t3", document={**texts, "result_type": "influencer", "influencer_score": 80.0})
    yield
    client.delete_by_query(index=INDEX, query={"prefix": {"job_id": "results-"}})


def _overall(client, jobs="results-*", **options):
    found = client.ml.get_overall_buckets(job_id=jobs, **options)
    return {(b["timestamp"] - START_MS) // HOUR_MS: b for b in found["overall_buckets"]}


def test_only_jobs_with_a_bucket_there_count_in_an_overall_bucket(client, written):
    buckets = _overall(client, "results-a,results-b", top_n=2)
    assert {hour: bucket["overall_score"] for hour, bucket in buckets.items()} == {0: 30.0, 1: 10.0, 2: 35.0, 5: 80.0}
    assert buckets[0]["jobs"] == [{"job_id": "results-a", "max_anomaly_score": 30.0}]
    assert [buckets[hour]["is_interim"] for hour in (0, 1, 2)] == [False, False, True]
    assert _overall(client, "results-a,results-b", top_n=1)[2]["overall_score"] == 60.0
    assert _overall(client, "results-a,results-b", top_n=2, exclude_interim=True)[2]["overall_score"] == 60.0
    assert list(_overall(client, overall_score=40)) == [2, 5]
    wide = _overall(client, "results-a,results-b", bucket_span="2h", top_n=2)
    assert {hour: bucket["overall_score"] for hour, bucket in wide.items()} == {0: 30.0, 2: 35.0, 4: 80.0}
    assert [job["max_anomaly_score"] for job in wide[0]["jobs"]] == [30.0, 10.0]


def test_overall_buckets_are_whole_buckets_of_the_longest_span(client, written):
    minutes = 60_000
    cut = {"start": START_MS + 30 * minutes, "end": START_MS + 150 * minutes}
    assert list(_overall(client, **cut)) == [1]
    # Job c's bucket of half past two lies in the whole bucket of two o'clock.
    assert len(_overall(client, top_n=3)[2]["jobs"]) == 3


def test_what_overall_buckets_refuse(client):
    for options, says in (
        ({"top_n": 0}, "[topN] parameter must be positive, found [0]"),
        ({"bucket_span": "30m"}, "Param [bucket_span] must be greater or equal to the max bucket_span [1h]"),
        ({"bucket_span": "x"}, "bucket_span"),
    ):
        with pytest.raises(BadRequestError) as refused:
            client.ml.get_overall_buckets(job_id="results-a", **options)
        assert says in refused.value.body["error"]["reason"]


def test_results_of_others_are_shown_like_the_own(client, written):
    time = START_MS + 5 * HOUR_MS
    for found in (
        client.ml.get_buckets(job_id="results-a", anomaly_score=70)["buckets"],
        client.ml.get_records(job_id="results-a")["records"],
        client.ml.get_influencers(job_id="results-a")["influencers"],
    ):
        assert [(result["timestamp"], result["is_interim"]) for result in found] == [(time, False)]
    assert client.ml.get_buckets(job_id="results-a", exclude_interim=True)["count"] == 2
    assert client.ml.get_records(job_id="results-a", exclude_interim=True)["count"] == 1
    shown = client.ml.get_records(job_id="results-a", human=True)["records"][0]
    assert shown["timestamp_string"] == "2016-06-01T05:00:00.000Z"


def test_a_bucket_is_asked_for_by_its_time_alone(shared_engine, client, written):
    path = "/_ml/anomaly_detectors/results-a/results/buckets"
    json = {"Content-Type": "application/json"}
    with RawConnection(shared_engine.url) as raw:
        assert raw.request("GET", f"{path}/{START_MS}").body["buckets"][0]["anomaly_score"] == 30.0
        assert raw.request("GET", f"{path}/2016-06-01T00:00:00Z").body["count"] == 1
        assert raw.request("POST", path, json, b'{"timestamp":"2016-06-01T00:00:00Z"}').body["count"] == 1
        assert raw.request("POST", path, json, b'{"timestamp":"2016-06-01T01:00:00Z"}').status == 404
        for query in ("anomaly_score=80", "start=0", "end=1", "from=0", "size=1"):
            answer = raw.request("GET", f"{path}/{START_MS}?{query}")
            assert answer.status == 400
            assert f"[{query.split('=')[0]}]" in answer.reason
        body = b'{"timestamp":"2016-06-01T00:00:00Z","anomaly_score":1}'
        assert raw.request("POST", path, json, body).status == 400
        assert raw.request("GET", f"{path}/{START_MS}?expand=true").body["buckets"][0]["records"] == []


def test_model_snapshots_come_newest_first(client):
    for number, snapshot_id in enumerate(("first", "second", "third")):
        document = {
            "job_id": "results-b",
            "snapshot_id": snapshot_id,
            "timestamp": START_MS + number,
            "latest_result_time_stamp": "2016-06-01T05:00:00Z",
            "snapshot_doc_count": 1,
        }
        client.index(index=INDEX, id=f"results-b_model_snapshot_{snapshot_id}", document=document)

    def ids(**options):
        found = client.ml.get_model_snapshots(job_id="results-b", **options)["model_snapshots"]
        return [snapshot["snapshot_id"] for snapshot in found]

    assert ids() == ["third", "second", "first"]
    assert ids(desc=False) == ["first", "second", "third"]
    assert ids(sort="snapshot_id") == ["third", "second", "first"]
    assert ids(start=START_MS + 1, end=START_MS + 2) == ["second"]
    assert ids(from_=1, size=1) == ["second"]
    found = client.ml.get_model_snapshots(job_id="results-b", snapshot_id="first")["model_snapshots"]
    assert found[0]["latest_result_time_stamp"] == START_MS + 5 * HOUR_MS


def test_a_preview_needs_one_datafeed_and_its_job(client):
    feed = {"indices": ["nothing-*"]}
    job = {
        "analysis_config": {"bucket_span": "1h", "detectors": [{"function": "count"}]},
        "data_description": {"time_field": "time"},
    }
    with pytest.raises(BadRequestError) as refused:
        client.ml.preview_datafeed(datafeed_config=feed)
    assert refused.value.body["error"]["reason"] == (
        "[datafeed_config.job_id] must be set or a [job_config] must be provided"
    )
    with pytest.raises(BadRequestError) as refused:
        client.ml.preview_datafeed(datafeed_config=feed, job_config={**job, "datafeed_config": feed})
    assert "must not be present when" in refused.value.body["error"]["reason"]
    assert client.ml.preview_datafeed(datafeed_config=feed, job_config=job).body == []
    with pytest.raises(ApiError) as missing:
        client.ml.preview_datafeed(datafeed_config={**feed, "job_id": "no-such-job"})
    assert missing.value.status_code == 404


def test_info_tells_the_defaults(client):
    info = client.ml.info()
    assert info["defaults"]["anomaly_detectors"]["categorization_analyzer"]["tokenizer"] == "ml_standard"
