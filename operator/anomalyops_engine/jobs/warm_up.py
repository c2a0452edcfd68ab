"""Compiling the learners before any job waits for them.

The learners' loops are compiled at their first use (and kept on disk). That may take a minute on a small machine,
during which a job that happens to be first could be neither stopped nor changed. So it is done once, by an analysis
of nothing much, before the first step of any datafeed.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from anomalyops_engine.config import create_job
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Column, Join, ListOf, Literal, Member, Numbers, Select, any_of, call, when
from anomalyops_engine.scoring import JobAnalysis
from anomalyops_engine.scoring.forecast import prepare_forecast
from anomalyops_engine.store import scratch

_log = logging.getLogger(__name__)

_SPAN_MS: Final = 300_000
_BUCKETS: Final = 400
_BODY: Final[JsonObject] = {
    "analysis_config": {
        "bucket_span": "5m",
        "detectors": [
            {"function": "count"},
            {"function": "mean", "field_name": "value", "by_field_name": "name"},
            {"function": "count", "over_field_name": "name"},
            {"function": "distinct_count", "field_name": "name"},
            {"function": "rare", "by_field_name": "name"},
            {"function": "time_of_day", "by_field_name": "name"},
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
        """Wait until it has ended, if it has begun: a thread must not be compiling when the interpreter ends."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    @property
    def ended(self) -> bool:
        """Whether it does not run (any more, or yet)."""
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        try:
            _analyse_a_little()
        except Exception:
            _log.exception("warming up the learners failed")
        finally:
            self._finished.set()


def _analyse_a_little() -> None:
    """Analyse a short series of two names with one outage and one peak, in two steps with a snapshot between."""
    documents = _documents()
    middle_ms = _BUCKETS // 2 * _SPAN_MS
    job, _ = create_job(_BODY, job_id="warm-up", now_ms=0)
    with scratch() as connection:
        analysis = JobAnalysis(job)
        analysis.analyse(connection, documents, start_ms=0, end_ms=middle_ms)
        analysis = JobAnalysis.restore(job, analysis.snapshot())
        analysis.analyse(connection, documents, start_ms=middle_ms, end_ms=_BUCKETS * _SPAN_MS)
        list(prepare_forecast(analysis, start_ms=_BUCKETS * _SPAN_MS, buckets=2, folder=None).parts())


def _documents() -> Documents:
    """Return six documents a bucket, of two members each of three names."""
    bucket, number = Column("range", "buckets"), Column("range", "numbers")
    names = ListOf((Literal("a"), Literal("b"), Literal("c")))
    wave = bucket % 288 + (bucket * 7 + number * 3) % 5
    columns = (
        (bucket * _SPAN_MS + number).named("time"),
        call("list_extract", names, number % 3 + 1).named("name"),
        (wave + when(bucket.equals(350), 1000, 0)).named("value"),
    )
    pairs = Join((Member("buckets", Numbers(_BUCKETS)), Member("numbers", Numbers(6))))
    rows = Select(columns, pairs, any_of([bucket < 320, bucket > 330]))
    return Documents(rows, {"time": "time", "name": "name", "value": "value"})
