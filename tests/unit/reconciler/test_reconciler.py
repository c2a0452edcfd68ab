"""The reconciler against a server that refuses, races, forgets to answer and dies."""

from __future__ import annotations

import asyncio
import copy

import pytest

from anomalyops.elastic import Endpoint, Gateway
from anomalyops.plan import CreateJob, OpenJob, StopDatafeed, UpdateJob
from anomalyops.reconciler import Pair, Reconciler
from anomalyops.resources import Resource, find_condition
from waiting import reached

JOB = {
    "apiVersion": "anomalyops.io/v1alpha1",
    "kind": "AnomalyJob",
    "metadata": {"name": "web", "namespace": "ops", "uid": "uid-1", "generation": 1},
    "spec": {
        "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
        "dataDescription": {"timeField": "@timestamp"},
        "analysisLimits": {"modelMemoryLimit": "64mb"},
    },
}
FEED = {
    "apiVersion": "anomalyops.io/v1alpha1",
    "kind": "Datafeed",
    "metadata": {"name": "feed-web", "namespace": "ops", "uid": "uid-2", "generation": 1},
    "spec": {"jobRef": {"name": "web"}, "indices": ["logs-*"], "queryDelay": "60s"},
}


_NO_FEED = {"error": {"type": "resource_not_found_exception", "reason": "No datafeed"}, "status": 404}


def merge(base, changes):
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merge(result[key], value)
        else:
            result[key] = value
    return result


def pair(job=None, feed=None, *, deleting=()):
    gone = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    job = merge(JOB, {"spec": job or {}, "metadata": gone if "job" in deleting else {}})
    feed = merge(FEED, {"spec": feed or {}, "metadata": gone if "feed" in deleting else {}})
    return Pair(job=Resource.from_object(job), datafeed=Resource.from_object(feed))


def only_feed(*, deleting=False, **spec):
    made = pair(feed=spec, deleting=("feed",) if deleting else ())
    return Pair(datafeed=made.datafeed)


def condition(status, type_):
    return find_condition(status.conditions, type_)


def verbs(steps):
    return [step.verb for step in steps]


@pytest.fixture
def reconciler(gateway):
    return Reconciler(gateway, cluster="test")


async def test_a_new_pair_is_created_opened_and_started(server, reconciler):
    outcome = await reconciler.reconcile(pair())
    assert server.job_states == {"web": "opened"}
    assert server.feed_states == {"feed-web": "started"}
    assert outcome.error is None
    assert outcome.retry_after is None
    assert condition(outcome.job_status, "Synced").status == "True"
    assert condition(outcome.job_status, "Ready").status == "True"
    assert condition(outcome.datafeed_status, "Ready").status == "True"
    assert server.jobs["web"]["custom_settings"]["anomalyops.io/name"] == "web"
    executed = [notice for notice in outcome.notices if notice.reason == "PlanExecuted"]
    assert [(notice.kind, notice.related) for notice in executed] == [("AnomalyJob", ("Datafeed", "feed-web"))]
    assert outcome.notices == tuple(executed)  # that both are Ready now follows from the steps
    assert "create job" in executed[0].message


async def test_a_pair_in_order_costs_three_reads_and_no_write(server, reconciler):
    await reconciler.reconcile(pair())
    server.calls.clear()
    outcome = await reconciler.reconcile(pair())
    assert outcome.plan.empty
    assert len(server.calls) == 3
    assert server.writes == []


async def test_a_new_pair_costs_three_reads_and_three_writes(server, reconciler):
    """Job and datafeed are created by one call. What is created is told by its answer; that it runs is asked for."""
    await reconciler.reconcile(pair())
    calls = [f"{method} {path.removeprefix('/_ml/')}" for method, path in server.calls if "web" in path]
    assert calls == [
        "GET anomaly_detectors/web",
        "PUT anomaly_detectors/web",
        "POST anomaly_detectors/web/_open",
        "POST datafeeds/feed-web/_start",
        "GET datafeeds/feed-web/_stats",
        "GET anomaly_detectors/web/_stats",
    ]


