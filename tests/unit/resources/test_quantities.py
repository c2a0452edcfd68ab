"""Durations, memory sizes and times are read as the `_ml` API reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources import format_memory, parse_duration, parse_memory, parse_time

_DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("15m", 900_000),
        ("1h", 3_600_000),
        ("60m", 3_600_000),
        ("3600s", 3_600_000),
        ("2d", 2 * _DAY),
        ("61499ms", 61_499),
        ("2500micros", 2),
        ("1000000nanos", 1),
        ("0s", 0),
        ("0", 0),
    ],
)
def test_durations_are_milliseconds(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "15", "1w", "1M", "1.5h", "-1s", "15 m", "m", "15min", "1H", "200000d", "1m\n", "\uff11m"]
)
def test_what_the_api_does_not_read_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration") as caught:
        parse_duration(text)
    assert f"'{text}'" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("1gb", 2**30),
        ("1024mb", 2**30),
        (1024, 2**30),
        ("1g", 2**30),
        ("1GB", 2**30),
        ("1500kb", 1500 * 1024),
        ("7b", 7),
        ("2tb", 2**41),
        ("1pb", 2**50),
    ],
)
def test_memory_sizes_are_bytes_and_numbers_are_mebibytes(value: str | int, size: int) -> None:
    assert parse_memory(value) == size


@pytest.mark.parametrize("value", ["", "1", "1Gi", "1.5gb", "-1mb", "1 gb", "5bb", "gb", -1, True])
def test_what_the_api_does_not_read_is_no_memory_size(value: str | int) -> None:
    with pytest.raises(ValueError, match="is not a memory size"):
        parse_memory(value)


@given(st.integers(min_value=0, max_value=2**50))
def test_a_limit_is_printed_in_whole_mebibytes_rounded_down(size: int) -> None:
    printed = format_memory(size)
    assert printed.endswith("mb")
    assert parse_memory(printed) <= size < parse_memory(printed) + 2**20


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("1767225600", 1_767_225_600_000),  # ten digits: seconds
        (1_767_225_600, 1_767_225_600_000),
        ("1767225600000", 1_767_225_600_000),  # more: milliseconds
        ("2026-01-01T00:00:00Z", 1_767_225_600_000),
        ("2026-01-01T01:00:00+01:00", 1_767_225_600_000),
        ("2026-01-01T00:00:00.250Z", 1_767_225_600_250),
        ("2026-01-01", 1_767_225_600_000),
    ],
)
def test_points_in_time(value: str | int, milliseconds: int) -> None:
    assert parse_time(value) == milliseconds


@pytest.mark.parametrize("text", ["yesterday", "", "2026-02-31", "2026-W01-1", "2026-01-01 10:00", "-5", "1e9"])
def test_what_the_api_does_not_read_is_no_point_in_time(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not a point in time: write ISO 8601"):
        parse_time(text)
