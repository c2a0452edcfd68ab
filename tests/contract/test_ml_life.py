"""A job's data from the first document to the result: lookback, resume, crash, real time, late documents."""

import math
import random
import time
from datetime import UTC, datetime

import pytest
from elasticsearch.helpers import bulk

from waiting import until

MINUTE_MS = 60_000
START_MS = 1_700_006_400_000  # midnight
BUCKETS = 6 * 1440 // 5  # six days of 5-minute buckets
SPAN_MS = 5 * MINUTE_MS
END_MS = START_MS + BUCKETS * SPAN_MS
OUTAGE = range(1500, 1512)
SPIKE = 1300


def documents():
    """Six days of requests with a daily rhythm, one hour without any, and one bucket of slow answers of one host."""
    chance = random.Random(7)
    for bucket in range(BUCKETS):
        usual = 12 + 6 * math.sin(2 * math.pi * bucket / 288)
        for _ in range(0 if bucket in OUTAGE else max(round(chance.gauss(usual, 1.5)), 1)):
            host = f"web-{chance.randrange(3)}"
            slow = bucket == SPIKE and host == "web-1"
            yield {
                "_index": "requests",
                "time": START_MS + bucket * SPAN_MS + chance.randrange(SPAN_MS),
                "host": host,
                "latency": chance.gauss(900 if slow else 100, 10),
            }


JOB = {
    "analysis_config": {
        "bucket_span": "5m",
        "detectors": [
            {"function": "low_count"},
            {"function": "mean", "field_name": "latency", "partition_field_name": "host"},
        ],
        "influencers": ["host"],
    },
    "data_description": {"time_field": "time"},
    "model_plot_config": {"enabled": True},
    "custom_settings": {"owner": {"team": "web"}},
}


def load(client):
    client.indices.create(
        index="requests",
        mappings={
            "properties": {
                "time": {"type": "date"},
                "host": {"type": "keyword"},
                "latency": {"type": "double"},
            }
        },
    )
    bulk(client, documents(), chunk_size=5_000)
    client.indices.refresh(index="requests")


def create(client, job_id="web", **feed):
    client.ml.put_job(job_id=job_id, **JOB, datafeed_config={"indices": ["requests"], **feed})
    client.ml.open_job(job_id=job_id)


def job_stats(client, job_id="web"):
    return client.ml.get_job_stats(job_id=job_id)["jobs"][0]


def feed_stats(client, job_id="web"):
    return client.ml.get_datafeed_stats(datafeed_id=job_id)["datafeeds"][0]


def wait_stopped(client, job_id="web"):
    until(lambda: feed_stats(client, job_id)["state"] == "stopped")


def wait_buckets(client, at_least, job_id="web"):
    until(lambda: job_stats(client, job_id)["data_counts"]["bucket_count"] >= at_least)


def results(client, job_id="web"):
    """Everything that was found, without what depends on the clock or on the job's name."""
    found = []
    for hit in client.search(index=f".ml-anomalies-{job_id}", size=10_000, query={"match_all": {}})["hits"]["hits"]:
        source = {key: value for key, value in hit["_source"].items() if key not in {"processing_time_ms", "job_id"}}
        for influencer in source.get("bucket_influencers", ()):
            influencer.pop("job_id", None)
        if source.get("result_type") in {"bucket", "record", "influencer", "model_plot"}:
            found.append((hit["_id"].removeprefix(job_id), source))
    return sorted(found, key=lambda pair: pair[0])


def assert_same_results(one, other):
    assert [key for key, _ in one] == [key for key, _ in other]
    different = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    assert not different, f"{len(different)} of {len(one)} differ, such as {different[0]}"


def counts(client, job_id="web"):
    clocked = {"job_id", "log_time", "last_data_time"}
    return {key: value for key, value in job_stats(client, job_id)["data_counts"].items() if key not in clocked}


def messages(client, job_id="web"):
    hits = client.search(
        index=".ml-notifications-*", query={"term": {"job_id": job_id}}, sort=[{"timestamp": "asc"}], size=1_000
    )["hits"]["hits"]
    return [hit["_source"]["message"] for hit in hits]


@pytest.fixture(scope="module")
def looked_back(shared_engine):
    """An engine with one undisturbed lookback."""
    with shared_engine.client() as client:
        load(client)
        create(client)
        client.ml.start_datafeed(datafeed_id="web", end=END_MS)
        # The first run of a new version compiles the learners' loops.
        until(lambda: feed_stats(client)["state"] == "stopped")
        yield client


