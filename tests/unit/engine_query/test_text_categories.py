"""Laws: texts that are alike share a category, and every way of asking for categories finds the same ones."""

from __future__ import annotations

import re
from collections import Counter

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.analyzers.analyzer import named_analyzer
from anomalyops_engine.query import QueryError, search, text_categories
from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Surroundings
from anomalyops_engine.query.text_categories import categories_of, distance
from anomalyops_engine.store import Store
from laws import law

_WORDS = st.sampled_from(
    ["connection", "to", "host", "lost", "opened", "alpha", "beta", "gamma", "retry", "10.1.0.1", "10.1.0.2", "7", "in"]
)
_TEXTS = st.lists(_WORDS, max_size=7).map(" ".join)
_MESSAGES = st.lists(_TEXTS, max_size=12)
_WHITESPACE = named_analyzer("whitespace")
_CONNECTION = duckdb.connect()


def ask(text):
    return answer(_CONNECTION, text, Parameters(), Surroundings(lambda name: None, None, 0, ("1", "2", "3")))


def written(texts):
    return ", ".join(f'"{text}"' for text in texts)


def groups(texts, numbers):
    """The texts that share a category, as sets."""
    found = {}
    for text, number in zip(texts, numbers, strict=True):
        found.setdefault(number, set()).add(text)
    return {(number is None, frozenset(members)) for number, members in found.items()}


@law(examples=60)
@given(_TEXTS.map(str.split), _TEXTS.map(str.split), _TEXTS.map(str.split))
def test_distances_are_those_of_a_metric(one, two, three):
    one, two, three = (tuple((word, len(word)) for word in text) for text in (one, two, three))
    weight = {text: sum(own for _, own in text) for text in (one, two, three)}
    assert distance(one, two) == distance(two, one)
    assert (distance(one, two) == 0) == (one == two)
    assert abs(weight[one] - weight[two]) <= distance(one, two) <= weight[one] + weight[two]
    assert distance(one, three) <= distance(one, two) + distance(two, three)


@law(examples=60)
@given(_MESSAGES, st.integers(1, 100), st.randoms(use_true_random=False))
def test_the_order_of_texts_has_no_influence_and_expressions_match_all_of_a_category(messages, threshold, random):
    counted = Counter(messages)
    texts = list(counted)
    places, categories = categories_of(texts, list(counted.values()), _WHITESPACE, threshold)
    assert sum(category.count for category in categories) == sum(counted[t] for t in texts if t)
    for text, place in zip(texts, places, strict=True):
        assert (place is None) == (not text)
        if place is not None:
            category = categories[place]
            assert re.fullmatch(category.regex, text, re.DOTALL), (category.regex, text)
            assert len(text) <= category.longest
            common = Counter(text.split())
            assert all(common[word] for word in category.common)
    shuffled = texts[:]
    random.shuffle(shuffled)
    again, _ = categories_of(shuffled, [counted[t] for t in shuffled], _WHITESPACE, threshold)
    assert groups(texts, places) == groups(shuffled, again)


@law(examples=60)
@given(_MESSAGES.filter(any))
def test_at_the_highest_threshold_texts_of_a_category_have_the_same_words(messages):
    texts = list(dict.fromkeys(messages))
    places, _ = categories_of(texts, [1] * len(texts), _WHITESPACE, 100)
    words = {}
    for text, place in zip(texts, places, strict=True):
        if place is not None:
            assert words.setdefault(place, text.split()) == text.split()


@law(examples=60)
@given(st.lists(_TEXTS, max_size=40), st.integers(1, 100), st.randoms(use_true_random=False))
def test_a_text_is_compared_with_the_most_frequent_categories_that_its_words_find(messages, threshold, random):
    looked = text_categories.TextCategorizer._alike

    def checked(self, unique):
        found = [each for each in self.categories if set(each.found_by) & set(unique)]
        first = sorted(found, key=lambda each: (-each.count, each.number))[:3]
        alike = looked(self, unique)
        assert alike == first
        return alike

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_categories, "_MOST_COMPARED", 3)
        patch.setattr(text_categories.TextCategorizer, "_alike", checked)
        texts = list(dict.fromkeys(messages))
        categories_of(texts, [random.randint(1, 3) for _ in texts], _WHITESPACE, threshold)


