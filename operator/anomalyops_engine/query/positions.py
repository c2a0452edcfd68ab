"""Where words stand in a text: intervals of positions, and what is made of them, as Lucene's `Intervals` have it.

An interval is a list of its first position, its last one, and its gaps: the positions in it that belong to none of its
parts. A source is the list of all intervals that something has in a text. What is combined of several sources is
minimal: no interval of the result has another one in it. (Efficient Optimally Lazy Algorithms for Minimal-Interval
Semantics, Boldi and Vigna, 2016, is what Lucene follows; here the same sets are said as expressions over lists.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from anomalyops_engine.query.expr import Column, Expr, Lambda, ListOf, Not, all_of, any_of, call, lift, when

# Says of one interval whether it stands to another one as wanted.
Relation: TypeAlias = Callable[[Expr, Expr], Expr]
Predicate: TypeAlias = Callable[[Expr], Expr]


def first(interval: Expr) -> Expr:
    """Return the first position of an interval."""
    return call("list_extract", interval, 1)


def last(interval: Expr) -> Expr:
    """Return its last position."""
    return call("list_extract", interval, 2)


def gaps(interval: Expr) -> Expr:
    """Return how many of its positions belong to none of its parts."""
    return call("list_extract", interval, 3)


def width(interval: Expr) -> Expr:
    """Return how many positions it spans."""
    return last(interval) - first(interval) + 1


RELATIONS: dict[str, Relation] = {
    "containing": lambda one, other: all_of([first(one) <= first(other), last(other) <= last(one)]),
    "contained_by": lambda one, other: all_of([first(other) <= first(one), last(one) <= last(other)]),
    "overlapping": lambda one, other: all_of([first(one) <= last(other), first(other) <= last(one)]),
    "before": lambda one, other: last(one) < first(other),
    "after": lambda one, other: first(one) > last(other),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A source among those that are combined.

    Attributes:
        intervals: its intervals.
        covered: how many positions each of them takes itself; None for all that it spans.
    """

    intervals: Expr
    covered: int | None = None