async def test_another_query_delay_costs_five_reads_and_three_writes(server, reconciler):
    await reconciler.reconcile(pair())
    server.calls.clear()
    outcome = await reconciler.reconcile(pair(feed={"queryDelay": "90s"}))
    assert verbs(outcome.executed) == ["stop datafeed", "update datafeed", "start datafeed"]
    assert outcome.retry_after is None
    assert len(server.writes) == 3
    assert len([path for _, path in server.calls if "web" in path]) == 8


@pytest.mark.parametrize(
    ("call", "path"),
    [("PUT", "anomaly_detectors/web$"), ("POST", "anomaly_detectors/web/_open$")],
)
async def test_an_answer_that_tells_nothing_is_read_back(server, reconciler, call, path):
    server.fault(call, path, status=200, body={"acknowledged": True}, after=True)
    outcome = await reconciler.reconcile(pair())
    assert condition(outcome.job_status, "Ready").status == "True"
    read_back = "open" not in path
    assert [call for call in server.calls if call == ("GET", "/_ml/anomaly_detectors/web")][1:] == (
        [("GET", "/_ml/anomaly_detectors/web")] if read_back else []
    )


async def test_a_refused_datafeed_keeps_its_job_from_nothing(server, reconciler):
    """The server takes the job back with it; sent alone each is what it would have been alone."""
    server.fault("PUT", "datafeeds/feed-web$", status=400, body=rejection("no such index"), times=9)
    outcome = await reconciler.reconcile(pair())
    assert condition(outcome.job_status, "Synced").status == "True"
    assert condition(outcome.datafeed_status, "Stalled").message.endswith("no such index")
    assert (server.job_states, server.feeds) == ({"web": "opened"}, {})
    assert verbs(outcome.executed) == ["create job", "open job"]


@pytest.mark.parametrize(("status", "calls"), [(429, 1), (503, 1), (500, 2)])
async def test_a_server_that_is_busy_is_not_asked_once_more(server, reconciler, status, calls):
    server.fault("PUT", "anomaly_detectors/web", status=status, body=rejection("not now"), times=9)
    assert (await reconciler.reconcile(pair())).error is not None
    assert len(server.writes) == calls


async def test_a_server_that_knows_of_no_datafeed_in_a_job_is_given_both(server, reconciler):
    said = rejection("[job_details] unknown field [datafeed_config]")
    server.fault("PUT", "anomaly_detectors/web", status=400, body=said)
    outcome = await reconciler.reconcile(pair())
    assert outcome.error is None
    assert (server.job_states, server.feed_states) == ({"web": "opened"}, {"feed-web": "started"})


async def test_what_was_answered_and_is_gone_is_not_taken_for_there(server, reconciler):
    """Somebody deletes the datafeed right after its start: the states are asked for, and tell."""
    server.fault("GET", "datafeeds/feed-web/_stats", status=404, body=_NO_FEED)
    outcome = await reconciler.reconcile(pair())
    reads = [path for method, path in server.calls if method == "GET" and path == "/_ml/anomaly_detectors/web"]
    assert len(reads) == 2
    assert condition(outcome.datafeed_status, "Ready").status == "True"


async def test_an_answer_that_is_not_what_was_wanted_is_read_before_anything_is_done(server, reconciler):
    """A proxy, say, that answers with what was there before: the configuration is read, and found as it should be."""
    await reconciler.reconcile(pair())
    stale = copy.deepcopy(server.feeds["feed-web"])
    server.fault("POST", "datafeeds/feed-web/_update", status=200, body=stale, after=True)
    outcome = await reconciler.reconcile(pair(feed={"queryDelay": "90s"}))
    assert verbs(outcome.executed) == ["stop datafeed", "update datafeed", "start datafeed"]
    assert condition(outcome.datafeed_status, "Synced").status == "True"


async def test_the_id_of_a_datafeed_that_is_taken_is_found_by_creating_it(server, reconciler):
    await reconciler.reconcile(pair())
    other = merge(JOB, {"metadata": {"name": "other", "uid": "uid-3"}})
    feed = merge(FEED, {"spec": {"jobRef": {"name": "other"}}, "metadata": {"uid": "uid-4"}})
    outcome = await reconciler.reconcile(Pair(job=Resource.from_object(other), datafeed=Resource.from_object(feed)))
    assert server.feeds["feed-web"]["job_id"] == "web"
    assert server.job_states["other"] == "opened"
    stalled = condition(outcome.datafeed_status, "Stalled")
    assert stalled.reason == "Conflict"
    assert outcome.error is None


