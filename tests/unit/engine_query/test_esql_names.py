"""Every command and function that Elasticsearch documents works, or is refused by its name and where it stands."""

from __future__ import annotations

from contextlib import suppress

import duckdb
import pytest

from anomalyops_engine.query import QueryError
from anomalyops_engine.query.errors import UnsupportedQueryError
from anomalyops_engine.query.esql import fulltext
from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.functions import FUNCTIONS, GROUPING, MISSING
from anomalyops_engine.query.esql.functions.aggregates import AGGREGATES
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Surroundings

_CONNECTION = duckdb.connect()
_SERVED = {*FUNCTIONS, *AGGREGATES, *GROUPING, *fulltext.FUNCTIONS}
# The lists of the reference of versions 8.19 and 9.x.
_DOCUMENTED = """
absent avg count count_distinct first last max median median_absolute_deviation min percentile present sample
st_centroid_agg st_extent_agg std_dev sum top values variance weighted_avg absent_over_time avg_over_time
count_over_time count_distinct_over_time delta first_over_time increase idelta irate last_over_time
max_over_time min_over_time percentile_over_time present_over_time rate stddev_over_time sum_over_time
variance_over_time bucket tbucket categorize case coalesce greatest least clamp clamp_max clamp_min date_diff
date_extract date_format date_parse date_trunc day day_name hour month month_name now range_contains
range_intersects range_max range_min range_within trange year cidr_match ip_prefix network_direction abs acos
acosh asin asinh atan atanh atan2 cbrt ceil copy_sign cos cosh e exp floor hypot log log10 pi pow round
round_to scalb signum sin sinh sqrt tan tanh tau decay kql match match_phrase multi_match qstr score
top_snippets st_distance st_intersects st_disjoint st_contains st_within st_x st_y st_npoints st_simplify
st_envelope st_xmax st_xmin st_ymax st_ymin st_geotile st_geohex st_geohash st_geotile_to_string
st_geotile_to_long st_geotile_to_geoshape st_geohex_to_string st_geohex_to_long st_geohex_to_geoshape
st_geohash_to_string st_geohash_to_long st_geohash_to_geoshape bit_length byte_length chunk concat contains
ends_with from_base64 hash left length locate ltrim md5 repeat replace reverse right rtrim sha1 sha256 space
split starts_with substring to_base64 to_lower to_upper trim url_encode url_encode_component url_decode
to_ascii json_extract field_extract to_aggregate_metric_double to_boolean to_cartesianpoint to_cartesianshape
to_counter to_dateperiod to_datetime to_date_nanos to_date_range to_degrees to_dense_vector to_double
to_exponential_histogram to_gauge to_geohash to_geohex to_geopoint to_geoshape to_geotile to_integer to_ip
to_long to_radians to_range to_string to_tdigest to_text to_timeduration to_unsigned_long to_version to_bool
to_dbl to_dt to_int to_str to_ul to_ulong to_ver mv_append mv_avg mv_concat mv_contains mv_count mv_dedupe
mv_first mv_intersection mv_intersects mv_last mv_max mv_median mv_median_absolute_deviation mv_min
mv_percentile mv_pseries_weighted_sum mv_sort mv_slice mv_sum mv_union mv_zip knn text_embedding v_cosine
v_dot_product v_hamming v_l1_norm v_l2_norm v_magnitude
"""
_COMMANDS = """
change_point completion dedup dissect drop enrich eval fork fuse grok inline insist keep limit lookup
metrics_info mmr mv_expand registered_domain rename rerank sample sort stats ts_info uri_parts user_agent
where inlinestats
"""
_SOURCES = ["explain", "from", "promql", "row", "set", "show", "ts"]
_SERVED_COMMANDS = """
dissect drop eval grok inline inlinestats keep limit mv_expand rename sample sort stats where from row show
"""


def ask(text):
    return answer(_CONNECTION, text, Parameters(), Surroundings(lambda name: None, None, 0, ("1", "2", "3")))


def refusal(text):
    with pytest.raises(QueryError) as refused:
        ask(text)
    return refused.value


@pytest.mark.parametrize("name", sorted(_DOCUMENTED.split()))
def test_each_documented_function_is_served_or_refused_by_name(name):
    assert (name in _SERVED) != (name in MISSING)
    statement = f"ROW a = 1 | EVAL b = 2 + {name.upper()}(a, a, a, a, a, a, a)"
    if name in _SERVED:
        with suppress(QueryError):
            ask(statement)
        return
    error = refusal(statement)
    assert isinstance(error, UnsupportedQueryError)
    assert str(error) == f"line 1:26: the function [{name.upper()}] is not supported by this engine"


@pytest.mark.parametrize("name", sorted({*_COMMANDS.split(), *_SOURCES}))
def test_each_documented_command_is_served_or_refused_by_name(name):
    text = f"{name.upper()} (" if name in _SOURCES else f"ROW a = 1 | {name.upper()} ("
    error = refusal(text)
    place = f"line 1:{1 if name in _SOURCES else 13}: "
    refused = isinstance(error, UnsupportedQueryError) and str(error).startswith(place)
    assert refused == (name not in _SERVED_COMMANDS.split())
    assert "expecting {'change_point'" not in str(error)
    assert "expecting {'explain'" not in str(error)


def test_an_unknown_function_is_no_missing_one():
    assert "line 1:9: Unknown function [NOSUCH]" in str(refusal("ROW a = NOSUCH(1)"))
