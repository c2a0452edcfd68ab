"""What a datafeed reads: its indices, query or aggregations as relations that the analysis pushes down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from anomalyops_engine.config import Datafeed, Job
from anomalyops_engine.query import (
    Documents,
    Extent,
    QueryError,
    UnsupportedQueryError,
    aggregate_rows,
    event_counts,
    extent,
    select,
    with_empty,
)
from anomalyops_engine.query.scripts import ComputedFields, runtime_fields, script_fields
from anomalyops_engine.refusals import MlError, bad_request, conflict, not_implemented
from anomalyops_engine.store import Index, IndexNotFoundError, Reader, Visibility, seeing

FIRST_MS: Final = -62_135_596_800_000
LAST_MS: Final = 253_402_300_799_999
"""The times that are analysed: the years 1 to 9999. Beyond, buckets could not be numbered."""


class Extractor:
    """The data of one datafeed for one job.

    Times are epoch milliseconds, intervals are [start, end). Documents of other times than those from `FIRST_MS` to
    `LAST_MS` are never read.
    """

    def __init__(self, datafeed: Datafeed, job: Job, visible: Callable[[], Visibility | None] | None = None) -> None:
        """Prepare to read.

        Args:
            datafeed: what to read.
            job: for whom.
            visible: returns what may be read now; None for what the work around this may read.
        """
        self._datafeed = datafeed
        self._visible = visible
        self._analysis = job.analysis_config
        self._runtime_fields = runtime_fields(datafeed.runtime_mappings)
        self._script_fields = script_fields(datafeed.script_fields or {})
        self.time_field = job.time_field

    @property
    def fields(self) -> list[str]:
        """The document fields that the analysis needs, besides the time field."""
        return [field for field in self._analysis.fields if field != self.time_field]

    def indices(self, reader: Reader) -> list[Index]:
        """Return the indices that the datafeed reads now.

        Raises:
            IndexNotFoundError: a concrete index is missing and `ignore_unavailable` is false.
            IndexForbiddenError: a concrete index may not be read.
        """
        if self._visible is None:
            return self._resolved(reader)
        with seeing(self._visible()):
            return self._resolved(reader)

    def _resolved(self, reader: Reader) -> list[Index]:
        options = self._datafeed.indices_options
        return reader.resolve(
            self._datafeed.indices,
            ignore_unavailable=options.ignore_unavailable,
            allow_no_indices=options.allow_no_indices,
        )

    def documents(self, reader: Reader, start_ms: int | None, end_ms: int | None) -> Documents:
        """Return what the analysis reads: documents, or one row for each leaf bucket of the aggregations.

        Influencers that no aggregation gives have no values.

        Raises:
            QueryError: the query or the aggregations do not fit the indices.
        """
        aggregations = self._datafeed.aggregations
        if not aggregations:
            return self._plain_documents(reader, self.fields, start_ms, end_ms)
        runtime = ComputedFields(self.indices(reader), self._runtime_fields, emits=True)
        rows = aggregate_rows(
            runtime.indices,
            self._datafeed.query,
            aggregations,
            time_field=self.time_field,
            start_ms=_at_least(start_ms),
            end_ms=_at_most(end_ms),
        )
        rows = replace(rows, relation=runtime.complete(rows.relation))
        return with_empty(rows, [field for field in self._analysis.influencers if field not in rows.columns])

    def _plain_documents(
        self, reader: Reader, fields: list[str], start_ms: int | None, end_ms: int | None
    ) -> Documents:
        return self._select(reader, fields, _at_least(start_ms), _at_most(end_ms))

    def _select(self, reader: Reader, fields: list[str], start_ms: int | None, end_ms: int | None) -> Documents:
        """Return the matching documents of any times."""
        runtime, scripted = self._computed(reader)
        documents = select(
            scripted.indices,
            self._datafeed.query,
            fields,
            time_field=self.time_field,
            start_ms=start_ms,
            end_ms=end_ms,
            every_value={name for detector in self._analysis.detectors if (name := detector.field_name)},
            asked=runtime.indices,
        )
        return replace(documents, relation=runtime.complete(scripted.complete(documents.relation)))

    def _computed(self, reader: Reader) -> tuple[ComputedFields, ComputedFields]:
        """Return the indices with runtime fields, which the query sees, and those with script fields too."""
        runtime = ComputedFields(self.indices(reader), self._runtime_fields, emits=True)
        return runtime, ComputedFields(runtime.indices, self._script_fields, emits=False)

    def extent(self, reader: Reader, start_ms: int | None, end_ms: int | None) -> Extent | None:
        """Return the extent of the matching documents, or None when there are none."""
        return extent(reader, self._plain_documents(reader, [], start_ms, end_ms), self.time_field)

    def unreadable_times(self, reader: Reader) -> int:
        """Return how many matching documents are dated before or after all times that are analysed."""
        sides = ((None, FIRST_MS), (LAST_MS + 1, None))
        extents = [extent(reader, self._select(reader, [], *side), self.time_field) for side in sides]
        return sum(found.count for found in extents if found is not None)

    def event_counts(self, reader: Reader, start_ms: int, end_ms: int, span_ms: int) -> dict[int, int]:
        """Return what the analysis would count as events in each bucket that has some, by bucket start."""
        documents = self.documents(reader, start_ms, end_ms)
        weight_field = self._analysis.summary_count_field_name
        return event_counts(reader, documents, self.time_field, span_ms, weight_field=weight_field)

    def check(self, reader: Reader) -> None:
        """Check that the data can be read: the indices are there and map every field the analysis needs.

        Raises:
            MlError: 409 for missing indices, 400 for a field without mapping.
        """
        feed = self._datafeed.datafeed_id
        try:
            indices = self.indices(reader)
        except IndexNotFoundError as error:
            raise _unassignable(
                feed, f"datafeed [{feed}] cannot retrieve data because index [{error.index}] does not exist"
            ) from error
        if not indices:
            patterns = ",".join(self._datafeed.indices)
            raise _unassignable(
                feed,
                f"datafeed [{feed}] cannot retrieve data because no index matches datafeed's indices [{patterns}]",
            )
        try:
            _, computed = self._computed(reader)
            self._check_mapped(feed, computed.indices, [self.time_field])
            if not self._datafeed.aggregations:
                self._check_mapped(feed, computed.indices, self.fields)
            documents = self.documents(reader, None, None)
        except UnsupportedQueryError as error:
            raise not_implemented(f"datafeed [{feed}] cannot be carried out: {error}") from error
        except QueryError as error:
            raise bad_request(f"datafeed [{feed}] cannot retrieve data: {error}") from error
        self._check_given(feed, documents)

    def _check_given(self, feed: str, documents: Documents) -> None:
        for field in self.fields:
            if field not in documents.columns:
                raise bad_request(
                    f"datafeed [{feed}] cannot retrieve field [{field}] because no aggregation gives it; "
                    f"they give [{', '.join(sorted(documents.columns))}]"
                )

    def _check_mapped(self, feed: str, indices: list[Index], fields: list[str]) -> None:
        for field in fields:
            if all(index.get(field) is None for index in indices):
                raise bad_request(f"datafeed [{feed}] cannot retrieve field [{field}] because it has no mappings")


def _at_least(start_ms: int | None) -> int:
    return FIRST_MS if start_ms is None else max(start_ms, FIRST_MS)


def _at_most(end_ms: int | None) -> int:
    return LAST_MS + 1 if end_ms is None else min(end_ms, LAST_MS + 1)


def _unassignable(datafeed_id: str, explanation: str) -> MlError:
    return conflict(f"No node found to start datafeed [{datafeed_id}], allocation explanation [{explanation}]")