@dataclass(slots=True)
class Positions:
    """Makes sources over the words of a text; every list that is looked at more than once gets a name.

    Attributes:
        words: the words of the text, in order.
    """

    words: Expr
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def with_words(self, body: Callable[[Positions], Expr]) -> Expr:
        """Return an expression over the words, which are computed once."""
        return self._named(self.words, lambda words: body(replace(self, words=words)))

    def of(self, wanted: Predicate) -> Expr:
        """Return the words that fulfil a condition, an interval each."""
        place, found = self._fresh(), self._fresh()
        there = call(
            "list_filter",
            call("range", 1, call("len", self.words) + 1),
            Lambda(place.name, wanted(call("list_extract", self.words, place))),
        )
        return call("list_transform", there, Lambda(found.name, ListOf((found, found, lift(0)))))

    def repeated(self, source: Expr, times: int) -> Expr:
        """Return the intervals from each interval of a source to the one that is so many further, itself counted."""
        place = self._fresh()

        def spans(one: Expr) -> Expr:
            begin, end = call("list_extract", one, place), call("list_extract", one, place + (times - 1))
            span = last(end) - first(begin) + 1
            interval = ListOf((first(begin), last(end), span - times))
            starts = call("range", 1, call("len", one) - (times - 2))
            return call("list_transform", starts, Lambda(place.name, interval))

        return self._named(source, spans)

    def one_of(self, sources: Sequence[Expr]) -> Expr:
        """Return the intervals of several sources."""
        whole = sources[0]
        for source in sources[1:]:
            whole = call("list_concat", whole, source)
        return whole

    def in_order(self, parts: Sequence[Expr]) -> Expr:
        """Return the minimal intervals in which intervals of sources stand one after the other."""
        each = self._fresh()
        # The third number is for now how many positions the parts span.
        alone = Lambda(each.name, ListOf((first(each), last(each), width(each))))
        whole: Expr = call("list_transform", parts[0], alone)
        for part in parts[1:]:
            whole = self._followed(whole, part)
        chain = self._fresh()
        counted = ListOf((first(chain), last(chain), width(chain) - gaps(chain)))
        return self.minimal(call("list_transform", whole, Lambda(chain.name, counted)))

    def _followed(self, whole: Expr, part: Expr) -> Expr:
        one = self._fresh()

        def joined(following: Expr) -> Expr:
            def with_best(best: Expr) -> Expr:
                spanned = gaps(one) + width(_swapped(best))
                return when(best.is_not_null(), ListOf((first(one), first(best), spanned)))

            ends = self._named(self._earliest(following, lambda other: first(other) > last(one)), with_best)
            return self._without_nulls(call("list_transform", whole, Lambda(one.name, ends)))

        return self._named(part, joined)

    def together(self, parts: Sequence[Part]) -> Expr:
        """Return the minimal intervals in which each source has an interval, in any order, one upon the other too."""
        return self._bound([part.intervals for part in parts], lambda lists: self._together(parts, lists))

    def _together(self, parts: Sequence[Part], lists: Sequence[Expr]) -> Expr:
        each, start = self._fresh(), self._fresh()
        starts = call("list_distinct", call("list_transform", self.one_of(lists), Lambda(each.name, first(each))))

        def interval(best: Sequence[Expr]) -> Expr:
            begin = call("least", *(last(one) for one in best))
            end = call("greatest", *(first(one) for one in best))
            gaps_left = end - begin + 1
            for part, one in zip(parts, best, strict=True):
                gaps_left -= width(_swapped(one)) if part.covered is None else lift(part.covered)
            there = all_of(one.is_not_null() for one in best)
            return when(there, ListOf((begin, end, gaps_left)))

        best_of_each = [self._earliest(one, lambda other: first(other) >= start) for one in lists]
        candidates = call("list_transform", starts, Lambda(start.name, self._bound(best_of_each, interval)))
        return self.minimal(self._without_nulls(candidates))

    def minimal(self, source: Expr) -> Expr:
        """Return the intervals of a source without those that have another one in them."""
        one, other = self._fresh(), self._fresh()

        def kept(every: Expr) -> Expr:
            inside = all_of(
                [
                    RELATIONS["containing"](one, other),
                    any_of([first(one) < first(other), last(other) < last(one)]),
                ]
            )
            within = call("list_bool_or", call("list_transform", every, Lambda(other.name, inside)))
            return call("list_filter", every, Lambda(one.name, Not(within)))

        return self._named(source, kept)

    def within(self, source: Expr, most: int) -> Expr:
        """Return the intervals with at most so many gaps."""
        one = self._fresh()
        return call("list_filter", source, Lambda(one.name, gaps(one) <= most))

    def related(self, source: Expr, filter_: Expr, relation: Relation, *, negated: bool) -> Expr:
        """Return the intervals of a source that stand so to some interval of a filter, or to none."""
        one, other = self._fresh(), self._fresh()

        def kept(others: Expr) -> Expr:
            some = call("list_bool_or", call("list_transform", others, Lambda(other.name, relation(one, other))))
            holds = call("coalesce", some, lift(value=False))
            return call("list_filter", source, Lambda(one.name, Not(holds) if negated else holds))

        return self._named(filter_, kept)

    # --- names ---

    def _fresh(self) -> Column:
        return Column(f"interval{next(self._numbers)}")

    def _named(self, value: Expr, body: Callable[[Expr], Expr]) -> Expr:
        """Return an expression over a value that is computed once."""
        name = self._fresh()
        return call("list_extract", call("list_transform", ListOf((value,)), Lambda(name.name, body(name))), 1)

    def _bound(self, values: Sequence[Expr], body: Callable[[Sequence[Expr]], Expr]) -> Expr:
        if not values:
            return body(())
        return self._named(values[0], lambda one: self._bound(values[1:], lambda rest: body((one, *rest))))

    def _earliest(self, source: Expr, wanted: Predicate) -> Expr:
        """Return last and first position of the interval that ends first, of those that fulfil a condition; or NULL."""
        one, other = self._fresh(), self._fresh()
        fitting = call("list_filter", source, Lambda(one.name, wanted(one)))
        ends = Lambda(other.name, ListOf((last(other), first(other))))
        return call("list_min", call("list_transform", fitting, ends))

    def _without_nulls(self, source: Expr) -> Expr:
        one = self._fresh()
        return call("list_filter", source, Lambda(one.name, one.is_not_null()))


def _swapped(ends: Expr) -> Expr:
    """Return an interval of its last and first position."""
    return ListOf((last(ends), first(ends)))


def words_of_values(values: Expr, words: Callable[[Expr], Expr], distance: int) -> Expr:
    """Return the words of several values as those of one text, with as many places between them as `distance`."""
    apart = ListOf(tuple(lift("") for _ in range(distance)))
    spread = call("list_concat", words(Column("value")), apart)
    return call("flatten", call("list_transform", values, Lambda("value", spread)))
