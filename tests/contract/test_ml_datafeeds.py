# ruff: noqa: E501 - error texts are compared whole
"""Datafeeds over REST, through the official client: shapes, states, validation, preview."""

import uuid

import pytest
from elasticsearch import ApiError, Elasticsearch
from elasticsearch.helpers import bulk

SPAN_MS = 60_000
START_MS = 1_700_000_040_000  # a multiple of a minute


@pytest.fixture(scope="module")
def client(shared_engine):
    with shared_engine.client() as client:
        client.indices.create(
            index="feed-source",
            mappings={
                "properties": {
                    "time": {"type": "date"},
                    "host": {"type": "keyword"},
                    "bytes": {"type": "double"},
                    "unused": {"type": "keyword"},
                }
            },
        )
        documents = (
            {
                "_index": "feed-source",
                "time": START_MS + number * 1_000,
                "host": f"h{number % 2}",
                "bytes": float(number % 7),
                "unused": "x",
            }
            for number in range(3_600)
        )
        bulk(client, documents)
        client.indices.refresh(index="feed-source")
        yield client


def config(**analysis):
    return {
        "analysis_config": {
            "bucket_span": "1m",
            "detectors": [{"function": "mean", "field_name": "bytes", "by_field_name": "host"}],
            **analysis,
        },
        "data_description": {"time_field": "time"},
    }


@pytest.fixture
def job_id(client):
    name = f"job-{uuid.uuid4().hex[:12]}"
    client.ml.put_job(job_id=name, **config())
    return name


@pytest.fixture
def feed_id(client, job_id):
    client.ml.put_datafeed(datafeed_id=f"df-{job_id}", job_id=job_id, indices=["feed-source"])
    return f"df-{job_id}"


def refusal(call, *args, **kwargs):
    with pytest.raises(ApiError) as caught:
        call(*args, **kwargs)
    error = caught.value.body["error"]
    cause = error
    while "caused_by" in cause:
        cause = cause["caused_by"]
    return caught.value.status_code, error["type"], cause["reason"]


def do(client: Elasticsearch, method, path, body=None):
    return client.perform_request(
        method, path, body=body, headers={"accept": "application/json", "content-type": "application/json"}
    )


def test_writes_are_answered_with_what_a_get_shows(client, job_id):
    """A client need not read back what it has written."""
    name = f"df-{job_id}"

    def shown():
        return client.ml.get_datafeeds(datafeed_id=name)["datafeeds"][0]

    assert client.ml.put_datafeed(datafeed_id=name, job_id=job_id, indices=["feed-source"]).body == shown()
    for change in ({"query_delay": "90s"}, {"query": {"term": {"host": "h1"}}}, {"indices": ["feed-source", "other*"]}):
        assert client.ml.update_datafeed(datafeed_id=name, **change).body == shown()
    job = client.ml.update_job(job_id=job_id, description="with a datafeed").body
    assert {**job, "datafeed_config": shown()} == client.ml.get_jobs(job_id=job_id)["jobs"][0]


def test_a_minimal_datafeed_gets_the_servers_defaults(client, job_id):
    made = client.ml.put_datafeed(datafeed_id=f"df-{job_id}", job_id=job_id, indices=["feed-source"])
    delay = made.body.pop("query_delay")
    assert 60_000 <= int(delay.removesuffix("ms")) < 120_000
    assert made.body == {
        "datafeed_id": f"df-{job_id}",
        "job_id": job_id,
        "indices": ["feed-source"],
        "query": {"match_all": {}},
        "scroll_size": 1000,
        "chunking_config": {"mode": "auto"},
        "delayed_data_check_config": {"enabled": True},
        "indices_options": {
            "expand_wildcards": ["open"],
            "ignore_unavailable": False,
            "allow_no_indices": True,
            "ignore_throttled": True,
        },
    }
    stats = client.ml.get_datafeed_stats(datafeed_id=f"df-{job_id}")["datafeeds"][0]
    assert stats["state"] == "stopped"
    assert "node" not in stats
    assert "running_state" not in stats
    assert stats["timing_stats"]["search_count"] == 0


HISTOGRAM = {
    "buckets": {
        "date_histogram": {"field": "time", "fixed_interval": "30s"},
        "aggs": {
            "time": {"max": {"field": "time"}},
            "host": {"terms": {"field": "host"}, "aggs": {"bytes": {"avg": {"field": "bytes"}}}},
        },
    }
}