def test_the_work_for_a_text_does_not_go_with_the_number_of_categories():
    class Ranks(list):
        """Those of a word, which count how many are read."""

        read = 0

        def __getitem__(self, places):
            found = super().__getitem__(places)
            Ranks.read += len(found) if isinstance(places, slice) else 1
            return found

    worked = []
    for size in (300, 900):
        categorizer = text_categories.TextCategorizer(99)
        for number in range(size):
            words = (("same", 1), *((f"{place}-{number}", 1) for place in range(3)))
            categorizer.place(words, 20, 1)
        assert len(categorizer.categories) == size
        # A word that begins to be in all texts finds all categories.
        categorizer._by_word["same"] = Ranks(each.rank for each in categorizer.categories)
        Ranks.read = 0
        categorizer._alike({"same": 1, "0-1": 1})
        worked.append(Ranks.read)
    assert worked == [text_categories._MOST_COMPARED] * 2


@law(examples=60)
@given(st.lists(_TEXTS, min_size=2, max_size=8), st.integers(1, 100))
def test_statements_group_rows_by_the_categories_of_their_messages(messages, threshold):
    counted = Counter(messages)
    texts = list(counted)
    options = f'{{"similarity_threshold": {threshold}, "analyzer": "whitespace"}}'
    found = ask(
        f"ROW m = [{written(messages)}] | MV_EXPAND m "
        f"| STATS n = COUNT(*), texts = VALUES(m) BY c = CATEGORIZE(m, {options}) | LIMIT 100"
    )
    places, categories = categories_of(texts, [counted[t] for t in texts], _WHITESPACE, threshold)
    expected = {}
    for text, place in zip(texts, places, strict=True):
        key = None if place is None else categories[place].regex
        expected[key] = expected.get(key, 0) + counted[text]
    assert {key: n for n, _, key in found.rows} == expected
    assert sorted(t for _, several, _ in found.rows for t in ([several] if isinstance(several, str) else several)) == (
        sorted(texts)
    )


def test_messages_are_told_as_elasticsearch_documents_it():
    found = ask(
        'ROW m = ["Connected to 10.1.0.1", "Connection error", "Connected to 10.1.0.2", "Disconnected", '
        '"Connected to 10.1.0.3"] | STATS n = COUNT() BY c = CATEGORIZE(m) | SORT n DESC, c | LIMIT 9'
    )
    assert found.rows == [
        [3, ".*?Connected.+?to.*?"],
        [1, ".*?Connection.+?error.*?"],
        [1, ".*?Disconnected.*?"],
    ]
    assert found.columns == (("n", "long"), ("c", "keyword"))


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ('ROW m = "a" | EVAL c = CATEGORIZE(m)', "1:24: cannot use grouping function [CATEGORIZE(m)] outside of"),
        ('ROW m = "a" | STATS BY m, CATEGORIZE(m)', "1:27: CATEGORIZE grouping function [CATEGORIZE(m)] can only be"),
        ('ROW m = "a" | STATS BY LENGTH(CATEGORIZE(m))', "can't be used within other expressions"),
        ('ROW m = "a" | STATS COUNT(CATEGORIZE(m)) BY CATEGORIZE(m)', "within an aggregation"),
        ('ROW m = "a" | STATS COUNT(c) BY c = CATEGORIZE(m)', "cannot reference CATEGORIZE grouping function [c]"),
        ('ROW m = "a" | INLINE STATS COUNT(*) BY CATEGORIZE(m)', "is not yet supported with INLINE STATS"),
        ("ROW m = 1 | STATS BY CATEGORIZE(m)", "argument of [CATEGORIZE(m)] must be [string], found value [m]"),
        ('ROW m = "a" | STATS BY CATEGORIZE(m, {"x": 1})', "expected one of [analyzer, output_format, similarity_thr"),
        ('ROW m = "a" | STATS BY CATEGORIZE(m, {"output_format": "x"})', "expected one of [REGEX, TOKENS] but got [x]"),
        ('ROW m = "a" | STATS BY CATEGORIZE(m, {"similarity_threshold": 0})', "between 1 and 100 but got [0]"),
        ('ROW m = "a" | STATS BY CATEGORIZE(m, {"analyzer": "x"})', "analyzer [x] is not supported"),
        ('ROW m = "a" | STATS BY CATEGORIZE(m, m)', "expects exactly one argument"),
    ],
)
def test_what_cannot_be_a_category_is_refused(statement, message):
    with pytest.raises(QueryError) as refused:
        ask(statement)
    assert message in str(refused.value)


# --- the aggregation ---

