"""What a datafeed reads: its indices, query or aggregations as relations that the analysis pushes down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anomalyops_engine.jobs.errors import MlError, bad_request, conflict
from anomalyops_engine.query import Relation, aggregate_rows, select
from anomalyops_engine.scoring import required_fields
from anomalyops_engine.store import Index, IndexNotFoundError, Reader

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extent:
    """The documents of a stretch of time: how many, and the times of the first and the last (epoch ms)."""

    count: int
    earliest_ms: int
    latest_ms: int


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Source:
    """The data of one datafeed for one job. Times are epoch milliseconds, intervals are [start, end)."""

    def __init__(self, datafeed: JsonObject, job: JsonObject) -> None:
        self._datafeed = datafeed
        self._analysis = job["analysis_config"]
        self.time_field: str = job["data_description"]["time_field"]

    @property
    def fields(self) -> list[str]:
        """The document fields that the analysis needs, besides the time field."""
        return [field for field in required_fields(self._analysis) if field != self.time_field]

    def indices(self, reader: Reader) -> list[Index]:
        """Return the indices that the datafeed reads now.

        Raises:
            IndexNotFoundError: a concrete index is missing and `ignore_unavailable` is false.
        """
        options = self._datafeed["indices_options"]
        return reader.resolve(
            self._datafeed["indices"],
            ignore_unavailable=options["ignore_unavailable"],
            allow_no_indices=options["allow_no_indices"],
        )

    def relation(self, reader: Reader, start_ms: int | None, end_ms: int | None) -> Relation:
        """Return what the analysis reads: documents, or one row for each leaf bucket of the aggregations."""
        indices = self.indices(reader)
        aggregations = self._datafeed.get("aggregations")
        if aggregations:
            return aggregate_rows(
                reader,
                indices,
                self._datafeed["query"],
                aggregations,
                time_field=self.time_field,
                start_ms=start_ms,
                end_ms=end_ms,
            )
        return self._documents(reader, indices, self.fields, start_ms, end_ms)

    def _documents(
        self,
        reader: Reader,
        indices: list[Index],
        fields: list[str],
        start_ms: int | None,
        end_ms: int | None,
    ) -> Relation:
        return select(
            reader,
            indices,
            self._datafeed["query"],
            fields,
            time_field=self.time_field,
            start_ms=start_ms,
            end_ms=end_ms,
        )

    def extent(self, reader: Reader, start_ms: int | None, end_ms: int | None) -> Extent | None:
        """Return the extent of the matching documents, or None when there are none."""
        documents = self._documents(reader, self.indices(reader), [], start_ms, end_ms)
        time = _quoted(self.time_field)
        ((count, earliest, latest),) = reader.connection.execute(
            f"SELECT count(*), min({time}), max({time}) FROM ({documents.sql})",  # noqa: S608 - quoted names
            list(documents.parameters),
        ).fetchall()
        return Extent(int(count), int(earliest), int(latest)) if count else None

    def event_counts(self, reader: Reader, start_ms: int, end_ms: int, span_ms: int) -> dict[int, int]:
        """Return what the analysis would count as events in each bucket that has some, by bucket start."""
        relation = self.relation(reader, start_ms, end_ms)
        time = _quoted(self.time_field)
        weight_field = self._analysis.get("summary_count_field_name")
        weight = f"coalesce(sum(TRY_CAST({_quoted(weight_field)} AS BIGINT)), 0)" if weight_field else "count(*)"
        rows = reader.connection.execute(
            f"SELECT {time} // {span_ms} * {span_ms} AS bucket, {weight} "  # noqa: S608 - quoted names
            f"FROM ({relation.sql}) GROUP BY bucket",
            list(relation.parameters),
        ).fetchall()
        return {int(bucket): int(count) for bucket, count in rows}

    def check(self, reader: Reader) -> None:
        """Check that the data can be read: the indices are there and map every field the analysis needs.

        Raises:
            MlError: 409 for missing indices, 400 for a field without mapping.
        """
        feed = self._datafeed["datafeed_id"]
        try:
            indices = self.indices(reader)
        except IndexNotFoundError as error:
            raise _unassignable(
                feed, f"datafeed [{feed}] cannot retrieve data because index [{error.index}] does not exist"
            ) from error
        if not indices:
            patterns = ",".join(self._datafeed["indices"])
            raise _unassignable(
                feed,
                f"datafeed [{feed}] cannot retrieve data because no index matches datafeed's indices [{patterns}]",
            )
        self._check_mapped(feed, indices, [self.time_field])
        if not self._datafeed.get("aggregations"):
            self._check_mapped(feed, indices, self.fields)

    def _check_mapped(self, feed: str, indices: list[Index], fields: list[str]) -> None:
        for field in fields:
            if all(index.get(field) is None for index in indices):
                raise bad_request(f"datafeed [{feed}] cannot retrieve field [{field}] because it has no mappings")


def _unassignable(datafeed_id: str, explanation: str) -> MlError:
    return conflict(f"No node found to start datafeed [{datafeed_id}], allocation explanation [{explanation}]")
