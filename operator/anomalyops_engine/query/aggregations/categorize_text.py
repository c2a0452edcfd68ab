"""`categorize_text`: one bucket for texts that are alike, the most frequent first.

The different texts of all rows are put in categories before the buckets are counted; each row finds that of its text by
a join. Buckets in buckets of other aggregations share these categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from anomalyops_engine.analyzers.analyzer import Analyzer, UnsupportedAnalyzer, categorization_analyzer
from anomalyops_engine.config.categorization import DEFAULT_ANALYZER
from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, Found, Inner, Ranking
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Expr, Literal, call
from anomalyops_engine.query.options import MistypedError, integer, list_of, option, text
from anomalyops_engine.query.text_categories import USUAL_THRESHOLD, TextCategory, categories_of
from anomalyops_engine.refusals import MlError

_MOST = 2**31 - 1
# Between the texts of a document that has several, and between the numbers of their categories.
_BETWEEN: Final = "\0\0"


def _threshold(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise MistypedError(value)
    if not 1 <= value <= 100:
        raise IllegalQueryError(f"[similarity_threshold] must be in the range [1, 100]. Found [{value}]")
    return value


def _analyzer(value: object) -> Analyzer:
    if not isinstance(value, str | dict):
        raise MistypedError(value)
    try:
        return categorization_analyzer(value)
    except (UnsupportedAnalyzer, MlError) as error:
        raise IllegalQueryError(f"[categorization_analyzer]: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class CategorizeText(BucketAggregation):
    """The buckets of texts that are alike."""

    # They went with the algorithm of before version 8.3.
    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"max_unique_tokens", "max_matched_tokens"})

    field: str = option(text)
    size: int = option(integer(at_least=1), 10)
    min_doc_count: int = option(integer(at_least=1), 1)
    similarity_threshold: int = option(_threshold, USUAL_THRESHOLD)
    categorization_filters: tuple[str, ...] = option(list_of(text), ())
    categorization_analyzer: Analyzer | None = option(_analyzer, None)
    # All texts of all documents are looked at, so what a shard would have left out does not matter.
    shard_size: int = option(integer(at_least=1), _MOST)
    shard_min_doc_count: int = option(integer(at_least=0), 0)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        column = rows.text_column(self.field)
        key, categories = self._categorized(name, column, rows)

        def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
            return {"buckets": [_bucket(categories[one.key], one, inner) for one in found]}

        return Bucketing(
            name=name,
            typed_name="categorize_text",
            key=call("list_distinct", key) if column.values.multi else key,
            render=render,
            is_list=column.values.multi,
            ranking=Ranking(
                (("_count", True), ("_key", False)), self.size, max(self.min_doc_count, self.shard_min_doc_count)
            ),
        )

    def _categorized(self, name: str, column: RowColumn, rows: Rows) -> tuple[Expr, list[TextCategory]]:
        """Return the number of each row's category, or the list of its numbers; and the categories."""
        values = column.values
        value: Expr = Cast(values.expression, "VARCHAR")
        if values.multi:
            value = call("array_to_string", values.expression, Literal(_BETWEEN))
        counted = rows.counted(value)
        if counted is None:
            raise UnsupportedQueryError(
                f"[categorize_text] of [{name}] in a datafeed is not supported by this engine: a job categorizes with "
                "[categorization_field_name]"
            )
        counts: dict[str, int] = {}
        for joined, count in counted:
            for each in joined.split(_BETWEEN) if values.multi else (joined,):
                counts[each] = counts.get(each, 0) + count
        texts = list(counts)
        places, categories = categories_of(
            texts, [counts[each] for each in texts], self._reader(), self.similarity_threshold
        )
        numbers = dict(zip(texts, places, strict=True))
        found = {
            joined: tuple(
                number
                for each in (joined.split(_BETWEEN) if values.multi else (joined,))
                if (number := numbers[each]) is not None
            )
            for joined, _ in counted
        }
        return rows.translated(value, found, several=values.multi), categories

    def _reader(self) -> Analyzer:
        """Return what makes words of the texts.

        Raises:
            IllegalQueryError: it is told in two ways, or a filter is malformed.
        """
        if self.categorization_analyzer is not None:
            if self.categorization_filters:
                raise IllegalQueryError(
                    "[categorization_filters] cannot be used with [categorization_analyzer] - instead specify them as "
                    "pattern_replace char_filters in the analyzer"
                )
            return self.categorization_analyzer
        replaced = [{"type": "pattern_replace", "pattern": pattern} for pattern in self.categorization_filters]
        return _analyzer({**DEFAULT_ANALYZER, "char_filter": [*DEFAULT_ANALYZER["char_filter"], *replaced]})


def _bucket(category: TextCategory, found: Found, inner: Inner) -> dict[str, Any]:
    return {
        "doc_count": found.count,
        "key": category.tokens,
        "regex": category.regex,
        "max_matching_length": category.max_matching_length,
        **inner(found.key),
    }
