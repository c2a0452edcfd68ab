"""Categories of texts that are alike: what `CATEGORIZE` of ES|QL and the aggregation `categorize_text` group by.

As Elasticsearch documents `categorize_text` since 8.3 (and as its published sources do it): a text is its first 100
words in order, each with a weight. It goes to the most frequent category whose words in common it has in their order,
or to the one that it is most similar to, as long as that is by more than a threshold. Similarity is one minus the
weighted edit distance (Wagner, Fischer, 1974) over the larger weight. A category keeps the words that all of its texts
have.

Weights come from lists of words: Elasticsearch looks up verbs and other words in an English dictionary, here they are
the words that programs are known to write (`analyzers.words`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeAlias

from anomalyops_engine.analyzers.analyzer import Analyzer
from anomalyops_engine.analyzers.java_patterns import escaped
from anomalyops_engine.analyzers.words import is_statement_word, is_verb
from anomalyops_engine.store import end_if_asked

MOST_WORDS: Final = 100
USUAL_THRESHOLD: Final = 70
"""Percent of the weight of words that texts of a category have in common at least, unless told otherwise."""
_LEAST_THRESHOLD, _HIGHEST_THRESHOLD = 0.01, 0.99
# Extra weights of verbs and of other known words; from the third known word in a row on, six times as much.
_VERB, _KNOWN, _BOOST, _ROW = 5, 2, 6, 3
# What of a category is shown has no more characters.
_MOST_CHARACTERS: Final = 10_000
_EPSILON: Final = 1e-6
# Beyond, a text begins a category although a rarer one than those might take it.
_MOST_COMPARED: Final = 200
# After so many texts it is looked whether the work is still wanted.
_BETWEEN_LOOKS: Final = 256

Weighted: TypeAlias = tuple[tuple[str, int], ...]
"""Words of a text in order, with their weights."""
# A rank is one number: how many texts a category has, negative, and in its lowest bits which one it is.
_NUMBER_BITS: Final = 40
_NUMBERS: Final = (1 << _NUMBER_BITS) - 1


@dataclass(slots=True, eq=False)
class TextCategory:
    """Texts that are alike.

    Attributes:
        number: its place among the categories, in order of appearance.
        base: the words of its first text.
        common: words that all of its texts have, with their weights.
        count: how many texts it has.
        longest: characters of the longest.
        begin: where in `base` the words begin that are in the same order in all texts.
        end: where they end, exclusive.
        found_by: the words of which one must be in a text for it to be found.
    """

    number: int
    base: Weighted
    common: dict[str, int]
    count: int
    longest: int
    begin: int = 0
    end: int = 0
    found_by: tuple[str, ...] = ()
    base_weight: int = field(init=False)
    first_weight: int = field(init=False)

    def __post_init__(self) -> None:
        self.end = self.end or len(self.base)
        self.base_weight = sum(weight for _, weight in self.base)
        self.first_weight = sum(self.common.values())

    @property
    def max_matching_length(self) -> int:
        """Characters of the longest text that may belong to it without being looked at further."""
        return self.longest * 11 // 10

    @property
    def words(self) -> list[str]:
        """The words that all texts have, in order; the lightest ones are left out where they are too many."""
        places = [place for place in range(self.begin, self.end) if self.base[place][0] in self.common]
        left = _MOST_CHARACTERS
        kept = []
        for place in sorted(places, key=lambda each: (-self.base[each][1], each)):
            left -= len(self.base[place][0]) + 1
            if left >= 0:
                kept.append(place)
        return [self.base[place][0] for place in sorted(kept)]

    @property
    def tokens(self) -> str:
        """Its words."""
        return " ".join(self.words)

    @property
    def regex(self) -> str:
        """A regular expression that matches its texts."""
        return f".*?{'.+?'.join(map(escaped, self.words))}.*?"

    def covers(self, words: Weighted, unique: dict[str, int], length: int) -> bool:
        """Return whether a text has all words in common, in their order, and is not much longer."""
        if length > self.max_matching_length or not self.common.items() <= unique.items():
            return False
        following = iter(words)
        ordered = (self.base[place][0] for place in range(self.begin, self.end))
        return all(any(word == other for other, _ in following) for word in ordered if word in self.common)

    def share_left(self, unique: dict[str, int], least: float) -> float:
        """Return how much of its first text's weight would still be in common with a text in it.

        Where that is less than `least`, a number that is less than it too.
        """
        common = self.common
        shared = common.keys() & unique.keys()
        share = sum(map(common.__getitem__, shared)) / self.first_weight
        if share < least:
            return share
        return sum(common[word] for word in shared if common[word] == unique[word]) / self.first_weight

    def add(self, words: Weighted, unique: dict[str, int]) -> None:
        """Take in a text with the words of which it is made."""
        self.common = {word: weight for word, weight in self.common.items() if unique.get(word) == weight}
        self._narrow([word for word, _ in words])

    @property
    def rank(self) -> int:
        """What categories are looked at by: the most frequent first, then those that began first."""
        return self.number - (self.count << _NUMBER_BITS)

    def _narrow(self, words: Sequence[str]) -> None:
        """Keep the heaviest run of words of `base` whose common ones are in a text in the same order."""
        best, best_weight = (self.begin, self.begin), 0
        for start in range(self.begin, self.end):
            if self.base[start][0] not in self.common:
                continue
            place, weight, last = 0, 0, start
            for index in range(start, self.end):
                word, own = self.base[index]
                if word not in self.common:
                    continue
                try:
                    place = words.index(word, place) + 1
                except ValueError:
                    break
                weight, last = weight + own, index + 1
            if weight > best_weight:
                best, best_weight = (start, last), weight
            if last == self.end:
                break
        self.begin, self.end = best


class TextCategorizer:
    """Puts one text after the other in categories.

    Args:
        threshold: percent of weight, 1 to 100.
    """

    def __init__(self, threshold: int = USUAL_THRESHOLD) -> None:
        self._lower = min(max(threshold / 100, _LEAST_THRESHOLD), _HIGHEST_THRESHOLD)
        self._upper = (1 + self._lower) / 2
        self.categories: list[TextCategory] = []
        # Ranks of categories, in order, by those of their words without which too little of them would be in common.
        self._by_word: dict[str, list[int]] = {}
        self._frequency: dict[str, int] = {}

    def place(self, words: Weighted, length: int, count: int) -> TextCategory:
        """Return the category of a text, which it becomes part of.

        Args:
            words: at least one.
            length: its characters.
            count: how many there are of it.
        """
        unique: dict[str, int] = {}
        for word, weight in words:
            unique[word] = unique.get(word, 0) + weight
        found = self._found(words, unique, length)
        if found is not None:
            found.add(words, unique)
            self.more_of(found, length, count)
            return found
        made = TextCategory(len(self.categories), words, unique, count, length)
        self.categories.append(made)
        self._note(made, unique)
        return made

    def more_of(self, category: TextCategory, length: int, count: int) -> None:
        """Count more texts of a category, which moves up among those that are found by its words."""
        before = category.rank
        category.longest = max(category.longest, length)
        category.count += count
        for word in category.found_by:
            ranks = self._by_word[word]
            del ranks[bisect_left(ranks, before)]
            insort(ranks, category.rank)

    def _note(self, category: TextCategory, unique: dict[str, int]) -> None:
        """Note by which words a category is found: the rarest ones, one of which each text of it must have.

        What is in common never weighs less than the threshold tells, so that the others alone are not enough (the
        prefix filter of joins by similarity; Chaudhuri, Ganti, Kaushik, 2006).
        """
        left = category.first_weight * (1 - self._lower) + _EPSILON
        frequency = self._frequency
        found_by = []
        for word in sorted(unique, key=lambda each: (frequency.get(each, 0), each)):
            found_by.append(word)
            insort(self._by_word.setdefault(word, []), category.rank)
            left -= unique[word]
            if left < 0:
                break
        category.found_by = tuple(found_by)
        for word in unique:
            frequency[word] = frequency.get(word, 0) + 1

    def _found(self, words: Weighted, unique: dict[str, int], length: int) -> TextCategory | None:
        """Return the category that a text belongs to: the most frequent that covers it, or the most similar one."""
        weight = sum(own for _, own in words)
        lowest, highest = self._bounds(weight, self._lower)
        best, best_similarity = None, self._lower
        for category in self._alike(unique):
            covers = category.covers(words, unique, length)
            if not covers and (
                not lowest <= category.base_weight <= highest or category.share_left(unique, self._lower) < self._lower
            ):
                continue
            if covers:
                return category
            similarity = 1 - distance(words, category.base) / max(weight, category.base_weight)
            if similarity > self._upper:
                return category
            if similarity > best_similarity:
                best, best_similarity = category, similarity
                lowest, highest = self._bounds(weight, similarity)
        return best

    def _alike(self, unique: Iterable[str]) -> list[TextCategory]:
        """Return the categories that a text may belong to, the most frequent first.

        Of those that a word finds no more are looked at than of all together, so that the time of a text does not go
        with the number of categories.
        """
        ranks: list[int] = []
        for word in unique:
            ranks += self._by_word.get(word, ())[:_MOST_COMPARED]
        ranks.sort()
        first = islice(dict.fromkeys(ranks), _MOST_COMPARED)
        return [self.categories[rank & _NUMBERS] for rank in first]

    @staticmethod
    def _bounds(weight: int, similarity: float) -> tuple[int, int]:
        """Return between which weights those lie that a text of a weight may be more similar to."""
        return math.floor(weight * similarity + _EPSILON) + 1, math.ceil(weight / similarity - _EPSILON) - 1


def distance(one: Weighted, two: Weighted) -> int:
    """Return the weight of what has to be taken out, put in or exchanged to make one text of another."""
    above = [0]
    for _, weight in two:
        above.append(above[-1] + weight)
    for word, weight in one:
        row = [above[0] + weight]
        left = row[0]
        for place, (other, own) in enumerate(two):
            exchanged = above[place] + (0 if word == other else max(weight, own))
            left = min(above[place + 1] + weight, left + own, exchanged)
            row.append(left)
        above = row
    return above[-1]


def weighted(words: Iterable[str]) -> Weighted:
    """Return words with their weights: 1, and more for what statements are made of, most of all in a row of such."""
    found: list[tuple[str, int]] = []
    row = 0
    for word in words:
        if len(word) < 2 or not is_statement_word(word):
            row = 0
            found.append((word, 1))
            continue
        row += 1
        extra = _VERB if is_verb(word) else _KNOWN
        found.append((word, 1 + extra * (_BOOST if row >= _ROW else 1)))
    return tuple(found)


def categories_of(
    texts: Sequence[str], counts: Sequence[int], analyzer: Analyzer, threshold: int = USUAL_THRESHOLD
) -> tuple[list[int | None], list[TextCategory]]:
    """Put different texts in categories; in which order they are given has no influence.

    Args:
        texts: none twice.
        counts: how many there are of each.
        analyzer: what makes words of them.
        threshold: percent of weight, 1 to 100.

    Returns:
        The number of each text's category, None for one without words; and the categories by number.

    Raises:
        WorkInterruptedError: nobody waits for them any more.
    """
    categorizer = TextCategorizer(threshold)
    places: list[int | None] = [None] * len(texts)
    known: dict[Weighted, TextCategory] = {}
    for number, place in enumerate(sorted(range(len(texts)), key=lambda each: (-counts[each], texts[each]))):
        if not number % _BETWEEN_LOOKS:
            end_if_asked()
        text = texts[place]
        words = weighted(token.term for token in analyzer.cut(analyzer.filtered(text))[:MOST_WORDS] if token.term)
        if not words:
            continue
        category = known.get(words)
        if category is None or len(text) > category.max_matching_length:
            category = known[words] = categorizer.place(words, len(text), counts[place])
        else:
            categorizer.more_of(category, len(text), counts[place])
        places[place] = category.number
    return places, categorizer.categories
