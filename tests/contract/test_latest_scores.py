"""How anomalous the latest bucket of each job is: one search over what jobs have found."""

from __future__ import annotations

import asyncio
import time

import pytest

from anomalyops.elastic import Endpoint, Gateway
from anomalyops.reconciler import Observer
from waiting import PATIENCE_S

HOUR = 3_600_000
NOW = int(time.time() * 1000)
BUCKET = NOW // HOUR * HOUR - HOUR  # the latest that is over


@pytest.fixture
async def gateway(shared_engine):
    made = Gateway(Endpoint(urls=(shared_engine.url,)))
    yield made
    await made.close()


@pytest.fixture
def job(client):
    """A job over events whose last finished hour has fifty times as many as every hour before."""
    index, job_id, feed = "latest-scores", "latest-scores-job", "latest-scores-feed"
    client.indices.create(index=index, mappings={"properties": {"@timestamp": {"type": "date"}}})
    operations = []
    for hour in range(24 * 7, 0, -1):
        at = BUCKET - (hour - 1) * HOUR
        for number in range(500 if hour == 1 else 8 + hour % 5):
            operations += [{"index": {}}, {"@timestamp": at + number * 5_000}]
    client.bulk(index=index, operations=operations, refresh=True)
    client.ml.put_job(
        job_id=job_id,
        analysis_config={"bucket_span": "1h", "detectors": [{"function": "high_count"}]},
        data_description={"time_field": "@timestamp"},
    )
    client.ml.put_datafeed(datafeed_id=feed, job_id=job_id, indices=[index], query_delay="1s")
    yield job_id, feed
    client.ml.stop_datafeed(datafeed_id=feed, force=True)
    client.ml.close_job(job_id=job_id, force=True)
    client.ml.delete_job(job_id=job_id, force=True)
    client.indices.delete(index=index)


async def test_the_latest_finished_bucket_and_its_worst_record(client, gateway, job):
    job_id, feed = job
    client.ml.open_job(job_id=job_id)
    client.ml.start_datafeed(datafeed_id=feed, start=BUCKET - 24 * 7 * HOUR, end=BUCKET + HOUR)
    deadline = time.monotonic() + PATIENCE_S
    while client.ml.get_job_stats(job_id=job_id)["jobs"][0]["state"] != "closed":
        assert time.monotonic() < deadline, "the lookback has not ended"
        await asyncio.sleep(0.1)
    latest = client.ml.get_buckets(job_id=job_id, sort="timestamp", desc=True, exclude_interim=True, size=1)["buckets"][
        0
    ]
    assert latest["timestamp"] == BUCKET

    found = (await gateway.latest_scores([3600, 900], NOW))[job_id]
    assert (found.bucket_ms, found.bucket) == (BUCKET, latest["anomaly_score"])
    assert found.bucket > 50, "fifty times as many events are anomalous"
    assert found.record >= found.bucket

    seen = await Observer(gateway).observe(scored_spans=[3600])
    assert seen.scores[job_id] == found
    assert seen.scores_problem == ""
    assert job_id not in await gateway.latest_scores([3600], NOW + 5 * HOUR), "it is no news five hours later"
    assert job_id not in await gateway.latest_scores([900], NOW), "its bucket span was not asked for"
    assert (await Observer(gateway).observe()).scores == {}, "nobody asked"
