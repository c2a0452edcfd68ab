"""Laws of advice about memory and query delay."""

from __future__ import annotations

import math

from hypothesis import assume, given
from hypothesis import strategies as st

from anomalyops.plan.core.sizing import advised_delay, advised_limit, field_roles, latency
from laws import law

SECONDS = st.floats(-1e6, 1e9, allow_nan=False)
BYTES = st.integers(0, 2**50)


@law(examples=200)
@given(st.lists(SECONDS, max_size=200))
def test_at_least_the_share_of_documents_that_a_percentile_names_is_within_it(seconds: list[float]) -> None:
    found = latency(seconds)
    if not seconds:
        assert found is None
        return
    assert found is not None
    for share, value in ((0.5, found.p50), (0.95, found.p95), (0.99, found.p99)):
        assert sum(one <= value for one in seconds) >= share * len(seconds)
        assert sum(one < value for one in seconds) < share * len(seconds) or value == 0
    assert 0 <= found.p50 <= found.p95 <= found.p99


@law(examples=200)
@given(st.lists(SECONDS, min_size=1, max_size=200))
def test_a_delay_that_is_advised_waits_for_95_of_100_documents_in_whole_seconds(seconds: list[float]) -> None:
    found = latency(seconds)
    assert found is not None
    advised = advised_delay(found)
    assert isinstance(advised, int)
    assert advised >= found.p95 + 10
    assert advised <= math.ceil(found.p95 * 1.25 + 10)


@law(examples=200)
@given(BYTES, st.none() | BYTES)
def test_a_limit_that_is_advised_is_whole_mebibytes_above_estimate_and_use(estimate: int, used: int | None) -> None:
    advised = advised_limit(estimate, used)
    assert advised % 2**20 == 0
    assert advised >= estimate
    assert used is None or advised >= used
    assume(used is None)
    assert advised < estimate + 2**20


def test_fields_by_what_their_values_cost() -> None:
    roles = field_roles(
        {
            "detectors": [
                {"function": "count", "by_field_name": "mlcategory", "partition_field_name": "service"},
                {"function": "mean", "field_name": "bytes", "over_field_name": "client", "by_field_name": "status"},
            ],
            "influencers": ["service", "host", "mlcategory"],
        }
    )
    assert roles.splitting == ("service", "status", "client")
    assert roles.influencing == ("host",)
    assert field_roles({}) == field_roles({"detectors": [{"function": "count"}], "influencers": None})
