"""Scripts: what they compute over documents, held against the same expressions in Python, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, UnsupportedQueryError, read_rows, select
from anomalyops_engine.query.scripts import ComputedFields, check_fields, runtime_fields, script_fields
from anomalyops_engine.query.scripts.errors import ScriptError
from laws import law

Document = dict[str, Any]
Evaluated = Callable[[Document], Any]


def first(name: str) -> Evaluated:
    def value(document: Document) -> Any:
        found = document.get(name)
        if isinstance(found, list):
            return min(found, default=None)
        return found

    return value


def size(name: str) -> Evaluated:
    def value(document: Document) -> int:
        found = document.get(name)
        return 0 if found is None else len(set(found) if name == "tags" else found) if isinstance(found, list) else 1

    return value


def known(function: Callable[..., Any]) -> Callable[..., Evaluated]:
    """What has no value where one of its operands has none."""

    def apply(*operands: Evaluated) -> Evaluated:
        def value(document: Document) -> Any:
            values = [operand(document) for operand in operands]
            return None if None in values else function(*values)

        return value

    return apply


def cut(one: int, other: int) -> int | None:
    return None if other == 0 else abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)


def rest(one: int, other: int) -> int | None:
    quotient = cut(one, other)
    return None if quotient is None else one - quotient * other


def both(one: Evaluated, other: Evaluated) -> Evaluated:
    def value(document: Document) -> bool | None:
        values = {one(document), other(document)}
        return False if False in values else None if None in values else True

    return value


def either(one: Evaluated, other: Evaluated) -> Evaluated:
    def value(document: Document) -> bool | None:
        values = {one(document), other(document)}
        return True if True in values else None if None in values else False

    return value


def choice(condition: Evaluated, one: Evaluated, other: Evaluated) -> Evaluated:
    return lambda document: one(document) if condition(document) is True else other(document)


LEAVES = {
    "doc['size'].value": first("size"),
    "doc['sizes'].value": first("sizes"),
    "doc['sizes'].size()": size("sizes"),
    "doc['size'].size()": size("size"),
    "doc['host'].value.length()": known(len)(first("host")),
    "doc['time'].value.getHour()": known(lambda ms: datetime.fromtimestamp(ms / 1000, UTC).hour)(first("time")),
    "params['three']": lambda _: 3,
    "7": lambda _: 7,
    "-2L": lambda _: -2,
}
ARITHMETIC = {
    "+": known(lambda a, b: a + b),
    "-": known(lambda a, b: a - b),
    "*": known(lambda a, b: a * b),
    "/": known(cut),
    "%": known(rest),
}
COMPARISONS = {
    "<": known(lambda a, b: a < b),
    "<=": known(lambda a, b: a <= b),
    "==": known(lambda a, b: a == b),
    "!=": known(lambda a, b: a != b),
}
CONDITIONS = {
    "doc['host'].value.startsWith('web')": known(lambda host: host.startswith("web"))(first("host")),
    "doc['host'].empty": lambda document: "host" not in document,
    "doc['host'].value == 'db-1'": known(lambda host: host == "db-1")(first("host")),
    "doc.containsKey('nowhere')": lambda _: False,
    "doc['ok'].value": first("ok"),
}


def trees(leaves: dict[str, Evaluated]) -> st.SearchStrategy[tuple[str, Evaluated]]:
    """Whole numbers as scripts, each with what Python makes of it."""

    def grown(inner: st.SearchStrategy[tuple[str, Evaluated]]) -> st.SearchStrategy[tuple[str, Evaluated]]:
        compared = st.builds(
            lambda a, op, b: (f"({a[0]} {op} {b[0]})", COMPARISONS[op](a[1], b[1])),
            inner,
            st.sampled_from(sorted(COMPARISONS)),
            inner,
        )
        atoms = st.one_of(st.sampled_from(sorted(CONDITIONS.items())), compared)
        conditions = st.one_of(
            atoms,
            st.builds(lambda a: (f"!{a[0]}", known(lambda x: not x)(a[1])), compared),
            st.builds(lambda a, b: (f"({a[0]} && {b[0]})", both(a[1], b[1])), atoms, atoms),
            st.builds(lambda a, b: (f"({a[0]} || {b[0]})", either(a[1], b[1])), atoms, atoms),
        )
        return st.one_of(
            st.builds(
                lambda a, op, b: (f"({a[0]} {op} {b[0]})", ARITHMETIC[op](a[1], b[1])),
                inner,
                st.sampled_from(sorted(ARITHMETIC)),
                inner,
            ),
            st.builds(lambda a: (f"Math.abs({a[0]})", known(abs)(a[1])), inner),
            st.builds(
                lambda c, a, b: (f"({c[0]} ? {a[0]} : {b[0]})", choice(c[1], a[1], b[1])), conditions, inner, inner
            ),
        )

    return st.recursive(st.sampled_from(sorted(leaves.items())), grown, max_leaves=6)


def computed(corpus: Any, mappings: dict[str, Any], query: dict[str, Any] | None = None) -> dict[str, list[Any]]:
    """The values of runtime fields by id's order of time."""
    fields = ComputedFields(corpus.indices, runtime_fields(mappings), emits=True)
    documents = select(fields.indices, query, list(mappings), time_field="time", start_ms=None, end_ms=None)
    documents = replace(documents, relation=fields.complete(documents.relation))
    rows = read_rows(corpus.reader, documents, ordered_by="time")
    return {name: [row[name] for row in rows] for name in ["time", *mappings]}


