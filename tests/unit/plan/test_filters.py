"""Plans for filter lists: laws over generated lists, marks and policies, on a server with Elasticsearch's rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from stepping import at_once

from anomalyops.plan import (
    Claim,
    CreateFilter,
    CreateJob,
    DesiredFilter,
    Mark,
    ObservedFilter,
    Owner,
    Plan,
    Removal,
    filters_needed,
    marked,
    plan_filter,
    read_description,
    without_filters,
)
from anomalyops.resources import AdoptionPolicy, DeletionPolicy, Reason
from laws import law

OURS = Owner(cluster="c1", namespace="team", name="hosts", uid="u1", kind="AnomalyFilter")
THEIRS = Owner(cluster="c1", namespace="other", name="hosts", uid="u2", kind="AnomalyFilter")
MOMENT = "2026-11-26T12:00:00+00:00"

items = st.frozensets(st.sampled_from(["a", "b", "*.c", "d e", "ü"]), max_size=5)
# Texts that look like marks or begin like one are among them.
texts = st.text(max_size=20) | st.sampled_from(["", "known hosts", "[anomalyops.io {", "[anomalyops.io {}]", "x ]"])
owners = st.sampled_from([OURS, THEIRS])
marks = st.builds(
    Mark,
    owner=owners,
    since=st.sampled_from(["", MOMENT, "2026-01-01T00:00:00+00:00"]),
    retained=st.booleans(),
    described=st.booleans(),
)
present = st.builds(
    ObservedFilter,
    items=items,
    description=st.builds(marked, texts, st.none() | marks),
    moment=st.just(MOMENT),
)
observations = st.just(ObservedFilter(moment=MOMENT)) | present
wishes = st.builds(DesiredFilter, filter_id=st.just("hosts"), items=items, description=st.none() | texts)
claims = st.builds(
    Claim, adoption=st.sampled_from(AdoptionPolicy), take_over=st.sampled_from(["", THEIRS.reference, "c9/x/y"])
)
removals = st.builds(Removal, id=st.just("hosts"), policy=st.sampled_from(DeletionPolicy))


class RefusedError(Exception):
    """What Elasticsearch would answer with a 4xx."""


@dataclass
class Server:
    """One filter, with the rules of `_ml/filters`."""

    filter: ObservedFilter
    used: bool = False
    calls: list[str] = field(default_factory=list)

    async def create_filter(self, filter_id: str, body: Mapping[str, Any]) -> None:
        self.calls.append("create")
        if self.filter.items is not None:
            raise RefusedError("exists")
        description = body.get("description", "")
        self.filter = replace(self.filter, items=frozenset(body["items"]), description=description)

    async def update_filter(self, filter_id: str, body: Mapping[str, Any]) -> None:
        self.calls.append("update")
        assert set(body) <= {"description", "add_items", "remove_items"}
        if self.filter.items is None:
            raise RefusedError("missing")
        there = self.filter.items | set(body.get("add_items", ()))
        gone = set(body.get("remove_items", ()))
        if not gone <= there:
            raise RefusedError("cannot remove")
        description = body.get("description", self.filter.description)
        self.filter = replace(self.filter, items=there - gone, description=description)

    async def delete_filter(self, filter_id: str) -> None:
        self.calls.append("delete")
        if self.used:
            raise RefusedError("used")
        self.filter = ObservedFilter(moment=MOMENT)


def carry_out(found: Plan, server: Server) -> None:
    for step in found.steps:
        at_once(step.send(server))  # type: ignore[arg-type]


@law(examples=100)
@given(text=texts, mark=st.none() | marks)
def test_a_description_gives_back_its_text_and_its_mark(text: str, mark: Mark | None) -> None:
    found = read_description(marked(text, mark), kind="AnomalyFilter")
    assert found == (text, mark)


@law(examples=100)
@given(wanted=wishes, seen=observations, claim=claims)
def test_after_one_plan_the_filter_is_as_wanted_or_untouched(
    wanted: DesiredFilter, seen: ObservedFilter, claim: Claim
) -> None:
    server = Server(seen)
    found = plan_filter(OURS, wanted, seen, claim)
    carry_out(found, server)
    again = plan_filter(OURS, wanted, server.filter, claim)
    assert again.steps == ()
    assert len(found.steps) <= 1  # so that nobody ever sees half of it
    if found.obstacles:
        assert server.filter == seen
        assert again.obstacles == found.obstacles
        return
    assert server.filter.items == wanted.items
    assert server.filter.mark is not None
    assert server.filter.mark.belongs_to(OURS)
    assert not server.filter.mark.retained
    if wanted.description is not None:
        assert server.filter.text == wanted.description


@law(examples=100)
@given(wanted=wishes, seen=present, claim=claims)
def test_nothing_is_taken_from_its_owner_or_lost_without_leave(
    wanted: DesiredFilter, seen: ObservedFilter, claim: Claim
) -> None:
    found = plan_filter(OURS, wanted, seen, claim)
    mark = seen.mark
    ours = mark is not None and mark.belongs_to(OURS)
    theirs = mark is not None and not ours and not mark.retained
    if theirs:
        allowed = claim.take_over == THEIRS.reference
        reason = Reason.NOT_OWNED
    elif ours or claim.adoption is AdoptionPolicy.ALWAYS:
        allowed, reason = True, None
    else:
        assert seen.items is not None
        allowed = claim.adoption is AdoptionPolicy.IF_MATCHES and seen.items <= wanted.items
        reason = Reason.ALREADY_EXISTS
    assert [obstacle.reason for obstacle in found.obstacles] == ([] if allowed else [reason])
    assert allowed or not found.steps


@law(examples=100)
@given(removed=removals, seen=observations)
def test_a_deletion_does_what_its_policy_says_to_its_own_filter_alone(removed: Removal, seen: ObservedFilter) -> None:
    server = Server(seen)
    carry_out(plan_filter(OURS, removed, seen, Claim(adoption=AdoptionPolicy.ALWAYS)), server)
    left = server.filter
    assert plan_filter(OURS, removed, left, Claim(adoption=AdoptionPolicy.ALWAYS)).empty
    if seen.mark is None or not seen.mark.belongs_to(OURS):
        assert left == seen
        return
    if removed.policy is DeletionPolicy.DELETE:
        assert left.items is None
        return
    assert (left.items, left.text) == (seen.items, seen.text)
    retained = removed.policy is DeletionPolicy.RETAIN
    assert (left.mark is not None and left.mark.retained) == retained


@law(examples=100)
@given(wanted=wishes, later=wishes, seen=observations)
def test_what_was_retained_is_taken_up_again_and_a_description_given_no_more_is_taken_back(
    wanted: DesiredFilter, later: DesiredFilter, seen: ObservedFilter
) -> None:
    always = Claim(adoption=AdoptionPolicy.ALWAYS, take_over=THEIRS.reference)
    server = Server(seen)
    carry_out(plan_filter(OURS, wanted, server.filter, always), server)
    carry_out(plan_filter(OURS, later, server.filter, always), server)
    if wanted.description is not None and later.description is None:
        assert server.filter.text == ""
    carry_out(plan_filter(OURS, Removal(id="hosts", policy=DeletionPolicy.RETAIN), server.filter, always), server)
    again = plan_filter(OURS, later, server.filter, Claim(adoption=AdoptionPolicy.IF_MATCHES))
    assert not again.obstacles
    carry_out(again, server)
    assert server.filter.items == later.items


def test_reasons_name_what_changes() -> None:
    wanted = DesiredFilter(filter_id="hosts", items=frozenset("abcdefgh"), description="mine")
    seen = ObservedFilter(items=frozenset({"x"}), description=marked("", Mark(owner=OURS)), moment=MOMENT)
    (step,) = plan_filter(OURS, wanted, seen, Claim(adoption=AdoptionPolicy.IF_MATCHES)).steps
    assert step.reason == 'add a, b, c, d, e and 3 more, remove x, description "" -> mine'
    foreign = ObservedFilter(items=frozenset({"x"}), description=marked("", Mark(owner=THEIRS)), moment=MOMENT)
    refused = plan_filter(OURS, wanted, foreign, Claim(adoption=AdoptionPolicy.ALWAYS)).obstacles[0].message
    assert "filter hosts is managed by AnomalyFilter other/hosts of cluster c1" in refused
    assert "spec.takeOverFrom: c1/other/hosts" in refused


def test_a_plan_waits_for_the_filters_that_its_rules_name() -> None:
    rule = {"scope": {"host": {"filter_id": "hosts"}, "user": {"filter_id": "users"}}}
    body = {"analysis_config": {"detectors": [{"function": "count", "custom_rules": [rule]}]}}
    found = Plan(steps=(CreateJob(job_id="web", body=body, reason="why"),))
    assert filters_needed(found) == {"hosts", "users"}
    waits = without_filters(found, ["users"])
    assert waits.empty
    (obstacle,) = waits.obstacles
    assert (obstacle.reason, obstacle.waiting) == (Reason.WAITING_FOR_FILTER, True)
    assert "(users)" in obstacle.message
    assert filters_needed(Plan(steps=(CreateFilter(filter_id="hosts", body={}, reason="why"),))) == frozenset()
