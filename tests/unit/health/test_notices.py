"""Events: told once, when something changes."""

from __future__ import annotations

from looks import LATER, feed, feed_look, job, job_look, noted, seen_feed, seen_job

from anomalyops.health import Failure, FailureKind, PlanState, transitions, unreachable_job
from anomalyops.plan import UpdateJob


def told(resource, previous, current):
    return [(notice.type, notice.reason) for notice in transitions(resource, previous, current)]


def test_nothing_changed_nothing_told():
    status = job_look(observed=seen_job(memory="hard_limit"))
    assert told(job(), status, status) == []
    assert told(job(), status, job_look(observed=seen_job(memory="hard_limit"), previous=status, now=LATER)) == []


def test_the_first_status_is_told():
    (notice,) = transitions(job(), None, job_look())
    assert (notice.kind, notice.name, notice.type, notice.reason) == ("AnomalyJob", "logs", "Normal", "Ready")


def test_a_memory_limit_is_told_once_when_it_grows_worse_and_when_it_passes():
    fine = job_look()
    soft = job_look(observed=seen_job(memory="soft_limit"), previous=fine)
    hard = job_look(observed=seen_job(memory="hard_limit"), previous=soft)
    again = job_look(previous=hard)
    assert told(job(), fine, soft) == [("Warning", "MemorySoftLimit")]
    assert told(job(), soft, hard) == [("Warning", "MemoryHardLimit")]
    assert told(job(), hard, again) == [("Normal", "Recovered"), ("Normal", "Ready")]


def test_a_lost_connection_and_its_return():
    fine = job_look()
    lost = unreachable_job(fine, job(), Failure(kind=FailureKind.CONNECTION, message="refused"), LATER)
    assert told(job(), fine, lost) == [("Warning", "Unreachable")]
    assert told(job(), lost, job_look(previous=lost)) == [("Normal", "Recovered"), ("Normal", "Ready")]


def test_drift_is_a_warning():
    fine = job_look()
    pending = PlanState(pending=(UpdateJob(job_id="logs", body={}, reason="description a -> b"),))
    assert told(job(), fine, job_look(previous=fine, state=pending)) == [("Warning", "Drifted"), ("Normal", "Updating")]


def test_failing_searches_are_told_once_though_the_error_changes():
    fine = feed_look()
    first = feed_look(previous=fine, messages=noted("Datafeed is encountering errors extracting data: a"))
    second = feed_look(previous=first, messages=noted("Datafeed is encountering errors extracting data: b"))
    assert told(feed(), fine, first) == [("Warning", "ExtractionFailing")]
    assert first != second
    assert told(feed(), first, second) == []


def test_a_datafeed_that_stopped():
    fine = feed_look()
    assert told(feed(), fine, feed_look(observed=seen_feed("stopped"), previous=fine)) == [
        ("Warning", "DatafeedStopped")
    ]
