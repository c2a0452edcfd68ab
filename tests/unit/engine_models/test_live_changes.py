"""What an update may change while a job runs reaches the running analysis, for every such row of the field table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from anomalyops_engine.config import Job, create_job, update_job
from anomalyops_engine.config.records import Change
from anomalyops_engine.scoring import JobAnalysis, Results

HALF = 150
BUCKETS = 2 * HALF
RULE = {"conditions": [{"applies_to": "actual", "operator": "gt", "value": 0}]}

# A change of each live field, and what it must change in the results of the second half.
EFFECTS: dict[str, tuple[dict[str, Any], Callable[[Results, JobAnalysis], Any]]] = {
    "detectors": (
        {"detectors": [{"detector_index": 0, "custom_rules": [RULE]}]},
        lambda results, _: [record["detector_index"] for record in results.records],
    ),
    "model_plot_config": ({"model_plot_config": {"enabled": True}}, lambda results, _: len(results.model_plot)),
    "model_prune_window": (
        {"model_prune_window": "24h"},
        lambda _, analysis: analysis.model_size()["total_partition_field_count"],
    ),
    "renormalization_window_days": (
        {"renormalization_window_days": 1},
        lambda results, _: len(results.renormalised),
    ),
}
# Of jobs with categories alone: see test_category_jobs.py.
ELSEWHERE = {"per_partition_categorization"}


@pytest.fixture(scope="module")
def loaded(new_bench: Any) -> Iterator[Any]:
    """Hosts with a peak early in the first half and a higher one in the second; one host ends in the first half."""
    rng = np.random.default_rng(3)
    bucket = np.repeat(np.arange(BUCKETS), 6)
    with new_bench() as bench:
        time = bench.times([6] * BUCKETS)
        host = np.tile(["a", "a", "b", "b", "c", "c"], BUCKETS)
        value = rng.normal(100, 5, len(time))
        value[(bucket == 60) & (host == "a")] = 160.0
        value[(bucket == 250) & (host == "a")] = 100_000.0
        ended = (host == "c") & (bucket > 40)
        bench.load(time=time[~ended], host=host[~ended], value=value[~ended])
        yield bench


def job() -> Job:
    detector = {"function": "mean", "field_name": "value", "partition_field_name": "host"}
    body = {
        "analysis_config": {"bucket_span": "1h", "detectors": [detector]},
        "data_description": {"time_field": "time"},
    }
    return create_job(body, job_id="job", now_ms=0)[0]


def second_half(bench: Any, analysis: JobAnalysis) -> tuple[Results, JobAnalysis]:
    return bench.analyse(None, HALF, analysis=analysis, first=HALF), analysis


def half_way(bench: Any) -> JobAnalysis:
    analysis = JobAnalysis(job())
    bench.analyse(None, HALF, analysis=analysis)
    return analysis


def test_every_live_field_has_its_effect_here() -> None:
    live = {name for name, row in Job.updatable().items() if row.change is Change.LIVE}
    assert set(EFFECTS) == live - ELSEWHERE


@pytest.mark.parametrize("field", sorted(EFFECTS))
def test_a_live_change_reaches_the_running_analysis(loaded: Any, field: str) -> None:
    change, seen = EFFECTS[field]
    update = update_job(job(), change, opened=True, model_bytes=0)
    assert update.live
    running = half_way(loaded)
    running.configure(update.job)
    changed = second_half(loaded, running)
    assert seen(*changed) != seen(*second_half(loaded, half_way(loaded)))
    # A job that was stopped, changed and started again goes on in the same way.
    restored = second_half(loaded, JobAnalysis.restore(update.job, half_way(loaded).snapshot()))
    assert dict(changed[0].all()) == dict(restored[0].all())
    assert changed[0].renormalised == restored[0].renormalised
    assert changed[1].model_size() == restored[1].model_size()