def histogram(interval="30s", **changes):
    body = {"buckets": {**HISTOGRAM["buckets"], "date_histogram": {"field": "time", "fixed_interval": interval}}}
    body["buckets"].update(changes)
    return body


def test_aggregations_are_chunked_by_their_interval(client):
    name = f"job-{uuid.uuid4().hex[:12]}"
    client.ml.put_job(job_id=name, **config(summary_count_field_name="doc_count"))
    feed = do(client, "PUT", f"/_ml/datafeeds/{name}", {"job_id": name, "indexes": ["feed-source"], "aggs": HISTOGRAM})
    assert feed["chunking_config"] == {"mode": "manual", "time_span": "30000000ms"}
    assert feed["aggregations"] == HISTOGRAM
    rows = do(client, "GET", f"/_ml/datafeeds/{name}/_preview").body
    assert len(rows) == 240
    assert rows[0] == {"time": START_MS + 29_000, "host": "h0", "bytes": pytest.approx(2.8), "doc_count": 15} or (
        set(rows[0]) == {"time", "host", "bytes", "doc_count"}
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"indices": []}, "Invalid indices value '[]' in datafeed configuration"),
        ({"indices": None}, "[datafeed_config] indices doesn't support values of type: VALUE_NULL"),
        ({"scroll_size": -1}, "Invalid scroll_size value '-1' in datafeed configuration"),
        ({"max_empty_searches": 0}, "Invalid max_empty_searches value '0' in datafeed configuration"),
        ({"max_empty_searches": -2}, "Invalid max_empty_searches value '-2' in datafeed configuration"),
        ({"frequency": "0s"}, "frequency cannot be less or equal than 0. Value = 0s"),
        ({"frequency": "1500ms"}, "frequency has to be a multiple of 1s; actual was '1.5s'"),
        ({"query_delay": "-1"}, "query_delay cannot be less than 0. Value = -1"),
        ({"bogus": 1}, "[datafeed_config] unknown field [bogus]"),
        ({"headers": {}}, "[datafeed_config] unknown field [headers]"),
        ({"aggs": {}, "aggregations": {}}, "Found two aggregation definitions: [aggs] and [aggregations]"),
        (
            {"aggregations": {"a": {"avg": {"field": "bytes"}}}},
            "A date_histogram (or histogram) aggregation is required",
        ),
        (
            {"aggregations": {**HISTOGRAM, "b": {"max": {"field": "x"}}}},
            "The date_histogram (or histogram) aggregation cannot have sibling aggregations",
        ),
        (
            {"aggregations": histogram(aggs={"b": {"max": {"field": "x"}}})},
            "Date histogram must have nested max aggregation for time_field [time]",
        ),
        (
            {"aggregations": HISTOGRAM},
            "A job configured with a datafeed with aggregations must set summary_count_field_name; use doc_count or suitable alternative",
        ),
        (
            {"delayed_data_check_config": {"enabled": True, "check_window": "30s"}},
            "delayed_data_check_config: check_window [30s] must be greater than the bucket_span [1m]",
        ),
        (
            {"delayed_data_check_config": {"enabled": True, "check_window": "25h"}},
            "check_window [25h] must be less than or equal to [24h]",
        ),
        ({"chunking_config": {"mode": "manual"}}, "when chunk mode is manual time_span is required"),
        ({"aggregations": {}}, "aggs cannot be empty"),
        (
            {"chunking_config": {"mode": "auto", "time_span": "1h"}},
            "chunk time_span may only be set when mode is manual",
        ),
    ],
)
def test_datafeed_rules(client, job_id, body, reason):
    name = f"df-{job_id}"
    sent = {"job_id": job_id, "indices": ["feed-source"], **body}
    status, _, said = refusal(do, client, "PUT", f"/_ml/datafeeds/{name}", sent)
    assert (status, said) == (400, reason)


@pytest.mark.parametrize(
    ("interval", "reason"),
    [
        ("2m", "Aggregation interval [120000ms] must be less than or equal to the bucket_span [60000ms]"),
        ("25s", "Aggregation interval [25000ms] must be a divisor of the bucket_span [60000ms]"),
    ],
)
def test_the_aggregation_interval_fits_the_bucket_span(client, interval, reason):
    body = config(summary_count_field_name="doc_count")
    body["datafeed_config"] = {"indices": ["feed-source"], "aggregations": histogram(interval)}
    assert refusal(client.ml.put_job, job_id="agg-interval", **body)[2] == reason


