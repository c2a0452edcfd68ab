"""Questions about the documents that a datafeed reads: how many values fields have, and how late documents come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from anomalyops.elastic.rest import Rest

JsonDict = dict[str, Any]

_DATES: Final = {"date", "date_nanos"}
_DOCUMENTS = 10_000  # the latest ones of which the lateness is looked at: as many as one search gives


class NoDateError(Exception):
    """A field that is to say when something was holds something else than dates; the message says what."""


class Source:
    """The documents of one datafeed.

    Args:
        rest: The server.
        datafeed: The datafeed's configuration: its indices, query, runtime fields and index options are used.
        time_field: The time field of its job.
    """

    def __init__(self, rest: Rest, datafeed: Mapping[str, Any], time_field: str) -> None:
        given = datafeed["indices"]
        self._rest = rest
        self._indices = f"/{quote(given if isinstance(given, str) else ','.join(given), safe=',*:-.')}"
        self._datafeed = datafeed
        self._time_field = time_field

    async def latest(self) -> int | None:
        """The time of the latest document, in milliseconds since the epoch; None without documents.

        Raises:
            GatewayError: The server refuses the search, or does not answer.
        """
        answer = await self._search({"latest": {"max": {"field": self._time_field}}})
        value = answer["aggregations"]["latest"]["value"]
        return None if value is None else int(value)

    async def cardinalities(self, fields: Sequence[str], start_ms: int, end_ms: int) -> dict[str, int]:
        """How many values each field has in a time range; raises as `latest` does."""
        if not fields:
            return {}
        answer = await self._search(_counts(fields), start_ms, end_ms)
        return {field: int(answer["aggregations"][f"n{n}"]["value"]) for n, field in enumerate(fields)}

    async def bucket_cardinalities(
        self, fields: Sequence[str], start_ms: int, end_ms: int, span_ms: int
    ) -> dict[str, int]:
        """How many values each field has in the bucket that has most of them; raises as `latest` does."""
        if not fields:
            return {}
        histogram = {"field": self._time_field, "fixed_interval": f"{span_ms}ms"}
        by_time = {"time": {"date_histogram": histogram, "aggs": _counts(fields)}}
        buckets = (await self._search(by_time, start_ms, end_ms))["aggregations"]["time"]["buckets"]
        return {
            field: max((int(bucket[f"n{n}"]["value"]) for bucket in buckets), default=0)
            for n, field in enumerate(fields)
        }

    async def latencies(self, ingested_field: str) -> list[float]:
        """Seconds between time and ingestion of the documents that were ingested last.

        Raises:
            NoDateError: The field, or the time field, holds something else than dates in some index.
            GatewayError: As `latest`.
        """
        await self._require_dates(self._time_field, ingested_field)
        times = [{"field": field, "format": "epoch_millis"} for field in (self._time_field, ingested_field)]
        body = {
            "size": _DOCUMENTS,
            "track_total_hits": False,
            "_source": False,
            "sort": [{ingested_field: {"order": "desc", "unmapped_type": "date"}}],
            "docvalue_fields": times,
            "query": {"bool": {"filter": [self._query(), {"exists": {"field": ingested_field}}]}},
        }
        hits = (await self._send(body))["hits"]["hits"]
        found = [(_first(hit, ingested_field), _first(hit, self._time_field)) for hit in hits]
        return [(ingested - time) / 1000 for ingested, time in found if ingested is not None and time is not None]

    async def _require_dates(self, *fields: str) -> None:
        """Make sure that fields hold dates wherever they are: what a number or a word would mean is not known.

        Raises:
            NoDateError: One holds something else.
        """
        mapped = self._datafeed.get("runtime_mappings")
        answer = await self._rest.read(
            "POST",
            f"{self._indices}/_field_caps",
            query={"fields": ",".join(fields)},
            body={"runtime_mappings": mapped} if mapped else None,
        )
        for field in fields:
            kinds = set(answer.get("fields", {}).get(field, {})) - {"unmapped"}
            if kinds - _DATES:
                raise NoDateError(f"{field} holds {', '.join(sorted(kinds))}: a date is accepted")

    def _query(self) -> Mapping[str, Any]:
        query: Mapping[str, Any] = self._datafeed.get("query") or {"match_all": {}}
        return query

    async def _search(self, aggregations: JsonDict, start_ms: int = 0, end_ms: int = 2**53) -> JsonDict:
        within = {self._time_field: {"gte": start_ms, "lt": end_ms, "format": "epoch_millis"}}
        query = {"bool": {"filter": [self._query(), {"range": within}]}}
        return await self._send({"size": 0, "track_total_hits": False, "query": query, "aggs": aggregations})

    async def _send(self, body: JsonDict) -> JsonDict:
        if mapped := self._datafeed.get("runtime_mappings"):
            body = {**body, "runtime_mappings": mapped}
        return await self._rest.read("POST", f"{self._indices}/_search", body=body)


def _counts(fields: Sequence[str]) -> JsonDict:
    return {f"n{n}": {"cardinality": {"field": field}} for n, field in enumerate(fields)}


def _first(hit: Mapping[str, Any], field: str) -> float | None:
    """The first value of a date of a hit, in milliseconds since the epoch."""
    values = hit.get("fields", {}).get(field) or []
    return float(values[0]) if values else None
