"""Whatever stands in a search, it gives an answer or says what is wrong; and it gives nobody else's data.

The laws run against a store with every type of field, names that look like SQL, an index that is not asked and a file
outside the folder. An error of the database, of Python, or of the JSON writer is a failure.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, aggregate_rows, check_query, count, read_rows, search
from anomalyops_engine.query.aggregations.composite import DateSource, TermsSource
from anomalyops_engine.store import Index, IndexNotFoundError, Reader, Store
from hostile import json, numbers, objects, texts
from hostile_searches import (
    DOCUMENTS,
    STRANGE,
    TYPES,
    aggregations,
    few,
    fields,
    formats,
    options_for,
    queries,
    values,
)
from laws import law

SECRET = "TOP-SECRET-4711"


class Place:
    """The store of the laws and what lies around it."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store

    def tidy(self, answer: object) -> None:
        """Check that an answer is JSON, and nobody else's; and that the folder is as it was."""
        assert SECRET not in orjson.dumps(answer).decode()
        assert sorted(path.name for path in self.folder.iterdir()) == ["data", "secret.txt"]

    def try_out(self, request: Callable[[Reader, list[Index]], object]) -> None:
        """Let a request be answered or refused."""
        with self.store.read() as reader:
            try:
                answer = request(reader, reader.resolve("open-*"))
            except (QueryError, IndexNotFoundError) as error:  # a lookup may name any index
                answer = str(error)
        self.tidy(answer)

    def search(self, body: dict[str, Any]) -> None:
        """Let a search be answered or refused."""
        self.try_out(lambda reader, indices: search(reader, indices, body))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    (folder / "secret.txt").write_text(SECRET)
    store = Store.open(folder / "data")
    strange = {name: {"type": "keyword"} for name in STRANGE}
    with store.write() as writer:
        writer.create_index("open-1", mappings={"properties": {**TYPES, **strange}})
        documents = [document | dict.fromkeys(STRANGE, f"v{number}") for number, document in enumerate(DOCUMENTS)]
        writer.append("open-1", documents, ids=["1", "2", "3", 'i"d'])
        # The same names with other types, and fields of one index alone.
        writer.create_index(
            "open-2", mappings={"properties": {"keyword": {"type": "long"}, "long": {"type": "double"}}}
        )
        writer.append("open-2", [{"keyword": 5, "long": 1.5, "other": "z", "boolean": "text"}])
        writer.create_index("vault", mappings={"properties": TYPES})
        writer.append("vault", [{"keyword": SECRET, "text": SECRET, "long": 4711, "date": 1_704_067_200_000}])
    yield Place(folder, store)
    store.close()


@law(examples=180)
@given(query=queries)
def test_any_query_gives_an_answer_or_says_what_is_wrong(place, query):
    place.search({"query": query})


@law(examples=220)
@given(aggregation=aggregations, name=st.one_of(st.just("a"), texts))
@example(
    {"histogram": {"field": "long", "interval": 1, "missing": "(SELECT ascii(content) FROM read_text('secret.txt'))"}},
    "a",
)
@example({"terms": {"field": "unmapped", "missing": "abc"}}, "a")
@example({"terms": {"field": "date", "include": ["2017-02-18T00:10:00Z"]}}, "a")
@example({"range": {"field": "long", "ranges": [{"from": "NaN"}]}}, "a")
@example({"histogram": {"field": "long", "interval": 1, "offset": "inf"}}, "a")
@example({"date_histogram": {"field": "unmapped", "calendar_interval": "month"}}, "a")
@example(
    {
        "date_histogram": {
            "field": "date",
            "calendar_interval": "month",
            "extended_bounds": {"min": 0, "max": 2**63 - 1},
        }
    },
    "a",
)
def test_any_aggregation_gives_an_answer_or_says_what_is_wrong(place, aggregation, name):
    place.search({"size": 0, "aggs": {name: aggregation}})


@law(examples=50)
@given(
    aggregation=aggregations,
    sources=st.lists(st.tuples(texts, st.sampled_from([TermsSource, DateSource])), max_size=2),
    data=st.data(),
)
def test_any_aggregation_of_a_datafeed_gives_rows_or_says_what_is_wrong(place, aggregation, sources, data):
    children = {"date": {"max": {"field": "date"}}, "x": aggregation}
    composite = [
        {
            name: {
                {TermsSource: "terms", DateSource: "date_histogram"}[table]: data.draw(
                    options_for("date_histogram", table)
                )
            }
        }
        for name, table in sources
    ]
    outer = (
        {"composite": {"sources": composite}}
        if sources
        else {"date_histogram": {"field": "date", "fixed_interval": "36500d"}}
    )

    def rows(reader: Reader, indices: list[Index]) -> object:
        bounds = {"time_field": "date", "start_ms": None, "end_ms": None}
        return read_rows(reader, aggregate_rows(indices, None, {"b": outer | {"aggs": children}}, **bounds))

    place.try_out(rows)


sort_keys = st.one_of(
    fields,
    st.tuples(fields, st.sampled_from(["asc", "desc", "ASC"])).map(lambda pair: {pair[0]: pair[1]}),
    st.tuples(
        fields,
        objects(
            {
                "order": st.sampled_from(["asc", "desc"]),
                "missing": values,
                "mode": st.sampled_from(["min", "max", "avg", "sum", "median"]),
            }
            | {
                "unmapped_type": st.sampled_from(["long", "keyword", "date", "nope"]),
                "format": formats,
                "numeric_type": texts,
            }
        ),
    ).map(lambda pair: {pair[0]: pair[1]}),
    json,
)
patterns = st.one_of(fields, texts, st.sampled_from(["*", "many_*", "object", "object.*"]))
field_items = st.one_of(
    patterns, objects({"field": patterns, "format": formats, "include_unmapped": st.booleans()}), json
)
body_options = {
    "query": st.one_of(queries, json),
    "from": st.one_of(few, values),
    "size": st.one_of(few, values),
    "sort": st.one_of(st.lists(sort_keys, max_size=3), sort_keys),
    "_source": st.one_of(
        patterns,
        st.lists(patterns, max_size=3),
        objects({"includes": st.lists(patterns, max_size=2), "excludes": patterns}),
        json,
    ),
    "fields": st.one_of(st.lists(field_items, max_size=3), json),
    "docvalue_fields": st.one_of(st.lists(field_items, max_size=3), json),
    "track_total_hits": st.one_of(st.booleans(), values),
    "aggs": json,
    "aggregations": json,
    "timeout": values,
    "version": values,
    "seq_no_primary_term": values,
    "min_score": numbers,
    "rescore": objects(
        {"window_size": few, "query": objects({"rescore_query": queries, "query_weight": numbers, "score_mode": texts})}
    ),
    **dict.fromkeys(("highlight", "post_filter", "search_after", "collapse", "explain", "stored_fields", "pit"), json),
}


@law(examples=220)
@given(body=objects(body_options))
@example({"sort": ["_score"]})
@example({"sort": [{"_score": "asc"}, "long"]})
def test_any_search_body_gives_an_answer_or_says_what_is_wrong(place, body):
    place.search(body)


@law(examples=60)
@given(query=json)
def test_any_json_is_a_query_or_says_what_is_wrong_without_an_index(query):
    with contextlib.suppress(QueryError):
        check_query(query)


def test_the_secret_would_be_seen(place):
    with place.store.read() as reader:
        assert count(reader, reader.resolve("vault"), {"term": {"keyword": SECRET}}) == 1
        with pytest.raises(AssertionError):
            place.tidy(search(reader, reader.resolve("vault"), {}))
