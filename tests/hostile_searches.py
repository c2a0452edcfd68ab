"""Searches that are mostly well formed and rarely sensible: queries and aggregations with all their options.

Every option of the tables of aggregations is among them, so that a new one is tried without a word here.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from anomalyops_engine.query.aggregations import tree
from anomalyops_engine.query.options import options_of
from hostile import json, numbers, objects, scalars, texts

NAMES = (
    *(
        "date",
        "seconds",
        "pattern",
        "nanos",
        "keyword",
        "text",
        "text.raw",
        "long",
        "integer",
        "short",
        "byte",
        "unsigned",
    ),
    *("double", "float", "half", "scaled", "boolean", "ip", "geo", "binary", "wild", "alias", "object", "object.inner"),
    *("many_dates", "many_keywords", "many_longs", "many_doubles", "many_booleans", "many_ips", "many_texts"),
    *('q"uote', "q'uote", "semi;colon", "SELECT", "Case", "case", "ä", "with space", "a@b", "?", "$1", "x" * 300),
    *(
        "_id",
        "_index",
        "_source",
        "_score",
        "_doc",
        "_seq_no",
        "_shard_doc",
        "_version",
        "one",
        "f0",
        "k0",
        "bucket",
        "unmapped",
        "item",
    ),
)
TYPES = {
    "date": {"type": "date"},
    "seconds": {"type": "date", "format": "epoch_second"},
    "pattern": {"type": "date", "format": "yyyy-MM-dd HH:mm:ss"},
    "nanos": {"type": "date_nanos"},
    "keyword": {"type": "keyword"},
    "text": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
    "long": {"type": "long"},
    "integer": {"type": "integer"},
    "short": {"type": "short"},
    "byte": {"type": "byte"},
    "unsigned": {"type": "unsigned_long"},
    "double": {"type": "double"},
    "float": {"type": "float"},
    "half": {"type": "half_float"},
    "scaled": {"type": "scaled_float", "scaling_factor": 100},
    "boolean": {"type": "boolean"},
    "ip": {"type": "ip"},
    "geo": {"type": "geo_point"},
    "binary": {"type": "binary"},
    "wild": {"type": "wildcard"},
    "alias": {"type": "alias", "path": "keyword"},
    "object": {"properties": {"inner": {"type": "long"}}},
    "many_dates": {"type": "date"},
    "many_keywords": {"type": "keyword"},
    "many_longs": {"type": "long"},
    "many_doubles": {"type": "double"},
    "many_booleans": {"type": "boolean"},
    "many_ips": {"type": "ip"},
    "many_texts": {"type": "text"},
}
STRANGE = ('q"uote', "q'uote", "semi;colon", "SELECT", "Case", "case", "ä", "with space", "a@b", "?", "$1", "x" * 300)
DOCUMENTS = [
    {
        "date": 1_704_067_200_000,
        "seconds": 1_704_067_200,
        "pattern": "2024-01-01 00:00:00",
        "nanos": "2024-01-01T00:00:00.123456789Z",
        "keyword": "a@b.org",
        "text": "Error: disk 'sda' full; SELECT 1",
        "long": 2**63 - 1,
        "integer": -(2**31),
        "short": 7,
        "byte": -128,
        "unsigned": 2**64 - 1,
        "double": 1e300,
        "float": 30.76,
        "half": 1.1,
        "scaled": 12.34,
        "boolean": True,
        "ip": "10.0.0.1",
        "geo": {"lat": 1.5, "lon": 2.5},
        "binary": "U29tZQ==",
        "wild": "w*ld",
        "object": {"inner": 5},
        "many_dates": [0, 1_704_067_200_000],
        "many_keywords": ["x", "y", "x"],
        "many_longs": [1, 2, -(2**63)],
        "many_doubles": [0.5, -0.0],
        "many_booleans": [True, False],
        "many_ips": ["::1", "10.0.0.2"],
        "many_texts": ["one two", "three"],
    },
    {"date": -62_135_596_800_000, "long": -(2**63), "double": -1e300, "keyword": "", "text": ""},
    {"date": 253_402_300_799_999, "long": 0, "double": -0.0, "boolean": False, "keyword": "中文"},
    {},
]

fields = st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), texts)
dates = st.sampled_from(
    ["2024-01-01", "now-1d/d", 1_704_067_200_000, "2024-01-01T00:00:00+05:30", 1_704_067_200, "1704067200000", 2024, -1]
)
few = st.integers(0, 5)
values = st.one_of(scalars, dates, st.sampled_from(["a@b.org", "x", 5, 1.5, True, "10.0.0.0/8", 2**63]))
queries = st.deferred(lambda: st.one_of(leaf_queries, leaf_queries, bool_queries))
formats = st.one_of(
    texts, st.sampled_from(["epoch_millis", "epoch_second", "yyyy-MM-dd", "strict_date_optional_time||epoch_millis"])
)
zones = st.one_of(texts, numbers, st.sampled_from(["UTC", "+02:00", "-05:30", "Europe/Berlin", "UTC+2", 2]))
extra = {"boost": numbers, "_name": texts}


def about_a_field(
    kind: str, options: dict[str, st.SearchStrategy[Any]], short: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    inner = st.one_of(short, objects(options | extra))
    return st.tuples(fields, inner).map(lambda pair: {kind: {pair[0]: pair[1]}})


leaf_queries = st.one_of(
    about_a_field("term", {"value": values, "case_insensitive": st.booleans()}, values),
    st.tuples(fields, st.lists(values, max_size=4)).map(lambda pair: {"terms": {pair[0]: pair[1]}}),
    about_a_field(
        "range",
        dict.fromkeys(("gt", "gte", "lt", "lte", "from", "to"), values)
        | {"format": formats, "time_zone": zones, "relation": texts, "include_lower": st.booleans()},
        values,
    ),
    objects({"field": fields} | extra, required=("field",)).map(lambda body: {"exists": body}),
    objects({"values": st.lists(values, max_size=3)} | extra).map(lambda body: {"ids": body}),
    about_a_field("prefix", {"value": values, "case_insensitive": st.booleans(), "rewrite": texts}, values),
    about_a_field("wildcard", {"value": values, "wildcard": values, "case_insensitive": st.booleans()}, values),
    about_a_field(
        "match",
        {
            "query": values,
            "operator": st.sampled_from(["and", "or"]),
            "minimum_should_match": values,
            "lenient": st.booleans(),
        }
        | {"zero_terms_query": st.sampled_from(["all", "none"]), "fuzziness": values, "analyzer": texts},
        values,
    ),
    about_a_field("match_phrase", {"query": values, "slop": few, "analyzer": texts}, values),
    objects(extra).map(lambda body: {"match_all": body}),
    objects(extra).map(lambda body: {"match_none": body}),
    st.dictionaries(texts, json, max_size=2),
)
_decay = objects({"origin": values, "scale": values, "offset": values, "decay": numbers}, required=("scale",))
_of_a_number = objects({"field": fields, "factor": numbers, "modifier": values, "missing": numbers})
_modifiers = st.sampled_from(["none", "log", "log1p", "ln2p", "sqrt", "square", "reciprocal"])
score_functions = objects(
    {
        "weight": numbers,
        "filter": queries,
        "gauss": st.dictionaries(fields, _decay, min_size=1, max_size=1),
        "exp": st.dictionaries(fields, _decay, min_size=1, max_size=1),
        "random_score": objects({"seed": values, "field": fields}),
        "field_value_factor": st.tuples(_of_a_number, _modifiers).map(lambda pair: {**pair[0], "modifier": pair[1]}),
    }
)
_clauses = st.one_of(st.lists(queries, max_size=2), queries)
bool_queries = st.one_of(
    objects(
        dict.fromkeys(("must", "filter", "should", "must_not"), _clauses)
        | {"minimum_should_match": values, "adjust_pure_negative": st.booleans()}
        | extra
    ).map(lambda body: {"bool": body}),
    objects({"filter": queries} | extra).map(lambda body: {"constant_score": body}),
    objects({"queries": st.lists(queries, max_size=3), "tie_breaker": values} | extra).map(
        lambda body: {"dis_max": body}
    ),
    objects({"positive": queries, "negative": queries, "negative_boost": values} | extra).map(
        lambda body: {"boosting": body}
    ),
    objects({"query": queries, "functions": st.lists(score_functions, max_size=3), "boost_mode": values} | extra).map(
        lambda body: {"function_score": body}
    ),
)

bounds = objects({"min": st.one_of(dates, numbers), "max": st.one_of(dates, numbers)}, required=("min", "max"))
orders = st.one_of(
    st.sampled_from(
        [{"_count": "asc"}, {"_key": "desc"}, {"m": "asc"}, {"m.max": "desc"}, [{"m": "desc"}, {"_key": "asc"}]]
    ),
    json,
)
ranges = st.lists(
    objects({"from": st.one_of(dates, numbers), "to": st.one_of(dates, numbers), "key": texts}), max_size=3
)
likely = {
    "field": fields,
    "missing": values,
    "format": formats,
    "time_zone": zones,
    "fixed_interval": st.sampled_from(["1h", "7d", "1ms", "100000d", "1.5h", "1M"]),
    "calendar_interval": st.sampled_from(["month", "1d", "1y", "quarter", "week", "second", "1h"]),
    "interval": st.one_of(numbers, st.sampled_from([1, 0.1, "100", 1e300, 1e-300])),
    "offset": st.one_of(numbers, st.sampled_from(["+6h", "-1d", 5, 0.5, "inf", "3"])),
    "size": st.one_of(few, numbers),
    "shard_size": few,
    "min_doc_count": few,
    "shard_min_doc_count": few,
    "keyed": st.booleans(),
    "order": orders,
    "include": st.one_of(texts, st.lists(values, max_size=3), json),
    "exclude": st.one_of(texts, st.lists(values, max_size=3), json),
    "extended_bounds": bounds,
    "hard_bounds": bounds,
    "ranges": ranges,
    "filters": st.one_of(st.dictionaries(texts, queries, max_size=2), st.lists(queries, max_size=2)),
    "other_bucket": st.booleans(),
    "other_bucket_key": texts,
    "percents": st.lists(st.one_of(st.integers(0, 100), values), max_size=3),
    "value_type": st.sampled_from(["string", "long", "date", "boolean", "ip", "double"]),
    "execution_hint": texts,
    "collect_mode": st.sampled_from(["depth_first", "breadth_first"]),
    "show_term_doc_count_error": st.booleans(),
    "precision_threshold": numbers,
    "tdigest": objects({"compression": numbers, "execution_hint": texts}),
}
# What must be there for the rest to be looked at.
_NEEDED = {
    "date_histogram": ("field", "fixed_interval"),
    "histogram": ("field", "interval"),
    "range": ("field", "ranges"),
    "date_range": ("field", "ranges"),
    "filters": ("filters",),
}


def options_for(kind: str, table: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies of an aggregation, with every option that its table has."""
    names = [*options_of(table), *getattr(table, "UNSUPPORTED", ())]
    required = tuple(name for name in _NEEDED.get(kind, ("field",)) if name in names)
    return objects({name: likely.get(name, json) for name in names}, required=required)


kinds = st.sampled_from(sorted(tree.TABLES)).flatmap(
    lambda kind: options_for(kind, tree.TABLES[kind]).map(lambda body: {kind: body})
)
bucket_or_metric = st.one_of(
    kinds, kinds, queries.map(lambda query: {"filter": query}), st.dictionaries(texts, json, max_size=2)
)
inner = st.one_of(
    st.just({}),
    st.just({"m": {"max": {"field": "long"}}}),
    st.just({"m": {"stats": {"field": "many_doubles"}}}),
    kinds.map(lambda definition: {"m": definition}),
)
aggregations = st.tuples(bucket_or_metric, inner).map(lambda pair: pair[0] | ({"aggs": pair[1]} if pair[1] else {}))
