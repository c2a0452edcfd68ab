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
from anomalyops_engine.query.esql.parameters import Parameters, read_parameters
from anomalyops_engine.query.esql.planning import Surroundings
from hostile_statements import damaged, statements
from laws import law

NOW_MS = 1_704_067_200_000


def ask(corpus, text, params=None):
    around = Surroundings(
        lambda name: corpus.indices if name.startswith("docs") else None, None, NOW_MS, ("1", "2", "3")
    )
    # A transaction of its own, as each request has: what the database refuses to compile ends it.
    return answer(corpus.reader.connection.cursor(), text, read_parameters(params), around)


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