async def test_planning_alone_changes_nothing(server, reconciler):
    found = await reconciler.plan(pair())
    assert isinstance(found.steps[0], CreateJob)
    assert server.writes == []
    assert server.jobs == {}


async def test_memory_on_a_running_job_is_changed_by_the_whole_lifecycle(server, gateway):
    await Reconciler(gateway, cluster="test").reconcile(pair())
    server.calls.clear()
    steps = []
    reconciler = Reconciler(gateway, cluster="test", on_step=steps.append)
    outcome = await reconciler.reconcile(pair({"analysisLimits": {"modelMemoryLimit": "128mb"}}))
    assert verbs(steps) == verbs(outcome.executed)
    assert verbs(outcome.executed) == [
        "stop datafeed",
        "close job",
        "update job",
        "open job",
        "start datafeed",
    ]
    assert server.jobs["web"]["analysis_limits"]["model_memory_limit"] == "128mb"
    assert (server.job_states["web"], server.feed_states["feed-web"]) == ("opened", "started")
    assert server.started[-1] == ("feed-web", None, None)  # goes on where it stopped
    assert outcome.retry_after is None


async def killed_everywhere(server, gateway, wanted):
    """Reconciles with the connection dying before the n-th write, for every n, from the same start."""
    start = copy.deepcopy((server.jobs, server.job_states, server.feeds, server.feed_states))
    for writes_before_death in range(20):
        server.jobs, server.job_states, server.feeds, server.feed_states = copy.deepcopy(start)
        server.kill_at_write = writes_before_death
        outcome = await Reconciler(gateway, cluster="test").reconcile(wanted)
        server.kill_at_write = None
        if outcome.error is None:
            return writes_before_death
        assert outcome.retry_after is not None
        healed = await Reconciler(gateway, cluster="test").reconcile(wanted)
        assert healed.error is None
        assert (server.job_states["web"], server.feed_states["feed-web"]) == ("opened", "started")
        assert (await Reconciler(gateway, cluster="test").plan(wanted)).empty
    raise AssertionError("never finished")


async def test_a_creation_killed_before_any_write_converges(server, gateway):
    assert await killed_everywhere(server, gateway, pair()) >= 3


async def test_a_lifecycle_killed_before_any_write_converges(server, gateway):
    await Reconciler(gateway, cluster="test").reconcile(pair())
    changed = pair({"analysisLimits": {"modelMemoryLimit": "128mb"}}, {"queryDelay": "90s"})
    assert await killed_everywhere(server, gateway, changed) >= 6


async def test_a_bounded_run_killed_before_any_write_is_done_in_the_end(server, gateway):
    server.lookbacks_end_at_once = True
    wanted = pair(feed={"start": "2026-01-01T00:00:00Z", "end": "2026-01-08T00:00:00Z"})
    for writes_before_death in range(12):
        server.jobs, server.job_states, server.feeds, server.feed_states = {}, {}, {}, {}
        server.kill_at_write = writes_before_death
        await Reconciler(gateway, cluster="test").reconcile(wanted)
        server.kill_at_write = None
        outcome = await Reconciler(gateway, cluster="test").reconcile(wanted)
        assert outcome.error is None
        assert condition(outcome.datafeed_status, "Ready").reason == "LookbackComplete"
        assert (server.job_states["web"], server.feed_states["feed-web"]) == ("closed", "stopped")
        assert (await Reconciler(gateway, cluster="test").plan(wanted)).empty


async def test_a_cancelled_lifecycle_is_finished_by_the_next(server, gateway):
    await Reconciler(gateway, cluster="test").reconcile(pair())
    changed = pair({"analysisLimits": {"modelMemoryLimit": "128mb"}})
    reached = asyncio.Event()

    async def freeze(step):
        if isinstance(step, UpdateJob):
            reached.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(Reconciler(gateway, cluster="test", on_step=freeze).reconcile(changed))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.job_states["web"] == "closed"
    outcome = await Reconciler(gateway, cluster="test").reconcile(changed)
    assert outcome.retry_after is None
    assert (server.job_states["web"], server.feed_states["feed-web"]) == ("opened", "started")
    assert server.jobs["web"]["analysis_limits"]["model_memory_limit"] == "128mb"


