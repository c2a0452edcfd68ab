"""The functions of ES|QL, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from anomalyops_engine.query.esql.functions import addresses, choices, conversions, dates, lists, maths, places, strings
from anomalyops_engine.query.esql.functions.function import Function

FUNCTIONS: Final[Mapping[str, Function]] = {
    **addresses.FUNCTIONS,
    **choices.FUNCTIONS,
    **conversions.FUNCTIONS,
    **dates.FUNCTIONS,
    **lists.FUNCTIONS,
    **maths.FUNCTIONS,
    **places.FUNCTIONS,
    **strings.FUNCTIONS,
}
# What Elasticsearch has and this engine has not.
MISSING: Final = frozenset(
    {"all_first", "all_last", "chunk", "count_distinct_over_time", "date_unit_count", "days_in_month"}
    | {"decay", "earliest", "embed", "embed_text", "embedding", "extract_snippets", "field_extract", "first_over_time"}
    | {"in_range", "json_extract", "latest", "mv_contains_all", "range_contains", "range_intersects", "range_max"}
    | {"range_min", "range_within", "to_ascii", "to_counter", "to_date_range"}
    | {"to_exponential_histogram", "to_gauge", "to_range", "to_tdigest"}
    | {"knn", "last_over_time", "max_over_time", "min_over_time"}
    | {"network_direction", "rate"}
    | {"score", "st_centroid_agg", "st_contains", "st_disjoint", "st_envelope"}
    | {"st_extent_agg", "st_geohash", "st_geohex", "st_geotile", "st_intersects", "st_npoints", "st_simplify"}
    | {"st_within", "st_xmax", "st_xmin", "st_ymax", "st_ymin", "sum_over_time", "tbucket", "term"}
    | {"text_embedding", "to_aggregate_metric_double", "to_cartesianpoint", "to_cartesianshape", "to_date_nanos"}
    | {"to_geohash", "to_geohex", "to_geoshape", "to_geotile", "to_ip_leading_zeros_decimal"}
    | {"to_ip_leading_zeros_octal", "to_ip_leading_zeros_rejected", "top_snippets", "trange"}
    | {"v_cosine", "v_dot_product", "v_hamming", "v_l1_norm"}
    | {"v_l2_norm", "v_magnitude", "avg_over_time", "count_over_time", "present_over_time", "absent_over_time"}
    | {"to_dense_vector", "irate", "increase", "delta", "idelta", "deriv", "percentile_over_time"}
    | {"stddev_over_time", "variance_over_time", "to_datenanos"}
    | {f"st_{grid}_to_{form}" for grid in ("geohash", "geohex", "geotile") for form in ("geoshape", "long", "string")}
    | {"day", "hour", "month", "year", "histogram_percentile", "highlight", "to_text"}
)


# What makes keys of STATS, and nothing else.
GROUPING: Final = frozenset({"categorize"})
# What takes several values as they are; others take one, and are NULL for several.
OF_SEVERAL: Final = frozenset(
    {*choices.FUNCTIONS, *conversions.FUNCTIONS, *lists.FUNCTIONS, "to_degrees", "to_radians"}
)
