"""What holds for every status, over generated observations."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from kstatus_reading import kstatus
from looks import MB, NOW, annotated, feed, feed_look, job, job_look, noted, seen_feed, seen_job

from anomalyops.health import Failure, FailureKind, PlanState, transitions
from anomalyops.plan import Obstacle, StartDatafeed, Subject, UpdateJob
from anomalyops.resources import ConditionStatus, Reason

QUIET = settings(settings.get_profile("health"))

steps = st.sampled_from(
    [UpdateJob(job_id="logs", body={}, reason="why"), StartDatafeed(datafeed_id="datafeed-logs", reason="why")]
)
obstacles = st.builds(
    Obstacle,
    reason=st.sampled_from([Reason.IMMUTABLE_FIELD_CHANGED, Reason.BLOCKED, Reason.CONFLICT, Reason.CLOSED]),
    message=st.just("why"),
    subject=st.sampled_from(list(Subject)),
    waiting=st.booleans(),
)
failures = st.builds(Failure, kind=st.sampled_from(list(FailureKind)), message=st.just("why"), step=st.none() | steps)
plan_states = st.builds(
    PlanState,
    obstacles=st.lists(obstacles, max_size=2).map(tuple),
    pending=st.lists(steps, max_size=2).map(tuple),
    failure=st.none() | st.none() | failures,
    compared=st.booleans(),
)
explanations = st.sampled_from(["", "", "no node has room"])
seen_jobs = st.builds(
    seen_job,
    state=st.sampled_from(["closed", "opening", "opened", "opened", "closing", "failed"]),
    memory=st.sampled_from(["ok", "soft_limit", "hard_limit"]),
    used=st.integers(0, 1100 * MB),
    records=st.integers(0, 10**7),
    explanation=explanations,
)
seen_feeds = st.builds(
    seen_feed,
    state=st.sampled_from(["stopped", "starting", "started", "started", "stopping"]),
    real_time=st.booleans(),
    explanation=explanations,
)
jobs = st.builds(
    job,
    generation=st.integers(1, 3),
    deleted=st.sampled_from([False, False, False, True]),
    suspend=st.booleans(),
    state=st.sampled_from(["Opened", "Opened", "Closed"]),
)
feeds = st.builds(
    feed,
    generation=st.integers(1, 3),
    suspend=st.booleans(),
    state=st.sampled_from(["Started", "Started", "Stopped"]),
    end=st.sampled_from([None, "1700000000"]),
)
messages = st.sampled_from(
    [
        noted(),
        noted("Datafeed is encountering errors extracting data: x"),
        noted("Datafeed has been retrieving no data for a while"),
        annotated("Datafeed has missed 3 documents due to ingest latency, latest bucket with missing data is [x]"),
    ]
)
job_looks = st.fixed_dictionaries(
    {
        "resource": jobs,
        "observed": seen_jobs,
        "gone": st.booleans(),
        "state": plan_states,
        "messages": messages,
        "done": st.booleans(),
    }
)
feed_looks = st.fixed_dictionaries(
    {
        "resource": feeds,
        "observed": seen_feeds,
        "observed_job": seen_jobs,
        "of_job": jobs,
        "gone": st.booleans(),
        "state": plan_states,
        "messages": messages,
        "done": st.booleans(),
    }
)
looks = st.one_of(
    job_looks.map(lambda arguments: (job_look, arguments)), feed_looks.map(lambda arguments: (feed_look, arguments))
)


@QUIET
@given(looks, looks)
def test_conditions_after_kstatus(first, second):
    look, arguments = second
    before = first[0](**first[1]) if first[0] is look else None
    status = look(previous=before, **arguments)
    types = [condition.type for condition in status.conditions]
    assert len(types) == len(set(types))
    assert types[0] == "Ready", "the summary comes first"
    assert not {"Reconciling", "Stalled"} <= set(types), "a stall is no progress"
    for condition in status.conditions:
        if condition.type not in ("Ready", "Synced"):
            assert condition.status is ConditionStatus.TRUE
        assert condition.message
        assert condition.reason in set(Reason)
    if status.conditions[0].status is ConditionStatus.TRUE and arguments["state"].compared:
        assert kstatus(arguments["resource"], status) == "Current"


@QUIET
@given(looks, looks)
def test_a_generation_counts_as_observed_only_when_it_was_compared(first, second):
    """Whatever the server's states say: `kubectl wait`, kstatus and Argo CD must not pass before."""
    look, arguments = second
    before = first[0](**first[1]) if first[0] is look else None
    status = look(previous=before, **arguments)
    generation = arguments["resource"].metadata.generation
    if arguments["state"].compared:
        assert status.observed_generation == generation
        return
    known = before.observed_generation if before is not None else None
    assert status.observed_generation == known
    assert all(condition.observed_generation in {None, known} for condition in status.conditions)
    if known != generation:
        assert kstatus(arguments["resource"], status) != "Current"


