"""All detectors of a job over a stretch of buckets: who gets a model, who is given up, what is surprising."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import Job
from anomalyops_engine.features.extract import Values
from anomalyops_engine.features.resolving import ResolvedDetector, resolve_detectors
from anomalyops_engine.functions import Family
from anomalyops_engine.scoring.categorizing import SHARE
from anomalyops_engine.scoring.chapter import ChangeSink, Chapter, PlotSink
from anomalyops_engine.scoring.combined import CombinedDetection
from anomalyops_engine.scoring.detection import Anomaly, Detection, LiveSettings, SeriesDetection
from anomalyops_engine.scoring.event_effects import EventEffects, copy_of
from anomalyops_engine.scoring.infrequent import InfrequentDetection
from anomalyops_engine.scoring.memory import Key, MemoryBudget, check_every
from anomalyops_engine.scoring.model_changes import changes_of
from anomalyops_engine.scoring.parallel import DETECTORS
from anomalyops_engine.scoring.plotting import ModelPlot
from anomalyops_engine.scoring.points import PointsDetection
from anomalyops_engine.scoring.population import PopulationDetection
from anomalyops_engine.scoring.rare import RareDetection
from anomalyops_engine.scoring.results import Results
from anomalyops_engine.scoring.rules import Filters
from anomalyops_engine.scoring.step import Step

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def new_detection(detector: ResolvedDetector, live: LiveSettings, span_ms: int) -> Detection:
    """A detector that has learnt nothing."""
    learning = _learning(detector, live, span_ms)
    return InfrequentDetection(learning) if detector.frequent_by or detector.frequent_over else learning


def _learning(detector: ResolvedDetector, live: LiveSettings, span_ms: int) -> Detection:
    if detector.parts:
        return CombinedDetection(detector, [_learning(part, live, span_ms) for part in detector.parts], live)
    match detector.family:
        case Family.SERIES:
            return SeriesDetection(detector, live, span_ms=span_ms)
        case Family.POPULATION:
            return PopulationDetection(detector, live, span_ms=span_ms)
        case Family.RARE:
            return RareDetection(detector, live, span_ms=span_ms)
        case Family.POINTS:
            return PointsDetection(detector, live, span_ms=span_ms)


class Detectors:
    """The detectors of a job with everything that they have learnt.

    Attributes:
        detections: One a detector.
        memory: What their models may take.
    """

    def __init__(self, job: Job, filters: Filters) -> None:
        self.memory = MemoryBudget(0)
        self.detections: list[Detection] = []
        self.configure(job, filters)

    def configure(self, job: Job, filters: Filters) -> None:
        """Take over a configuration of the job and its filters: the first, or ones that were changed while it runs."""
        share = SHARE if job.analysis_config.categorization_field_name else 1
        self.memory.change_limit(job.memory_limit.bytes // share)
        plot = job.model_plot_config
        live = LiveSettings(
            want_bounds=plot is not None and plot.enabled,
            prune_buckets=job.analysis_config.model_prune_window.ms // job.bucket_span_ms,
            filters=filters,
        )
        resolved = resolve_detectors(job.analysis_config)
        if not self.detections:
            span_ms = job.bucket_span_ms
            self.detections = [new_detection(detector, live, span_ms) for detector in resolved]
        for detection, detector in zip(self.detections, resolved, strict=True):
            detection.configure(detector, live)

    def shape(self) -> list[Any]:
        """What a model state must have in common with the job that takes it over."""
        return [
            [d.detector.name, d.detector.field_name, d.detector.by, d.detector.over, d.detector.partition]
            for d in self.detections
        ]

    @property
    def used(self) -> int:
        """Bytes of all models."""
        return sum(detection.model_bytes for detection in self.detections)

    def detect(
        self, step: Step, values: Sequence[Values], begin: int, results: Results
    ) -> tuple[list[list[Anomaly]], IntArray]:
        """Score and learn a stretch.

        Args:
            step: The stretch.
            values: Each detector's values.
            begin: Position of the first bucket of the job's life in this stretch, 0 when it lies before.
            results: Receives the model plot and the changes of the models, if the job wants them.

        Returns:
            Each detector's anomalies, and how many series were scored in each bucket.
        """
        found: list[list[Anomaly]] = [[] for _ in self.detections]
        scored = np.zeros(step.bucket_count, dtype=np.int64)
        plot = ModelPlot(step) if self._plots(step) else None
        effects = EventEffects(step, self.detections, plotted=plot is not None)
        annotated = self._annotates(step)
        for left, right in self._chapters(step, begin, effects):
            effects.change_clocks(left)
            learns, unseen = effects.learns(left), effects.unseen(left, right)
            parts = [whole.between(left, right) for whole in values]
            if unseen is not None:
                parts = [part.where(~unseen[part.bucket]) for part in parts]
            detections = self.detections if learns else [copy_of(detection) for detection in self.detections]
            refused = self._admit(parts) if learns else [set[Key]() for _ in parts]
            tasks = [
                partial(
                    detection.step,
                    part,
                    Chapter(
                        first_bucket=step.first_bucket + left,
                        buckets=right - left,
                        begin=max(begin - left, 0),
                        refused=without,
                        plot=_sink(plot, left) if plot is not None else None,
                        changes=_changes(step, results, left) if annotated and learns else None,
                        unseen=unseen,
                        learns=learns,
                    ),
                )
                for detection, part, without in zip(detections, parts, refused, strict=True)
            ]
            for index, (mine, counted) in enumerate(DETECTORS.run(tasks)):
                for anomaly in mine:
                    anomaly.bucket += left
                    if not effects.silent[anomaly.bucket]:
                        found[index].append(anomaly)
                scored[left:right] += counted
        if plot is not None:
            results.frames += [("model_plot", frame) for frame in plot.frames()]
        results.changes.sort(key=lambda change: (change.end_ms, change.id))
        self.memory.note_use(self.used)
        return found, scored

    @staticmethod
    def _plots(step: Step) -> bool:
        plot = step.job.model_plot_config
        return plot is not None and plot.enabled

    @staticmethod
    def _annotates(step: Step) -> bool:
        plot = step.job.model_plot_config
        return plot is not None and plot.annotations_enabled

    def _chapters(self, step: Step, begin: int, effects: EventEffects) -> Iterator[tuple[int, int]]:
        """Parts of the stretch between searches for old entities, which are made on the way, and cuts of events.

        The searches come at fixed numbers of buckets since the epoch, wherever a stretch begins or ends.
        """
        every = check_every(step.prune_buckets)
        split = any(detection.detector.split_fields or detection.detector.over for detection in self.detections)
        left = 0
        while left < step.bucket_count:
            number = step.first_bucket + left
            right = min(left + every - number % every, step.bucket_count) if split else step.bucket_count
            right = effects.cut(left, right)
            if right > begin:
                if split and number % every == 0:
                    self._prune(number, step.prune_buckets)
                yield left, right
            left = right

    def _prune(self, number: int, prune_buckets: int) -> None:
        """Give up entities without data for the prune window, or for less of it when memory is scarce."""
        oldest = number - self.memory.window(self.used, prune_buckets)
        for detection in self.detections:
            detection.prune(oldest)
        self.memory.settle()

    def _admit(self, parts: list[Values]) -> list[set[Key]]:
        """The entities of each detector that get no model, for want of memory."""
        newcomers = [
            newcomer
            for index, (detection, values) in enumerate(zip(self.detections, parts, strict=True))
            for newcomer in detection.newcomers(values, index)
        ]
        refused: list[set[Key]] = [set() for _ in parts]
        for index, key in self.memory.admit(newcomers, self.used):
            refused[index].add(key)
        costs: dict[int, int] = {}
        for detection, values, mine in zip(self.detections, parts, refused, strict=True):
            for bucket, cost in detection.refused_bytes(values, mine).items() if mine else ():
                costs[bucket] = costs.get(bucket, 0) + cost
        self.memory.note_refusals(costs)
        return refused

    def size(self) -> dict[str, Any]:
        """The `model_size_stats` fields that the models know: bytes and series."""
        used = self.used
        by, over, partition = set(), set(), set()
        for detection in self.detections:
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
        memory = self.memory
        return {
            "model_bytes": used,
            "peak_model_bytes": max(memory.peak, used),
            "model_bytes_exceeded": max(memory.missing, used - memory.limit, 0),
            "model_bytes_memory_limit": memory.limit,
            "total_by_field_count": len(by),
            "total_over_field_count": len(over),
            "total_partition_field_count": len(partition),
            "bucket_allocation_failures_count": memory.failures,
            "memory_status": memory.status(used),
        }

    def pack(self) -> tuple[list[dict[str, Any]], dict[str, npt.NDArray[Any]]]:
        """Plain values of each detector, and arrays, for a snapshot."""
        plain: list[dict[str, Any]] = []
        arrays: dict[str, npt.NDArray[Any]] = {}
        for index, detection in enumerate(self.detections):
            own_plain, own_arrays = detection.pack()
            plain.append(own_plain)
            arrays |= {f"{index}.{name}": array for name, array in own_arrays.items()}
        return plain, arrays

    def unpack(self, plain: Sequence[dict[str, Any]], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""
        for index, detection in enumerate(self.detections):
            prefix = f"{index}."
            mine = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            detection.unpack(plain[index], mine)


def _sink(plot: ModelPlot, chapter: int) -> PlotSink:
    def add(
        detector: ResolvedDetector, key: tuple[str, ...], left: int, values: FloatArray, details: FloatArray
    ) -> None:
        plot.add(detector, key, first=chapter + left, values=values, details=details)

    return add


def _changes(step: Step, results: Results, chapter: int) -> ChangeSink:
    def add(detector: ResolvedDetector, keys: list[tuple[str, ...]], left: int, details: FloatArray) -> None:
        results.changes.extend(changes_of(step, detector, keys, chapter + left, details))

    return add
