"""Situations that a user would notice, one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from generated_pairs import time_text
from simulated_server import MB, Server
from test_fields import feed_body, job_body

from anomalyops.plan import (
    CloseJob,
    CreateDatafeed,
    CreateJob,
    DatafeedState,
    DeleteDatafeed,
    DeleteJob,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    OpenJob,
    Owner,
    Plan,
    Policy,
    Removal,
    ResetJob,
    StartDatafeed,
    StopDatafeed,
    UpdateDatafeed,
    UpdateJob,
    is_mark,
    lookback_done,
    owner_of,
    plan,
)
from anomalyops.resources import AdoptionPolicy, DeletionPolicy, ReplacePolicy

OWNER = Owner(cluster="c1", namespace="ns", name="logs", uid="u1")
REAL_TIME = DesiredDatafeed(datafeed_id="datafeed-logs", body=feed_body(), start=time_text(2))
BOUNDED = replace(REAL_TIME, end=time_text(12))


def pair(feed: Any = REAL_TIME, owner: Owner = OWNER, opened: bool = True, **body: Any) -> Desired:
    return Desired(
        owner=owner, job=DesiredJob(job_id="logs", body={**job_body(), **body}, opened=opened), datafeed=feed
    )


def applied(desired: Desired, server: Server | None = None, policy: Policy | None = None) -> Server:
    server = server or Server()
    for step in plan(desired, server.observe(), policy or Policy()).steps:
        server.execute(step)
    return server


def running(desired: Desired) -> Server:
    server = applied(desired)
    server.tick()
    assert server.analysed
    return server


def said(step: Any) -> dict[str, Any]:
    """What an update says, without the operator's own mark."""
    others = {key: value for key, value in step.body.get("custom_settings", {}).items() if not is_mark(key)}
    return {key: value for key, value in step.body.items() if key != "custom_settings"} | (
        {"custom_settings": others} if others else {}
    )


def steps_of(made: Plan) -> list[type]:
    return [type(step) for step in made.steps]


def only_obstacle(made: Plan) -> Any:
    (obstacle,) = made.obstacles
    return obstacle


# -- creation ------------------------------------------------------------------------------------------------------


def test_a_new_pair_is_created_opened_and_started_from_the_manifests_start():
    made = plan(pair(), Server().observe())
    assert steps_of(made) == [CreateJob, CreateDatafeed, OpenJob, StartDatafeed]
    assert made.steps[-1].start == time_text(2)
    assert made.steps[-1].end is None
    assert owner_of(made.steps[0].body) == OWNER


def test_a_datafeed_waits_for_its_job():
    made = plan(Desired(owner=OWNER, job=None, datafeed=REAL_TIME), Server().observe())
    obstacle = only_obstacle(made)
    assert made.empty
    assert obstacle.waiting
    assert obstacle.reason == "WaitingForJob"
    assert "AnomalyJob logs" in obstacle.message


# -- lifecycles ------------------------------------------------------------------------------------------------------


def test_memory_and_query_delay_together():
    server = running(pair())
    feed = replace(REAL_TIME, body=feed_body("query_delay", "120s"))
    made = plan(pair(feed, analysis_limits={"model_memory_limit": "2gb"}), server.observe())
    assert steps_of(made) == [
        StopDatafeed,
        CloseJob,
        UpdateJob,
        UpdateDatafeed,
        OpenJob,
        StartDatafeed,
    ]
    limits = made.steps[2].body["analysis_limits"]
    assert limits == {"model_memory_limit": "2gb", "categorization_examples_limit": 4}, "both, or one is reset"
    assert made.steps[-1].start is None, "it goes on after the last record"
    assert "modelMemoryLimit 1024mb -> 2gb" in made.steps[0].reason


def test_a_closed_job_that_stays_closed_is_just_updated():
    server = applied(pair(None, opened=False))
    made = plan(pair(None, opened=False, analysis_limits={"model_memory_limit": "2gb"}), server.observe())
    assert steps_of(made) == [UpdateJob]


