"""The observer: a handful of calls for any number of jobs, and what they say about each pair."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

import pytest

from anomalyops.elastic import Unreachable
from anomalyops.reconciler import Observer, Pair, Reconciler
from anomalyops.resources import Resource, find_condition, parse_time

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


def named(name, **feed_spec):
    job, feed = copy.deepcopy(JOB), copy.deepcopy(FEED)
    job["metadata"] |= {"name": name, "uid": f"u-{name}"}
    feed["metadata"]["name"] = f"feed-{name}"
    feed["spec"] |= {"jobRef": {"name": name}, **feed_spec}
    return Pair(job=Resource.from_object(job), datafeed=Resource.from_object(feed))


def with_status(pair, result):
    return Pair(
        job=pair.job.model_copy(update={"status": result.job_status}),
        datafeed=pair.datafeed.model_copy(update={"status": result.datafeed_status}),
    )


async def applied(gateway, pair):
    outcome = await Reconciler(gateway, cluster="test").reconcile(pair)
    assert outcome.error is None
    return with_status(pair, outcome)


@pytest.fixture
def observer(gateway):
    return Observer(gateway, cluster="test")


@pytest.mark.parametrize("number", [1, 25])
async def test_the_number_of_calls_does_not_depend_on_the_number_of_jobs(server, gateway, observer, number):
    for index in range(number):
        await applied(gateway, named(f"job-{index}"))
    server.calls.clear()
    await observer.observe()
    assert len(server.calls) == 3
    server.calls.clear()
    observation = await observer.observe(configs=True)
    assert len(server.calls) == 5
    assert len(observation.jobs) == number


async def test_jobs_are_read_after_datafeeds_so_that_a_lookback_seen_stopped_has_counted_everything(
    server, gateway, observer
):
    await applied(gateway, named("web-0"))
    for look in (observer.observe, lambda: gateway.pair("web-0", "feed-web-0")):
        server.calls.clear()
        await look()
        paths = [path for _, path in server.calls]
        (feed,) = [n for n, path in enumerate(paths) if path.startswith("/_ml/datafeeds") and path.endswith("/_stats")]
        (job,) = [n for n, path in enumerate(paths) if "anomaly_detectors" in path and path.endswith("/_stats")]
        assert feed < job


@pytest.mark.parametrize("configs", [False, True])
async def test_a_pair_in_order_has_nothing_to_patch_and_nothing_to_do(server, gateway, observer, configs):
    pair = await applied(gateway, named("web"))
    assessment = (await observer.observe(configs=configs)).assess(pair)
    assert not assessment.needs_reconcile
    assert assessment.job_status.manifest() == pair.job.status.manifest()
    assert assessment.datafeed_status.manifest() == pair.datafeed.status.manifest()
    assert assessment.job_status == pair.job.status
    assert assessment.notices == ()


async def test_a_quiet_pair_is_looked_at_again_as_soon_as_anything_changes(server, gateway, observer):
    pair = await applied(gateway, named("web"))
    assert (await observer.observe(configs=True)).assess(pair).job_status == pair.job.status
    for _ in range(3):
        quiet = (await observer.observe()).assess(pair)
        assert quiet.job_status is pair.job.status  # not computed again
        assert not quiet.needs_reconcile
    server.job_states["web"] = "failed"
    assert (await observer.observe()).assess(pair).needs_reconcile
    server.job_states["web"] = "opened"
    assert not (await observer.observe()).assess(pair).needs_reconcile
    suspended = Pair(job=pair.job, datafeed=named("web", suspend=True).datafeed)
    assert (await observer.observe()).assess(suspended).needs_reconcile


@pytest.mark.parametrize("configs", [False, True])
async def test_a_stopped_feed_is_seen_and_needs_a_reconcile(server, gateway, observer, configs):
    pair = await applied(gateway, named("web"))
    server.feed_states["feed-web"] = "stopped"
    assessment = (await observer.observe(configs=configs)).assess(pair)
    assert assessment.needs_reconcile
    assert assessment.datafeed_status.datafeed_state == "stopped"
    assert find_condition(assessment.datafeed_status.conditions, "DatafeedStopped").status == "True"
    assert assessment.notices


async def test_a_failed_job_is_seen_and_needs_a_reconcile(server, gateway, observer):
    pair = await applied(gateway, named("web"))
    server.job_states["web"] = "failed"
    assessment = (await observer.observe()).assess(pair)
    assert assessment.needs_reconcile
    assert find_condition(assessment.job_status.conditions, "JobFailed").status == "True"
    assert any(notice.type == "Warning" for notice in assessment.notices)


def with_a_rule(pair, name):
    """The pair with a rule whose scope is a filter."""
    rule = {"scope": {"host": {"filterId": name}}}
    job = copy.deepcopy(JOB)
    job["spec"]["analysisConfig"]["detectors"] = [
        {"function": "count", "partitionFieldName": "host", "customRules": [rule]}
    ]
    return Pair(job=Resource.from_object(job), datafeed=pair.datafeed)


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("obstacle", ["filter", "upgrade mode"])
async def test_what_only_a_reconcile_asks_for_stands_in_every_observation(server, gateway, observer, obstacle, there):
    """The status would change with each reconcile and back with each look, for as long as the pair waits."""
    pair = Pair(job=Resource.from_object(JOB), datafeed=Resource.from_object(FEED))
    if obstacle == "filter":
        pair = with_a_rule(pair, "not-there")
    if there:
        before = pair.job.manifest()
        if obstacle == "filter":
            del before["spec"]["analysisConfig"]["detectors"][0]["customRules"]
        await applied(gateway, Pair(job=Resource.from_object(before), datafeed=pair.datafeed))
        if obstacle != "filter":
            server.feeds["feed-web"]["query_delay"] = "5s"
    server.upgrade_mode = obstacle == "upgrade mode"
    outcome = await Reconciler(gateway, cluster="test").reconcile(pair)
    waits = find_condition(outcome.job_status.conditions, "Reconciling")
    assert waits.reason == {"filter": "WaitingForFilter", "upgrade mode": "UpgradeMode"}[obstacle]
    pair = with_status(pair, outcome)
    for configs in (True, False, True):
        assessment = (await observer.observe(configs=configs)).assess(pair)
        assert assessment.job_status.manifest() == pair.job.status.manifest()
        assert assessment.datafeed_status.manifest() == pair.datafeed.status.manifest()
        assert assessment.notices == ()
        assert assessment.needs_reconcile or not configs


async def test_a_job_that_is_gone_needs_a_reconcile(server, gateway, observer):
    pair = await applied(gateway, named("web"))
    server.jobs.clear()
    server.feeds.clear()
    assert (await observer.observe()).assess(pair).needs_reconcile


async def test_drift_of_the_configuration_is_seen_only_when_configurations_are_read(server, gateway, observer):
    pair = await applied(gateway, named("web"))
    server.feeds["feed-web"]["query_delay"] = "5s"
    assert not (await observer.observe()).assess(pair).needs_reconcile
    assessment = (await observer.observe(configs=True)).assess(pair)
    assert assessment.needs_reconcile
    assert find_condition(assessment.datafeed_status.conditions, "Synced").status == "False"


@pytest.mark.parametrize("configs", [False, True])
async def test_a_finished_lookback_is_no_drift(server, gateway, observer, configs):
    server.lookbacks_end_at_once = True
    pair = await applied(gateway, named("web", end="2026-01-08T00:00:00Z"))
    assessment = (await observer.observe(configs=configs)).assess(pair)
    assert not assessment.needs_reconcile
    assert find_condition(assessment.datafeed_status.conditions, "Ready").reason == "LookbackComplete"


async def test_a_lookback_that_ends_while_nobody_reads_configurations(server, gateway, observer):
    pair = await applied(gateway, named("web", end="2026-01-08T00:00:00Z"))
    server.feed_states["feed-web"], server.job_states["web"] = "stopped", "closed"
    server.processed["web"], server.latest["web"] = 1000, parse_time("2026-01-07T23:50:00Z")
    assessment = (await observer.observe()).assess(pair)
    assert assessment.needs_reconcile  # it may have ended or have been stopped: only a closer look can tell
    assert assessment.datafeed_status == pair.datafeed.status
    assert assessment.notices == ()
    outcome = await Reconciler(gateway, cluster="test").reconcile(pair)
    assert [step.reason for step in outcome.executed] == ["note that the run came to its end"]
    known = with_status(pair, outcome)
    assert find_condition(known.datafeed.status.conditions, "Ready").reason == "LookbackComplete"
    for configs in (False, True):
        assert not (await observer.observe(configs=configs)).assess(known).needs_reconcile


async def test_a_lookback_that_somebody_stopped_goes_on(server, gateway, observer):
    pair = await applied(gateway, named("web", end="2026-01-08T00:00:00Z"))
    server.feed_states["feed-web"], server.job_states["web"] = "stopped", "closed"
    server.processed["web"], server.latest["web"] = 180, parse_time("2026-01-02T00:00:00Z")
    for configs in (False, True):
        assert (await observer.observe(configs=configs)).assess(pair).needs_reconcile
    outcome = await Reconciler(gateway, cluster="test").reconcile(pair)
    assert server.feed_states["feed-web"] == "started"
    assert "before all data up to its end was seen to be read" in " ".join(step.reason for step in outcome.executed)
    assert find_condition(outcome.datafeed_status.conditions, "Ready").reason == "LookbackRunning"


async def test_a_lookback_without_data_at_its_end_is_done_when_a_second_run_finds_nothing_more(server, gateway):
    pair = await applied(gateway, named("web", end="2026-01-08T00:00:00Z"))
    server.processed["web"], server.latest["web"] = 180, parse_time("2026-01-02T00:00:00Z")
    for started in (True, False):
        server.feed_states["feed-web"], server.job_states["web"] = "stopped", "closed"
        outcome = await Reconciler(gateway, cluster="test").reconcile(pair)
        assert ("start datafeed" in {step.verb for step in outcome.executed}) is started
    assert find_condition(outcome.datafeed_status.conditions, "Ready").reason == "LookbackComplete"


async def test_a_refusal_stays_visible_between_reconciles(server, gateway, observer):
    reconciler = Reconciler(gateway, cluster="test")
    await reconciler.reconcile(named("web"))
    refusal = {"error": {"type": "status_exception", "reason": "not with me"}, "status": 400}
    server.fault("POST", "feed-web/_update", status=400, body=refusal)
    changed = named("web", queryDelay="95s")
    refused = with_status(changed, await reconciler.reconcile(changed))
    for configs in (False, True):
        status = (await observer.observe(configs=configs)).assess(refused).datafeed_status
        assert "not with me" in find_condition(status.conditions, "Stalled").message


def notification(identifier, when, level, text, job_id="web"):
    return {
        "_index": ".ml-notifications-000002",
        "_id": identifier,
        "_source": {
            "job_id": job_id,
            "timestamp": int(when.timestamp() * 1000),
            "level": level,
            "message": text,
            "job_type": "anomaly_detector",
        },
    }


async def test_messages_reach_the_right_job_once(server, gateway):
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    observer = Observer(gateway, cluster="test", clock=lambda: now)
    late = "Datafeed has missed 12 documents due to ingest latency, latest bucket with missing data is [x]"
    server.messages = [notification("1", now - timedelta(seconds=30), "warning", late)]
    pair = await applied(gateway, named("web"))
    other = await applied(gateway, named("other"))
    first = await observer.observe()
    assert find_condition(first.assess(pair).datafeed_status.conditions, "DataDelayed").status == "True"
    delayed = find_condition(first.assess(other).datafeed_status.conditions, "DataDelayed")
    assert delayed is None or delayed.status != "True"
    assert (await observer.observe()).messages == first.messages  # found again, counted once
    asked = server.bodies[-1]["query"]["bool"]
    since = asked["should"][0]["bool"]["filter"][0]["range"]["timestamp"]["gte"]
    assert since == int((now - timedelta(seconds=150)).timestamp() * 1000)
    assert asked["must_not"] == [{"ids": {"values": ["1"]}}]
    server.messages = []
    assert (await observer.observe()).messages == first.messages  # remembered
    now += timedelta(hours=25)
    assert (await observer.observe()).messages == {}


async def test_messages_that_may_not_be_read_do_not_stop_the_observer(server, gateway, observer):
    pair = await applied(gateway, named("web"))
    forbidden = {"error": {"type": "security_exception", "reason": "no read on .ml-notifications"}}
    server.fault("POST", "_search", status=403, body=forbidden)
    observation = await observer.observe()
    assert "no read on .ml-notifications" in observation.messages_problem
    assert not observation.assess(pair).needs_reconcile


async def test_a_server_that_is_down_is_an_error(server, observer):
    server.fault(".*", ".*", times=999)
    with pytest.raises(Unreachable):
        await observer.observe()


async def test_a_datafeed_that_waits_for_its_job(observer):
    waiting = Pair(datafeed=named("web").datafeed)
    assessment = (await observer.observe()).assess(waiting)
    assert not assessment.needs_reconcile
    assert find_condition(assessment.datafeed_status.conditions, "Ready").reason == "WaitingForJob"


async def test_raw_numbers_are_at_hand(server, gateway, observer):
    pair = await applied(gateway, named("web"))
    observed = (await observer.observe()).observed(pair)
    assert observed.job.stats["data_counts"]["processed_record_count"] == 0
    assert observed.datafeed.stats["state"] == "started"


def conflicting(name):
    """A pair whose datafeed has the id of the datafeed of `web-0`, as two namespaces by default have."""
    pair = named(name)
    metadata = pair.datafeed.metadata.model_copy(update={"name": "feed-web-0"})
    return Pair(job=pair.job, datafeed=pair.datafeed.model_copy(update={"metadata": metadata}))


async def test_a_datafeed_id_in_use_is_a_conflict_with_its_owner_and_no_write_at_rest(server, gateway, observer):
    await applied(gateway, named("web-0"))
    loser = with_status(conflicting("web-1"), await Reconciler(gateway, cluster="test").reconcile(conflicting("web-1")))
    stalled = find_condition(loser.datafeed.status.conditions, "Stalled")
    assert stalled.reason == "Conflict"
    assert "datafeed of job web-0, managed by AnomalyJob ops/web-0 of cluster test" in stalled.message
    assert find_condition(loser.datafeed.status.conditions, "Synced").status == "False"
    assert find_condition(loser.job.status.conditions, "Ready").reason == "Conflict", "no data reaches the job"
    for configs in (False, True, False):
        looked = (await observer.observe(configs=configs)).assess(loser)
        assert looked.datafeed_status == loser.datafeed.status
        assert looked.job_status == loser.job.status
        assert not looked.needs_reconcile
    await gateway.stop_datafeed("feed-web-0")
    await gateway.delete_datafeed("feed-web-0")
    assert (await observer.observe()).assess(loser).needs_reconcile, "the id is free"
    assert server.feeds == {}
    await applied(gateway, loser)
    assert server.feeds["feed-web-0"]["job_id"] == "web-1"


async def test_a_conflict_that_is_not_known_yet_is_looked_at_whole(gateway, observer):
    await applied(gateway, named("web-0"))
    assert (await observer.observe()).assess(conflicting("web-1")).needs_reconcile
    await gateway.create_job(
        "web-1", {"analysis_config": {"detectors": [{"function": "count"}]}, "data_description": {}}
    )
    assert (await observer.observe()).assess(conflicting("web-1")).needs_reconcile


async def test_a_pair_that_was_stopped_when_it_was_taken_over_is_ready_and_at_rest(server, gateway, observer):
    """Looks at its states alone leave it alone too; one that somebody starts is managed as any other."""
    await applied(gateway, named("web-0"))
    await gateway.stop_datafeed("feed-web-0")
    await gateway.close_job("web-0")
    server.jobs["web-0"]["custom_settings"] = {}
    server.calls.clear()
    rests = await applied(gateway, named("web-0"))
    assert [path for _, path in server.writes] == ["/_ml/anomaly_detectors/web-0/_update"]
    for resource in (rests.job, rests.datafeed):
        ready = find_condition(resource.status.conditions, "Ready")
        assert (ready.status, ready.reason) == ("True", "LeftAsFound")
        assert "set spec.state" in ready.message
        assert find_condition(resource.status.conditions, "DatafeedStopped") is None
    for configs in (False, True, False):
        looked = (await observer.observe(configs=configs)).assess(rests)
        assert looked.datafeed_status == rests.datafeed.status
        assert looked.job_status == rests.job.status
        assert not looked.needs_reconcile
    await gateway.open_job("web-0")
    await gateway.start_datafeed("feed-web-0")
    assert (await observer.observe()).assess(rests).needs_reconcile
    runs = await applied(gateway, rests)
    assert find_condition(runs.datafeed.status.conditions, "Ready").reason == "Ready"
    await gateway.stop_datafeed("feed-web-0")
    assert (await observer.observe()).assess(runs).needs_reconcile


async def test_a_manifest_that_says_its_state_starts_what_is_taken_over(server, gateway):
    await applied(gateway, named("web-0"))
    await gateway.stop_datafeed("feed-web-0")
    server.jobs["web-0"]["custom_settings"] = {}
    await applied(gateway, named("web-0", state="Started"))
    assert server.feed_states["feed-web-0"] == "started"