def emitting(expression: str, kind: str = "long") -> dict[str, Any]:
    return {"made": {"type": kind, "script": {"source": f"emit({expression})", "params": {"three": 3}}}}


def _tripled(number: int) -> int | None:
    return None if number < 0 else number * 3


def ordered(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return sorted(pairs, key=lambda pair: (pair[0], pair[1] is None, str(pair[1])))


@law(examples=60)
@given(tree=trees(LEAVES))
def test_law_a_script_computes_what_the_same_expression_computes_in_python(
    corpus: Any, tree: tuple[str, Evaluated]
) -> None:
    text, evaluated = tree
    found = computed(corpus, emitting(text))
    timed = [document for document in corpus.documents.values() if "time" in document]
    expected = [(document["time"], evaluated(document)) for document in timed]
    assert ordered(list(zip(found["time"], found["made"], strict=True))) == ordered(expected)


@law(examples=30)
@given(tree=trees(LEAVES), bound=st.integers(-5, 10))
def test_law_a_query_finds_runtime_fields_by_their_values(corpus: Any, tree: tuple[str, Evaluated], bound: int) -> None:
    text, evaluated = tree
    found = computed(corpus, emitting(text), {"range": {"made": {"gte": bound}}})
    timed = [document for document in corpus.documents.values() if "time" in document]
    values = [evaluated(document) for document in timed]
    assert sorted(found["made"]) == sorted(value for value in values if value is not None and value >= bound)


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("def x = doc['size'].value; if (x > 0) { emit(x * 2) } else { emit(0) }", "long", lambda n: max(n * 2, 0)),
        ("def x = doc['size'].value; if (x < 0) return; x = 3 * x; emit(x)", "long", _tripled),
        ("emit('n' + doc['size'].value + \"!\")", "keyword", lambda n: f"n{n}!"),
        ("emit(doc['size'].value / 2.0)", "double", lambda n: n / 2),
        ("emit((long) (doc['size'].value * 0.5))", "long", lambda n: int(n * 0.5)),
        ("emit(Math.round(doc['size'].value / 2.0))", "long", lambda n: int((n / 2 + 0.5) // 1)),
        ("emit(Math.max(doc['size'].value, 3) /* the larger */)", "long", lambda n: max(n, 3)),
        ("emit(doc['size'].value == null ? 1 : 2)", "long", lambda n: 2),
        ("emit(Math.sqrt(doc['size'].value))", "double", lambda n: None if n < 0 else n**0.5),
        ("emit(9223372036854775807L + doc['size'].value)", "long", lambda n: None if n > 0 else 2**63 - 1 + n),
        ("emit(doc['size'].value >= 0 && doc['size'].value % 2 == 0)", "boolean", lambda n: n >= 0 and n % 2 == 0),
        ("emit(doc['size'].value * 86400000L)", "date", lambda n: n * 86_400_000),
    ],
)  # fmt: skip
def test_statements_types_and_functions(corpus: Any, source: str, kind: str, expected: Evaluated) -> None:
    found = computed(
        corpus, {"made": {"type": kind, "script": source}, "size": {"type": "long"}}, {"exists": {"field": "size"}}
    )
    for made, number in zip(found["made"], found["size"], strict=True):
        assert made == expected(number)


def test_texts_have_the_methods_of_texts(corpus: Any) -> None:
    chain = "doc['host'].value.toUpperCase().replace('-', '_').substring(1)"
    found = computed(corpus, {"made": {"type": "keyword", "script": f"emit({chain})"}, "host": {"type": "keyword"}})
    for made, host in zip(found["made"], found["host"], strict=True):
        assert made == (None if host is None else host.upper().replace("-", "_")[1:])


def test_weekdays_months_and_years_are_those_of_utc(corpus: Any) -> None:
    parts = {
        "dayOfWeekEnum.value": lambda day: day.isoweekday(),
        "getDayOfWeek().getValue()": lambda day: day.isoweekday(),
        "getMonthValue()": lambda day: day.month,
        "year": lambda day: day.year,
        "getMinute()": lambda day: day.minute,
        "toInstant().toEpochMilli()": lambda day: round(day.timestamp() * 1000),
    }
    for part, expected in parts.items():
        found = computed(corpus, emitting(f"doc['time'].value.{part}"))
        for made, moment in zip(found["made"], found["time"], strict=True):
            assert made == expected(datetime.fromtimestamp(moment / 1000, UTC))


def test_a_runtime_field_hides_a_mapped_one_and_may_read_another(corpus: Any) -> None:
    mappings = {
        "double": {"type": "long", "script": "emit(doc['size'].value * 2)"},
        "more": {"type": "long", "script": "emit(doc['double'].value + 1)"},
        "host": {"type": "keyword", "script": "emit('all')"},
    }
    found = computed(corpus, mappings, {"term": {"host": "all"}})
    assert set(found["host"]) == {"all"}
    assert [more for more in found["more"] if more is not None] == [d + 1 for d in found["double"] if d is not None]


def test_fields_that_read_each_other_are_refused(corpus: Any, refused: Any) -> None:
    mappings = {
        "a": {"type": "long", "script": "emit(doc['b'].value)"},
        "b": {"type": "long", "script": "emit(doc['a'].value)"},
    }
    with refused(QueryError, "a -> b -> a"):
        computed(corpus, mappings)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("emit(", "unexpected end of script"),
        ("emit(1); emit(2)", "several emitted values"),
        ("for (int i = 0; i < 3; i++) { emit(i) }", "[for]"),
        ("emit(new Date())", "[new]"),
        ("emit(doc['a'].value.matches('x'))", "[matches]"),
        ("emit(x)", "cannot resolve symbol [x]"),
        ("long x = 1; long x = 2; emit(x)", "variable [x]"),
        ("emit(Math.sin(1))", "[Math.sin]"),
        ("emit(grok('%{WORD:a}').extract(doc['a'].value)?.a)", "unexpected token [?.]"),
        ("emit(dissect('a').extract('b'))", "Unknown call [dissect]"),
        ("emit(params._source.a)", "of a value of type [null]"),
        ("emit('text')", "Cannot cast from [keyword] to [long]"),
        ("emit(1.5)", "Cannot cast from [double] to [long]"),
        ("emit(1 + true)", "Cannot apply [+]"),
        ("emit(99999999999999999999)", "Invalid int constant"),
        ("return 1", "give their values to [emit]"),
        ("doc['a'].value", "only [emit]"),
        ("emit(doc['a'])", "ask for its [value]"),
        ("emit(\\)", "unexpected character"),
        ("", "must do something"),
        ("emit(" + "(" * 500 + "1", "nested no deeper"),
        ("emit(1" + " + 1" * 500 + ")", "no more than"),
    ],
)
def test_what_is_outside_of_the_language_is_refused_before_there_are_documents(source: str, named: str) -> None:
    with pytest.raises(ScriptError) as caught:
        check_fields(runtime_fields({"f": {"type": "long", "script": source}}), emits=True)
    assert named in str(caught.value)
    assert "[f]" in str(caught.value)


