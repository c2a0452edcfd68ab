"""The categorizer of one partition: places the messages of one bucket after the other in categories.

Messages come as shapes: all messages of a bucket that are the same but for digits and the like are one row. A shape
that was seen lately goes where it went before. A new one is read; it goes to a category of the same firm words that
covers it, or from which it differs in values alone, else it begins one. How buckets are grouped into steps has no
influence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from anomalyops_engine.analyzers.analyzer import Analyzer
from anomalyops_engine.analyzers.words import ENTITIES
from anomalyops_engine.categories.category import Category
from anomalyops_engine.categories.matching import (
    Key,
    covers,
    firm_words,
    generalised,
    segments,
    terms_of,
    without_words,
)
from anomalyops_engine.categories.places import WORD_BYTES, Places, statement_number
from anomalyops_engine.categories.recent import RecentPlaces
from anomalyops_engine.categories.statements import Element, read_statement
from anomalyops_engine.categories.status import CategorizerStats, stats_of

NO_CATEGORY: Final = 0
"""What stands for the category of a message that has none."""
# Beyond, a new shape begins a category although an older one of the same firm words might take it.
_MOST_COMPARED: Final = 200


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """The messages of one shape in one bucket.

    Attributes:
        shape: its number.
        count: how many there are.
        longest: characters of the longest.
        texts: the first few different ones; none where the categorizer needs none.
    """

    shape: int
    count: int
    longest: int
    texts: tuple[str, ...]


class Categorizer:
    """Everything learnt about the messages of one partition.

    Attributes:
        categories: in order of appearance.
        failed: messages that were not placed.
    """

    def __init__(self, analyzer: Analyzer, examples_limit: int) -> None:
        self._analyzer = analyzer
        self._examples_limit = examples_limit
        self.categories: list[Category] = []
        self.failed = 0
        self._recent = RecentPlaces()
        self._read_lately = RecentPlaces()
        self._places = Places()
        self._groups: dict[Key, list[int]] = {}
        self._templates: dict[tuple[str, ...], int] = {}
        self._place_words = 0
        self._category_bytes = 0

    @property
    def model_bytes(self) -> int:
        """Bytes of what was learnt, about."""
        return self._category_bytes + self._recent.bytes + self._read_lately.bytes + WORD_BYTES * self._place_words

    def stats(self) -> CategorizerStats:
        """Return the counts."""
        return stats_of(self.categories, self.failed)

    def wants_texts(self, shape: int) -> bool:
        """Return whether a row of a shape has to bring texts: it is new, or its category wants examples."""
        place = self._recent.get(shape)
        if place is None:
            return True
        return place >= 0 and len(self._heir(place).examples) < self._examples_limit

    def _heir(self, place: int) -> Category:
        """The category that gets the messages of the one at a place."""
        category = self.categories[place]
        while category.heir is not None:
            category = self.categories[category.heir]
        return category

    def learn(self, rows: Sequence[ShapeRow], *, new_id: Callable[[], int | None]) -> tuple[list[int], set[int]]:
        """Place the messages of a bucket.

        Args:
            rows: one a shape, in order of appearance.
            new_id: gives the number of the next category, None when there is no memory for one.

        Returns:
            The number of each row's category, `NO_CATEGORY` where it has none; and the numbers of the categories that
            changed in any way.
        """
        found: list[int] = []
        changed: set[int] = set()
        unread = {row.shape: row.texts[0] for row in rows if self._recent.touch(row.shape) is None}
        statements = {shape: self._read(text) for shape, text in unread.items()}
        named = {shape: statement_number(read) for shape, read in statements.items()}
        new = [shape for shape, number in named.items() if self._read_lately.touch(number) is None]
        opened = self._opened([statements[shape] for shape in new])
        statements.update(zip(new, opened, strict=True))
        for row in rows:
            place = self._recent.get(row.shape)
            if place is None:
                place = self._read_lately.get(named[row.shape])
                if place is None:
                    place = self._place(statements[row.shape], new_id, changed)
                    self._read_lately.put(named[row.shape], place)
                self._recent.put(row.shape, place)
            if place < 0:
                self.failed += row.count
                found.append(NO_CATEGORY)
                continue
            category = self._heir(place)
            self._count(category, row)
            changed.add(category.id)
            found.append(category.id)
        self._recent.age()
        self._read_lately.age()
        return found, changed

    def _count(self, category: Category, row: ShapeRow) -> None:
        category.matches += row.count
        category.longest = max(category.longest, row.longest)
        if row.texts and len(category.examples) < self._examples_limit:
            self._category_bytes -= category.bytes
            category.add_examples(row.texts, self._examples_limit)
            self._category_bytes += category.bytes

    def _read(self, text: str) -> tuple[Element, ...] | None:
        """The statement of a message; None for one without tokens."""
        statement = read_statement(self._analyzer, self._analyzer.filtered(text))
        return None if statement is None else statement.elements

    def _opened(self, batch: Sequence[tuple[Element, ...] | None]) -> list[tuple[Element, ...] | None]:
        """New statements with values in all open places, and for names."""
        found = iter(
            self._without_names(self._places.opening([elements for elements in batch if elements is not None]))
        )
        return [None if elements is None else next(found) for elements in batch]

    def _without_names(self, batch: Sequence[tuple[Element, ...]]) -> list[tuple[Element, ...]]:
        """Statements with a value for a firm word that is a name: without it, they are statements that are known."""
        known = {terms_of(elements) for elements in batch} | self._templates.keys()
        return [_without_names(elements, known) for elements in batch]

    def _place(self, elements: tuple[Element, ...] | None, new_id: Callable[[], int | None], changed: set[int]) -> int:
        """Return the place of a statement's category in the list; -1 when it has none."""
        if elements is None:
            return -1
        known = self._templates.get(terms_of(elements))
        if known is not None:
            return known
        key, parts = firm_words(elements), segments(elements)
        group = self._groups.get(key, [])[:_MOST_COMPARED]
        for place in group:
            if covers(segments(self.categories[place].elements), parts):
                return place
        for place in group:
            common = generalised(self.categories[place].elements, elements)
            if common is not None:
                self._generalise(place, common, changed)
                return place
        number = new_id()
        if number is None:
            return -1
        category = Category(id=number, elements=elements)
        self.categories.append(category)
        place = len(self.categories) - 1
        self._groups.setdefault(key, []).append(place)
        self._templates.setdefault(terms_of(elements), place)
        self._category_bytes += category.bytes
        self._place_words += self._places.note(elements, place)
        self._supersede(place, changed)
        return place

    def _generalise(self, place: int, elements: tuple[Element, ...], changed: set[int]) -> None:
        category = self.categories[place]
        self._category_bytes -= category.bytes
        category.elements = elements
        self._templates.setdefault(terms_of(elements), place)
        self._category_bytes += category.bytes
        self._supersede(place, changed)

    def _supersede(self, place: int, changed: set[int]) -> None:
        """Note which other categories' messages are this one's from now on: it covers what they have in common."""
        category = self.categories[place]
        if category.heir is not None:
            return
        parts = segments(category.elements)
        for other_place in self._groups[firm_words(category.elements)][:_MOST_COMPARED]:
            other = self.categories[other_place]
            if other_place != place and other.heir is None and covers(parts, segments(other.elements)):
                other.heir = place
                category.preferred_to.append(other.id)
                changed.add(category.id)

    def pack(self) -> dict[str, Any]:
        """Return plain values for `unpack`."""
        return {
            "categories": [category.pack() for category in self.categories],
            "failed": self.failed,
            "recent": self._recent.pack(),
            "read_lately": self._read_lately.pack(),
            "places": self._places.pack(),
            "place_words": self._place_words,
        }

    @classmethod
    def unpack(cls, analyzer: Analyzer, examples_limit: int, plain: dict[str, Any]) -> Categorizer:
        """Return the categorizer that `pack` described."""
        made = cls(analyzer, examples_limit)
        made.categories = [Category.unpack(item) for item in plain["categories"]]
        made.failed = plain["failed"]
        made._recent = RecentPlaces.unpack(plain["recent"])
        made._read_lately = RecentPlaces.unpack(plain["read_lately"])
        made._places = Places.unpack(plain["places"])
        made._place_words = plain["place_words"]
        for place, category in enumerate(made.categories):
            made._groups.setdefault(firm_words(category.elements), []).append(place)
            made._templates.setdefault(terms_of(category.elements), place)
        made._category_bytes = sum(category.bytes for category in made.categories)
        return made


def _without_names(elements: tuple[Element, ...], known: Collection[tuple[str, ...]]) -> tuple[Element, ...]:
    for place in range(1, len(elements)):
        before, word = elements[place - 1], elements[place]
        if word is None or not word.firm or before is None or before.term.lower() not in ENTITIES:
            continue
        other = without_words(elements, place, place + 1)
        if terms_of(other) in known:
            return other
    return elements