def rejection(reason):
    return {"error": {"type": "status_exception", "reason": reason, "root_cause": []}, "status": 400}


TOO_SMALL = (
    "Invalid update value for analysis_limits: model_memory_limit cannot be decreased below current usage; "
    "current usage [20mb], update had [15mb]"
)


async def test_a_rejected_update_leaves_the_feed_running_and_says_why(server, reconciler):
    await reconciler.reconcile(pair())
    server.fault("POST", "web/_update", status=400, body=rejection(TOO_SMALL), times=99)
    outcome = await reconciler.reconcile(pair({"analysisLimits": {"modelMemoryLimit": "15mb"}}))
    assert (server.job_states["web"], server.feed_states["feed-web"]) == ("opened", "started")
    stalled = condition(outcome.job_status, "Stalled")
    assert stalled.status == "True"
    assert stalled.reason == "Rejected"
    assert TOO_SMALL in stalled.message
    assert condition(outcome.job_status, "Synced").status == "False"
    assert outcome.retry_after is not None
    failed = [notice for notice in outcome.notices if notice.reason == "PlanFailed"]
    assert len(failed) == 1
    assert TOO_SMALL in failed[0].message


async def test_a_rejected_change_is_held_back_until_the_manifest_changes(server, reconciler):
    await reconciler.reconcile(pair())
    server.fault("POST", "web/_update", status=400, body=rejection(TOO_SMALL), times=1)
    refused = pair({"analysisLimits": {"modelMemoryLimit": "15mb"}})
    await reconciler.reconcile(refused)
    server.calls.clear()
    again = await reconciler.reconcile(refused)
    assert server.writes == []  # the feed is not interrupted in vain
    assert condition(again.job_status, "Stalled").reason == "Rejected"
    assert [notice for notice in again.notices if notice.reason == "PlanFailed"] == []
    mended = await reconciler.reconcile(pair({"analysisLimits": {"modelMemoryLimit": "256mb"}}))
    assert mended.retry_after is None
    assert condition(mended.job_status, "Stalled") is None
    assert server.jobs["web"]["analysis_limits"]["model_memory_limit"] == "256mb"


async def test_while_a_change_is_held_back_a_stopped_feed_is_still_started(server, reconciler):
    await reconciler.reconcile(pair())
    server.fault("POST", "web/_update", status=400, body=rejection(TOO_SMALL), times=1)
    refused = pair({"analysisLimits": {"modelMemoryLimit": "15mb"}})
    await reconciler.reconcile(refused)
    server.feed_states["feed-web"] = "stopped"
    await reconciler.reconcile(refused)
    assert server.feed_states["feed-web"] == "started"
    assert server.jobs["web"]["analysis_limits"]["model_memory_limit"] == "64mb"


async def test_a_refused_change_that_somebody_made_by_hand_is_no_refusal_any_more(server, reconciler):
    await reconciler.reconcile(pair())
    server.fault("POST", "web/_update", status=400, body=rejection(TOO_SMALL), times=1)
    refused = pair({"analysisLimits": {"modelMemoryLimit": "15mb"}})
    await reconciler.reconcile(refused)
    server.jobs["web"]["analysis_limits"]["model_memory_limit"] = "15mb"
    outcome = await reconciler.reconcile(refused)
    assert outcome.error is None
    assert condition(outcome.job_status, "Synced").status == "True"


async def test_a_datafeed_goes_even_if_a_change_of_its_job_is_refused(server, reconciler):
    await reconciler.reconcile(pair())
    server.fault("POST", "web/_update", status=400, body=rejection(TOO_SMALL), times=1)
    changed = pair({"analysisLimits": {"modelMemoryLimit": "15mb"}}, {"deletionPolicy": "Delete"}, deleting=("feed",))
    first = await reconciler.reconcile(changed)
    assert server.feeds == {}
    assert server.job_states["web"] == "opened"
    assert condition(first.job_status, "Stalled").reason == "Rejected"
    assert first.datafeed_released


