"""What a Datafeed's status says in each situation. Started is not healthy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from kstatus_reading import kstatus
from looks import LATER, NOW, annotated, feed, feed_look, job, job_look, message, noted, seen_feed, seen_job, told

from anomalyops.health import Failure, FailureKind, Messages, PlanState, unreachable_datafeed
from anomalyops.plan import Obstacle, StartDatafeed, Subject
from anomalyops.resources import Reason

ERROR = "Datafeed is encountering errors extracting data: no such index [logs]"
RECOVERED = "Datafeed has recovered data extraction and analysis"
NO_DATA = "Datafeed has been retrieving no data for a while"
DATA_AGAIN = "Datafeed has started retrieving data again"
LATE = (
    "Datafeed has missed 1,284 documents due to ingest latency, latest bucket with missing data is "
    "[2026-01-01T11:00:00.000Z]. Consider increasing query_delay"
)
BOUNDED = {"start": "1700000000", "end": "2026-01-01T00:00:00Z"}


def waits(reason, subject=Subject.DATAFEED):
    return PlanState(obstacles=(Obstacle(reason=reason, message="it waits", subject=subject, waiting=True),))


SITUATIONS = {
    "real time": (feed(), seen_feed(), job(), PlanState(), ("True", "Ready"), "Current"),
    "catching up": (feed(), seen_feed(real_time=False), job(), PlanState(), ("True", "Ready"), "Current"),
    "starting": (feed(), seen_feed("starting"), job(), PlanState(), ("False", "Starting"), "InProgress"),
    "stopping": (feed(), seen_feed("stopping"), job(), PlanState(), ("False", "Stopping"), "InProgress"),
    "not running yet": (feed(), seen_feed("stopped"), job(), PlanState(), ("False", "Starting"), "InProgress"),
    "stopped as asked": (
        feed(state="Stopped"),
        seen_feed("stopped"),
        job(),
        PlanState(),
        ("True", "Stopped"),
        "Current",
    ),
    "to be stopped": (feed(state="Stopped"), seen_feed(), job(), PlanState(), ("False", "Stopping"), "InProgress"),
    "suspended": (feed(suspend=True), seen_feed("stopped"), job(), PlanState(), ("True", "Suspended"), "Current"),
    "suspended with its job": (
        feed(),
        seen_feed("stopped"),
        job(suspend=True),
        PlanState(),
        ("True", "Suspended"),
        "Current",
    ),
    "lookback runs": (
        feed(**BOUNDED),
        seen_feed(real_time=False),
        job(),
        PlanState(),
        ("False", "LookbackRunning"),
        "InProgress",
    ),
    "unassigned": (
        feed(),
        seen_feed(explanation="no node"),
        job(),
        PlanState(),
        ("False", "WaitingForCapacity"),
        "InProgress",
    ),
    "waits for its job": (
        feed(),
        None,
        None,
        waits(Reason.WAITING_FOR_JOB),
        ("False", "WaitingForJob"),
        "InProgress",
    ),
    "waits with its job": (
        feed(),
        seen_feed(),
        job(),
        waits(Reason.BLOCKED, Subject.JOB),
        ("False", "Blocked"),
        "InProgress",
    ),
    "index forbidden": (
        feed(),
        seen_feed("stopped"),
        job(),
        PlanState(
            failure=Failure(
                kind=FailureKind.FORBIDDEN,
                message="lacks permissions on the indices",
                step=StartDatafeed(datafeed_id="datafeed-logs", reason="x"),
            )
        ),
        ("False", "Forbidden"),
        "Failed",
    ),
    "deleted": (feed(deleted=True), seen_feed(), job(), PlanState(), ("False", "Deleting"), "Terminating"),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_situation(situation):
    resource, seen, of_job, state, ready, reading = SITUATIONS[situation]
    status = feed_look(resource, seen, of_job=of_job, state=state, gone=seen is None)
    assert told(status) == ready
    assert kstatus(resource, status) == reading


def test_a_complete_lookback_is_ready_and_not_called_stopped():
    resource = feed(**BOUNDED)
    status = feed_look(resource, seen_feed("stopped"), observed_job=seen_job("closed"), done=True)
    assert told(status) == ("True", "LookbackComplete")
    assert told(status, "DatafeedStopped") is None
    assert kstatus(resource, status) == "Current"
    assert status.effective_search.end.isoformat() == "2026-01-01T00:00:00+00:00"


def test_a_complete_lookback_without_a_document_is_a_mistake_to_be_looked_at():
    status = feed_look(feed(**BOUNDED), seen_feed("stopped"), observed_job=seen_job("closed", records=0), done=True)
    assert told(status) == ("False", "NoData")
    assert told(status, "Stalled") == ("True", "NoData")
    assert "query" in message(status)


def test_a_datafeed_that_caught_up_without_a_document_is_not_ready():
    """Running is not healthy: a query that matches nothing shows in the counts, whatever messages there are."""
    catching_up = feed_look(observed=seen_feed(real_time=False), observed_job=seen_job(records=0))
    assert told(catching_up) == ("True", "Ready")
    assert told(feed_look(observed=seen_feed(), observed_job=seen_job(records=0))) == ("False", "NoData")
    assert told(feed_look(observed=seen_feed(), observed_job=seen_job(records=1))) == ("True", "Ready")


def test_a_start_that_is_refused_says_nothing_against_the_configuration():
    start = StartDatafeed(datafeed_id="datafeed-logs", reason="spec.state is Started")
    refused = PlanState(failure=Failure(kind=FailureKind.REJECTED, message="no mapping", step=start), pending=(start,))
    status = feed_look(observed=seen_feed("stopped"), state=refused)
    assert told(status) == ("False", "Rejected")
    assert told(status, "Stalled") == ("True", "Rejected")
    assert told(status, "Synced") == ("True", "Synced")


def test_stopped_unasked_has_a_condition_of_its_own():
    status = feed_look(observed=seen_feed("stopped"), previous=feed_look())
    assert told(status) == ("False", "DatafeedStopped")
    assert told(status, "DatafeedStopped") == ("True", "DatafeedStopped")
    assert told(feed_look(previous=status), "DatafeedStopped") is None


@pytest.mark.parametrize(
    ("resource", "of_job"),
    [
        (feed(generation=2), None),  # it was suspended, or it is being changed
        (feed(), job(generation=2).model_copy(update={"status": job_look()})),  # its job was
        (feed(), job()),  # its job was deleted with Retain, and has come back
    ],
)
def test_what_the_operator_stopped_itself_is_no_warning(resource, of_job):
    status = feed_look(resource, seen_feed("stopped"), of_job=of_job, previous=feed_look())
    assert told(status) == ("False", "Starting")
    assert told(status, "DatafeedStopped") is None
    start = StartDatafeed(datafeed_id="datafeed-logs", reason="spec.state is Started")
    failed = PlanState(failure=Failure(kind=FailureKind.BUSY, message="full", step=start), pending=(start,))
    status = feed_look(resource, seen_feed("stopped"), of_job=of_job, state=failed, previous=feed_look())
    assert told(status, "DatafeedStopped") == ("True", "DatafeedStopped")  # and could not start again


def test_a_failed_job_is_its_datafeeds_trouble_too():
    assert told(feed_look(observed=seen_feed("stopped"), observed_job=seen_job("failed"))) == ("False", "JobFailed")


# -- started but not healthy ------------------------------------------------------------------------------


def test_searches_that_fail_make_a_started_datafeed_unready_until_they_recover():
    failing = feed_look(messages=noted(ERROR))
    assert told(failing) == ("False", "ExtractionFailing")
    assert "no such index [logs]" in message(failing)
    quiet = feed_look(previous=failing, now=LATER)
    assert quiet == failing, "no news is no recovery"
    assert told(feed_look(previous=quiet, messages=noted(RECOVERED), now=LATER)) == ("True", "Ready")


def test_a_restart_is_a_new_beginning():
    failing = feed_look(messages=noted(ERROR))
    stopped = feed_look(observed=seen_feed("stopped"), previous=failing)
    assert told(feed_look(previous=stopped)) == ("True", "Ready")
    assert told(feed_look(previous=failing, messages=noted("Datafeed started in real-time"))) == ("True", "Ready")


@pytest.mark.parametrize(
    ("texts", "ready"),
    [
        ((ERROR, RECOVERED), ("True", "Ready")),
        ((RECOVERED, ERROR), ("False", "ExtractionFailing")),
        ((NO_DATA,), ("False", "NoData")),
        ((NO_DATA, DATA_AGAIN), ("True", "Ready")),
        ((NO_DATA, ERROR), ("False", "ExtractionFailing")),
        (("Job updated: [description]",), ("True", "Ready")),
    ],
)
def test_the_last_message_counts(texts, ready):
    in_order = noted(*texts)
    assert told(feed_look(messages=in_order)) == ready
    mixed = Messages(notifications=tuple(reversed(in_order.notifications)))
    assert told(feed_look(messages=mixed)) == ready


# -- delayed data --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("messages", [annotated(LATE), noted(LATE)], ids=["annotation", "notification"])
def test_delayed_data_says_how_many_where_and_what_to_do(messages):
    status = feed_look(messages=messages)
    assert told(status) == ("True", "Ready"), "what arrives late does not stop what arrives in time"
    assert told(status, "DataDelayed") == ("True", "DataDelayed")
    assert status.delayed_data.missing_documents == 1284
    text = message(status, "DataDelayed")
    assert "1284 documents" in text
    assert "2026-01-01T11:00:00" in text
    assert "spec.queryDelay (now 61499ms)" in text


def test_delayed_data_passes_a_day_after_the_last_report():
    status = feed_look(messages=annotated(LATE))
    soon = feed_look(previous=status, now=NOW + timedelta(hours=23))
    assert soon == status
    gone = feed_look(previous=status, now=NOW + timedelta(hours=25))
    assert told(gone, "DataDelayed") is None
    assert gone.delayed_data == status.delayed_data


def test_an_old_report_does_not_replace_a_newer_one():
    newer = feed_look(messages=annotated(LATE.replace("1,284", "7"), at=LATER))
    assert feed_look(previous=newer, messages=annotated(LATE, at=NOW), now=LATER) == newer


# -- and the rest ----------------------------------------------------------------------------------------------


def test_messages_are_read_from_documents():
    messages = Messages.of(
        notifications=[{"timestamp": 1_767_268_800_000, "level": "error", "message": ERROR, "job_id": "logs"}],
        annotations=[
            {
                "timestamp": 1_767_268_800_000,
                "create_time": 1_767_268_900_000,
                "end_timestamp": 1_767_269_700_000,
                "event": "delayed_data",
                "annotation": LATE,
            }
        ],
    )
    status = feed_look(messages=messages)
    assert told(status) == ("False", "ExtractionFailing")
    assert status.delayed_data.observed_at.timestamp() == 1_767_268_900


def test_a_lost_connection_keeps_what_is_known():
    known = feed_look(messages=annotated(LATE))
    failure = Failure(kind=FailureKind.CONNECTION, message="connection refused")
    lost = unreachable_datafeed(known, feed(), failure, LATER)
    assert told(lost) == ("Unknown", "Unreachable")
    assert told(lost, "ConnectionUnavailable") == ("True", "Unreachable")
    assert told(lost, "DataDelayed") == ("True", "DataDelayed")
    assert lost.datafeed_state == "started"
    assert "connection refused" in message(lost)