@pytest.mark.parametrize(
    ("definition", "kind", "named"),
    [
        ({"type": "geo_point", "script": "emit(1)"}, UnsupportedQueryError, "geo_point"),
        ({"type": "text", "script": "emit(1)"}, QueryError, "[text]"),
        ({"script": "emit(1)"}, QueryError, "No type specified"),
        ({"type": "long", "script": {"id": "stored"}}, UnsupportedQueryError, "stored scripts"),
        ({"type": "long", "script": {"source": "1", "lang": "expression"}}, UnsupportedQueryError, "expression"),
        ({"type": "long", "script": {"source": "1", "flavour": 1}}, QueryError, "flavour"),
        ({"type": "long", "fields": {}}, QueryError, "fields"),
        ({"type": "date", "script": "emit(1)", "format": "nonsense"}, QueryError, "nonsense"),
        ("long", QueryError, "Expected map"),
    ],
)
def test_definitions_that_are_refused(definition: Any, kind: type[QueryError], named: str) -> None:
    with pytest.raises(kind) as caught:
        runtime_fields({"f": definition})
    assert named in str(caught.value)


def test_a_script_cannot_read_what_is_not_mapped_or_is_text(corpus: Any, refused: Any) -> None:
    with refused(QueryError, "No field found for [nowhere] in mapping"):
        computed(corpus, emitting("doc['nowhere'].value"))
    with refused(QueryError, "field [message] of type [text]"):
        computed(corpus, emitting("doc['message'].size()"))


