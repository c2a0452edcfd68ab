from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from anomalyops_engine.config import Job, create_job
from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.scoring import JobAnalysis, Results, Schedule

HOUR = 3_600_000
START = 1_704_067_200_000  # 2024-01-01T00:00:00Z, a Monday


class Bench:
    """Documents in DuckDB and a way to analyse them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.columns: dict[str, str] = {}

    @staticmethod
    def job(*detectors: dict[str, Any], influencers: tuple[str, ...] = (), **options: Any) -> Job:
        config = {"bucket_span": "1h", "detectors": list(detectors), "influencers": list(influencers)}
        body = {
            "analysis_config": config | options.pop("analysis_config", {}),
            "data_description": {"time_field": "time"},
            **options,
        }
        return create_job(body, job_id="job", now_ms=0)[0]

    @staticmethod
    def times(counts: Any) -> Any:
        """Times of documents: `counts[b]` of them in bucket b, spread over it."""
        return np.concatenate(
            [START + b * HOUR + np.arange(n) * (HOUR // max(int(n), 1)) for b, n in enumerate(counts)]
        ).astype(np.int64)

    def load(self, **columns: Any) -> None:
        self.connection.register("incoming", pa.table(columns))
        self.connection.execute("CREATE OR REPLACE TABLE documents AS SELECT * FROM incoming")
        self.columns = {name: name for name in columns}

    def analyse(
        self,
        job: Job | None,
        buckets: int,
        *,
        analysis: JobAnalysis | None = None,
        first: int = 0,
        schedule: Schedule | None = None,
    ) -> Results:
        if analysis is None:
            assert job is not None
            analysis = JobAnalysis(job)
        documents = Documents(Table("documents"), self.columns)
        return analysis.analyse(
            self.connection,
            documents,
            start_ms=START + first * HOUR,
            end_ms=START + (first + buckets) * HOUR,
            schedule=schedule or Schedule(),
        )


@contextmanager
def _open_bench() -> Iterator[Bench]:
    with duckdb.connect() as connection:
        yield Bench(connection)


@pytest.fixture(scope="session")
def new_bench() -> Callable[[], AbstractContextManager[Bench]]:
    return _open_bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    with _open_bench() as bench:
        yield bench
