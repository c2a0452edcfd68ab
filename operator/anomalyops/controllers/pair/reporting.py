"""From what came of a pair to what is written: each status and notice with the object that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from anomalyops.health import Notice
from anomalyops.resources import AnomalyJob, AnomalyJobStatus, Datafeed, DatafeedStatus
from anomalyops.watching.controller import Report
from anomalyops.watching.objects import Seen


def pair_report(
    seen: Iterable[Seen[Any]],
    job_status: AnomalyJobStatus | None,
    datafeed_status: DatafeedStatus | None,
    notices: Iterable[Notice],
) -> Report:
    """Statuses and notices, each with the object that it is about."""
    # What cannot be read says that, and nothing else, unless it is on its way out.
    of_kind = {one.kind.name: one for one in seen if one.resource is not None or deletion_asked([one])}
    statuses: dict[str, AnomalyJobStatus | DatafeedStatus | None]
    statuses = {AnomalyJob.KIND: job_status, Datafeed.KIND: datafeed_status}
    return Report(
        statuses=tuple(
            (of_kind[kind], status.manifest())
            for kind, status in statuses.items()
            if status is not None and kind in of_kind
        ),
        notices=tuple(
            (of_kind[notice.kind], notice)
            for notice in notices
            if notice.kind in of_kind and of_kind[notice.kind].metadata.name == notice.name
        ),
    )


def deletion_asked(seen: Iterable[Seen[Any]]) -> bool:
    """Whether one of them is on its way out."""
    return any(one.metadata.deletion_timestamp is not None for one in seen)