async def test_a_rejected_datafeed_change_is_the_datafeeds_problem(server, reconciler):
    await reconciler.reconcile(pair())
    server.fault("POST", "feed-web/_update", status=400, body=rejection("failed to parse field [query]"))
    outcome = await reconciler.reconcile(pair(feed={"query": {"nonsense": {}}}))
    assert server.feed_states["feed-web"] == "started"
    stalled = condition(outcome.datafeed_status, "Stalled")
    assert "failed to parse field [query]" in stalled.message


async def test_a_rejected_creation_stalls_and_creates_nothing(server, reconciler):
    server.fault("PUT", "anomaly_detectors/web", status=400, body=rejection("No detectors configured"), times=2)
    outcome = await reconciler.reconcile(pair())
    assert server.jobs == {}
    assert condition(outcome.job_status, "Stalled").message.endswith("No detectors configured")
    assert condition(outcome.job_status, "Ready").status == "False"


async def test_an_answer_lost_after_the_effect_does_no_harm(server, reconciler):
    server.fault("POST", "web/_open", status=0, after=True)
    first = await reconciler.reconcile(pair())
    second = await reconciler.reconcile(pair())
    assert second.error is None
    assert server.feed_states["feed-web"] == "started"
    assert first.error is not None


async def test_a_job_created_by_somebody_else_in_between_is_looked_at_again(server, gateway):
    async def race(step):
        if isinstance(step, CreateJob) and "web" not in server.jobs:
            server._job_put("web", "", {k: v for k, v in step.body.items() if k != "custom_settings"}, {})

    runs = pair({"state": "Opened"}, {"state": "Started"})
    outcome = await Reconciler(gateway, cluster="test", on_step=race).reconcile(runs)
    assert outcome.error is None  # IfMatches: what was found matches, so it is adopted
    assert server.jobs["web"]["custom_settings"]["anomalyops.io/name"] == "web"
    assert server.feed_states["feed-web"] == "started"


async def test_a_datafeed_started_by_somebody_in_between_is_stopped_again(server, gateway):
    await Reconciler(gateway, cluster="test").reconcile(pair())
    raced = []

    async def race(step):
        if step.verb == "update datafeed" and not raced:
            raced.append(step)
            server.feed_states["feed-web"] = "started"

    reconciler = Reconciler(gateway, cluster="test", on_step=race)
    outcome = await reconciler.reconcile(pair(feed={"queryDelay": "95s"}))
    assert raced
    assert outcome.error is None
    assert server.feeds["feed-web"]["query_delay"] == "95s"
    assert server.feed_states["feed-web"] == "started"


async def test_a_failed_job_is_closed_by_force_and_opened_again(server, reconciler):
    await reconciler.reconcile(pair())
    server.job_states["web"] = "failed"
    outcome = await reconciler.reconcile(pair())
    assert outcome.error is None
    assert (server.job_states["web"], server.feed_states["feed-web"]) == ("opened", "started")


async def test_drift_is_undone(server, reconciler):
    await reconciler.reconcile(pair())
    server.feeds["feed-web"]["query_delay"] = "5s"
    server.feed_states["feed-web"] = "stopped"
    outcome = await reconciler.reconcile(pair())
    assert outcome.error is None
    assert server.feeds["feed-web"]["query_delay"] == "60s"
    assert server.feed_states["feed-web"] == "started"


async def test_a_server_that_is_down_makes_the_status_unknown_and_keeps_what_is_known(server, gateway):
    first = await Reconciler(gateway, cluster="test").reconcile(pair())
    ready = pair()
    known = Pair(
        job=ready.job.model_copy(update={"status": first.job_status}),
        datafeed=ready.datafeed.model_copy(update={"status": first.datafeed_status}),
    )
    server.fault(".*", ".*", times=999)
    outcome = await Reconciler(gateway, cluster="test").reconcile(known)
    assert outcome.observed is None
    assert condition(outcome.job_status, "Ready").status == "Unknown"
    assert condition(outcome.job_status, "ConnectionUnavailable").status == "True"
    assert outcome.job_status.job_state == "opened"
    assert outcome.retry_after is not None
    assert not outcome.job_released