def test_a_bad_query_is_found_at_creation(client, job_id):
    with pytest.raises(ApiError) as caught:
        client.ml.put_datafeed(datafeed_id="bad", job_id=job_id, indices=["i"], query={"nonsense": {}})
    error = caught.value.body["error"]
    assert caught.value.status_code in {400, 501}
    if caught.value.status_code == 400:
        assert error["reason"] == "[datafeed_config] failed to parse field [query]"
        assert error["caused_by"]["reason"] == "Datafeed query is not parsable"
    assert "nonsense" in str(error)


DOUBLED = {"doubled": {"type": "double", "script": "emit(doc['bytes'].value * 2)"}}
PARITY = {"parity": {"script": {"source": "doc['bytes'].value % params.n == 0 ? 'even' : 'odd'", "params": {"n": 2}}}}


def test_runtime_and_script_fields_are_fields_of_the_documents(client):
    job = config(detectors=[{"function": "mean", "field_name": "doubled", "by_field_name": "parity"}])
    feed = {
        "indices": "feed-source",
        "runtime_mappings": DOUBLED,
        "script_fields": PARITY,
        "query": {"range": {"doubled": {"gte": 6}}},
    }
    rows = client.ml.preview_datafeed(job_config=job, datafeed_config=feed).body
    assert rows[0] == {"time": START_MS + 3_000, "doubled": 6.0, "parity": "odd"}
    assert {(row["doubled"], row["parity"]) for row in rows} == {
        (6.0, "odd"),
        (8.0, "even"),
        (10.0, "odd"),
        (12.0, "even"),
    }


def test_aggregations_see_runtime_fields(client):
    job = config(summary_count_field_name="doc_count", detectors=[{"function": "mean", "field_name": "doubled"}])
    inner = {"time": {"max": {"field": "time"}}, "doubled": {"avg": {"field": "doubled"}}}
    histogram = {"date_histogram": {"field": "time", "fixed_interval": "1m"}, "aggregations": inner}
    feed = {"indices": "feed-source", "runtime_mappings": DOUBLED, "aggregations": {"minutes": histogram}}
    rows = client.ml.preview_datafeed(job_config=job, datafeed_config=feed).body
    assert len(rows) == 60
    assert rows[0]["doubled"] == pytest.approx(2 * sum(number % 7 for number in range(60)) / 60)


def test_script_fields_are_shown_with_their_defaults(client, job_id):
    made = client.ml.put_datafeed(datafeed_id=job_id, job_id=job_id, indices=["feed-source"], script_fields=PARITY)
    shown = {"parity": {"script": {**PARITY["parity"]["script"], "lang": "painless"}, "ignore_failure": False}}
    assert made["script_fields"] == shown
    assert client.ml.update_datafeed(datafeed_id=job_id, script_fields={})["script_fields"] == {}


@pytest.mark.parametrize(
    ("fields", "status", "named"),
    [
        ({"runtime_mappings": {"a": {"type": "long", "script": "for (;;) {}"}}}, 400, "[for]"),
        ({"script_fields": {"a": {"script": "doc['x'].value.matcher('a')"}}}, 400, "[matcher]"),
        ({"runtime_mappings": {"a": {"type": "ip", "script": "emit('::')"}}}, 501, "[ip]"),
    ],
)
def test_scripts_that_cannot_be_carried_out_are_found_at_creation(client, job_id, fields, status, named):
    body = {"job_id": job_id, "indices": ["feed-source"], **fields}
    found, _, reason = refusal(do, client, "PUT", f"/_ml/datafeeds/{job_id}", body)
    assert (found, named in reason) == (status, True)


def test_a_script_about_a_field_that_there_is_not_is_found_at_the_start(client, job_id):
    missing = {"a": {"type": "long", "script": "emit(doc['nowhere'].value)"}}
    client.ml.put_datafeed(datafeed_id=job_id, job_id=job_id, indices=["feed-source"], runtime_mappings=missing)
    client.ml.open_job(job_id=job_id)
    status, _, reason = refusal(client.ml.start_datafeed, datafeed_id=job_id, start=0)
    assert (status, "No field found for [nowhere] in mapping" in reason) == (400, True)


