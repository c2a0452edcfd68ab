r"""Analysers: the words of a text, for `match` and for terms on text fields.

The standard one makes words in lower case. Its rules are those of Unicode text segmentation (UAX #29, word boundaries)
as Lucene's standard tokenizer applies them:

- letters and digits are joined, with `_` and its like (WB5, WB8 to WB10, WB13);
- over one `.`, `'` or `:` letters are joined to letters, over one `.`, `,`, `'` or `;` digits to digits (WB6, WB7,
  WB11, WB12): `don't`, `example.com`, `1,000.5` are one word, `node01.zone` and `a,b` are two;
- marks and joiners belong to the letter that they follow (WB4);
- ideographs and hiragana are a word each, katakana and the scripts without spaces between words are one by their runs;
- emoji, keycaps and flags are words;
- of longer words every 255 characters make one.

`whitespace` keeps what stands between spaces as it is written, `simple` makes a word in lower case of each run of
letters.

All of it is expressions of the database, also for the text of a query: there is no second tokenizer to disagree with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from anomalyops_engine.query import sql
from anomalyops_engine.query.expr import (
    Column,
    Expr,
    Lambda,
    Literal,
    Not,
    all_of,
    any_of,
    call,
    when,
)

STANDARD: Final = "standard"
_LONGEST = 255
_MOST_LOOKED_FOR = 8

# --- properties of characters (Unicode's WordBreakProperty and emoji-data), as classes of RE2 ---

_EXTENDING = (
    r"\p{M}\x{ad}\x{600}-\x{605}\x{61c}\x{6dd}\x{70f}\x{8e2}\x{180e}\x{200c}-\x{200f}\x{202a}-\x{202e}"
    r"\x{2060}-\x{2064}\x{2066}-\x{206f}\x{feff}\x{fff9}-\x{fffb}\x{e0001}\x{e0020}-\x{e007f}"
)
_EXTEND = f"[{_EXTENDING}]*"
_LETTER = rf"[\p{{L}}\p{{Nl}}]{_EXTEND}"
_DIGIT = r"\p{Nd}"
_JOINER = r"[_\x{203f}\x{2040}\x{2054}\x{fe33}\x{fe34}\x{fe4d}-\x{fe4f}\x{ff3f}\x{202f}]"
_BETWEEN_BOTH = r".'\x{2018}\x{2019}\x{2024}\x{fe52}\x{ff07}\x{ff0e}"
_BETWEEN_LETTERS = rf"[{_BETWEEN_BOTH}:\x{{b7}}\x{{387}}\x{{55f}}\x{{5f4}}\x{{2027}}\x{{fe13}}\x{{fe55}}\x{{ff1a}}]"
_BETWEEN_DIGITS = (
    rf"[{_BETWEEN_BOTH},;\x{{37e}}\x{{589}}\x{{60c}}\x{{60d}}\x{{66c}}\x{{7f8}}\x{{2044}}\x{{fe10}}\x{{fe14}}"
    rf"\x{{fe50}}\x{{fe54}}\x{{ff0c}}\x{{ff1b}}]"
)
_SINGLE = r"\p{Han}\p{Hiragana}"
_KATAKANA = r"\p{Katakana}\x{30fc}\x{ff70}\x{3031}-\x{3035}\x{309b}\x{309c}\x{30a0}"
# Thai, Lao, Myanmar, Khmer and the Tai scripts, without their digits.
_SPACELESS = (
    r"\x{e01}-\x{e3a}\x{e40}-\x{e4e}\x{e81}-\x{ecd}\x{edc}-\x{edf}\x{1000}-\x{103f}\x{1050}-\x{108f}\x{109a}-\x{109f}"
    r"\x{1780}-\x{17d3}\x{17d7}\x{17dc}\x{17dd}\x{1950}-\x{1974}\x{1980}-\x{19c9}\x{1a20}-\x{1a7f}\x{aa60}-\x{aa7f}"
)
_PICTURE = (
    r"\x{203c}\x{2049}\x{2139}\x{2194}-\x{2199}\x{21a9}\x{21aa}\x{231a}\x{231b}\x{2328}\x{23cf}\x{23e9}-\x{23f3}"
    r"\x{23f8}-\x{23fa}\x{24c2}\x{25aa}\x{25ab}\x{25b6}\x{25c0}\x{25fb}-\x{25fe}\x{2600}-\x{2604}\x{260e}\x{2611}"
    r"\x{2614}\x{2615}\x{2618}\x{261d}\x{2620}\x{2622}\x{2623}\x{2626}\x{262a}\x{262e}\x{262f}\x{2638}-\x{263a}\x{2640}"
    r"\x{2642}\x{2648}-\x{2653}\x{265f}\x{2660}\x{2663}\x{2665}\x{2666}\x{2668}\x{267b}\x{267e}\x{267f}"
    r"\x{2692}-\x{2697}\x{2699}\x{269b}\x{269c}\x{26a0}\x{26a1}\x{26a7}\x{26aa}\x{26ab}\x{26b0}\x{26b1}\x{26bd}\x{26be}"
    r"\x{26c4}\x{26c5}\x{26c8}\x{26ce}\x{26cf}\x{26d1}\x{26d3}\x{26d4}\x{26e9}\x{26ea}\x{26f0}-\x{26f5}"
    r"\x{26f7}-\x{26fa}\x{26fd}\x{2702}\x{2705}\x{2708}-\x{270d}\x{270f}\x{2712}\x{2714}\x{2716}\x{271d}\x{2721}\x{2728}"
    r"\x{2733}\x{2734}\x{2744}\x{2747}\x{274c}\x{274e}\x{2753}-\x{2755}\x{2757}\x{2763}\x{2764}\x{2795}-\x{2797}\x{27a1}"
    r"\x{27b0}\x{27bf}\x{2934}\x{2935}\x{2b05}-\x{2b07}\x{2b1b}\x{2b1c}\x{2b50}\x{2b55}\x{3297}\x{3299}\x{1f004}"
    r"\x{1f0cf}\x{1f170}\x{1f171}\x{1f17e}\x{1f17f}\x{1f18e}\x{1f191}-\x{1f19a}\x{1f201}\x{1f202}\x{1f21a}\x{1f22f}"
    r"\x{1f232}-\x{1f23a}\x{1f250}\x{1f251}\x{1f300}-\x{1f321}\x{1f324}-\x{1f393}\x{1f396}\x{1f397}"
    r"\x{1f399}-\x{1f39b}\x{1f39e}-\x{1f3f0}\x{1f3f3}-\x{1f3f5}\x{1f3f7}-\x{1f3fa}\x{1f400}-\x{1f4fd}"
    r"\x{1f4ff}-\x{1f53d}\x{1f549}-\x{1f54e}\x{1f550}-\x{1f567}\x{1f56f}\x{1f570}\x{1f573}-\x{1f57a}\x{1f587}"
    r"\x{1f58a}-\x{1f58d}\x{1f590}\x{1f595}\x{1f596}\x{1f5a4}\x{1f5a5}\x{1f5a8}\x{1f5b1}\x{1f5b2}\x{1f5bc}"
    r"\x{1f5c2}-\x{1f5c4}\x{1f5d1}-\x{1f5d3}\x{1f5dc}-\x{1f5de}\x{1f5e1}\x{1f5e3}\x{1f5e8}\x{1f5ef}\x{1f5f3}"
    r"\x{1f5fa}-\x{1f64f}\x{1f680}-\x{1f6c5}\x{1f6cb}-\x{1f6d2}\x{1f6d5}-\x{1f6d7}\x{1f6dc}-\x{1f6e5}\x{1f6e9}\x{1f6eb}"
    r"\x{1f6ec}\x{1f6f0}\x{1f6f3}-\x{1f6fc}\x{1f7e0}-\x{1f7eb}\x{1f7f0}\x{1f90c}-\x{1f93a}\x{1f93c}-\x{1f945}"
    r"\x{1f947}-\x{1f9ff}\x{1fa70}-\x{1faff}"
)
_TONE = r"\x{1f3fb}-\x{1f3ff}"
_FLAG_LETTER = r"[\x{1f1e6}-\x{1f1ff}]"

# --- words ---

_LETTERS = rf"(?:{_LETTER})+(?:{_BETWEEN_LETTERS}(?:{_LETTER})+)*"
_DIGITS = rf"(?:{_DIGIT})+(?:{_BETWEEN_DIGITS}(?:{_DIGIT})+)*"
_PLAIN_WORD = rf"(?:(?:{_JOINER})*(?:{_LETTERS}|{_DIGITS}))+(?:{_JOINER})*"
_ONE_PICTURE = rf"[{_PICTURE}][{_TONE}]?\x{{fe0f}}?"
# A picture joins the next one over a zero-width joiner alone.
_EMOJI = (
    rf"[0-9*#]\x{{fe0f}}?\x{{20e3}}|[\x{{a9}}\x{{ae}}\x{{2122}}\x{{3030}}\x{{303d}}]\x{{fe0f}}|"
    rf"{_FLAG_LETTER}{_FLAG_LETTER}|"
    rf"{_ONE_PICTURE}(?:\x{{200d}}{_ONE_PICTURE})*"
)
_WORD = f"{_EMOJI}|{_PLAIN_WORD}"
_ASCII_WORD = "(?:_*(?:[a-z]+(?:[.':][a-z]+)*|[0-9]+(?:[.,';][0-9]+)*))+_*"
# What is no part of the word beside it, to be set off by spaces.
_APART = rf"([{_SINGLE}]{_EXTEND}|(?:[{_KATAKANA}]{_EXTEND})+|(?:[{_SPACELESS}]{_EXTEND})+)"
_LONG = rf"\S{{{_LONGEST + 1}}}"
_PIECE = rf"(?s).{{1,{_LONGEST}}}"
_SIMPLE = re.compile(r"[a-z0-9_]*[a-z0-9][a-z0-9_]*(?:\s+[a-z0-9_]*[a-z0-9][a-z0-9_]*)*", re.ASCII)


# What Java's `Character.isWhitespace` takes for none.
_BETWEEN_SPACES = (
    r"[^\x{9}-\x{d}\x{1c}-\x{20}\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+"
)
_RUN_OF_LETTERS = r"\p{L}+"


def _between_spaces(text: Expr) -> Expr:
    return _cut(text, call("regexp_extract_all", text, _BETWEEN_SPACES))


def _runs_of_letters(text: Expr) -> Expr:
    return _cut(text, call("regexp_extract_all", call("lower", text), _RUN_OF_LETTERS))


def _cut(text: Expr, words: Expr) -> Expr:
    """Return the words of a text, of which longer ones than there may be are cut."""
    return when(call("length", text) <= _LONGEST, words, _pieces(words))


_OTHERS: Final[dict[str, Callable[[Expr], Expr]]] = {"simple": _runs_of_letters, "whitespace": _between_spaces}


def words_of(text: Expr, analyzer: str = STANDARD) -> Expr:
    """Return the list of words that an analyser makes of a text, in order."""
    if analyzer != STANDARD:
        return _OTHERS[analyzer](text)
    lowered, length = call("lower", text), call("length", text)
    usual = all_of(
        [
            call("strlen", text).equals(length),
            any_of([length <= _LONGEST, Not(call("regexp_matches", text, _LONG))]),
        ]
    )
    return when(usual, call("regexp_extract_all", lowered, _ASCII_WORD), _unusual_words(lowered))


def words_of_query(query: str, analyzer: str = STANDARD) -> Expr:
    """Return the list of words that an analyser makes of the text of a query, in order."""
    if analyzer != STANDARD:
        return _OTHERS[analyzer](Literal(query))
    if _SIMPLE.fullmatch(query.lower()) is not None and max(map(len, query.split())) <= _LONGEST:
        return Literal(tuple(query.lower().split()), "VARCHAR[]")
    lowered = call("lower", query)
    if query.isascii() and re.search(_LONG, query) is None:
        return call("regexp_extract_all", lowered, _ASCII_WORD)
    return _unusual_words(lowered)


@lru_cache(maxsize=1024)
def split_words(query: str, analyzer: str = STANDARD) -> tuple[str, ...]:
    """Return the words of the text of a query, where they must be known before documents are looked at."""
    made = words_of_query(query, analyzer)
    if isinstance(made, Literal) and isinstance(made.value, tuple):
        return tuple(str(word) for word in made.value)
    found: list[str] = sql.evaluated(made)
    return tuple(found)


def _unusual_words(lowered: Expr) -> Expr:
    """Return the words of a text beyond ASCII, or with words that must be cut."""
    found = call("regexp_extract_all", call("regexp_replace", lowered, _APART, r" \1 ", "g"), _WORD)
    return _pieces(found)


def _pieces(words: Expr) -> Expr:
    """Return words of which every so many characters make one."""
    return call(
        "flatten", call("list_transform", words, Lambda("word", call("regexp_extract_all", Column("word"), _PIECE)))
    )


def has_a_word(text: Expr, words: Sequence[str], analyzer: str = STANDARD) -> Expr:
    """Return that a text has one of some words, which are given as the analyser makes them."""
    if analyzer != STANDARD:
        return call("list_has_any", words_of(text, analyzer), Literal(tuple(words), "VARCHAR[]"))
    # A word is a part of its text; looking for parts is much faster than making words of all texts.
    looked_for = [call("contains", call("lower", text), word) for word in words]
    listed = call("list_has_any", words_of(text), Literal(tuple(words), "VARCHAR[]"))
    return all_of([any_of(looked_for), listed]) if len(words) <= _MOST_LOOKED_FOR else listed


def has_words_of(text: Expr, query: str, *, every: bool, analyzers: tuple[str, str] = (STANDARD, STANDARD)) -> Expr:
    """Return that a text has some of the words (or every word) of another text; false when that has none.

    Args:
        text: of a document.
        query: the other text.
        every: all of its words are wanted.
        analyzers: of the text and of the query.
    """
    wanted = words_of_query(query, analyzers[1])
    if analyzers != (STANDARD, STANDARD):
        words = words_of(text, analyzers[0])
        if every:
            return all_of([call("list_has_all", words, wanted), call("len", wanted) > 0])
        return call("list_has_any", words, wanted)
    lowered = query.lower()
    simple = _SIMPLE.fullmatch(lowered) is not None and len(lowered.split()) <= _MOST_LOOKED_FOR
    if every:
        return all_of([call("list_has_all", words_of(text), wanted), call("len", wanted) > 0])
    return has_a_word(text, lowered.split()) if simple else call("list_has_any", words_of(text), wanted)
