"""`minimum_should_match`: how many of several optional clauses, or words, must match."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anomalyops_engine.query.errors import NumberFormatError
from anomalyops_engine.query.expr import Case, Expr, Literal, when
from anomalyops_engine.query.options import shown


@dataclass(frozen=True, slots=True)
class Share:
    """So many, or so many percent; negative for all but those."""

    number: int
    is_percent: bool

    def of(self, count: int) -> int:
        """Return how many that is of a number of clauses."""
        if not self.is_percent:
            return max(0, self.number if self.number >= 0 else count + self.number)
        share = abs(self.number) * count // 100
        return max(0, share if self.number >= 0 else count - share)

    def of_expression(self, count: Expr) -> Expr:
        """Return how many that is of a number that the database finds out."""
        share = count * abs(self.number) // 100 if self.is_percent else Literal(abs(self.number))
        if self.number >= 0:
            return share
        return when(count > share, count - share, 0)


@dataclass(frozen=True, slots=True)
class Minimum:
    """How many must match (`Queries.calculateMinShouldMatch` of Elasticsearch).

    Attributes:
        conditions: up to how many clauses the share before (at first all of them) is wanted, and the share of more.
        share: what is wanted without conditions.
    """

    conditions: tuple[tuple[int, Share], ...]
    share: Share

    def of(self, count: int) -> int:
        """Return how many of a number of clauses must match."""
        if not self.conditions:
            return self.share.of(count)
        needed = count
        for bound, share in self.conditions:
            if count <= bound:
                return needed
            needed = share.of(count)
        return needed

    def of_expression(self, count: Expr) -> Expr:
        """Return how many must match of a number that the database finds out."""
        if not self.conditions:
            return self.share.of_expression(count)
        branches: list[tuple[Expr, Expr]] = []
        needed = count
        for bound, share in self.conditions:
            branches.append((count <= bound, needed))
            needed = share.of_expression(count)
        return Case(tuple(branches), needed)


def read_minimum(value: object) -> Minimum:
    """Read a minimum: `2`, `-1` (all but one), `75%`, `-25%`, or `2<75%`: all of up to two, 75 % of more.

    Several of the last form stand with spaces between.

    Raises:
        NumberFormatError: any other form.
    """
    text = re.sub(r"\s*<\s*", "<", shown(value).strip())
    if "<" not in text:
        return Minimum((), _share(text))
    conditions = [part.partition("<") for part in text.split()]
    return Minimum(
        tuple((_whole(bound), _share(wanted)) for bound, _, wanted in conditions), Share(0, is_percent=False)
    )


def _share(text: str) -> Share:
    return Share(_whole(text.removesuffix("%")), is_percent=text.endswith("%"))


def _whole(text: str) -> int:
    if re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII) is None:
        raise NumberFormatError(shown(text))
    return int(text)