async def test_retries_back_off_to_five_minutes_and_start_over_after_a_success(server, gateway):
    reconciler = Reconciler(gateway, cluster="test")
    error = {"error": {"type": "x", "reason": "boom"}, "status": 500}
    server.fault("GET", ".*", status=500, body=error, times=10**6)
    reconciler._gateway.rest.read = reconciler._gateway.rest.write  # no pauses between the attempts of a read
    delays = [(await reconciler.reconcile(pair())).retry_after for _ in range(12)]
    assert 0.7 <= delays[0] <= 1.3
    assert delays[-1] >= 200
    assert max(delays) <= 300
    server.faults.clear()
    assert (await reconciler.reconcile(pair())).retry_after is None
    server.fault("GET", ".*", status=500, body=error, times=10**6)
    assert (await reconciler.reconcile(pair())).retry_after < 1.5


async def test_upgrade_mode_holds_everything(server, reconciler):
    server.upgrade_mode = True
    outcome = await reconciler.reconcile(pair())
    assert server.writes == []
    assert condition(outcome.job_status, "Reconciling").reason == "UpgradeMode"
    assert outcome.retry_after is not None


async def test_a_datafeed_without_its_job_waits_without_a_call(server, reconciler):
    outcome = await reconciler.reconcile(only_feed())
    assert server.calls == []
    assert condition(outcome.datafeed_status, "Ready").reason == "WaitingForJob"
    assert outcome.retry_after is None
    assert not outcome.datafeed_released


@pytest.mark.parametrize("policy", ["Retain", "Delete", "Orphan"])
async def test_deletion_of_both_at_once_follows_the_policies(server, reconciler, policy):
    await reconciler.reconcile(pair())
    gone = pair({"deletionPolicy": policy}, {"deletionPolicy": policy}, deleting=("job", "feed"))
    outcome = await reconciler.reconcile(gone)
    assert outcome.job_released
    assert outcome.datafeed_released
    expected = {
        "Retain": ({"web": "closed"}, {"feed-web": "stopped"}),
        "Delete": ({}, {}),
        "Orphan": ({"web": "opened"}, {"feed-web": "started"}),
    }[policy]
    assert {job: server.job_states[job] for job in server.jobs} == expected[0]
    assert {feed: server.feed_states[feed] for feed in server.feeds} == expected[1]
    again = await reconciler.reconcile(gone)  # the finalizer's patch was lost: nothing breaks
    assert again.job_released
    assert again.executed == ()


async def test_a_deleted_datafeed_leaves_its_job_alone(server, reconciler):
    await reconciler.reconcile(pair())
    outcome = await reconciler.reconcile(pair(feed={"deletionPolicy": "Delete"}, deleting=("feed",)))
    assert outcome.datafeed_released
    assert not outcome.job_released
    assert server.feeds == {}
    assert "web" in server.jobs


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_a_job_deleted_before_its_datafeed(server, reconciler, policy):
    await reconciler.reconcile(pair())
    first = await reconciler.reconcile(pair({"deletionPolicy": policy}, deleting=("job",)))
    assert first.job_released
    assert ("web" in server.jobs) == (policy == "Retain")
    assert not [feed for feed in server.feeds if server.feed_states[feed] != "stopped"]
    waiting = await reconciler.reconcile(only_feed())
    assert condition(waiting.datafeed_status, "Ready").reason == "WaitingForJob"
    last = await reconciler.reconcile(only_feed(deleting=True, deletionPolicy="Delete"))
    assert last.datafeed_released
    assert server.feeds == {}


async def test_a_deletion_is_not_released_while_the_server_refuses(server, reconciler):
    await reconciler.reconcile(pair())
    busy = {"error": {"type": "status_exception", "reason": "no"}, "status": 500}
    server.fault("DELETE", "web", status=500, body=busy, times=1)
    gone = pair({"deletionPolicy": "Delete"}, {"deletionPolicy": "Delete"}, deleting=("job", "feed"))
    first = await reconciler.reconcile(gone)
    assert not first.job_released
    assert first.retry_after is not None
    assert (await reconciler.reconcile(gone)).job_released
    assert server.jobs == {}


