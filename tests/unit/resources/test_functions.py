"""Which fields each detector function takes, as the API's table of functions has it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from anomalyops.resources import Detector, DetectorFunction, canonical_function

SIDES = ("", "low_", "high_")
WITHOUT_FIELD = [f"{side}{name}" for name in ("count", "c", "non_zero_count", "nzc") for side in SIDES]
WITHOUT_FIELD += ["rare", "freq_rare", "fr", "time_of_day", "time_of_week"]
_SIDED = ("distinct_count", "dc", "info_content", "mean", "avg", "median", "varp", "sum", "non_null_sum", "nns")
WITH_FIELD = [f"{side}{name}" for name in _SIDED for side in SIDES]
WITH_FIELD += ["min", "max", "metric", "lat_long"]
NO_OVER = [f"{side}{name}" for name in ("non_zero_count", "nzc") for side in SIDES]


def _accepted(**fields: Any) -> bool:
    try:
        Detector(**fields)
    except ValidationError:
        return False
    return True


def test_the_functions_are_these_and_no_others() -> None:
    assert sorted(DetectorFunction) == sorted(WITHOUT_FIELD + WITH_FIELD)


@pytest.mark.parametrize("function", [*WITHOUT_FIELD, *WITH_FIELD])
def test_each_function_takes_its_fields_and_refuses_others(function: str) -> None:
    splits = {"by_field_name": "status", "over_field_name": "clientip", "partition_field_name": "host"}
    takes_over = function not in NO_OVER
    field = {"field_name": "bytes"} if function in WITH_FIELD else {}
    full = {"function": function, **splits, **field}
    if not takes_over:
        assert not _accepted(**full)
        del full["over_field_name"]
    assert _accepted(**full)
    other = full | {"field_name": "bytes"} if not field else {k: v for k, v in full.items() if k != "field_name"}
    assert not _accepted(**other)
    needs_by = function in ("rare", "freq_rare", "fr")
    assert _accepted(**{k: v for k, v in full.items() if k != "by_field_name"}) != needs_by
    if takes_over:
        needs_over = function in ("freq_rare", "fr")
        assert _accepted(**{k: v for k, v in full.items() if k != "over_field_name"}) != needs_over


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("c", "count"),
        ("high_c", "high_count"),
        ("low_nzc", "low_non_zero_count"),
        ("dc", "distinct_count"),
        ("fr", "freq_rare"),
        ("high_nns", "high_non_null_sum"),
        ("low_avg", "low_mean"),
        ("sum", "sum"),
    ],
)
def test_short_forms_mean_the_full_ones(short: str, full: str) -> None:
    assert canonical_function(short) == full
