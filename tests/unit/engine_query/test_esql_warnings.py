"""Laws: of every computation that fails for a row it is told where it stands and why, and of no other."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.middleware import _warning
from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Surroundings
from laws import law

_CONNECTION = duckdb.connect()
_INVALID = "org.elasticsearch.xpack.esql.core.InvalidArgumentException"
_ILLEGAL = "java.lang.IllegalArgumentException"
_SEVERAL = "java.lang.IllegalArgumentException: single-value function encountered multi-value"


def ask(text):
    found = answer(
        _CONNECTION, f"{text} | LIMIT 1000", Parameters(), Surroundings(lambda name: None, None, 0, ("1", "2", "3"))
    )
    return found.rows, list(found.warnings)


def told(place, text, *reasons, outcome="null"):
    head = f"{place}: evaluation of [{text}] failed, treating result as {outcome}. Only first 20 failures recorded."
    return [head, *(f"{place}: {reason}" for reason in reasons)]


_WORDS = st.sampled_from(["1", "-7", "2.5", "x", "", "99999999999", "1e3", "0x1", "seven", "99999999999999999999"])


@law(examples=60)
@given(st.lists(_WORDS, min_size=2, max_size=6), st.sampled_from(["INTEGER", "LONG", "DOUBLE"]))
def test_texts_that_are_no_numbers_are_told_each_once(texts, kind):
    listed = ", ".join(f'"{text}"' for text in texts)
    rows, warnings = ask(f"ROW t = [{listed}] | MV_EXPAND t | EVAL n = TO_{kind}(t)")
    failed = {text for text, number in rows if number is None}
    assert [number is None for _, number in rows] == [text in failed for text, _ in rows]
    if not failed:
        assert warnings == []
        return
    assert warnings[0] == told(f"Line 1:{warnings[0].split(':')[1]}", f"TO_{kind}(t)")[0]
    assert sorted(warning.split(": ", 2)[2] for warning in warnings[1:]) == sorted(
        f"Cannot parse number [{text}]" for text in failed
    )


_WHOLE = st.sampled_from([0, 1, -1, 3, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63) + 1])


@law(examples=80)
@given(_WHOLE, _WHOLE, st.sampled_from(["+", "-", "*", "/", "%"]))
def test_arithmetic_that_fails_is_told(one, two, sign):
    rows, warnings = ask(f"ROW a = {one}, b = {two} | EVAL c = a {sign} b | KEEP c")
    if rows != [[None]]:
        assert warnings == []
        return
    kind = "integer" if max(abs(one), abs(two)) <= 2**31 and 2**31 not in {one, two} else "long"
    reason = "/ by zero" if sign in {"/", "%"} and two == 0 else f"{kind} overflow"
    assert warnings[1].endswith(f": java.lang.ArithmeticException: {reason}")
    assert len(warnings) == 2


@law(examples=40)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=3), st.lists(st.integers(0, 3), min_size=1, max_size=3))
def test_several_values_are_told_where_one_is_taken(one, two):
    rows, warnings = ask(f"ROW a = {one}, b = {two} | EVAL c = a + b, d = a == b, e = a IN (b, 1), f = MV_MAX(a)")
    if len(one) == len(two) == 1:
        assert warnings == []
        return
    assert rows[0][2:4] == [None, None]
    assert sorted(warnings) == sorted(
        line
        for text in ("a + b", "a == b", "a IN (b, 1)")
        for line in told(f"Line 1:{_column(one, two, text)}", text, _SEVERAL)
    )


def _column(one, two, text):
    return f"ROW a = {one}, b = {two} | EVAL c = a + b, d = a == b, e = a IN (b, 1), f = MV_MAX(a)".index(text) + 1


@pytest.mark.parametrize(
    ("text", "place", "expression", "reason"),
    [
        ("ROW x=-2147483648 | EVAL a = -x", "Line 1:30", "-x", "java.lang.ArithmeticException: integer overflow"),
        ("ROW a = LOG(-1)", "Line 1:9", "LOG(-1)", "java.lang.ArithmeticException: Log of non-positive number"),
        ("ROW a = LOG(1, 2)", "Line 1:9", "LOG(1, 2)", "java.lang.ArithmeticException: Log of base 1"),
        ("ROW a = ACOS(2.0)", "Line 1:9", "ACOS(2.0)", "java.lang.ArithmeticException: Acos input out of range"),
        ("ROW a = SQRT(-1)", "Line 1:9", "SQRT(-1)", "java.lang.ArithmeticException: Square root of negative"),
        ("ROW a = TO_UL(1e20)", "Line 1:9", "TO_UL(1e20)", f"{_INVALID}: [1.0E20] out of [unsigned_long] range"),
        ('ROW a = "x"::ip', "Line 1:9", '"x"::ip', f"{_ILLEGAL}: 'x' is not an IP string literal."),
        (
            'ROW a = DATE_PARSE("yyyy-MM", "x")',
            "Line 1:9",
            'DATE_PARSE("yyyy-MM", "x")',
            "java.lang.IllegalArgumentException: failed to parse date field [x] with format [yyyy-MM]",
        ),
        ("ROW a = 1 | STATS c = COUNT(*) / 0", "Line 1:23", "COUNT(*) / 0", "java.lang.ArithmeticException: / by zero"),
    ],
)  # fmt: skip
def test_failures_are_told_in_the_words_of_elasticsearch(text, place, expression, reason):
    rows, warnings = ask(text)
    assert rows[0][-1] is None
    assert warnings == told(place, expression, reason)


def test_a_condition_of_several_values_does_not_hold():
    rows, warnings = ask('ROW a = CASE([true, false], "a", "b")')
    assert rows == [["b"]]
    assert warnings == told("Line 1:9", 'CASE([true, false], "a", "b")', _SEVERAL, outcome="false")


def test_what_is_told_is_bounded():
    words = ", ".join(f'"word{number} {"x" * 1000}"' for number in range(40))
    _, warnings = ask(f"ROW t = [{words}] | EVAL n = TO_LONG(t)")
    assert len(warnings) == 21
    assert max(map(len, warnings)) < 700


def test_a_header_holds_no_character_that_it_must_not_have():
    name, value = _warning('a "b" \\ 100 % \u00fc\r\nx: y\t')
    assert name == b"warning"
    assert value.endswith(b'"a \\"b\\" \\\\ 100 %25 %C3%BC%0D%0Ax: y\t"')
