"""Values of series have one order, however the database gave them, and finding it costs no more than it must."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.features.extract import _FEW_CODES, distinct, in_order, reproducible

ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 5), st.sampled_from([0.0, 1.0, 1.0 + 2**-50, 2.5]), st.integers(0, 2)),
    max_size=40,
)


@given(ROWS, st.booleans())
def test_rows_are_in_order_of_bucket_key_and_figures(rows, once):
    """As one sort by everything has it, also where a bucket has one row of each key, which is sorted by less."""
    if once:
        rows = list({row[:2]: row for row in rows}.values())
    bucket, key, first, second = np.array(rows, dtype=np.float64).reshape(len(rows), 4).T
    bucket, key = bucket.astype(np.int64), key.astype(np.int64)
    expected = np.lexsort((reproducible(second), reproducible(first), key, bucket))
    assert in_order(bucket, key, [first, second]).tolist() == expected.tolist()


@given(st.lists(st.integers(0, 900), max_size=30), st.sampled_from([901, 100 * _FEW_CODES]))
def test_distinct_codes_are_the_same_counted_and_sorted(codes, limit):
    array = np.array(codes, dtype=np.int64)
    present, places = distinct(array, limit)
    assert present.tolist() == sorted(set(codes))
    assert present[places].tolist() == codes
    assert (present.dtype, places.dtype) == (np.int64, np.int64)
