"""What scheduled events cost: making a schedule, one bucket of real time, and a year of hours of a lookback.

`python -m benchmarks.scheduled_events` prints one row for each number of events, of an hour each, four a day. The
lookback is of one series of means, in steps of 500 buckets: its events are neither scored nor learnt, and then the same
with model plots. Nothing is asserted.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa

from anomalyops_engine.config import create_job
from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.scoring import Event, JobAnalysis, Schedule

HOUR_MS = 3_600_000
START_MS = 1_704_067_200_000
YEAR, STEP = 365 * 24 // 500 * 500, 500


def events(count: int) -> list[Event]:
    """Some events, the first of them at the start."""
    begins = [START_MS + 6 * HOUR_MS * number for number in range(count)]
    return [Event(description=f"event {begin}", start_ms=begin, end_ms=begin + HOUR_MS) for begin in begins]


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The least time that something takes."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def lookback(connection: duckdb.DuckDBPyConnection, schedule: Schedule, *, plotted: bool) -> float:
    """Seconds that a year of hours takes."""
    body = {
        "analysis_config": {"bucket_span": "1h", "detectors": [{"function": "mean", "field_name": "value"}]},
        "data_description": {"time_field": "time"},
        "model_plot_config": {"enabled": plotted},
    }
    analysis = JobAnalysis(create_job(body, job_id="job", now_ms=0)[0])
    documents = Documents(Table("documents"), {"time": "time", "value": "value"})

    def work() -> None:
        for first in range(0, YEAR, STEP):
            begin = START_MS + first * HOUR_MS
            end = begin + STEP * HOUR_MS
            analysis.analyse(connection, documents, start_ms=begin, end_ms=end, schedule=schedule)

    return seconds(work, times=1)


def main() -> None:
    """Print the figures."""
    rng = np.random.default_rng(1)
    documents = pa.table(
        {"time": START_MS + np.arange(YEAR) * HOUR_MS, "value": rng.normal(100, 5, YEAR)}  # one document a bucket
    )
    print(f"{'events':>8} {'schedule':>12} {'a bucket':>12} {'a year':>10} {'with plots':>10}")
    with duckdb.connect() as connection:
        connection.register("documents", documents)
        lookback(connection, Schedule(), plotted=True)
        for count in (0, 100, 1_000, 10_000, 100_000):
            made = events(count)
            schedule = Schedule(made, HOUR_MS)
            building = seconds(lambda made=made: Schedule(made, HOUR_MS))  # type: ignore[misc]
            first = START_MS // HOUR_MS + 100

            def bucket(schedule: Schedule = schedule, first: int = first) -> None:
                for number in range(1000):
                    schedule.marks(first + number, 1, since_bucket=first + number).flags(1)

            plain, plotted = (lookback(connection, schedule, plotted=plotted) for plotted in (False, True))
            row = f"{building * 1e3:9.2f} ms {seconds(bucket) * 1e3:9.1f} us {plain:8.2f} s {plotted:8.2f} s"
            print(f"{count:>8} {row}")


if __name__ == "__main__":
    main()
