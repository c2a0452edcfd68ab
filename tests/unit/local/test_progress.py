"""How far a pair is: verdicts from conditions, and the part of a lookback that is done."""

from datetime import UTC, datetime

import pytest

from anomalyops.local.deleting import marked
from anomalyops.local.progress import Verdict, measure, verdict_of
from anomalyops.plan import JobState, Observed, ObservedJob
from anomalyops.reconciler import Pair
from anomalyops.resources import (
    AnomalyJob,
    AnomalyJobStatus,
    Condition,
    Datafeed,
    DatafeedStatus,
    DeletionPolicy,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOB = AnomalyJob.from_object(
    {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": "AnomalyJob",
        "metadata": {"name": "web"},
        "spec": {
            "analysisConfig": {"bucketSpan": "1h", "detectors": [{"function": "count"}]},
            "dataDescription": {"timeField": "time"},
        },
    }
)
FEED = Datafeed.from_object(
    {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": "Datafeed",
        "metadata": {"name": "feed"},
        "spec": {
            "jobRef": {"name": "web"},
            "indices": ["logs"],
            "start": "2026-01-01T00:00:00Z",
            "end": "2026-01-11T00:00:00Z",
        },
    }
)


def conditions(**statuses):
    return [
        Condition(type=kind, status=status, reason="Reason", message=f"about {kind}", last_transition_time=NOW)
        for kind, status in statuses.items()
    ]


def pair(job, feed):
    return Pair(
        job=JOB.model_copy(update={"status": AnomalyJobStatus(conditions=conditions(**job))}),
        datafeed=FEED.model_copy(update={"status": DatafeedStatus(conditions=conditions(**feed))}),
    )


READY, NOT_READY, STALLED = {"Ready": "True"}, {"Ready": "False"}, {"Ready": "False", "Stalled": "True"}


@pytest.mark.parametrize(
    ("job", "feed", "verdict", "words"),
    [
        (READY, READY, Verdict.READY, ""),
        (READY, NOT_READY, Verdict.WORKING, "Datafeed: Reason: about Ready"),
        (NOT_READY, READY, Verdict.WORKING, "AnomalyJob: Reason: about Ready"),
        (STALLED, NOT_READY, Verdict.STUCK, "AnomalyJob: Reason: about Stalled"),
        (READY, STALLED, Verdict.STUCK, "Datafeed: Reason: about Stalled"),
        ({}, READY, Verdict.WORKING, "AnomalyJob: not looked at yet"),
    ],
)
def test_the_verdict_on_a_pair(job, feed, verdict, words):
    assert verdict_of(pair(job, feed)) == (verdict, words)


def test_a_datafeed_whose_job_is_nowhere_is_not_waited_for():
    verdict, words = verdict_of(Pair(datafeed=FEED))
    assert verdict is Verdict.STUCK
    assert "AnomalyJob 'web' is not in the files" in words


def observed(latest):
    counts = {"processed_record_count": 7, "latest_record_timestamp": latest}
    return Observed(job=ObservedJob(config={}, state=JobState.OPENED, stats={"data_counts": counts}), datafeed=None)


@pytest.mark.parametrize(
    ("reached", "fraction"),
    [("2026-01-06T00:00:00Z", 0.5), ("2026-01-12T00:00:00Z", 1.0), ("2025-12-30T00:00:00Z", 0.0)],
)
def test_the_part_of_the_lookback_that_is_done(reached, fraction):
    latest = round(datetime.fromisoformat(reached).timestamp() * 1000)
    progress = measure(pair(READY, NOT_READY), observed(latest))
    assert progress.fraction == pytest.approx(fraction)
    assert progress.processed == 7
    assert progress.reached == datetime.fromisoformat(reached)


def test_without_a_look_at_the_server_nothing_is_known():
    assert measure(pair(READY, NOT_READY), None).fraction is None


def test_a_pair_marked_for_deletion_carries_the_policy_that_was_asked_for():
    kept = marked(Pair(job=JOB, datafeed=FEED), None, NOW)
    gone = marked(Pair(job=JOB, datafeed=FEED), DeletionPolicy.DELETE, NOW)
    for item, policy in ((kept, DeletionPolicy.RETAIN), (gone, DeletionPolicy.DELETE)):
        assert item.job is not None
        assert item.datafeed is not None
        assert item.job.metadata.deletion_timestamp == item.datafeed.metadata.deletion_timestamp == NOW
        assert item.job.spec.deletion_policy is item.datafeed.spec.deletion_policy is policy
