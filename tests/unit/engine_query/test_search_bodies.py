"""What a search body asks for and what the answer shows, example by example as Elasticsearch answers them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from anomalyops_engine.api.errors import from_lower_layer
from anomalyops_engine.query import (
    IllegalQueryError,
    QueryError,
    QueryParsingError,
    UnsupportedQueryError,
    aggregate_rows,
    counted,
    delete_matching,
    read_rows,
    search,
    select,
)
from anomalyops_engine.query.errors import ContentParseError, DateParseError, QueryShardError, SearchPhaseError
from anomalyops_engine.store import Store

LONG_MAX, LONG_MIN = 2**63 - 1, -(2**63)
MAPPING = {
    "long": {"type": "long"},
    "integer": {"type": "integer"},
    "unsigned": {"type": "unsigned_long"},
    "double": {"type": "double"},
    "boolean": {"type": "boolean"},
    "keyword": {"type": "keyword"},
    "text": {"type": "text"},
    "date": {"type": "date"},
    "nanos": {"type": "date_nanos"},
    "seconds": {"type": "date", "format": "epoch_second"},
    "geo": {"type": "geo_point"},
    "binary": {"type": "binary"},
    "al": {"type": "alias", "path": "keyword"},
    "o": {"properties": {"n": {"type": "long"}, "k": {"type": "keyword"}}},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(tmp_path_factory.mktemp("bodies") / "data")
    with opened.write() as writer:
        writer.create_index("a", mappings={"properties": MAPPING})
        full = {
            "long": 5,
            "integer": 5,
            "unsigned": 5,
            "double": 0.5,
            "boolean": True,
            "keyword": "k",
            "text": "some words",
            "date": 1_704_067_200_123,
            "nanos": 1_704_067_200_123,
            "seconds": 1_714_979_289,
            "geo": {"lat": 1.0, "lon": 2.0},
            "binary": "U29tZQ==",
            "o": {"n": 1, "k": "x"},
            "x": {"y.z": 1},
        }
        writer.append("a", [full, {}], ids=["full", "empty"])
        writer.create_index("b", mappings={"properties": {"long": {"type": "keyword"}, "only_b": {"type": "date"}}})
        writer.append("b", [{"long": "five"}], ids=["b1"])
        writer.put_alias("both", "a")
        writer.put_alias("both", "b")
        writer.create_index("zeros", mappings={"properties": {"d": {"type": "double"}}})
        writer.append("zeros", [{"d": value} for value in (0.0, -0.0, -1.0, 1.0)], ids=["plus", "minus", "low", "high"])
        lists = {"n": {"type": "long"}, "d": {"type": "double"}, "k": {"type": "keyword"}}
        writer.create_index("lists", mappings={"properties": lists})
        writer.append("lists", [{"n": [1, 2, 6], "d": [0.5, 2.0], "k": ["b", "a", "b"]}, {"n": 4}], ids=["1", "2"])
    yield opened
    opened.close()


def ask(store: Store, index: str = "a", **body: Any) -> dict[str, Any]:
    with store.read() as reader:
        answer = search(reader, reader.resolve(index), body)
    orjson.dumps(answer)
    return answer


def hits(store: Store, index: str = "a", **body: Any) -> list[dict[str, Any]]:
    return ask(store, index, **body)["hits"]["hits"]


def ids(store: Store, query: dict[str, Any], index: str = "a") -> set[str]:
    return {hit["_id"] for hit in hits(store, index, query=query, size=100)}


# --- sort ---


def test_the_best_score_first_is_the_order_without_a_sort(store):
    for sort in (["_score"], "_score", [{"_score": "desc"}], {"_score": {"order": "desc"}}):
        answer = ask(store, sort=sort)["hits"]
        assert answer["max_score"] == 1.0
        assert [(hit["_score"], "sort" in hit) for hit in answer["hits"]] == [(1.0, False), (1.0, False)]


def test_scores_among_other_criteria_are_shown(store):
    answer = ask(store, sort=[{"_score": "asc"}, "long"])["hits"]
    assert answer["max_score"] is None
    assert [(hit["_score"], hit["sort"]) for hit in answer["hits"]] == [(1.0, [1.0, 5]), (1.0, [1.0, LONG_MAX])]
    tracked = ask(store, sort=["long"], track_scores="true")["hits"]
    assert (tracked["max_score"], tracked["hits"][0]["_score"]) == (1.0, 1.0)
    assert hits(store, sort=["long"])[0]["_score"] is None


@pytest.mark.parametrize(
    ("field", "value", "smallest", "largest"),
    [
        ("long", 5, LONG_MIN, LONG_MAX),
        ("integer", 5, -(2**31), 2**31 - 1),
        ("unsigned", 5, 0, 2**64 - 1),
        ("double", 0.5, "-Infinity", "Infinity"),
        ("boolean", 1, LONG_MIN, LONG_MAX),
        ("date", 1_704_067_200_123, LONG_MIN, LONG_MAX),
        ("nanos", 1_704_067_200_123_000_000, 0, LONG_MAX),
        ("keyword", "k", None, None),
    ],
)
def test_missing_values_of_a_sort_are_shown_as_the_end_that_they_come_at(store, field, value, smallest, largest):
    def values(order: str, missing: str) -> list[Any]:
        return [hit["sort"][0] for hit in hits(store, sort=[{field: {"order": order, "missing": missing}}])]

    assert values("asc", "_last") == [value, largest]
    assert values("desc", "_last") == [value, smallest]
    assert values("asc", "_first") == [smallest, value]
    assert values("desc", "_first") == [largest, value]


def test_sort_values_of_unmapped_fields_are_those_of_the_type_that_is_named(store):
    def value(kind: str) -> Any:
        return hits(store, sort=[{"nothing": {"unmapped_type": kind}}])[0]["sort"][0]

    assert [value(kind) for kind in ("long", "integer", "double", "keyword", "date")] == [
        LONG_MAX,
        2**31 - 1,
        "Infinity",
        None,
        LONG_MAX,
    ]


def test_a_format_of_a_date_shows_in_the_sort_values(store):
    found = hits(store, sort=[{"date": {"order": "asc", "format": "yyyy-MM-dd"}}])
    assert [hit["sort"][0][:13] for hit in found] == ["2024-01-01", "+292278994-08"]


def test_a_value_can_stand_for_the_missing_ones(store):
    found = hits(store, sort=[{"long": {"missing": 3}}])
    assert [(hit["_id"], hit["sort"][0]) for hit in found] == [("empty", 3), ("full", 5)]
    assert hits(store, sort=[{"keyword": {"missing": "a"}}])[0]["sort"] == ["a"]
    assert hits(store, sort=[{"date": {"missing": 1_577_836_800_000}}])[0]["sort"] == [1_577_836_800_000]
    with pytest.raises(SearchPhaseError, match="2020-01-01"):  # a number, even where the field is a date
        hits(store, sort=[{"date": {"missing": "2020-01-01"}}])


def test_modes_pick_one_of_several_values(store):
    def value(field: str, mode: str) -> Any:
        return hits(store, "lists", sort=[{field: {"mode": mode, "order": "asc"}}], query={"ids": {"values": "1"}})[0]

    assert [value("n", mode)["sort"][0] for mode in ("min", "max", "sum", "avg", "median")] == [1, 6, 9, 3, 2]
    assert [value("d", mode)["sort"][0] for mode in ("min", "max", "sum", "avg", "median")] == [0.5, 2, 2.5, 1.25, 1.25]


def test_numbers_can_be_sorted_as_another_type(store):
    assert hits(store, sort=[{"double": {"numeric_type": "long"}}])[0]["sort"] == [0]
    assert hits(store, sort=[{"long": {"numeric_type": "double"}}])[1]["sort"] == ["Infinity"]


def test_moments_of_nanoseconds_are_sorted_as_such_unless_asked_otherwise(store):
    def value(**options: Any) -> Any:
        return hits(store, sort=[{"nanos": {"order": "asc", **options}}])[0]["sort"][0]

    assert value() == value(numeric_type="long") == value(numeric_type="date_nanos") == 1_704_067_200_123_000_000
    assert value(numeric_type="date") == 1_704_067_200_123
    assert value(format="yyyy-MM-dd HH:mm:ss.SSSSSS") == "2024-01-01 00:00:00.123000"
    assert value(missing=7) == 7


def test_a_moment_that_is_none_is_refused_even_where_no_document_is(store):
    with store.write() as writer:
        writer.create_index("none", mappings={"properties": {"d": {"type": "date"}}})
    with pytest.raises(SearchPhaseError, match=r"06\.05\.24"):
        hits(store, "none", query={"term": {"d": "06.05.24"}})
    assert hits(store, "none", query={"range": {"d": {"gte": "06.05.24"}}}) == []  # its bounds are not even read


def test_a_moment_before_1970_is_found_however_it_is_written(store):
    with store.write() as writer:
        writer.create_index("early", mappings={"properties": {"d": {"type": "date"}}})
        writer.append("early", [{"d": -1}, {"d": 0}, {"d": -2}], ids=["wanted", "after", "before"])
    for query in ({"term": {"d": "-1"}}, {"term": {"d": -1}}, {"range": {"d": {"gte": "-1", "lte": "-1"}}}):
        assert [hit["_id"] for hit in hits(store, "early", query=query)] == ["wanted"]


def test_the_index_and_the_place_in_it_can_be_sorted_by(store):
    found = hits(store, "both", sort=[{"_index": "desc"}, "_shard_doc"])
    assert [(hit["_index"], hit["sort"][0]) for hit in found] == [("b", "b"), ("a", "a"), ("a", "a")]
    places = [hit["sort"][0] for hit in hits(store, "both", sort=["_shard_doc"])]
    assert places == sorted(set(places))


def test_negative_zero_comes_before_zero(store):
    assert [hit["_id"] for hit in hits(store, "zeros", sort=["d"])] == ["low", "minus", "plus", "high"]
    assert [hit["_id"] for hit in hits(store, "zeros", sort=[{"d": "desc"}])] == ["high", "plus", "minus", "low"]


@pytest.mark.parametrize(
    ("sort", "error", "names"),
    [
        (["_id"], IllegalQueryError, "Fielddata access on the _id field is disallowed"),
        (["geo"], IllegalQueryError, "geo_distance"),
        (["binary"], IllegalQueryError, "binary"),
        (["text"], IllegalQueryError, "Fielddata is disabled on [text] in [a]"),
        (["nothing"], QueryShardError, "No mapping found for [nothing] in order to sort on"),
        ([{"keyword": {"mode": "avg"}}], IllegalQueryError, "AVG, MEDIAN and SUM"),
        ([{"keyword": {"numeric_type": "long"}}], IllegalQueryError, "numeric_type"),
        ([{"long": {"unmapped_type": "x", "oder": "asc"}}], ContentParseError, "oder"),
        ([{"nothing": {"unmapped_type": "x"}}], IllegalQueryError, "No mapper found for type [x]"),
        ([{"long": {"order": "up"}}], ContentParseError, "order"),
        ([{"o.n": {"nested": {"path": "o"}}}], UnsupportedQueryError, "nested"),
        ([{"_script": {}}], UnsupportedQueryError, "_script"),
        ([5], IllegalQueryError, "malformed sort format"),
    ],
)
def test_a_sort_that_cannot_be_is_refused_by_name(store, refused, sort, error, names):
    with refused(error, names):
        ask(store, sort=sort)


def test_indices_must_sort_by_the_same_kind_of_values(store, refused):
    with refused(IllegalQueryError, "incompatible sort types"):
        ask(store, "both", sort=["long"])


# --- queries ---


def test_a_number_in_a_date_range_is_milliseconds_whatever_the_format(store):
    def found(**bounds: Any) -> bool:
        return "full" in ids(store, {"range": {"seconds": bounds}})

    assert found(gte=1_714_979_288_000, lt=1_714_979_290_000)
    assert not found(gte=1_714_979_289, lte=1_714_979_290)
    assert found(gte="1714979289", lte="1714979289")
    assert found(gte=1_714_979_289, lte=1_714_979_290, format="epoch_second")
    assert ids(store, {"term": {"seconds": 1_714_979_289_000}}) == {"full"}
    assert ids(store, {"term": {"seconds": "1714979289"}}) == {"full"}


def test_one_number_makes_both_bounds_milliseconds(store, refused):
    with refused(DateParseError, "epoch_millis"):
        ids(store, {"range": {"date": {"gte": 0, "lt": "2025-01-01"}}})


@pytest.mark.parametrize("minimum", [0, "0", "-100%", "0%", None])
def test_a_bool_of_optional_clauses_alone_finds_what_one_of_them_finds(store, minimum):
    query = {"should": [{"term": {"long": 5}}, {"term": {"keyword": "other"}}], "minimum_should_match": minimum}
    assert ids(store, {"bool": query}) == {"full"}
    assert ids(store, {"bool": {**query, "filter": {"match_all": {}}}}) == {"full", "empty"}


def test_a_minimum_may_depend_on_how_many_clauses_there_are(store):
    def found(minimum: Any, clauses: int) -> bool:
        should = [{"match_all": {}}] * 2 + [{"match_none": {}}] * (clauses - 2)
        return bool(ids(store, {"bool": {"should": should, "minimum_should_match": minimum}}))

    assert [found("2<75%", n) for n in (2, 3, 4)] == [True, True, False]
    assert [found("2<-25% 3<-2", n) for n in (2, 3, 4, 5)] == [True, False, True, False]


def test_exclusions_alone_match_the_rest_unless_told_otherwise(store):
    assert ids(store, {"bool": {"must_not": [{"exists": {"field": "long"}}]}}) == {"empty"}
    assert ids(store, {"bool": {"must_not": {"exists": {"field": "long"}}, "adjust_pure_negative": False}}) == set()


def test_the_last_of_two_keys_for_one_end_counts(store):
    assert ids(store, {"range": {"long": {"gte": 50, "gt": 0}}}) == {"full"}
    assert ids(store, {"range": {"long": {"gt": 0, "gte": 50}}}) == set()
    assert ids(store, {"range": {"long": {"from": 5, "include_lower": False}}}) == set()
    assert ids(store, {"range": {"long": {"gte": None, "lte": "5.0"}}}) == {"full"}


def test_empty_patterns_match_nothing(store):
    assert ids(store, {"wildcard": {"keyword": ""}}) == set()
    assert ids(store, {"wildcard": {"keyword": "*"}}) == {"full"}


def test_the_two_zeros_are_different_values(store):
    def found(query: dict[str, Any]) -> set[str]:
        return ids(store, query, "zeros")

    assert found({"term": {"d": 0.0}}) == {"plus"}
    assert found({"term": {"d": -0.0}}) == {"minus"}
    assert found({"terms": {"d": [0, 1]}}) == {"plus", "high"}
    assert found({"range": {"d": {"gte": 0}}}) == {"plus", "high"}
    assert found({"range": {"d": {"gte": -0.0}}}) == {"plus", "minus", "high"}
    assert found({"range": {"d": {"gt": -0.0}}}) == {"plus", "high"}
    assert found({"range": {"d": {"lt": 0.0}}}) == {"minus", "low"}
    assert found({"range": {"d": {"lte": -0.0}}}) == {"minus", "low"}


def test_many_terms_are_found_and_too_many_refused(store, refused):
    assert ids(store, {"terms": {"long": list(range(65_536))}}) == {"full"}
    assert ids(store, {"terms": {"n": list(range(65_536))}}, "lists") == {"1", "2"}
    with refused(IllegalQueryError, "exceeded the allowed maximum of [65536]"):
        ids(store, {"terms": {"long": list(range(70_000))}})


def test_many_clauses_are_answered_and_too_many_refused(store, refused):
    should = [{"term": {"long": number}} for number in range(1500)]
    assert ids(store, {"bool": {"should": should}}) == {"full"}
    assert ids(store, {"bool": {"should": should, "minimum_should_match": 2}}) == set()
    with refused(QueryError, "maxClauseCount is set to 10000"):
        ids(store, {"bool": {"should": [{"match_all": {}}] * 10_001}})


@pytest.mark.parametrize(
    ("query", "error", "names"),
    [
        ({"range": {"integer": {"lt": 1e20}}}, QueryShardError, "Value [1.0E20] is out of range for an integer"),
        ({"term": {"integer": 2**31}}, QueryShardError, "out of range for an integer"),
        ({"term": {"long": 1e20}}, QueryShardError, "out of range for a long"),
        ({"term": {"long": "1e400"}}, QueryShardError, "finite"),
        ({"term": {"long": True}}, QueryShardError, 'For input string: "true"'),
        ({"range": {"_id": {"gt": "a"}}}, IllegalQueryError, "does not support range queries"),
        ({"prefix": {"_id": "f"}}, QueryShardError, "not on [_id]"),
        ({"wildcard": {"long": "5*"}}, QueryShardError, "not on [long] which is of type [long]"),
        ({"exists": {"field": "_source"}}, QueryShardError, "not searchable"),
        ({"exists": {"field": "*"}}, QueryShardError, "not searchable"),
        ({"range": {"date": {"gte": "now+99999y"}}}, DateParseError, "within the years 1 to 9999"),
        ({"range": {"date": {"gte": "9" * 30}}}, DateParseError, "failed to parse date field"),
        ({"range": {"date": {"gte": "x", "format": "nope"}}}, QueryError, "nope"),
        ({"range": {"date": {"gte": "2024", "time_zone": "Mars"}}}, QueryError, "Mars"),
        ({"bool": {"must": {"match_all": {}}, "minimum_should_match": "many"}}, QueryShardError, "many"),
        ({"bool": {"boost": -1}}, ContentParseError, "boost"),
        ({"bool": {"must": [None]}}, ContentParseError, "start_object"),
        ({"terms": {"long": [None]}}, QueryParsingError, "No value specified for terms query"),
        ({"terms": {"long": [[1]]}}, QueryParsingError, "does not support"),
        ({"term": {"long": None}}, IllegalQueryError, "value cannot be null"),
        ({"term": {"long": {}}}, IllegalQueryError, "value cannot be null"),
        ({"match": {"text": {"query": "x", "fuzziness": "AUTO"}}}, UnsupportedQueryError, "fuzziness"),
        ({"match_all": {"query": 1}}, QueryParsingError, "[match_all] unknown field [query]"),
    ],
)
def test_a_query_that_cannot_be_is_refused_by_name(store, refused, query, error, names):
    with refused(error, names):
        ids(store, query)


@pytest.mark.parametrize("key", ["query", "sort", "aggs", "_source", "size", "fields"])
def test_null_is_no_value_of_a_search(store, refused, key):
    with refused(QueryParsingError, key):
        ask(store, **{key: None})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"term": {"_index": "a"}}, {"full", "empty"}),
        ({"term": {"_index": "both"}}, {"full", "empty", "b1"}),
        ({"terms": {"_index": ["b", "zz"]}}, {"b1"}),
        ({"prefix": {"_index": "bo"}}, {"full", "empty", "b1"}),
        ({"wildcard": {"_index": "?"}}, {"full", "empty", "b1"}),
        ({"wildcard": {"_index": {"value": "B", "case_insensitive": True}}}, {"b1"}),
        ({"exists": {"field": "_index"}}, {"full", "empty", "b1"}),
    ],
)
def test_indices_are_called_by_name_alias_or_pattern(store, query, found):
    assert ids(store, query, "both") == found


def test_existence_of_objects_and_of_what_is_not_indexed(store):
    assert ids(store, {"exists": {"field": "o"}}) == {"full"}
    assert ids(store, {"exists": {"field": "o.*"}}) == {"full"}
    assert ids(store, {"exists": {"field": "al"}}) == {"full"}
    assert ids(store, {"exists": {"field": "binary"}}) == set()
    assert ids(store, {"exists": {"field": "_seq_no"}}) == {"full", "empty"}


def test_ids_without_values_match_nothing_and_numbers_may_be_ids(store):
    assert ids(store, {"ids": {}}) == set()
    assert ids(store, {"ids": {"values": [1, "2"]}}, "lists") == {"1", "2"}


def test_lenient_matches_pass_over_what_does_not_fit(store, refused):
    assert ids(store, {"match": {"long": {"query": "many", "lenient": True}}}) == set()
    with refused(QueryShardError, "many"):
        ids(store, {"match": {"long": "many"}})


def test_hits_say_which_named_clauses_they_match(store):
    query = {
        "bool": {
            "_name": "all",
            "should": [
                {"term": {"long": {"value": 5, "_name": "five"}}},
                {"bool": {"must_not": {"exists": {"field": "long"}}, "_name": "none"}},
                {"terms": {"keyword": ["other"], "_name": "other"}},
            ],
        }
    }
    found = {hit["_id"]: hit.get("matched_queries") for hit in hits(store, query=query)}
    assert found == {"full": ["five", "all"], "empty": ["none", "all"]}
    assert "matched_queries" not in hits(store)[0]


def test_numbers_and_booleans_may_be_written_as_texts(store):
    assert len(hits(store, size="1", **{"from": "0"})) == 1
    assert len(hits(store, size=1.0)) == 1
    assert "_version" in hits(store, version="true")[0]
    assert ask(store, track_total_hits="true")["hits"]["total"] == {"value": 2, "relation": "eq"}
    assert ask(store, track_total_hits="1")["hits"]["total"] == {"value": 1, "relation": "gte"}
    assert len(hits(store, size="1.5")) == len(hits(store, size=1.5)) == 1
    for bad in ("one", "NaN", "inf", "1e400", [], {}):
        with pytest.raises(QueryError):
            ask(store, size=bad)


# --- addresses ---


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(tmp_path_factory.mktemp("hosts") / "data")
    with opened.write() as writer:
        fields = {"ip": {"type": "ip"}, "ips": {"type": "ip"}, "time": {"type": "date"}}
        writer.create_index("hosts", mappings={"properties": fields})
        rows = {
            "nine": {"ip": "10.0.0.9", "ips": ["10.0.0.9", "192.168.0.1"]},
            "ten": {"ip": "10.0.0.10"},
            "mapped": {"ip": "::ffff:10.0.0.9"},
            "six": {"ip": "2001:0db8::00ff"},
            "none": {},
        }
        documents = [{"time": 1_704_067_200_000 + place, **row} for place, row in enumerate(rows.values())]
        writer.append("hosts", documents, ids=list(rows))
        writer.create_index("texts", mappings={"properties": {"ip": {"type": "keyword"}}})
        writer.append("texts", [{"ip": "10.0.0.10"}], ids=["text"])
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"term": {"ip": "10.0.0.9"}}, {"nine", "mapped"}),
        ({"term": {"ip": "2001:db8:0:0::ff"}}, {"six"}),
        ({"term": {"ip": "10.0.0.0/8"}}, {"nine", "ten", "mapped"}),
        ({"terms": {"ip": ["10.0.0.10", "2001::/16"]}}, {"ten", "six"}),
        ({"terms": {"ips": ["192.168.0.0/16", "1.1.1.1"]}}, {"nine"}),
        ({"match": {"ip": "::/0"}}, {"nine", "ten", "mapped", "six"}),
        ({"range": {"ip": {"gte": "10.0.0.9", "lt": "10.0.0.10"}}}, {"nine", "mapped"}),
        ({"range": {"ip": {"gt": "10.0.0.9"}}}, {"ten", "six"}),
        ({"range": {"ips": {"lte": "10.0.0.10"}}}, {"nine"}),
        ({"exists": {"field": "ip"}}, {"nine", "ten", "mapped", "six"}),
    ],
)
def test_addresses_are_compared_as_addresses(hosts, query, found):
    assert ids(hosts, query, "hosts") == found


def test_addresses_are_sorted_as_addresses_and_shown_as_texts(hosts):
    body = {"sort": [{"ip": {"order": "asc"}}, "_doc"], "fields": ["ip"], "docvalue_fields": ["ips"]}
    found = hits(hosts, "hosts", **body)
    assert [hit["sort"][0] for hit in found] == ["10.0.0.9", "10.0.0.9", "10.0.0.10", "2001:db8::ff", None]
    assert found[0]["fields"] == {"ip": ["10.0.0.9"], "ips": ["10.0.0.9", "192.168.0.1"]}
    assert hits(hosts, "hosts", sort=[{"ip": {"missing": "1.1.1.1"}}])[0]["sort"] == ["1.1.1.1"]


def test_buckets_of_addresses_have_their_text_and_order(hosts):
    def keys(index: str = "hosts", **options: Any) -> list[str]:
        aggs = {"a": {"terms": {"field": "ip", "order": {"_key": "asc"}, **options}}}
        return [bucket["key"] for bucket in ask(hosts, index, size=0, aggs=aggs)["aggregations"]["a"]["buckets"]]

    assert keys() == ["10.0.0.9", "10.0.0.10", "2001:db8::ff"]
    assert keys(include=["10.0.0.0/28", "1.1.1.1"]) == ["10.0.0.9", "10.0.0.10"]
    assert keys(exclude=["::ffff:10.0.0.9"], missing="9.9.9.9") == ["9.9.9.9", "10.0.0.10", "2001:db8::ff"]
    assert keys("hosts,texts", order={"_count": "desc"})[0] in {"10.0.0.9", "10.0.0.10"}


def test_an_analysis_reads_addresses_as_texts(hosts):
    stretch = {"time_field": "time", "start_ms": None, "end_ms": None}
    with hosts.read() as reader:
        indices = reader.resolve("hosts")
        rows = read_rows(reader, select(indices, None, ["ip", "ips"], **stretch), ordered_by="time")
        assert [row["ip"] for row in rows] == ["10.0.0.9", "10.0.0.10", "10.0.0.9", "2001:db8::ff", None]
        assert rows[0]["ips"] == "10.0.0.9,192.168.0.1"
        inner = {"time": {"max": {"field": "time"}}, "who": {"terms": {"field": "ip"}}}
        aggregations = {"t": {"date_histogram": {"field": "time", "fixed_interval": "1h"}, "aggs": inner}}
        buckets = read_rows(reader, aggregate_rows(indices, None, aggregations, **stretch))
        assert {row["who"]: row["doc_count"] for row in buckets} == {"10.0.0.9": 2, "10.0.0.10": 1, "2001:db8::ff": 1}


@pytest.mark.parametrize(
    "query",
    [
        {"term": {"ip": "foo"}},
        {"term": {"ip": "10.0.0.0/33"}},
        {"range": {"ip": {"gte": "10.0.0.0/8"}}},
        {"terms": {"ip": [5]}},
    ],
)
def test_what_is_no_address_is_refused(hosts, refused, query):
    with refused(QueryShardError, "is not an IP string literal."):
        ids(hosts, query, "hosts")


# --- totals, windows ---


def test_totals_as_numbers_are_exact_or_absent(store, refused):
    def total(**body: Any) -> Any:
        with store.read() as reader:
            return search(reader, reader.resolve("a"), body, totals_as_numbers=True)["hits"]["total"]

    assert (total(), total(track_total_hits=True), total(track_total_hits=False)) == (2, 2, -1)
    with refused(
        IllegalQueryError, "[rest_total_hits_as_int] cannot be used if the tracking of total hits is not accurate"
    ):
        total(track_total_hits=1)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"track_total_hits": -5}, "[track_total_hits] parameter must be positive or equals to -1, got -5"),
        ({"from": -1}, "[from] parameter cannot be negative, found [-1]"),
        ({"size": -1}, "[size] parameter cannot be negative, found [-1]"),
        ({"from": 10_000, "size": 1}, "See the scroll api for a more efficient way to request large data sets."),
    ],
)
def test_numbers_that_a_search_cannot_have_are_refused(store, refused, body, names):
    with refused(IllegalQueryError, names):
        ask(store, **body)


def test_an_index_may_set_its_own_window(tmp_path, refused):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.create_index("small", settings={"index": {"max_result_window": "5", "max_terms_count": 2}})
    with refused(IllegalQueryError, "less than or equal to: [5] but was [10]"):
        ask(store, "small")
    with refused(IllegalQueryError, "allowed maximum of [2]"):
        ask(store, "small", size=5, query={"terms": {"x": [1, 2, 3]}})
    store.close()


# --- what hits show ---


def test_fields_are_shown_under_the_name_they_were_asked_for_by(store):
    assert hits(store, fields=["al", "o.k"])[0]["fields"] == {"al": ["k"], "o.k": ["x"]}
    assert "fields" not in hits(store, fields=["o"])[0]
    assert hits(store, fields=["o.*"])[0]["fields"] == {"o.n": [1], "o.k": ["x"]}
    assert hits(store, fields=[{"field": "date", "format": "epoch_millis", "include_unmapped": False}])[0][
        "fields"
    ] == {"date": ["1704067200123"]}


def test_doc_values_come_in_order_and_texts_once(store):
    shown = hits(store, "lists", docvalue_fields=["n", "k"])[0]["fields"]
    assert shown == {"n": [1, 2, 6], "k": ["a", "b"]}
    assert hits(store, "lists", fields=["k"])[0]["fields"] == {"k": ["b", "a", "b"]}
    dated = hits(store, docvalue_fields=[{"field": "date", "format": "yyyy"}])[0]["fields"]
    assert dated == {"date": ["2024"]}


def test_a_field_keeps_its_type_beside_an_index_with_another_one(store):
    shown = {hit["_id"]: hit.get("fields") for hit in hits(store, "both", fields=["long"])}
    assert shown == {"full": {"long": [5]}, "empty": None, "b1": {"long": ["five"]}}


@pytest.mark.parametrize(
    ("body", "error", "names"),
    [
        ({"fields": [{"field": "date", "format": "nope"}]}, QueryError, "nope"),
        ({"fields": [{"field": "keyword", "format": "yyyy"}]}, IllegalQueryError, "doesn't support formats"),
        ({"docvalue_fields": [{"field": "long", "format": "0.0"}]}, UnsupportedQueryError, "format"),
        ({"docvalue_fields": ["text"]}, IllegalQueryError, "Fielddata is disabled on [text]"),
        ({"fields": [{"field": "long", "include_unmapped": True}]}, UnsupportedQueryError, "include_unmapped"),
        ({"fields": [{"name": "long"}]}, ContentParseError, "unknown field [name]"),
        ({"fields": "long"}, QueryParsingError, "Unknown key for a VALUE_STRING in [fields]."),
        ({"_source": 5}, QueryParsingError, "_source"),
        ({"_source": {"keep": "x"}}, QueryParsingError, "keep"),
        ({"invented": {}}, QueryParsingError, "Unknown key for a START_OBJECT in [invented]."),
        ({"explain": True}, UnsupportedQueryError, "explain"),
        ({"highlight": {}}, UnsupportedQueryError, "highlight"),
    ],
)
def test_what_hits_cannot_show_is_refused_by_name(store, refused, body, error, names):
    with refused(error, names):
        ask(store, **body)


def test_a_source_filter_reaches_names_with_dots(store):
    assert hits(store, _source=["x"])[0]["_source"] == {"x": {"y.z": 1}}
    assert hits(store, _source=["x.y"])[0]["_source"] == {"x": {"y.z": 1}}
    assert hits(store, _source={"include": ["o", "long"], "exclude": "o.k"})[0]["_source"] == {"long": 5, "o": {"n": 1}}
    assert hits(store, _source="[o]")[0]["_source"] == {}


# --- indices that cannot answer ---


def test_indices_that_cannot_answer_are_named_beside_the_hits_of_the_others(store):
    answer = ask(store, "both", sort=[{"only_b": {"order": "asc"}}])
    assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["b1"]
    (failure,) = answer["_shards"].pop("failures")
    assert answer["_shards"] == {"total": 2, "successful": 1, "skipped": 0, "failed": 1}
    assert (failure["index"], failure["reason"]["type"]) == ("a", "query_shard_exception")
    with store.read() as reader:
        answer = counted(reader, reader.resolve("both"), {"term": {"long": "five"}})
    assert (answer["count"], answer["_shards"]["failed"]) == (1, 1)


def body_of(store: Store, index: str = "a", **body: Any) -> dict[str, Any]:
    with pytest.raises(QueryError) as refused:
        ask(store, index, **body)
    return from_lower_layer(refused.value).body()


def test_a_search_that_fails_everywhere_has_the_error_of_a_cluster(store):
    body = body_of(store, query={"term": {"long": "many"}})
    assert body["status"] == 400
    error = body["error"]
    (root,) = error["root_cause"]
    assert (error["type"], error["reason"]) == ("search_phase_execution_exception", "all shards failed")
    assert (error["phase"], error["grouped"]) == ("query", True)
    assert (root["type"], root["index"]) == ("query_shard_exception", "a")
    assert root["reason"] == 'failed to create query: For input string: "many"'
    (shard,) = error["failed_shards"]
    assert (shard["shard"], shard["index"]) == (0, "a")
    assert shard["reason"]["caused_by"] == {"type": "number_format_exception", "reason": 'For input string: "many"'}


@pytest.mark.parametrize(
    ("body", "root"),
    [
        ({"sort": ["nothing"]}, "query_shard_exception"),
        ({"sort": ["text"]}, "illegal_argument_exception"),
        ({"query": {"range": {"date": {"gte": "yesterday"}}}}, "parse_exception"),
        ({"aggs": {"a": {"avg": {"field": "keyword"}}}}, "illegal_argument_exception"),
        ({"aggs": {"a": {"terms": {"field": "text"}}}}, "illegal_argument_exception"),
    ],
)
def test_failures_of_indices_have_their_own_type_at_the_root(store, body, root):
    error = body_of(store, **body)["error"]
    assert error["type"] == "search_phase_execution_exception"
    assert [cause["type"] for cause in error["root_cause"]] == [root]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"query": {"invented": {}}}, "parsing_exception"),
        ({"query": {"term": {"a": {"value": 1, "x": 2}}}}, "parsing_exception"),
        ({"query": {"bool": {"musst": []}}}, "x_content_parse_exception"),
        ({"query": {}}, "illegal_argument_exception"),
        ({"aggs": {"a": {"terms": {"field": "long", "sise": 1}}}}, "x_content_parse_exception"),
        ({"size": "many"}, "number_format_exception"),
        ({"invented": 1}, "parsing_exception"),
    ],
)
def test_what_cannot_be_read_has_the_type_of_its_parser(store, body, kind):
    error = body_of(store, **body)["error"]
    assert error["type"] == kind
    assert error["root_cause"][0]["type"] == kind


def test_too_many_buckets_are_found_out_after_the_indices_answered(store):
    interval = {"field": "date", "fixed_interval": "1ms", "extended_bounds": {"min": 0, "max": 10**12}}
    error = body_of(store, aggs={"a": {"date_histogram": interval}})["error"]
    assert (error["type"], error["root_cause"]) == ("search_phase_execution_exception", [])
    assert (error["caused_by"]["type"], error["caused_by"]["max_buckets"]) == ("too_many_buckets_exception", 65_536)


# --- whose documents ---


def test_deleting_through_a_filtered_alias_leaves_the_other_documents(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.append("logs", [{"n": 1}, {"n": 2}, {"n": 3}])
        writer.put_alias("ones", "logs", filter={"term": {"n": 1}})
        assert delete_matching(writer, writer.resolve("ones"), {"match_all": {}}) == 1
    assert {hit["_source"]["n"] for hit in hits(store, "logs")} == {2, 3}
    store.close()


def test_fields_that_differ_by_case_alone_are_two_columns(tmp_path):
    store = Store.open(tmp_path)
    with store.write() as writer:
        fields = {"time": {"type": "date"}, "Host": {"type": "keyword"}, "host": {"type": "keyword"}}
        writer.create_index("cased", mappings={"properties": fields})
        writer.append("cased", [{"time": 1_704_067_200_000, "Host": "upper", "host": "lower"}])
    with store.read() as reader:
        stretch = {"time_field": "time", "start_ms": None, "end_ms": None}
        documents = select(reader.resolve("cased"), None, ["Host", "host"], **stretch)
        assert read_rows(reader, documents) == [{"time": 1_704_067_200_000, "Host": "upper", "host": "lower"}]
    store.close()
