"""Do two statements differ in values alone?

The firm words of both must be the same, in the same order. Between them, what differs must be known to be a value: one
of the two has one there, or both have names of things there. That is decided by the message; how many different words
were seen in a place is decided by `places`.
"""

from __future__ import annotations

from collections.abc import Sequence

from anomalyops_engine.categories.statements import VALUE, Element, is_identifier

Key = tuple[str, ...]
Segment = tuple[Element, ...]


def firm_words(elements: Sequence[Element]) -> Key:
    """Return the terms of the firm words, in order."""
    return tuple(element.term for element in elements if element is not None and element.firm)


def segments(elements: Sequence[Element]) -> list[Segment]:
    """Return what stands before, between and behind the firm words."""
    found: list[list[Element]] = [[]]
    for element in elements:
        if element is not None and element.firm:
            found.append([])
        else:
            found[-1].append(element)
    return [tuple(segment) for segment in found]


def covers(template: Sequence[Segment], other: Sequence[Segment]) -> bool:
    """Return whether every word of a template is in another statement, and values where the rest is."""
    return all(mine == theirs or _segment_covers(mine, theirs) for mine, theirs in zip(template, other, strict=True))


def _segment_covers(mine: Segment, theirs: Segment) -> bool:
    if None not in mine or len(theirs) < len(mine):
        return _terms(mine) == _terms(theirs)
    if len(mine) == len(theirs):
        return all(a is None or (b is not None and a.term == b.term) for a, b in zip(mine, theirs, strict=True))
    first = mine.index(None)
    last = len(mine) - 1 - mine[::-1].index(None)
    tail = len(mine) - 1 - last
    return first == last and (
        _terms(mine[:first]) == _terms(theirs[:first])
        and _terms(mine[last + 1 :]) == _terms(theirs[len(theirs) - tail :])
    )


def _terms(segment: Segment) -> list[str | None]:
    return [None if element is None else element.term for element in segment]


def generalised(template: Sequence[Element], other: Sequence[Element]) -> tuple[Element, ...] | None:
    """Return what two statements of the same firm words have in common, values in the place of what differs.

    Returns:
        None when they do not differ in values alone, or have less in common than they differ in.
    """
    firm = [element for element in template if element is not None and element.firm]
    common: list[Element] = []
    agreeing, differing = 2 * len(firm), 0
    for number, (mine, theirs) in enumerate(zip(segments(template), segments(other), strict=True)):
        joined = _joined(mine, theirs)
        if joined is None:
            return None
        segment, same, different = joined
        agreeing, differing = agreeing + same, differing + different
        common += segment
        if number < len(firm):
            common.append(firm[number])
    return collapsed(common) if agreeing >= max(differing, 1) else None


def _joined(mine: Segment, theirs: Segment) -> tuple[list[Element], int, int] | None:
    """Return what two segments have in common, the number of words, and the number of places that differ."""
    left, right = _terms(mine), _terms(theirs)
    if left == right:
        return list(mine), sum(term is not None for term in left), 0
    if not left or not right:
        return None
    if len(left) == len(right):
        if not all(_may_differ(a, b) for a, b in zip(mine, theirs, strict=True)):
            return None
        same = [a if x == y else None for a, x, y in zip(mine, left, right, strict=True)]
        words = sum(element is not None for element in same)
        return same, words, len(same) - words
    head = 0
    while head < min(len(left), len(right)) and left[head] == right[head]:
        head += 1
    tail = 0
    while tail < min(len(left), len(right)) - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    a, b = mine[head : len(mine) - tail], theirs[head : len(theirs) - tail]
    if not a or not b or not (None in a or None in b):
        return None
    return [*mine[:head], None, *mine[len(mine) - tail :]], head + tail, max(len(a), len(b))


def _may_differ(a: Element, b: Element) -> bool:
    if a is None or b is None or a.term == b.term:
        return True
    return is_identifier(a.term) and is_identifier(b.term)


def collapsed(elements: Sequence[Element]) -> tuple[Element, ...]:
    """Return elements without values that stand behind values."""
    return tuple(
        element
        for place, element in enumerate(elements)
        if element is not None or place == 0 or elements[place - 1] is not None
    )


def without_words(elements: Sequence[Element], left: int, right: int) -> tuple[Element, ...]:
    """Return elements with a value in the place of those from `left` up to `right`, exclusive."""
    return collapsed([*elements[:left], None, *elements[right:]])


def terms_of(elements: Sequence[Element]) -> tuple[str, ...]:
    """Return the words, and `*` for values."""
    return tuple(VALUE if element is None else element.term for element in elements)