async def test_a_job_deleted_on_the_server_while_it_is_being_deleted_is_done(server, reconciler):
    await reconciler.reconcile(pair())
    server.jobs.clear()
    server.feeds.clear()
    gone = pair({"deletionPolicy": "Delete"}, {"deletionPolicy": "Delete"}, deleting=("job", "feed"))
    outcome = await reconciler.reconcile(gone)
    assert outcome.job_released
    assert outcome.datafeed_released


async def test_somebody_elses_job_is_never_touched(server, gateway):
    await Reconciler(gateway, cluster="another").reconcile(pair())
    before = copy.deepcopy(server.jobs)
    ours = Reconciler(gateway, cluster="test")
    changed = pair({"description": "mine now"})
    outcome = await ours.reconcile(changed)
    assert condition(outcome.job_status, "Stalled").reason == "NotOwned"
    gone = pair({"deletionPolicy": "Delete"}, {"deletionPolicy": "Delete"}, deleting=("job", "feed"))
    assert (await ours.reconcile(gone)).job_released
    assert server.jobs == before


async def test_reconciles_of_one_pair_wait_for_each_other(server, gateway):
    running = []
    most = []

    async def watch(step):
        running.append(step)
        most.append(len(running))
        await asyncio.sleep(0.01)
        running.pop()

    reconciler = Reconciler(gateway, cluster="test", on_step=watch)
    outcomes = await asyncio.gather(*(reconciler.reconcile(pair()) for _ in range(3)))
    assert max(most) == 1
    assert sum(len(outcome.executed) for outcome in outcomes) == len(most)
    assert all(outcome.error is None for outcome in outcomes)


async def test_it_knows_which_observations_are_out_of_date(server, gateway):
    states = []

    async def ask(step):
        states.append(reconciler.acted_since("ops/web", pair().job.metadata.creation_timestamp or now))

    reconciler = Reconciler(gateway, cluster="test", on_step=ask)
    now = reconciler._clock()
    assert not reconciler.acted_since("ops/web", now)
    await reconciler.reconcile(pair())
    assert all(states)
    assert states
    assert reconciler.acted_since("ops/web", now)
    assert not reconciler.acted_since("ops/web", reconciler._clock())


async def test_many_new_jobs_ask_kibana_few_times(server):
    asked = []

    class Kibana(Gateway):
        async def sync_saved_objects(self):
            asked.append(1)
            await reached(lambda: reconciler._kibana._asked == 12, "twelve jobs that wait for Kibana")
            return {}

    gateway = Kibana(Endpoint(urls=(server.url,), kibana_url="http://kibana:5601"), poll_interval=0.01)
    reconciler = Reconciler(gateway, cluster="test")

    def numbered(number):
        job = merge(JOB, {"metadata": {"name": f"job-{number}", "uid": f"u{number}"}})
        return Pair(job=Resource.from_object(job))

    outcomes = await asyncio.gather(*(reconciler.reconcile(numbered(n)) for n in range(12)))
    await gateway.close()
    assert all(outcome.error is None for outcome in outcomes)
    assert len(asked) == 2  # the first one's, and one for all who asked meanwhile


async def test_a_kibana_that_is_down_is_a_warning_and_no_failure(server):
    gateway = Gateway(
        Endpoint(urls=(server.url,), kibana_url="http://127.0.0.1:9", request_timeout=1), poll_interval=0.01
    )
    outcome = await Reconciler(gateway, cluster="test").reconcile(pair())
    await gateway.close()
    assert outcome.error is None
    assert outcome.retry_after is None
    warning = next(notice for notice in outcome.notices if "Kibana" in notice.message)
    assert warning.type == "Warning"


async def test_steps_that_were_done_before_a_failure_are_told(server, reconciler):
    await reconciler.reconcile(pair())
    boom = {"error": {"type": "x", "reason": "boom"}, "status": 500}
    server.fault("POST", "web/_close", status=500, body=boom, times=1)
    outcome = await reconciler.reconcile(pair({"analysisLimits": {"modelMemoryLimit": "128mb"}}))
    assert isinstance(outcome.executed[0], StopDatafeed)
    assert server.feed_states["feed-web"] == "started"  # brought back at once
    assert not any(isinstance(step, OpenJob) for step in outcome.executed)
    assert "close job failed: boom" in " ".join(notice.message for notice in outcome.notices)