def test_a_memory_limit_below_what_the_model_uses_holds_nothing_else_up():
    server = running(pair())
    server.model_bytes = 700 * MB
    made = plan(pair(analysis_limits={"model_memory_limit": "512mb"}, description="new"), server.observe())
    assert steps_of(made) == [UpdateJob]
    assert said(made.steps[0]) == {"description": "new"}
    obstacle = only_obstacle(made)
    assert obstacle.reason == "MemoryBelowUsage"
    assert not obstacle.waiting
    assert "512mb" in obstacle.message
    assert "700mb" in obstacle.message


def test_a_memory_limit_below_what_the_model_uses_may_reset_the_model_where_allowed():
    server = running(pair())
    server.model_bytes = 700 * MB
    desired = pair(analysis_limits={"model_memory_limit": "512mb"})
    made = plan(desired, server.observe(), Policy(replace=ReplacePolicy.RESET))
    assert steps_of(made) == [StopDatafeed, CloseJob, ResetJob, UpdateJob, OpenJob, StartDatafeed]
    assert made.destructive
    assert made.steps[-1].start == time_text(2), "it learns anew from the manifest's start"


def test_a_model_above_its_limit_holds_the_other_limit_back_too():
    """The server is told both limits or resets one, and would refuse the memory limit that it has."""
    server = running(pair(analysis_limits={"model_memory_limit": "100mb"}))
    server.model_bytes = 120 * MB
    limits = {"model_memory_limit": "100mb", "categorization_examples_limit": 8}
    made = plan(pair(analysis_limits=limits), server.observe())
    assert made.empty, "what is refused is not remembered as given"
    assert only_obstacle(made).reason == "MemoryBelowUsage"


def test_any_memory_limit_goes_with_a_reset_that_the_datafeed_asks_for():
    server = running(pair())
    server.model_bytes = 700 * MB
    feed = replace(REAL_TIME, body=feed_body("query", {"term": {"a": 1}}))
    desired = pair(feed, analysis_limits={"model_memory_limit": "512mb"})
    policy = Policy(replace_datafeed=ReplacePolicy.RESET)
    server = applied(desired, server, policy)
    assert plan(desired, server.observe(), policy) == Plan()


def test_detector_rules_are_sent_by_index_and_under_the_updates_names():
    rules = [{"conditions": [{"applies_to": "actual", "operator": "lt", "value": 1}]}]
    changed = {"function": "count", "custom_rules": rules, "detector_description": "watch"}
    config = {"bucket_span": "15m", "detectors": [changed]}
    made = plan(pair(analysis_config=config), running(pair()).observe())
    assert said(made.steps[0]) == {"detectors": [{"detector_index": 0, "description": "watch", "custom_rules": rules}]}


def test_custom_settings_of_others_are_kept_and_the_marker_too():
    server = running(pair(custom_settings={"team": "a"}))
    server.job["custom_settings"]["custom_urls"] = [{"url_name": "dashboard"}]
    made = plan(pair(custom_settings={"team": "b"}), server.observe())
    (step,) = made.steps
    settings = step.body["custom_settings"]
    assert settings["team"] == "b"
    assert settings["custom_urls"] == [{"url_name": "dashboard"}]
    assert settings["anomalyops.io/name"] == "logs"


# -- immutable fields -------------------------------------------------------------------------------------------------

SPAN = {"bucket_span": "30m", "detectors": [{"function": "count"}]}


@pytest.mark.parametrize("policy", [ReplacePolicy.NEVER, ReplacePolicy.RESET])
def test_an_immutable_change_is_refused_in_words(policy):
    made = plan(pair(analysis_config=SPAN), running(pair()).observe(), Policy(replace=policy))
    assert made.empty
    assert made.stalled
    message = only_obstacle(made).message
    assert "analysisConfig.bucketSpan 15m -> 30m" in message
    assert "replacePolicy: Recreate" in message


