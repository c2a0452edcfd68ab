"""When an Investigation begins and ends, and which episodes one begins for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan.investigations import (
    REACH,
    Phase,
    covers,
    episode_name,
    episodes,
    horizon,
    investigation_of,
    last_episode,
    next_move,
    unseen,
)
from anomalyops.resources import EPISODE_ANNOTATION, AnomalyJob, Investigation, InvestigationTrigger, parse_duration

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def job(name: str = "web", **more: Any) -> AnomalyJob:
    analysis = {"bucketSpan": "5m", "detectors": [{"function": "count"}]}
    metadata = {"name": name, "namespace": "shop"} | more.pop("metadata", {})
    return AnomalyJob.from_object(
        {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "AnomalyJob",
            "metadata": metadata,
            "spec": {"analysisConfig": analysis, "dataDescription": {}} | more,
        }
    )


def investigation(spec: dict[str, Any], status: dict[str, Any] | None = None, **metadata: Any) -> Investigation:
    created = {"name": "one", "namespace": "shop", "creationTimestamp": "2026-11-26T12:00:00Z"}
    body = {"apiVersion": "anomalyops.io/v1alpha1", "kind": "Investigation", "metadata": created | metadata}
    return Investigation.from_object(body | {"spec": spec} | ({"status": status} if status else {}))


buckets = st.lists(st.integers(0, 2 * 1440 // 5 + 30).map(lambda n: NOW - 5 * n * MINUTE), max_size=60)
triggers = st.sampled_from(["10m", "1h", "6h"]).map(lambda pause: InvestigationTrigger(cool_down=pause))


@given(buckets, triggers, st.data())
def test_any_later_look_finds_the_same_episodes(
    found: list[datetime], trigger: InvestigationTrigger, data: st.DataObject
) -> None:
    """What a look found is never renamed: buckets that come later, and results that go, change nothing of it."""
    first = data.draw(st.sampled_from(sorted(found))) if found else NOW
    early = episodes([at for at in found if at <= first], trigger, now=NOW)
    later = episodes(found, trigger, now=NOW)
    assert [at for at in later if at <= first] == early
    assert episodes([at for at in found if at >= horizon(trigger, NOW)], trigger, now=NOW) == later
    moved = NOW + timedelta(hours=3)
    again = episodes(found, trigger, now=moved)
    assert again == [at for at in later if at >= moved - REACH]


@given(buckets, triggers)
def test_episodes_are_apart_and_each_anomalous_bucket_of_the_day_is_in_one(
    found: list[datetime], trigger: InvestigationTrigger
) -> None:
    pause = timedelta(milliseconds=parse_duration(trigger.cool_down))
    begun = episodes(found, trigger, now=NOW)
    assert all(later - earlier >= pause for earlier, later in pairwise(begun))
    assert set(begun) <= set(found)
    for at in found:
        before = [one for one in found if at - pause < one < at]
        assert (at in begun) == (not before and at >= NOW - REACH)


@given(buckets, triggers, st.integers(0, 20))
def test_each_episode_is_seen_to_once_wherever_the_operator_ends(
    found: list[datetime], trigger: InvestigationTrigger, ends: int
) -> None:
    """An operator that ends after any creation makes the rest after its restart, and nothing twice."""
    begun = episodes(found, trigger, now=NOW)
    made: list[str] = []
    owner = job()
    for killed in (True, False):
        for at in unseen(owner, begun):
            name = investigation_of(owner, trigger, at, 5 * MINUTE)["metadata"]["name"]
            if name not in made:
                made.append(name)
            if killed and len(made) >= ends:
                break  # killed before anything was noted
        else:
            noted = {"annotations": {EPISODE_ANNOTATION: begun[-1].isoformat()}} if begun else {}
            owner = job(metadata=noted)
    assert len(made) == len(set(made))
    assert set(made) == {episode_name("web", at) for at in begun}


def test_the_manifest_of_an_episode_is_accepted_and_says_who_triggered_it() -> None:
    trigger = InvestigationTrigger.model_validate({"before": "2h", "after": "20m", "jobs": "web-*"})
    begin = NOW - timedelta(hours=3)
    manifest = investigation_of(job(connectionRef={"name": "eu"}), trigger, begin, 5 * MINUTE)
    made = Investigation.from_object(manifest)
    assert made.name == "web-20261126-090000"
    assert made.metadata.labels == {"anomalyops.io/triggered-by": "web"}
    assert (made.window.start, made.window.end) == (begin - timedelta(hours=2), begin + 25 * MINUTE)
    assert made.spec.manifest() == {
        "start": "2026-11-26T07:00:00Z",
        "end": "2026-11-26T09:25:00Z",
        "jobs": "web-*",
        "ttlAfterFinished": "30d",
        "connectionRef": {"name": "eu"},
    }


@given(st.from_regex(r"[a-z0-9]([a-z0-9.\-]{0,80}[a-z0-9])?", fullmatch=True))
def test_names_are_short_and_tell_jobs_and_times_apart(name: str) -> None:
    one = episode_name(name, NOW)
    assert len(one) <= 63
    assert one != episode_name(name, NOW + MINUTE)
    assert one != episode_name(f"{name}x", NOW)
    Investigation.from_object(investigation_of(job(), InvestigationTrigger(), NOW, MINUTE) | {
        "metadata": {"name": one, "namespace": "shop"}
    })  # fmt: skip


def test_an_episode_inside_the_window_of_a_triggered_investigation_of_the_same_jobs_is_part_of_it() -> None:
    trigger = InvestigationTrigger()
    label = {"labels": {"anomalyops.io/triggered-by": "db"}}
    there = Investigation.from_object(investigation_of(job("db"), trigger, NOW, 5 * MINUTE))
    mine = investigation_of(job(), trigger, NOW + 10 * MINUTE, 5 * MINUTE)
    assert covers(there, mine, NOW + 10 * MINUTE)
    assert not covers(there, mine, NOW + 15 * MINUTE)  # the window ends there
    other = investigation_of(job(), InvestigationTrigger(jobs="web-*"), NOW + 10 * MINUTE, 5 * MINUTE)
    assert not covers(there, other, NOW + 10 * MINUTE)
    by_hand = investigation({"start": "2026-11-26T11:00:00Z", "end": "2026-11-26T13:00:00Z"})
    assert not covers(by_hand, mine, NOW + 10 * MINUTE)
    assert covers(investigation(by_hand.spec.manifest(), **label), mine, NOW + 10 * MINUTE)


def test_a_note_that_cannot_be_read_is_no_note() -> None:
    assert last_episode(job(metadata={"annotations": {EPISODE_ANNOTATION: "yesterday"}})) is None
    assert last_episode(job(metadata={"annotations": {EPISODE_ANNOTATION: NOW.isoformat()}})) == NOW


def test_an_investigation_waits_runs_is_kept_and_goes() -> None:
    since = investigation({"since": "2h"})
    assert (since.window.start, since.window.end) == (NOW - timedelta(hours=2), NOW)
    assert next_move(since, NOW).phase is Phase.RUN
    ahead = investigation({"start": "2026-11-26T11:00:00Z", "end": "2026-11-26T13:00:00Z"})
    assert next_move(ahead, NOW).phase is Phase.WAIT
    assert next_move(ahead, NOW).until == NOW + timedelta(hours=1)
    done = {"completionTime": "2026-11-26T12:00:00Z"}
    assert next_move(investigation({"since": "2h"}, done), NOW + timedelta(days=900)).phase is Phase.KEEP
    kept = investigation({"since": "2h", "ttlAfterFinished": "1d"}, done)
    assert next_move(kept, NOW).until == NOW + timedelta(days=1)
    assert next_move(kept, NOW + timedelta(days=1)).phase is Phase.DELETE
