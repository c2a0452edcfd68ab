"""Posted data and flushing over REST: counts, statuses, texts, interim results."""

import json
import uuid

import pytest
from elasticsearch import ApiError
from raw_http import RawConnection

CONFIG = {
    "analysis_config": {
        "bucket_span": "1h",
        "detectors": [{"function": "mean", "field_name": "responsetime", "by_field_name": "airline"}],
    },
    "data_description": {"time_field": "time", "time_format": "epoch"},
}
START_S = 1_403_481_600
DEPRECATED = (
    "Posting data directly to anomaly detection jobs is deprecated, in a future major version it will be compulsory "
    "to use a datafeed"
)


def record(time_s, airline="AAL", value=132.2046):
    return {"airline": airline, "responsetime": value, "sourcetype": "farequote", "time": time_s}


@pytest.fixture
def job_id(client):
    """An open job."""
    name = f"posted-{uuid.uuid4().hex[:12]}"
    client.ml.put_job(job_id=name, **CONFIG)
    client.ml.open_job(job_id=name)
    return name


def send(client, path, body, content_type="application/json"):
    return client.perform_request(
        "POST",
        f"/_ml/anomaly_detectors/{path}",
        body=body,
        headers={"accept": "application/json", "content-type": content_type},
    )


@pytest.mark.filterwarnings("ignore::elasticsearch.ElasticsearchWarning")
def test_posted_data_is_counted_analysed_and_flushed(client, job_id):
    counts = client.options(headers={"content-type": "application/x-ndjson"}).ml.post_data(
        job_id=job_id, data=[record(START_S), record(START_S + 100, "JZA", 990.4628)]
    )
    assert counts.meta.status == 202
    assert counts["job_id"] == job_id
    assert (counts["processed_record_count"], counts["processed_field_count"]) == (2, 4)
    assert (counts["input_field_count"], counts["invalid_date_count"], counts["missing_field_count"]) == (6, 0, 0)
    assert 140 <= counts["input_bytes"] <= 180
    assert counts["earliest_record_timestamp"] == START_S * 1000
    assert counts["latest_record_timestamp"] == (START_S + 100) * 1000
    flushed = client.ml.flush_job(job_id=job_id)
    assert flushed.body == {"flushed": True, "last_finalized_bucket_end": START_S * 1000}
    assert client.ml.get_buckets(job_id=job_id)["count"] == 0
    client.ml.flush_job(job_id=job_id, calc_interim=True)
    (bucket,) = client.ml.get_buckets(job_id=job_id)["buckets"]
    assert (bucket["timestamp"], bucket["is_interim"], bucket["event_count"]) == (START_S * 1000, True, 2)
    assert client.ml.get_buckets(job_id=job_id, exclude_interim=True)["count"] == 0
    client.ml.flush_job(job_id=job_id, advance_time=str(START_S + 7200))
    buckets = client.ml.get_buckets(job_id=job_id)["buckets"]
    assert [(b["timestamp"], b["is_interim"], b["event_count"]) for b in buckets] == [
        (START_S * 1000, False, 2),
        ((START_S + 3600) * 1000, False, 0),
    ]
    client.ml.close_job(job_id=job_id)
    stored = client.get(index=f".ml-anomalies-{job_id}", id=f"{job_id}_data_counts")["_source"]
    assert stored == client.ml.get_job_stats(job_id=job_id)["jobs"][0]["data_counts"]
    assert (stored["processed_record_count"], stored["input_field_count"], stored["bucket_count"]) == (2, 6, 2)


@pytest.mark.filterwarnings("ignore::elasticsearch.ElasticsearchWarning")
@pytest.mark.parametrize("form", ["lines", "array", "adjacent", "spread"])
def test_records_come_in_any_json_form(client, job_id, form):
    records = [record(str(START_S)), record(START_S + 3600.25)]
    texts = [json.dumps(one, indent=2 if form == "spread" else None) for one in records]
    body = {"lines": "\n".join(texts), "array": f" [{','.join(texts)}]", "spread": "\n".join(texts)}.get(
        form, "".join(texts)
    )
    counts = send(client, f"{job_id}/_data", body.encode())
    assert counts["processed_record_count"] == 2
    assert counts["latest_record_timestamp"] == START_S * 1000 + 3_600_250
    assert counts["bucket_count"] == 1


@pytest.mark.filterwarnings("ignore::elasticsearch.ElasticsearchWarning")
def test_an_upload_that_is_malformed_changes_nothing(client, job_id):
    for body in (b'{"time": 1}\n{"time"', b"[1]", b"nothing", b'[{"time": 1}', b""):
        with pytest.raises(ApiError) as caught:
            send(client, f"{job_id}/_data", body)
        assert (caught.value.status_code, caught.value.body["error"]["type"]) == (400, "parse_exception")
    assert client.ml.get_job_stats(job_id=job_id)["jobs"][0]["data_counts"]["input_record_count"] == 0