def test_an_immutable_change_does_not_keep_a_stopped_detection_down():
    server = running(pair())
    server.fail()
    made = plan(pair(analysis_config=SPAN), server.observe())
    assert steps_of(made) == [CloseJob, OpenJob, StartDatafeed]
    assert server.job["analysis_config"]["bucket_span"] == "15m"


def test_recreate_deletes_and_creates_anew():
    made = plan(pair(analysis_config=SPAN), running(pair()).observe(), Policy(replace=ReplacePolicy.RECREATE))
    assert steps_of(made) == [
        StopDatafeed,
        CloseJob,
        DeleteJob,
        CreateJob,
        CreateDatafeed,
        OpenJob,
        StartDatafeed,
    ]
    assert made.steps[-1].start == time_text(2)


def test_recreate_spares_a_datafeed_that_nobody_manages():
    server = running(pair())
    made = plan(pair(None, analysis_config=SPAN), server.observe(), Policy(replace=ReplacePolicy.RECREATE))
    assert made.empty
    assert "datafeed-logs" in only_obstacle(made).message


@pytest.mark.parametrize(
    ("policy", "steps"),
    [
        (ReplacePolicy.NEVER, [StopDatafeed, UpdateJob, UpdateDatafeed, StartDatafeed]),
        (ReplacePolicy.RESET, [StopDatafeed, CloseJob, ResetJob, UpdateJob, UpdateDatafeed, OpenJob, StartDatafeed]),
    ],
)
def test_reading_other_data_keeps_the_model_unless_the_datafeed_says_reset(policy, steps):
    feed = replace(REAL_TIME, body=feed_body("query", {"term": {"a": 1}}))
    made = plan(pair(feed), running(pair()).observe(), Policy(replace_datafeed=policy))
    assert steps_of(made) == steps


# -- states of the server ----------------------------------------------------------------------------------------------


def test_a_failed_job_is_closed_by_force_and_goes_on():
    server = running(pair())
    server.fail()
    made = plan(pair(), server.observe())
    assert steps_of(made) == [CloseJob, OpenJob, StartDatafeed]
    assert made.steps[0].force
    assert "the process died" in made.steps[0].reason


def test_a_failed_job_interrupts_its_lookback():
    server = running(pair(BOUNDED))
    server.fail()
    server = applied(pair(BOUNDED), server)
    assert server.feed_state is DatafeedState.STARTED
    assert server.run.end == 12


@pytest.mark.parametrize("reason", ["delete", "reset", "revert"])
def test_a_blocked_job_is_waited_for(reason):
    server = running(pair())
    server.blocked = reason
    made = plan(pair(description="new"), server.observe())
    assert made.empty
    assert only_obstacle(made).waiting
    assert reason in only_obstacle(made).message


def test_upgrade_mode_is_waited_for():
    server = running(pair())
    server.upgrade_mode = True
    made = plan(pair(description="new"), server.observe())
    assert made.empty
    assert not made.stalled
    assert only_obstacle(made).reason == "UpgradeMode"


def test_a_lazily_opening_job_is_no_trouble_and_its_datafeed_is_started():
    server = applied(pair())
    server.job_state, server.feed_state = JobState.OPENING, DatafeedState.STOPPED
    assert steps_of(plan(pair(), server.observe())) == [StartDatafeed]


def test_states_in_between_are_waited_out_by_the_calls_that_wait():
    server = running(pair())
    server.feed_state, server.job_state = DatafeedState.STOPPED, JobState.CLOSING
    assert steps_of(plan(pair(), server.observe())) == [CloseJob, OpenJob, StartDatafeed]
    server = running(pair())
    server.feed_state = DatafeedState.STOPPING
    assert steps_of(plan(pair(), server.observe())) == [StopDatafeed, StartDatafeed]


# -- wanted run state ------------------------------------------------------------------------------------------------


