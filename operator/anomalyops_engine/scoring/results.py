"""What a step of an analysis gives back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from anomalyops_engine.scoring.categorizing import CategoryResults
from anomalyops_engine.scoring.inputs import StepInputs
from anomalyops_engine.scoring.model_changes import ModelChange
from anomalyops_engine.scoring.step import Document
from anomalyops_engine.store import Frame

_TYPES: Final = ("bucket", "record", "influencer", "model_plot")


class Result(NamedTuple):
    """A result document and its id, which is the same when the bucket is analysed again."""

    id: str
    body: Document


@dataclass(slots=True)
class Results:
    """What an analysis step found.

    Attributes:
        inputs: What the step learnt from.
        found: Results by type: `bucket` (those with anomalies), `record` (anomalous series and members), `influencer`
            (values behind them).
        frames: Results of one shape, as columns, by type: the other `bucket`s since the first record of the job, and
            `model_plot`, the bounds of every bucket and series, when the job asks for them.
        bucket_count: Buckets with results.
        latest_bucket_ms: Start of the last of them.
        processed_records: Documents read.
        missing_field_count: Field values that documents did not have.
        unusable: By field: values that should be numbers and are not; they count as missing.
        earliest_record_ms: Time of the first document; None without documents.
        latest_record_ms: Time of the last document.
        empty_bucket_count: Buckets without documents.
        sparse_bucket_count: Buckets with far fewer documents than the job's buckets usually have.
        latest_empty_bucket_ms: Start of the last empty bucket.
        latest_sparse_bucket_ms: Start of the last sparse bucket.
        categories: What was found out about messages, where the job has categories.
        changes: Changes of the models in order of time, when the job asks for annotations of them.
        renormalised: Earlier results whose score is lower now: document id and the fields that change.
    """

    inputs: StepInputs
    found: dict[str, list[Result]] = field(default_factory=dict)
    frames: list[tuple[str, Frame]] = field(default_factory=list)
    bucket_count: int = 0
    latest_bucket_ms: int | None = None
    processed_records: int = 0
    missing_field_count: int = 0
    unusable: dict[str, int] = field(default_factory=dict)
    earliest_record_ms: int | None = None
    latest_record_ms: int | None = None
    empty_bucket_count: int = 0
    sparse_bucket_count: int = 0
    latest_empty_bucket_ms: int | None = None
    latest_sparse_bucket_ms: int | None = None
    categories: CategoryResults | None = None
    changes: list[ModelChange] = field(default_factory=list)
    renormalised: list[tuple[str, Document]] = field(default_factory=list)

    def add(self, id: str, body: Document) -> None:  # noqa: A002 - the document's id
        """Add a result."""
        self.found.setdefault(body["result_type"], []).append(Result(id, body))

    def keep_between(self, start_ms: int | None, end_ms: int | None, *, span_ms: int) -> None:
        """Leave out the found results of buckets that do not meet [start_ms, end_ms); None is no bound."""
        for kind, results in self.found.items():
            self.found[kind] = [
                result
                for result in results
                if (start_ms is None or result.body["timestamp"] + span_ms > start_ms)
                and (end_ms is None or result.body["timestamp"] < end_ms)
            ]

    def all(self) -> Iterator[Result]:
        """Every result, type by type, in order of time."""
        for result_type in _TYPES:
            results = list(self.found.get(result_type, ()))
            for name, frame in self.frames:
                if name == result_type:
                    results += map(Result, frame.ids, frame.documents())
            yield from sorted(results, key=lambda result: result.body["timestamp"])

    def _bodies(self, result_type: str) -> list[Document]:
        return [result.body for result in self.all() if result.body["result_type"] == result_type]

    @property
    def buckets(self) -> list[Document]:
        """The buckets."""
        return self._bodies("bucket")

    @property
    def records(self) -> list[Document]:
        """The records."""
        return self._bodies("record")

    @property
    def influencers(self) -> list[Document]:
        """The influencers."""
        return self._bodies("influencer")

    @property
    def model_plot(self) -> list[Document]:
        """The bounds of series."""
        return self._bodies("model_plot")
