"""Tokenizers: where the words of a text are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text.

    Attributes:
        term: the word, as filters made it.
        start: where it begins in the text that was cut.
        end: where it ends, exclusive.
        position: its number, counting the words that were left out before it.
        kind: what sort of word it is, in the terms of the tokenizer.
    """

    term: str
    start: int
    end: int
    position: int
    kind: str = "word"


Tokenizer = Callable[[str], list[Token]]

_WORD: Final = r"[^\W_]"
_LETTER: Final = r"[^\W\d_]"
_DIGITS: Final = "0123456789"
_HEX: Final = re.compile(r"[0-9A-Fa-f.\-@:]*\Z")
# A drive or a server's folder, an address with its scheme, anything else: slashes may stand anywhere in them.
_PLAIN: Final = rf"(?:{_WORD}|/)[\w.\-@/]*"
_STANDARD: Final = re.compile(rf"{_LETTER}:[\\/][\w.\-@/\\]*|{_LETTER}+:/[\w.\-@/]*|\\[\w.\-@/\\]*|{_PLAIN}")
_WITHOUT_DRIVES: Final = re.compile(_PLAIN)
_CLASSIC: Final = re.compile(rf"{_WORD}[\w.\-]*")


def ml_standard(text: str) -> list[Token]:
    """Cut a message into words, URLs, paths and e-mail addresses; leave out what is a number or begins with a digit.

    Source: the description of the `ml_standard` tokenizer in Elasticsearch's documentation, and its REST tests.
    """
    pattern = _STANDARD if "\\" in text or ":/" in text else _WITHOUT_DRIVES
    return list(_kept(text, pattern.finditer(text), "_.-@:"))


def ml_classic(text: str) -> list[Token]:
    """Cut a message into words; as `ml_standard`, but a slash or an at sign ends a word."""
    return list(_kept(text, _CLASSIC.finditer(text), "_.-"))


def _kept(text: str, found: Iterator[re.Match[str]], loose_ends: str) -> Iterator[Token]:
    for position, match in enumerate(found):
        word = match[0]
        if word[0] not in _DIGITS and not word[0].isdigit() and not _HEX.match(word) and word.strip("/\\"):
            word = word.rstrip(loose_ends)
            yield Token(word, match.start(), match.start() + len(word), position)


_IDEOGRAPH: Final = r"[\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_PICTURE: Final = r"[\u2600-\u27bf\u2b1b\u2b1c\u2b50\u2b55\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"
# A picture with its tone or variation, several of them joined to one, or the two letters of a flag.
_TONED: Final = rf"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*"
_EMOJI: Final = rf"[\U0001f1e6-\U0001f1ff]{{2}}|{_TONED}(?:\u200d{_TONED})*"
# Letters and digits, over one apostrophe, full stop or colon between letters, over one separator between digits.
_STANDARD_WORD: Final = re.compile(
    rf"{_IDEOGRAPH}|{_EMOJI}|(?:(?!{_IDEOGRAPH})\w|(?<=[^\W\d_])[.':\u2019](?=[^\W\d_])|(?<=\d)[.,';](?=\d))+"
)
_LONGEST: Final = 255


def standard(text: str) -> list[Token]:
    """Cut a text at word boundaries (the common part of UAX #29), longer words into pieces of 255 characters."""
    tokens: list[Token] = []
    for match in _STANDARD_WORD.finditer(text):
        if match[0].strip("_"):
            for start in range(match.start(), match.end(), _LONGEST):
                end = min(start + _LONGEST, match.end())
                word = text[start:end]
                tokens.append(Token(word, start, end, len(tokens), _standard_kind(word)))
    return tokens


# The first that fits all of a word; in the terms of Lucene's standard tokenizer.
_STANDARD_KINDS: Final = tuple(
    (re.compile(pattern), f"<{kind}>")
    for pattern, kind in (
        (r"_*\d(?:(?:_*|[.,';])\d)*_*", "NUM"),
        (r"[\u3040-\u309f]", "HIRAGANA"),
        (_IDEOGRAPH, "IDEOGRAPHIC"),
        (_EMOJI, "EMOJI"),
        (r"[\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f]+", "KATAKANA"),
        (r"[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]+", "HANGUL"),
    )
)


def _standard_kind(word: str) -> str:
    return next((kind for pattern, kind in _STANDARD_KINDS if pattern.fullmatch(word)), "<ALPHANUM>")


_PART: Final = rf"(?:(?!{_IDEOGRAPH}){_WORD})+"
_NUMBERED: Final = rf"(?=[\w.\-/,]*\d){_PART}(?:[_\-/.,]{_PART})+"
# Lucene's classic grammar, its kinds in order: e-mail addresses, hosts and product numbers, acronyms, companies
# (AT&T), words over an apostrophe, words, ideographs one by one.
_CLASSIC_WORD: Final = re.compile(
    rf"(?P<EMAIL>{_PART}(?:[._\-]{_PART})*@{_PART}(?:[.\-]{_PART})+)|(?P<NUM>{_NUMBERED})"
    rf"|(?P<ACRONYM>{_LETTER}\.(?:{_LETTER}\.)+(?!{_WORD}))|(?P<HOST>{_PART}(?:\.{_PART})+)"
    rf"|(?P<COMPANY>{_LETTER}+[&@]{_LETTER}+)|(?P<APOSTROPHE>{_LETTER}+(?:'{_LETTER}+)+)|(?P<ALPHANUM>{_PART})"
    rf"|(?P<CJ>{_IDEOGRAPH})"
)


def classic(text: str) -> list[Token]:
    """Cut a text as Lucene's classic tokenizer: addresses, hosts, acronyms and product numbers stay whole."""
    found = (match for match in _CLASSIC_WORD.finditer(text) if match.end() - match.start() <= _LONGEST)
    return [Token(m[0], m.start(), m.end(), number, f"<{m.lastgroup}>") for number, m in enumerate(found)]


def matching(pattern: re.Pattern[str], group: int = 0) -> Tokenizer:
    """The tokenizer of which the words are what a pattern (or one of its groups) matches."""

    def cut(text: str) -> list[Token]:
        spans = [match.span(group) for match in pattern.finditer(text)]
        return _numbered(text, [span for span in spans if span[0] < span[1]])

    return cut


def separated_by(pattern: re.Pattern[str]) -> Tokenizer:
    """The tokenizer of which the words are what lies between the matches of a pattern."""

    def cut(text: str) -> list[Token]:
        spans, begin = [], 0
        for match in pattern.finditer(text):
            if match.end() > match.start():
                spans.append((begin, match.start()))
                begin = match.end()
        spans.append((begin, len(text)))
        return _numbered(text, [span for span in spans if span[0] < span[1]])

    return cut


def whole(text: str) -> list[Token]:
    """Take all of a text as one word."""
    return _numbered(text, [(0, len(text))] if text else [])


def _numbered(text: str, spans: list[tuple[int, int]]) -> list[Token]:
    return [Token(text[start:end], start, end, number) for number, (start, end) in enumerate(spans)]
