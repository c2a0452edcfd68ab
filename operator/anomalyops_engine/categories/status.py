"""How well categorization works: counts of categories, and whether they are a warning.

Source: "Categorization status" in Elasticsearch's documentation of `model_size_stats`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from anomalyops_engine.categories.category import Category

OK: Final = "ok"
WARN: Final = "warn"
_FEWEST_MESSAGES: Final = 100


@dataclass(frozen=True, slots=True)
class CategorizerStats:
    """Counts of one categorizer, or of several together.

    Attributes:
        messages: messages that have a category.
        total: categories.
        frequent: categories with more than 1 % of the messages, and more than one.
        rare: categories with one message.
        dead: categories to which another one is preferred.
        failed: messages without a category: they had no tokens, or there was no memory for another category.
        status: `ok` or `warn`.
    """

    messages: int = 0
    total: int = 0
    frequent: int = 0
    rare: int = 0
    dead: int = 0
    failed: int = 0
    status: str = OK

    def __add__(self, other: CategorizerStats) -> CategorizerStats:
        """Return the counts of both, and the worse status."""
        return CategorizerStats(
            self.messages + other.messages,
            self.total + other.total,
            self.frequent + other.frequent,
            self.rare + other.rare,
            self.dead + other.dead,
            self.failed + other.failed,
            WARN if WARN in {self.status, other.status} else OK,
        )

    def fields(self) -> dict[str, Any]:
        """Return the fields of `model_size_stats` and of `categorizer_stats`."""
        return {
            "categorized_doc_count": self.messages,
            "total_category_count": self.total,
            "frequent_category_count": self.frequent,
            "rare_category_count": self.rare,
            "dead_category_count": self.dead,
            "failed_category_count": self.failed,
            "categorization_status": self.status,
        }


def stats_of(categories: Sequence[Category], failed: int) -> CategorizerStats:
    """Return the counts of a categorizer's categories."""
    matches = [category.matches for category in categories]
    dead = sum(category.heir is not None for category in categories)
    messages = sum(matches)
    frequent = sum(count * 100 > messages and count != 1 for count in matches)
    rare = matches.count(1)
    status = WARN if _is_warning(messages, len(matches), frequent, rare, dead) else OK
    return CategorizerStats(messages, len(matches), frequent, rare, dead, failed, status)


def _is_warning(messages: int, total: int, frequent: int, rare: int, dead: int) -> bool:
    if messages < _FEWEST_MESSAGES:
        return False
    one_for_all = total == 1
    mostly_rare = 10 * rare > 9 * total
    one_for_each = 2 * total > messages
    mostly_dead = 2 * dead > total
    return one_for_all or mostly_rare or one_for_each or frequent == 0 or mostly_dead
