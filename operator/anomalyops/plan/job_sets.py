"""The plan of a job set: which AnomalyJobs and Datafeeds to create, to change, to prune and to leave alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from anomalyops.resources import (
    VALUE_ANNOTATION,
    AnomalyJob,
    AnomalyJobSet,
    Datafeed,
    DeletionPolicy,
    ManifestError,
    resource_from_object,
)

Key = tuple[str, str]
"""Kind and name of an object in the set's namespace."""


class Deed(StrEnum):
    """What is done to an object."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    LET_GO = "let go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An object of the namespace that a set's plan may be about.

    Attributes:
        resource: As it is; None when it cannot be read.
        ours: Whether it belongs to the set.
        value: The value that it was made for; empty when that is not known.
        ready: Whether it is ready, as of its present generation.
        leaving: Whether it is being deleted.
    """

    resource: AnomalyJob | Datafeed | None
    ours: bool
    value: str = ""
    ready: bool = False
    leaving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing to be done to one object.

    Attributes:
        deed: What.
        key: Its kind and name.
        manifest: What it shall be, for creations and changes.
    """

    deed: Deed
    key: Key
    manifest: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """What is to be done for a set.

    Attributes:
        acts: In their order.
        wanted: The objects that it shall have.
        waiting: Names of those that are not ready.
        retained: Objects of values that are there no more, which stay.
        conflicts: Names that somebody else has.
        problems: Why what the template gives for a value is refused.
    """

    acts: tuple[Act, ...] = ()
    wanted: frozenset[Key] = frozenset()
    waiting: tuple[str, ...] = ()
    retained: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def plan_job_set(job_set: AnomalyJobSet, values: Sequence[str], there: Mapping[Key, Member]) -> SetPlan:
    """What is to be done so that there is one job, and its datafeed, for each value.

    Args:
        job_set: The set.
        values: All values, at most as many as it allows.
        there: The AnomalyJobs and Datafeeds of its namespace that bear one of its names, or belong to it.
    """
    manifests: dict[Key, dict[str, Any]] = {}
    problems: list[str] = []
    for value in sorted(set(values)):
        stamped = job_set.stamped(value)
        if problem := _problem(stamped):
            problems.append(f"{value}: {problem}")
            continue
        manifests.update({(one["kind"], one["metadata"]["name"]): one for one in stamped})
    conflicts = sorted({name for kind, name in manifests if (kind, name) in there and not there[kind, name].ours})
    kept = {key: one for key, one in manifests.items() if key[1] not in conflicts}
    # What the template gives no more for a value that cannot be made now is no reason to prune.
    known = set(values)
    old = [
        key
        for key, member in sorted(there.items())
        if member.ours and not member.leaving and key not in manifests and not _is_spared(key, member, known, problems)
    ]
    pruned, retained = _pruned(job_set.spec.prune_policy, old)
    return SetPlan(
        acts=(*_acts(kept, there), *pruned),
        wanted=frozenset(kept),
        waiting=tuple(sorted({name for kind, name in kept if not _is_ready(there.get((kind, name)))})),
        retained=tuple(sorted({name for _, name in retained})),
        conflicts=tuple(conflicts),
        problems=tuple(problems),
    )


def _acts(kept: Mapping[Key, Mapping[str, Any]], there: Mapping[Key, Member]) -> Iterable[Act]:
    for key, manifest in kept.items():
        member = there.get(key)
        if member is None:
            yield Act(deed=Deed.CREATE, key=key, manifest=manifest)
        elif not member.leaving and not _is_same(member, manifest):
            yield Act(deed=Deed.CHANGE, key=key, manifest=manifest)


def _is_same(member: Member, manifest: Mapping[str, Any]) -> bool:
    """Whether an object is as it shall be: its spec, its labels, its value."""
    there = member.resource
    if there is None:
        return False
    wanted = resource_from_object(manifest)
    labels = manifest["metadata"]["labels"]
    return (
        there.spec == getattr(wanted, "spec", None)
        and labels.items() <= there.metadata.labels.items()
        and there.metadata.annotations.get(VALUE_ANNOTATION) == manifest["metadata"]["annotations"][VALUE_ANNOTATION]
    )


def _pruned(policy: DeletionPolicy, old: Sequence[Key]) -> tuple[list[Act], list[Key]]:
    """What is done to what is wanted no more, the datafeeds first, and what of it stays."""
    if policy is DeletionPolicy.RETAIN:
        return [], list(old)
    deed = Deed.DELETE if policy is DeletionPolicy.DELETE else Deed.LET_GO
    return [Act(deed=deed, key=key) for key in sorted(old, key=lambda key: (key[0] == AnomalyJob.KIND, key[1]))], []


def _is_spared(key: Key, member: Member, values: set[str], problems: Sequence[str]) -> bool:
    """Whether an object stays though nothing is made of its name now: its value is there, and cannot be made."""
    return member.value in values and any(problem.startswith(f"{member.value}: ") for problem in problems)


def _is_ready(member: Member | None) -> bool:
    return member is not None and member.ours and member.ready and not member.leaving


def _problem(stamped: Sequence[Mapping[str, Any]]) -> str:
    """Why manifests are refused; empty when they are not."""
    for manifest in stamped:
        try:
            resource_from_object(manifest)
        except ManifestError as error:
            return "; ".join(f"{problem.kind} {problem.field}: {problem.message}" for problem in error.problems)
    return ""
