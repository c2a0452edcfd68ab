"""Generated manifests, policies and server histories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st
from simulated_server import EPOCH, MB, SPAN, Server

from anomalyops.plan import (
    DatafeedState,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    Owner,
    Policy,
)
from anomalyops.resources import AdoptionPolicy, ReplacePolicy

JOB, FEED, OTHER_FEED = "logs", "datafeed-logs", "made-in-kibana"
OWNER = Owner(cluster="c1", namespace="ns", name="logs", uid="u1")


def time_text(bucket: int, form: int = 0) -> str:
    """The start of a bucket, in one of the forms that manifests may use."""
    milliseconds = EPOCH + bucket * SPAN
    return str(milliseconds // 1000) if form % 2 else str(milliseconds)


_DETECTORS = st.sampled_from(
    [
        [{"function": "count"}],
        [{"function": "mean", "field_name": "bytes"}],
        [{"function": "mean", "field_name": "bytes", "partition_field_name": "host"}],
        [{"function": "count"}, {"function": "sum", "field_name": "bytes"}],
    ]
)
_RULE = {"conditions": [{"applies_to": "actual", "operator": "lt", "value": 10}]}


def _with_rules(detectors: list[dict[str, Any]], rules: list[dict[str, Any]] | None, text: str | None) -> Any:
    first = dict(detectors[0])
    if rules is not None:
        first["custom_rules"] = rules
    if text is not None:
        first["detector_description"] = text
    return [first, *detectors[1:]]


detectors = st.builds(
    _with_rules, _DETECTORS, st.sampled_from([None, None, [], [_RULE]]), st.sampled_from([None, None, "watch it"])
)
analysis_configs = st.fixed_dictionaries(
    {"detectors": detectors, "bucket_span": st.sampled_from(["15m", "15m", "15m", "1h"])},
    optional={
        "influencers": st.sampled_from([["host"], ["host", "host.ip"]]),
        "model_prune_window": st.sampled_from(["30d", "60d"]),
    },
)
job_bodies = st.fixed_dictionaries(
    {"analysis_config": analysis_configs, "data_description": st.just({"time_field": "@timestamp"})},
    optional={
        "description": st.sampled_from(["", "requests", "errors"]),
        "groups": st.sampled_from([[], ["web"], ["web", "prod"]]),
        "analysis_limits": st.fixed_dictionaries(
            {},
            optional={
                "model_memory_limit": st.sampled_from(["2mb", "5mb", "512mb", "1gb", 1024]),
                "categorization_examples_limit": st.sampled_from([4, 8]),
            },
        ),
        "model_plot_config": st.sampled_from([{"enabled": True}, {"enabled": False}, {"enabled": True, "terms": "a"}]),
        "results_retention_days": st.sampled_from([30, 60]),
        "background_persist_interval": st.sampled_from(["1h", "2h", "7200s"]),
        "custom_settings": st.sampled_from([{}, {"team": "sre"}, {"team": "web", "tier": 1}]),
        "allow_lazy_open": st.booleans(),
    },
)
feed_bodies = st.fixed_dictionaries(
    {"indices": st.sampled_from([["logs-*"], ["logs-*", "more-*"]])},
    optional={
        "query": st.sampled_from([{"match_all": {}}, {"term": {"status": 404}}]),
        "query_delay": st.sampled_from(["60s", "1m", "2m"]),
        "frequency": st.sampled_from(["150s", "300s"]),
        "scroll_size": st.sampled_from([1000, 5000]),
        "delayed_data_check_config": st.sampled_from([{"enabled": True}, {"enabled": True, "check_window": "2h"}]),
        "max_empty_searches": st.sampled_from([-1, 3]),
        "indices_options": st.sampled_from([{"expand_wildcards": ["all"]}, {"ignore_unavailable": True}]),
    },
)
# Opened or closed as the manifest says, or opened because it says nothing.
RUN_STATES = st.sampled_from([(True, True), (True, True), (False, True), (True, False)])
jobs = st.builds(
    lambda body, state: DesiredJob(job_id=JOB, body=body, opened=state[0], state_given=state[1]), job_bodies, RUN_STATES
)


@st.composite
def datafeeds(draw: Any, feed_id: str = FEED) -> DesiredDatafeed:
    start = draw(st.sampled_from([None, 2, 4]))
    end = draw(st.sampled_from([None, None, 10, 14]))
    form = draw(st.integers(0, 1))
    started, given = draw(RUN_STATES)
    return DesiredDatafeed(
        datafeed_id=feed_id,
        body=draw(feed_bodies),
        started=started,
        state_given=given,
        start=None if start is None else time_text(start, form),
        end=None if end is None else time_text(end, form),
    )


pairs = st.builds(
    Desired, owner=st.just(OWNER), job=jobs, datafeed=st.one_of(datafeeds(), datafeeds(), datafeeds(), st.none())
)
replacements = st.sampled_from([ReplacePolicy.NEVER, ReplacePolicy.NEVER, ReplacePolicy.RESET, ReplacePolicy.RECREATE])
policies = st.builds(
    Policy,
    replace=replacements,
    adoption=st.sampled_from(list(AdoptionPolicy)),
    suspend_job=st.sampled_from([False, False, False, True]),
    suspend_datafeed=st.sampled_from([False, False, False, True]),
    replace_datafeed=replacements,
    adopt_datafeed=st.sampled_from(list(AdoptionPolicy)),
)


@dataclass(frozen=True)
class Event:
    """Something that happens on the server without the operator."""

    name: str

    def happen(self, server: Server) -> None:
        getattr(self, f"_{self.name}")(server)

    def _tick(self, server: Server) -> None:
        server.tick()

    def _job_fails(self, server: Server) -> None:
        if server.job_state in (JobState.OPENED, JobState.OPENING):
            server.fail()

    def _feed_stopped_by_hand(self, server: Server) -> None:
        if server.feed_state in (DatafeedState.STARTED, DatafeedState.STARTING):
            server.feed_state = DatafeedState.STOPPING

    def _job_closed_by_hand(self, server: Server) -> None:
        if server.job_state is JobState.OPENED and server.feed_state is DatafeedState.STOPPED:
            server.job_state = JobState.CLOSING

    def _feed_deleted_by_hand(self, server: Server) -> None:
        if server.feed_state is DatafeedState.STOPPED:
            server.feed = None

    def _description_changed_by_hand(self, server: Server) -> None:
        if server.job is not None:
            server.job["description"] = "clicked"

    def _memory_changed_by_hand(self, server: Server) -> None:
        if server.job is not None and server.job_state is JobState.CLOSED:
            server.job["analysis_limits"]["model_memory_limit"] = "700mb"

    def _kibana_adds_settings(self, server: Server) -> None:
        if server.job is not None:
            server.job.setdefault("custom_settings", {})["created_by"] = "wizard"

    def _query_delay_changed_by_hand(self, server: Server) -> None:
        if server.feed is not None and server.feed_state is DatafeedState.STOPPED:
            server.feed["query_delay"] = "99s"

    def _model_grows(self, server: Server) -> None:
        if server.analysed:
            server.model_bytes = max(server.model_bytes, 600 * MB)


EVENTS = sorted(name.removeprefix("_") for name in vars(Event) if name.startswith("_") and not name.startswith("__"))
events = st.lists(st.sampled_from([Event("tick"), Event("tick"), *map(Event, EVENTS)]), max_size=5)


def as_made_by_hand(desired: Desired, feed_id: str) -> Desired:
    """The same pair, whose datafeed has another id."""
    feed = desired.datafeed
    return (
        desired
        if not isinstance(feed, DesiredDatafeed)
        else replace(desired, datafeed=replace(feed, datafeed_id=feed_id))
    )
