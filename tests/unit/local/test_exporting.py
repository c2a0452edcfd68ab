"""Manifests of what a server has: they say what is needed and no more, and taking over by them changes nothing."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anomalyops.cli.export import manifest_text
from anomalyops.local.errors import LocalError
from anomalyops.local.exporting import Found, manifests_of, object_names
from anomalyops.plan import (
    DatafeedState,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    Owner,
    Policy,
    UpdateJob,
    plan,
)
from anomalyops.resources import AnomalyFilter, AnomalyJob, Datafeed
from anomalyops.resources.manifests import parse_manifests
from anomalyops_engine.config import create_datafeed, create_job
from anomalyops_engine.jobs.search_check import SEARCH_CHECK
from anomalyops_engine.refusals import MlError
from laws import law

sys.path.insert(0, str(Path(__file__).parent.parent / "engine_config"))
from generated_configs import DATAFEED_BODIES, JOB_BODIES

NOW_MS = 1_700_000_000_000
OWNER = Owner(cluster="local", namespace="default", name="job", uid="dir:/here")


def server_job(body, job_id="job"):
    return create_job(body, job_id=job_id, now_ms=NOW_MS)[0].render()


def server_feed(body, job_id="job"):
    return create_datafeed({**body, "job_id": job_id}, datafeed_id="feed", search=SEARCH_CHECK).render()


@st.composite
def servers(draw):
    """A job and a datafeed as a server holds them after they were created with any fields that go together."""
    job_body, feed_body = draw(JOB_BODIES), draw(DATAFEED_BODIES)
    for detector in job_body["analysis_config"][
        "detectors"
    ]:  # what no manifest can say: rules that shift or do nothing
        rules = detector.get("custom_rules", [])
        rules[:] = [rule for rule in rules if "params" not in rule and rule.get("actions") != []]
    try:
        job = server_job(job_body)
    except MlError:
        assume(False)
    if (exported(job, server_feed(feed_body))).refused:
        job_body["analysis_config"].pop("latency", None)
        for field in ("aggregations", "delayed_data_check_config"):
            feed_body.pop(field, None)
    return server_job(job_body), server_feed(feed_body)


def exported(job, feed=None, **stats):
    feeds = {} if feed is None else {feed["datafeed_id"]: feed}
    return manifests_of(Found(jobs={job["job_id"]: job}, datafeeds=feeds, **stats))


def read(export):
    """The resources as the files say them."""
    return parse_manifests("---\n".join(manifest_text(written) for written in export.manifests))


STATES = [
    (JobState.OPENED, DatafeedState.STARTED),
    (JobState.OPENED, DatafeedState.STOPPED),
    (JobState.OPENING, DatafeedState.STARTING),
    (JobState.CLOSED, DatafeedState.STOPPED),
]


@given(servers(), st.sampled_from(STATES))
@law(examples=50)
def test_taking_over_by_an_export_changes_nothing_but_the_mark(server, states):
    (job, feed), (job_state, feed_state) = server, states
    export = exported(job, feed)
    assert export.refused == ()
    made_job, made_feed = read(export)
    desired = Desired(
        owner=OWNER,
        job=DesiredJob(job_id=made_job.server_id, body=made_job.spec.server_body(), state_given=False),
        datafeed=DesiredDatafeed(datafeed_id=made_feed.server_id, body=made_feed.spec.server_body(), state_given=False),
    )
    assert made_job.spec.model_fields_set.isdisjoint({"state", "replace_policy", "deletion_policy"})
    observed = Observed(
        job=ObservedJob(config=job, state=job_state), datafeed=ObservedDatafeed(config=feed, state=feed_state)
    )
    steps = plan(desired, observed, Policy()).steps
    assert [type(step) for step in steps] == [UpdateJob], [str(step) for step in steps]
    assert set(steps[0].body) == {"custom_settings"}
    marked = {**job, "custom_settings": steps[0].body["custom_settings"]}
    mine = {key: value for key, value in marked["custom_settings"].items() if not key.startswith("anomalyops.io/")}
    assert mine == (job.get("custom_settings") or {})
    again = plan(desired, replace(observed, job=replace(observed.job, config=marked)), Policy())
    assert again.empty
    assert not again.obstacles


@given(servers())
@law(examples=50)
def test_an_export_makes_the_same_job_on_another_server(server):
    job, feed = server
    export = exported(job, feed)
    made_job, made_feed = read(export)
    assert same(server_job(made_job.spec.server_body())) == same(job)
    assert same(server_feed(made_feed.spec.server_body())) == same(feed)


AS_NONE = (("multivariate_by_fields", False), ("exclude_frequent", "none"))


def same(config):
    """The configuration without what is empty, and with no plot where none is made: the server treats them alike."""
    if isinstance(config, dict):
        found = {key: same(value) for key, value in config.items() if (key, value) not in AS_NONE}
        if not any((found.get("model_plot_config") or {"enabled": True}).values()):
            del found["model_plot_config"]
        return {key: value for key, value in found.items() if value not in ("", [], {}, None)}
    return [same(value) for value in config] if isinstance(config, list) else config


@given(servers())
@law(examples=25)
def test_nothing_that_a_manifest_says_could_be_left_out(server):
    job, feed = server
    export = exported(job, feed)
    bare_job, bare_feed = server_job(MINIMAL_JOB), server_feed({"indices": ["logs"]})
    bare = exported(bare_job, bare_feed)
    made, _ = read(bare)
    assert made.spec.manifest() == {
        "analysisConfig": {"bucketSpan": "5m", "detectors": [{"function": "count"}]},
        "dataDescription": {"timeField": "time"},
    }
    made_job, made_feed = read(export)
    for path, value in leaves(made_feed.spec.server_body()):
        if path[0] not in ("indices", "query", "aggregations") and path[-1] not in ("mode", "enabled"):
            assert value_at(bare_feed, path) != value, path
    for path, value in leaves(made_job.spec.server_body()):
        if path[0] not in ("analysis_config", "custom_settings") and path[-1] not in ("time_field", "enabled"):
            assert value_at(bare_job, path) != value, path


MINIMAL_JOB = {"analysis_config": {"detectors": [{"function": "count"}]}, "data_description": {}}


def leaves(body, before=()):
    for key, value in body.items():
        if isinstance(value, dict):
            yield from leaves(value, (*before, key))
        else:
            yield (*before, key), value


def value_at(body, path):
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return body


IDS = st.from_regex(r"\A[a-z0-9](?:[a-z0-9_\-.]{0,12}[a-z0-9])?\Z") | st.sampled_from(["a_b", "a-b", "a.b", "a_.b"])


@given(st.lists(IDS, unique=True))
@law(examples=100)
def test_every_id_gets_a_name_of_its_own_that_kubernetes_takes(ids):
    names = object_names(ids)
    assert len(set(names.values())) == len(ids)
    for identifier in ids:
        labels = names[identifier].split(".")
        assert all(label and label[0].isalnum() and label[-1].isalnum() for label in labels)
        assert "_" not in names[identifier]
    assert names == object_names(reversed(ids))


def test_an_id_that_is_a_name_keeps_it_and_is_not_written_twice():
    assert object_names(["a_b", "a-b"])["a-b"] == "a-b"
    export = manifests_of(Found(jobs={job_id: server_job(MINIMAL_JOB, job_id) for job_id in ("a_b", "a-b")}))
    first, second = (written.resource for written in export.manifests)
    assert (first.name, first.spec.job_id) == ("a-b", None)
    assert second.spec.job_id == "a_b"
    assert second.name != first.name


def test_what_the_server_made_of_categorization_filters_is_filters_again():
    analysis = {
        "detectors": [{"function": "count", "by_field_name": "mlcategory"}],
        "categorization_field_name": "message",
        "categorization_filters": ["\\[.*?\\]", "id=\\d+"],
    }
    job = server_job({"analysis_config": analysis, "data_description": {}})
    assert "categorization_filters" not in job["analysis_config"]
    (made,) = read(exported(job))
    assert made.spec.analysis_config.categorization_filters == ["\\[.*?\\]", "id=\\d+"]
    assert made.spec.analysis_config.categorization_analyzer is None
    own = {"tokenizer": "ml_classic", "char_filter": ["first_line_with_letters"]}
    job["analysis_config"]["categorization_analyzer"] = own
    (made,) = read(exported(job))
    assert made.spec.analysis_config.categorization_analyzer == own


SHIFT = {"actions": ["force_time_shift"], "params": {"force_time_shift": {"time_shift_amount": 3600}}}


@pytest.mark.parametrize(("rule", "field"), [(SHIFT, "params"), ({"actions": []}, "actions")])
def test_a_rule_that_no_manifest_can_say_is_refused_by_name(rule, field):
    rule = {**rule, "conditions": [{"applies_to": "time", "operator": "gte", "value": 0.0}]}
    detectors = [{"function": "count", "custom_rules": [rule]}]
    export = exported(server_job({"analysis_config": {"detectors": detectors}, "data_description": {}}))
    assert export.manifests == ()
    assert all(line.startswith("job job: ") for line in export.refused)
    assert any(field in line for line in export.refused)


def test_rights_are_left_out_and_what_no_manifest_can_say_is_named():
    job = server_job(MINIMAL_JOB)
    feed = server_feed({"indices": ["logs"]})
    feed |= {"authorization": {"api_key": {"id": "VuaCfGcBCdbkQm-e5aOx", "name": "k"}}, "project_routing": "x"}
    export = exported(job, feed)
    text = "".join(manifest_text(written) for written in export.manifests)
    assert "api_key" not in text
    assert "VuaCfGcBCdbkQm" not in text
    assert "project_routing" in export.manifests[1].notes[-1]


def test_notes_say_what_is_at_rest_and_whose_a_job_is():
    job = server_job(MINIMAL_JOB) | {
        "custom_settings": {
            "anomalyops.io/cluster": "c1",
            "anomalyops.io/namespace": "ops",
            "anomalyops.io/name": "job",
            "anomalyops.io/uid": "u",
        }
    }
    feed = server_feed({"indices": ["logs"]})
    stats = {"job_stats": {"job": {"state": "closed"}}, "datafeed_stats": {"feed": {"state": "stopped"}}}
    written = exported(job, feed, **stats).manifests
    assert "c1/ops/job" in written[0].notes[0]
    assert written[0].notes[1].startswith("Closed when")
    assert written[1].notes[0].startswith("Stopped when")
    assert written[0].resource.spec.custom_settings is None
    bounded = {"feed": {"state": "started", "running_state": {"real_time_configured": False}}}
    assert "spec.end" in exported(job, feed, datafeed_stats=bounded).manifests[1].notes[0]


def test_jobs_are_chosen_by_pattern_and_one_that_is_not_there_is_an_error():
    found = Found(
        jobs={job_id: server_job(MINIMAL_JOB | {"groups": ["web"]}, job_id) for job_id in ("web-1", "web-2", "db")},
        calendars={"holidays": {"job_ids": ["web"]}, "db-only": {"job_ids": ["db"]}, "none": {}},
    )
    export = manifests_of(found, ["web-*"])
    assert [written.resource.name for written in export.manifests] == ["holidays", "web-1", "web-2"]
    assert export.warnings == ()
    with pytest.raises(LocalError, match="no such job"):
        manifests_of(found, ["nothing*"])


def test_a_job_that_cannot_be_written_is_named_with_its_reason_and_its_datafeed_is_not_written_either():
    fine, odd = server_job(MINIMAL_JOB, "fine"), server_job(MINIMAL_JOB, "odd")
    esql = {"datafeed_id": "feed", "job_id": "odd", "esql_query": "FROM logs"}
    export = manifests_of(Found(jobs={"fine": fine, "odd": odd}, datafeeds={"feed": esql}))
    assert [type(written.resource) for written in export.manifests] == [AnomalyJob]
    assert export.refused == ("datafeed feed of job odd: indices: is required",)
    gone = manifests_of(Found(jobs={"odd": odd | {"blocked": {"reason": "delete"}}}))
    assert gone.refused == ("job odd: it is being deleted",)
    assert not any(isinstance(written.resource, Datafeed) for written in gone.manifests)


def test_filters_are_written_without_the_mark_and_with_it_named():
    rules = [{"scope": {"host": {"filter_id": "known_hosts"}}}]
    detectors = [{"function": "count", "partition_field_name": "host", "custom_rules": rules}]
    config = server_job(MINIMAL_JOB | {"analysis_config": {"bucket_span": "15m", "detectors": detectors}})
    mark = '[anomalyops.io {"cluster": "c1", "namespace": "ops", "name": "hosts", "uid": "u"}]'
    filters = {
        "known_hosts": {"filter_id": "known_hosts", "description": f"Ours {mark}", "items": ["a", "b*"]},
        "other": {"filter_id": "other"},
        "odd": {"filter_id": "odd", "items": [""]},
    }
    found = Found(jobs={"job": config}, filters=filters)
    export = manifests_of(found)
    first, other = (written for written in export.manifests if isinstance(written.resource, AnomalyFilter))
    assert first.resource.manifest()["metadata"] == {"name": "known-hosts"}
    assert first.resource.manifest()["spec"] == {
        "filterId": "known_hosts",
        "description": "Ours",
        "items": ["a", "b*"],
    }
    assert "takeOverFrom: c1/ops/hosts" in first.notes[0]
    assert (other.resource.manifest()["spec"], other.notes) == ({"items": []}, ())
    (refused,) = export.refused
    assert refused.startswith("filter odd: items[0]")
    chosen = manifests_of(found, ["job"]).manifests
    assert [written.resource.kind for written in chosen] == ["AnomalyFilter", "AnomalyJob"]
    unread = manifests_of(Found(jobs={"job": config}, filters=None))
    assert any("does not let its filters be read" in warning for warning in unread.warnings)


def test_calendars_are_written_with_their_events_but_for_the_mark():
    mark = '[anomalyops.io {"cluster": "c1", "namespace": "ops", "name": "off", "uid": "u"}]'
    holiday = {"description": "holiday", "start_time": 1_766_534_400_000, "end_time": 1_766_534_400_500}
    events = {
        "days_off": [
            {**holiday, "event_id": "a"},
            {**holiday, "event_id": "b", "skip_result": True},
            {**holiday, "event_id": "c", "skip_result": False, "force_time_shift": 3600},
            {"description": mark, "start_time": 0, "end_time": 1000, "event_id": "d"},
        ]
    }
    found = Found(jobs={}, calendars={"days_off": {"job_ids": ["web", "_all"]}, "empty": {}}, events=events)
    first, empty = manifests_of(found).manifests
    assert first.resource.manifest()["spec"] == {
        "calendarId": "days_off",
        "jobIds": ["web", "_all"],
        "events": [
            {
                "description": "holiday",
                "start": "2025-12-24T00:00:00Z",
                "end": "2025-12-24T00:00:00.500Z",
                "skipResult": False,
                "forceTimeShift": 3600,
            },
            {"description": "holiday", "start": "2025-12-24T00:00:00Z", "end": "2025-12-24T00:00:00.500Z"},
        ],
    }
    assert "takeOverFrom: c1/ops/off" in first.notes[0]
    assert empty.resource.manifest()["spec"] == {}
    unread = manifests_of(Found(jobs={"job": server_job(MINIMAL_JOB)}, calendars=None))
    assert any("does not let its calendars be read" in warning for warning in unread.warnings)