def test_suspending_the_job_stops_and_closes_and_resuming_goes_on():
    server = applied(pair(), running(pair()), Policy(suspend_job=True))
    assert server.job_state is JobState.CLOSED
    assert plan(pair(), server.observe(), Policy(suspend_job=True)) == Plan()
    assert steps_of(plan(pair(), server.observe())) == [OpenJob, StartDatafeed]


def test_suspending_the_datafeed_leaves_the_job_open():
    made = plan(pair(), running(pair()).observe(), Policy(suspend_datafeed=True))
    assert steps_of(made) == [StopDatafeed]
    assert "spec.suspend" in made.steps[0].reason


def test_a_datafeed_cannot_run_on_a_job_that_shall_be_closed():
    made = plan(pair(opened=False), running(pair()).observe())
    assert steps_of(made) == [StopDatafeed, CloseJob]
    obstacle = only_obstacle(made)
    assert obstacle.subject == "datafeed"
    assert "Opened" in obstacle.message


# -- bounded runs ------------------------------------------------------------------------------------------------------


def finished(feed: DesiredDatafeed) -> Server:
    server = running(pair(feed))
    for _ in range(8):
        server.tick()
    assert server.job_state is JobState.CLOSED
    return server


def test_a_bounded_run_is_recorded_before_and_after_its_start():
    made = plan(pair(BOUNDED), Server().observe())
    assert steps_of(made) == [CreateJob, CreateDatafeed, OpenJob, StartDatafeed, UpdateJob]
    states = [made.steps[index].body["custom_settings"]["anomalyops.io/lookback-state"] for index in (0, 4)]
    assert states == ["pending", "started"]


def runs_again(made: Plan) -> bool:
    return any(not isinstance(step, UpdateJob) for step in made.steps)


def test_a_complete_run_stays_complete_through_other_changes():
    server = finished(BOUNDED)
    assert lookback_done(pair(BOUNDED), server.observe())
    made = plan(pair(BOUNDED, analysis_limits={"model_memory_limit": "2gb"}), server.observe())
    assert steps_of(made) == [UpdateJob]


def test_the_same_window_in_other_words_is_the_same_run():
    server = finished(BOUNDED)
    other = replace(BOUNDED, start=time_text(2, 1), end=time_text(12, 1))
    assert not runs_again(plan(pair(other), server.observe()))
    assert plan(pair(other), applied(pair(other), server).observe()) == Plan()


def test_a_later_end_runs_on_and_analyses_only_what_is_new():
    server = finished(BOUNDED)
    later = replace(BOUNDED, end=time_text(15))
    server = applied(pair(later), server)
    assert not lookback_done(pair(later), server.observe())
    for _ in range(6):
        server.tick()
    assert server.analysed == list(range(2, 15))
    assert not runs_again(plan(pair(later), server.observe()))


def test_a_run_whose_end_changes_meanwhile_is_started_again_with_it():
    server = running(pair(BOUNDED))
    later = replace(BOUNDED, end=time_text(15))
    server = applied(pair(later), server)
    assert server.run.end == 15


def test_a_bounded_run_becomes_real_time_and_back():
    server = applied(pair(REAL_TIME), running(pair(BOUNDED)))
    assert server.run.end is None
    assert plan(pair(REAL_TIME), server.observe()) == Plan()
    server = applied(pair(BOUNDED), server)
    assert server.run.end == 12
    assert plan(pair(BOUNDED), server.observe()) == Plan()


def test_stopping_a_bounded_run_waits_for_the_servers_own_close():
    feed = replace(BOUNDED, body=feed_body("query_delay", "120s"))
    made = plan(pair(feed), running(pair(BOUNDED)).observe())
    assert steps_of(made) == [
        UpdateJob,
        StopDatafeed,
        CloseJob,
        UpdateJob,
        UpdateDatafeed,
        OpenJob,
        StartDatafeed,
        UpdateJob,
    ]


