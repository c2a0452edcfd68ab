"""One owner for each job: nobody else touches it, and taking over is by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from generated_pairs import JOB, OWNER, events, pairs, policies
from hypothesis import assume, given
from hypothesis import strategies as st
from simulated_server import Server
from test_fields import feed_body, job_body

from anomalyops.plan import (
    LOCAL,
    CreateDatafeed,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    Observed,
    Owner,
    Policy,
    Removal,
    Taken,
    owner_of,
    plan,
    read_marker,
)
from anomalyops.resources import DeletionPolicy

FILES = Owner(cluster=LOCAL, namespace="default", name="logs", uid="dir:/r1")
OTHERS = st.sampled_from(
    [
        replace(OWNER, cluster="c2"),
        replace(OWNER, namespace="theirs"),
        replace(OWNER, name="other"),
        FILES,
        replace(FILES, uid="git:github.com/acme/r2"),
    ]
)
OWNERS = st.one_of(st.just(OWNER), OTHERS)


def run(server: Server, desired: Desired, policy: Policy) -> None:
    for step in plan(desired, server.observe(), policy).steps:
        server.execute(step)


def settled(server: Server, desired: Desired, policy: Policy = Policy()) -> None:  # noqa: B008 - a constant
    for _ in range(4):
        run(server, desired, policy)
    assert plan(desired, server.observe(), policy).describe() == []


@given(OWNERS, OWNERS, pairs, pairs, policies, events, st.sampled_from(["", "somebody else", "c9/ns/logs"]))
def test_nobody_touches_what_another_owner_manages(holder, other, first, second, policy, meanwhile, named):
    """Whatever the policies say: without the owner's name there is no step, and the words name the owner."""
    assume(not holder.is_same(other))
    server = Server()
    run(server, replace(first, owner=holder), Policy())
    for event in meanwhile:
        event.happen(server)
    made = plan(replace(second, owner=other), server.observe(), replace(policy, take_over=named))
    assert made.describe() == []
    refused = made.obstacles_of("job")[0]
    assert refused.reason == "NotOwned"
    assert str(holder) in refused.message
    assert str(holder) in made.ownership


@given(OWNERS, OWNERS, pairs, st.sampled_from(list(DeletionPolicy)))
def test_nobody_deletes_what_another_owner_manages(holder, other, desired, policy):
    assume(not holder.is_same(other))
    server = Server()
    run(server, replace(desired, owner=holder), Policy())
    feed = desired.datafeed
    gone = None if feed is None else Removal(id=feed.datafeed_id, policy=policy)
    removal = Desired(owner=other, job=Removal(id=JOB, policy=policy), datafeed=gone)
    assert plan(removal, server.observe()).describe() == []


@given(OWNERS, OWNERS, pairs, events)
def test_who_is_named_is_taken_over_from_and_then_has_to_name_too(holder, other, first, meanwhile):
    assume(not holder.is_same(other))
    server = Server()
    run(server, replace(first, owner=holder), Policy())
    server.tick()
    for event in meanwhile:
        event.happen(server)
    learned = list(server.analysed)
    mine = replace(first, owner=other)
    moment = since(server)
    made = plan(mine, server.observe(), Policy(take_over=holder.reference))
    assume(not made.obstacles_of("job"))
    settled(server, mine, Policy(take_over=holder.reference))
    assert owner_of(server.job) == other
    assert read_marker(server.job).since == moment
    assert server.analysed == learned, "the model stays"
    back = plan(replace(first, owner=holder), server.observe(), Policy(take_over=holder.reference))
    assert back.describe() == []
    assert other.reference in back.obstacles_of("job")[0].message


@given(pairs, pairs)
def test_the_mark_keeps_the_time_since_which_a_job_is_managed(first, second):
    server = Server()
    moment = since(server)
    settled(server, first)
    server.tick()
    run(server, second, Policy())
    assert read_marker(server.job).since == moment != since(server)
    assert f"since {moment}, which is this one" in plan(second, server.observe()).ownership


def since(server: Server) -> str:
    """The present time of a server, as marks have it."""
    return datetime.fromtimestamp(server.observe().now_ms / 1000, UTC).isoformat(timespec="seconds")


def desired(owner: Owner = OWNER, feed: Any = True) -> Desired:
    return Desired(
        owner=owner,
        job=DesiredJob(job_id=JOB, body=job_body()),
        datafeed=DesiredDatafeed(datafeed_id="shared", body=feed_body()) if feed else None,
    )


def test_two_folders_with_the_same_names_are_two_owners():
    server = Server()
    settled(server, desired(FILES))
    made = plan(desired(replace(FILES, uid="dir:/r2")), server.observe())
    assert made.empty
    message = made.obstacles[0].message
    assert "managed by AnomalyJob default/logs of the files dir:/r1" in message
    assert "--take-over" in message


def test_a_mark_of_files_without_an_identity_is_claimed_by_the_next_files_of_that_name():
    server = Server()
    settled(server, desired(replace(FILES, uid="")))
    made = plan(desired(FILES), server.observe())
    assert "files that an earlier version applied" in made.ownership
    settled(server, desired(FILES))
    assert owner_of(server.job) == FILES


def test_the_advice_starts_with_what_loses_nothing():
    server = Server()
    settled(server, desired(replace(OWNER, namespace="theirs")))
    message = plan(desired(), server.observe()).obstacles[0].message
    assert message.index("another spec.jobId") < message.index("Orphan or Retain") < message.index("takeOverFrom")
    assert "spec.takeOverFrom: c1/theirs/logs" in message


def test_whose_a_job_is_is_said_of_every_plan():
    server = Server()
    assert plan(desired(), server.observe()).ownership == "job logs does not exist yet"
    settled(server, desired())
    assert "which is this one" in plan(desired(), server.observe()).ownership
    retain = Removal(id=JOB, policy=DeletionPolicy.RETAIN)
    run(server, Desired(owner=OWNER, job=retain), Policy())
    assert "managed by nobody: AnomalyJob ns/logs" in plan(desired(), server.observe()).ownership
    run(server, replace(desired(), job=Removal(id=JOB, policy=DeletionPolicy.DELETE)), Policy())
    run(server, Desired(owner=OWNER, job=retain), Policy())


@pytest.mark.parametrize("owner", [replace(OWNER, namespace="theirs"), None])
def test_a_datafeed_id_that_another_job_uses_is_a_conflict_in_words(owner):
    server = Server()
    observed = replace(server.observe(), taken=Taken(job_id="web", owner=owner))
    made = plan(desired(), observed)
    assert not any(isinstance(step, CreateDatafeed) for step in made.steps)
    (obstacle,) = made.obstacles
    assert obstacle.reason == "Conflict"
    assert obstacle.subject == "datafeed"
    assert "datafeed of job web" in obstacle.message
    assert ("theirs/logs" if owner else "nobody") in obstacle.message
    assert "spec.datafeedId" in obstacle.message
    for step in made.steps:
        server.execute(step)
    again = plan(desired(), replace(server.observe(), taken=observed.taken))
    assert again.empty
    assert again.obstacles == made.obstacles
    settled(server, desired())  # once the id is free
    assert server.feed is not None


def test_without_configurations_nothing_is_said_about_owners():
    assert plan(desired(), Observed(job=None, datafeed=None, configs_known=False)).ownership == ""
