"""A plan that is made without asking the server is the one that is made with what the server says."""

from __future__ import annotations

from typing import Any

from generated_pairs import pairs, policies
from hypothesis import given
from hypothesis import strategies as st
from simulated_server import Server

from anomalyops.plan import DatafeedState, Desired, JobState, Plan, Policy, lookback_done, plan, presumed, read_marker


def settled(desired: Desired, policy: Policy, ticks: int) -> Server:
    """A server on which manifests were carried out, and time has passed."""
    server = Server()
    for _ in range(ticks + 1):
        for _ in range(6):
            for step in plan(desired, server.observe(), policy).steps:
                server.execute(step)
        server.tick()
    for _ in range(4):
        for step in plan(desired, server.observe(), policy).steps:
            server.execute(step)
    assert plan(desired, server.observe(), policy).empty
    return server


def presumed_of(server: Server, desired: Desired, policy: Policy) -> Any:
    """What the cluster's status tells of a server, and no more."""
    return presumed(
        desired,
        policy,
        job_state=JobState.OPENED if server.job_state is JobState.OPENING else server.job_state,
        feed_state=DatafeedState.STARTED if server.feed_state is DatafeedState.STARTING else server.feed_state,
        completed=lookback_done(desired, server.observe()),
        model_bytes=server.model_bytes,
        data_counts=server.observe().job.stats["data_counts"],
    )


def deeds(found: Plan) -> tuple[Any, ...]:
    """What a plan does, in order, and what is in its way; how it writes the operator's own notes is left out."""
    steps = [(step.verb, step.target, step.destructive) for step in found.steps if not is_note(step)]
    return steps, [(one.subject, one.reason) for one in found.obstacles]


def is_note(step: Any) -> bool:
    return step.verb == "update job" and set(step.body) == {"custom_settings"}


@given(pairs, policies, st.integers(0, 12))
def test_what_was_carried_out_is_presumed_as_it_is(desired: Desired, policy: Policy, ticks: int) -> None:
    server = settled(desired, policy, ticks)
    found = plan(desired, presumed_of(server, desired, policy), policy)
    assert found.empty
    assert deeds(found) == deeds(plan(desired, server.observe(), policy))
    marker = read_marker(presumed_of(server, desired, policy).job.config)
    assert marker is not None
    assert marker.belongs_to(desired.owner)


@given(pairs, policies, pairs, policies, st.integers(0, 12))
def test_a_change_is_planned_as_the_server_would_have_it(
    before: Desired, policy: Policy, after: Desired, allowed: Policy, ticks: int
) -> None:
    server = settled(before, policy, ticks)
    asked, presumption = server.observe(), presumed_of(server, before, policy)
    assert deeds(plan(after, presumption, allowed)) == deeds(plan(after, asked, allowed))
