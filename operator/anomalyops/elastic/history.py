"""All documents of a datafeed's source in a range of time, read at one point in time; nothing is left on the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import quote

from anomalyops.elastic.errors import GatewayError, Unsupported
from anomalyops.elastic.rest import Rest

JsonDict = dict[str, Any]

_KEEP: Final = "2m"  # of a point in time, anew with every page
_SLICES: Final = 2
_PAGE: Final = 5000


class History:
    """The documents that a datafeed would read.

    Args:
        rest: The server.
        datafeed: The datafeed's configuration: its indices, query and runtime fields are used.
        time_field: The time field of its job.
        start_ms: From then on, in milliseconds since the epoch.
        end_ms: Before then.
    """

    def __init__(
        self, rest: Rest, datafeed: Mapping[str, Any], time_field: str, *, start_ms: int = 0, end_ms: int = 2**53
    ) -> None:
        given = datafeed["indices"]
        self._rest = rest
        self._path = f"/{quote(given if isinstance(given, str) else ','.join(given), safe=',*:-.')}"
        within = {time_field: {"gte": start_ms, "lt": end_ms, "format": "epoch_millis"}}
        query = datafeed.get("query") or {"match_all": {}}
        self._time_field = time_field
        self._body: JsonDict = {"query": {"bool": {"filter": [query, {"range": within}]}}}
        if mapped := datafeed.get("runtime_mappings"):
            self._body["runtime_mappings"] = mapped

    async def extent(self) -> tuple[int, int, int]:
        """How many documents there are, and the times of the first and the last, in milliseconds; 0 without any.

        Raises:
            GatewayError: The server refuses the search, or does not answer.
        """
        times = {name: {name: {"field": self._time_field}} for name in ("min", "max")}
        answer = await self._rest.read(
            "POST", f"{self._path}/_search", body=self._body | {"size": 0, "track_total_hits": True, "aggs": times}
        )
        first, last = (answer["aggregations"][name]["value"] for name in ("min", "max"))
        return int(answer["hits"]["total"]["value"]), int(first or 0), int(last or 0)

    async def mappings(self) -> JsonDict:
        """The mappings of all indices as one; of a field that several map, the first one's.

        Raises:
            GatewayError: The server refuses to tell.
        """
        answer = await self._rest.read("GET", f"{self._path}/_mapping")
        merged: JsonDict = {}
        for index in sorted(answer):
            merged = _merged(merged, (answer[index].get("mappings") or {}).get("properties") or {})
        return {"properties": merged}

    async def pages(self) -> AsyncIterator[list[JsonDict]]:
        """The documents, some thousands at a time, in no order that means anything.

        Raises:
            GatewayError: The server refuses, or does not answer.
        """
        queue: asyncio.Queue[list[JsonDict] | None] = asyncio.Queue(maxsize=_SLICES)
        async with self._point_in_time() as pit:
            slices = await self._slices(pit)
            tasks = [asyncio.create_task(self._slice(pit, number, slices, queue)) for number in range(slices)]
            left = len(tasks)
            try:
                while left:
                    page = await self._next(queue, tasks)
                    if page is None:
                        left -= 1
                    else:
                        yield page
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _slices(self, pit: list[str]) -> int:
        """In how many parts the server lets itself be read at the same time."""
        body = self._body | {"size": 0, "pit": {"id": pit[0]}, "slice": {"id": 0, "max": _SLICES}}
        try:
            await self._rest.read("POST", "/_search", body=body)
        except Unsupported:
            return 1
        return _SLICES

    @staticmethod
    async def _next(
        queue: asyncio.Queue[list[JsonDict] | None], tasks: list[asyncio.Task[None]]
    ) -> list[JsonDict] | None:
        """The next page; where a slice fails, its error instead of waiting for ever."""
        while True:
            try:
                return await asyncio.wait_for(queue.get(), 1.0)
            except TimeoutError:
                for task in tasks:
                    if task.done() and task.exception() is not None:
                        task.result()

    async def _slice(
        self, pit: list[str], number: int, slices: int, queue: asyncio.Queue[list[JsonDict] | None]
    ) -> None:
        """Puts the pages of one part into the queue, and None at its end."""
        part = {"slice": {"id": number, "max": slices}} if slices > 1 else {}
        after: list[Any] | None = None
        while True:
            body = self._body | {
                "size": _PAGE,
                "track_total_hits": False,
                "pit": {"id": pit[0], "keep_alive": _KEEP},
                **part,
                "sort": [{"_shard_doc": "asc"}],
            }
            answer = await self._rest.read(
                "POST", "/_search", body=body if after is None else body | {"search_after": after}
            )
            pit[0] = answer.get("pit_id", pit[0])
            hits = answer["hits"]["hits"]
            if hits:
                await queue.put([hit["_source"] for hit in hits])
                after = hits[-1]["sort"]
            if len(hits) < _PAGE:
                await queue.put(None)
                return

    @asynccontextmanager
    async def _point_in_time(self) -> AsyncIterator[list[str]]:
        answer = await self._rest.read("POST", f"{self._path}/_pit", query={"keep_alive": _KEEP})
        pit = [str(answer["id"])]
        try:
            yield pit
        finally:
            with suppress(GatewayError):  # it ends by itself
                await self._rest.read("DELETE", "/_pit", body={"id": pit[0]})


def _merged(one: JsonDict, other: Mapping[str, Any]) -> JsonDict:
    made = dict(one)
    for name, field in other.items():
        there = made.get(name)
        if there is None:
            made[name] = field
        elif "properties" in there and "properties" in field:
            made[name] = there | {"properties": _merged(there["properties"], field["properties"])}
    return made
