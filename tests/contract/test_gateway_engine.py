"""The gateway and the reconciler against the embedded engine over HTTP: the same calls that Elasticsearch gets."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import time
from datetime import UTC, datetime

import pytest

from anomalyops.elastic import (
    AlreadyExists,
    Conflict,
    Endpoint,
    Gateway,
    MlMessage,
    Rejected,
)
from anomalyops.elastic.documents import Documents
from anomalyops.plan import CreatePair, is_mark, joined
from anomalyops.reconciler import Observer, Pair, Reconciler, check_connection, connect
from anomalyops.resources import Resource, find_condition
from waiting import PATIENCE_S

DAY = 86_400_000
MINUTE = 60_000
HOUR = 60 * MINUTE
HOURS = 72
START = (int(time.time() * 1000) // DAY - 4) * DAY  # four days ago, midnight

_numbers = itertools.count()


@pytest.fixture
async def gateway(shared_engine):
    made = Gateway(Endpoint(urls=(shared_engine.url,)))
    yield made
    await made.close()


@pytest.fixture
def reconciler(gateway):
    return Reconciler(gateway, cluster="contract")


@pytest.fixture
def observer(gateway):
    return Observer(gateway, cluster="contract")


@pytest.fixture
async def index(gateway):
    """Three days of documents, a few a minute with a daily rhythm."""
    name = f"gateway-{next(_numbers)}"
    documents = Documents(gateway.rest)
    fields = {"@timestamp": {"type": "date"}, "host": {"type": "keyword"}, "bytes": {"type": "long"}}
    await documents.create(name, {"properties": fields})
    rows = [
        {
            "@timestamp": START + minute * MINUTE,
            "host": f"h{minute % 3}",
            "bytes": int(100 + 50 * math.sin(minute / 229)),
        }
        for minute in range(HOURS * 60)
    ]
    refused = await documents.bulk(name, [json.dumps(row).encode() for row in rows])
    assert refused == []
    yield name
    await documents.delete(name)


@pytest.fixture
async def make(gateway, index):
    """Makes pairs of an id that no other test uses, and removes what the server has of them afterwards."""
    name = f"pair-{next(_numbers)}"

    def pair(job=None, feed=None, *, deleting=()):
        gone = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
        return Pair(
            job=Resource.from_object(
                {
                    "apiVersion": "anomalyops.io/v1alpha1",
                    "kind": "AnomalyJob",
                    "metadata": {"name": name, "namespace": "ops", "uid": f"u-{name}", "generation": 1}
                    | (gone if "job" in deleting else {}),
                    "spec": {
                        "analysisConfig": {
                            "bucketSpan": "15m",
                            "detectors": [{"function": "mean", "fieldName": "bytes"}],
                        },
                        "dataDescription": {"timeField": "@timestamp"},
                        "analysisLimits": {"modelMemoryLimit": "64mb"},
                    }
                    | (job or {}),
                }
            ),
            datafeed=Resource.from_object(
                {
                    "apiVersion": "anomalyops.io/v1alpha1",
                    "kind": "Datafeed",
                    "metadata": {"name": f"feed-{name}", "namespace": "ops", "generation": 1}
                    | (gone if "feed" in deleting else {}),
                    "spec": {"jobRef": {"name": name}, "indices": [index], "queryDelay": "60s"} | (feed or {}),
                }
            ),
        )

    yield pair
    await gateway.stop_datafeed(f"feed-{name}", force=True)
    await gateway.close_job(name, force=True)
    await gateway.delete_datafeed(f"feed-{name}")
    await gateway.delete_job(name)


async def server_side(gateway, pair):
    return await gateway.pair(pair.job.server_id, pair.datafeed.server_id)


async def eventually(look, *, seconds=PATIENCE_S):
    deadline = asyncio.get_running_loop().time() + seconds
    while not (found := await look()):
        assert asyncio.get_running_loop().time() < deadline, "waited in vain"
        await asyncio.sleep(0.1)
    return found


def iso(milliseconds):
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()


def condition(status, type_):
    return find_condition(status.conditions, type_)


async def test_the_connection_is_ready(shared_engine):
    connection = Resource.from_object(
        {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "ElasticsearchConnection",
            "metadata": {"name": "default"},
            "spec": {"url": shared_engine.url},
        }
    )
    gateway = connect(connection)
    reconciler = Reconciler(gateway, cluster="contract")
    status = await check_connection(gateway, connection, None, reconciler._clock())
    await gateway.close()
    assert condition(status, "Ready").status == "True"
    assert status.version.startswith("8.")


async def test_a_pair_is_created_runs_and_reads_everything_once(gateway, reconciler, observer, make):
    outcome = await reconciler.reconcile(make())
    assert outcome.error is None
    assert condition(outcome.job_status, "Synced").status == "True"
    pair = make()

    async def caught_up():
        counts = (await observer.observe()).observed(pair).job.stats["data_counts"]
        return counts["processed_record_count"] == HOURS * 60

    await eventually(caught_up)
    again = await reconciler.reconcile(pair)
    assert again.plan.empty
    assert again.executed == ()
    for configs in (False, True):
        assert not (await observer.observe(configs=configs)).assess(pair).needs_reconcile


async def created(gateway, pair):
    """The call that creates both, and what it answers."""
    first, *_ = joined((await Reconciler(gateway, cluster="contract").plan(pair)).steps)
    assert isinstance(first, CreatePair)
    return first, await first.send(gateway)


async def test_one_call_creates_a_pair_and_answers_what_a_look_would_see(gateway, make):
    _, told = await created(gateway, make())
    found = await server_side(gateway, make())
    assert told == (found.job, found.datafeed)


async def test_a_datafeed_that_is_refused_takes_the_job_of_the_same_call_back(gateway, reconciler, make):
    pair = make(feed={"query": {"no_such_clause": {}}})
    with pytest.raises(Rejected):
        await created(gateway, pair)
    assert await gateway.job(pair.job.server_id) is None
    outcome = await reconciler.reconcile(pair)
    assert condition(outcome.job_status, "Synced").status == "True"
    assert "no_such_clause" in condition(outcome.datafeed_status, "Stalled").message
    assert (await gateway.job_stats_of(pair.job.server_id))["state"] == "opened"


async def test_memory_of_a_running_job_is_raised_without_skipping_or_repeating_data(gateway, reconciler, make):
    await reconciler.reconcile(make())
    outcome = await reconciler.reconcile(make({"analysisLimits": {"modelMemoryLimit": "128mb"}}))
    assert outcome.error is None
    assert [step.verb for step in outcome.executed][-5:] == [
        "stop datafeed",
        "close job",
        "update job",
        "open job",
        "start datafeed",
    ]
    found = await server_side(gateway, make())
    assert found.job["analysis_limits"]["model_memory_limit"] == "128mb"
    assert found.job_stats["state"] == "opened"
    assert found.datafeed_stats["state"] in ("starting", "started")

    async def all_read():
        counts = (await gateway.job_stats_of(make().job.server_id))["data_counts"]
        assert counts["processed_record_count"] <= HOURS * 60
        return counts["processed_record_count"] == HOURS * 60

    await eventually(all_read)


async def test_memory_and_query_delay_change_together(gateway, reconciler, make):
    await reconciler.reconcile(make())
    changed = make({"analysisLimits": {"modelMemoryLimit": "96mb"}}, {"queryDelay": "95s"})
    outcome = await reconciler.reconcile(changed)
    verbs = [step.verb for step in outcome.executed]
    assert verbs.index("update job") < verbs.index("update datafeed")
    found = await server_side(gateway, changed)
    assert found.job["analysis_limits"]["model_memory_limit"] == "96mb"
    assert found.datafeed["query_delay"] == "95s"
    assert found.datafeed_stats["state"] in ("starting", "started")
    assert (await reconciler.plan(changed)).empty


async def test_a_query_delay_leaves_the_job_open(gateway, reconciler, make):
    await reconciler.reconcile(make())
    outcome = await reconciler.reconcile(make(feed={"queryDelay": "77s"}))
    assert [step.verb for step in outcome.executed] == [
        "stop datafeed",
        "update datafeed",
        "start datafeed",
    ]
    found = await server_side(gateway, make())
    assert (found.datafeed["query_delay"], found.job_stats["state"]) == ("77s", "opened")


async def test_drift_is_seen_and_undone(gateway, reconciler, observer, make):
    pair = make()
    await reconciler.reconcile(pair)
    feed_id = pair.datafeed.server_id
    await gateway.stop_datafeed(feed_id)
    assert (await observer.observe()).assess(pair).needs_reconcile
    await gateway.update_datafeed(feed_id, {"query_delay": "5s"})
    await gateway.update_job(pair.job.server_id, {"description": "changed by hand"})
    assert (await observer.observe(configs=True)).assess(pair).needs_reconcile
    outcome = await reconciler.reconcile(pair)
    assert outcome.error is None
    found = await server_side(gateway, pair)
    assert found.datafeed["query_delay"] == "60s"
    assert found.datafeed_stats["state"] in ("starting", "started")


async def test_what_the_engine_rejects_leaves_the_feed_running(gateway, reconciler, make):
    await reconciler.reconcile(make())
    outcome = await reconciler.reconcile(make(feed={"query": {"no_such_query": {}}}))
    stalled = condition(outcome.datafeed_status, "Stalled")
    assert stalled.reason == "Rejected"
    assert "no_such_query" in stalled.message
    found = await server_side(gateway, make())
    assert found.datafeed_stats["state"] in ("starting", "started")
    mended = await reconciler.reconcile(make(feed={"query": {"term": {"host": "h1"}}}))
    assert mended.error is None
    assert (await server_side(gateway, make())).datafeed["query"] == {"term": {"host": "h1"}}


async def test_a_lookback_ends_by_itself_and_is_done(gateway, reconciler, observer, make):
    window = {"start": iso(START), "end": iso(START + 2 * DAY)}
    outcome = await reconciler.reconcile(make(feed=window))
    assert outcome.error is None

    async def ended():
        return (await gateway.datafeed_stats_of(make().datafeed.server_id))["state"] == "stopped"

    await eventually(ended)

    assert await gateway.lookback_completed(make().job.server_id) is True
    noted = await reconciler.reconcile(make(feed=window))
    assert [step.reason for step in noted.executed] == ["note that the run came to its end"]
    assert condition(noted.datafeed_status, "Ready").reason == "LookbackComplete"
    assessment = (await observer.observe(configs=True)).assess(make(feed=window))
    assert not assessment.needs_reconcile
    assert condition(assessment.datafeed_status, "Ready").reason == "LookbackComplete"
    again = await reconciler.reconcile(make(feed=window))
    assert again.plan.empty
    counts = (await gateway.job_stats_of(make().job.server_id))["data_counts"]
    assert counts["processed_record_count"] == 48 * 60


async def test_a_lookback_that_somebody_stopped_is_not_complete_and_goes_on(gateway, reconciler, observer, make):
    tomorrow = {"start": iso(START), "end": iso(int(time.time() * 1000) + DAY)}
    await reconciler.reconcile(make(feed=tomorrow))
    feed_id = make().datafeed.server_id
    await gateway.stop_datafeed(feed_id)
    assert await gateway.lookback_completed(make().job.server_id) is False
    for configs in (False, True):
        assert (await observer.observe(configs=configs)).assess(make(feed=tomorrow)).needs_reconcile
    outcome = await reconciler.reconcile(make(feed=tomorrow))
    assert outcome.executed[-2].verb == "start datafeed"
    assert (await gateway.datafeed_stats_of(feed_id))["state"] in ("starting", "started")
    assert condition(outcome.datafeed_status, "Ready").reason == "LookbackRunning"


async def test_an_immutable_change_is_refused_without_a_call(gateway, reconciler, make):
    await reconciler.reconcile(make())
    span = {"bucketSpan": "30m", "detectors": [{"function": "mean", "fieldName": "bytes"}]}
    outcome = await reconciler.reconcile(make({"analysisConfig": span}))
    assert outcome.executed == ()
    assert condition(outcome.job_status, "Stalled").reason == "ImmutableFieldChanged"
    recreate = {"analysisConfig": span, "replacePolicy": "Recreate"}
    assert (await reconciler.reconcile(make(recreate))).error is None
    found = await server_side(gateway, make())
    assert found.job["analysis_config"]["bucket_span"] == "30m"
    assert found.datafeed_stats["state"] in ("starting", "started")


@pytest.mark.parametrize("policy", ["Retain", "Delete", "Orphan"])
async def test_deletion_policies(gateway, reconciler, make, policy):
    await reconciler.reconcile(make())
    gone = make({"deletionPolicy": policy}, {"deletionPolicy": policy}, deleting=("job", "feed"))
    outcome = await reconciler.reconcile(gone)
    assert outcome.error is None
    assert outcome.job_released
    assert outcome.datafeed_released
    found = await server_side(gateway, gone)
    if policy == "Delete":
        assert (found.job, found.datafeed) == (None, None)
    elif policy == "Retain":
        assert (found.job_stats["state"], found.datafeed_stats["state"]) == ("closed", "stopped")
    else:
        assert found.job_stats["state"] == "opened"
        assert not any(map(is_mark, found.job.get("custom_settings", {})))
    assert (await reconciler.reconcile(gone)).job_released


async def test_the_engine_answers_conflicts_as_the_gateway_expects_them(gateway, reconciler, make):
    pair = make()
    await reconciler.reconcile(pair)
    job_id, feed_id = pair.job.server_id, pair.datafeed.server_id
    await gateway.open_job(job_id)
    await gateway.start_datafeed(feed_id)
    with pytest.raises(AlreadyExists):
        await gateway.create_job(job_id, pair.job.spec.server_body())
    with pytest.raises(AlreadyExists):
        await gateway.create_datafeed(feed_id, {"job_id": job_id, "indices": ["x"]})
    with pytest.raises(Conflict, match="Cannot update datafeed"):
        await gateway.update_datafeed(feed_id, {"query_delay": "1s"})
    with pytest.raises(Rejected, match="while the job is open"):
        await gateway.update_job(job_id, {"analysis_limits": {"model_memory_limit": "99mb"}})
    with pytest.raises(Conflict):
        await gateway.delete_job(job_id)
    assert await gateway.job("no-such-job") is None
    assert await gateway.datafeed_stats_of("no-such-feed") is None


async def test_messages_can_be_searched(gateway, observer, reconciler, make):
    await reconciler.reconcile(make())
    observation = await observer.observe()
    assert observation.messages_problem == ""
    assert isinstance(await gateway.ml_messages_since(0), list)


async def test_messages_are_read_page_by_page_and_not_again(gateway, reconciler, make, monkeypatch):
    job_id, feed_id = make().job.server_id, make().datafeed.server_id
    await reconciler.reconcile(make())
    for _ in range(3):  # each says that the datafeed has stopped and started
        await gateway.stop_datafeed(feed_id)
        await reconciler.reconcile(make())

    async def messages() -> list[MlMessage]:
        found = [message for message in await gateway.ml_messages_since(0) if message.job_id == job_id]
        assert len({message.id for message in found}) == len(found)
        return found

    whole = await messages()
    assert len(whole) > 6
    with monkeypatch.context() as small:
        small.setattr("anomalyops.elastic.messages._SIZE", 2)
        in_pages = await messages()
    # The datafeed runs, and may tell more meanwhile.
    assert set(whole) <= set(in_pages) <= set(await messages())
    monkeypatch.setattr("anomalyops.elastic.messages._SIZE", 2)
    everything = await gateway.ml_messages_since(0)  # of the other tests' jobs too
    left = await gateway.ml_messages_since(0, [message.id for message in everything if message not in in_pages[:1]])
    assert in_pages[0] in left
    assert not set(in_pages[1:]) & set(left)


async def made_by_hand(gateway, pair):
    """The same pair without a mark, as Kibana would have made it."""
    config = await gateway.job(pair.job.server_id)
    kept = {key: value for key, value in config["custom_settings"].items() if not is_mark(key)}
    await gateway.update_job(pair.job.server_id, {"custom_settings": kept})


async def test_a_pair_made_by_hand_in_other_words_is_taken_over_as_it_is(gateway, reconciler, make):
    """Only the mark is written; a datafeed that was stopped on purpose stays stopped until the manifest says more."""
    there = make(
        {"analysisConfig": {**SPAN, "summaryCountFieldName": "doc_count"}},
        {
            "query": {"bool": {"filter": [{"term": {"host": {"value": "h1"}}}]}},
            "aggregations": buckets("1800s"),
            "state": "Stopped",
        },
    )
    await reconciler.reconcile(there)
    await made_by_hand(gateway, there)
    ours = make(
        {"analysisConfig": {**SPAN, "summaryCountFieldName": "doc_count"}},
        {"query": {"bool": {"must": {"term": {"host": "h1"}}}}, "aggregations": buckets("30m")},
    )
    outcome = await reconciler.reconcile(ours)
    assert [step.verb for step in outcome.executed] == ["update job"]
    assert "managed by" in outcome.executed[0].reason
    assert outcome.plan.ownership.endswith("managed by nobody yet")
    assert find_condition(outcome.datafeed_status.conditions, "Ready").reason == "LeftAsFound"
    found = await server_side(gateway, ours)
    assert found.datafeed_stats["state"] == "stopped"
    assert (await reconciler.reconcile(ours)).executed == ()
    settings = found.job["custom_settings"]
    assert all(isinstance(value, str) for value in settings.values())
    assert settings["anomalyops.io/rest"] == "datafeed"

    started = await reconciler.reconcile(
        make({"analysisConfig": {**SPAN, "summaryCountFieldName": "doc_count"}}, ours.datafeed.spec.manifest() | RUNS)
    )
    assert [step.verb for step in started.executed][-1] in {"start datafeed", "update job"}
    assert (await server_side(gateway, ours)).datafeed_stats["state"] == "started"


SPAN = {"bucketSpan": "1h", "detectors": [{"function": "mean", "fieldName": "bytes"}]}
RUNS = {"state": "Started"}


def buckets(interval):
    inner = {"@timestamp": {"max": {"field": "@timestamp"}}, "bytes": {"avg": {"field": "bytes"}}}
    return {"buckets": {"date_histogram": {"field": "@timestamp", "fixed_interval": interval}, "aggregations": inner}}


async def test_a_lookback_that_was_finished_before_is_finished(gateway, reconciler, make):
    end = str(START + 24 * 60 * MINUTE)
    pair = make({}, {"end": end})
    await reconciler.reconcile(pair)

    async def ended():
        return (await server_side(gateway, pair)).job_stats["state"] == "closed"

    await eventually(ended)
    await made_by_hand(gateway, pair)
    before = (await server_side(gateway, pair)).job_stats["data_counts"]["processed_record_count"]
    for state in ({}, {"state": "Started"}):
        outcome = await reconciler.reconcile(make({}, {"end": end} | state))
        assert "start datafeed" not in [step.verb for step in outcome.executed]
        assert find_condition(outcome.datafeed_status.conditions, "Ready").reason == "LookbackComplete"
    assert (await server_side(gateway, pair)).job_stats["data_counts"]["processed_record_count"] == before


async def test_a_description_that_is_taken_back_is_the_servers_own_again(gateway, reconciler, make):
    detector = {"function": "mean", "fieldName": "bytes", "partitionFieldName": "host"}
    plain = make({"analysisConfig": {"bucketSpan": "15m", "detectors": [detector]}})
    await reconciler.reconcile(plain)
    made = (await server_side(gateway, plain)).job["analysis_config"]["detectors"][0]["detector_description"]
    said = {"bucketSpan": "15m", "detectors": [{**detector, "detectorDescription": "bytes of each host"}]}
    await reconciler.reconcile(make({"analysisConfig": said}))
    await reconciler.reconcile(plain)
    detectors = (await server_side(gateway, plain)).job["analysis_config"]["detectors"]
    assert detectors[0]["detector_description"] == made


async def test_the_parts_of_an_object_that_somebody_set_by_hand_stay(gateway, reconciler, make):
    await reconciler.reconcile(make({"modelPlotConfig": {"enabled": True}}, {"state": "Stopped"}))
    pair = make({"modelPlotConfig": {"enabled": False}}, {"indicesOptions": {"ignoreUnavailable": True}} | STOPPED)
    await gateway.update_job(pair.job.server_id, {"model_plot_config": {"enabled": True, "terms": "a"}})
    options = {"allow_no_indices": False}
    await gateway.update_datafeed(pair.datafeed.server_id, {"indices_options": options})
    assert (await reconciler.reconcile(pair)).error is None
    found = await server_side(gateway, pair)
    assert found.job["model_plot_config"] == {"enabled": False, "annotations_enabled": False, "terms": "a"}
    assert found.datafeed["indices_options"]["ignore_unavailable"] is True
    assert found.datafeed["indices_options"]["allow_no_indices"] is False


STOPPED = {"state": "Stopped"}

# -- asked before anything is given up -----------------------------------------------------------------------------


HOURLY = {
    "analysisConfig": {"bucketSpan": "1h", "detectors": [{"function": "mean", "fieldName": "bytes"}]},
    "replacePolicy": "Recreate",
}


@pytest.fixture
async def learned(gateway, reconciler, make):
    """A pair whose job has a model and results."""
    feed = {"start": iso(START), "end": iso(START + 24 * HOUR)}
    pair = make(feed=feed)
    assert (await reconciler.reconcile(pair)).error is None

    async def done():
        return (await reconciler.reconcile(pair)).retry_after is None and (await records_of(gateway, pair)) > 0

    await eventually(done)
    return feed


async def records_of(gateway, pair):
    return (await gateway.job_stats_of(pair.job.server_id))["data_counts"]["processed_record_count"]


@pytest.mark.parametrize(
    ("job", "feed", "says"),
    [
        ({"dataDescription": {"timeField": "nowhere"}}, {}, "has the time field nowhere"),
        ({"dataDescription": {"timeField": "host"}}, {}, "host"),
        (
            {"analysisConfig": {"bucketSpan": "1h", "detectors": [{"function": "mean", "fieldName": "no"}]}},
            {},
            "has no",
        ),
        ({}, {"indices": ["never-made"]}, "no such index [never-made]"),
        ({}, {"indices": ["never-made-*"]}, "no index matches never-made-*"),
        ({}, {"query": {"never_heard_of": {}}}, "never_heard_of"),
    ],
)
async def test_a_model_is_kept_when_the_engine_would_refuse_what_comes_instead(
    gateway, reconciler, make, learned, job, feed, says
):
    wanted = make(HOURLY | job, learned | feed)
    before = await server_side(gateway, wanted)
    found = await reconciler.plan(wanted)
    assert not found.destructive
    assert any(says in obstacle.message for obstacle in found.obstacles)
    outcome = await reconciler.reconcile(wanted)
    assert says in condition(outcome.job_status, "Stalled").message
    after = await server_side(gateway, wanted)
    assert after.job["create_time"] == before.job["create_time"]
    assert after.job_stats["data_counts"]["processed_record_count"] > 0
    assert after.job_stats["model_size_stats"]["model_bytes"] > 0


async def test_everything_can_be_asked_of_the_engine(reconciler, make, learned):
    found = await reconciler.plan(make(HOURLY, learned))
    assert found.destructive
    assert found.unchecked == ()
    assert found.obstacles == ()


async def test_a_job_that_cannot_be_created_anew_comes_back_as_it_was(gateway, reconciler, make, learned, monkeypatch):
    """The engine accepts what was asked, and then a creation is refused all the same."""
    wanted = make(HOURLY, learned)
    before = await server_side(gateway, wanted)
    create, create_job = gateway.create_datafeed, gateway.create_job
    refuse = [Rejected("no room for it", status=400)]

    async def refused_with_its_job(job_id, body):
        if refuse and "datafeed_config" in body:
            raise refuse[0]
        return await create_job(job_id, body)

    async def refused_once(datafeed_id, body):
        if refuse:
            raise refuse.pop()
        return await create(datafeed_id, body)

    monkeypatch.setattr(gateway, "create_job", refused_with_its_job)
    monkeypatch.setattr(gateway, "create_datafeed", refused_once)
    outcome = await reconciler.reconcile(wanted)
    after = await server_side(gateway, wanted)
    assert after.job["analysis_config"] == before.job["analysis_config"]
    assert after.job["create_time"] != before.job["create_time"]
    assert after.datafeed == before.datafeed
    message = condition(outcome.job_status, "Stalled").message
    assert "no room for it" in message
    assert "the model and its results are gone" in message
    again = await Reconciler(gateway, cluster="contract").plan(wanted)
    assert not again.destructive

    async def learned_again():
        return await records_of(gateway, wanted) > 0

    await eventually(learned_again)
