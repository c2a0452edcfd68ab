"""The body of a search, read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations import Node, parse_aggregations
from anomalyops_engine.query.collapsing import Collapse, read_collapse
from anomalyops_engine.query.dsl import Query, read_query
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.hit_fields import WantedField, read_docvalue_fields, read_fields
from anomalyops_engine.query.index_boosts import Boosts, read_boosts
from anomalyops_engine.query.options import (
    BodySubject,
    MistypedError,
    Scalar,
    any_number,
    at_least_zero,
    boolean,
    integer,
    number,
    option,
    read_options,
    scalar,
    text,
)
from anomalyops_engine.query.rescoring import Rescore, read_rescore
from anomalyops_engine.query.search_after import read_after
from anomalyops_engine.query.slicing import Slice, read_slice
from anomalyops_engine.query.sorting import SortKey, read_sort
from anomalyops_engine.query.sources import SourceFilter, read_source
from anomalyops_engine.query.stored_fields import StoredFields, read_stored_fields, without_source

# Up to how many hits are counted exactly unless the request says otherwise.
TRACKED = 10_000
# More than there can be.
EVERYTHING = 2**63


def read_tracked(value: object) -> int | None:
    """Read `track_total_hits`: up to how many hits are counted exactly; None for not at all.

    Raises:
        IllegalQueryError: neither a truth value nor such a number.
    """
    if isinstance(value, bool) or (isinstance(value, str) and value in {"true", "false"}):
        return EVERYTHING if boolean(value) else None
    limit = integer()(any_number(value))
    if limit < -1:
        raise IllegalQueryError(f"[track_total_hits] parameter must be positive or equals to -1, got {limit}")
    return None if limit == -1 else limit


def read_groups(value: object) -> tuple[str, ...]:
    """Read `stats`: the groups that a search is counted for.

    Raises:
        MistypedError: no list of texts.
    """
    if not isinstance(value, list):
        raise MistypedError(value)
    return tuple(text(item) for item in value)


def _false(name: str) -> Callable[[object], bool]:
    def read(value: object) -> bool:
        if boolean(value):
            raise UnsupportedQueryError(f"[{name}] in a search is not supported by this engine")
        return False

    return read


def _nothing(name: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        if integer(at_least=0)(value):
            raise UnsupportedQueryError(f"[{name}] in a search is not supported by this engine")
        return 0

    return read


def _aggregations(value: object) -> tuple[Node, ...]:
    if not isinstance(value, dict):
        raise MistypedError(value)
    return parse_aggregations(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What a search asks for."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset(
        {"ext", "highlight", "knn", "pit", "post_filter", "rank"}
        | {
            "retriever",
            "runtime_mappings",
            "script_fields",
            "suggest",
        }
    )

    query: Query | None = option(read_query, None)
    start: int = option(at_least_zero("from"), 0, key="from")
    size: int = option(at_least_zero("size"), 10)
    sort: tuple[SortKey, ...] = option(read_sort, ())
    source: SourceFilter | None = option(read_source, SourceFilter(), key="_source")
    fields: tuple[WantedField, ...] = option(read_fields, ())
    docvalue_fields: tuple[WantedField, ...] = option(read_docvalue_fields, ())
    part: Slice | None = option(read_slice, None, key="slice")
    search_after: tuple[Scalar | None, ...] | None = option(read_after, None)
    stored: StoredFields | None = option(read_stored_fields, None, key="stored_fields")
    tracked: int | None = option(read_tracked, TRACKED, key="track_total_hits")
    aggs: tuple[Node, ...] = option(_aggregations, ())
    aggregations: tuple[Node, ...] = option(_aggregations, ())
    collapse: Collapse | None = option(read_collapse, None)
    indices_boost: Boosts = option(read_boosts, ())
    # Whoever counts searches counts them for these groups too.
    stats: tuple[str, ...] = option(read_groups, ())
    version: bool = option(boolean, default=False)
    seq_no_primary_term: bool = option(boolean, default=False)
    rescore: tuple[Rescore, ...] = option(read_rescore, ())
    min_score: float | None = option(number(), None)
    track_scores: bool = option(boolean, default=False)
    explain: bool = option(_false("explain"), default=False)
    profile: bool = option(_false("profile"), default=False)
    terminate_after: int = option(_nothing("terminate_after"), 0)
    # Whoever runs the search ends it in time.
    timeout: Scalar | None = option(scalar, None)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The aggregations, under whichever name they came."""
        return self.aggs or self.aggregations

    @property
    def sorted_by(self) -> tuple[SortKey, ...]:
        """The sort criteria; none when the best score comes first, as without any."""
        best_first = SortKey(field="_score", descending=True)
        return () if self.sort == (best_first,) else self.sort

    @property
    def with_scores(self) -> bool:
        """Whether hits show their score."""
        return not self.sorted_by or self.track_scores or any(key.field == "_score" for key in self.sorted_by)


def read_request(body: dict[str, Any]) -> SearchRequest:
    """Return what a search body asks for.

    Raises:
        QueryError: malformed, or something this engine lacks.
    """
    if body.get("collapse") is not None and "rescore" in body:
        raise IllegalQueryError("cannot use `collapse` in conjunction with `rescore`")
    both = [key for key in body if key in {"aggs", "aggregations"}]
    # Of the two names for the same the last one counts.
    counting = {key: value for key, value in body.items() if key not in both[:-1]}
    request = read_options(SearchRequest, counting, BodySubject("search"))
    if request.rescore and request.sorted_by:
        raise IllegalQueryError("Cannot use [sort] option in conjunction with [rescore].")
    if request.stored is not None and request.stored.nothing:
        for key in ("_source", "version"):
            if body.get(key, False) is not False:
                raise IllegalQueryError(f"[stored_fields] cannot be disabled if [{key}] is requested")
    return replace(request, source=None) if without_source(body, request.stored) else request
