"""A job's analysis: all its detectors, its scores, and what it has learnt, from one stretch of buckets to the next."""

# ruff: noqa: PLR0917 - private steps of one computation

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import Job
from anomalyops_engine.features.extract import Events, Stretch, Values, count_events, detector_values
from anomalyops_engine.features.resolving import ResolvedDetector, resolve_detectors
from anomalyops_engine.models.series import learner as series
from anomalyops_engine.query import Documents
from anomalyops_engine.scoring.detection import Anomaly, Detection, LiveSettings, SeriesDetection
from anomalyops_engine.scoring.documents import (
    Results,
    Stamp,
    bucket_influencer,
    influencer_document,
    model_plot_document,
    record_document,
    series_digest,
)
from anomalyops_engine.scoring.influencers import attribute
from anomalyops_engine.scoring.memory import Key, MemoryBudget, check_every
from anomalyops_engine.scoring.normaliser import NOTEWORTHY, Entry, Normaliser, pooled_surprise
from anomalyops_engine.scoring.population import PopulationDetection
from anomalyops_engine.scoring.snapshot import SnapshotError, read_snapshot, write_snapshot
from anomalyops_engine.store import Connection

_SPARSE_SHARE = 0.1
_SPARSE_FROM = 10.0


class JobAnalysis:
    """The analysis of one anomaly detection job; a new one has learnt nothing.

    Attributes:
        job_id: The job.
        bucket_span_ms: Bucket length.

    Raises:
        UnsupportedAnalysis: When a function or option cannot be analysed; names it and what can be.
    """

    def __init__(self, job: Job) -> None:
        config = job.analysis_config
        self.job_id = job.job_id
        self.bucket_span_ms = job.bucket_span_ms
        if self.bucket_span_ms < 1000:
            raise ValueError(f"analysis_config.bucket_span is [{config.bucket_span}]; accepted: 1s and more")
        self._memory = MemoryBudget(0)
        self._normaliser = Normaliser(0)
        self._detections: list[Detection] = []
        self._next_ms: int | None = None
        self._begun = False
        self._usual_documents = 0.0
        self._seen_buckets = 0
        self.configure(job)

    def configure(self, job: Job) -> None:
        """Take over a configuration of the job: the first, or one that was changed while it runs.

        Whatever may change is read here, or of the configuration when it is needed.
        """
        self._job = job
        self._memory.change_limit(job.memory_limit.bytes)
        self._normaliser.window_ms = job.renormalization_window_ms
        live = LiveSettings(want_bounds=self._plots, prune_buckets=self._prune_buckets)
        detectors = resolve_detectors(job.analysis_config)
        if not self._detections:
            self._detections = [_new_detection(detector, live, self.bucket_span_ms) for detector in detectors]
        for detection, detector in zip(self._detections, detectors, strict=True):
            detection.configure(detector, live)

    @property
    def _plots(self) -> bool:
        plot = self._job.model_plot_config
        return plot is not None and plot.enabled

    @property
    def _plot_terms(self) -> frozenset[str]:
        plot = self._job.model_plot_config
        return frozenset() if plot is None else plot.term_values

    @property
    def _prune_buckets(self) -> int:
        return self._job.analysis_config.model_prune_window.ms // self.bucket_span_ms

    @classmethod
    def restore(cls, job: Job, state: bytes) -> JobAnalysis:
        """The analysis that `snapshot` saved.

        Raises:
            SnapshotError: When the state is damaged, or of another version or job shape.
        """
        analysis = cls(job)
        plain, arrays = read_snapshot(state)
        if plain["detectors"] != analysis._shape():
            raise SnapshotError(
                f"model state of job [{analysis.job_id}] was made by detectors {plain['detectors']}; "
                f"the job has {analysis._shape()}"
            )
        for index, detection in enumerate(analysis._detections):
            prefix = f"{index}."
            mine = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            detection.unpack(plain["detections"][index], mine)
        analysis._normaliser = Normaliser.unpack(analysis._normaliser.window_ms, plain["normaliser"])
        analysis._memory.unpack(plain["memory"])
        analysis._next_ms = plain["next_ms"]
        analysis._begun = plain["begun"]
        analysis._usual_documents = plain["usual_documents"]
        analysis._seen_buckets = plain["seen_buckets"]
        return analysis

    def snapshot(self) -> bytes:
        """Everything learnt, as one versioned blob; `restore` goes on from it exactly."""
        plain: dict[str, Any] = {
            "detectors": self._shape(),
            "detections": [],
            "normaliser": self._normaliser.pack(),
            "memory": self._memory.pack(),
            "next_ms": self._next_ms,
            "begun": self._begun,
            "usual_documents": self._usual_documents,
            "seen_buckets": self._seen_buckets,
        }
        arrays: dict[str, npt.NDArray[Any]] = {}
        for index, detection in enumerate(self._detections):
            own_plain, own_arrays = detection.pack()
            plain["detections"].append(own_plain)
            arrays |= {f"{index}.{name}": array for name, array in own_arrays.items()}
        return write_snapshot(plain, arrays)

    def _shape(self) -> list[Any]:
        return [
            [d.detector.name, d.detector.field_name, d.detector.by, d.detector.over, d.detector.partition]
            for d in self._detections
        ] + [self.bucket_span_ms]

    def analyse(self, connection: Connection, documents: Documents, *, start_ms: int, end_ms: int) -> Results:
        """Analyse the buckets of [start_ms, end_ms), each once and in order; the models learn from them.

        Args:
            connection: The database that holds the documents.
            documents: The documents, the time field in epoch milliseconds.
            start_ms: Start of the first bucket, a multiple of the bucket span.
            end_ms: End of the last bucket, exclusive, a multiple of the bucket span.

        Returns:
            The results. Buckets before the first document of the job's life have none.

        Raises:
            ValueError: When the stretch is not cut at buckets, or goes back behind an analysed bucket.
        """
        self._check_stretch(start_ms, end_ms)
        stretch = Stretch(connection, documents, self._job.time_field, self.bucket_span_ms, start_ms, end_ms)
        config = self._job.analysis_config
        events = count_events(stretch, config.summary_count_field_name, config.fields)
        results = Results(
            processed_records=int(events.documents.sum()),
            missing_field_count=events.missing_fields,
            earliest_record_ms=events.earliest_ms,
            latest_record_ms=events.latest_ms,
        )
        self._next_ms = end_ms
        begin = 0
        if not self._begun:
            if events.earliest_ms is None:
                return results
            self._begun = True
            begin = int(np.argmax(events.documents > 0))
        self._count_buckets(events, begin, start_ms, results)
        anomalies, scored = self._detect(stretch, begin, results)
        _Composer(self, events, scored, start_ms, begin, results).compose(anomalies)
        return results

    def _check_stretch(self, start_ms: int, end_ms: int) -> None:
        span = self.bucket_span_ms
        if start_ms % span or end_ms % span or end_ms < start_ms:
            raise ValueError(f"[{start_ms}, {end_ms}) is not a stretch of whole buckets of {span} ms")
        if self._next_ms is not None and start_ms < self._next_ms:
            raise ValueError(f"bucket {start_ms} was analysed already; the next one is {self._next_ms}")

    def _detect(self, stretch: Stretch, begin: int, results: Results) -> tuple[list[Anomaly], npt.NDArray[np.int64]]:
        anomalies: list[Anomaly] = []
        scored = np.zeros(stretch.bucket_count, dtype=np.int64)

        def plot(
            chapter: int,
            detector: ResolvedDetector,
            key: tuple[str, ...],
            left: int,
            values: npt.NDArray[np.float64],
            details: npt.NDArray[np.float64],
        ) -> None:
            if self._plot_terms and not self._plot_terms & set(key):
                return
            row = series_digest(key)
            for b in np.flatnonzero(details[:, series.UPPER] > details[:, series.LOWER]):
                stamp = self._stamp(stretch.start_ms + (chapter + left + int(b)) * self.bucket_span_ms)
                results.model_plot.append(model_plot_document(stamp, detector, key, float(values[b]), details[b]))
                results.model_plot_ids.append(stamp.document_id("model_plot", detector.index, row))

        values = [detector_values(stretch, detection.detector) for detection in self._detections]
        found: list[list[Anomaly]] = [[] for _ in self._detections]
        for left, right in self._chapters(stretch, begin):
            parts = [whole.between(left, right) for whole in values]
            refused = self._admit(parts)
            for index, detection in enumerate(self._detections):
                mine, counted = detection.step(
                    parts[index],
                    first_bucket=stretch.start_ms // self.bucket_span_ms + left,
                    buckets=right - left,
                    begin=max(begin - left, 0),
                    refused=refused[index],
                    plot=partial(plot, left) if self._plots else None,
                )
                for anomaly in mine:
                    anomaly.bucket += left
                found[index] += mine
                scored[left:right] += counted
        for detection, mine in zip(self._detections, found, strict=True):
            attribute(stretch, detection.detector, self._job.analysis_config.influencers, mine)
            anomalies += mine
        return anomalies, scored

    def _chapters(self, stretch: Stretch, begin: int) -> Iterator[tuple[int, int]]:
        """Parts of the stretch between searches for old entities, which are made on the way.

        The searches come at fixed numbers of buckets since the epoch, wherever a stretch begins or ends.
        """
        every = check_every(self._prune_buckets)
        if not any(detection.detector.split_fields or detection.detector.over for detection in self._detections):
            yield 0, stretch.bucket_count
            return
        first_bucket = stretch.start_ms // self.bucket_span_ms
        left = 0
        while left < stretch.bucket_count:
            number = first_bucket + left
            right = min(left + every - number % every, stretch.bucket_count)
            if right > begin:
                if number % every == 0:
                    self._prune(number)
                yield left, right
            left = right

    def _prune(self, number: int) -> None:
        """Give up entities without data for the prune window, or for less of it when memory is scarce."""
        oldest = number - self._memory.window(self._used, self._prune_buckets)
        for detection in self._detections:
            detection.prune(oldest)
        self._memory.settle()

    def _admit(self, parts: list[Values]) -> list[set[Key]]:
        """The entities of each detector that get no model, for want of memory."""
        newcomers = [
            newcomer
            for index, (detection, values) in enumerate(zip(self._detections, parts, strict=True))
            for newcomer in detection.newcomers(values, index)
        ]
        refused: list[set[Key]] = [set() for _ in parts]
        for index, key in self._memory.admit(newcomers, self._used):
            refused[index].add(key)
        costs: dict[int, int] = {}
        for detection, values, mine in zip(self._detections, parts, refused, strict=True):
            for bucket, cost in detection.refused_bytes(values, mine).items() if mine else ():
                costs[bucket] = costs.get(bucket, 0) + cost
        self._memory.note_refusals(costs)
        return refused

    @property
    def _used(self) -> int:
        return sum(detection.model_bytes for detection in self._detections)

    def _count_buckets(self, events: Events, begin: int, start_ms: int, results: Results) -> None:
        """Count empty buckets, and sparse ones: with a small part of the documents that buckets usually have."""
        for position in range(begin, len(events.documents)):
            documents = int(events.documents[position])
            timestamp = start_ms + position * self.bucket_span_ms
            if documents == 0:
                results.empty_bucket_count += 1
                results.latest_empty_bucket_ms = timestamp
            elif self._usual_documents >= _SPARSE_FROM and documents < _SPARSE_SHARE * self._usual_documents:
                results.sparse_bucket_count += 1
                results.latest_sparse_bucket_ms = timestamp
            self._seen_buckets += 1
            self._usual_documents += (documents - self._usual_documents) / min(self._seen_buckets, 1000)

    def _stamp(self, timestamp_ms: int) -> Stamp:
        return Stamp(self.job_id, timestamp_ms, self.bucket_span_ms // 1000)

    def model_size(self) -> dict[str, Any]:
        """The `model_size_stats` fields that the models know: bytes and series."""
        used = self._used
        by, over, partition = set(), set(), set()
        for detection in self._detections:
            detector = detection.detector
            for key in detection.series_keys():
                names = [*detector.split_fields, *([detector.over] if detector.over else [])]
                values = dict(zip(names, key, strict=False))
                partition_value = values.get(detector.partition) if detector.partition else None
                if detector.partition:
                    partition.add((detector.index, partition_value))
                if detector.over and detector.over in values:
                    over.add((detector.index, partition_value, values[detector.over]))
                if not detector.over or detector.by:
                    by.add((detector.index, partition_value, values.get(detector.by) if detector.by else None))
        memory = self._memory
        return {
            "model_bytes": used,
            "peak_model_bytes": max(memory.peak, used),
            "model_bytes_exceeded": max(memory.missing, used - memory.limit, 0),
            "model_bytes_memory_limit": memory.limit,
            "total_by_field_count": len(by),
            "total_over_field_count": len(over),
            "total_partition_field_count": len(partition) or (1 if self._begun else 0),
            "bucket_allocation_failures_count": memory.failures,
            "memory_status": memory.status(used),
        }


def _new_detection(detector: ResolvedDetector, live: LiveSettings, span_ms: int) -> Detection:
    kind = PopulationDetection if detector.is_population else SeriesDetection
    return kind(detector, live, span_ms=span_ms)


class _Composer:
    """Turns a stretch's anomalies into scored documents, bucket by bucket."""

    def __init__(
        self,
        analysis: JobAnalysis,
        events: Events,
        scored: npt.NDArray[np.int64],
        start_ms: int,
        begin: int,
        results: Results,
    ) -> None:
        self._analysis = analysis
        self._normaliser = analysis._normaliser
        self._events = events
        self._scored = scored
        self._start_ms = start_ms
        self._begin = begin
        self._results = results
        self._new: dict[str, dict[str, Any]] = {}

    def compose(self, anomalies: list[Anomaly]) -> None:
        """Write the documents of every bucket, then renormalise."""
        by_bucket: dict[int, list[Anomaly]] = {}
        for anomaly in sorted(anomalies, key=lambda a: (a.bucket, a.detector.index, a.key)):
            by_bucket.setdefault(anomaly.bucket, []).append(anomaly)
        counts = self._events.events.tolist()
        for position in range(self._begin, len(counts)):
            timestamp = self._start_ms + position * self._analysis.bucket_span_ms
            stamp = self._analysis._stamp(timestamp)
            self._results.event_counts[timestamp] = counts[position]
            self._bucket(stamp, by_bucket.get(position, []), int(self._scored[position]), counts[position])
        self._renormalise(self._start_ms + len(counts) * self._analysis.bucket_span_ms)

    def _bucket(self, stamp: Stamp, anomalies: list[Anomaly], scored: int, events: int) -> None:
        document_id = stamp.document_id("bucket")
        document = stamp.head("bucket") | {
            "anomaly_score": 0.0,
            "initial_anomaly_score": 0.0,
            "event_count": events,
            "processing_time_ms": 0,
            "bucket_influencers": [],
        }
        self._results.buckets.append(document)
        self._results.bucket_ids.append(document_id)
        self._new[document_id] = document
        if not anomalies:
            return
        for number, anomaly in enumerate(anomalies):
            self._record(stamp, number, anomaly)
        self._influencers(stamp, anomalies, document, document_id)
        surprise = pooled_surprise([anomaly.surprise for anomaly in anomalies], scored)
        score = self._normaliser.initial("bucket", surprise, stamp.timestamp_ms)
        document["anomaly_score"] = document["initial_anomaly_score"] = score
        self._remember("bucket", document_id, "anomaly_score", stamp, surprise, score)
        self._bucket_influencer(stamp, document, document_id, "bucket_time", surprise)

    def _record(self, stamp: Stamp, number: int, anomaly: Anomaly) -> None:
        detector = anomaly.detector
        scope = f"record/{detector.index}/{anomaly.split(detector.partition) or ''}"
        score = self._normaliser.initial(scope, anomaly.surprise, stamp.timestamp_ms)
        document = record_document(stamp, anomaly, score)
        document_id = stamp.document_id("record", number)
        self._results.records.append(document)
        self._results.record_ids.append(document_id)
        self._new[document_id] = document
        self._remember(scope, document_id, "record_score", stamp, anomaly.surprise, score)

    def _influencers(self, stamp: Stamp, anomalies: list[Anomaly], bucket: dict[str, Any], bucket_id: str) -> None:
        pooled: dict[tuple[str, str], list[float]] = {}
        for anomaly in anomalies:
            for name, values in anomaly.influences.items():
                for value, share in values.items():
                    pooled.setdefault((name, value), []).append(anomaly.surprise * share)
        strongest: dict[str, float] = {}
        number = 0
        for (name, value), surprises in pooled.items():
            surprise = pooled_surprise(surprises, len(surprises))
            if surprise < NOTEWORTHY:
                continue
            scope = f"influencer/{name}"
            score = self._normaliser.initial(scope, surprise, stamp.timestamp_ms)
            document_id = stamp.document_id("influencer", name, number)
            document = influencer_document(stamp, name, value, surprise, score)
            self._results.influencers.append(document)
            self._results.influencer_ids.append(document_id)
            self._new[document_id] = document
            self._remember(scope, document_id, "influencer_score", stamp, surprise, score)
            strongest[name] = max(strongest.get(name, 0.0), surprise)
            number += 1
        for name, surprise in strongest.items():
            self._bucket_influencer(stamp, bucket, bucket_id, name, surprise)

    def _bucket_influencer(
        self, stamp: Stamp, bucket: dict[str, Any], bucket_id: str, name: str, surprise: float
    ) -> None:
        scope = f"bucket_influencer/{name}"
        score = self._normaliser.initial(scope, surprise, stamp.timestamp_ms)
        bucket["bucket_influencers"].append(bucket_influencer(stamp, name, surprise, score))
        self._remember(scope, bucket_id, f"bucket_influencers/{name}", stamp, surprise, score)

    def _remember(self, scope: str, document_id: str, fields: str, stamp: Stamp, surprise: float, score: float) -> None:
        if score > 0.0:
            entry = Entry(document_id, fields, stamp.timestamp_ms, surprise, score)
            self._normaliser.remember(scope, entry)

    def _renormalise(self, now_ms: int) -> None:
        """Dim what is small beside what came later: in new documents at once, in stored ones by a list of changes."""
        changed: dict[str, dict[str, Any]] = {}
        for entry in self._normaliser.dimmed(now_ms):
            document = self._new.get(entry.document_id)
            if document is None:
                change = changed.setdefault(entry.document_id, {})
                change[entry.fields] = entry.score
            elif entry.fields.startswith("bucket_influencers/"):
                name = entry.fields.partition("/")[2]
                for influencer in document["bucket_influencers"]:
                    if influencer["influencer_field_name"] == name:
                        influencer["anomaly_score"] = entry.score
            else:
                document[entry.fields] = entry.score
        self._results.renormalised = [(name, change) for name, change in changed.items() if change]
