"""Buckets that are not complete: what is said of them is no more often wrong than what is said of whole ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.scoring import JobAnalysis

LEARNT = 300
TOLD = 150
EACH = 16
HOUR = 3_600_000
START = 1_704_067_200_000


def tell(bench: Any, job: Any, shares: tuple[float, ...]) -> dict[float, int]:
    """How many of the buckets after those learnt have a record when so much of them is known, by share."""
    analysis, found = JobAnalysis(job), dict.fromkeys(shares, 0)
    bench.analyse(job, LEARNT, analysis=analysis)
    for bucket in range(LEARNT, LEARNT + TOLD):
        start = START + bucket * HOUR
        for share in shares:
            reach = start + int(share * HOUR)
            bench.connection.execute(f"CREATE OR REPLACE VIEW known AS SELECT * FROM documents WHERE time < {reach}")
            results = analysis.interim(
                bench.connection,
                Documents(Table("known"), bench.columns),
                start_ms=start,
                end_ms=start + HOUR,
                reach_ms=reach,
            )
            found[share] += bool(results.records)
        bench.analyse(job, 1, analysis=analysis, first=bucket)
    return found


@pytest.mark.parametrize("function", ["mean", "median", "varp"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_part_of_a_bucket_does_not_stray_more_often_than_a_whole_one(
    new_bench: Any, function: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    with new_bench() as bench:
        time = bench.times([EACH] * (LEARNT + TOLD))
        bench.load(time=time, value=rng.normal(100, 10, len(time)))
        found = tell(bench, bench.job({"function": function, "field_name": "value"}), (0.125, 0.5, 1.0))
    assert max(found.values()) <= found[1.0] + 0.03 * TOLD, found