def test_one_datafeed_a_job(client, job_id, feed_id):
    assert refusal(client.ml.put_datafeed, datafeed_id=feed_id, job_id=job_id, indices=["i"]) == (
        400,
        "resource_already_exists_exception",
        f"A datafeed with id [{feed_id}] already exists",
    )
    assert refusal(client.ml.put_datafeed, datafeed_id="second", job_id=job_id, indices=["i"]) == (
        409,
        "status_exception",
        f"A datafeed [{feed_id}] already exists for job [{job_id}]",
    )
    assert refusal(client.ml.put_datafeed, datafeed_id="orphan", job_id="absent", indices=["i"])[0] == 404


def test_update_replaces_keys(client, feed_id):
    before = client.ml.get_datafeeds(datafeed_id=feed_id)["datafeeds"][0]
    changed = client.ml.update_datafeed(
        datafeed_id=feed_id,
        query={"term": {"host": "h1"}},
        frequency="30s",
        max_empty_searches=5,
        indices_options={"expand_wildcards": ["closed", "open"]},
    )
    assert changed["query"] == {"term": {"host": "h1"}}
    assert changed["query_delay"] == before["query_delay"]
    assert changed["indices_options"]["expand_wildcards"] == ["open", "closed"]
    assert changed["indices_options"]["allow_no_indices"] is True
    assert client.ml.get_datafeeds(datafeed_id=feed_id)["datafeeds"][0] == changed.body
    unset = do(client, "POST", f"/_ml/datafeeds/{feed_id}/_update", {"max_empty_searches": -1})
    assert refusal(do, client, "POST", f"/_ml/datafeeds/{feed_id}/_update", {"frequency": None})[2] == (
        "[datafeed_update] frequency doesn't support values of type: VALUE_NULL"
    )
    assert "max_empty_searches" not in unset.body
    assert unset["frequency"] == "30s"
    assert do(client, "POST", f"/_ml/datafeeds/{feed_id}/_update", {}).body == unset.body
    assert refusal(do, client, "POST", f"/_ml/datafeeds/{feed_id}/_update", {"job_id": "x"})[2] == (
        "Datafeed's job_id cannot be changed."
    )


def test_states_of_a_datafeed(client, job_id, feed_id):
    assert refusal(client.ml.start_datafeed, datafeed_id=feed_id) == (
        409,
        "status_exception",
        f"cannot start datafeed [{feed_id}] because job [{job_id}] is closed",
    )
    client.ml.open_job(job_id=job_id)
    assert client.ml.start_datafeed(datafeed_id=feed_id, start=START_MS)["started"] is True
    stats = client.ml.get_datafeed_stats(datafeed_id=feed_id)["datafeeds"][0]
    assert stats["state"] == "started"
    assert stats["node"]["id"]
    assert stats["running_state"]["real_time_configured"] is True
    assert refusal(client.ml.start_datafeed, datafeed_id=feed_id)[2] == (
        f"cannot start datafeed [{feed_id}] because it has already been started"
    )
    assert refusal(client.ml.update_datafeed, datafeed_id=feed_id, frequency="1m") == (
        409,
        "status_exception",
        f"Cannot update datafeed [{feed_id}] while its status is started",
    )
    assert refusal(client.ml.delete_datafeed, datafeed_id=feed_id)[2] == (
        f"Cannot delete datafeed [{feed_id}] while its status is started"
    )
    assert client.ml.stop_datafeed(datafeed_id=feed_id)["stopped"] is True
    assert client.ml.stop_datafeed(datafeed_id=feed_id)["stopped"] is True
    assert client.ml.stop_datafeed(datafeed_id="none-*")["stopped"] is True
    client.ml.start_datafeed(datafeed_id=feed_id)
    client.ml.close_job(job_id=job_id)
    assert client.ml.get_datafeed_stats(datafeed_id=feed_id)["datafeeds"][0]["state"] == "stopped"
    client.ml.open_job(job_id=job_id)
    client.ml.start_datafeed(datafeed_id=feed_id)
    assert client.ml.delete_datafeed(datafeed_id=feed_id, force=True)["acknowledged"] is True
    assert client.ml.get_job_stats(job_id=job_id)["jobs"][0]["state"] == "opened"


