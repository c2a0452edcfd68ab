"""Categories in an analysis: each document of a stretch gets the number of its message's category as `mlcategory`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from anomalyops_engine.analyzers.analyzer import Analyzer, UnsupportedAnalyzer, categorization_analyzer
from anomalyops_engine.categories.categorization import BucketRows, Categorization, Learnt, Messages, StatusChange
from anomalyops_engine.categories.categorizer import NO_CATEGORY
from anomalyops_engine.categories.category import Category
from anomalyops_engine.categories.status import CategorizerStats
from anomalyops_engine.config import AnalysisConfig, Job
from anomalyops_engine.config.categorization import DEFAULT_ANALYZER
from anomalyops_engine.config.detector import MLCATEGORY
from anomalyops_engine.features.extract import Stretch
from anomalyops_engine.features.resolving import UnsupportedAnalysis
from anomalyops_engine.query import sql
from anomalyops_engine.query.expr import Aggregate, Select, Star, Table, all_of
from anomalyops_engine.scoring.step import Document
from anomalyops_engine.store import given_rows

_ROWS: Final = "categorized_documents"
# The longest message that matched, increased by a tenth.
_LONGER: Final = 11, 10
# How much of a job's memory limit its categories may take; its models get the rest.
SHARE: Final = 2
# Documents whose messages are in memory at once.
_MOST_AT_ONCE: Final = 500_000


@dataclass(slots=True)
class CategoryResults:
    """What a step found out about messages.

    Attributes:
        definitions: documents of the categories that changed, by document id.
        stats: documents of categorizers whose counts of categories or status changed, by document id.
        changes: changes of a status.
        partition_field: the field whose values have categories of their own, if any.
    """

    definitions: dict[str, Document] = field(default_factory=dict)
    stats: dict[str, Document] = field(default_factory=dict)
    changes: list[StatusChange] = field(default_factory=list)
    partition_field: str | None = None


class JobCategories:
    """The categorization of a job."""

    def __init__(self, job: Job) -> None:
        config = job.analysis_config
        self._job_id, self._span_ms, self._time_field = job.job_id, job.bucket_span_ms, job.time_field
        self._field = config.categorization_field_name or ""
        self._partition_field = partition_field(config)
        self._message_is_read = self._field in config.read_fields
        self._categorization = Categorization(
            _analyzer(config), examples_limit=job.analysis_limits.categorization_examples_limit
        )
        self._written: dict[str, CategorizerStats] = {}
        self.configure(job)

    def configure(self, job: Job) -> None:
        """Take over a configuration that was changed while the job runs."""
        self._categorization.stop_on_warn = job.analysis_config.per_partition_categorization.stop_on_warn
        self._categorization.limit = job.memory_limit.bytes // SHARE

    @property
    def model_bytes(self) -> int:
        """Bytes of everything learnt, about."""
        return self._categorization.model_bytes

    def size(self) -> dict[str, Any]:
        """Return the fields of `model_size_stats` that are about categories."""
        return self._categorization.stats().fields()

    @property
    def lacks_memory(self) -> bool:
        """Whether a message has no category because there was no memory for one."""
        return self._categorization.refused > 0

    # --- learning ---

    @contextmanager
    def placed(self, stretch: Stretch) -> Iterator[tuple[Stretch, Learnt]]:
        """The same documents with their categories, for as long as the context lasts; the categorizers learn them."""
        learnt = Learnt()
        parts = [self._part(stretch, left_ms, right_ms, learnt) for left_ms, right_ms in _parts(stretch)]
        with given_rows(stretch.connection, _ROWS, pa.concat_tables(parts)):
            documents = replace(
                stretch.documents,
                relation=Table(_ROWS),
                columns={**stretch.documents.columns, MLCATEGORY: MLCATEGORY},
            )
            yield replace(stretch, documents=documents), learnt

    def _part(self, stretch: Stretch, left_ms: int, right_ms: int, learnt: Learnt) -> pa.Table:
        """The documents of some buckets with their categories; of their messages, whether they have one."""
        rows = _rows(stretch, left_ms, right_ms)
        order = np.argsort(rows.column(_column(stretch, self._time_field)).to_numpy(), kind="stable")
        rows = rows.take(pa.array(order))
        numbers = self._categorize(stretch, rows, learnt)
        if not self._message_is_read:
            place = rows.column_names.index(_column(stretch, self._field))
            rows = rows.set_column(place, rows.column_names[place], _presence(rows.column(place)))
        return rows.append_column(MLCATEGORY, pa.array(numbers, pa.int64(), mask=numbers == NO_CATEGORY))

    def _categorize(self, stretch: Stretch, rows: pa.Table, learnt: Learnt) -> npt.NDArray[np.int64]:
        texts = rows.column(_column(stretch, self._field)).cast(pa.large_string()).combine_chunks()
        texts = texts if isinstance(texts, pa.LargeStringArray) else pa.array([], pa.large_string())
        present = pc.is_valid(texts).to_numpy(zero_copy_only=False)
        times = rows.column(_column(stretch, self._time_field)).to_numpy()
        bucket = ((times - stretch.start_ms) // self._span_ms).astype(np.int64)
        codes, names = self._partitions(stretch, rows)
        messages = Messages(bucket[present], texts.filter(pa.array(present)), codes[present], names)
        found, part = self._categorization.categorize(messages)
        learnt.add(part)
        numbers = np.full(len(texts), NO_CATEGORY, dtype=np.int64)
        numbers[present] = found
        return numbers

    def _partitions(self, stretch: Stretch, rows: pa.Table) -> tuple[npt.NDArray[np.int64], Sequence[str]]:
        """Each row's partition, as a place in the list of their values; a document without a value has an empty one."""
        if self._partition_field is None or not rows.num_rows:
            return np.zeros(rows.num_rows, dtype=np.int64), ("",)
        values = rows.column(_column(stretch, self._partition_field)).cast(pa.string())
        encoded = pc.dictionary_encode(pc.fill_null(values, "")).combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.chunk(0)
        return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()

    def replay(self, rows: Sequence[BucketRows]) -> None:
        """Learn again what a step learnt from."""
        learnt = self._categorization.replay(rows)
        self._note(learnt)

    # --- results ---

    def results(self, learnt: Learnt, start_ms: int) -> CategoryResults:
        """Return the documents of a step that began at `start_ms`."""
        results = CategoryResults(partition_field=self._partition_field, changes=learnt.changes)
        for partition, category in self._categorization.categories():
            if category.id in learnt.changed:
                results.definitions[f"{self._job_id}_category_definition_{category.id}"] = self._definition(
                    partition, category
                )
        latest_ms = start_ms + max((rows.bucket for rows in learnt.rows), default=0) * self._span_ms
        for partition, stats in self._note(learnt).items():
            suffix = f"_{blake2b(partition.encode(), digest_size=9).hexdigest()}" if self._partition_field else ""
            results.stats[f"{self._job_id}_categorizer_stats_{latest_ms}{suffix}"] = {
                "job_id": self._job_id,
                "result_type": "categorizer_stats",
                **self._partition(partition),
                **stats.fields(),
                "timestamp": latest_ms,
            }
        return results

    def _note(self, learnt: Learnt) -> dict[str, CategorizerStats]:
        """The counts of the partitions whose categories or status are not as they were written last."""
        found: dict[str, CategorizerStats] = {}
        for partition in sorted(learnt.partitions):
            stats, written = self._categorization.stats_of(partition), self._written.get(partition)
            if written is None or (stats.total, stats.status) != (written.total, written.status):
                found[partition] = self._written[partition] = stats
        return found

    def _definition(self, partition: str, category: Category) -> Document:
        factor, divisor = _LONGER
        document: Document = {
            "job_id": self._job_id,
            "result_type": "category_definition",
            "category_id": category.id,
            **self._partition(partition),
            **category.definition(),
            "max_matching_length": category.longest * factor // divisor,
            "examples": sorted(category.examples),
            "preferred_to_categories": list(category.preferred_to),  # it goes on growing
            "num_matches": category.matches,
            MLCATEGORY: str(category.id),
        }
        copied = self._partition_field
        return document if copied is None or copied in document else document | {copied: partition}

    def _partition(self, value: str) -> Document:
        if self._partition_field is None:
            return {}
        return {"partition_field_name": self._partition_field, "partition_field_value": value}

    # --- state ---

    def pack(self) -> dict[str, Any]:
        """Return plain values for `unpack`."""
        written = [[name, stats.total, stats.status] for name, stats in self._written.items()]
        return {"categorization": self._categorization.pack(), "written": written}

    def unpack(self, plain: dict[str, Any]) -> None:
        """Take over what `pack` described."""
        self._categorization.unpack(plain["categorization"])
        self._written = {name: CategorizerStats(total=n, status=status) for name, n, status in plain["written"]}


