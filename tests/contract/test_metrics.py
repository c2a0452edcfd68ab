"""What Prometheus reads of the engine: counts that agree with what was done, and no name of a job or an index."""

from __future__ import annotations

import threading
import time

import pytest
from elasticsearch import ApiError, AuthorizationException, Elasticsearch
from elasticsearch.helpers import bulk
from engine_metrics import read, samples
from raw_http import RawConnection

from anomalyops_engine.api.admission import MOST_SEARCHES
from engine_process import EngineProcess
from waiting import PATIENCE_S, until

_PASSWORD = "a long way"
_HOUR = 3_600_000


def feed_a_job(client, name):
    client.indices.create(index=name, mappings={"properties": {"time": {"type": "date"}}})
    events = [
        {"_index": name, "time": hour * _HOUR + n} for hour in range(200) for n in range(20 if hour != 190 else 900)
    ]
    bulk(client, events, refresh=True)
    client.ml.put_job(
        job_id=name,
        analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
        data_description={"time_field": "time"},
        datafeed_config={"datafeed_id": name, "indices": [name]},
    )
    client.ml.open_job(job_id=name)
    client.ml.start_datafeed(datafeed_id=name, start=0, end=200 * _HOUR)
    deadline = time.monotonic() + PATIENCE_S
    while client.ml.get_datafeed_stats(datafeed_id=name)["datafeeds"][0]["state"] != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_requests_are_counted_by_class_and_status(engine):
    before = read(engine)
    with engine.client().options(max_retries=0) as client:
        for _ in range(3):
            client.search()
        with pytest.raises(ApiError):
            client.search(index="nothing-of-that-name")
        client.index(index="m", document={"a": 1})
        with pytest.raises(ApiError):
            client.perform_request("GET", "/_nothing/of/that/name")
    after = read(engine)

    def grown(*key):
        return after.get(key, 0) - before.get(key, 0)

    total = "anomalyops_engine_requests_total"
    assert grown(total, "200", "search") == 3
    assert grown(total, "404", "search") == 1
    assert grown(total, "201", "write") == 1
    assert grown(total, "501", "none") == 1
    assert grown("anomalyops_engine_request_duration_seconds_count", "search") == 4
    assert grown("anomalyops_engine_commits_total") >= 1


def test_what_jobs_did_is_what_their_results_say(engine):
    with engine.client() as client:
        feed_a_job(client, "watched")
        stats = client.ml.get_job_stats(job_id="watched")["jobs"][0]
        records = client.ml.get_records(job_id="watched")["count"]
        influencers = client.ml.get_influencers(job_id="watched")["count"]
    found = read(engine)
    assert records > 0
    assert found["anomalyops_engine_buckets_total",] == stats["data_counts"]["bucket_count"]
    assert found["anomalyops_engine_documents_analysed_total",] == stats["data_counts"]["processed_record_count"]
    assert found["anomalyops_engine_results_total", "record"] == records
    assert found["anomalyops_engine_results_total", "influencer"] == influencers
    assert found["anomalyops_engine_jobs", "closed"] == 1
    assert found["anomalyops_engine_datafeeds", "stopped"] == 1
    assert found["anomalyops_engine_learners_ready",] == 1
    file = engine.data / "engine.duckdb"
    assert found["anomalyops_engine_store_bytes",] == pytest.approx(file.stat().st_size, rel=0.9)
    assert not any("watched" in part for key in found for part in key)


def test_bodies_that_are_being_read_are_in_flight(engine):
    half = b"x" * 300_000
    with RawConnection(engine.url) as connection:
        head = f"POST /m/_doc HTTP/1.1\r\nHost: {connection.host}\r\nContent-Type: application/json"
        connection.send(f"{head}\r\nContent-Length: 600000\r\n\r\n".encode() + half)
        until(lambda: read(engine)["anomalyops_engine_in_flight_bytes",] >= len(half))
    until(lambda: not read(engine)["anomalyops_engine_in_flight_bytes",])


def test_figures_come_while_searches_fill_their_threads(engine):
    with engine.client() as client:
        bulk(client, ({"_index": "big", "n": n, "k": str(n % 977)} for n in range(60_000)), refresh=True)
    body = {
        "size": 0,
        "aggs": {"a": {"terms": {"field": "k.keyword", "size": 1000}, "aggs": {"b": {"percentiles": {"field": "n"}}}}},
    }
    stop = threading.Event()

    def search():
        with engine.client().options(max_retries=0) as client:
            while not stop.is_set():
                client.search(index="big", body=body)

    threads = [threading.Thread(target=search) for _ in range(16)]
    for thread in threads:
        thread.start()
    try:
        seen = [read(engine) for _ in range(10)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    names = ("requests_working", "request_threads")
    working, threads = ([found[f"anomalyops_engine_{name}", "search"] for found in seen] for name in names)
    assert any(some == most for some, most in zip(working, threads, strict=True))
    assert all(1 <= most <= MOST_SEARCHES for most in threads)
    assert max(found["anomalyops_engine_requests_waiting", "search"] for found in seen) >= 1


def test_metrics_take_the_right_to_monitor(tmp_path):
    secured = EngineProcess(tmp_path, f"password={_PASSWORD!r}")
    secured.start()
    try:
        with RawConnection(secured.url) as connection:
            assert connection.request("GET", "/_prometheus/metrics").status == 401
        with Elasticsearch(secured.url, basic_auth=("elastic", _PASSWORD), request_timeout=60) as elastic:
            elastic.security.put_user(username="nobody", password="secret-1", roles=["machine_learning_user"])
            elastic.security.put_user(username="scraper", password="secret-1", roles=["remote_monitoring_collector"])
        with (
            Elasticsearch(secured.url, basic_auth=("nobody", "secret-1"), request_timeout=60) as nobody,
            pytest.raises(AuthorizationException, match="nodes/stats"),
        ):
            nobody.perform_request("GET", "/_prometheus/metrics")
        with Elasticsearch(secured.url, basic_auth=("scraper", "secret-1"), request_timeout=60) as scraper:
            text = scraper.perform_request("GET", "/_prometheus/metrics", headers={"accept": "text/plain"}).body
        assert ("anomalyops_engine_requests_total", "403", "state") in samples(text)
    finally:
        secured.kill()
