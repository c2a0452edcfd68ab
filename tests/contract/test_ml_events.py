"""Calendars and filters at work: a job's data through a datafeed, with events and filters that change on the way."""

import random
import time

import pytest
from elasticsearch.helpers import bulk

from waiting import PATIENCE_S

HOUR_MS = 3_600_000
START_MS = 1_700_006_400_000  # midnight
HOURS = 24 * 20
PEAKS = {300: "a", 310: "b", 330: "a", 340: "b", 400: "a", 410: "b", 430: "b"}


def documents():
    chance = random.Random(5)
    for hour in range(HOURS):
        for host in "ab":
            for _ in range(3):
                value = chance.gauss(900 if PEAKS.get(hour) == host else 100, 5)
                at = START_MS + hour * HOUR_MS + chance.randrange(HOUR_MS)
                yield {"_index": "values", "time": at, "host": host, "value": value}


@pytest.fixture
def client(engine):
    with engine.client() as client:
        properties = {"time": {"type": "date"}, "host": {"type": "keyword"}, "value": {"type": "double"}}
        client.indices.create(index="values", mappings={"properties": properties})
        bulk(client, documents(), chunk_size=5_000)
        client.indices.refresh(index="values")
        yield client


def put_job(client, **options):
    scope = {"host": {"filter_id": "quiet"}}
    detector = {"function": "mean", "field_name": "value", "partition_field_name": "host"}
    detector["custom_rules"] = [{"actions": ["skip_result"], "scope": scope}]
    client.ml.put_job(
        job_id="j",
        analysis_config={"bucket_span": "1h", "detectors": [detector]},
        data_description={"time_field": "time"},
        datafeed_config={"datafeed_id": "d", "indices": ["values"]},
        **options,
    )


def run_until(client, hour):
    client.ml.open_job(job_id="j")
    client.ml.start_datafeed(datafeed_id="d", start="0", end=str(START_MS + hour * HOUR_MS))
    deadline = time.monotonic() + PATIENCE_S
    while client.ml.get_job_stats(job_id="j")["jobs"][0]["state"] != "closed":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def records(client):
    found = client.ml.get_records(job_id="j", size=1000, sort="timestamp", desc=False)["records"]
    return [((one["timestamp"] - START_MS) // HOUR_MS, one["partition_field_value"]) for one in found]


def peaks(client):
    return [(hour, host) for hour, host in records(client) if PEAKS.get(hour) == host]


def event(description, hour, hours=1, **options):
    begin = START_MS + int(hour * HOUR_MS)
    return {"description": description, "start_time": begin, "end_time": begin + int(hours * HOUR_MS), **options}


def test_filters_and_events_that_change_on_the_way(client):
    client.ml.put_filter(filter_id="quiet", items=["b"])
    client.ml.put_calendar(calendar_id="days", job_ids=["group"])
    client.ml.post_calendar_events(calendar_id="days", events=[event("maintenance", 299.5, 2), event("move", 300)])
    put_job(client, groups=["group"])
    run_until(client, 320)
    assert peaks(client) == []  # host a's is in the event, host b is in the filter

    found = client.ml.get_buckets(job_id="j", start=str(START_MS + 298 * HOUR_MS), end=str(START_MS + 303 * HOUR_MS))[
        "buckets"
    ]
    assert [bucket.get("scheduled_events") for bucket in found] == [
        None,
        ["maintenance"],
        ["maintenance", "move"],
        ["maintenance"],
        None,
    ]
    assert [bucket["anomaly_score"] for bucket in found] == [0.0] * 5
    assert all(bucket["event_count"] == 6 for bucket in found)

    client.ml.update_filter(filter_id="quiet", add_items=["a*"], remove_items=["b"])
    run_until(client, 350)
    assert peaks(client) == [(340, "b")]  # now host a is in the filter

    client.ml.update_filter(filter_id="quiet", remove_items=["a*"])
    event_id = client.ml.get_calendar_events(calendar_id="days")["events"][0]["event_id"]
    client.ml.delete_calendar_event(calendar_id="days", event_id=event_id)
    client.ml.post_calendar_events(calendar_id="days", events=[event("late", 425, 10)])
    run_until(client, HOURS)
    assert peaks(client) == [(340, "b"), (400, "a"), (410, "b")]


def test_what_was_learnt_beside_events_survives_a_kill(engine):
    """A journal is learnt again with the events of its time, whatever calendars say now."""
    with engine.client() as client:
        properties = {"time": {"type": "date"}, "host": {"type": "keyword"}, "value": {"type": "double"}}
        client.indices.create(index="values", mappings={"properties": properties})
        bulk(client, documents(), chunk_size=5_000)
        client.ml.put_filter(filter_id="quiet", items=[])
        client.ml.put_calendar(calendar_id="days", job_ids=["_all"])
        client.ml.post_calendar_events(calendar_id="days", events=[event("week", 200, 50), event("day", 300, 24)])
        put_job(client)
        client.ml.open_job(job_id="j")
        client.ml.start_datafeed(datafeed_id="d", start="0")
        last = START_MS + (HOURS - 1) * HOUR_MS
        deadline = time.monotonic() + PATIENCE_S
        while client.ml.get_job_stats(job_id="j")["jobs"][0]["data_counts"].get("latest_bucket_timestamp", 0) < last:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        client.ml.delete_calendar(calendar_id="days")
        before = records(client)
    engine.kill()
    engine.start()
    with engine.client() as client:
        assert records(client) == before
        assert peaks(client) == [(330, "a"), (340, "b"), (400, "a"), (410, "b"), (430, "b")]
        client.ml.close_job(job_id="j")  # the journal is learnt again for the snapshot
        assert client.ml.get_job_stats(job_id="j")["jobs"][0]["state"] == "closed"
