"""A small shop's requests, and jobs over them that keep no model plot, or one of several parts."""

from __future__ import annotations

from typing import Any

from elasticsearch import Elasticsearch

from waiting import until

INDEX = "shop"
START_S = 1_772_323_200  # 2026-03-01T00:00:00Z
HOURS = 24 * 12
LOUD = HOURS - 40
"""The hour in which host a sends far too much."""
PLAIN = "shop_plain"
PARTS = "shop_parts"


def documents() -> list[dict[str, Any]]:
    """Requests of two hosts: host b rests every sixth hour."""
    found = []
    for hour in range(HOURS):
        for host in ("a", "b"):
            if host == "b" and hour % 6 == 5:
                continue
            for number in range(3 + hour % 3):
                size = 100 + 10 * (hour % 24) + 7 * number + (5000 if host == "a" and hour == LOUD else 0)
                at = (START_S + 3600 * hour + 600 * number) * 1000
                found.append({"time": at, "host": host, "client": f"c{number}", "bytes": size})
    return found


def detectors() -> list[dict[str, Any]]:
    """One of each way to be drawn, and one that has none."""
    return [
        {"function": "count"},
        {"function": "mean", "field_name": "bytes", "partition_field_name": "host"},
        {"function": "sum", "field_name": "bytes", "by_field_name": "host"},
        {"function": "distinct_count", "field_name": "client"},
        {"function": "info_content", "field_name": "client"},
    ]


def load(client: Elasticsearch) -> None:
    """Write the requests and let both jobs learn them."""
    mappings = {name: {"type": "keyword"} for name in ("host", "client")}
    client.indices.create(
        index=INDEX, mappings={"properties": {**mappings, "time": {"type": "date"}, "bytes": {"type": "long"}}}
    )
    operations = [part for document in documents() for part in ({"index": {}}, document)]
    client.bulk(index=INDEX, operations=operations, refresh=True)
    learn(client, PLAIN, detectors())
    learn(client, PARTS, [{"function": "metric", "field_name": "bytes"}], model_plot_config={"enabled": True})


def crowd(client: Elasticsearch) -> list[str]:
    """Write what seven hosts did, each of which is loud in an hour of its own; their names in order."""
    hosts = [f"crowd-{number}" for number in range(7)]
    client.indices.create(
        index="crowd", mappings={"properties": {"time": {"type": "date"}, "host": {"type": "keyword"}}}
    )
    documents = [
        {"time": (START_S + 3600 * hour) * 1000, "host": host}
        for hour in range(HOURS)
        for place, host in enumerate(hosts)
        for _ in range(60 if hour == LOUD + 3 * place else 2)
    ]
    client.bulk(index="crowd", operations=[part for one in documents for part in ({"index": {}}, one)], refresh=True)
    return hosts


def visits(client: Elasticsearch) -> None:
    """Write which pages were visited: two in each hour, and one once."""
    pages = [(hour, page) for hour in range(HOURS) for page in ("/", "/buy")] + [(LOUD, "/admin")]
    client.indices.create(
        index="visits", mappings={"properties": {"time": {"type": "date"}, "page": {"type": "keyword"}}}
    )
    documents = [{"time": (START_S + 3600 * hour) * 1000, "page": page, "host": "a"} for hour, page in pages]
    client.bulk(index="visits", operations=[part for one in documents for part in ({"index": {}}, one)], refresh=True)


def travels(client: Elasticsearch) -> None:
    """Write where a card was used: about Suva, on both sides of the 180th meridian, and once in Munich."""
    properties = {"time": {"type": "date"}, "place": {"type": "geo_point"}, "host": {"type": "keyword"}}
    client.indices.create(index="travels", mappings={"properties": properties})
    documents = [
        {
            "time": (START_S + 3600 * hour + 60 * number) * 1000,
            "place": {"lat": -18.1 + 0.01 * number, "lon": 178.4 if hour % 2 else -179.9},
            "host": "card",
        }
        for hour in range(HOURS)
        for number in range(3)
    ]
    documents += [{"time": (START_S + 3600 * LOUD + 1800) * 1000, "place": {"lat": 48.1, "lon": 11.6}, "host": "card"}]
    client.bulk(index="travels", operations=[part for one in documents for part in ({"index": {}}, one)], refresh=True)


def learn(
    client: Elasticsearch,
    job: str,
    of: list[dict[str, Any]],
    *,
    hours: int = HOURS,
    index: str = INDEX,
    **more: Any,
) -> None:
    """Create a job with a datafeed over all documents, and wait until it has seen those of the first hours."""
    client.ml.put_job(
        job_id=job,
        analysis_config={"bucket_span": "1h", "detectors": of, "influencers": ["host"]},
        data_description={"time_field": "time"},
        **more,
    )
    client.ml.put_datafeed(datafeed_id=job, job_id=job, indices=[index])
    client.ml.open_job(job_id=job)
    run(client, job, hours)


def run(client: Elasticsearch, job: str, hours: int) -> None:
    """Let the datafeed of an open job go on to an hour, and wait until both have come to their end."""
    client.ml.start_datafeed(datafeed_id=job, end=(START_S + 3600 * hours) * 1000, timeout="60s")
    until(
        lambda: (
            client.ml.get_datafeed_stats(datafeed_id=job)["datafeeds"][0]["state"] == "stopped"
            and client.ml.get_job_stats(job_id=job)["jobs"][0]["state"] == "closed"
        ),
        f"the end of {job}",
    )
