"""The engine's analysis in process: documents in a database in memory, results as documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from benchmarks.accuracy.case import Array, Case

from anomalyops_engine.config import Job, create_job
from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.scoring import JobAnalysis, Results

COUNTS = ("count", "low_count", "high_count")


def documents(case: Case) -> dict[str, Array]:
    """The columns of the documents that make a case's values: one document for each bucket with data."""
    has_data = np.isfinite(case.values)
    if case.function in COUNTS:
        has_data &= case.values > 0
    time = 1000 * (case.start_s + case.span_s * np.flatnonzero(has_data).astype(np.int64))
    return {"time": time, "value": case.values[has_data]}


def body(case: Case, *, model_plot: bool = False) -> dict[str, Any]:
    """The job of a case, as a request has it; counts are summed up from summaries."""
    detector = {"function": case.function}
    summary = {}
    if case.function in COUNTS:
        summary = {"summary_count_field_name": "value"}
    else:
        detector["field_name"] = "value"
    return {
        "analysis_config": {"bucket_span": f"{case.span_s}s", "detectors": [detector], "influencers": [], **summary},
        "data_description": {"time_field": "time"},
        "model_plot_config": {"enabled": model_plot},
    }


def job(case: Case, *, model_plot: bool = False) -> Job:
    """The job of a case."""
    return create_job(body(case, model_plot=model_plot), job_id="case", now_ms=0)[0]


def analyse(case: Case, *, model_plot: bool = False) -> Results:
    """The results of a case's job over all of its buckets."""
    columns = documents(case)
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.register("documents", pa.table(columns))
        analysis = JobAnalysis(job(case, model_plot=model_plot))
        # Buckets lie at multiples of the span since the epoch, the last one holds the last document.
        span_ms = 1000 * case.span_s
        start_ms = 1000 * case.start_s // span_ms * span_ms
        end_ms = start_ms + (len(case.values) + 1) * span_ms
        found = Documents(Table("documents"), {name: name for name in columns})
        return analysis.analyse(connection, found, start_ms=start_ms, end_ms=end_ms)


def by_bucket(case: Case, results: Sequence[dict[str, Any]], field: str) -> Array:
    """A field of result documents by bucket; the largest where there are several, 0 where there is none."""
    values = np.zeros(len(case.values) + 1)
    for document in results:
        at = int((document["timestamp"] - 1000 * case.start_s) // (1000 * case.span_s))
        values[max(at, 0)] = max(values[max(at, 0)], document[field])
    return values[: len(case.values)]


def initial_scores(case: Case) -> Array:
    """The bucket scores of a case as they were when each bucket was scored."""
    return by_bucket(case, analyse(case).buckets, "initial_anomaly_score")


@contextmanager
def workers() -> Iterator[Callable[..., Iterator[Any]]]:
    """`map` over processes, one a core."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield lambda function, items: pool.map(function, items, chunksize=4)


class Engine:
    """The engine's analysis, every case a job of its own."""

    name = "anomalyops"

    def scores(self, cases: Sequence[Case]) -> list[Array]:
        """Initial bucket scores."""
        with workers() as each:
            return list(each(initial_scores, cases))
