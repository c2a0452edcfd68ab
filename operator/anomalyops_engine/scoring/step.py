"""The context of one step of an analysis: the job as it is now, and the stretch of buckets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import Job
from anomalyops_engine.scoring.schedule import Marks

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all results of one bucket have in common."""

    job_id: str
    timestamp_ms: int
    bucket_span_s: int

    def head(self, result_type: str) -> Document:
        """The common fields."""
        return {
            "job_id": self.job_id,
            "result_type": result_type,
            "timestamp": self.timestamp_ms,
            "bucket_span": self.bucket_span_s,
            "is_interim": False,
        }

    def document_id(self, result_type: str, *parts: object) -> str:
        """A unique id that does not change when the bucket is analysed again."""
        return "_".join(map(str, (self.job_id, result_type, self.timestamp_ms, self.bucket_span_s, *parts)))


@dataclass(frozen=True, slots=True)
class Step:
    """What detecting, counting and composing know of a step.

    Attributes:
        job: The job, as configured now.
        start_ms: Start of the first bucket, epoch milliseconds, a multiple of the bucket span.
        end_ms: End of the last bucket, exclusive.
        since_ms: Where the last step ended; None for the first.
        marks: What scheduled events say of the buckets.
    """

    job: Job
    start_ms: int
    end_ms: int
    since_ms: int | None = None
    marks: Marks = field(default_factory=Marks)

    @property
    def span_ms(self) -> int:
        """Bucket length."""
        return self.job.bucket_span_ms

    @property
    def bucket_count(self) -> int:
        """Number of buckets."""
        return (self.end_ms - self.start_ms) // self.span_ms

    @property
    def first_bucket(self) -> int:
        """Number of the first bucket: its start over the bucket span."""
        return self.start_ms // self.span_ms

    @property
    def since_bucket(self) -> int:
        """Number of the bucket that would have followed the last step's."""
        return self.first_bucket if self.since_ms is None else min(self.since_ms // self.span_ms, self.first_bucket)

    @property
    def prune_buckets(self) -> int:
        """Buckets without data after which a series counts as ended."""
        return self.job.analysis_config.model_prune_window.ms // self.span_ms

    def times(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Starts of the buckets at some positions."""
        return self.start_ms + positions * self.span_ms

    def id_parts(self, result_type: str) -> tuple[str, str]:
        """What stands before and after the time in ids of a type; see `Stamp.document_id`."""
        return f"{self.job.job_id}_{result_type}_", f"_{self.span_ms // 1000}"

    def stamp(self, position: int) -> Stamp:
        """What the results of the bucket at a position have in common."""
        return Stamp(self.job.job_id, self.start_ms + position * self.span_ms, self.span_ms // 1000)
