"""Intervals of words, against the definition of minimal intervals said in plain Python."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import sql
from anomalyops_engine.query.analysis import split_words, words_of
from anomalyops_engine.query.dsl import check_query
from anomalyops_engine.query.dsl.intervals import lowered, read_intervals
from anomalyops_engine.query.errors import QueryError
from anomalyops_engine.query.expr import ListOf, Literal, call
from anomalyops_engine.query.positions import Positions, words_of_values
from laws import law

_WORDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=9)
_QUERY = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(" ".join)
_MAX_GAPS = st.sampled_from([-1, -1, 0, 1, 2])
_MATCH = st.fixed_dictionaries({"query": _QUERY, "ordered": st.booleans(), "max_gaps": _MAX_GAPS})
_RELATIONS = ["containing", "contained_by", "overlapping", "not_containing", "not_contained_by", "not_overlapping"]


def _with_filter(options, rules):
    filters = st.dictionaries(st.sampled_from([*_RELATIONS, "before", "after"]), rules, min_size=1, max_size=1)
    return st.one_of(options, st.tuples(options, filters).map(lambda pair: {**pair[0], "filter": pair[1]}))


_RULES = st.recursive(
    _MATCH.map(lambda options: {"match": options}) | st.just({"prefix": {"prefix": "b"}}),
    lambda rules: st.one_of(
        _with_filter(_MATCH, rules).map(lambda options: {"match": options}),
        _with_filter(st.fixed_dictionaries({"intervals": st.lists(rules, min_size=1, max_size=2)}), rules).map(
            lambda options: {"any_of": options}
        ),
        _with_filter(
            st.fixed_dictionaries(
                {
                    "intervals": st.lists(rules, min_size=1, max_size=3),
                    "ordered": st.booleans(),
                    "max_gaps": _MAX_GAPS,
                }
            ),
            rules,
        ).map(lambda options: {"all_of": options}),
    ),
    max_leaves=4,
)

_HOLDS = {
    "containing": lambda a, b: a[0] <= b[0] and b[1] <= a[1],
    "contained_by": lambda a, b: b[0] <= a[0] and a[1] <= b[1],
    "overlapping": lambda a, b: a[0] <= b[1] and b[0] <= a[1],
    "before": lambda a, b: a[1] < b[0],
    "after": lambda a, b: a[0] > b[1],
}


def _width(interval):
    return interval[1] - interval[0] + 1


def _minimal(found):
    spans = {one[:2] for one in found}
    return [one for one in found if not any(one[0] <= s and e <= one[1] and (s, e) != one[:2] for s, e in spans)]


def _in_order(parts):
    found = []
    for chain in itertools.product(*parts):
        if all(one[1] < other[0] for one, other in itertools.pairwise(chain)):
            span = chain[-1][1] - chain[0][0] + 1
            found.append((chain[0][0], chain[-1][1], span - sum(map(_width, chain)), [one[1] for one in chain]))
    # Of several ways through the same positions, that which takes each part as early as it can.
    best = {}
    for begin, end, gaps, ends in found:
        best[begin, end] = min(best.get((begin, end), (ends, gaps)), (ends, gaps))
    return _minimal([(begin, end, gaps) for (begin, end), (_, gaps) in best.items()])


def _together(parts, covered):
    found = {}
    for chosen in itertools.product(*parts):
        begin, end = min(one[0] for one in chosen), max(one[1] for one in chosen)
        widths = [width or _width(one) for one, width in zip(chosen, covered, strict=True)]
        ends = [one[1] for one in chosen]
        way = (ends, end - begin + 1 - sum(widths))
        found[begin, end] = min(found.get((begin, end), way), way)
    return _minimal([(begin, end, gaps) for (begin, end), (_, gaps) in found.items()])


def _alternatives(rule, words):
    ((kind, options),) = rule.items()
    if kind == "prefix":
        found = [[(place, place, 0) for place, word in enumerate(words) if word.startswith(options["prefix"])]]
    elif kind == "match":
        wanted = options["query"].split()
        places = {word: [(place, place, 0) for place, one in enumerate(words) if one == word] for word in "abcd"}
        if options["ordered"] or len(wanted) == 1:
            one = _in_order([places[word] for word in wanted])
        else:
            times = {word: wanted.count(word) for word in dict.fromkeys(wanted)}
            runs = [
                [(run[0][0], run[-1][1], _width((run[0][0], run[-1][1])) - n) for run in _runs(places[word], n)]
                for word, n in times.items()
            ]
            one = _together(runs, list(times.values())) if len(runs) > 1 else runs[0]
        found = [one]
    else:
        inner = [_alternatives(one, words) for one in options["intervals"]]
        if kind == "any_of":
            found = [one for several in inner for one in several]
        elif options["ordered"] or len(inner) == 1:
            found = [_in_order(parts) for parts in itertools.product(*inner)]
        else:
            found = [_together(parts, [None] * len(parts)) for parts in itertools.product(*inner)]
    if options.get("max_gaps", -1) >= 0:
        found = [[one for one in several if one[2] <= options["max_gaps"]] for several in found]
    for name, other in options.get("filter", {}).items():
        others = [one for several in _alternatives(other, words) for one in several]
        holds, negated = _HOLDS[name.removeprefix("not_")], name.startswith("not_")
        found = [[one for one in several if any(holds(one, b) for b in others) != negated] for several in found]
    return found


def _runs(places, length):
    return [places[start : start + length] for start in range(len(places) - length + 1)]


def _found(rule, words):
    parsed = read_intervals({"text": rule}).rule
    positions = Positions(Literal(tuple(words), "VARCHAR[]"))
    return sql.evaluated(positions.with_words(lambda text: text.one_of(lowered(parsed, text))))


@law(examples=150)
@given(rule=_RULES, words=_WORDS)
def test_intervals_are_the_minimal_ones(rule, words):
    expected = [(begin + 1, end + 1) for several in _alternatives(rule, words) for begin, end, _ in several]
    assert sorted({tuple(one[:2]) for one in _found(rule, words)}) == sorted(set(expected))


def test_a_long_alternative_is_not_hidden_by_a_short_one():
    either = {"any_of": {"intervals": [{"match": {"query": "a"}}, {"match": {"query": "a b", "ordered": True}}]}}
    rule = {"all_of": {"intervals": [either, {"match": {"query": "c"}}], "ordered": True, "max_gaps": 0}}
    assert _found(rule, ["a", "b", "c"]) == [[1, 3, 0]]


@pytest.mark.parametrize(
    ("term", "options", "expected"),
    [
        ("cald", {}, ["cold"]),
        ("clod", {}, ["cold"]),
        ("clod", {"transpositions": False}, []),
        ("it", {}, ["it"]),
        ("outsude", {"prefix_length": 6}, []),
        ("outsude", {"prefix_length": 3}, ["outside"]),
        ("ka", {"fuzziness": 2}, ["is", "it", "kalt"]),
        ("kald", {"fuzziness": "AUTO:5,9"}, []),
    ],
)
def test_fuzzy_words_differ_little(term, options, expected):
    words = ["cold", "it", "is", "outside", "kalt"]
    found = _found({"fuzzy": {"term": term, **options}}, words)
    assert sorted(words[place - 1] for place, _, _ in found) == sorted(expected)


def test_values_of_a_field_are_far_from_each_other():
    values = Literal(("Some like it", "hot"), "VARCHAR[]")
    words = sql.evaluated(words_of_values(values, words_of, 100))
    assert (words[:3], words[3:103], words[103]) == (["some", "like", "it"], [""] * 100, "hot")
    rule = {"match": {"query": "it hot", "ordered": True}}
    assert _found(rule, words) == [[3, 104, 100]]
    assert _found({"wildcard": {"pattern": "*"}}, words) == [[1, 1, 0], [2, 2, 0], [3, 3, 0], [104, 104, 0]]


@given(st.text(max_size=20))
def test_words_of_a_query_are_known_before_documents_are_looked_at(query):
    again = sql.evaluated(ListOf((call("len", words_of(Literal(query))),)))
    assert [len(split_words(query))] == again


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({}, "Missing intervals from interval query definition"),
        ({"match": {"query": "a"}, "prefix": {"prefix": "b"}}, "Only one interval rule can be specified"),
        ({"nearby": {}}, "Unknown interval type [nearby]"),
        ({"match": {}}, "Required [query]"),
        ({"match": {"query": "a", "analyzer": "x"}}, "[analyzer] of [match] is not supported"),
        ({"match": {"query": "a", "filter": {"beside": {"match": {"query": "b"}}}}}, "unknown: [beside]"),
        ({"match": {"query": "a", "filter": {"script": {}}}}, "[script]"),
        ({"all_of": {"intervals": []}}, "from 1 to 64 rules"),
        ({"all_of": {"intervals": {}}}, "must be a list of rules"),
        ({"fuzzy": {"term": "a", "fuzziness": 3}}, "Invalid fuzziness value [3]"),
        ({"fuzzy": {"term": "a", "fuzziness": "AUTO:5,2"}}, "the lower limit is above the higher one"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rule, why):
    with pytest.raises(QueryError) as caught:
        check_query({"intervals": {"text": rule}})
    messages = [str(caught.value), str(caught.value.cause)]
    assert any(why in message for message in messages), messages


def test_combinations_of_alternatives_are_limited():
    either = {"any_of": {"intervals": [{"match": {"query": word}} for word in "abcde"]}}
    with pytest.raises(QueryError, match="more than \\[64\\] combinations"):
        _found({"all_of": {"intervals": [either] * 3}}, ["a"])
