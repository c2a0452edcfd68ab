"""Which model snapshots a job retains, and whether it would be opened with one that a server no longer reads.

A server reads what its own major version and the one before have stored. What stored it is told by the job's
configuration (`model_snapshot_min_version`), so nothing more is asked for.

Source: Elasticsearch, TransportOpenJobAction (the check of `_open`), MachineLearningField (the oldest version that is
read, of formats and not of releases), TransportUpgradeJobModelSnapshotAction (the snapshot in use only while the job is
closed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from anomalyops.health.conditions import Finding, History, holds
from anomalyops.plan import JobState, ObservedJob, SnapshotChoice, chosen_snapshots, learnt_time
from anomalyops.resources import AnomalyJob, Condition, ConditionType, Reason, RetainedSnapshotStatus

OLDEST_READ: Final = (8, 3, 0)  # by version 9 of Elasticsearch
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def retained_snapshots(
    job: AnomalyJob, observed: ObservedJob | None, last: Sequence[RetainedSnapshotStatus] | None
) -> list[RetainedSnapshotStatus] | None:
    """The snapshots of the manifest that the server retains; as told before where this look did not ask for them."""
    if observed is None or not job.spec.retained_snapshots:
        return None
    if observed.snapshots is None:
        return None if last is None else list(last)
    choices = [SnapshotChoice(snapshot_id=one.snapshot_id, before=one.before_ms) for one in job.spec.retained_snapshots]
    found = {
        str(one["snapshot_id"]): one
        for _, one in chosen_snapshots(choices, observed.snapshots)
        if one is not None and one.get("retain")
    }
    return [
        RetainedSnapshotStatus(snapshot_id=name, snapshot_time=learnt_time(one)) for name, one in sorted(found.items())
    ]


def snapshot_findings(observed: ObservedJob, history: History) -> Iterator[Finding | Condition]:
    """That the snapshot in use is too old, where it is; as it was told before where this look has no configuration."""
    if "analysis_config" not in observed.config:
        known = history.find(ConditionType.SNAPSHOT_TOO_OLD)
        if known is not None:
            yield known
        return
    stored = observed.config.get("model_snapshot_min_version")
    read = _VERSION.match(str(stored))
    if read is None or tuple(map(int, read.groups())) >= OLDEST_READ:
        return
    yield holds(ConditionType.SNAPSHOT_TOO_OLD, Reason.SNAPSHOT_TOO_OLD, _words(observed, str(stored)))


def _words(observed: ObservedJob, stored: str) -> str:
    job_id, snapshot = observed.config.get("job_id", ""), observed.config.get("model_snapshot_id", "")
    oldest = ".".join(map(str, OLDEST_READ))
    found = (
        f"job {job_id} would be opened with model snapshot {snapshot}, whose format is of {stored}; Elasticsearch 9 "
        f"opens no job with one of before {oldest}"
    )
    if observed.state in {JobState.OPENED, JobState.OPENING}:
        return f"{found}: a newer one is stored within hours while the job reads data, and when it is closed"
    upgrade = f"POST _ml/anomaly_detectors/{job_id}/model_snapshots/{snapshot}/_upgrade"
    return (
        f"{found}: on version 8, send {upgrade} while the job is closed; on version 9, go back to a newer snapshot, or "
        "to `empty`, with a ModelSnapshotRevert"
    )
