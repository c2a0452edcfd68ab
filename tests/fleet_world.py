"""A fleet: many jobs with datafeeds, and an hour of their results in which one host has to do with all of them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from anomalyops_insight.server import Endpoint, Server, Session

BEGIN = datetime(2026, 1, 10, 10, tzinfo=UTC)
RESULTS = ".ml-anomalies-shared"
BUCKETS = 12


def plant(client: Any, jobs: int) -> None:
    """Jobs, their datafeeds and an hour of their results."""
    kinds = {"@timestamp": "date", "service": "keyword", "host": "keyword", "took": "double"}
    client.indices.create(
        index="fleet", mappings={"properties": {name: {"type": kind} for name, kind in kinds.items()}}
    )
    detector = {"function": "mean", "field_name": "took", "partition_field_name": "service"}
    for number in range(jobs):
        job = f"fleet-{number:04}"
        client.ml.put_job(
            job_id=job,
            analysis_config={"bucket_span": "5m", "detectors": [detector], "influencers": ["service", "host"]},
            data_description={"time_field": "@timestamp"},
        )
        client.ml.put_datafeed(datafeed_id=f"datafeed-{job}", job_id=job, indices=["fleet"])
    for first in range(0, jobs, 50):
        body = [part for n in range(first, min(first + 50, jobs)) for one in _results(n) for part in _indexing(one)]
        assert not client.bulk(operations=body, refresh=True)["errors"]
    source = [{"@timestamp": (BEGIN + timedelta(seconds=n)).isoformat(), "service": f"s{n % 50}", "host": f"h{n % 20}",
               "took": 1.0} for n in range(3600)]  # fmt: skip
    client.bulk(index="fleet", operations=[part for one in source for part in ({"index": {}}, one)], refresh=True)


def _indexing(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"index": {"_index": RESULTS}}, document


def _results(number: int) -> list[dict[str, Any]]:
    job, made = f"fleet-{number:04}", []
    service = {"partition_field_name": "service", "partition_field_value": f"s{number % 50}"}
    for step in range(BUCKETS):
        at = (BEGIN + timedelta(minutes=5 * step)).isoformat()
        common = {"job_id": job, "timestamp": at, "bucket_span": 300, "is_interim": False}
        score = 30 + (number * 7 + step) % 60
        made.append(common | {"result_type": "bucket", "anomaly_score": score, "event_count": 10})
        made.append(
            common
            | {"result_type": "record", "record_score": score, "initial_record_score": score, "detector_index": 0,
               "function": "mean", "field_name": "took", "actual": [9.0], "typical": [1.0], "probability": 1e-6}
            | service
        )  # fmt: skip
        for field, value in (("service", f"s{number % 50}"), ("host", f"h{number % 20}"), ("host", "culprit")):
            named = {"influencer_field_name": field, "influencer_field_value": value, "influencer_score": score}
            made.append(common | {"result_type": "influencer"} | named)
    return made


class Counting:
    """A server that counts what is asked of it."""

    def __init__(self, server: Server) -> None:
        self.server, self.calls = server, Counter[str]()

    async def read(self, method: str, path: str, **options: Any) -> Any:
        self.calls[f"{method} {path.partition('?')[0]}"] += 1
        return await self.server.read(method, path, **options)


async def requests(url: str, program: Any) -> Counter[str]:
    """How often what is asked."""
    async with Server(Endpoint(urls=(url,))) as server:
        counting = Counting(server)
        await Session(counting).run(program)
        return counting.calls
