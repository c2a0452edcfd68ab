"""Statements of ES|QL of every shape, over the fields of `docs-*`, mostly well formed and rarely sensible."""

from __future__ import annotations

from hypothesis import strategies as st

from anomalyops_engine.query.esql.functions import FUNCTIONS
from anomalyops_engine.query.esql.functions.aggregates import AGGREGATES

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
