"""A job's analysis: all its detectors, its scores, and what it has learnt, from one stretch of buckets to the next."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from anomalyops_engine.config import Job
from anomalyops_engine.features.extract import Events, Stretch, count_events, detector_values
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.query import Documents
from anomalyops_engine.scoring.categorizing import JobCategories
from anomalyops_engine.scoring.composing import Composer
from anomalyops_engine.scoring.counting import BucketCounter
from anomalyops_engine.scoring.detecting import Detectors
from anomalyops_engine.scoring.detection import Anomaly, Detection
from anomalyops_engine.scoring.gathering import gather_members
from anomalyops_engine.scoring.influencers import attribute
from anomalyops_engine.scoring.inputs import StepInputs
from anomalyops_engine.scoring.interim import SoFar, as_interim
from anomalyops_engine.scoring.normaliser import Normaliser
from anomalyops_engine.scoring.results import Results
from anomalyops_engine.scoring.rules import NO_FILTERS, Filters
from anomalyops_engine.scoring.schedule import NO_EVENTS, Schedule
from anomalyops_engine.scoring.snapshot import SnapshotError, read_snapshot, write_snapshot
from anomalyops_engine.scoring.step import Step
from anomalyops_engine.store import Connection


class JobAnalysis:
    """The analysis of one anomaly detection job; a new one has learnt nothing.

    Attributes:
        job_id: The job.
        bucket_span_ms: Bucket length.

    Raises:
        UnsupportedAnalysis: When a function or option cannot be analysed; names it and what can be.
    """

    def __init__(self, job: Job, filters: Filters = NO_FILTERS) -> None:
        self.job_id = job.job_id
        self.bucket_span_ms = job.bucket_span_ms
        if self.bucket_span_ms < 1000:
            raise ValueError(
                f"analysis_config.bucket_span is [{job.analysis_config.bucket_span}]; accepted: 1s and more"
            )
        self._job = job
        self._detectors = Detectors(job, filters)
        self._categories = JobCategories(job) if job.analysis_config.categorization_field_name else None
        self._normaliser = Normaliser(job.renormalization_window_ms)
        self._counter = BucketCounter()
        self._next_ms: int | None = None
        self._begun = False

    def configure(self, job: Job, filters: Filters = NO_FILTERS) -> None:
        """Take over a configuration of the job, or filters that its rules refer to, that were changed while it runs.

        Whatever may change is read here, or of the configuration when it is needed.
        """
        self._job = job
        self._normaliser.window_ms = job.renormalization_window_ms
        self._detectors.configure(job, filters)
        if self._categories is not None:
            self._categories.configure(job)

    @classmethod
    def restore(cls, job: Job, state: bytes, filters: Filters = NO_FILTERS) -> JobAnalysis:
        """The analysis that `snapshot` saved.

        Raises:
            SnapshotError: When the state is damaged, or of another version or job shape.
        """
        analysis = cls(job, filters)
        plain, arrays = read_snapshot(state)
        if plain["detectors"] != analysis._shape():
            raise SnapshotError(
                f"model state of job [{analysis.job_id}] was made by detectors {plain['detectors']}; "
                f"the job has {analysis._shape()}"
            )
        analysis._detectors.unpack(plain["detections"], arrays)
        analysis._normaliser = Normaliser.unpack(analysis._normaliser.window_ms, plain["normaliser"])
        analysis._detectors.memory.unpack(plain["memory"])
        analysis._counter = BucketCounter.unpack(plain)
        if analysis._categories is not None:
            analysis._categories.unpack(plain["categories"])
        analysis._next_ms = plain["next_ms"]
        analysis._begun = plain["begun"]
        return analysis

    def snapshot(self) -> bytes:
        """Everything learnt, as one versioned blob; `restore` goes on from it exactly."""
        detections, arrays = self._detectors.pack()
        plain: dict[str, Any] = {
            "detectors": self._shape(),
            "detections": detections,
            "normaliser": self._normaliser.pack(),
            "memory": self._detectors.memory.pack(),
            "categories": None if self._categories is None else self._categories.pack(),
            "next_ms": self._next_ms,
            "begun": self._begun,
            **self._counter.pack(),
        }
        return write_snapshot(plain, arrays)

    def _shape(self) -> list[Any]:
        return [*self._detectors.shape(), self.bucket_span_ms]

    def analyse(
        self,
        connection: Connection,
        documents: Documents,
        *,
        start_ms: int,
        end_ms: int,
        schedule: Schedule = NO_EVENTS,
    ) -> Results:
        """Analyse the buckets of [start_ms, end_ms), each once and in order; the models learn from them.

        Args:
            connection: The database that holds the documents.
            documents: The documents, the time field in epoch milliseconds.
            start_ms: Start of the first bucket, a multiple of the bucket span.
            end_ms: End of the last bucket, exclusive, a multiple of the bucket span.
            schedule: The scheduled events that concern the job, as they are now.

        Returns:
            The results. Buckets before the first document of the job's life have none.

        Raises:
            ValueError: When the stretch is not cut at buckets, or goes back behind an analysed bucket.
        """
        return self._analyse(self._stretch(connection, documents, start_ms, end_ms), schedule)

    def interim(
        self,
        connection: Connection,
        documents: Documents,
        *,
        start_ms: int,
        end_ms: int,
        reach_ms: int | None = None,
        schedule: Schedule = NO_EVENTS,
    ) -> Results:
        """What buckets that are not complete look like so far, from a copy of the models: nothing is learnt.

        Args:
            connection: The database that holds the documents.
            documents: As for `analyse`, as far as they are there.
            start_ms: Start of the first bucket.
            end_ms: End of the last bucket, exclusive.
            reach_ms: Up to where the documents are there; None for up to the end.
            schedule: As for `analyse`.

        Returns:
            The results, without model plot, all marked as interim; earlier results are not lowered for them.

        Raises:
            ValueError: As `analyse` does.
        """
        stretch = self._stretch(connection, documents, start_ms, end_ms)
        so_far = SoFar(start_ms, self.bucket_span_ms, end_ms if reach_ms is None else reach_ms)
        results = self._fork()._analyse(stretch, schedule, so_far)
        if so_far.again:
            results = self._fork()._analyse(stretch, schedule, so_far)
        return as_interim(results)

    def _fork(self) -> JobAnalysis:
        """A copy that learns by itself."""
        return copy.deepcopy(self, {id(self._job): self._job})

    def _stretch(self, connection: Connection, documents: Documents, start_ms: int, end_ms: int) -> Stretch:
        self._check_stretch(start_ms, end_ms)
        return Stretch(connection, documents, self._job.time_field, self.bucket_span_ms, start_ms, end_ms)

    def _analyse(self, stretch: Stretch, schedule: Schedule, so_far: SoFar | None = None) -> Results:
        if self._categories is None:
            return self._analyse_placed(
                stretch, StepInputs(stretch.start_ms, stretch.end_ms, self._count(stretch)), schedule, so_far
            )
        with self._categories.placed(stretch) as (placed, learnt):
            inputs = StepInputs(stretch.start_ms, stretch.end_ms, self._count(placed), categories=learnt.rows)
            results = self._analyse_placed(placed, inputs, schedule, so_far)
        if so_far is None:
            results.categories = self._categories.results(learnt, stretch.start_ms)
        return results

    def _count(self, stretch: Stretch) -> Events:
        return count_events(stretch, self._job.analysis_config)

    def _analyse_placed(
        self, stretch: Stretch, inputs: StepInputs, schedule: Schedule, so_far: SoFar | None
    ) -> Results:
        """Analyse documents whose messages were placed in their categories."""
        config = self._job.analysis_config
        step = Step(self._job, inputs.start_ms, inputs.end_ms, self._next_ms)
        inputs.marks = schedule.marks(step.first_bucket, step.bucket_count, since_bucket=step.since_bucket)
        if self._begun or inputs.events.earliest_ms is not None:
            inputs.values = [detector_values(stretch, detection.detector) for detection in self.detections]
        if so_far is not None:
            inputs.values = [so_far.values(index, values) for index, values in enumerate(inputs.values)]

        def find(detector: ResolvedDetector, anomalies: Sequence[Anomaly]) -> None:
            attribute(stretch, detector, config.influencers, anomalies)
            inputs.influences.append([anomaly.influences for anomaly in anomalies])

        return self._advance(inputs, find, so_far)

    def replay(self, inputs: StepInputs) -> None:
        """Learn again from the inputs of a step, in place of its documents; its results are there already.

        Raises:
            ValueError: As `analyse` does.
        """
        self._check_stretch(inputs.start_ms, inputs.end_ms)
        if self._categories is not None:
            self._categories.replay(inputs.categories)
        known = iter(inputs.influences)

        def recall(_: ResolvedDetector, anomalies: Sequence[Anomaly]) -> None:
            for anomaly, influences in zip(anomalies, next(known), strict=True):
                anomaly.influences = influences

        self._advance(inputs, recall)

    def _advance(
        self,
        inputs: StepInputs,
        influence: Callable[[ResolvedDetector, Sequence[Anomaly]], None],
        so_far: SoFar | None = None,
    ) -> Results:
        """Score and learn from the inputs of a step.

        Args:
            inputs: What the step learns from.
            influence: Fills in what is behind anomalies.
            so_far: How far the buckets are known, where they are not complete; else None.
        """
        step = Step(self._job, inputs.start_ms, inputs.end_ms, self._next_ms, inputs.marks)
        events = inputs.events
        results = Results(
            inputs=inputs,
            processed_records=int(events.documents.sum()),
            missing_field_count=events.missing_fields,
            unusable=events.unusable,
            earliest_record_ms=events.earliest_ms,
            latest_record_ms=events.latest_ms,
        )
        self._next_ms = inputs.end_ms
        begin = 0
        if not self._begun:
            if events.earliest_ms is None:
                return results
            self._begun = True
            begin = int(np.argmax(events.documents > 0))
        self._counter.count(events, begin, start_ms=step.start_ms, span_ms=step.span_ms, results=results)
        found, scored = self._detectors.detect(step, inputs.values, begin, results)
        if so_far is not None:
            found = [so_far.standing(mine) for mine in found]
        for detection, mine in zip(self.detections, found, strict=True):
            influence(detection.detector, mine)
        Composer(step, self._normaliser, results).compose(
            gather_members([anomaly for mine in found for anomaly in mine]),
            begin=begin,
            events=events.events,
            scored=scored,
        )
        return results

    def _check_stretch(self, start_ms: int, end_ms: int) -> None:
        span = self.bucket_span_ms
        if start_ms % span or end_ms % span or end_ms < start_ms:
            raise ValueError(f"[{start_ms}, {end_ms}) is not a stretch of whole buckets of {span} ms")
        if self._next_ms is not None and start_ms < self._next_ms:
            raise ValueError(f"bucket {start_ms} was analysed already; the next one is {self._next_ms}")

    @property
    def next_ms(self) -> int | None:
        """Start of the first bucket that was not analysed; None before any."""
        return self._next_ms

    def scores(self) -> dict[str, dict[str, Any]]:
        """Scores of the results that may be lowered yet, by document and field, as they are now."""
        return self._normaliser.scores()

    @property
    def detections(self) -> list[Detection]:
        """The detectors with what they have learnt."""
        return self._detectors.detections

    def model_size(self) -> dict[str, Any]:
        """The `model_size_stats` fields that the models know: bytes and series."""
        size = self._detectors.size()
        size["total_partition_field_count"] = size["total_partition_field_count"] or (1 if self._begun else 0)
        if self._categories is not None:
            size |= self._categories.size()
            for name in ("model_bytes", "peak_model_bytes"):
                size[name] += self._categories.model_bytes
            size["model_bytes_memory_limit"] = self._job.memory_limit.bytes
            if self._categories.lacks_memory:
                size["memory_status"] = "hard_limit"
        return size
