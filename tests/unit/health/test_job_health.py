"""What an AnomalyJob's status says in each situation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kstatus_reading import kstatus
from looks import LATER, MB, NOW, feed_look, job, job_look, message, seen_feed, seen_job, told

from anomalyops.health import Failure, FailureKind, PlanState, unreachable_job
from anomalyops.plan import CloseJob, Obstacle, Subject, UpdateDatafeed, UpdateJob
from anomalyops.resources import Reason, find_condition

UPDATE = UpdateJob(job_id="logs", body={"description": "b"}, reason="description a -> b")
CLOSE = CloseJob(job_id="logs", reason="spec.state is Closed")


def obstacle(reason, waiting=False, subject=Subject.JOB):
    return Obstacle(reason=reason, message=f"because of {reason}", subject=subject, waiting=waiting)


def failed(kind, step=None):
    return Failure(kind=kind, message="what the server said", step=step)


# resource, what the server has, plan state, Ready, typed conditions, kstatus
SITUATIONS = {
    "open": (job(), seen_job(), PlanState(), ("True", "Ready"), {}, "Current"),
    "opening": (job(), seen_job("opening"), PlanState(), ("False", "Starting"), {}, "InProgress"),
    "no node has room": (
        job(),
        seen_job("opening", explanation="not enough memory"),
        PlanState(),
        ("False", "WaitingForCapacity"),
        {},
        "InProgress",
    ),
    "closing": (job(), seen_job("closing"), PlanState(), ("False", "Stopping"), {}, "InProgress"),
    "closed and to be opened": (job(), seen_job("closed"), PlanState(), ("False", "Starting"), {}, "InProgress"),
    "closed as asked": (job(state="Closed"), seen_job("closed"), PlanState(), ("True", "Closed"), {}, "Current"),
    "open but to be closed": (job(state="Closed"), seen_job(), PlanState(), ("False", "Stopping"), {}, "InProgress"),
    "suspended": (job(suspend=True), seen_job("closed"), PlanState(), ("True", "Suspended"), {}, "Current"),
    "failed": (
        job(),
        seen_job("failed", explanation="out of memory"),
        PlanState(),
        ("False", "JobFailed"),
        {"JobFailed": "JobFailed"},
        "InProgress",
    ),
    "soft limit": (
        job(),
        seen_job(memory="soft_limit"),
        PlanState(),
        ("True", "Ready"),
        {"MemoryLimited": "MemorySoftLimit"},
        "Current",
    ),
    "hard limit": (
        job(),
        seen_job(memory="hard_limit"),
        PlanState(),
        ("False", "MemoryHardLimit"),
        {"MemoryLimited": "MemoryHardLimit", "Stalled": "MemoryHardLimit"},
        "Failed",
    ),
    "immutable field": (
        job(),
        seen_job(),
        PlanState(obstacles=(obstacle(Reason.IMMUTABLE_FIELD_CHANGED),)),
        ("False", "ImmutableFieldChanged"),
        {"Stalled": "ImmutableFieldChanged"},
        "Failed",
    ),
    "upgrade mode": (
        job(),
        seen_job(),
        PlanState(obstacles=(obstacle(Reason.UPGRADE_MODE, waiting=True),)),
        ("False", "UpgradeMode"),
        {},
        "InProgress",
    ),
    "work to do": (job(), seen_job(), PlanState(pending=(UPDATE,)), ("False", "Updating"), {}, "InProgress"),
    "work on the datafeed": (
        job(),
        seen_job(),
        PlanState(pending=(UpdateDatafeed(datafeed_id="f", body={}, reason="x"),)),
        ("True", "Ready"),
        {},
        "Current",
    ),
    "rejected": (
        job(),
        seen_job(),
        PlanState(pending=(UPDATE,), failure=failed(FailureKind.REJECTED, UPDATE)),
        ("False", "Rejected"),
        {"Stalled": "Rejected"},
        "Failed",
    ),
    "busy": (
        job(),
        seen_job(),
        PlanState(pending=(UPDATE,), failure=failed(FailureKind.BUSY, UPDATE)),
        ("False", "ServerError"),
        {},
        "InProgress",
    ),
    "licence": (
        job(),
        seen_job("closed"),
        PlanState(failure=failed(FailureKind.LICENSE, CLOSE)),
        ("False", "LicenseInvalid"),
        {"LicenseInvalid": "LicenseInvalid", "Stalled": "LicenseInvalid"},
        "Failed",
    ),
    "deleted": (job(deleted=True), seen_job(), PlanState(), ("False", "Deleting"), {}, "Terminating"),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_situation(situation):
    resource, seen, state, ready, typed, reading = SITUATIONS[situation]
    status = job_look(resource, seen, state=state)
    assert told(status) == ready
    for type_ in ("MemoryLimited", "JobFailed", "LicenseInvalid", "Stalled", "ConnectionUnavailable"):
        expected = ("True", typed[type_]) if type_ in typed else None
        assert told(status, type_) == expected
    assert kstatus(resource, status) == reading
    assert status.observed_generation == 1


def test_a_job_that_does_not_exist_yet_is_pending_from_the_first_look():
    status = job_look(gone=True)
    assert told(status) == ("False", "Pending")
    assert told(status, "Synced") == ("False", "Updating")
    assert kstatus(job(), status) == "InProgress"


def test_a_complete_lookback_is_ready():
    status = job_look(observed=seen_job("closed"), done=True)
    assert told(status) == ("True", "LookbackComplete")
    assert status.data_counts.processed_record_count == 1284, "exact once the job is closed"


def of_format(version, state="opened"):
    """A job whose snapshot in use is of a format."""
    config = {"job_id": "logs", "analysis_config": {}, "model_snapshot_id": "1700000000"}
    given = {} if version is None else {"model_snapshot_min_version": version}
    return replace(seen_job(state), config=config | given)


@pytest.mark.parametrize("version", ["6.4.0", "7.17.29", "8.2.3"])
@pytest.mark.parametrize(("state", "way"), [("opened", "within hours"), ("closed", "1700000000/_upgrade")])
def test_a_snapshot_that_the_next_server_does_not_read_is_told_of(version, state, way):
    status = job_look(job(state="Closed" if state == "closed" else "Opened"), of_format(version, state))
    assert told(status, "SnapshotTooOld") == ("True", "SnapshotTooOld")
    assert told(status)[0] == "True"
    for words in (version, "Elasticsearch 9", way):
        assert words in message(status, "SnapshotTooOld")
    between = job_look(previous=status)  # a look without configurations
    assert find_condition(between.conditions, "SnapshotTooOld") == find_condition(status.conditions, "SnapshotTooOld")
    assert told(job_look(observed=of_format("8.3.0"), previous=status), "SnapshotTooOld") is None


@pytest.mark.parametrize("version", [None, "8.3.0", "8.10.1", "10.0.0", "12.0.0", "unheard of"])
def test_any_other_snapshot_is_not(version):
    assert told(job_look(observed=of_format(version, "closed")), "SnapshotTooOld") is None


def test_messages_say_what_to_do():
    text = message(job_look(observed=seen_job(memory="hard_limit")))
    assert "1024mb" in text
    assert "spec.analysisLimits.modelMemoryLimit" in text
    assert "out of memory" in message(job_look(observed=seen_job("failed", explanation="out of memory")), "JobFailed")


# -- Synced -----------------------------------------------------------------------------------------------


def test_synced_is_false_while_a_change_is_to_be_made_and_says_drifted_when_somebody_else_made_it():
    fresh = job_look(state=PlanState(pending=(UPDATE,)))
    assert told(fresh, "Synced") == ("False", "Updating")
    synced = job_look(previous=fresh)
    assert told(synced, "Synced") == ("True", "Synced")
    assert told(job_look(previous=synced, state=PlanState(pending=(UPDATE,))), "Synced") == ("False", "Drifted")
    edited = job_look(job(generation=2), previous=synced, state=PlanState(pending=(UPDATE,)))
    assert told(edited, "Synced") == ("False", "Updating")


def test_a_run_state_to_be_changed_is_no_drift_of_the_configuration():
    assert told(job_look(state=PlanState(pending=(CLOSE,))), "Synced") == ("True", "Synced")


def test_a_look_without_configurations_keeps_what_was_known():
    refused = job_look(state=PlanState(obstacles=(obstacle(Reason.IMMUTABLE_FIELD_CHANGED),)))
    later = job_look(previous=refused, state=PlanState(compared=False), now=LATER)
    assert later == refused
    newer = job_look(job(generation=2), previous=refused, state=PlanState(compared=False), now=LATER)
    assert newer == refused, "nothing was found out about the new manifest yet"
    first = job_look(state=PlanState(compared=False))
    assert told(first) == ("False", "Pending")
    assert told(first, "Synced") == ("Unknown", "Pending")


def test_what_waits_for_a_window_still_does_at_a_look_without_configurations():
    window = replace(obstacle(Reason.WAITING_FOR_WINDOW), waiting=True)
    waits = job_look(state=PlanState(obstacles=(window,)))
    assert told(waits) == ("False", "WaitingForWindow")
    assert told(waits, "Synced") == ("False", "WaitingForWindow")
    assert kstatus(job(), waits) == "InProgress"
    assert job_look(previous=waits, state=PlanState(compared=False), now=LATER) == waits
    assert told(job_look(previous=waits, now=LATER)) == ("True", "Ready"), "it was done"


def test_a_job_whose_datafeed_cannot_run_is_not_ready():
    """`kubectl wait` on the job must not pass while no data reaches it."""
    trouble = find_condition(feed_look(observed=seen_feed(), observed_job=seen_job(records=0)).conditions, "Ready")
    status = job_look(trouble=trouble)
    assert told(status) == ("False", "NoData")
    assert told(status, "Synced") == ("True", "Synced")
    closed = job_look(job(state="Closed"), seen_job(), trouble=trouble)
    assert told(closed) == ("False", "Stopping"), "its own trouble comes first"


# -- time and change --------------------------------------------------------------------------------------


def test_the_transition_time_stays_while_the_status_of_a_condition_stays():
    first = job_look(observed=seen_job("opening"))
    second = job_look(observed=seen_job("opening", explanation="no room"), previous=first, now=LATER)
    assert told(second) == ("False", "WaitingForCapacity")
    assert find_condition(second.conditions, "Ready").last_transition_time == NOW
    third = job_look(previous=second, now=LATER)
    assert find_condition(third.conditions, "Ready").last_transition_time == LATER


def test_a_quiet_server_changes_nothing():
    first = job_look(observed=seen_job(used=100 * MB, records=1284))
    assert job_look(observed=seen_job(used=101 * MB, records=1291), previous=first, now=LATER) == first


def test_a_fuller_model_is_told_in_steps():
    first = job_look(observed=seen_job(used=100 * MB))
    assert first.memory.percent == 5
    second = job_look(observed=seen_job(used=600 * MB), previous=first)
    assert second.memory.percent == 55
    assert second.memory.model_bytes == 600 * MB


def test_the_time_of_the_last_change_is_kept():
    first = job_look(state=PlanState(executed=True))
    assert first.last_sync_time == NOW
    assert job_look(previous=first, now=LATER).last_sync_time == NOW


# -- connection lost ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "condition", "reading"),
    [
        (FailureKind.CONNECTION, "ConnectionUnavailable", "InProgress"),
        (FailureKind.TIMEOUT, "ConnectionUnavailable", "InProgress"),
        (FailureKind.UNAUTHORIZED, "ConnectionUnavailable", "Failed"),
        (FailureKind.SECRET_NOT_FOUND, "ConnectionUnavailable", "InProgress"),
        (FailureKind.SECRET_FORBIDDEN, "ConnectionUnavailable", "Failed"),
        (FailureKind.LICENSE, "LicenseInvalid", "Failed"),
    ],
)
def test_a_lost_connection_keeps_what_is_known(kind, condition, reading):
    known = job_look(observed=seen_job(memory="soft_limit"))
    lost = unreachable_job(known, job(), failed(kind), LATER)
    assert told(lost)[0] == "Unknown"
    assert told(lost, condition)[0] == "True"
    assert told(lost, "Synced") == ("True", "Synced")
    assert told(lost, "MemoryLimited") == ("True", "MemorySoftLimit")
    assert lost.memory == known.memory
    assert kstatus(job(), lost) == reading
    assert unreachable_job(lost, job(), failed(kind), LATER) == lost
    back = job_look(observed=seen_job(memory="soft_limit"), previous=lost)
    assert told(back) == ("True", "Ready")
    assert told(back, condition) is None


def test_the_first_look_may_find_nobody():
    lost = unreachable_job(None, job(), failed(FailureKind.CONNECTION), NOW)
    assert told(lost) == ("Unknown", "Unreachable")
    assert lost.job_id == "logs"
