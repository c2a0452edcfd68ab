"""How much memory a job needs by the server's own estimate over the values that its data have; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anomalyops.elastic import Gateway
from anomalyops.elastic.source import Source
from anomalyops.plan.core.sizing import field_roles
from anomalyops.resources import DEFAULT_BUCKET_SPAN, parse_duration, parse_memory

_MOST_BUCKETS = 1000  # in one search for the values within a bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """What a server says that a job needs.

    Attributes:
        needed: In bytes; None without a document to look at.
        cardinalities: How many values each field has that splits data or influences.
    """

    needed: int | None
    cardinalities: Mapping[str, int] = field(default_factory=dict)


async def estimate_memory(
    gateway: Gateway, source: Source, analysis: Mapping[str, Any], *, days: float
) -> MemoryEstimate:
    """Ask how much memory an analysis of a datafeed's documents needs.

    Args:
        gateway: The server.
        source: The documents.
        analysis: The job's `analysis_config`.
        days: How far back from the latest document values are counted.

    Raises:
        GatewayError: The server does not answer, refuses a search, or does not estimate.
    """
    latest = await source.latest()
    if latest is None:
        return MemoryEstimate(needed=None)
    roles, end = field_roles(analysis), latest + 1
    span = parse_duration(str(analysis.get("bucket_span") or DEFAULT_BUCKET_SPAN))
    back = round(days * 86_400_000)
    overall = await source.cardinalities(roles.splitting, end - back, end)
    recent = min(back, _MOST_BUCKETS * span)
    held = await source.bucket_cardinalities(roles.influencing, end - recent, end, span)
    body = {"analysis_config": analysis, "overall_cardinality": overall, "max_bucket_cardinality": held}
    answer = await gateway.rest.read("POST", "/_ml/anomaly_detectors/_estimate_model_memory", body=body)
    needed = parse_memory(str(answer["model_memory_estimate"]))
    return MemoryEstimate(needed=needed, cardinalities={**overall, **held})
