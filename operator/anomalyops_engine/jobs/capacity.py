"""Which jobs the memory of this machine has room for (Elasticsearch's assignment of jobs, to one node)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from anomalyops_engine.config import MemorySize
from anomalyops_engine.jobs.registry import JobEntry
from anomalyops_engine.refusals import MlError

# How often a job that waits for memory looks whether there is some.
RETRY_S: Final = 1.0


def shortage(job: JobEntry, jobs: Iterable[JobEntry], memory: MemorySize) -> str | None:
    """Return why a job cannot be open now, None when it can.

    It needs room for all that its limit allows, beside what the models of the open jobs have grown to.

    Args:
        job: the job.
        jobs: every job.
        memory: what all models together may use.
    """
    others = [other for other in jobs if other is not job and other.run.state == "opened"]
    used = sum(int(other.run.model_size.get("model_bytes", 0)) for other in others)
    if job.config.memory_limit.bytes <= memory.bytes - used:
        return None
    return (
        f"Not opening job [{job.job_id}], because this node has insufficient available memory. Available memory for ML "
        f"[{memory.bytes} ({memory})], memory required by existing jobs [{used} ({MemorySize(used >> 20)})], estimated "
        f"memory required for this job [{job.config.memory_limit.bytes} ({job.config.memory_limit})]"
    )


def no_room(explanation: str) -> MlError:
    """Return the 429 for a job that there is no memory for, and that does not wait."""
    cause = f"Could not open job because no suitable nodes were found, allocation explanation [{explanation}]"
    return MlError(
        429,
        "status_exception",
        "Could not open job because no ML nodes with sufficient capacity were found",
        {"type": "illegal_state_exception", "reason": cause},
    )
