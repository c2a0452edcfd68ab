"""What analyzers make of texts, and how they refuse what they cannot do."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.analyzers.analyzer import (
    UnsupportedAnalyzer,
    categorization_analyzer,
    custom_analyzer,
)
from anomalyops_engine.config.categorization import DEFAULT_ANALYZER


def terms(body, text):
    return [token.term for token in categorization_analyzer(body).analyze(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[node-0] creating index, shards [1]/[1]", ["node-0", "creating", "index", "shards"]),
        ("path = /usr/lib/x, error = 108: Invalid", ["path", "/usr/lib/x", "error", "Invalid"]),
        ("C:\\Windows\\System something:else", ["C:\\Windows\\System", "something", "else"]),
        ("\\\\server\\share \\ at_end\\ x", ["\\\\server\\share", "at_end", "x"]),
        ('"GET http://h.example/a/b HTTP/1.1" 202', ["GET", "http://h.example/a/b", "HTTP/1.1"]),
        ("<a.b@example.org> - -----", ["a.b@example.org"]),
        ("one .-_two three@-_ 4four @five5 a1b2c3 42", ["one", "two", "three", "five5"]),
        ("deadbeef face 12ab Mon May GMT today", ["today"]),
        ("\n  \n12:00\n worker started \n second line", ["worker", "started"]),
        ("Грузим файл 数据 ok", ["Грузим", "файл", "数据", "ok"]),
        ("12 34 0xff", []),
    ],
)
def test_the_usual_analyzer_keeps_words_urls_paths_and_addresses(text, expected):
    assert terms(DEFAULT_ANALYZER, text) == expected


def test_classic_cuts_at_slashes():
    assert terms({"tokenizer": "ml_classic"}, "open /var/log/x.log of a@b now") == [
        *("open", "var", "log", "x.log", "of", "now")
    ]


def test_places_are_those_of_the_text_before_the_filters():
    analyzer = custom_analyzer(
        {
            "char_filter": ["first_line_with_letters", {"type": "pattern_replace", "pattern": r"\[.*?\]"}],
            "tokenizer": "ml_standard",
        }
    )
    text = "  \n[drop this] keep [and this] that"
    assert [text[token.start : token.end] for token in analyzer.analyze(text)] == ["keep", "that"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mary's AT&T account at I.B.M. costs 12", ["Mary's", "AT&T", "account", "at", "I.B.M.", "costs", "12"]),
        ("web-7 web-app db.example.org:80", ["web-7", "web", "app", "db.example.org", "80"]),
        ("mail to a.b@mail.example.org", ["mail", "to", "a.b@mail.example.org"]),
        ("数据 ok", ["数", "据", "ok"]),
    ],
)
def test_the_classic_tokenizer_keeps_names_addresses_and_numbers(text, expected):
    assert terms({"tokenizer": "classic"}, text) == expected


def test_markup_is_stripped_and_places_stay_those_of_the_text():
    analyzer = custom_analyzer({"tokenizer": "whitespace", "char_filter": ["html_strip"]})
    text = "<h1>Disk <i>f</i>ull</h1><!-- why --><script>var x = 1 > 0</script>a &lt; b&nbsp;&#99; 1 < 2 & 3"
    tokens = analyzer.analyze(text)
    assert [token.term for token in tokens] == ["Disk", "full", "a", "<", "b", "c", "1", "<", "2", "&", "3"]
    assert text[tokens[0].start : tokens[0].end] == "Disk"
    assert text[tokens[2].start : tokens[2].end] == "a"


def test_tags_that_are_to_stay_stay():
    kept = {"type": "html_strip", "escaped_tags": ["b"]}
    assert terms({"tokenizer": "whitespace", "char_filter": [kept]}, "<b>bold</b><u>under</u>") == ["<b>bold</b>under"]


def test_java_replacements_and_named_groups_work():
    body = {
        "char_filter": [{"type": "pattern_replace", "pattern": "(?<k>[a-z]+)=(\\d+)", "replacement": "${k} is $2"}],
        "tokenizer": "whitespace",
        "filter": ["uppercase", {"type": "stop", "stopwords": ["IS"]}],
    }
    assert terms(body, "size=12 x") == ["SIZE", "12", "X"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"tokenizer": "icu_tokenizer"}, "icu_tokenizer"),
        ({"tokenizer": "ml_standard", "filter": ["snowball"]}, "snowball"),
        ({"tokenizer": "ml_standard", "char_filter": ["html_escape"]}, "html_escape"),
        ({"tokenizer": "ml_standard", "filter": [{"type": "stop", "stopwords_path": "x"}]}, "stopwords_path"),
        ({"tokenizer": "ml_standard", "filter": [{"type": "length", "min": "few"}]}, "min"),
        ({"tokenizer": {"type": "pattern", "pattern": "("}}, "("),
        ({"tokenizer": {"type": "pattern", "flags": "CANON_EQ"}}, "CANON_EQ"),
        (
            {"char_filter": [{"type": "pattern_replace", "pattern": "a", "replacement": "$1"}], "tokenizer": "keyword"},
            "$1",
        ),
        ({"filter": ["lowercase"]}, "tokenizer"),
        ({"tokenizer": "ml_standard", "flavour": 1}, "flavour"),
        ("german", "german"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(body, named):
    with pytest.raises(UnsupportedAnalyzer) as refused:
        categorization_analyzer(body)
    assert named in str(refused.value)


BODIES = [
    DEFAULT_ANALYZER,
    {"tokenizer": "ml_classic", "filter": ["lowercase"]},
    {"tokenizer": "standard"},
    {"tokenizer": "pattern", "filter": ["uppercase", {"type": "truncate", "length": 3}]},
    {"char_filter": [{"type": "mapping", "mappings": ["a => bb", "cc => "]}], "tokenizer": "whitespace"},
    {"char_filter": [{"type": "pattern_replace", "pattern": "[0-9]+", "replacement": "#"}], "tokenizer": "letter"},
]


@given(st.text(max_size=300), st.sampled_from(BODIES))
def test_law_tokens_stand_in_order_inside_the_text(text, body):
    tokens = categorization_analyzer(body).analyze(text)
    assert all(0 <= token.start <= token.end <= len(text) for token in tokens)
    assert all(a.end <= b.start and a.position < b.position for a, b in pairwise(tokens))