def partition_field(config: AnalysisConfig) -> str | None:
    """Return the field whose values have categories of their own, None when all messages share them."""
    if not config.per_partition_categorization.enabled:
        return None
    return next(d.partition_field_name for d in config.detectors if MLCATEGORY in d.split_fields)


def _analyzer(config: AnalysisConfig) -> Analyzer:
    try:
        return categorization_analyzer(config.categorization_analyzer or DEFAULT_ANALYZER)
    except UnsupportedAnalyzer as error:
        raise UnsupportedAnalysis(f"analysis_config.categorization_analyzer: {error}") from None


def _column(stretch: Stretch, name: str) -> str:
    return stretch.column(name).name


def _rows(stretch: Stretch, left_ms: int, right_ms: int) -> pa.Table:
    """All columns of the documents of [left_ms, right_ms), in the order in which they were stored."""
    time = stretch.column(stretch.time_field)
    inside = all_of([time >= left_ms, time < right_ms])
    return sql.fetch_arrow(stretch.connection, Select((Star(),), stretch.documents.relation, inside))


def _presence(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Something small that is null where a column is."""
    return pc.if_else(pc.is_valid(column), pa.scalar(1, pa.int8()), pa.scalar(None, pa.int8()))


def _parts(stretch: Stretch) -> list[tuple[int, int]]:
    """Cut a stretch at buckets, so that the messages of each part fit into memory; a bucket is never cut."""
    table = stretch.group([], [Aggregate("count").named("documents")])
    counts = np.zeros(stretch.bucket_count, dtype=np.int64)
    counts[table.column("bucket").to_numpy()] = table.column("documents").to_numpy()
    edges, held = [0], 0
    for bucket, count in enumerate(counts.tolist()):
        if held and held + count > _MOST_AT_ONCE:
            edges.append(bucket)
            held = 0
        held += count
    edges.append(stretch.bucket_count)
    times = [stretch.start_ms + edge * stretch.bucket_span_ms for edge in edges]
    return list(pairwise(times))
