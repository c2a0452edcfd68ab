"""Why a job cannot be forecast, said before the server is asked: what it would answer is known from the job.

The rules are Elasticsearch's: `TransportForecastJobAction`, and `CForecastRunner` of its machine learning engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.resources import canonical_function, duration_nanos

UNSUPPORTED: Final = frozenset({"lat_long", "info_content", "rare", "freq_rare", "time_of_day", "time_of_week"})


def why_never(config: JsonObject, duration: str) -> str:
    """Why no forecast of this job is possible, whatever it learns; empty when it may be.

    Args:
        config: The job as the server has it, or as a manifest gives it to the server.
        duration: How far ahead the forecast shall go.
    """
    analysis = config.get("analysis_config")
    detectors = analysis.get("detectors") if isinstance(analysis, Mapping) else None
    found = [one for one in detectors if isinstance(one, Mapping)] if isinstance(detectors, list) else []
    population = [number for number, one in enumerate(found) if one.get("over_field_name")]
    if population:
        fields = ", ".join(f"{number} (over {found[number]['over_field_name']})" for number in population)
        return f"population analyses cannot be forecast: detector {fields}"
    functions = sorted({canonical_function(str(one.get("function", ""))) for one in found})
    bare = [_without_side(name) for name in functions]
    if found and all(name in UNSUPPORTED for name in bare):
        return f"no detector of the job can be forecast: {', '.join(functions)} have no values that go on"
    span = analysis.get("bucket_span") if isinstance(analysis, Mapping) else None
    if isinstance(span, str) and duration_nanos(duration) < duration_nanos(span):
        return f"spec.duration {duration} is shorter than the job's bucket span {span}: write at least {span}"
    return ""


def why_not_yet(stats: Mapping[str, Any]) -> Iterator[str]:
    """Why there is no forecast of a job in its present state, of what its `_stats` tell."""
    size, counts = stats.get("model_size_stats") or {}, stats.get("data_counts") or {}
    status = size.get("memory_status", "ok")
    if status != "ok":
        limit = size.get("model_bytes_memory_limit")
        used = f": {size.get('model_bytes')} of {limit} bytes are used" if limit else ""
        yield (
            f"the job's memory status is {status}{used}; raise spec.analysisLimits.modelMemoryLimit of the AnomalyJob, "
            "because the server forecasts only jobs with enough memory"
        )
    if not counts.get("processed_record_count"):
        yield "the job has processed no data yet"


def _without_side(function: str) -> str:
    for side in ("low_", "high_"):
        if function.startswith(side):
            return function.removeprefix(side)
    return function
