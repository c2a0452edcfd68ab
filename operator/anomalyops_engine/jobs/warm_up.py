"""Compiling the learners before any job waits for them.

The learners' loops are compiled at their first use (and kept on disk). That may take a minute on a small machine,
during which a job that happens to be first could be neither stopped nor changed. So it is done once, by an analysis
of nothing much, before the first step of any datafeed.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

import duckdb

from anomalyops_engine.query import Relation
from anomalyops_engine.scoring import JobAnalysis

JsonObject = dict[str, Any]

_log = logging.getLogger(__name__)

_SPAN_MS: Final = 300_000
_BUCKETS: Final = 400
_JOB: Final[JsonObject] = {
    "job_id": "warm-up",
    "analysis_config": {
        "bucket_span": "5m",
        "detectors": [
            {"function": "count", "detector_index": 0},
            {"function": "mean", "field_name": "value", "by_field_name": "name", "detector_index": 1},
            {"function": "count", "over_field_name": "name", "detector_index": 2},
            {"function": "distinct_count", "field_name": "name", "detector_index": 3},
        ],
        "influencers": ["name"],
    },
    "analysis_limits": {"model_memory_limit": "64mb"},
    "data_description": {"time_field": "time"},
    "model_plot_config": {"enabled": True},
}


class WarmUp:
    """Runs once, in a thread of its own; `done` tells whether the learners are ready."""

    def __init__(self) -> None:
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def done(self) -> bool:
        """Whether the learners are compiled (or could not be warmed up: then the first step finds out why)."""
        return self._finished.is_set()

    def start(self) -> None:
        """Begin, unless it has begun already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="learner-warm-up", daemon=True)
            self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Wait until it has ended, if it has begun: a thread must not be compiling when the process ends."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            _analyse_a_little()
        except Exception:
            _log.exception("warming up the learners failed")
        finally:
            self._finished.set()


def _analyse_a_little() -> None:
    """Analyse a short series of two names with one outage and one peak, in two steps with a snapshot between."""
    rows = Relation(
        f"SELECT (b * {_SPAN_MS} + n) AS time, ['a', 'b', 'c'][n % 3 + 1] AS name, "  # noqa: S608 - constants
        "(b % 288) + (b * 7 + n * 3) % 5 + CASE WHEN b = 350 THEN 1000 ELSE 0 END AS value "
        f"FROM range({_BUCKETS}) buckets(b), range(6) numbers(n) WHERE b NOT BETWEEN 320 AND 330"
    )
    middle_ms = _BUCKETS // 2 * _SPAN_MS
    with duckdb.connect(":memory:") as connection:
        analysis = JobAnalysis.create(_JOB)
        analysis.analyse(connection, rows, start_ms=0, end_ms=middle_ms)
        analysis = JobAnalysis.restore(_JOB, analysis.snapshot())
        analysis.analyse(connection, rows, start_ms=middle_ms, end_ms=_BUCKETS * _SPAN_MS)