def test_a_datafeed_that_gave_up_is_left_alone_until_its_manifest_changes():
    feed = replace(REAL_TIME, body=feed_body("max_empty_searches", 3))
    server = Server(empty=True)
    applied(pair(feed), server)
    for _ in range(4):
        server.tick()
    assert server.job_state is JobState.CLOSED
    made = plan(pair(feed), server.observe())
    assert made.empty
    assert only_obstacle(made).reason == "NoData"
    fixed = replace(feed, body={**feed.body, "indices": ["right"]})
    server = applied(pair(fixed), server)
    assert server.feed_state is DatafeedState.STARTED


# -- whose job is it -------------------------------------------------------------------------------------------------


def by_hand(feed: Any = None) -> Server:
    server = running(pair(REAL_TIME if feed is None else feed))
    settings = server.job["custom_settings"]
    server.job["custom_settings"] = {key: value for key, value in settings.items() if not is_mark(key)}
    return server


def test_a_matching_job_made_by_hand_is_adopted_while_it_runs():
    made = plan(pair(), by_hand().observe())
    assert steps_of(made) == [UpdateJob]
    assert "managed by AnomalyJob ns/logs" in made.steps[0].reason


@pytest.mark.parametrize(
    ("adoption", "body", "reason"),
    [
        (AdoptionPolicy.NEVER, {}, "AlreadyExists"),
        (AdoptionPolicy.IF_MATCHES, {"analysis_config": SPAN}, "AlreadyExists"),
        (AdoptionPolicy.ALWAYS, {"analysis_config": SPAN}, "ImmutableFieldChanged"),
    ],
)
def test_adoption_that_is_not_possible_says_so(adoption, body, reason):
    made = plan(pair(**body), by_hand().observe(), Policy(adoption=adoption))
    assert made.obstacles[0].reason == reason


@pytest.mark.parametrize("adoption", list(AdoptionPolicy))
def test_a_job_of_another_owner_is_not_touched(adoption):
    other = replace(OWNER, namespace="theirs")
    made = plan(pair(description="mine"), running(pair(owner=other)).observe(), Policy(adoption=adoption))
    assert made.empty
    assert made.obstacles[0].reason == "NotOwned"
    assert "theirs/logs" in made.obstacles[0].message
    assert made.obstacles_of("datafeed")[0].waiting


def test_a_manifest_that_comes_back_with_a_new_uid_is_the_same_owner():
    server = applied(pair(owner=replace(OWNER, uid="u2")), running(pair()), Policy(adoption=AdoptionPolicy.NEVER))
    assert owner_of(server.job).uid == "u2"


def test_a_datafeed_under_another_id_is_a_conflict():
    other = replace(REAL_TIME, datafeed_id="made-in-kibana")
    server = running(pair(other))
    made = plan(pair(), server.observe())
    assert made.empty
    assert only_obstacle(made).reason == "Conflict"
    assert "made-in-kibana" in only_obstacle(made).message
    made = plan(pair(), server.observe(), Policy(replace_datafeed=ReplacePolicy.RECREATE))
    assert steps_of(made) == [StopDatafeed, UpdateJob, DeleteDatafeed, CreateDatafeed, StartDatafeed]
    assert not made.destructive


@pytest.mark.parametrize("cut", range(5))
def test_a_datafeed_that_is_being_replaced_runs_in_the_end_wherever_that_is_cut_off(cut):
    """What the operator stopped for it was not found at rest; nobody has to ask for it to run."""
    server = running(pair(replace(REAL_TIME, datafeed_id="made-in-kibana")))
    wanted, allowed = pair(replace(REAL_TIME, state_given=False)), Policy(replace_datafeed=ReplacePolicy.RECREATE)
    for step in plan(wanted, server.observe(), allowed).steps[:cut]:
        server.execute(step)
    for _ in range(2):
        applied(wanted, server, allowed)
    assert server.feed["datafeed_id"] == "datafeed-logs"
    assert server.feed_state == "started"
    assert plan(wanted, server.observe(), allowed).empty


