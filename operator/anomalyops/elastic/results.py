"""What machine learning jobs have found: records, influencers and model plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from anomalyops.elastic.paths import quoted
from anomalyops.elastic.rest import Rest

_RESULTS: Final = ".ml-anomalies-*"
_PLOT_POINTS: Final = 2_000


class Results:
    """Reads the results of jobs. Every method raises `GatewayError` for what the server refuses."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def records(
        self, job_id: str, *, min_score: float, limit: int, start: str | None = None, end: str | None = None
    ) -> list[dict[str, Any]]:
        """The job's anomaly records, highest score first.

        Args:
            job_id: The job.
            min_score: Least `record_score`, 0 to 100.
            limit: At most so many.
            start: From this time on, ISO 8601 or epoch.
            end: Before this time.
        """
        body = {"record_score": min_score, "sort": "record_score", "desc": True} | _page(limit, start, end)
        return await self._results(job_id, "records", body)

    async def influencers(
        self, job_id: str, *, min_score: float, limit: int, start: str | None = None, end: str | None = None
    ) -> list[dict[str, Any]]:
        """The job's influencers, highest score first; arguments as for `records`."""
        body = {"influencer_score": min_score, "sort": "influencer_score", "desc": True} | _page(limit, start, end)
        return await self._results(job_id, "influencers", body)

    async def model_plot(
        self, job_id: str, detector_index: int, fields: Mapping[str, str], *, start_ms: int, end_ms: int
    ) -> list[dict[str, Any]]:
        """The model plot documents of one series, in order of time.

        Args:
            job_id: The job.
            detector_index: The detector's position.
            fields: What identifies the series: `partition_field_value`, `by_field_value`, `over_field_value`.
            start_ms: First bucket, epoch milliseconds.
            end_ms: After the last bucket, epoch milliseconds.
        """
        terms = {"job_id": job_id, "result_type": "model_plot", "detector_index": detector_index, **fields}
        filters: list[dict[str, Any]] = [{"term": {name: value}} for name, value in terms.items()]
        filters.append({"range": {"timestamp": {"gte": start_ms, "lt": end_ms, "format": "epoch_millis"}}})
        answer = await self._rest.read(
            "POST",
            f"/{_RESULTS}/_search",
            query={"ignore_unavailable": "true", "allow_no_indices": "true"},
            body={
                "size": _PLOT_POINTS,
                "query": {"bool": {"filter": filters}},
                "sort": [{"timestamp": "asc"}],
            },
        )
        return [hit["_source"] for hit in answer["hits"]["hits"]]

    async def _results(self, job_id: str, kind: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        path = f"/_ml/anomaly_detectors/{quoted(job_id)}/results/{kind}"
        answer = await self._rest.read("POST", path, body=body)
        found: list[dict[str, Any]] = answer[kind]
        return found


def _page(limit: int, start: str | None, end: str | None) -> dict[str, Any]:
    times = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    return {"page": {"from": 0, "size": limit}, **times}
