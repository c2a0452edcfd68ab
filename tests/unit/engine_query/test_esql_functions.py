"""Functions and operators of ES|QL, one value at a time, as Elasticsearch documents them."""

from __future__ import annotations

import duckdb
import pytest

from anomalyops_engine.query import QueryError
from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.functions import FUNCTIONS, MISSING
from anomalyops_engine.query.esql.functions.aggregates import AGGREGATES
from anomalyops_engine.query.esql.grok_patterns import PATTERNS
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Surroundings

NOW_MS = 1_704_164_645_006  # 2024-01-02T03:04:05.006Z
AROUND = Surroundings(lambda name: None, None, NOW_MS, ("1", "2", "3"))


CONNECTION = duckdb.connect()


def ask(text):
    return answer(CONNECTION, text, Parameters(), AROUND)


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        # Arithmetic: whole numbers stay whole, what cannot be is NULL.
        ("7 / 2", "integer", 3),
        ("-7 / 2", "integer", -3),
        ("-7 % 3", "integer", -1),
        ("7 / 2.0", "double", 3.5),
        ("1 / 0", "integer", None),
        ("1.0 / 0", "double", None),
        ("2147483647 + 1", "integer", None),
        ("2147483648 + 1", "long", 2147483649),
        ("9223372036854775807 + 1", "long", None),
        ("1e308 * 10", "double", None),
        ("2 * 3 + 4 * -5", "integer", -14),
        ("-(1 + 2)", "integer", -3),
        ("-9223372036854775808", "long", -9223372036854775808),
        ("[1, 2] + 1", "integer", None),
        # Conditions with three values.
        ("null AND false", "boolean", False),
        ("null OR true", "boolean", True),
        ("NOT null", "boolean", None),
        ("1 == 1.0", "boolean", True),
        ("1 IN (2, null)", "boolean", None),
        ("1 IN (1, null)", "boolean", True),
        ("1 NOT IN (2, 3)", "boolean", True),
        ("[1, 2] == 1", "boolean", None),
        ("[1, 2] IS NOT NULL", "boolean", True),
        ("null == 1", "boolean", None),
        ('"a" < "b"', "boolean", True),
        ('"ab" LIKE "a?"', "boolean", True),
        ('"a*" LIKE "a\\\\*"', "boolean", True),
        ('"ab" LIKE "a\\\\*"', "boolean", False),
        ('"a\\nb" LIKE "a*b"', "boolean", True),
        ('"ab" NOT RLIKE "a|b"', "boolean", True),
        ('"foo" LIKE ("x*", "f*")', "boolean", True),
        # Numbers.
        ("ABS(-3)", "integer", 3),
        ("ABS(-3.5)", "double", 3.5),
        ("CEIL(1.2)", "double", 2.0),
        ("FLOOR(-1.2)", "double", -2.0),
        ("ROUND(2.5)", "double", 3.0),
        ("ROUND(-2.5)", "double", -3.0),
        ("ROUND(123.456, 1)", "double", 123.5),
        ("ROUND(155, -1)", "integer", 160),
        ("ROUND_TO(7, 0, 5, 10)", "integer", 5),
        ("SQRT(16)", "double", 4.0),
        ("SQRT(-1)", "double", None),
        ("CBRT(27)", "double", 3.0),
        ("POW(2, 10)", "double", 1024.0),
        ("POW(0, -1)", "double", None),
        ("LOG10(1000)", "double", 3.0),
        ("LOG(2, 8)", "double", 3.0),
        ("LOG(0)", "double", None),
        ("EXP(0)", "double", 1.0),
        ("HYPOT(3, 4)", "double", 5.0),
        ("SIGNUM(-7)", "double", -1.0),
        ("COPY_SIGN(3, -0.5)", "double", -3.0),
        ("GREATEST(1, 5, 3)", "integer", 5),
        ("GREATEST(1, null)", "integer", None),
        ("LEAST(2, 1.5)", "double", 1.5),
        ("ROUND(TO_DEGREES(PI()))", "double", 180.0),
        # Texts.
        ('LENGTH("añ😀")', "integer", 3),
        ('BYTE_LENGTH("ñ")', "integer", 2),
        ('BIT_LENGTH("ñ")', "integer", 16),
        ('CONCAT("a", "b", "c")', "keyword", "abc"),
        ('CONCAT("a", null)', "keyword", None),
        ('SUBSTRING("hello", 2)', "keyword", "ello"),
        ('SUBSTRING("hello", 2, 2)', "keyword", "el"),
        ('SUBSTRING("hello", -3, 2)', "keyword", "ll"),
        ('LEFT("hello", 2)', "keyword", "he"),
        ('LEFT("hello", -1)', "keyword", ""),
        ('RIGHT("hello", 2)', "keyword", "lo"),
        ('TO_UPPER("äb")', "keyword", "ÄB"),
        ('TO_LOWER("ABC")', "keyword", "abc"),
        ('TRIM("  a b\t")', "keyword", "a b"),
        ('LTRIM("  a ")', "keyword", "a "),
        ('RTRIM("  a ")', "keyword", "  a"),
        ('REPLACE("a1b22", "[0-9]+", "<$0>")', "keyword", "a<1>b<22>"),
        ('REPLACE("ab", "(a)(b)", "$2$1")', "keyword", "ba"),
        ('SPLIT("a;b;c", ";")', "keyword", ["a", "b", "c"]),
        ('STARTS_WITH("abc", "ab")', "boolean", True),
        ('ENDS_WITH("abc", "bc")', "boolean", True),
        ('CONTAINS("abc", "b")', "boolean", True),
        ('LOCATE("abcabc", "c")', "integer", 3),
        ('LOCATE("abcabc", "c", 4)', "integer", 6),
        ('LOCATE("abc", "x")', "integer", 0),
        ('REPEAT("ab", 3)', "keyword", "ababab"),
        ('REPEAT("ab", 100000000)', "keyword", None),
        ('REVERSE("abc")', "keyword", "cba"),
        ("SPACE(3)", "keyword", "   "),
        ('MD5("a")', "keyword", "0cc175b9c0f1b6a831c399e269772661"),
        ('HASH("sha-1", "a")', "keyword", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ('TO_BASE64("abc")', "keyword", "YWJj"),
        ('FROM_BASE64("YWJj")', "keyword", "abc"),
        ('FROM_BASE64("?")', "keyword", None),
        ('URL_ENCODE("a b/c")', "keyword", "a+b%2Fc"),
        ('URL_DECODE("a+b%2Fc")', "keyword", "a b/c"),
        # Moments.
        ("NOW()", "date", "2024-01-02T03:04:05.006Z"),
        ("DATE_TRUNC(1 hour, NOW())", "date", "2024-01-02T03:00:00.000Z"),
        ("DATE_TRUNC(1 week, NOW())", "date", "2024-01-01T00:00:00.000Z"),
        ("DATE_TRUNC(1 month, NOW())", "date", "2024-01-01T00:00:00.000Z"),
        ("DATE_TRUNC(2 years, NOW())", "date", "2023-01-01T00:00:00.000Z"),
        ('DATE_TRUNC(1 week, "1969-12-30"::datetime)', "date", "1969-12-29T00:00:00.000Z"),
        ('DATE_TRUNC(5 minutes, "1969-12-31T23:59:59.999Z"::datetime)', "date", "1969-12-31T23:55:00.000Z"),
        ("NOW() + 1 month", "date", "2024-02-02T03:04:05.006Z"),
        ('"2024-01-31"::datetime + 1 month', "date", "2024-02-29T00:00:00.000Z"),
        ("NOW() - 1 day - 4 minutes", "date", "2024-01-01T03:00:05.006Z"),
        ('DATE_DIFF("days", "2024-01-01"::date, NOW())', "integer", 1),
        ('DATE_DIFF("month", "2023-11-03"::date, NOW())', "integer", 1),
        ('DATE_DIFF("hour", NOW(), "2024-01-02"::date)', "integer", -3),
        ('DATE_EXTRACT("year", NOW())', "long", 2024),
        ('DATE_EXTRACT("day_of_week", "2024-01-07"::date)', "long", 7),
        ('DATE_EXTRACT("hour_of_day", NOW())', "long", 3),
        ('DATE_FORMAT("yyyy-MM-dd HH:mm", NOW())', "keyword", "2024-01-02 03:04"),
        ("DATE_FORMAT(NOW())", "keyword", "2024-01-02T03:04:05.006Z"),
        ('DATE_PARSE("dd/MM/yyyy", "07/02/2024")', "date", "2024-02-07T00:00:00.000Z"),
        ('DATE_PARSE("yyyy-MM-dd", "x")', "date", None),
        ('BUCKET(NOW(), 4, "2024-01-01", "2024-02-01")', "date", "2024-01-01T00:00:00.000Z"),
        ('BUCKET(NOW(), 50, "2024-01-02", "2024-01-03")', "date", "2024-01-02T03:00:00.000Z"),
        ("BUCKET(57, 10.)", "double", 50.0),
        ("BUCKET(57, 20, 0, 90)", "double", 55.0),
        ("DAY_NAME(NOW())", "keyword", "Tuesday"),
        # Several values.
        ("MV_SUM([1, 2, 3])", "integer", 6),
        ("MV_AVG([1, 2])", "double", 1.5),
        ("MV_MEDIAN([1, 2, 4])", "integer", 2),
        ("MV_MEDIAN([1, 4])", "integer", 2),
        ("MV_PERCENTILE([1, 2, 9], 50)", "integer", 2),
        ("MV_COUNT([1, 2, 3])", "integer", 3),
        ("MV_COUNT(null)", "integer", None),
        ("MV_MAX([1, 3, 2])", "integer", 3),
        ('MV_CONCAT(["a", "b"], ", ")', "keyword", "a, b"),
        ("MV_FIRST([2, 1])", "integer", 2),
        ("MV_LAST([2, 1])", "integer", 1),
        ('MV_SORT([2, 1, 3], "DESC")', "integer", [3, 2, 1]),
        ("MV_SLICE([1, 2, 3, 4], 1, 2)", "integer", [2, 3]),
        ("MV_SLICE([1, 2, 3, 4], -2, -1)", "integer", [3, 4]),
        ("MV_SLICE([1, 2], 7)", "integer", None),
        ("MV_APPEND([1, 2], 3)", "integer", [1, 2, 3]),
        ("MV_CONTAINS([1, 2], 2)", "boolean", True),
        ("MV_INTERSECTS([1, 2], [2, 3])", "boolean", True),
        ("MV_INTERSECTS([1, 2], null)", "boolean", False),
        ("MV_INTERSECTION([3, 1, 3, 2], [2, 3])", "integer", [3, 2]),
        ("MV_INTERSECTION([1], [2])", "integer", None),
        ('MV_INTERSECTION(null, "a")', "keyword", None),
        ("MV_UNION([3, 1], [1, 2])", "integer", [3, 1, 2]),
        ("MV_UNION(null, 2)", "integer", 2),
        ("CLAMP(7, 1, 5)", "integer", 5),
        ("CLAMP(-7, 1, 5.5)", "double", 1.0),
        ("CLAMP_MIN(null, 1)", "double", None),
        ("CLAMP_MIN(-1, 1)", "integer", 1),
        ("CLAMP_MAX(9, 5)", "integer", 5),
        ("CLAMP_MAX([1, 2], 5)", "integer", None),
        ("SCALB(3.0, 10)", "double", 3072.0),
        ("SCALB(1, -1)", "double", 0.5),
        ("SCALB(1e300, 2000)", "double", None),
        ("ASINH(0.0)", "double", 0.0),
        ("ACOSH(1)", "double", 0.0),
        ("ACOSH(0)", "double", None),
        ("ATANH(1)", "double", None),
        ('MV_ZIP(["a", "b"], ["c"], "-")', "keyword", ["a-c", "b"]),
        # Choices.
        ('CASE(1 == 2, "a", 1 == 1, "b", "c")', "keyword", "b"),
        ('CASE(null, "a")', "keyword", None),
        ("CASE([true, false], 1, 2)", "integer", 2),
        ("CASE(true, 1, 2.5)", "double", 1.0),
        ("CASE(false, 1, 3000000000)", "long", 3000000000),
        ("COALESCE(null, 1, 2.5)", "double", 1.0),
        ('MV_DEDUPE(["foo", "foo", "bar", "foo"])', "keyword", ["foo", "bar"]),
        ('LENGTH("❗️")', "integer", 2),
        ("COALESCE(null, null, 3)", "integer", 3),
        ('COALESCE(["a", "b"], "c")', "keyword", ["a", "b"]),
        # Conversions.
        ('TO_INTEGER("12")', "integer", 12),
        ('TO_INTEGER("12.6")', "integer", 13),
        ('TO_INTEGER("x")', "integer", None),
        ("TO_INTEGER(3000000000)", "integer", None),
        ("TO_LONG(2.5)", "long", 3),
        ("TO_LONG(-2.5)", "long", -2),
        ("TO_LONG(true)", "long", 1),
        ("TO_LONG(NOW())", "long", NOW_MS),
        ('TO_DOUBLE("1e3")', "double", 1000.0),
        ('TO_BOOLEAN("TRUE")', "boolean", True),
        ('TO_BOOLEAN("yes")', "boolean", False),
        ("TO_BOOLEAN(0)", "boolean", False),
        ("TO_STRING(true)", "keyword", "true"),
        ("TO_STRING(1.5)", "keyword", "1.5"),
        ("TO_STRING(NOW())", "keyword", "2024-01-02T03:04:05.006Z"),
        ("TO_STRING([1, 2])", "keyword", ["1", "2"]),
        ('TO_STRING(TO_IP("::1"))', "keyword", "::1"),
        ('TO_DATETIME("2024-01-02T03:04:05+02:00")', "date", "2024-01-02T01:04:05.000Z"),
        ('TO_DATETIME(CONCAT("2024-01", ""))', "date", "2024-01-01T00:00:00.000Z"),
        ('TO_DATETIME(CONCAT("2024-01-02T03:04:05.5", "+02:00"))', "date", "2024-01-02T01:04:05.500Z"),
        ('TO_DATETIME(CONCAT("no", ""))', "date", None),
        ("TO_DATETIME(1000)", "date", "1970-01-01T00:00:01.000Z"),
        ("TO_UNSIGNED_LONG(-1)", "unsigned_long", None),
        ("1::string::long::double", "double", 1.0),
        ('CIDR_MATCH(TO_IP("10.1.2.3"), "10.0.0.0/8")', "boolean", True),
        ('CIDR_MATCH(TO_IP("10.1.2.3"), "11.0.0.0/8", "10.1.2.3")', "boolean", True),
        ('CIDR_MATCH(TO_IP("fe80::1"), "10.0.0.0/8")', "boolean", False),
    ],
)
def test_a_value(expression, kind, value):
    found = ask(f"ROW x = {expression}")
    assert found.columns == (("x", kind),)
    assert found.rows == [[pytest.approx(value) if kind == "double" and value is not None else value]]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("ABS()", "line 1:9: error building [abs]: expects exactly one argument"),
        ("ROUND(1, 2, 3)", "line 1:9: error building [round]: expects one or two arguments"),
        ('ABS("a")', 'argument of [ABS("a")] must be [numeric], found value ["a"] type [keyword]'),
        ("CONCAT(1, 2)", "first argument of [CONCAT(1, 2)] must be [string], found value [1] type [integer]"),
        ('"a" + 1', "[+] has arguments with incompatible types [keyword] and [integer]"),
        ("NOW() - NOW()", "[-] has arguments with incompatible types [datetime] and [datetime]"),
        (
            '1 == "a"',
            'first argument of [1 == "a"] is [numeric] so second argument must also be [numeric] but was [keyword]',
        ),
        ("true > false", "first argument of [true > false] must be"),
        (
            'CASE(true, 1, "a")',
            'third argument of [CASE(true, 1, "a")] must be [integer], found value ["a"] type [keyword]',
        ),
        ("CASE(1, 2, 3)", "first argument of [CASE(1, 2, 3)] must be [boolean], found value [1] type [integer]"),
        ('NOW() > "yesterday"', "Cannot convert string [yesterday] to [DATETIME]"),
        ("DATE_TRUNC(0 days, NOW())", "Zero or negative time interval is not supported"),
        ('DATE_DIFF("eon", NOW(), NOW())', "received [eon]"),
        ('"a" RLIKE "("', "Invalid pattern for RLIKE [(]"),
        ("1::colour", "line 1:9: Unknown data type named [colour]"),
        ("1 day", "does not support type [date_period]"),
        ("99999999999999999999 days", "Unexpected temporal unit: 'days'"),
        ("3 fortnights", "Unexpected temporal unit: 'fortnights'"),
        ("NOT 1", "argument of [NOT 1] must be [boolean], found value [1] type [integer]"),
    ],
)
def test_a_refusal(expression, reason):
    with pytest.raises(QueryError) as caught:
        ask(f"ROW x = {expression}")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BASE10NUM", "-1.5"), ("BASE16NUM", "0xFF"), ("DATE_EU", "24.12.2023"), ("DATE_US", "12/24/2023"), ("DAY", "Tuesday"),
        ("EMAILADDRESS", "some.email@foo.com"), ("HOSTNAME", "web-1.example.com"), ("HOSTPORT", "web:9200"),
        ("HTTPDATE", "10/Oct/2000:13:55:36 -0700"), ("INT", "+7"), ("IP", "10.0.0.1"), ("IP", "fe80::cae2:65ff:fece:feb9"),
        ("IPORHOST", "::1"), ("LOGLEVEL", "Warning"), ("MAC", "00:1b:63:84:45:e6"), ("MONTH", "Feb"), ("NOTSPACE", "a;b"),
        ("PATH", "/var/log/x.log"), ("QUOTEDSTRING", '\\"a b\\"'), ("SYSLOGTIMESTAMP", "Jan  2 03:04:05"), ("TIME", "03:04:05"),
        ("TIMESTAMP_ISO8601", "2024-01-02T03:04:05.678+02:00"), ("TIMESTAMP_ISO8601", "2024-01-02 03:04:05,678"),
        ("URI", "https://user@example.com:80/a/b?c=d"), ("URIPATHPARAM", "/a?b=c"), ("USERNAME", "a.b_c-d"),
        ("UUID", "01234567-89ab-cdef-0123-456789abcdef"), ("WINPATH", "C:\\\\Users\\\\x"), ("WORD", "abc_1"), ("YEAR", "2024"),
    ],
)  # fmt: skip
def test_a_grok_pattern_takes_the_whole_of_what_it_is_for(name, text):
    found = ask(f'ROW a = "<{text}>" | GROK a "<%{{{name}:x}}>" | EVAL same = CONCAT("<", x, ">") == a | KEEP same')
    assert found.rows == [[True]]


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_every_grok_pattern_can_be_used(name):
    assert ask(f'ROW a = "" | GROK a "%{{{name}:x}}" | KEEP x').columns == (("x", "keyword"),)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('ROW a = "foo bar" | GROK a "%{WORD:b} %{WORD:b}" | KEEP b', [[["foo", "bar"]]]),
        ('ROW a = "XYZ it" | GROK a "ABC %{WORD:x}", "XYZ %{WORD:y}" | KEEP x, y', [[None, "it"]]),
        ('ROW a = ["1 2", "3 x"] | GROK a "%{INT:n:int} %{WORD:w}" | KEEP n, w', [[[1, 3], ["2", "x"]]]),
        ('ROW a = ["p s e", "t l"] | DISSECT a "%{x} %{y} %{z}" | KEEP x, y, z', [["p", "s", "e"]]),
        ('ROW a = "x" | GROK a "%{INT:n:int}" | KEEP n', [[None]]),
        (
            'ROW a = "foo 1 bar 2" | DISSECT a "%{+b/2} %{c} %{+b/1} %{?d}" APPEND_SEPARATOR="," | KEEP b, c',
            [["bar,foo", "1"]],
        ),
        ('ROW a = "foo    bar" | DISSECT a "%{b->} %{c}" | KEEP b, c', [["foo", "bar"]]),
        ('ROW a = "foo bar" | DISSECT a "%{b} %{c} baz" | KEEP b, c', [[None, None]]),
    ],
)
def test_texts_are_taken_apart(text, rows):
    assert ask(text).rows == rows


def test_no_function_is_both_served_and_missing():
    assert not MISSING & {*FUNCTIONS, *AGGREGATES}


@pytest.mark.parametrize("name", sorted(MISSING))
def test_what_is_missing_is_refused_by_name(name):
    with pytest.raises(QueryError, match=f"(?i){name}"):
        ask(f"ROW x = {name}(1)")
