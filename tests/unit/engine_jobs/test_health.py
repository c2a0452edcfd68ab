"""The health of jobs and datafeeds: the worst of what is wrong, and each of it in words."""

from __future__ import annotations

from typing import Any

import pytest

from anomalyops_engine.jobs.health import datafeed_health, job_health
from anomalyops_engine.jobs.registry import DatafeedRun, JobRun

HARD = {
    "memory_status": "hard_limit",
    "model_bytes": 90,
    "model_bytes_memory_limit": 80,
    "model_bytes_exceeded": 7,
}
SOFT = {"memory_status": "soft_limit", "model_bytes": 70, "model_bytes_memory_limit": 80}
WARNED = {"categorization_status": "warn", "total_category_count": 9, "rare_category_count": 8}


@pytest.mark.parametrize(
    ("run", "size", "status", "kinds"),
    [
        (JobRun(state="closed"), HARD, "green", []),
        (JobRun(state="opened"), {}, "green", []),
        (JobRun(state="opening"), {}, "red", ["assignment_failed"]),
        (JobRun(state="failed", failure="damaged"), {}, "red", ["job_task_failed"]),
        (JobRun(state="opened"), HARD, "red", ["model_memory_hard_limit"]),
        (JobRun(state="opened"), SOFT, "yellow", ["model_memory_soft_limit"]),
        (
            JobRun(state="failed"),
            SOFT | WARNED,
            "red",
            ["job_task_failed", "model_memory_soft_limit", "categorization_warning"],
        ),
    ],
)
def test_a_job_is_as_well_as_its_worst_issue(run: JobRun, size: dict[str, Any], status: str, kinds: list[str]) -> None:
    health = job_health(run, "no room", size)
    assert (health["status"], [issue["type"] for issue in health.get("issues", [])]) == (status, kinds)


@pytest.mark.parametrize(
    ("run", "status", "kinds"),
    [
        (DatafeedRun(state="stopped", trouble="gone"), "green", []),
        (DatafeedRun(state="started", empty_searches=9), "green", []),
        (DatafeedRun(state="starting"), "red", ["assignment_failed"]),
        (DatafeedRun(state="started", trouble="no such index [logs]"), "yellow", ["data_extraction_error"]),
        (DatafeedRun(state="started", empty_searches=10), "yellow", ["empty_data"]),
        (DatafeedRun(state="started", missing={"0": 2, "3600000": 1}), "yellow", ["data_delay"]),
    ],
)
def test_a_datafeed_is_as_well_as_its_worst_issue(run: DatafeedRun, status: str, kinds: list[str]) -> None:
    health = datafeed_health(run, "waiting", 3_600_000)
    assert (health["status"], [issue["type"] for issue in health.get("issues", [])]) == (status, kinds)


def test_issues_say_what_is_wrong() -> None:
    [issue] = job_health(JobRun(state="opened"), "", HARD)["issues"]
    assert issue["details"] == (
        "Job requires approximately 90 bytes of memory. The limit is 80 bytes. "
        "An estimated 7 bytes of model memory have been dropped."
    )
    [issue] = datafeed_health(DatafeedRun(state="started", missing={"0": 2, "3600000": 1}), "", 3_600_000)["issues"]
    assert issue["count"] == 2
    assert issue["details"] == (
        "3 documents missing. Latest affected bucket ended at 1970-01-01T02:00:00.000Z. "
        "Consider increasing query_delay."
    )