def test_a_field_that_stays_on_a_datafeed_goes_when_its_job_is_created_anew():
    server = running(pair(replace(REAL_TIME, body=feed_body("frequency", "150s"))))
    stays = plan(pair(), server.observe())
    assert only_obstacle(stays).reason == "FieldStays"
    allowed = Policy(replace=ReplacePolicy.RECREATE)
    made = plan(pair(analysis_config=SPAN), server.observe(), allowed)
    assert CreateDatafeed in steps_of(made)
    assert made.obstacles == ()
    applied(pair(analysis_config=SPAN), server, allowed)
    assert plan(pair(analysis_config=SPAN), server.observe(), allowed) == Plan()


def test_a_datafeed_that_reads_something_else_is_not_adopted_unseen():
    other = replace(REAL_TIME, body=feed_body("query", {"term": {"a": 1}}))
    server = running(pair(other))
    server.job["custom_settings"].pop("anomalyops.io/datafeed")
    feed = replace(REAL_TIME, body=feed_body("query", {"term": {"a": 2}}))
    made = plan(pair(feed), server.observe())
    assert made.empty
    assert only_obstacle(made).reason == "AlreadyExists"
    made = plan(pair(feed), server.observe(), Policy(adopt_datafeed=AdoptionPolicy.ALWAYS))
    assert UpdateDatafeed in steps_of(made)


# -- datafeeds that no resource manages ------------------------------------------------------------------------------


def test_an_unmanaged_datafeed_is_started_again_after_a_kill_in_the_middle():
    server = running(pair())
    desired = pair(None, analysis_limits={"model_memory_limit": "2gb"})
    steps = plan(desired, server.observe()).steps
    assert steps_of(Plan(steps=steps))[:3] == [UpdateJob, StopDatafeed, CloseJob]
    for step in steps[:3]:
        server.execute(step)
    applied(desired, server)
    assert server.feed_state is DatafeedState.STARTED
    assert "anomalyops.io/resume" not in server.job["custom_settings"]


def test_an_unmanaged_run_with_an_end_that_nobody_knows_is_waited_for():
    server = running(pair())
    server.run.end = 40
    made = plan(pair(None, analysis_limits={"model_memory_limit": "2gb"}), server.observe())
    assert made.empty
    assert only_obstacle(made).waiting


# -- removal ----------------------------------------------------------------------------------------------------------


def removed(policy: DeletionPolicy, server: Server, feed: Any = REAL_TIME) -> Plan:
    desired = Desired(owner=OWNER, job=Removal(id="logs", policy=policy), datafeed=feed)
    return plan(desired, server.observe())


def test_retain_stops_closes_and_keeps():
    assert steps_of(removed(DeletionPolicy.RETAIN, running(pair()))) == [StopDatafeed, CloseJob, UpdateJob]


def test_delete_takes_everything():
    steps = steps_of(removed(DeletionPolicy.DELETE, running(pair())))
    assert steps == [StopDatafeed, CloseJob, DeleteJob]  # which takes its datafeed with it


def test_orphan_takes_the_marker_away_and_nothing_else():
    server = running(pair(custom_settings={"team": "a"}))
    made = removed(DeletionPolicy.ORPHAN, server)
    assert steps_of(made) == [UpdateJob]
    assert made.steps[0].body == {"custom_settings": {"team": "a"}}
    server.execute(made.steps[0])
    assert removed(DeletionPolicy.ORPHAN, server) == Plan()


def test_a_job_that_was_never_managed_survives_the_deletion_of_its_manifest():
    assert removed(DeletionPolicy.DELETE, by_hand()) == Plan()


