"""The words of analysed texts, as Unicode's segmentation and Lucene's standard tokenizer make them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import sql
from anomalyops_engine.query.analysis import has_a_word, has_words_of, words_of, words_of_query
from anomalyops_engine.query.expr import Expr, Literal, Select
from anomalyops_engine.store import scratch
from laws import law


@pytest.fixture(scope="module")
def database():
    with scratch() as connection:
        yield connection


def value(database, expression: Expr):
    ((found,),) = sql.fetch(database, Select((expression.named("v"),)))
    return found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Error: disk 'sda' FULL!", ["error", "disk", "sda", "full"]),
        ("1,000 of 1.000.000", ["1,000", "of", "1.000.000"]),
        ("a:b a.b a,b a;b", ["a:b", "a.b", "a", "b", "a", "b"]),
        ("1:2 1.2 1,2 1;2", ["1", "2", "1.2", "1,2", "1;2"]),
        ("node01.zone-a", ["node01", "zone", "a"]),
        ("v1.2.3 foo.bar.baz.", ["v1.2.3", "foo.bar.baz"]),
        ("don't can\u2019t 'tis dogs'", ["don't", "can\u2019t", "tis", "dogs"]),
        ("_x_ __ a_b a__1", ["_x_", "a_b", "a__1"]),
        ("10.0.0.1:9200", ["10.0.0.1", "9200"]),
        ("C++ C# 50% a..b", ["c", "c", "50", "a", "b"]),
        ("https://a.b/c?d=e&f_g=1", ["https", "a.b", "c", "d", "e", "f_g", "1"]),
        ("naïve cafe\u0301", ["naïve", "cafe\u0301"]),
        ("中文字符 ok", ["中", "文", "字", "符", "ok"]),
        ("カタカナabc ひら", ["カタカナ", "abc", "ひ", "ら"]),
        ("한국어 ภาษาไทย123", ["한국어", "ภาษาไทย", "123"]),
        (
            "👍 👩\u200d👩\u200d👧 🇩🇪🇫🇷 1\ufe0f\u20e3 👋🏽",
            ["👍", "👩\u200d👩\u200d👧", "🇩🇪", "🇫🇷", "1\ufe0f\u20e3", "👋🏽"],
        ),
        ("ok👍ok", ["ok", "👍", "ok"]),
        ("x" * 600 + " end", ["x" * 255, "x" * 255, "x" * 90, "end"]),
        ("", []),
        (" .,;:'\n", []),
    ],
)
def test_texts_are_cut_into_words(database, text, words):
    assert value(database, words_of(Literal(text))) == words


_characters = st.one_of(
    st.sampled_from(
        [
            *"abAB01_.,;:'\u2019-/ \n",
            "é",
            "\u0301",
            "\u200d",
            "中",
            "ひ",
            "カ",
            "ー",
            "한",
            "ไ",
            "👍",
            "🏽",
            "🇩",
            "İ",
            "ß",
            "K",
            "Σ",
        ]
    ),
    st.characters(exclude_categories=("Cs",)),
)
_texts = st.text(_characters, max_size=25)


@law(examples=40)
@given(text=_texts)
def test_a_text_has_each_of_its_words_and_a_word_is_one_word(database, text):
    for word in value(database, words_of(Literal(text))):
        assert value(database, has_a_word(Literal(text), [word]))
        assert value(database, words_of(Literal(word))) == [word]


@law(examples=30)
@given(text=_texts, query=_texts)
def test_texts_match_by_the_words_that_they_share(database, text, query):
    mine, wanted = value(database, words_of(Literal(text))), value(database, words_of_query(query))
    assert wanted == value(database, words_of(Literal(query)))
    some = value(database, has_words_of(Literal(text), query, every=False))
    every = value(database, has_words_of(Literal(text), query, every=True))
    assert some == bool(set(mine) & set(wanted))
    assert every == (bool(wanted) and set(wanted) <= set(mine))


_PIECES = [
    "Disk",
    "FULL",
    "a_b",
    "x1y",
    "don't",
    "ä",
    "10.0.0.1",
    "中文",
    " ",
    "\t",
    "\n",
    "\u00a0",
    "\u2003",
    "-",
    ".",
]
_pieces = st.lists(st.sampled_from(_PIECES), max_size=10).map("".join)


@law(examples=60)
@given(_pieces)
def test_other_analysers_cut_at_spaces_and_at_what_is_no_letter(database, text):
    between = "".join("\0" if each in " \t\n\u2003" else each for each in text).split("\0")
    assert value(database, words_of(Literal(text), "whitespace")) == [word for word in between if word]
    letters = "".join(each.lower() if each.isalpha() else " " for each in text).split()
    assert value(database, words_of(Literal(text), "simple")) == letters
    for analyzer in ("simple", "whitespace"):
        assert value(database, words_of_query(text, analyzer)) == value(database, words_of(Literal(text), analyzer))


def test_words_of_other_analysers_are_cut_too(database):
    for analyzer in ("simple", "whitespace"):
        assert value(database, words_of(Literal("x" * 600), analyzer)) == ["x" * 255, "x" * 255, "x" * 90]
