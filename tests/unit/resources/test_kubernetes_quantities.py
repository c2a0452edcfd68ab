"""Quantities of Kubernetes are compared by what they mean."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources import parse_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1Gi", Decimal(2**30)),
        ("1024Mi", Decimal(2**30)),
        ("1G", Decimal(10**9)),
        ("500m", Decimal("0.5")),
        ("0.5", Decimal("0.5")),
        ("2", Decimal(2)),
        ("3k", Decimal(3000)),
        ("1.5Gi", Decimal(1536 * 2**20)),
    ],
)
def test_a_quantity_is_a_number(text: str, number: Decimal) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "Gi", "1gb", "1 Gi", "-1", "1e3x", "1KiB", "\uff11"])
def test_what_kubernetes_does_not_write_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


@given(st.integers(1, 10**6), st.sampled_from([("Gi", "Mi"), ("Mi", "Ki"), ("Ti", "Gi")]))
def test_units_are_powers_of_each_other(number: int, units: tuple[str, str]) -> None:
    large, small = units
    assert parse_quantity(f"{number}{large}") == parse_quantity(f"{number * 1024}{small}")