def test_script_fields_take_their_type_from_the_script(corpus: Any) -> None:
    fields = script_fields({"a": {"script": "doc['size'].value + 1"}, "b": {"script": {"source": "return 'x'"}}})
    made = ComputedFields(corpus.indices, fields, emits=False)
    assert {made.indices[0].mapping.fields[name].type for name in ("a", "b")} == {"long", "keyword"}


WORDS = ["type", "script", "source", "params", "lang", "id", "format", "on_script_error", "ignore_failure"]
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["long", "date", "painless", "emit(1)", "1"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
    max_leaves=8,
)


@law(examples=200)
@given(body=st.dictionaries(st.sampled_from(["a", "host", ""]), JSON, max_size=2), emits=st.booleans())
def test_law_no_definition_is_worse_than_refused(corpus: Any, body: dict[str, Any], emits: bool) -> None:
    read = runtime_fields if emits else script_fields
    try:
        check_fields(read(body), emits=emits)
        ComputedFields(corpus.indices, read(body), emits=emits)
    except QueryError:
        return


@law(examples=100)
@given(source=st.text(alphabet="emit(doc['size'].value)+-*/%?:;{}=!&|<>0123.,\"\\ \n", max_size=60))
def test_law_no_text_is_worse_than_refused(corpus: Any, source: str) -> None:
    try:
        computed(corpus, {"made": {"type": "long", "script": source}})
    except QueryError:
        return