@pytest.mark.filterwarnings("ignore::elasticsearch.ElasticsearchWarning")
def test_bad_parameters_and_states_are_refused_in_words(client, job_id):
    body = json.dumps(record(START_S)).encode()
    for path, status, kind, said in [
        (f"{job_id}/_data?reset_start=not_a_date&reset_end=1", 400, "parse_exception", "[reset_start]"),
        (f"{job_id}/_data?reset_end=not_a_date", 400, "parse_exception", "[not_a_date] cannot be parsed as a date"),
        (f"{job_id}/_data?reset_end=5", 400, "illegal_argument_exception", "[reset_start]"),
        ("missing/_data", 409, "status_exception", "because job [missing] is not open"),
        (f"{job_id}/_flush?advance_time=x", 400, "parse_exception", "Query param [advance_time] with value [x]"),
        (f"{job_id}/_flush?start=5", 400, "illegal_argument_exception", "unexpected 'start'."),
        (
            f"{job_id}/_flush?calc_interim=true&end=5",
            400,
            "illegal_argument_exception",
            "'start' has not been specified.",
        ),
        ("missing/_flush", 409, "status_exception", "because job [missing] is not open"),
    ]:
        with pytest.raises(ApiError) as caught:
            send(client, path, b"" if "_flush" in path else body)
        error = caught.value.body["error"]
        assert (caught.value.status_code, error["type"]) == (status, kind), path
        assert said in error["reason"]
    client.ml.close_job(job_id=job_id)
    with pytest.raises(ApiError, match="is not open"):
        send(client, f"{job_id}/_data", body)


def test_posting_is_deprecated_and_says_so(client, job_id, shared_engine):
    with pytest.warns(match=DEPRECATED):
        send(client, f"{job_id}/_data", json.dumps(record(START_S)).encode())
    with RawConnection(shared_engine.url) as connection:
        path = "/_ml/anomaly_detectors/missing/_data"
        refused = connection.request("POST", path, {"Content-Type": "application/json"}, b"{}")
    assert refused.status == 409
    assert f'"{DEPRECATED}"' in refused.headers["warning"]


@pytest.mark.filterwarnings("ignore::elasticsearch.ElasticsearchWarning")
def test_a_job_is_fed_by_one_hand(client, job_id):
    client.indices.create(index=f"source-{job_id}", mappings={"properties": {"time": {"type": "date"}}})
    client.index(
        index=f"source-{job_id}", document={"time": START_S * 1000, "airline": "AAL", "responsetime": 1.0}, refresh=True
    )
    client.ml.put_datafeed(datafeed_id=job_id, job_id=job_id, indices=[f"source-{job_id}"])
    client.ml.start_datafeed(datafeed_id=job_id, start=START_S * 1000)
    with pytest.raises(ApiError, match=f"while datafeed .{job_id}. feeds it"):
        send(client, f"{job_id}/_data", json.dumps(record(START_S)).encode())
    client.ml.stop_datafeed(datafeed_id=job_id)


def test_the_memory_of_a_job_is_estimated(client):
    analysis = {
        "bucket_span": "5m",
        "detectors": [{"function": "sum", "field_name": "bytes", "partition_field_name": "host"}],
        "influencers": ["client"],
    }
    estimate = client.ml.estimate_model_memory(
        analysis_config=analysis, overall_cardinality={"host": 5_000}, max_bucket_cardinality={"client": 10}
    )
    assert estimate["model_memory_estimate"].endswith("mb")
    assert int(estimate["model_memory_estimate"][:-2]) > 10
    with pytest.raises(ApiError, match=r"must give the number of values of field \[host\]"):
        client.ml.estimate_model_memory(analysis_config=analysis, overall_cardinality={"client": 1})
    with pytest.raises(ApiError, match="No detectors configured"):
        client.ml.estimate_model_memory(analysis_config={"detectors": []})


def test_nobody_has_to_count_the_categories_of_messages_for_an_estimate(client):
    analysis = {
        "bucket_span": "5m",
        "categorization_field_name": "message",
        "detectors": [{"function": "count", "by_field_name": "mlcategory"}],
    }
    usual = client.ml.estimate_model_memory(analysis_config=analysis, overall_cardinality={})["model_memory_estimate"]
    many = client.ml.estimate_model_memory(analysis_config=analysis, overall_cardinality={"mlcategory": 100_000})
    assert int(many["model_memory_estimate"][:-2]) > int(usual[:-2])
