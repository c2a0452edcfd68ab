"""Percentiles by `hdr`, against the counters of a high dynamic range histogram said in fractions."""

from fractions import Fraction

import pytest
from elasticsearch import ApiError, BadRequestError
from hypothesis import given
from hypothesis import strategies as st

from laws import law

_INDEX = "hdr-percentiles"
_HALVES = {0: 1, 1: 16, 2: 128, 3: 1024, 4: 16384, 5: 131072}


def _fill(client, rows):
    client.options(ignore_status=404).indices.delete(index=_INDEX)
    properties = {"n": {"type": "double"}, "whole": {"type": "long"}, "when": {"type": "date"}}
    client.indices.create(index=_INDEX, mappings={"properties": properties})
    if rows:
        client.bulk(index=_INDEX, operations=[part for row in rows for part in ({"index": {}}, row)])


def _percentiles(client, **options):
    answer = client.search(index=_INDEX, size=0, aggs={"p": {"percentiles": {"field": "n", **options}}})
    return answer["aggregations"]["p"]["values"]


def _counter(value, smallest, half):
    """Return where the counter of a value begins and the last step in it; between powers of two all are as wide."""
    power = Fraction(1)
    while power > smallest:
        power /= 2
    while power * 2 <= smallest:
        power *= 2
    step = power / half
    while value >= power * 2:
        power *= 2
    width = power / half
    begin = value // width * width
    return begin, begin + width - step


_NUMBERS = st.one_of(st.integers(0, 3000).map(float), st.floats(0.001, 1e9, allow_subnormal=False))


@law(examples=50)
@given(
    st.lists(st.lists(_NUMBERS, min_size=1, max_size=3), min_size=1, max_size=8),
    st.integers(0, 5),
    st.lists(st.sampled_from([0.0, 1.0, 12.5, 25.0, 50.0, 75.0, 99.0, 100.0]), min_size=1, max_size=4, unique=True),
)
def test_a_percentile_is_the_end_of_the_counter_it_is_in(client, rows, digits, percents):
    _fill(client, [{"n": row} for row in rows])
    found = _percentiles(client, percents=percents, hdr={"number_of_significant_value_digits": digits})
    values = sorted(value for row in rows for value in row)
    above = [Fraction(value) for value in values if value > 0]
    for percent in percents:
        rank = max(int(percent / 100 * len(values) + 0.5), 1)
        value = Fraction(values[rank - 1])
        expected = Fraction(0)
        if value:
            begin, end = _counter(value, min(above), _HALVES[digits])
            expected = end if percent else begin
        assert found[str(percent)] == float(expected)
        assert abs(found[str(percent)] - values[rank - 1]) <= values[rank - 1] / _HALVES[digits]


def test_percentiles_of_nothing_and_of_nothing_but_zeros(client):
    _fill(client, [])
    assert _percentiles(client, percents=[50], hdr={}) == {"50.0": None}
    _fill(client, [{"n": 0}, {"n": 0}, {}])
    assert _percentiles(client, percents=[50], hdr={}) == {"50.0": 0.0}
    assert _percentiles(client, percents=[100], hdr={}, missing=4) == {"100.0": 4.0}


def test_they_are_shown_as_others_are_inside_buckets_too(client):
    _fill(client, [{"n": n, "whole": n} for n in (1, 51, 101, 151)])
    listed = _percentiles(client, percents=[50], hdr={}, keyed=False)
    assert listed == [{"key": 50.0, "value": 51.0302734375}]
    aggs = {"b": {"histogram": {"field": "whole", "interval": 100}, "aggs": {"p": {"percentiles": {"field": "whole"}}}}}
    aggs["b"]["aggs"]["p"]["percentiles"] |= {"hdr": {}, "percents": [100]}
    answer = client.search(index=_INDEX, size=0, aggs=aggs, typed_keys=True)["aggregations"]["histogram#b"]
    tops = [bucket["hdr_percentiles#p"]["values"]["100.0"] for bucket in answer["buckets"]]
    assert tops == [51.0302734375, 151.0625]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"hdr": {"number_of_significant_value_digits": 6}}, "must be between 0 and 5"),
        ({"hdr": {"number_of_significant_value_digits": -1}}, "must be between 0 and 5"),
        ({"hdr": {"digits": 3}}, "unknown field [digits]"),
        ({"hdr": {}, "tdigest": {}}, "Only one percentiles method should be declared."),
    ],
)
def test_what_makes_no_histogram_is_refused(client, options, why):
    _fill(client, [{"n": 1}])
    with pytest.raises(BadRequestError) as caught:
        _percentiles(client, **options)
    assert why in str(caught.value.body)


def test_values_below_zero_cannot_be_counted(client):
    _fill(client, [{"n": -1}, {"n": 2}])
    with pytest.raises(BadRequestError) as caught:
        _percentiles(client, hdr={})
    assert "Negative values cannot be recorded" in str(caught.value.body)


def test_datafeeds_take_the_exact_ones(client):
    _fill(client, [{"n": 1, "when": 0}])
    client.options(ignore_status=404).ml.delete_job(job_id="hdr-job", force=True)
    detectors = [{"function": "mean", "field_name": "p"}]
    config = {"bucket_span": "1h", "detectors": detectors, "summary_count_field_name": "doc_count"}
    client.ml.put_job(job_id="hdr-job", analysis_config=config, data_description={"time_field": "when"})
    inner = {"when": {"max": {"field": "when"}}, "p": {"percentiles": {"field": "n", "percents": [50], "hdr": {}}}}
    aggs = {"buckets": {"date_histogram": {"field": "when", "fixed_interval": "1h"}, "aggs": inner}}
    with pytest.raises(ApiError) as caught:
        client.ml.put_datafeed(datafeed_id="hdr-feed", job_id="hdr-job", indices=[_INDEX], aggregations=aggs)
    assert caught.value.meta.status == 501
    assert "[hdr] of percentiles aggregation [p] in a datafeed is not supported" in str(caught.value.body)
    client.ml.delete_job(job_id="hdr-job", force=True)
