"""The reconciler asks before it gives something up, and brings back what was given up in vain."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from anomalyops.plan import is_mark, read_marker
from anomalyops.reconciler import Observer, Pair, Reconciler
from anomalyops.resources import Resource, find_condition

JOB = {
    "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
    "dataDescription": {"timeField": "@timestamp"},
    "analysisLimits": {"modelMemoryLimit": "64mb"},
}
FEED = {"jobRef": {"name": "web"}, "indices": ["logs-*"], "queryDelay": "60s"}
HOURLY = {"analysisConfig": {"bucketSpan": "1h"}, "replacePolicy": "Recreate"}


@pytest.fixture
def reconciler(gateway):
    """For which a second passes whenever it looks at the clock: nothing may hang on being quick."""
    seconds = count()
    return Reconciler(
        gateway, cluster="test", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))
    )


def merge(base, changes):
    both = {key: merge(base[key], value) for key, value in changes.items() if isinstance(base.get(key), dict)}
    return {**base, **changes, **both}


def resource(kind, name, spec):
    metadata = {"name": name, "namespace": "ops", "uid": f"uid-{name}", "generation": 1}
    return Resource.from_object(
        {"apiVersion": "anomalyops.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    )


def pair(job=None, feed=None):
    return Pair(
        job=resource("AnomalyJob", "web", merge(JOB, job or {})),
        datafeed=resource("Datafeed", "feed-web", merge(FEED, feed or {})),
    )


def condition(status, type_):
    return find_condition(status.conditions, type_)


def error_body(status, type_, reason):
    return {"error": {"root_cause": [], "type": type_, "reason": reason}, "status": status}


def refusal(reason, status=400):
    return {"status": status, "body": error_body(status, "status_exception", reason)}


def with_status(wanted, outcome):
    def carried(resource, status):
        raw = resource.model_dump(by_alias=True, mode="json", exclude_none=True)
        return Resource.from_object(raw | {"status": status.model_dump(by_alias=True, mode="json", exclude_none=True)})

    return type(wanted)(
        job=carried(wanted.job, outcome.job_status), datafeed=carried(wanted.datafeed, outcome.datafeed_status)
    )


def everything(server):
    return copy.deepcopy((server.jobs, server.job_states, server.feeds, server.feed_states))


@pytest.fixture
async def learned(server, reconciler):
    """A pair that has learned."""
    await reconciler.reconcile(pair())
    server.processed["web"], server.latest["web"], server.model_bytes["web"] = 1000, 5, 50_000_000
    server.calls.clear()
    return everything(server)


async def test_in_order_the_job_is_created_anew_after_the_server_was_asked(server, reconciler, learned):
    outcome = await reconciler.reconcile(pair(HOURLY))
    assert outcome.error is None
    assert server.jobs["web"]["analysis_config"]["bucket_span"] == "1h"
    assert server.trials == ["_validate", "_preview", "_field_caps"]
    first_write = server.calls.index(server.writes[0])
    assert all(server.calls.index(("POST", path)) < first_write for path in ("/_ml/datafeeds/_preview",))


async def test_a_change_that_loses_nothing_asks_nothing(server, reconciler, learned):
    await reconciler.reconcile(pair({"description": "new"}))
    assert server.trials == []


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/_validate$", "bucket_span must be a multiple"),
        ("/_preview$", "Datafeed query is not parsable"),
        ("/_preview$", "no such index [logs-1]"),
        ("/_field_caps$", "no such index [logs-1]"),
    ],
)
@pytest.mark.parametrize("change", [HOURLY, {"analysisLimits": {"modelMemoryLimit": "10mb"}, "replacePolicy": "Reset"}])
async def test_a_configuration_that_the_server_would_refuse_costs_nothing(
    server, reconciler, learned, path, says, change
):
    status = 404 if "index" in says else 400
    body = error_body(status, "index_not_found_exception" if status == 404 else "status_exception", says)
    server.fault("POST", path, status=status, body=body, times=99)
    found = await reconciler.plan(pair(change))
    assert found.empty
    assert any(says in obstacle.message for obstacle in found.obstacles)
    outcome = await reconciler.reconcile(pair(change))
    assert server.writes == []
    assert everything(server) == learned
    job = outcome.job_status
    assert condition(job, "Stalled").reason == "Rejected"
    assert says in condition(job, "Stalled").message
    assert condition(job, "Synced").status == "False"
    assert job.observed_generation == 1
    assert outcome.retry_after is not None  # what is missing may come without an event


async def test_the_server_is_asked_again_and_then_it_is_done(server, reconciler, learned):
    server.fault(
        "POST", "/_field_caps$", status=404, body=error_body(404, "index_not_found_exception", "no such index")
    )
    assert (await reconciler.reconcile(pair(HOURLY))).plan.empty
    outcome = await reconciler.reconcile(pair(HOURLY))
    assert outcome.error is None
    assert server.jobs["web"]["analysis_config"]["bucket_span"] == "1h"
    assert condition(outcome.job_status, "Synced").status == "True"


async def test_what_the_server_said_stands_until_it_is_asked_again(server, gateway, reconciler, learned):
    """A look at everything asks nothing: it must not announce what the server has refused."""
    server.fault("POST", "/_validate$", **refusal("no such span"), times=99)
    wanted = pair(HOURLY)
    outcome = await reconciler.reconcile(wanted)
    observation = await Observer(gateway, cluster="test").observe(configs=True)
    seen = observation.assess(with_status(wanted, outcome))
    assert not seen.needs_reconcile
    for type_ in ("Synced", "Stalled", "Ready"):
        assert condition(seen.job_status, type_).message == condition(outcome.job_status, type_).message
    assert condition(seen.datafeed_status, "Reconciling") is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "no index matches logs-*"),
        ({"bytes": "long"}, "has the time field @timestamp"),
        ({"@timestamp": "keyword", "bytes": "long"}, "@timestamp is no date in logs-*, but keyword"),
        ({"@timestamp": "date"}, "has bytes, which the job analyses"),
    ],
)
async def test_the_fields_that_are_read_have_to_be_there(server, reconciler, learned, fields, says):
    server.fields = fields
    wanted = pair(merge(HOURLY, {"analysisConfig": {"detectors": [{"function": "mean", "fieldName": "bytes"}]}}))
    outcome = await reconciler.reconcile(wanted)
    assert everything(server) == learned
    assert says in condition(outcome.datafeed_status, "Stalled").message
    assert says in condition(outcome.job_status, "Stalled").message


async def test_fields_that_the_datafeed_makes_need_not_be_there(server, reconciler, learned):
    server.fields = {"@timestamp": "date"}
    made = {"total": {"script": {"source": "1"}}}
    detectors = [{"function": "mean", "fieldName": "total"}]
    wanted = pair(merge(HOURLY, {"analysisConfig": {"detectors": detectors}}), {"scriptFields": made})
    assert (await reconciler.reconcile(wanted)).error is None
    assert server.jobs["web"]["analysis_config"]["bucket_span"] == "1h"


async def test_a_memory_limit_above_the_servers_is_an_obstacle_before_the_reset(server, reconciler, learned):
    server.max_memory = "100mb"
    outcome = await reconciler.reconcile(pair(merge(HOURLY, {"analysisLimits": {"modelMemoryLimit": "200mb"}})))
    assert everything(server) == learned
    assert "max_model_memory_limit 100mb" in condition(outcome.job_status, "Stalled").message


async def test_the_detector_that_is_refused_is_named(server, reconciler, learned):
    server.fault("POST", "/_validate$", **refusal("failed to parse field [analysis_config]"))
    server.fault("POST", "/_validate/detector$", **refusal("field_name must be set"))
    found = await reconciler.plan(pair(HOURLY))
    assert "detectors[0]: field_name must be set" in found.obstacles[0].message


async def test_a_server_that_fails_to_answer_is_not_one_that_agrees(server, reconciler, learned):
    server.fault("POST", "/_preview$", status=503, body=error_body(503, "x", "not now"), times=99)
    outcome = await reconciler.reconcile(pair(HOURLY))
    assert everything(server) == learned
    assert outcome.error is not None
    assert outcome.retry_after is not None


@pytest.mark.parametrize("status", [400, 403, 404, 501])
async def test_calendars_that_cannot_be_read_hinder_nothing_and_are_named(server, reconciler, learned, status):
    server.fault("GET", "/_ml/calendars$", status=status, body=error_body(status, "some_exception", "no"), times=9)
    found = await reconciler.plan(pair(HOURLY))
    assert found.unchecked == ("the calendars of the job: no",)
    outcome = await reconciler.reconcile(pair(HOURLY))
    assert outcome.error is None
    assert any("the calendars of the job: no" in notice.message for notice in outcome.notices)


@pytest.mark.parametrize("status", [400, 404, 405, 501])
async def test_a_check_that_the_server_does_not_know_is_said(server, reconciler, learned, status):
    reason = "no handler found for uri [/logs-*/_field_caps] and method [POST]"
    for path in ("/_field_caps$", "/_preview$", "/_validate$"):
        server.fault(
            "POST", path, status=status, body=error_body(status, "illegal_argument_exception", reason), times=9
        )
    found = await reconciler.plan(pair(HOURLY))
    assert found.destructive
    assert [what.split(":")[0] for what in found.unchecked] == [
        "validation of job web",
        "preview of datafeed feed-web",
        "the fields that datafeed feed-web reads",
    ]
    outcome = await reconciler.reconcile(pair(HOURLY))
    assert outcome.error is None
    assert any("without asking the server first" in notice.message for notice in outcome.notices)


async def test_a_plan_that_is_only_looked_at_tells_what_the_server_will_refuse(server, reconciler):
    """A pull request that is green must not fail when it is merged."""
    server.fault("POST", "/_validate$", **refusal("groups are taken"), times=99)
    found = await reconciler.plan(pair())
    assert "groups are taken" in found.obstacles[0].message
    assert found.stalled
    server.faults.clear()
    assert not (await reconciler.plan(pair())).stalled


# -- refused all the same ------------------------------------------------------------------------------------------


TOGETHER_AND_ALONE = 2  # times that a job is refused: with its datafeed in one call, and then without
JOB_PATH, FEED_PATH = "/anomaly_detectors/web$", "/datafeeds/feed-web$"


def unmarked(config):
    settings = {key: value for key, value in config["custom_settings"].items() if not is_mark(key)}
    return config | {"custom_settings": settings}


@pytest.mark.parametrize(("path", "times"), [(JOB_PATH, TOGETHER_AND_ALONE), (FEED_PATH, 1)])
async def test_what_was_given_up_in_vain_is_brought_back_once(server, gateway, reconciler, learned, path, times):
    jobs, states, feeds, feed_states = learned
    server.fault("PUT", path, **refusal("not here"), times=times)
    wanted = pair(HOURLY)
    outcome = await reconciler.reconcile(wanted)
    assert unmarked(server.jobs["web"]) == unmarked(jobs["web"])
    assert server.feeds == feeds
    assert (server.job_states, server.feed_states) == (states, feed_states)
    message = condition(outcome.job_status, "Stalled").message
    for words in ("not here", "the model and its results are gone", "change the manifest"):
        assert words in message
    assert condition(outcome.job_status, "Synced").status == "False"
    assert [step.verb for step in outcome.executed][-4:] == [
        "create job",
        "create datafeed",
        "open job",
        "start datafeed",
    ]
    assert any(notice.reason == "PlanFailed" for notice in outcome.notices)

    # Another look, another process: the model that grows again is not thrown away for the same manifest.
    server.processed["web"], server.model_bytes["web"] = 1000, 50_000_000
    server.calls.clear()
    for again in (reconciler, Reconciler(gateway, cluster="test")):
        outcome = await again.reconcile(wanted)
        assert server.writes == []
        assert condition(outcome.job_status, "Stalled").message == message
    changed = pair(HOURLY | {"description": "fixed"})
    assert (await Reconciler(gateway, cluster="test").reconcile(changed)).error is None
    assert server.jobs["web"]["analysis_config"]["bucket_span"] == "1h"
    assert not read_marker(server.jobs["web"]).refused


async def test_what_was_given_up_is_brought_back_even_when_the_server_is_away_for_a_while(server, reconciler, learned):
    jobs, states, feeds, feed_states = learned
    server.fault("PUT", JOB_PATH, **refusal("not here"), times=TOGETHER_AND_ALONE)
    server.fault("PUT", JOB_PATH, status=429, body=error_body(429, "x", "later"))
    assert (await reconciler.reconcile(pair(HOURLY))).error is not None
    assert server.jobs == {}
    outcome = await reconciler.reconcile(pair(HOURLY))
    assert unmarked(server.jobs["web"]) == unmarked(jobs["web"])
    assert server.feeds == feeds
    assert (server.job_states, server.feed_states) == (states, feed_states)
    assert "are gone" in condition(outcome.job_status, "Stalled").message


async def test_a_creation_that_the_server_puts_off_is_tried_again(server, reconciler, learned):
    server.fault("PUT", JOB_PATH, status=429, body=error_body(429, "x", "later"))
    assert (await reconciler.reconcile(pair(HOURLY))).error is not None
    assert (await reconciler.reconcile(pair(HOURLY))).error is None
    assert server.jobs["web"]["analysis_config"]["bucket_span"] == "1h"


async def test_a_creation_that_is_put_off_and_then_refused_is_taken_back(server, reconciler, learned):
    server.fault("PUT", JOB_PATH, status=429, body=error_body(429, "x", "later"))
    server.fault("PUT", JOB_PATH, **refusal("not here"), times=TOGETHER_AND_ALONE)
    await reconciler.reconcile(pair(HOURLY))
    await reconciler.reconcile(pair(HOURLY))
    assert unmarked(server.jobs["web"]) == unmarked(learned[0]["web"])
    assert server.feeds == learned[2]


async def test_an_update_that_is_refused_after_a_reset_loses_the_model_once(server, reconciler, learned):
    wanted = pair({"analysisLimits": {"modelMemoryLimit": "10mb"}, "replacePolicy": "Reset"})
    server.fault("POST", "/anomaly_detectors/web/_update$", **refusal("not so"), times=1)
    outcome = await reconciler.reconcile(wanted)
    assert "are gone" in condition(outcome.job_status, "Stalled").message
    server.processed["web"], server.model_bytes["web"] = 1000, 50_000_000
    server.calls.clear()
    again = await reconciler.reconcile(with_status(wanted, outcome))
    assert server.writes == []
    assert condition(again.job_status, "Stalled") == condition(outcome.job_status, "Stalled")


async def test_a_datafeed_that_is_replaced_in_vain_is_brought_back(server, gateway, learned):
    jobs, _, feeds, _ = learned
    server.fault("PUT", "/datafeeds/other$", **refusal("not here"))
    wanted = pair(feed={"datafeedId": "other", "replacePolicy": "Recreate"})
    outcome = await Reconciler(gateway, cluster="test").reconcile(wanted)
    assert server.feeds == feeds
    assert server.feed_states == {"feed-web": "started"}
    assert unmarked(server.jobs["web"]) == unmarked(jobs["web"])
    message = condition(outcome.datafeed_status, "Stalled").message
    assert "not here" in message
    assert "model" not in message
