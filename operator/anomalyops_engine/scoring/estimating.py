"""How much memory the models of a job will take, before there is any data: from how many values its fields have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from anomalyops_engine.config import Job
from anomalyops_engine.features.extract import Values
from anomalyops_engine.features.resolving import ResolvedDetector, resolve_detectors
from anomalyops_engine.scoring.detecting import new_detection
from anomalyops_engine.scoring.detection import LiveSettings

# A value of usual length, such as a host's name or an address.
_VALUE: Final = "host-10.0.0.1"
_ANY_FIELD: Final = "any"


def estimated_bytes(job: Job, cardinality: Mapping[str, int]) -> int:
    """Bytes of the models of a job, if every value of a split field comes with every value of the others.

    Args:
        job: The job.
        cardinality: How many values each by, over and partition field has.

    Raises:
        UnsupportedAnalysis: As for `JobAnalysis`.
        KeyError: The cardinality of a field is not given.
    """
    return sum(_detector_bytes(detector, job, cardinality) for detector in resolve_detectors(job.analysis_config))


def _detector_bytes(detector: ResolvedDetector, job: Job, cardinality: Mapping[str, int]) -> int:
    """Bytes of a detector: what one series (and one member) takes that is new to it, times how many there are."""
    series = math.prod(max(cardinality[name], 1) for name in detector.split_fields)
    members = series * max(cardinality[detector.over], 1) if detector.over else 0
    # Of a detector without split nothing is new: its one series always has a model.
    split = _split(detector) if not detector.split_fields else detector
    live = LiveSettings(want_bounds=False, prune_buckets=1)
    values = _one_value(len(split.split_fields) + (split.over is not None))
    newcomers = new_detection(split, live, job.bucket_span_ms).newcomers(values, 0)
    return sum(newcomer.cost * (series if newcomer.modelled else members) for newcomer in newcomers)


def _split(detector: ResolvedDetector) -> ResolvedDetector:
    return replace(detector, partition=_ANY_FIELD, parts=tuple(_split(part) for part in detector.parts))


def _one_value(width: int) -> Values:
    position = np.zeros(1, dtype=np.int64)
    return Values(bucket=position, key=position, value=np.ones(1), keys=[(_VALUE,) * width])