_MAPPING = {"properties": {"m": {"type": "text"}, "n": {"type": "integer"}}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store.open(tmp_path_factory.mktemp("categories"))
    with store.write() as writer:
        writer.create_index("c", mappings=_MAPPING)
    yield store
    store.close()


def aggregated(store, documents, options, inner=None):
    with store.write() as writer:
        writer.delete_index("c")
        writer.create_index("c", mappings=_MAPPING)
        if documents:
            writer.append("c", documents)
    with store.read() as reader:
        aggs = {"a": {"categorize_text": options, **({"aggs": inner} if inner else {})}}
        return search(reader, reader.resolve("c"), {"size": 0, "aggs": aggs})["aggregations"]["a"]["buckets"]


def test_buckets_are_told_as_elasticsearch_documents_it(store):
    texts = [
        "2016-02-07T00:00:00+0000 Node 3 shutting down",
        "2016-02-07T00:00:00+0000 Node 5 starting up",
        "2016-02-07T00:00:00+0000 Node 4 shutting down",
        "2016-02-08T00:00:00+0000 Node 5 shutting down",
        "2016-02-08T00:00:00+0000 User foobar_325 logging on",
        "2016-02-08T00:00:00+0000 Node 5 starting up",
        "2016-02-08T00:00:00+0000 User foobar_864 logged off",
    ]
    found = aggregated(store, [{"m": text} for text in texts], {"field": "m"})
    assert found == [
        {
            "doc_count": 3,
            "key": "Node shutting down",
            "regex": ".*?Node.+?shutting.+?down.*?",
            "max_matching_length": 49,
        },
        {"doc_count": 2, "key": "Node starting up", "regex": ".*?Node.+?starting.+?up.*?", "max_matching_length": 47},
        {
            "doc_count": 1,
            "key": "User foobar_325 logging on",
            "regex": ".*?User.+?foobar_325.+?logging.+?on.*?",
            "max_matching_length": 56,
        },
        {
            "doc_count": 1,
            "key": "User foobar_864 logged off",
            "regex": ".*?User.+?foobar_864.+?logged.+?off.*?",
            "max_matching_length": 56,
        },
    ]


@law(examples=30)
@given(st.lists(st.none() | _TEXTS | st.lists(_TEXTS, max_size=3), max_size=8), st.integers(1, 100))
def test_buckets_hold_the_documents_of_the_categories_of_their_texts(store, values, threshold):
    documents = [{"m": value, "n": number} for number, value in enumerate(values)]
    found = aggregated(
        store,
        documents,
        {"field": "m", "categorization_analyzer": "whitespace", "similarity_threshold": threshold, "size": 100},
        {"n": {"sum": {"field": "n"}}},
    )
    listed = [value if isinstance(value, list) else [value] if value is not None else [] for value in values]
    counted = Counter(text for texts in listed for text in texts)
    texts = list(counted)
    places, categories = categories_of(texts, list(counted.values()), _WHITESPACE, threshold)
    number_of = dict(zip(texts, places, strict=True))
    expected = Counter()
    sums = Counter()
    for number, several in enumerate(listed):
        for place in {number_of[text] for text in several} - {None}:
            expected[place] += 1
            sums[place] += number
    got = [(bucket["key"], bucket["doc_count"], bucket["n"]["value"]) for bucket in found]
    assert sorted(got) == sorted((categories[place].tokens, n, sums[place]) for place, n in expected.items())
    assert [n for _, n, _ in got] == sorted((n for _, n, _ in got), reverse=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"field": "n"}, "Field [n] of type [integer] is not supported for aggregation [categorize_text]"),
        ({"field": "m", "similarity_threshold": 0}, "[similarity_threshold] must be in the range [1, 100]. Found [0]"),
        ({"field": "m", "max_unique_tokens": 5}, "max_unique_tokens"),
        ({"field": "m", "categorization_analyzer": "x"}, "analyzer [x] is not supported"),
        (
            {"field": "m", "categorization_analyzer": "standard", "categorization_filters": ["x"]},
            "[categorization_filters] cannot be used with [categorization_analyzer]",
        ),
        ({"field": "m", "categorization_filters": ["("]}, "["),
    ],
)
def test_options_that_cannot_be_are_refused(store, options, message):
    with pytest.raises(QueryError) as refused:
        aggregated(store, [{"m": "a", "n": 1}], options)
    assert message in str(refused.value) + str(getattr(refused.value, "failures", ""))
