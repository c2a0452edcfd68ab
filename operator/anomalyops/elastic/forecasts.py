"""Forecasts of machine learning jobs: asked for, watched and read."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from anomalyops.elastic.errors import NotFound
from anomalyops.elastic.paths import quoted
from anomalyops.elastic.rest import Rest

_RESULTS: Final = ".ml-anomalies-*"
_SPLITS: Final = ("partition_field_value", "by_field_value")
_PAGE: Final = 5_000
_MOST_SERIES: Final = 10_000
_MOST_FORECASTS: Final = 10_000
_IN_TIME: Final[Sequence[Mapping[str, Any]]] = ({"timestamp": "asc"},)


class Forecasts:
    """Forecasts of jobs. Every method raises `GatewayError` for what the server refuses."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def create(self, job_id: str, options: Mapping[str, str]) -> str:
        """Begin a forecast of an open job; answers its id.

        Args:
            job_id: The job.
            options: `duration`, `expires_in`, `max_model_memory`, as the API has them.
        """
        path = f"/_ml/anomaly_detectors/{quoted(job_id)}/_forecast"
        return str((await self._rest.write("POST", path, body=options))["forecast_id"])

    async def request(self, job_id: str, forecast_id: str) -> dict[str, Any] | None:
        """How far a forecast is; None while the server shows nothing of it."""
        found = await self._search(_of(job_id, "model_forecast_request_stats", forecast_id), size=1)
        return found[0] if found else None

    async def of_job(self, job_id: str) -> dict[str, dict[str, Any]]:
        """How far each forecast of a job is, by its id: the newest ones."""
        filters = [{"term": {"job_id": job_id}}, {"term": {"result_type": "model_forecast_request_stats"}}]
        newest = [{"forecast_create_timestamp": {"order": "desc", "unmapped_type": "date"}}]
        found = await self._search(filters, size=_MOST_FORECASTS, sort=newest)
        return {str(one["forecast_id"]): one for one in found}

    async def known(self, forecast_ids: Collection[str]) -> frozenset[str]:
        """Which of some forecasts, of any jobs, the server has: one search for each ten thousand."""
        wanted, there = sorted(forecast_ids), set[str]()
        for begin in range(0, len(wanted), _MOST_SERIES):
            some = wanted[begin : begin + _MOST_SERIES]
            filters: list[dict[str, Any]] = [
                {"terms": {"forecast_id": some}},
                {"term": {"result_type": "model_forecast_request_stats"}},
            ]
            there |= {str(one["forecast_id"]) for one in await self._search(filters, size=len(some))}
        return frozenset(there)

    async def delete(self, job_id: str, forecast_id: str) -> None:
        """Delete a forecast that has ended; no such forecast is success."""
        path = f"/_ml/anomaly_detectors/{quoted(job_id)}/_forecast/{quoted(forecast_id)}"
        with contextlib.suppress(NotFound):
            await self._rest.write("DELETE", path)

    async def series(self, job_id: str, forecast_id: str) -> list[dict[str, Any]]:
        """The first document of each series of a forecast."""
        filters = _of(job_id, "model_forecast", forecast_id)
        first = await self._search(filters, size=1)
        if not first:
            return []
        return await self._search([*filters, {"term": {"timestamp": first[0]["timestamp"]}}], size=_MOST_SERIES)

    async def path(self, job_id: str, forecast_id: str, series: Mapping[str, Any]) -> list[dict[str, Any]]:
        """All documents of one series of a forecast, in order of time; `series` is one of them."""
        filters = _of(job_id, "model_forecast", forecast_id)
        return await self._all([*filters, *_same(series)])

    async def measured(
        self, job_id: str, series: Mapping[str, Any], *, start_ms: int, end_ms: int
    ) -> list[dict[str, Any]]:
        """The model plot of a forecast's series in [start_ms, end_ms), in order of time."""
        terms = {"job_id": job_id, "result_type": "model_plot"}
        between = {"gte": start_ms, "lt": end_ms, "format": "epoch_millis"}
        filters = [{"term": {name: value}} for name, value in terms.items()]
        return await self._all([*filters, *_same(series), {"range": {"timestamp": between}}])

    async def _all(self, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """All documents of one series, page by page: none has the time of another."""
        found = page = await self._search(filters, size=_PAGE)
        while len(page) == _PAGE:
            later = {"range": {"timestamp": {"gt": page[-1]["timestamp"], "format": "epoch_millis"}}}
            page = await self._search([*filters, later], size=_PAGE)
            found = found + page
        return found

    async def _search(
        self, filters: list[dict[str, Any]], *, size: int, sort: Sequence[Mapping[str, Any]] = _IN_TIME
    ) -> list[dict[str, Any]]:
        answer = await self._rest.read(
            "POST",
            f"/{_RESULTS}/_search",
            query={"ignore_unavailable": "true", "allow_no_indices": "true"},
            body={"size": size, "query": {"bool": {"filter": filters}}, "sort": list(sort)},
        )
        return [hit["_source"] for hit in answer["hits"]["hits"]]


def _of(job_id: str, result_type: str, forecast_id: str) -> list[dict[str, Any]]:
    terms = {"job_id": job_id, "result_type": result_type, "forecast_id": forecast_id}
    return [{"term": {name: value}} for name, value in terms.items()]


def _same(series: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = ("detector_index", "model_feature", *(name for name in _SPLITS if name in series))
    return [{"term": {name: series[name]}} for name in names if name in series]