def test_force_deleting_a_job_takes_its_running_datafeed_along(client, job_id, feed_id):
    client.ml.open_job(job_id=job_id)
    client.ml.start_datafeed(datafeed_id=feed_id)
    assert refusal(client.ml.delete_job, job_id=job_id)[0] == 409
    client.ml.delete_job(job_id=job_id, force=True)
    assert refusal(client.ml.get_datafeeds, datafeed_id=feed_id) == (
        404,
        "resource_not_found_exception",
        f"No datafeed with id [{feed_id}] exists",
    )


def test_start_is_refused_when_the_data_cannot_be_read(client, job_id):
    def feed(indices, **body):
        client.ml.put_datafeed(datafeed_id=f"df-{job_id}", job_id=job_id, indices=indices, **body)
        try:
            return refusal(client.ml.start_datafeed, datafeed_id=f"df-{job_id}")
        finally:
            client.ml.delete_datafeed(datafeed_id=f"df-{job_id}")

    client.ml.open_job(job_id=job_id)
    name = f"df-{job_id}"
    status, _, reason = feed(["utopia"])
    assert status == 409
    assert f"datafeed [{name}] cannot retrieve data because index [utopia] does not exist" in reason
    assert f"datafeed [{name}] cannot retrieve data because no index matches" in feed(["utopia*"])[2]
    client.indices.create(index="no-fields", mappings={"properties": {"time": {"type": "date"}}})
    assert feed(["no-fields"]) == (
        400,
        "status_exception",
        f"datafeed [{name}] cannot retrieve field [bytes] because it has no mappings",
    )


def test_the_interval_of_a_start(client, job_id, feed_id):
    client.ml.open_job(job_id=job_id)
    bad = refusal(client.ml.start_datafeed, datafeed_id=feed_id, start=1485910800000, end=1485907200000)
    assert bad[0:2] == (400, "action_request_validation_exception")
    assert "start [1485910800000] must be earlier than end [1485907200000]" in bad[2]
    bad = refusal(client.ml.start_datafeed, datafeed_id=feed_id, start="yesterday")
    assert bad[0:2] == (400, "parse_exception")
    assert refusal(do, client, "POST", f"/_ml/datafeeds/{feed_id}/_start?begin=1")[2] == (
        f"request [/_ml/datafeeds/{feed_id}/_start] contains unrecognized parameter: [begin]"
    )


def test_preview_shows_what_the_job_would_see(client, feed_id):
    rows = do(client, "GET", f"/_ml/datafeeds/{feed_id}/_preview").body
    assert len(rows) == 1_000
    assert rows[0] == {"time": START_MS, "host": "h0", "bytes": 0.0}
    later = do(client, "GET", f"/_ml/datafeeds/{feed_id}/_preview?start={START_MS + 3_590_000}").body
    assert [row["time"] for row in later] == [START_MS + second * 1_000 for second in range(3_590, 3_600)]
    body = {"job_config": config(), "datafeed_config": {"indices": ["feed-source"], "query": {"term": {"host": "h1"}}}}
    rows = do(client, "POST", "/_ml/datafeeds/_preview", body).body
    assert {row["host"] for row in rows} == {"h1"}
    assert refusal(do, client, "POST", f"/_ml/datafeeds/{feed_id}/_preview", body)[0] == 400


@pytest.mark.parametrize(
    "hostile",
    [
        "a\" LIMIT 0; COPY (SELECT 42 AS x) TO '{file}'; SELECT 1 AS \"b",
        "(SELECT content FROM read_text('{file}'))",
        "x'; --",
        "time\0",
        "x" * 10_000,
    ],
)
@pytest.mark.parametrize("indices", ["feed-source", "nothing-*"])
def test_any_name_in_a_preview_is_a_name(client, tmp_path, hostile, indices):
    file = tmp_path / "new"
    name = hostile.replace("{file}", str(file))
    detectors = [{"function": "mean", "field_name": name, "by_field_name": "host"}]
    analysis = {"bucket_span": "1h", "detectors": detectors, "influencers": [name]}
    for time_field in (name, "time"):
        job = {"analysis_config": analysis, "data_description": {"time_field": time_field}}
        body = {"datafeed_config": {"indices": [indices]}, "job_config": job}
        status, rows = 200, []
        try:
            rows = do(client, "POST", "/_ml/datafeeds/_preview", body).body
        except ApiError as error:
            status = error.meta.status
        assert status in {200, 400}
        assert all(row.keys() <= {"time", "host"} for row in rows)
        assert not file.exists()
