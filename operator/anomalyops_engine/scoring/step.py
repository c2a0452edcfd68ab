"""The context of one step of an analysis: the job as it is now, and the stretch of buckets."""

from __future__ import annotations

from dataclasses import dataclass

from anomalyops_engine.config import Job
from anomalyops_engine.scoring.documents import Stamp


@dataclass(frozen=True, slots=True)
class Step:
    """What detecting, counting and composing know of a step; calendars and filters of the step belong here.

    Attributes:
        job: The job, as configured now.
        start_ms: Start of the first bucket, epoch milliseconds, a multiple of the bucket span.
        end_ms: End of the last bucket, exclusive.
    """

    job: Job
    start_ms: int
    end_ms: int

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
    def prune_buckets(self) -> int:
        """Buckets without data after which a series counts as ended."""
        return self.job.analysis_config.model_prune_window.ms // self.span_ms

    def stamp(self, position: int) -> Stamp:
        """What the results of the bucket at a position have in common."""
        return Stamp(self.job.job_id, self.start_ms + position * self.span_ms, self.span_ms // 1000)
