"""What a column is: its type, from all of its values, and what the user should know of them."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from anomalyops_reading.numbers import LONG_RANGE, PLAIN, UNSIGNED_MAXIMUM, Notation, is_null, looks_like_number
from anomalyops_reading.timestamps import SURE_CLOCK, SURE_DATE, SURE_ZONE, TimeFormat, is_iso

KEYWORD_LENGTH: Final = 256  # what the dynamic mapping of Elasticsearch keeps as a keyword
_KEYWORD_WORDS: Final = 4  # longer values are prose, which is searched by word
# Of so many different values every one is kept; of more, each is looked at once when it comes.
_KEPT: Final = 2_000
# So many of the values of a column must be numbers (times, ...) for the others to be called exceptions.
_RULE: Final = 0.9
# ASCII digits alone, as JSON has them.
_LONG: Final = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9]\d*)\.\d+(?:[eE][+-]?\d+)?|-?(?:0|[1-9]\d*)[eE][+-]?\d+", re.ASCII)
# Whole numbers that surely lie within 64 bits, and decimals that surely are finite.
_ALL_NUMBERS: Final = re.compile(r"(?:-?(?:0|[1-9]\d{0,17})(?:\.\d{1,300})?\n)*", re.ASCII)
_ALL_TIMES: Final = re.compile(rf"(?:{SURE_DATE}[T ]{SURE_CLOCK}{SURE_ZONE}?\n)*")
# Times that are surely one each, as every server reads them in JSON.
_ALL_JSON_TIMES: Final = re.compile(
    rf"(?:(?=[12]){SURE_DATE}T{SURE_CLOCK}(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)?\n)*", re.ASCII
)
# Addresses as `ipaddress` reads them: no zeros in front.
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ALL_ADDRESSES: Final = re.compile(rf"(?:{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}\n)*", re.ASCII)
# A line that begins like a number, a time, an address, a boolean or a word for no value.
_PERHAPS_NO_WORD: Final = re.compile(r"(?m)^(?:[^A-Za-z/_]|[^\n]{1,7}$|[0-9a-fA-F]{1,4}:)")
_LONG_PHRASE: Final = re.compile(r"\S\s+\S+\s+\S+\s+\S+\s+\S")
# What tells which of day and month comes first.
_DAY_BEYOND_TWELVE: Final = re.compile(r"(?:1[3-9]|2\d|3[01])[/.\-]|\d{1,2}[/.\-](?:1[3-9]|2\d|3[01])[/.\-]")
_BOOLEANS: Final = frozenset({"true", "false"})
# Types of JSON values whose values could all be the same things; whole numbers within 64 bits.
_ONE_OF_JSON: Final = frozenset({bool, int, float})


class FieldType(StrEnum):
    """The field types that are guessed."""

    BOOLEAN = "boolean"
    LONG = "long"
    UNSIGNED_LONG = "unsigned_long"
    DOUBLE = "double"
    DATE = "date"
    IP = "ip"
    KEYWORD = "keyword"
    TEXT = "text"


NUMBERS: Final = frozenset({FieldType.LONG, FieldType.UNSIGNED_LONG, FieldType.DOUBLE})


@dataclass(frozen=True, slots=True)
class Column:
    """One field: its name (dotted where objects nest), type, and how its values are written.

    Attributes:
        name: the field.
        type: its type in the mapping.
        time_format: how times are written.
        notation: how numbers are written.
        nulls: texts that stand for no value.
        lenient: values that do not fit stay in the document and are not indexed (`ignore_malformed`).
        notes: what the user should know.
    """

    name: str
    type: FieldType
    time_format: TimeFormat | None = None
    notation: Notation = PLAIN
    nulls: frozenset[str] = frozenset()
    lenient: bool = False
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Evidence:
    """What the values of a column are, counted by what each could be.

    Attributes:
        values: how many values there are, none of them empty.
        kinds: how many of them could be of a type, whatever else they could be.
        examples: the first value of each kind.
        numbers: different plain numbers, as far as they are few.
        words: different other values, as far as they are few.
        nulls: how many are words for no value, by word.
    """

    values: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)

    def add(self, texts: Sequence[str], nulls: frozenset[str]) -> None:
        """Count more cells of a text file; empty ones say nothing."""
        filled = [text for text in texts if text] if "" in texts else texts
        # The first values are looked at one by one, and tell what to expect of the others.
        single = max(0, _KEPT - self.values)
        self._add_each(filled[:single], nulls)
        rest = filled[single:]
        if rest and not self._all_alike(rest):
            self._add_each(rest, nulls)

    def _add_each(self, texts: Sequence[str], nulls: frozenset[str]) -> None:
        for text, number in Counter(texts).items():
            if text not in nulls:
                self._add_text(text, number)

    def _all_alike(self, texts: Sequence[str]) -> bool:
        """Count cells at once that are all of the one kind that the column has shown so far."""
        if self.values < _KEPT:
            return False
        joined = "\n".join(texts) + "\n"
        if self.share("number") >= _RULE:
            return _ALL_NUMBERS.fullmatch(joined) is not None and self._count_numbers(texts, joined)
        if self.share("date") == 1:
            return _ALL_TIMES.fullmatch(joined) is not None and self._count_all(texts, "date", "keyword")
        if self.share("ip") == 1:
            return _ALL_ADDRESSES.fullmatch(joined) is not None and self._count_all(texts, "ip", "keyword")
        if self.kinds.keys() <= {"keyword", "text"} and _PERHAPS_NO_WORD.search(joined) is None:
            short = max(map(len, texts)) <= KEYWORD_LENGTH and _LONG_PHRASE.search(joined) is None
            return self._count_all(texts, "keyword") if self.share("keyword") == 1 and short else False
        return False

    def _count_all(self, texts: Sequence[str], *kinds: str) -> bool:
        self._count_alike(texts[0], len(texts), (*kinds, "text"))
        return True

    def _count_alike(self, first: str, number: int, kinds: Sequence[str]) -> None:
        """Count so many values that could be the same; the first of them is an example."""
        self.values += number
        for kind in kinds:
            self._count(kind, first, number)

    def _count_numbers(self, texts: Sequence[str], joined: str) -> bool:
        decimals = joined.count(".")
        if decimals < len(texts):
            self._count("long", next(text for text in texts if "." not in text), len(texts) - decimals)
        if decimals:
            self._count("decimal", next(text for text in texts if "." in text), decimals)
        return self._count_all(texts, "number", "keyword")

    def _add_text(self, text: str, number: int) -> None:
        self.values += number
        if is_null(text):
            self.nulls[text] = self.nulls.get(text, 0) + number
            self._count("null", text, number)
            return
        kinds = text_kinds(text)
        for kind in kinds:
            self._count(kind, text, number)
        known = self.numbers if "number" in kinds else self.words
        telling = len(known) < 2 * _KEPT and _DAY_BEYOND_TWELVE.match(text)
        if len(known) < _KEPT or telling:
            known[text] = known.get(text, 0) + number

    def add_json(self, values: Sequence[Any]) -> None:
        """Count more values of a JSON file, None among them."""
        filled = [value for value in values if value is not None and value != ""]
        types = set(map(type, filled))
        if len(types) == 1 and self._all_alike_json(types.pop(), filled):
            return
        texts = list(map(str, filled))
        # Each different value is looked at once; what is equal may yet be another: 1, 1.0 and true.
        keys = list(zip(map(type, filled), texts, strict=True))
        counted = Counter(keys)
        for key, value in dict(zip(keys, filled, strict=True)).items():
            text, number = key[1], counted[key]
            self.values += number
            for kind in json_kinds(value):
                self._count(kind, text, number)
            self._keep_json(self.words if isinstance(value, str) else self.numbers, text, number)

    def _all_alike_json(self, kind: type, values: Sequence[Any]) -> bool:
        """Count values of one type at once, where all could be the same."""
        if kind is str:
            return self._all_words_alike(values)
        if kind is int and (min(values) < LONG_RANGE[0] or max(values) > LONG_RANGE[1]):
            return False
        if kind not in _ONE_OF_JSON:
            return False
        self._count_alike(str(values[0]), len(values), json_kinds(values[0]))
        self._keep_all_json(self.numbers, map(str, values))
        return True

    def _all_words_alike(self, texts: Sequence[str]) -> bool:
        """Count texts at once that are all of the one kind that the column has shown so far."""
        if self.values < _KEPT:
            return False
        joined = "\n".join(texts) + "\n"
        if joined.count("\n") > len(texts):
            return False
        if self.share("date") == 1:
            alike, narrowest = _ALL_JSON_TIMES.fullmatch(joined) is not None, ["date"]
        elif self.share("ip") == 1:
            alike, narrowest = _ALL_ADDRESSES.fullmatch(joined) is not None, ["ip"]
        else:
            alike, narrowest = self._all_keywords(texts, joined), []
        if alike:
            self._count_alike(texts[0], len(texts), [*narrowest, "keyword", "text"])
            self._keep_all_json(self.words, texts)
        return alike

    def _all_keywords(self, texts: Sequence[str], joined: str) -> bool:
        """Return whether texts are surely nothing but keywords, in a column that has had nothing else."""
        if self.share("keyword") < 1 or not self.kinds.keys() <= {"keyword", "text"}:
            return False
        short = max(map(len, texts)) <= KEYWORD_LENGTH and _LONG_PHRASE.search(joined) is None
        return short and _PERHAPS_NO_WORD.search(joined) is None

    def _keep_all_json(self, known: dict[str, int], texts: Iterable[str]) -> None:
        if len(known) < _KEPT:
            for text, number in Counter(texts).items():
                self._keep_json(known, text, number)

    def _keep_json(self, known: dict[str, int], text: str, number: int) -> None:
        if len(known) < _KEPT:
            known[text] = known.get(text, 0) + number

    def share(self, kind: str) -> float:
        """Return which part of the values, without those for no value, could be of a type."""
        counted = self.values - self.kinds.get("null", 0)
        return self.kinds.get(kind, 0) / counted if counted else 0.0

    def _count(self, kind: str, text: str, number: int) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + number
        self.examples.setdefault(kind, text)


def text_kinds(text: str) -> tuple[str, ...]:
    """Return what a text could be, from the narrowest; always `text`."""
    kinds = []
    if _LONG.fullmatch(text):
        whole = int(text) if len(text) < 40 else 10**40
        if LONG_RANGE[0] <= whole <= LONG_RANGE[1]:
            kinds += ["long", "number"]
        elif 0 < whole <= UNSIGNED_MAXIMUM:
            kinds += ["unsigned_long", "number"]
        else:
            kinds.append("digits")
    elif _DECIMAL.fullmatch(text) and abs(float(text)) < float("inf"):
        kinds += ["decimal", "number"]
    elif text.lower() in _BOOLEANS:
        kinds.append("boolean")
    elif is_iso(text):
        kinds.append("date")
    elif ("." in text or ":" in text) and _is_address(text):
        kinds.append("ip")
    elif looks_like_number(text):
        kinds.append("separated")
    if len(text) <= KEYWORD_LENGTH and len(text.split()) <= _KEYWORD_WORDS:
        kinds.append("keyword")
    kinds.append("text")
    return tuple(kinds)


def json_kinds(value: Any) -> tuple[str, ...]:
    """Return what a JSON value could be; text is never a number there, and the server reads a date with a T only."""
    if isinstance(value, bool):
        return ("boolean", "keyword", "text")
    if isinstance(value, int):
        if LONG_RANGE[0] <= value <= LONG_RANGE[1]:
            return ("long", "number", "keyword", "text")
        return ("unsigned_long" if 0 < value <= UNSIGNED_MAXIMUM else "decimal", "number", "keyword", "text")
    if isinstance(value, float):
        return ("decimal", "number", "keyword", "text")
    kinds = text_kinds(str(value))
    if "date" in kinds and " " in str(value):
        return tuple(kind for kind in kinds if kind != "date")
    return tuple({"number": "number_text"}.get(kind, kind) for kind in kinds if kind not in _NUMBER_KINDS)


_NUMBER_KINDS: Final = frozenset({"long", "unsigned_long", "decimal"})


def guess_type(evidence: Evidence) -> FieldType:
    """Return the narrowest type that nine of ten values have, exactly for those that are no numbers."""
    if not evidence.values or evidence.share("text") == 0:
        return FieldType.KEYWORD
    if evidence.share("boolean") == 1:
        return FieldType.BOOLEAN
    if evidence.share("number") >= _RULE:
        if evidence.kinds.get("decimal"):
            return FieldType.DOUBLE
        if not evidence.kinds.get("unsigned_long"):
            return FieldType.LONG
        return FieldType.DOUBLE if any(text.startswith("-") for text in evidence.numbers) else FieldType.UNSIGNED_LONG
    if evidence.share("date") == 1:
        return FieldType.DATE
    if evidence.share("ip") == 1:
        return FieldType.IP
    return FieldType.KEYWORD if evidence.share("keyword") == 1 else FieldType.TEXT


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone index is not part of an address
