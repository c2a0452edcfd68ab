"""Places of statements in which many different words were seen: a value stands there, whatever the words look like.

A place is a statement with one word left open. It is remembered which words were seen in it; when they are many, the
place is opened, for good. The idea is that of the columns of IPLoM (Makanju et al., 2009) and Brain (Yu et al., 2023).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from anomalyops_engine.categories.matching import terms_of, without_words
from anomalyops_engine.categories.statements import VALUE, Element

_LOOSE_WORDS: Final = 3
_FIRM_WORDS: Final = 8
_RUNS: Final = 4
# A place says something when this many other words stand around it.
_FEWEST_AROUND: Final = 1
_FEWEST_AROUND_FIRM: Final = 2
_FEWEST_AROUND_RUN: Final = 2
_MOST_OPENED: Final = 20
_JOINT: Final = "\1"
WORD_BYTES: Final = 120


class Places:
    """The places of the statements of one categorizer.

    Attributes:
        seen: by place: the words seen there, each with the category that has it.
        opened: places that hold a value: how many elements at the left and at the right of the place do not.
    """

    def __init__(self) -> None:
        self.seen: dict[int, dict[str, int]] = {}
        self.opened: dict[int, tuple[int, int]] = {}

    def note(self, elements: Sequence[Element], category: int) -> int:
        """Remember the words of a category; returns how many."""
        count = 0
        for place in _places(elements):
            words = self.seen.setdefault(place.name, {})
            if len(words) < _FIRM_WORDS:
                words.setdefault(place.words, category)
                count += 1
        return count

    def opening(self, batch: Sequence[Sequence[Element]]) -> list[tuple[Element, ...]]:
        """Return statements with values in all places that are open, or that these statements open.

        Args:
            batch: statements that were not seen before.
        """
        current = [tuple(elements) for elements in batch]
        places: dict[tuple[Element, ...], list[Place]] = {}
        # A place that depends on another value is found when that is open.
        for _ in range(2):
            found: dict[int, set[str]] = {}
            for elements in dict.fromkeys(current):
                for place in _known_places(elements, places):
                    if place.name in self.opened:
                        continue
                    words = found.get(place.name)
                    if words is None:
                        words = found[place.name] = set(self.seen.get(place.name, ()))
                    words.add(place.words)
                    if len(words) >= place.needed:
                        self.opened[place.name] = _common_ends(words)
            opened = {elements: self._opened(elements, places) for elements in dict.fromkeys(current)}
            changed = [opened[elements] for elements in current]
            if changed == current:
                break
            current = changed
        return current

    def _opened(
        self, elements: tuple[Element, ...], places: dict[tuple[Element, ...], list[Place]]
    ) -> tuple[Element, ...]:
        for _ in range(_MOST_OPENED if self.opened else 0):
            known = _known_places(elements, places)
            value = next((span for place in known if (span := self._value_in(place)) is not None), None)
            if value is None:
                break
            elements = without_words(elements, *value)
        return elements

    def _value_in(self, place: Place) -> tuple[int, int] | None:
        """The elements of a place that are a value, if it is open."""
        ends = self.opened.get(place.name)
        if ends is None or sum(ends) >= place.right - place.left:
            return None
        return place.left + ends[0], place.right - ends[1]

    def pack(self) -> dict[str, Any]:
        """Return plain values for `unpack`."""
        seen, opened = ([[name, known] for name, known in part.items()] for part in (self.seen, self.opened))
        return {"seen": seen, "opened": opened}

    @classmethod
    def unpack(cls, plain: dict[str, Any]) -> Places:
        """Return what `pack` described."""
        places = cls()
        places.seen = {hole: dict(words) for hole, words in plain["seen"]}
        places.opened = {name: (left, right) for name, (left, right) in plain["opened"]}
        return places


class Place(NamedTuple):
    """A place of a statement.

    Attributes:
        name: the same for all statements that differ in it alone.
        left: the first element that stands there.
        right: the end of them, exclusive.
        words: what stands there.
        needed: how many different ones it takes to believe that it is a value.
    """

    name: int
    left: int
    right: int
    words: str
    needed: int


def _common_ends(runs: Collection[str]) -> tuple[int, int]:
    """How many elements all runs of words begin with, and how many they end with."""
    parts = [run.split(_JOINT) for run in runs]
    shortest = min(map(len, parts))
    left = next((n for n in range(shortest) if len({part[n] for part in parts}) > 1), shortest)
    rest = shortest - left
    right = next((n for n in range(rest) if len({part[-1 - n] for part in parts}) > 1), rest)
    return left, right


def _known_places(elements: tuple[Element, ...], places: dict[tuple[Element, ...], list[Place]]) -> list[Place]:
    known = places.get(elements)
    if known is None:
        known = places[elements] = list(_places(elements))
    return known


def _places(elements: Sequence[Element]) -> Iterator[Place]:
    """The places of a statement that may hold a value: each word, and each run of several loose ones."""
    terms = terms_of(elements)
    numbered = _Numbered(terms)
    words = len(terms) - elements.count(None)
    firm = len([None for element in elements if element is not None and element.firm])
    begin = 0
    for place, element in enumerate(elements):
        if element is not None and element.firm:
            yield from _run(numbered, begin, place, words)
            begin = place + 1
            if firm - 1 >= _FEWEST_AROUND_FIRM:
                yield Place(numbered.without(place, place + 1), place, place + 1, element.term, _FIRM_WORDS)
        elif element is not None and words - 1 >= _FEWEST_AROUND:
            yield Place(numbered.without(place, place + 1), place, place + 1, element.term, _LOOSE_WORDS)
    yield from _run(numbered, begin, len(elements), words)


def _run(numbered: _Numbered, left: int, right: int, words: int) -> Iterator[Place]:
    """The place of several loose words and values in a row, where enough other words stand around it."""
    run = numbered.terms[left:right]
    inside = len(run) - run.count(VALUE)
    if inside and words - inside >= _FEWEST_AROUND_RUN:
        yield Place(numbered.without(left, right, run=True), left, right, _JOINT.join(run), _RUNS)


_PRIME: Final = (1 << 61) - 1
_BASE: Final = 1_000_003
_HOLE, _RUN_HOLE = 1, 2


class _Numbered:
    """Numbers for a statement and its places: polynomials over its terms, modulo a prime (Karp and Rabin, 1987)."""

    def __init__(self, terms: tuple[str, ...]) -> None:
        self.terms = terms
        numbers = [_term_number(term) for term in terms]
        self._powers, self._before, self._behind = [1], [0], [0]
        for number in numbers:
            self._before.append((self._before[-1] + number * self._powers[-1]) % _PRIME)
            self._powers.append(self._powers[-1] * _BASE % _PRIME)
        for number in reversed(numbers):
            self._behind.append((self._behind[-1] * _BASE + number) % _PRIME)
        self._behind.reverse()

    def without(self, left: int, right: int, *, run: bool = False) -> int:
        power = self._powers[left]
        hole = (_RUN_HOLE if run else _HOLE) * power
        return (self._before[left] + hole + self._behind[right] * (power * _BASE)) % _PRIME


@lru_cache(maxsize=1 << 16)
def _term_number(term: str) -> int:
    digest = blake2b(term.encode("utf-8", "surrogatepass"), digest_size=7).digest()
    return int.from_bytes(digest, "big") + _RUN_HOLE + 1


def statement_number(elements: Sequence[Element] | None) -> int:
    """Return a number for a statement, the same for the same words and values."""
    number = 0
    for element in elements or ():
        number = (number * _BASE + _term_number(VALUE if element is None else element.term)) % _PRIME
    return number
