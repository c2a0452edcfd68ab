"""The `health` of jobs and datafeeds in `_stats`: what is wrong with them, from what is known of them anyway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from anomalyops_engine.config.units import iso_time
from anomalyops_engine.jobs.registry import DatafeedRun, JobRun
from anomalyops_engine.json_types import JsonObject

_RANKS: Final = ("green", "yellow", "red")
_EMPTY_SEARCHES: Final = 10


def job_health(run: JobRun, explanation: str, model_size: Mapping[str, Any]) -> JsonObject:
    """Return the health of a job.

    Args:
        run: what it does.
        explanation: why it waits, if it does.
        model_size: its `model_size_stats`.
    """
    if run.state == "closed":
        return _health(())
    found: list[tuple[str, JsonObject]] = []
    if run.state == "opening":
        found.append(("red", _issue("assignment_failed", "Failed to assign job to a node", explanation)))
    if run.state == "failed":
        found.append(("red", _issue("job_task_failed", "Job task state is [failed]", run.failure)))
    status, needs = model_size.get("memory_status"), _needs(model_size)
    if status == "hard_limit":
        dropped = model_size.get("model_bytes_exceeded", 0)
        lost = f" An estimated {dropped} bytes of model memory have been dropped." if dropped else ""
        found.append(("red", _issue("model_memory_hard_limit", "Model memory hard limit reached", needs + lost)))
    elif status == "soft_limit":
        pruned = " The model is using aggressive pruning to stay within the limit. Results accuracy may be reduced."
        found.append(("yellow", _issue("model_memory_soft_limit", "Model memory soft limit reached", needs + pruned)))
    if model_size.get("categorization_status") == "warn":
        counts = [f"{kind}: {model_size.get(f'{kind}_category_count', 0)}" for kind in ("frequent", "rare", "dead")]
        total = model_size.get("total_category_count", 0)
        details = f"Categorization status is [warn]. Total categories: {total}, {', '.join(counts)}."
        found.append(("yellow", _issue("categorization_warning", "Categorization status is [warn]", details)))
    return _health(found)


def datafeed_health(run: DatafeedRun, explanation: str, span_ms: int) -> JsonObject:
    """Return the health of a datafeed.

    Args:
        run: what it does.
        explanation: why it waits, if it does.
        span_ms: bucket span of its job.
    """
    if run.state == "stopped":
        return _health(())
    found: list[tuple[str, JsonObject]] = []
    if run.state == "starting":
        found.append(("red", _issue("assignment_failed", "Failed to assign datafeed to a node", explanation)))
    if run.trouble is not None:
        found.append(("yellow", _issue("data_extraction_error", "Data extraction error", run.trouble)))
    if run.empty_searches >= _EMPTY_SEARCHES:
        title = "Datafeed has not received data for some time"
        found.append(("yellow", _issue("empty_data", title, None, count=run.empty_searches)))
    if run.missing:
        missing = sum(run.missing.values())
        end_ms = max(map(int, run.missing)) + span_ms
        details = (
            f"{missing} document{'s' if missing > 1 else ''} missing. Latest affected bucket ended at "
            f"{iso_time(end_ms)}. Consider increasing query_delay."
        )
        title = "Datafeed is experiencing delayed data ingestion"
        found.append(("yellow", _issue("data_delay", title, details, count=len(run.missing))))
    return _health(found)


def _needs(model_size: Mapping[str, Any]) -> str:
    used, limit = model_size.get("model_bytes", 0), model_size.get("model_bytes_memory_limit", 0)
    return f"Job requires approximately {used} bytes of memory. The limit is {limit} bytes."


def _issue(kind: str, title: str, details: str | None, *, count: int = 1) -> JsonObject:
    return {"type": kind, "issue": title, **({"details": details} if details else {}), "count": count}


def _health(found: Sequence[tuple[str, JsonObject]]) -> JsonObject:
    worst = max((status for status, _ in found), key=_RANKS.index, default="green")
    return {"status": worst, **({"issues": [issue for _, issue in found]} if found else {})}
