"""The plan of job sets: laws over generated values, objects, policies and what hands do in between."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan.job_sets import Act, Deed, Key, Member, SetPlan, plan_job_set
from anomalyops.resources import (
    VALUE_ANNOTATION,
    AnomalyJobSet,
    DeletionPolicy,
    ManifestError,
    resource_from_object,
    stamped_name,
)
from laws import law

TEMPLATE: dict[str, Any] = {
    "labels": {"team": "web"},
    "job": {
        "description": "of {{value}}",
        "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
        "dataDescription": {},
    },
    "datafeed": {"indices": ["logs"], "query": {"bool": {"filter": [{"term": {"service": "{{value}}"}}]}}},
}
# Values that look alike, that have no letter, and that are long are among them.
values = st.lists(
    st.sampled_from(["a", "A", "a b", "a/b", "b", "-", "ü", "{{value}}", "x" * 300]) | st.text(min_size=1, max_size=12),
    unique=True,
    max_size=6,
)
policies = st.sampled_from(DeletionPolicy)


def set_of(policy: DeletionPolicy = DeletionPolicy.RETAIN, **template: Any) -> AnomalyJobSet:
    spec = {"values": ["a"], "prunePolicy": policy.value, "template": TEMPLATE | template}
    return AnomalyJobSet.model_validate({"metadata": {"name": "services", "namespace": "team"}, "spec": spec})


def carry_out(acts: tuple[Act, ...], there: dict[Key, Member]) -> None:
    """What the controller does, on a cluster without anybody else."""
    for act in acts:
        if act.deed in {Deed.CREATE, Deed.CHANGE}:
            assert act.manifest is not None
            assert (act.deed is Deed.CREATE) == (act.key not in there)
            made: Any = resource_from_object(act.manifest)
            value = act.manifest["metadata"]["annotations"][VALUE_ANNOTATION]
            there[act.key] = Member(resource=made, ours=True, value=value, ready=True)
        elif act.deed is Deed.DELETE:
            del there[act.key]
        else:
            there[act.key] = replace(there[act.key], ours=False)


def values_of(found: SetPlan, there: dict[Key, Member]) -> set[str]:
    return {there[key].value for key in found.wanted}


@law(examples=150)
@given(first=values, second=values, policy=policies, cuts=st.lists(st.integers(0, 12), max_size=4))
def test_after_any_cuts_there_is_one_pair_for_each_value_and_the_rest_is_as_the_policy_says(
    first: list[str], second: list[str], policy: DeletionPolicy, cuts: list[int]
) -> None:
    job_set, there = set_of(policy), dict[Key, Member]()
    carry_out(plan_job_set(job_set, first, there).acts, there)
    before = dict(there)
    for cut in cuts:
        carry_out(plan_job_set(job_set, second, there).acts[:cut], there)
    carry_out(plan_job_set(job_set, second, there).acts, there)
    found = plan_job_set(job_set, second, there)
    assert (found.acts, found.waiting, found.conflicts, found.problems) == ((), (), (), ())
    assert values_of(found, there) == set(second)
    assert len(found.wanted) == 2 * len(second)
    gone = {key for key, member in before.items() if member.value not in second}
    if policy is DeletionPolicy.DELETE:
        assert not gone & set(there)
    else:
        assert gone <= set(there)
        assert all(there[key].ours == (policy is DeletionPolicy.RETAIN) for key in gone)
        assert len(found.retained) == (len(gone) // 2 if policy is DeletionPolicy.RETAIN else 0)


@law(examples=100)
@given(chosen=values.filter(bool), policy=policies, theirs=st.integers(0, 5))
def test_what_belongs_to_somebody_else_is_never_touched(chosen: list[str], policy: DeletionPolicy, theirs: int) -> None:
    job_set, there = set_of(policy), dict[Key, Member]()
    carry_out(plan_job_set(job_set, chosen, there).acts, there)
    taken = sorted(there)[theirs % len(there)]
    there[taken] = replace(there[taken], ours=False)
    for wanted in (chosen, []):
        found = plan_job_set(job_set, wanted, there)
        assert all(act.key != taken for act in found.acts)
    assert plan_job_set(job_set, chosen, there).conflicts == (taken[1],)


@law(examples=60)
@given(chosen=values, policy=policies)
def test_a_template_that_gives_what_is_refused_prunes_nothing(chosen: list[str], policy: DeletionPolicy) -> None:
    there = dict[Key, Member]()
    carry_out(plan_job_set(set_of(policy), chosen, there).acts, there)
    broken = set_of(policy, job={"analysisConfig": {"bucketSpan": "soon", "detectors": []}})
    found = plan_job_set(broken, chosen, there)
    assert found.acts == ()
    assert len(found.problems) == len(chosen)


@law(examples=200)
@given(first=st.text(min_size=1), second=st.text(min_size=1), name=st.sampled_from(["s", "a.b", "x" * 253]))
def test_names_are_safe_stable_and_of_one_value_alone(first: str, second: str, name: str) -> None:
    made = stamped_name("team", name, first)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", made)
    assert len(made) <= 57  # an id of a job has 64
    assert (made == stamped_name("team", name, second)) == (first == second)
    assert made != stamped_name("other", name, first)


def test_what_is_on_its_way_out_is_waited_for() -> None:
    job_set, there = set_of(), dict[Key, Member]()
    carry_out(plan_job_set(job_set, ["a"], there).acts, there)
    key = sorted(there)[0]
    there[key] = replace(there[key], leaving=True)
    found = plan_job_set(job_set, ["a"], there)
    assert (found.acts, found.waiting) == ((), (key[1],))


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({"job": {"jobId": "x"}}, "template.job must leave jobId out"),
        ({"job": {"connectionRef": {"name": "x"}}}, "template.job must leave connectionRef out"),
        ({"datafeed": {"jobRef": {"name": "x"}}}, "template.datafeed must leave jobRef and datafeedId out"),
    ],
)
def test_what_follows_from_the_set_is_not_in_its_template(template: dict[str, Any], words: str) -> None:
    manifest = {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": "AnomalyJobSet",
        "metadata": {"name": "s"},
        "spec": {"values": ["a"], "template": TEMPLATE | template},
    }
    with pytest.raises(ManifestError, match=words):
        resource_from_object(manifest)
