"""ES|QL: what holds for every statement, and answers beside those of the Query DSL for the same question."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, count
from anomalyops_engine.query.esql import answer as answers
from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.commands import read_statement
from anomalyops_engine.query.esql.functions import FUNCTIONS
from anomalyops_engine.query.esql.functions.aggregates import AGGREGATES
from anomalyops_engine.query.esql.parameters import Parameters, read_parameters
from anomalyops_engine.query.esql.planning import Surroundings
from laws import law

NOW_MS = 1_704_067_200_000


def ask(corpus, text, params=None):
    around = Surroundings(
        lambda name: corpus.indices if name.startswith("docs") else None, None, NOW_MS, ("1", "2", "3")
    )
    # A transaction of its own, as each request has: what the database refuses to compile ends it.
    return answer(corpus.reader.connection.cursor(), text, read_parameters(params), around)


# --- statements of every shape ---

_FIELDS = (
    "time",
    "host",
    "tags",
    "message",
    "size",
    "load",
    "ok",
    "sizes",
    "note",
    "message.keyword",
    "_id",
    "nothing",
)
_CONSTANTS = (
    *("1", "0", "-3", "2.5", "1e308", "9223372036854775807", "18446744073709551615", "null", "true", "false"),
    *('"a"', '"web-1"', '"2024-01-01"', '"10.0.0.1"', '""', '"%"', '"(["', '"desc"', '"day"', '"yyyy-MM"', '"[a'),
    *("1 day", "2 months", "90 minutes", "0 seconds", "-1 year", "[1, 2]", '["a", "b"]', "?", "?name", "NOW()"),
)
_names = st.sampled_from(_FIELDS)
_constants = st.sampled_from(_CONSTANTS)
_functions = st.sampled_from([*sorted(FUNCTIONS), *sorted(AGGREGATES)])


def _larger(inner):
    return st.one_of(
        st.builds(lambda a, sign, b: f"{a} {sign} {b}", inner, st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "AND", "OR"]), inner),
        st.builds(lambda a: f"({a})", inner),
        st.builds(lambda a: f"-{a}", inner),
        st.builds(lambda a: f"NOT {a}", inner),
        st.builds(lambda a, no: f"{a} IS {no}NULL", inner, st.sampled_from(("", "NOT "))),
        st.builds(lambda a, b: f"{a} IN ({', '.join(b)})", inner, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda a, how, b: f"{a} {how} {b}", inner, st.sampled_from(("LIKE", "RLIKE", ":")), _constants),
        st.builds(lambda a, kind: f"{a}::{kind}", inner, st.sampled_from(["string", "long", "integer", "double", "datetime", "boolean", "ip"])),
        st.builds(lambda f, a: f"{f}({', '.join(a)})", _functions, st.lists(inner, max_size=4)),
        st.builds(lambda f, a: f"{f}({', '.join(a)})", st.sampled_from(("CASE", "COALESCE", "CONCAT", "BUCKET", "GREATEST")), st.lists(inner, min_size=2, max_size=5)),
    )  # fmt: skip


expressions = st.recursive(_names | _constants, _larger, max_leaves=6)
_assigned = st.builds(lambda name, e: f"{name}{e}", st.sampled_from(("", "x = ", "host = ", "`a b` = ")), expressions)
_list = st.lists(_assigned, min_size=1, max_size=3).map(", ".join)
_patterns = st.lists(st.sampled_from((*_FIELDS, "*", "s*", "x", "`a b`")), min_size=1, max_size=3).map(", ".join)
_aggregates = st.lists(
    st.builds(
        lambda f, a, more, w: f"y = {f}({a}{more}){w}",
        st.sampled_from(sorted(AGGREGATES)),
        expressions,
        st.sampled_from(("", "", ", 2", ", time", ', 3, "desc"')),
        st.sampled_from(("", "", " WHERE ok", " + 1")),
    ),
    min_size=1,
    max_size=2,
).map(", ".join)
_cut = st.lists(
    st.sampled_from(
        ("%{a}", "%{host}", "%{+a}", "%{WORD:w}", "%{INT:n:int}", "%{", " ", "-", "(", ".*", "(?<g>.)", "%{?}", "b")
    ),
    max_size=4,
).map("".join)
_queries = st.sampled_from(
    (
        '"web-1"',
        '"host:web* AND size > 3"',
        '"("',
        '"error disk"',
        '""',
        "1",
        "true",
        "null",
        "host",
        "?name",
        '"size:[1 TO"',
    )
)
commands = st.one_of(
    expressions.map(lambda e: f"WHERE {e}"),
    _list.map(lambda e: f"EVAL {e}"),
    _patterns.map(lambda e: f"KEEP {e}"),
    _patterns.map(lambda e: f"DROP {e}"),
    st.builds(lambda a, b: f"RENAME {a} AS {b}", _names, st.sampled_from((*_FIELDS, "x"))),
    st.builds(lambda e, way: f"SORT {e}{way}", expressions, st.sampled_from(("", " DESC", " ASC NULLS FIRST"))),
    st.sampled_from(("LIMIT 3", "LIMIT 0", "LIMIT -1", "LIMIT 99999999999")),
    st.builds(lambda a, by, s: f"{s} {a}{by}", _aggregates, st.one_of(st.just(""), _list.map(lambda b: f" BY {b}")), st.sampled_from(("STATS", "INLINESTATS"))),
    _names.map(lambda n: f"MV_EXPAND {n}"),
    st.builds(lambda c, n, p: f'{c} {n} "{p}"', st.sampled_from(("DISSECT", "GROK")), _names, _cut),
    st.builds(lambda f, a, q: f"WHERE {f}({a}{q})", st.sampled_from(("MATCH", "KQL", "QSTR", "NOT MATCH_PHRASE")), st.sampled_from(("", "host, ", "size, ", "message, ", "nothing, ")), _queries),
    st.builds(lambda n, q: f"EVAL z = {n} : {q}", _names, _queries),
)  # fmt: skip
_sources = st.sampled_from(
    ("FROM docs-*", "FROM docs-1", "FROM docs-* METADATA _id, _index", "ROW time = NOW(), size = [1, 2]")
)
statements = st.builds(lambda s, c: " | ".join([s, *c]), _sources, st.lists(commands, max_size=4))


@st.composite
def damaged(draw):
    """A statement of which a part is taken out, doubled, or put elsewhere."""
    text = draw(statements)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 12)))
    other = draw(st.one_of(st.just(""), st.text(max_size=4), st.sampled_from(tuple('|()[]{}",.`?*/%=:<>\n'))))
    return text[:start] + other + text[end:]


def _answered(corpus, text):
    params = [{"name": "web-1"}] if "?name" in text else ["web-1", 3]
    try:
        found = ask(corpus, text, params)
    except QueryError:
        return None
    assert all(len(row) == len(found.columns) for row in found.rows)
    return found


@given(text=statements)
@law(examples=120)
def test_every_statement_has_an_answer_or_a_refusal(corpus, text):
    _answered(corpus, text)


@given(text=statements)
@law(examples=100)
def test_a_statement_gives_the_same_when_it_reads_all_columns(corpus, text):
    def outcome():
        found = _answered(corpus, text)
        return None if found is None else (found.columns, sorted(map(repr, found.rows)))

    few = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "pruned", lambda relation: relation)
        assert outcome() == few


@given(text=damaged() | st.text(max_size=60))
@law(examples=120)
def test_every_text_has_an_answer_or_a_refusal(corpus, text):
    _answered(corpus, text)


@pytest.mark.parametrize(
    "text",
    [
        "ROW a = " + "(" * 5000 + "1" + ")" * 5000,
        "ROW a = 1" + " + 1" * 20_000,
        "ROW a = " + "ABS(" * 300 + "1.5" + ")" * 300,
        "ROW a = " + "SQRT(" * 60 + "1.5" + ")" * 60,
        "ROW a = " + "-" * 5000 + "1",
        "ROW a = " + "NOT " * 5000 + "true",
        "ROW a = 1" + " | EVAL a = a * 1.5 + a" * 400,
        "ROW a = 1" + " | WHERE a > 0" * 450,
        "ROW a = 1 | WHERE " + " OR ".join(["a == 1"] * 5000),
        'ROW a = "x" | EVAL b = ' + "CONCAT(" * 200 + "a" + ', "y")' * 200,
        "ROW a = " + "1::string::long::string" * 1 + "::long::string" * 500,
        "FROM docs-* | STATS " + ", ".join(f"x{n} = SUM(size) + {n}" for n in range(300)),
        "ROW a = " + "CASE(true, " * 300 + "1" + ")" * 300,
        "/*" * 3000,
        'ROW a = "' + "x" * 100_000 + '" | EVAL b = a RLIKE "(x*)*y"',
        "ROW a = REPEAT(\"x\", 1000000) | EVAL b = CONCAT(a, a, a, a, a, a) | EVAL c = LENGTH(b) | KEEP c",
    ],
    ids=range(16),
)  # fmt: skip
def test_large_statements_end_soon(corpus, text):
    began = time.monotonic()
    _answered(corpus, text)
    assert time.monotonic() - began < 20


# --- parameters ---


@given(
    value=st.text(max_size=20)
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
)
@law(examples=60)
def test_a_parameter_is_its_value_and_never_text(corpus, value):
    found = ask(corpus, "ROW a = ?v | EVAL same = a == ?v", [{"v": value}])
    assert found.rows == [[value, True]]


@given(name=st.text(min_size=1, max_size=12))
@law(examples=40)
def test_a_name_given_as_a_parameter_is_a_name_alone(corpus, name):
    assert ask(corpus, "ROW ?n = 1 | KEEP ?n", [{"n": {"identifier": name}}]).columns == ((name, "integer"),)


def test_as_many_parameters_as_question_marks_are_needed():
    with pytest.raises(QueryError, match="Not enough actual parameters 0"):
        read_statement("ROW a = ?", Parameters())


# --- beside the Query DSL ---

_TERMS = {"host": ("web-1", "db-1", "none"), "size": (-3, 0, 7), "load": (1.5, -0.5, 0.25), "ok": (True, False)}


@st.composite
def conditions(draw):
    """A condition of ES|QL on fields with one value, and the clause that asks the same."""
    name = draw(st.sampled_from(sorted(_TERMS)))
    value = draw(st.sampled_from(_TERMS[name]))
    written = f'"{value}"' if isinstance(value, str) else str(value).lower()
    kind = draw(st.sampled_from(("equal", "range", "exists", "none", "and", "or")))
    if kind == "equal":
        return f"{name} == {written}", {"term": {name: value}}
    if kind == "range" and name != "ok":
        word, sign = draw(st.sampled_from((("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<="))))
        return f"{name} {sign} {written}", {"range": {name: {word: value}}}
    if kind in {"and", "or"}:
        (one, first), (two, second) = draw(conditions()), draw(conditions())
        clause = "must" if kind == "and" else "should"
        return f"(({one}) {kind.upper()} ({two}))", {"bool": {clause: [first, second]}}
    exists = {"exists": {"field": name}}
    if kind == "none":
        return f"{name} IS NULL", {"bool": {"must_not": [exists]}}
    return f"{name} IS NOT NULL", exists


@given(both=conditions())
@law(examples=60)
def test_a_condition_counts_what_its_clause_counts(corpus, both):
    condition, clause = both
    rows = ask(corpus, f"FROM docs-* | WHERE {condition} | STATS n = COUNT(*)").rows
    assert rows == [[count(corpus.reader, corpus.indices, clause)]]