def test_a_lookback_ends_and_closes_its_job(looked_back):
    stats = job_stats(looked_back)
    assert stats["state"] == "closed"
    said = messages(looked_back)
    for message in ("Datafeed lookback completed", "Datafeed stopped", "Job is closing"):
        assert message in said
    started = next(message for message in said if message.startswith("Datafeed started"))
    assert started == (
        "Datafeed started (from: 1970-01-01T00:00:00.000Z to: 2023-11-21T00:00:00.000Z) with frequency [150000ms]"
    )
    job = looked_back.ml.get_jobs(job_id="web")["jobs"][0]
    assert job["custom_settings"] == {"owner": {"team": "web"}}
    snapshots = looked_back.ml.get_model_snapshots(job_id="web")
    assert [s["snapshot_id"] for s in snapshots["model_snapshots"]] == [job["model_snapshot_id"]]


def test_counts_are_true(looked_back):
    stats = job_stats(looked_back)
    total = looked_back.count(index="requests")["count"]
    counted = stats["data_counts"]
    assert counted["processed_record_count"] == counted["input_record_count"] == total
    assert counted["bucket_count"] == BUCKETS
    assert counted["empty_bucket_count"] == len(OUTAGE)
    assert counted["latest_empty_bucket_timestamp"] == START_MS + OUTAGE[-1] * SPAN_MS
    assert START_MS <= counted["earliest_record_timestamp"] < START_MS + SPAN_MS
    assert END_MS - SPAN_MS <= counted["latest_record_timestamp"] < END_MS
    assert counted["processed_field_count"] == 2 * total
    assert stats["model_size_stats"]["model_bytes"] > 0
    assert stats["timing_stats"]["bucket_count"] == BUCKETS
    assert feed_stats(looked_back)["timing_stats"]["bucket_count"] == BUCKETS


