"""What is said of a pair that is left to a request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from anomalyops.health import held_status
from anomalyops.watching.controller import Report
from anomalyops.watching.objects import Seen


def held_report(seen: Sequence[Seen[Any]], holder: Seen[Any], now: datetime) -> Report:
    """The statuses of resources that nothing is done for while a request is at work on their job.

    Args:
        seen: The resources.
        holder: The request.
        now: The time.
    """
    message = f"{holder.kind.name} {holder.key.name} is at work on the job, and nothing else is done until it ends"
    statuses = [(one, held_status(one.resource, message, now)) for one in seen if one.resource is not None]
    return Report(statuses=tuple((one, status.manifest()) for one, status in statuses))
