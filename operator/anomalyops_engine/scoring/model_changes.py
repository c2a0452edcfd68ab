"""Changes of a series' model, for the annotations that tell of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.models.series import state as series
from anomalyops_engine.scoring.documents import series_digest, split_fields
from anomalyops_engine.scoring.step import Document, Step

FloatArray = npt.NDArray[np.float64]


class ChangeKind(StrEnum):
    """What changed."""

    SEASON = "season"
    LEVEL = "level"
    CLOCK = "clock"


_COLUMNS = {
    ChangeKind.SEASON: series.NEW_SEASON,
    ChangeKind.LEVEL: series.LEVEL_SHIFT,
    ChangeKind.CLOCK: series.TIME_SHIFT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """A change of one series' model.

    Attributes:
        id: An id that does not change when the bucket is analysed again.
        text: What happened.
        begin_ms: Start of the first bucket that shows it.
        end_ms: End of the bucket with which it was found.
        series: The detector and the series, as fields of an annotation.
    """

    id: str
    text: str
    begin_ms: int
    end_ms: int
    series: Document


def changes_of(
    step: Step, detector: ResolvedDetector, keys: list[tuple[str, ...]], first: int, details: FloatArray
) -> Iterator[ModelChange]:
    """The changes in some buckets of some series.

    Args:
        step: The step.
        detector: The series' detector.
        keys: Their split values.
        first: Position in the step of the first of the buckets.
        details: (series, buckets, series.DETAIL_COLUMNS) what the learner says of them.
    """
    part = (detector.function.name,) if detector.is_part else ()
    for kind, column in _COLUMNS.items():
        for row, bucket in np.argwhere(details[:, :, column] != 0.0).tolist():
            stamp = step.stamp(first + bucket)
            run = int(details[row, bucket, series.SHIFT_RUN]) if kind is ChangeKind.LEVEL else 1
            yield ModelChange(
                id=stamp.document_id("model_change", detector.index, *part, kind, series_digest(keys[row])),
                text=_text(kind, float(details[row, bucket, column])),
                begin_ms=stamp.timestamp_ms - (run - 1) * step.span_ms,
                end_ms=stamp.timestamp_ms + step.span_ms,
                series={"detector_index": detector.index, **split_fields(detector, keys[row])},
            )


def _text(kind: ChangeKind, amount: float) -> str:
    """What happened, in Elasticsearch's words (`CTimeSeriesTestForSeasonality`, `CTimeSeriesTestForChange`)."""
    match kind:
        case ChangeKind.SEASON:
            return f"Detected periodicity with period {_duration(round(amount))}"
        case ChangeKind.LEVEL:
            return f"Detected level shift by {amount:.6g}"
        case ChangeKind.CLOCK:
            return f"Detected time shift by {amount:.0f}s"


def _duration(seconds: int) -> str:
    """Seconds as days, hours, minutes and seconds (`CTimeUtils::durationToString`)."""
    parts = []
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    if seconds or not parts:
        parts.append(f"{seconds}s")
    return "".join(parts)