def test_the_planted_anomalies_are_found(looked_back):
    records = looked_back.ml.get_records(job_id="web", record_score=75, size=500)["records"]
    outage = {(r["timestamp"] - START_MS) // SPAN_MS for r in records if r["function"] == "low_count"}
    spike = [r for r in records if r["function"] == "mean"]
    # An outage is one alarm: loud at its onset, until the learner has followed it.
    assert set(OUTAGE[:3]) <= outage <= set(range(OUTAGE[0], OUTAGE[-1] + 12))
    assert [r["partition_field_value"] for r in spike if r["timestamp"] == START_MS + SPIKE * SPAN_MS] == ["web-1"]
    assert any(
        i["influencer_field_value"] == "web-1"
        for i in looked_back.ml.get_influencers(job_id="web", influencer_score=25)["influencers"]
    )


def test_results_are_paged_sorted_and_filtered(looked_back):
    everything = looked_back.ml.get_buckets(job_id="web", size=10_000)
    assert everything["count"] == len(everything["buckets"]) == BUCKETS
    times = [bucket["timestamp"] for bucket in everything["buckets"]]
    assert times == sorted(times)
    window = looked_back.ml.get_buckets(job_id="web", start=START_MS, end=START_MS + 3 * SPAN_MS)
    assert [b["timestamp"] for b in window["buckets"]] == times[:3]
    page = looked_back.ml.get_buckets(job_id="web", page={"from": 10, "size": 2})
    assert (page["count"], [b["timestamp"] for b in page["buckets"]]) == (BUCKETS, times[10:12])
    top = looked_back.ml.get_buckets(job_id="web", sort="anomaly_score", desc=True, size=1, expand=True)["buckets"][0]
    assert top["anomaly_score"] == max(bucket["anomaly_score"] for bucket in everything["buckets"])
    assert top["records"]
    assert all(record["timestamp"] == top["timestamp"] for record in top["records"])
    one = looked_back.ml.get_buckets(job_id="web", timestamp=str(top["timestamp"]))
    assert [bucket["timestamp"] for bucket in one["buckets"]] == [top["timestamp"]]
    text = datetime.fromtimestamp(top["timestamp"] / 1000, UTC).isoformat()
    assert looked_back.ml.get_buckets(job_id="web", timestamp=text)["buckets"] == one["buckets"]
    records = looked_back.ml.get_records(job_id="web", size=10_000)["records"]
    scores = [record["record_score"] for record in records]
    assert scores == sorted(scores, reverse=True)
    overall = looked_back.ml.get_overall_buckets(job_id="web", overall_score=50, bucket_span="1h")
    assert {b["timestamp"] % 3_600_000 for b in overall["overall_buckets"]} == {0}
    assert START_MS + OUTAGE[0] * SPAN_MS in {b["timestamp"] for b in overall["overall_buckets"]}


def test_results_are_documents(looked_back):
    found = looked_back.search(
        index=".ml-anomalies-*",
        query={"bool": {"filter": [{"term": {"job_id": "web"}}, {"term": {"result_type": "model_plot"}}]}},
        size=1,
    )
    assert found["hits"]["total"]["value"] > BUCKETS
    assert {"model_lower", "model_upper", "model_median"} <= set(found["hits"]["hits"][0]["_source"])


def test_a_lookback_without_data_says_so(looked_back):
    create(looked_back, "empty")
    looked_back.ml.start_datafeed(datafeed_id="empty", start=END_MS + SPAN_MS, end=END_MS + 9 * SPAN_MS)
    wait_stopped(looked_back, "empty")
    assert "Datafeed lookback retrieved no data" in messages(looked_back, "empty")
    assert job_stats(looked_back, "empty")["state"] == "closed"


def test_reset_forgets_the_model_and_the_same_data_gives_the_same_results(looked_back):
    create(looked_back, "again")
    looked_back.ml.start_datafeed(datafeed_id="again", end=START_MS + 700 * SPAN_MS)
    wait_stopped(looked_back, "again")
    looked_back.ml.reset_job(job_id="again")
    assert counts(looked_back, "again")["processed_record_count"] == 0
    assert looked_back.ml.get_buckets(job_id="again")["count"] == 0
    assert looked_back.ml.get_jobs(job_id="again")["jobs"][0]["custom_settings"] == JOB["custom_settings"]
    looked_back.ml.open_job(job_id="again")
    looked_back.ml.start_datafeed(datafeed_id="again", end=END_MS)
    wait_stopped(looked_back, "again")
    assert_same_results(results(looked_back, "again"), results(looked_back))
    looked_back.ml.delete_job(job_id="again")
    gone = looked_back.count(index=".ml-anomalies-*", query={"term": {"job_id": "again"}})
    assert gone["count"] == 0


def test_results_are_kept_as_long_as_the_job_says(looked_back):
    looked_back.ml.put_job(job_id="short", **JOB, results_retention_days=1, datafeed_config={"indices": ["requests"]})
    looked_back.ml.open_job(job_id="short")
    looked_back.ml.start_datafeed(datafeed_id="short", end=END_MS)
    wait_stopped(looked_back, "short")
    kept = looked_back.ml.get_buckets(job_id="short", size=10_000)["buckets"]
    latest = job_stats(looked_back, "short")["data_counts"]["latest_bucket_timestamp"]
    assert min(bucket["timestamp"] for bucket in kept) == latest - 24 * 3_600_000
    assert max(bucket["timestamp"] for bucket in kept) == latest
    assert any(message.startswith("Deleted results prior to 2023-11-") for message in messages(looked_back, "short"))
    looked_back.ml.delete_job(job_id="short")


def test_pauses_and_updates_of_the_feed_skip_nothing_and_repeat_nothing(looked_back):
    create(looked_back, "paused")
    for part in (400, 401, 900):
        looked_back.ml.start_datafeed(datafeed_id="paused", start=START_MS, end=START_MS + part * SPAN_MS + 1_234)
        wait_stopped(looked_back, "paused")
        assert counts(looked_back, "paused")["bucket_count"] == part
        looked_back.ml.update_datafeed(datafeed_id="paused", query_delay="70s", scroll_size=part)
        looked_back.ml.open_job(job_id="paused")
    looked_back.ml.start_datafeed(datafeed_id="paused", end=END_MS)
    looked_back.ml.stop_datafeed(datafeed_id="paused")
    assert job_stats(looked_back, "paused")["state"] == "closed"
    looked_back.ml.open_job(job_id="paused")
    looked_back.ml.start_datafeed(datafeed_id="paused", end=END_MS)
    wait_stopped(looked_back, "paused")
    assert counts(looked_back, "paused") == counts(looked_back)
    assert_same_results(results(looked_back, "paused"), results(looked_back))


def test_a_killed_engine_goes_on_where_it_was(engine, looked_back):
    with engine.client() as client:
        load(client)
        create(client)
        client.ml.start_datafeed(datafeed_id="web", end=END_MS)
        wait_buckets(client, 1)
    engine.kill()
    engine.start()
    with engine.client() as client:
        assert job_stats(client)["state"] in {"opened", "closed"}
        wait_buckets(client, 200)
    engine.kill()
    engine.restart()
    with engine.client() as client:
        wait_stopped(client)
        assert counts(client) == counts(looked_back)
        assert_same_results(results(client), results(looked_back))
        assert job_stats(client)["state"] == "closed"
        assert client.ml.get_jobs(job_id="web")["jobs"][0]["custom_settings"] == JOB["custom_settings"]


LIVE = {
    "analysis_config": {"bucket_span": "1s", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "time"},
}
FAST = {"indices": ["live"], "query_delay": "500ms", "frequency": "1s"}


def send(client, *times_ms):
    """All at once: no look of a datafeed comes between two of them."""
    bulk(client, ({"_index": "live", "time": moment, "kind": "x"} for moment in times_ms), refresh=True)


def now_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture
def live(engine):
    with engine.client() as client:
        client.indices.create(index="live", mappings={"properties": {"time": {"type": "date"}}})
        yield client


def test_real_time_sees_new_documents_in_whole_buckets(live):
    send(live, now_ms() - 5_000)
    live.ml.put_job(job_id="live", **LIVE, datafeed_config=FAST)
    live.ml.open_job(job_id="live")
    live.ml.start_datafeed(datafeed_id="live")
    until(lambda: feed_stats(live, "live")["running_state"]["real_time_running"])
    send(live, *[now_ms() + 5_000 + offset for offset in (0, 1, 2)])  # there before their bucket is read
    until(lambda: job_stats(live, "live")["data_counts"]["processed_record_count"] == 4)
    stats = job_stats(live, "live")
    assert stats["state"] == "opened"
    buckets = live.ml.get_buckets(job_id="live", size=10_000)["buckets"]
    times = [bucket["timestamp"] for bucket in buckets]
    assert times == list(range(times[0], times[-1] + 1, 1_000))
    assert sum(bucket["event_count"] for bucket in buckets) == 4
    assert times[-1] + 1_000 <= now_ms() - 500
    interval = feed_stats(live, "live")["running_state"]["search_interval"]
    assert interval["end_ms"] % 1_000 == 0
    live.ml.stop_datafeed(datafeed_id="live")
    assert job_stats(live, "live")["state"] == "opened"
    said = messages(live, "live")
    assert "Datafeed continued in real-time" in said
    assert said[-1] == "Datafeed stopped"
    # What arrives while it is stopped is read at the next start, once.
    send(live, now_ms())
    live.ml.start_datafeed(datafeed_id="live")
    until(lambda: job_stats(live, "live")["data_counts"]["processed_record_count"] == 5)
    buckets = live.ml.get_buckets(job_id="live", size=10_000)["buckets"]
    times = [bucket["timestamp"] for bucket in buckets]
    assert times == list(range(times[0], times[-1] + 1, 1_000))


def test_late_documents_are_missed_and_told(live):
    send(live, *[now_ms() - 4_000 + second * 1_000 for second in range(5)])
    check = {"enabled": True, "check_window": "1m"}
    live.ml.put_job(job_id="live", **LIVE, datafeed_config={**FAST, "delayed_data_check_config": check})
    live.ml.open_job(job_id="live")
    live.ml.start_datafeed(datafeed_id="live")
    until(lambda: job_stats(live, "live")["data_counts"]["processed_record_count"] == 5)
    late_ms = live.ml.get_buckets(job_id="live", desc=True)["buckets"][0]["timestamp"]
    send(live, late_ms + 10, late_ms + 20)

    def told():
        return [m for m in messages(live, "live") if m.startswith("Datafeed has missed 2 documents")]

    until(told)
    assert "due to ingest latency, latest bucket with missing data is [" in told()[0]
    assert told()[0].endswith("]. Consider increasing query_delay")
    annotation = live.search(index=".ml-annotations-*", query={"term": {"event": "delayed_data"}})["hits"]["hits"]
    assert [hit["_source"]["timestamp"] for hit in annotation] == [late_ms]
    assert job_stats(live, "live")["data_counts"]["processed_record_count"] == 5


def test_a_feed_that_never_finds_data_stops_after_max_empty_searches(live):
    live.ml.put_job(job_id="live", **LIVE, datafeed_config={**FAST, "max_empty_searches": 2})
    live.ml.open_job(job_id="live")
    live.ml.start_datafeed(datafeed_id="live")
    wait_stopped(live, "live")
    assert job_stats(live, "live")["state"] == "closed"


def test_trouble_while_reading_is_told_once_and_so_is_recovery(live):
    send(live, now_ms() - 3_000)
    live.ml.put_job(job_id="live", **LIVE, datafeed_config=FAST)
    live.ml.open_job(job_id="live")
    live.ml.start_datafeed(datafeed_id="live")
    until(lambda: job_stats(live, "live")["data_counts"]["processed_record_count"] == 1)
    live.indices.delete(index="live")
    until(lambda: any("encountering errors extracting data" in m for m in messages(live, "live")))
    assert feed_stats(live, "live")["state"] == "started"
    time.sleep(2.5)
    live.indices.create(index="live", mappings={"properties": {"time": {"type": "date"}}})
    until(lambda: "Datafeed has recovered data extraction and analysis" in messages(live, "live"))
    errors = [m for m in messages(live, "live") if "encountering errors" in m]
    assert len(errors) == 1
    assert "no such index [live]" in errors[0]
