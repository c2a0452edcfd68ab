"""Configurations tried on a server: it says what it would refuse, and nothing is created or changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from anomalyops.elastic.errors import GatewayError, NotFound, Unsupported
from anomalyops.elastic.rest import Rest

_JOBS = "/_ml/anomaly_detectors"
_FEEDS = "/_ml/datafeeds"
_NO_ENDPOINT = (404, 405, 410)  # 410: Elastic's serverless offering


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTypes:
    """What indices hold.

    Attributes:
        indices: How many indices there are.
        types: The types of each field asked for, over all indices; a field that none has is left out.
    """

    indices: int
    types: Mapping[str, frozenset[str]]


class Trial:
    """The calls that try a configuration. Every failure is a `GatewayError`."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def job(self, body: Mapping[str, Any]) -> None:
        """`POST _ml/anomaly_detectors/_validate`.

        Raises:
            Rejected: The server would not create this job.
            Unsupported: The server has no such endpoint.
        """
        with _known():
            await self._rest.read("POST", f"{_JOBS}/_validate", body=body)

    async def detector(self, body: Mapping[str, Any]) -> None:
        """`POST _ml/anomaly_detectors/_validate/detector`; raises as `job` does."""
        with _known():
            await self._rest.read("POST", f"{_JOBS}/_validate/detector", body=body)

    async def largest_memory_limit(self) -> str | None:
        """The largest `model_memory_limit` that the server accepts, None for no limit."""
        limit = (await self._rest.read("GET", "/_ml/info")).get("limits", {}).get("max_model_memory_limit")
        return None if limit is None else str(limit)

    async def datafeed(self, datafeed: Mapping[str, Any], job: Mapping[str, Any]) -> None:
        """`POST _ml/datafeeds/_preview` of both configurations: the search is run, and one document is enough.

        Raises:
            Rejected: The server would not create this datafeed, or cannot run its search.
            NotFound: An index does not exist.
            Forbidden: The search is not allowed.
            Unsupported: The server has no such endpoint.
        """
        small = {**datafeed, "scroll_size": 1}
        with _known():
            await self._rest.read_list(
                "POST", f"{_FEEDS}/_preview", body={"datafeed_config": small, "job_config": dict(job)}
            )

    async def field_types(self, datafeed: Mapping[str, Any], fields: Collection[str]) -> FieldTypes:
        """`POST {indices}/_field_caps`, with the datafeed's own runtime fields and index options.

        Raises:
            NotFound: An index does not exist.
            Unsupported: The server has no such endpoint.
        """
        given = datafeed["indices"]
        indices = given if isinstance(given, str) else ",".join(given)
        with _known():
            answer = await self._rest.read(
                "POST",
                f"/{quote(indices, safe=',*:-.')}/_field_caps",
                query={"fields": ",".join(sorted(fields)), **_options(datafeed.get("indices_options") or {})},
                body={"runtime_mappings": mapped} if (mapped := datafeed.get("runtime_mappings")) else None,
            )
        found = {name: frozenset(types) - {"unmapped"} for name, types in (answer.get("fields") or {}).items()}
        names = answer.get("indices") or []
        return FieldTypes(
            indices=1 if isinstance(names, str) else len(names),
            types={name: types for name, types in found.items() if types},
        )


@contextmanager
def _known() -> Iterator[None]:
    """Tells a call that the server does not know from one that it refuses."""
    try:
        yield
    except GatewayError as error:
        if _has_no_endpoint(error):
            raise Unsupported(error.reason, call=error.call, status=error.status) from None
        raise


def _has_no_endpoint(error: GatewayError) -> bool:
    """Whether it is the call that the server does not know, and not what the call is about."""
    unknown = "no handler found for uri" in error.reason
    about_an_index = isinstance(error, NotFound) and error.error_type in {
        "index_not_found_exception",
        "resource_not_found_exception",
    }
    return unknown or (error.status in _NO_ENDPOINT and not about_an_index)


def _options(options: Mapping[str, Any]) -> dict[str, str]:
    """`indices_options` as parameters of a search."""
    found = {}
    for name in ("expand_wildcards", "ignore_unavailable", "allow_no_indices"):
        value = options.get(name)
        if isinstance(value, list):
            found[name] = ",".join(map(str, value))
        elif value is not None:
            found[name] = str(value).lower()
    return found
