"""Functions that are no series, from documents through a datafeed to records that can be searched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch, helpers

from waiting import PATIENCE_S

HOUR_MS = 3_600_000
START_MS = 1_704_067_200_000
HOURS = 24 * 42
INCIDENT = 24 * 38 + 3


@pytest.fixture(scope="module")
def client(shared_engine: Any) -> Iterator[Elasticsearch]:
    """Logins of four users at their desks, with a summary count; in one night one of them is far away."""
    rng = np.random.default_rng(1)
    rows = []
    for hour in range(HOURS):
        for user in range(4):
            if 8 <= hour % 24 < 18 and rng.random() < 0.6:
                lat, lon = 50.0 + user + rng.normal(0, 0.02), 8.0 + rng.normal(0, 0.02)
                rows.append((hour, f"u{user}", lat, lon, f"tool{rng.integers(0, 6)}"))
    rows.append((INCIDENT, "u1", -33.5, 151.25, "evil"))
    with shared_engine.client() as client:
        client.indices.create(
            index="logins",
            mappings={
                "properties": {
                    "time": {"type": "date"},
                    "user": {"type": "keyword"},
                    "tool": {"type": "keyword"},
                    "place": {"type": "geo_point"},
                    "n": {"type": "integer"},
                }
            },
        )
        helpers.bulk(
            client,
            (
                {
                    "_index": "logins",
                    "time": START_MS + hour * HOUR_MS + 60_000,
                    "user": user,
                    "tool": tool,
                    "place": {"lat": lat, "lon": lon},
                    "n": 1,
                }
                for hour, user, lat, lon, tool in rows
            ),
            refresh=True,
        )
        yield client


def analysed(client: Elasticsearch, job_id: str, detector: dict[str, Any], **config: Any) -> list[dict[str, Any]]:
    """The critical records of a job of one detector, over all documents."""
    client.ml.put_job(
        job_id=job_id,
        analysis_config={"bucket_span": "1h", "detectors": [detector], "influencers": ["user"], **config},
        data_description={"time_field": "time"},
    )
    client.ml.put_datafeed(datafeed_id=f"feed-{job_id}", job_id=job_id, indices=["logins"])
    client.ml.open_job(job_id=job_id)
    client.ml.start_datafeed(datafeed_id=f"feed-{job_id}", start=START_MS, end=START_MS + HOURS * HOUR_MS)
    deadline = time.monotonic() + PATIENCE_S
    while client.ml.get_datafeed_stats(datafeed_id=f"feed-{job_id}")["datafeeds"][0]["state"] != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    found = client.ml.get_records(job_id=job_id, record_score=75, sort="timestamp")["records"]
    assert {record["timestamp"] for record in found} == {START_MS + INCIDENT * HOUR_MS}
    return list(found)


@pytest.mark.parametrize("config", [{}, {"summary_count_field_name": "n"}], ids=["documents", "summary count"])
def test_rare_times_and_places_are_told(client: Elasticsearch, config: dict[str, Any]) -> None:
    name = "sum-" if config else ""
    (rare,) = analysed(client, f"{name}rare", {"function": "rare", "by_field_name": "tool"}, **config)
    assert (rare["by_field_value"], rare["actual"], rare["user"]) == ("evil", [1.0], ["u1"])
    (when,) = analysed(client, f"{name}time", {"function": "time_of_day", "by_field_name": "user"}, **config)
    assert (when["function_description"], when["by_field_value"]) == ("time", "u1")
    assert when["actual"] == [3 * 3600.0 + 60.0]
    place = {"function": "lat_long", "field_name": "place", "by_field_name": "user"}
    (where,) = analysed(client, f"{name}place", place, **config)
    assert where["geo_results"]["actual_point"] == "-33.500000000000,151.250000000000"
    assert where["actual"] == [-33.5, 151.25]
    assert where["typical"][0] == pytest.approx(51.0, abs=0.1)


def test_points_of_records_are_mapped_as_points(client: Elasticsearch) -> None:
    place = {"function": "lat_long", "field_name": "place", "over_field_name": "user"}
    (record,) = analysed(client, "place-over", place)
    assert record["causes"][0]["geo_results"]["actual_point"] == "-33.500000000000,151.250000000000"
    (mapping,) = client.indices.get_mapping(index=".ml-anomalies-place-over").values()
    properties = mapping["mappings"]["properties"]
    for holder in (properties, properties["causes"]["properties"]):
        assert holder["geo_results"]["properties"]["actual_point"] == {"type": "geo_point"}
