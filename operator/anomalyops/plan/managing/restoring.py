"""The way back after a change that ended in the middle: what ran before runs again."""

from __future__ import annotations

from anomalyops.plan.core.steps import Step
from anomalyops.plan.managing.seen import Seen
from anomalyops.plan.pair.steps import OpenJob, StartDatafeed

_WHY = "it ran before the change that failed"


def restoring(before: Seen, now: Seen) -> tuple[Step, ...]:
    """The steps that bring back the run state from before a change.

    Args:
        before: As things were.
        now: As the change has left them.
    """
    steps: list[Step] = []
    if now.job is None:
        return ()
    job_id = str(now.job["job_id"])
    if (before.open or before.running) and not now.open:
        steps.append(OpenJob(job_id=job_id, reason=_WHY))
    if before.running and not now.running and now.feed_id:
        steps.append(StartDatafeed(datafeed_id=now.feed_id, reason=_WHY))
    return tuple(steps)
