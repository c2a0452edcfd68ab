"""Generated values that a request may hold and nobody should: for laws that hold whatever is sent."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

FRAGMENTS = (
    *(
        "'",
        '"',
        "''",
        '"; DROP TABLE docs_1; --',
        "$$",
        "$1",
        "?",
        "@",
        "{}",
        "%s",
        "%",
        "\\",
        "\0",
        "\n",
        "`",
        "--",
        "/*",
        ";",
    ),
    *(
        "SELECT",
        "(SELECT ascii(content) FROM read_text('/etc/passwd'))",
        "NULL",
        "NaN",
        "inf",
        "Infinity",
        "1e400",
        "TRUE",
    ),
    *(
        "a@b.org",
        "*",
        "**",
        "?*",
        "[",
        "(",
        ")",
        "{1,2}",
        "a{1001}",
        "^a$",
        "(?i)",
        "\\d",
        "\\p{L}",
        "[[:alpha:]]",
        "<1-5>",
        "~a",
        "#",
    ),
    *(
        "ä",
        "ß",
        "🙂",
        "中文",
        "\u202e",
        "e\u0301",
        "İ",
        "",
        " ",
        "x" * 10_000,
        "'" * 500,
        "-",
        "+",
        "_all",
        ".",
        "..",
        "a.b",
        "a,b",
    ),
    *(
        "now",
        "now/d",
        "now-1d/d",
        "now+999999999y",
        "2024-01-01",
        "2024-01-01||/M",
        "2024-13-45",
        "9999-12-31T23:59:59.999Z",
        "+10000-01-01",
    ),
    *(
        "1",
        "-1",
        "1.5",
        "1.",
        "007",
        "0x10",
        "1_000",
        "true",
        "false",
        "TRUE",
        "yes",
        "10.0.0.0/8",
        "10.0.0.1",
        "::1",
        "75%",
        "2<75%",
    ),
    *(
        "1h",
        "1M",
        "1d",
        "0s",
        "-1h",
        "1ms",
        "99999999999999999d",
        "month",
        "UTC",
        "Europe/Berlin",
        "+25:00",
        "Foo",
        "epoch_millis",
        "yyyy",
        "EEE",
    ),
)
NUMBERS = (
    *(
        0,
        -1,
        1,
        2,
        10,
        100,
        65_536,
        65_537,
        2**31 - 1,
        2**31,
        -(2**31) - 1,
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**63),
        2**64 - 1,
    ),
    *(
        -0.0,
        0.5,
        2.0,
        1e-300,
        1e20,
        -1e20,
        1e300,
        -1e300,
        1.7976931348623157e308,
        5e-324,
        253_402_300_799_999,
        253_402_300_800_000,
    ),
    *(8_640_000_000_000_001, 9_223_372_036_854_775, -62_135_596_800_001, 1_704_067_200_000),
)

texts = st.one_of(
    st.sampled_from(FRAGMENTS),
    st.tuples(st.sampled_from(FRAGMENTS), st.sampled_from(FRAGMENTS)).map("".join),
    st.text(max_size=12),
)
numbers = st.one_of(
    st.sampled_from(NUMBERS),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3))


json = st.recursive(scalars, _containers, max_leaves=5)
"""Any JSON value."""


def objects(
    keys: dict[str, st.SearchStrategy[Any]], *, required: tuple[str, ...] = ()
) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with some of the keys (always the required ones), each with a likely value or any JSON at all.

    Now and then there is a key that nobody knows.
    """
    values = {key: st.one_of(value, value, value, json) for key, value in keys.items()}
    chosen = st.lists(st.sampled_from(sorted(keys)), max_size=3, unique=True) if keys else st.just([])
    made = chosen.flatmap(
        lambda names: st.fixed_dictionaries({name: values[name] for name in dict.fromkeys([*required, *names])})
    )
    strange = st.one_of(st.just({}), st.just({}), st.just({}), st.just({}), st.dictionaries(texts, json, max_size=1))
    return st.tuples(made, strange).map(lambda pair: pair[0] | pair[1])
