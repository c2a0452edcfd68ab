"""Indices and documents: what loading a file and reading results need beside the machine learning API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final
from urllib.parse import quote

from anomalyops.elastic.errors import Busy, NotFound, ServerError
from anomalyops.elastic.rest import Rest

_BULK_TIMEOUT: Final = 120.0  # seconds
_BULK_ATTEMPTS: Final = 6
_FIRST_PAUSE: Final = 0.25  # seconds; doubles
_BUSY: Final = 429
_ACTION: Final = b'{"index":{}}'


class Documents:
    """Creates indices, loads documents into them, counts and searches them.

    Every method raises `GatewayError` for what the server refuses.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def exists(self, index: str) -> bool:
        """Whether the index is there."""
        try:
            await self._rest.read("GET", f"/{quote(index)}/_mapping")
        except NotFound:
            return False
        return True

    async def create(self, index: str, mappings: Mapping[str, Any]) -> None:
        """Creates the index with these mappings."""
        await self._rest.write("PUT", f"/{quote(index)}", body={"mappings": mappings})

    async def delete(self, index: str) -> None:
        """Deletes the index and all its documents; one that is not there is no error."""
        try:
            await self._rest.write("DELETE", f"/{quote(index)}")
        except NotFound:
            return

    async def refresh(self, index: str) -> None:
        """Makes what was indexed visible to searches."""
        await self._rest.write("POST", f"/{quote(index)}/_refresh")

    async def mapping(self, index: str) -> dict[str, Any]:
        """The mapping of the index; of the first one, where the name stands for several."""
        answer = await self._rest.read("GET", f"/{quote(index)}/_mapping")
        mapping: dict[str, Any] = next(iter(answer.values()))["mappings"]
        return mapping

    async def count(self, index: str) -> int:
        """How many documents the index has."""
        answer = await self._rest.read("GET", f"/{quote(index)}/_count")
        return int(answer["count"])

    async def search(self, indices: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The server's whole answer to a search."""
        answer: dict[str, Any] = await self._rest.read("POST", f"/{quote(indices, safe='*,.-_')}/_search", body=body)
        return answer

    async def bulk(
        self, index: str, documents: Sequence[bytes], ids: Sequence[str | None] = ()
    ) -> list[tuple[int, str]]:
        """Indexes documents, each one JSON object in one line without its line end.

        What the server has no room for at the moment (429) is sent again, a few times, after growing pauses.

        Args:
            index: where to.
            documents: what to index.
            ids: their ids, None in a place to have one made; nothing to have all made.

        Returns:
            Position and reason of each document that the server refused; the others are in the index.
        """
        refused: list[tuple[int, str]] = []
        actions = [_action(doc_id) for doc_id in ids] or [_ACTION] * len(documents)
        waiting = list(range(len(documents)))
        pause = _FIRST_PAUSE
        for attempt in range(_BULK_ATTEMPTS):
            try:
                errors = await self._bulk_once(
                    index, [(actions[position], documents[position]) for position in waiting]
                )
            except Busy:
                if attempt == _BULK_ATTEMPTS - 1:
                    raise
            else:
                last = attempt == _BULK_ATTEMPTS - 1
                refused += [(waiting[at], reason) for at, status, reason in errors if last or status != _BUSY]
                waiting = [waiting[at] for at, status, _ in errors if status == _BUSY and not last]
            if not waiting:
                break
            await asyncio.sleep(pause)
            pause *= 2
        return sorted(refused)

    async def _bulk_once(self, index: str, documents: Sequence[tuple[bytes, bytes]]) -> list[tuple[int, int, str]]:
        """Position, status and reason of each document that was refused."""
        body = b"\n".join([*chain.from_iterable(documents), b""])
        answer = await self._rest.write(
            "POST",
            f"/{quote(index)}/_bulk",
            # The status keeps an item in the answer for every document, so that positions can be told.
            query={"filter_path": "errors,items.*.status,items.*.error"},
            body=body,
            seconds=_BULK_TIMEOUT,
        )
        if not answer.get("errors"):
            return []
        items = answer.get("items", [])
        if len(items) != len(documents):
            raise ServerError(f"_bulk of {len(documents)} documents answered {len(items)} items")
        results: list[Mapping[str, Any]] = [next(iter(item.values()), {}) for item in items]
        return [
            (position, int(result.get("status", 400)), _reason(result["error"]))
            for position, result in enumerate(results)
            if "error" in result
        ]


def _action(doc_id: str | None) -> bytes:
    return _ACTION if doc_id is None else f'{{"index":{{"_id":{json.dumps(doc_id)}}}}}'.encode()


def _reason(error: Mapping[str, Any] | str) -> str:
    """The reason with its innermost cause, which names the value."""
    if isinstance(error, str):
        return error
    reason = str(error.get("reason", error.get("type", "refused")))
    cause = error.get("caused_by")
    return f"{reason}: {_reason(cause)}" if cause else reason