@QUIET
@given(looks)
def test_looking_again_at_the_same_gives_the_same_status_and_no_event(look):
    make, arguments = look
    first = make(**arguments)
    second = make(previous=first, **arguments)
    third = make(previous=second, **{**arguments, "now": NOW + timedelta(hours=1)})
    assert third == second
    assert transitions(arguments["resource"], second, third) == ()


@QUIET
@given(looks, looks)
def test_transition_times_move_with_the_status_of_a_condition_and_with_nothing_else(first, second):
    look, arguments = second
    before = first[0](**first[1]) if first[0] is look else None
    later = NOW + timedelta(hours=1)
    status = look(previous=before, now=later, **arguments)
    old = {condition.type: condition for condition in before.conditions} if before else {}
    for condition in status.conditions:
        last = old.get(condition.type)
        same = last is not None and last.status is condition.status
        assert condition.last_transition_time == (last.last_transition_time if same else later)


@QUIET
@given(looks)
def test_a_status_survives_the_way_through_the_api_server(look):
    make, arguments = look
    status = make(**arguments)
    assert type(status).model_validate(status.manifest()) == status


FOUND_BY_COMPARING = {
    False: [Reason.IMMUTABLE_FIELD_CHANGED, Reason.NOT_OWNED, Reason.CONFLICT, Reason.ALREADY_EXISTS],
    True: [Reason.WAITING_FOR_WINDOW, Reason.WAITING_FOR_JOB, Reason.WAITING_FOR_FILTER],
}


@QUIET
@given(looks, st.booleans(), st.data())
def test_what_only_a_comparison_finds_stays_until_the_next(which, waiting, data):
    """Or the status would go back and forth between two looks that are both right, with an Event each time."""
    look, arguments = which
    subject = Subject.JOB if look is job_look else Subject.DATAFEED
    reason = data.draw(st.sampled_from(FOUND_BY_COMPARING[waiting]))
    found = Obstacle(reason=reason, message="why", subject=subject, waiting=waiting)
    quiet = arguments | {"messages": noted()}
    compared = look(**quiet | {"state": PlanState(obstacles=(found,))})
    quick = look(previous=compared, **quiet | {"state": PlanState(compared=False)})
    assert quick.conditions == compared.conditions


@QUIET
@given(st.lists(st.integers(0, 400), min_size=1, max_size=300))
def test_an_open_job_is_told_of_less_and_less_often(brought):
    """Each bucket brings some records, or none; a job that runs for long is hardly ever written for its counts."""
    written, status, records = 0, None, 0
    for number, more in enumerate(brought, start=1):
        records += more
        observed = seen_job(records=records, buckets=number)
        before, status = status, job_look(observed=observed, previous=status)
        written += status != before
        counts = status.data_counts
        assert counts.bucket_count <= number <= 2.5 * counts.bucket_count
        assert counts.processed_record_count <= records <= 2.5 * counts.processed_record_count
    decades = len(str(len(brought))) + len(str(records))
    assert written <= 1 + 3 * decades, f"{written} writes for {len(brought)} buckets and {records} records"


@QUIET
@given(st.integers(0, 1100), st.lists(st.floats(-25, 25), min_size=2, max_size=50))
def test_memory_that_sways_is_told_once(middle, sways):
    """A twentieth of the limit is a step: what stays within it, wherever it lies, is written once."""
    status, written = None, -1
    for sway in sways:
        used = round(max(middle + sway, 0) * MB)
        before, status = status, job_look(observed=seen_job(used=used), previous=status)
        written += status.memory.percent != (before.memory.percent if before is not None else None)
    assert written <= 1


@QUIET
@given(st.integers(0, 1100 * MB), st.integers(0, 1100 * MB))
def test_the_share_of_memory_is_right_to_half_a_step(first, second):
    before = job_look(observed=seen_job(used=first))
    percent = job_look(observed=seen_job(used=second), previous=before).memory.percent
    assert percent - 2.5 <= 100 * second / (1024 * MB) <= percent + 7.5
