"""Buckets and records a second of the analysis alone: documents in DuckDB, results as documents in memory.

`python -m benchmarks.engine_speed [SCALE]` draws four inputs (one long series, a thousand partitions, a population, a
count over five partitions) at a share of their full size and prints cold (compiling, when the cache is empty) and warm
times. Nothing is asserted.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.scoring import JobAnalysis

START_MS = 1_704_067_200_000


@dataclass(frozen=True)
class Input:
    """Documents and the job that reads them."""

    name: str
    span: str
    span_ms: int
    buckets: int
    columns: dict[str, Any]
    detector: dict[str, str]


def _season(t: Any, phase: Any = 0.0) -> Any:
    day = 2 * np.pi * (t % 86400) / 86400
    return 10 * np.sin(day + phase) + 3 * np.cos(2 * day + phase) + 2 * np.sin(2 * np.pi * (t % 604800) / 604800)


def _single(scale: float) -> Input:
    g, n = np.random.default_rng(1), int(100_000 * scale)
    t = 300 * np.arange(n)
    value = 100 + _season(t) + g.normal(0, 2, n)
    value[g.choice(n, n // 1600, replace=False)] += 30
    columns = {"time": START_MS + 1000 * (t + g.integers(0, 300, n)), "value": value}
    return Input("one series", "5m", 300_000, n, columns, {"function": "mean", "field_name": "value"})


def _partitions(scale: float) -> Input:
    g, n, buckets = np.random.default_rng(2), 1000, int(2000 * scale)
    t = np.repeat(300 * np.arange(buckets), n)
    host = np.tile(np.arange(n), buckets)
    size, phase = g.lognormal(3, 1, n), g.uniform(0, 2 * np.pi, n)
    value = size[host] * (5 + _season(t, phase[host]) / 10 + 0.2 * g.normal(0, 1, len(t)))
    names = pa.DictionaryArray.from_arrays(host.astype(np.int32), [f"host-{k:04d}" for k in range(n)]).cast(pa.string())
    columns = {"time": START_MS + 1000 * (t + g.integers(0, 300, len(t))), "value": value, "host": names}
    detector = {"function": "mean", "field_name": "value", "partition_field_name": "host"}
    return Input("1000 partitions", "5m", 300_000, buckets, columns, detector)


def _population(scale: float) -> Input:
    g, n, buckets = np.random.default_rng(3), 1000, int(500 * scale)
    count = g.poisson(2.0, (buckets, n))
    bucket, client = (
        np.repeat(np.arange(buckets), count.sum(1)),
        np.repeat(np.tile(np.arange(n), buckets), count.ravel()),
    )
    names = pa.DictionaryArray.from_arrays(
        client.astype(np.int32), [f"10.0.{k // 256}.{k % 256}" for k in range(n)]
    ).cast(pa.string())
    columns = {
        "time": START_MS + 1000 * (900 * bucket + g.integers(0, 900, len(bucket))),
        "dest": g.zipf(1.3, len(bucket)) % 5000,
        "client": names,
    }
    detector = {"function": "high_distinct_count", "field_name": "dest", "over_field_name": "client"}
    return Input("population of 1000", "15m", 900_000, buckets, columns, detector)


def _count(scale: float) -> Input:
    g, n, buckets = np.random.default_rng(4), int(2_000_000 * scale), 1000
    t = g.integers(0, buckets * 3600, n)
    status = pa.DictionaryArray.from_arrays(
        g.choice(5, n, p=[0.6, 0.2, 0.1, 0.07, 0.03]).astype(np.int32), ["200", "301", "404", "500", "503"]
    ).cast(pa.string())
    columns = {"time": START_MS + 1000 * t, "status": status}
    return Input(
        "count of 5", "1h", 3_600_000, buckets, columns, {"function": "count", "partition_field_name": "status"}
    )


def _time(connection: duckdb.DuckDBPyConnection, item: Input) -> tuple[float, dict[str, Any], int]:
    job = {
        "job_id": "speed",
        "analysis_config": {"bucket_span": item.span, "detectors": [dict(item.detector)], "influencers": []},
        "data_description": {"time_field": "time"},
    }
    analysis = JobAnalysis(job)
    end_ms = START_MS + item.buckets * item.span_ms
    begin = time.perf_counter()
    documents = Documents(Table("documents"), {name: name for name in item.columns})
    results = analysis.analyse(connection, documents, start_ms=START_MS, end_ms=end_ms)
    return time.perf_counter() - begin, analysis.model_size(), len(results.records)


def main() -> None:
    """Print the table."""
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    titles = f"{'input':<20}{'records':>10}{'buckets':>9}{'cold s':>8}{'warm s':>8}"
    print(titles + f"{'records/s':>12}{'model kB':>10}{'found':>7}")
    for make in (_single, _partitions, _population, _count):
        item = make(scale)
        with duckdb.connect() as connection:
            connection.register("drawn", pa.table(item.columns))
            connection.execute("CREATE TABLE documents AS SELECT * FROM drawn")
            cold, _, _ = _time(connection, item)
            warm, size, found = _time(connection, item)
        records = len(item.columns["time"])
        print(
            f"{item.name:<20}{records:>10}{item.buckets:>9}{cold:>8.2f}{warm:>8.2f}{records / warm:>12,.0f}"
            f"{size['model_bytes'] / 1024:>10.0f}{found:>7}",
            flush=True,
        )


if __name__ == "__main__":
    main()