def test_a_retained_job_may_be_adopted_by_another_manifest():
    server = running(pair())
    for step in removed(DeletionPolicy.RETAIN, server).steps:
        server.execute(step)
    assert owner_of(server.job) is None
    other = replace(OWNER, name="logs-new")
    server = applied(pair(owner=other), server)
    assert owner_of(server.job) == other
    assert server.feed_state is DatafeedState.STARTED


def test_a_plan_as_plain_data():
    made = plan(pair(BOUNDED), Server().observe())
    entry = made.describe()[3]
    assert entry == {
        "verb": "start datafeed",
        "kind": "datafeed",
        "id": "datafeed-logs",
        "reason": entry["reason"],
        "destructive": False,
        "start": time_text(2),
        "end": time_text(12),
    }
    assert set(made.to_json()) == {"steps", "obstacles"}


def test_what_was_refused_is_not_taken_back():
    """It never came from the manifest: somebody else gave what the server has."""
    server = running(pair())
    server.job["analysis_limits"]["model_memory_limit"] = "2048mb"
    server.model_bytes = 700 * MB
    server = applied(pair(analysis_limits={"model_memory_limit": "512mb"}), server)
    server = applied(pair(analysis_config=SPAN, description="mine"), server)
    assert plan(pair(), server.observe()) == Plan()
    assert server.job["analysis_limits"]["model_memory_limit"] == "2048mb"


def test_a_description_that_is_taken_back_is_the_servers_own():
    said = {
        "bucket_span": "15m",
        "detectors": [{"function": "count", "by_field_name": "a.b", "detector_description": "x"}],
    }
    plain = {"bucket_span": "15m", "detectors": [{"function": "count", "by_field_name": "a.b"}]}
    server = applied(pair(analysis_config=plain), running(pair(analysis_config=said)))
    assert server.job["analysis_config"]["detectors"][0]["detector_description"] == 'count by "a.b"'


def test_the_parts_of_an_object_that_others_gave_stay():
    """The server replaces an object whole: a change of one part must not lose the others."""
    feed = replace(REAL_TIME, body=feed_body("indices_options.ignore_unavailable", True))
    server = running(pair(feed, model_plot_config={"enabled": True}))
    server.job["model_plot_config"]["terms"] = "by hand"
    server.feed["indices_options"]["allow_no_indices"] = False
    later = replace(REAL_TIME, body=feed_body("indices_options.ignore_unavailable", False))
    server = applied(pair(later, model_plot_config={"enabled": False}), server)
    assert server.job["model_plot_config"] == {"enabled": False, "annotations_enabled": False, "terms": "by hand"}
    assert server.feed["indices_options"]["allow_no_indices"] is False
    assert server.feed["indices_options"]["ignore_unavailable"] is False
    server = applied(pair(), server)
    assert server.job["model_plot_config"]["terms"] == "by hand"


def test_a_part_that_the_manifest_gave_goes_with_it():
    server = running(pair(model_plot_config={"enabled": True, "terms": "a"}))
    server = applied(pair(model_plot_config={"enabled": True}), server)
    assert "terms" not in server.job["model_plot_config"]


def test_a_span_of_chunks_goes_with_the_mode_that_needs_it():
    manual = replace(REAL_TIME, body={**feed_body(), "chunking_config": {"mode": "manual", "time_span": "3h"}})
    server = running(pair(manual))
    off = replace(REAL_TIME, body={**feed_body(), "chunking_config": {"mode": "off"}})
    server = applied(pair(off), server)
    assert server.feed["chunking_config"] == {"mode": "off"}


def test_a_refused_change_in_between_forgets_nothing_that_was_sent():
    said = {"bucket_span": "15m", "detectors": [{"function": "count", "detector_description": "watch"}]}
    two = {"bucket_span": "15m", "detectors": [{"function": "count"}, {"function": "mean", "field_name": "a"}]}
    server = running(pair(analysis_config=said))
    server = applied(pair(analysis_config=two), server)
    server = applied(pair(), server)
    assert server.job["analysis_config"]["detectors"][0]["detector_description"] == "count"
