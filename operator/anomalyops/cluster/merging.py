"""What merging manifests changes in a cluster: which objects come, change, field by field, and go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from anomalyops.plan.job_sets import Act, Deed, Member, plan_job_set
from anomalyops.resources import (
    JOB_SET_LABEL,
    KINDS,
    VALUE_ANNOTATION,
    AnomalyJob,
    AnomalyJobSet,
    AnyResource,
    Datafeed,
    Metadata,
    resource_from_object,
)

Key = tuple[str, str, str]
"""Kind, namespace and name of an object."""


class Action(StrEnum):
    """What becomes of an object."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


class Absent:
    """The value of a field that is not there; unlike null, which a free object may hold."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
_PLAIN: Final = re.compile(r"[A-Za-z_][\w-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that changes.

    Attributes:
        path: Such as `spec.analysisConfig.detectors[0].function`.
        before: Its JSON value in the cluster; `ABSENT` where it comes.
        after: Its JSON value after the merge; `ABSENT` where it goes.
    """

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a merge does to one object.

    Attributes:
        before: As the cluster has it, with its status; None where it comes.
        after: As the cluster will have it, with the present status; None where it goes.
        fields: What changes of it.
        refused: Why the API server will not take it, in its words; empty where nothing of that is known.
        through: The AnomalyJobSet that makes or prunes it; empty for an object of the manifests themselves.
    """

    before: AnyResource | None
    after: AnyResource | None
    fields: tuple[FieldChange, ...] = ()
    refused: tuple[str, ...] = ()
    through: str = ""

    @property
    def action(self) -> Action:
        """What becomes of the object."""
        if self.before is None:
            return Action.CREATED
        if self.after is None:
            return Action.REMOVED
        return Action.CHANGED if self.fields else Action.UNCHANGED

    @property
    def resource(self) -> AnyResource:
        """The object as it will be, or was."""
        found = self.after if self.after is not None else self.before
        assert found is not None  # noqa: S101 - one of the two is there
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What a merge does to the objects of some namespaces.

    Attributes:
        changes: All objects of the manifests and what goes, connections first, unchanged ones too.
        bystanders: The objects of the namespaces that the merge does not touch.
        notes: What cannot be told of it, in words.
    """

    changes: tuple[Change, ...]
    bystanders: tuple[AnyResource, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return all(change.action is Action.UNCHANGED for change in self.changes)

    def before(self) -> list[AnyResource]:
        """The objects as they are."""
        return [*self.bystanders, *(one.before for one in self.changes if one.before is not None)]

    def after(self) -> list[AnyResource]:
        """The objects as they will be; those that the API server refuses stay as they are."""
        kept = (one.before if one.refused else one.after for one in self.changes)
        return [*self.bystanders, *(one for one in kept if one is not None)]


def key_of(resource: AnyResource) -> Key:
    """What tells an object from all others."""
    return resource.KIND, resource.namespace, resource.name


def merged(
    wanted: Sequence[AnyResource],
    live: Sequence[AnyResource],
    *,
    prune: bool = False,
    labels: Mapping[str, str] | None = None,
) -> Merge:
    """What becomes of live objects when manifests are merged.

    What an AnomalyJobSet makes follows from the set: the operator makes it. A set that takes its values from an index
    is shown for the values that it has now.

    Args:
        wanted: What the manifests hold, without what is made from the AnomalyJobSets among them.
        live: The objects of the namespaces that the manifests are about.
        prune: Whether an object that is in no manifest goes; never one that something else made.
        labels: Those that an object must have to be pruned.
    """
    there = {key_of(one): one for one in live}
    changes = [_change(there.get(key_of(one)), one) for one in wanted]
    given = {key_of(one) for one in wanted}
    if prune:
        changes += [
            Change(before=one, after=None)
            for one in live
            if key_of(one) not in given and _is_prunable(one, labels or {})
        ]
    notes: list[str] = []
    for change in list(changes):
        if isinstance(change.resource, AnomalyJobSet) and change.action is not Action.UNCHANGED:
            changes += _through(change, live, notes)
    touched = {key_of(change.resource) for change in changes}
    bystanders = tuple(one for one in live if key_of(one) not in touched)
    return Merge(changes=tuple(sorted(changes, key=_order)), bystanders=bystanders, notes=tuple(notes))


_ORDER: Final = {
    kind: number
    for number, kind in enumerate(
        ("ElasticsearchConnection", "AnomalyFilter", "AnomalyJobSet", "AnomalyJob", "Datafeed", "AnomalyCalendar")
    )
}


def _order(change: Change) -> tuple[int, str, str]:
    resource = change.resource
    return _ORDER.get(resource.KIND, len(KINDS)), resource.namespace, resource.name


def _is_prunable(resource: AnyResource, labels: Mapping[str, str]) -> bool:
    """Whether an object may be pruned: what another object made comes and goes with that one."""
    return not resource.metadata.owner_references and labels.items() <= resource.metadata.labels.items()


def _change(before: AnyResource | None, wanted: AnyResource, through: str = "") -> Change:
    if before is None:
        return Change(before=None, after=_with_metadata(wanted, _fresh(wanted.metadata)), through=through)
    metadata = before.metadata.model_copy(update={"labels": before.metadata.labels | wanted.metadata.labels})
    after = _with_metadata(wanted, metadata).model_copy(update={"status": before.status})
    return Change(
        before=before,
        after=after,
        fields=tuple(_fields(before, after)),
        refused=tuple(_refusals(before, after)),
        through=through,
    )


def _fresh(metadata: Metadata) -> Metadata:
    """The metadata of an object that has no uid yet."""
    return metadata.model_copy(update={"uid": ""})


def _with_metadata(resource: AnyResource, metadata: Metadata) -> AnyResource:
    return resource.model_copy(update={"metadata": metadata})


def _fields(before: AnyResource, after: AnyResource) -> Iterator[FieldChange]:
    """What changes of the labels and the spec, defaults filled in on both sides as the API server does."""
    yield from field_changes("metadata.labels", before.metadata.labels, after.metadata.labels)
    yield from field_changes("spec", _spec(before), _spec(after))


def _spec(resource: AnyResource) -> Any:
    return resource.spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def field_changes(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    """The smallest fields that differ: objects key by key, lists of objects entry by entry, all else whole.

    Args:
        path: Of the two values.
        before: A JSON value, or `ABSENT`.
        after: Likewise.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from field_changes(f"{path}{_step(key)}", before.get(key, ABSENT), after.get(key, ABSENT))
    elif _are_objects(before) and _are_objects(after):
        for index in range(max(len(before), len(after))):
            sides = (side[index] if index < len(side) else ABSENT for side in (before, after))
            yield from field_changes(f"{path}[{index}]", *sides)
    elif type(before) is not type(after) or before != after:
        yield FieldChange(path=path, before=before, after=after)


def _step(key: str) -> str:
    """A key as part of a path; one that a path could not show otherwise is quoted."""
    return f".{key}" if _PLAIN.match(key) else f"[{json.dumps(key)}]"


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, Mapping) for one in value)


def _refusals(before: AnyResource, after: AnyResource) -> Iterator[str]:
    """What admission refuses whatever the server has: another id, another job. The plan tells of all else."""
    named = {rule.field: rule.message for rule in type(after).TRANSITIONS}
    ids = [f"spec.{name}" for name in ("jobId", "datafeedId", "filterId", "calendarId")]
    if getattr(before, "server_id", "") != getattr(after, "server_id", ""):
        yield from (named[name] for name in ids if name in named)
    old, new = getattr(before.spec, "job_ref", None), getattr(after.spec, "job_ref", None)
    if old != new and "spec.jobRef" in named:
        yield named["spec.jobRef"]


def _through(change: Change, live: Sequence[AnyResource], notes: list[str]) -> list[Change]:
    """What becomes of the jobs and datafeeds of a set."""
    there = {
        (one.KIND, one.name): one
        for one in live
        if isinstance(one, AnomalyJob | Datafeed) and one.namespace == change.resource.namespace
    }
    mine = {key: one for key, one in there.items() if _is_made_by(one, change.before)}
    job_set, name = change.after, f"{AnomalyJobSet.KIND}/{change.resource.name}"
    if not isinstance(job_set, AnomalyJobSet):  # what it made goes with it
        return [Change(before=one, after=None, through=name) for one in mine.values()]
    values = job_set.spec.values
    if values is None:
        values = sorted({one.metadata.annotations.get(VALUE_ANNOTATION, "") for one in mine.values()} - {""})
        notes.append(f"{name}: the operator asks the index for its values; shown for the {len(values)} that it has now")
    if len(values) > job_set.spec.limit:
        notes.append(f"{name}: {len(values)} values, and spec.limit allows {job_set.spec.limit}: nothing is made")
        return []
    members = {
        key: Member(
            resource=one,
            ours=key in mine,
            value=one.metadata.annotations.get(VALUE_ANNOTATION, ""),
            leaving=one.deletion_requested is not None,
        )
        for key, one in there.items()
    }
    plan = plan_job_set(job_set, values, members)
    notes += [f"{name}: {problem}" for problem in plan.problems]
    notes += [f"{name}: {other} belongs to somebody else and is left alone" for other in plan.conflicts]
    notes += [f"{name}: {kept} stays, its value is there no more (prunePolicy Retain)" for kept in plan.retained]
    return [one for act in plan.acts if (one := _acted(act, there, name)) is not None]


def _acted(act: Act, there: Mapping[tuple[str, str], AnomalyJob | Datafeed], through: str) -> Change | None:
    before = there.get(act.key)
    if act.deed is Deed.LET_GO:
        return None  # it stays as it is
    if act.manifest is None:
        return Change(before=before, after=None, through=through)
    return _change(before, resource_from_object(act.manifest), through)


def _is_made_by(resource: AnyResource, job_set: AnyResource | None) -> bool:
    owners = {one.uid for one in resource.metadata.owner_references}
    return job_set is not None and job_set.metadata.uid in owners


def is_made(resource: AnyResource) -> bool:
    """Whether a resource of the files was made there from an AnomalyJobSet of theirs."""
    metadata = resource.metadata
    return JOB_SET_LABEL in metadata.labels and VALUE_ANNOTATION in metadata.annotations


def listed(changes: Iterable[Change]) -> str:
    """How many objects come, change and go, in words."""
    actions = [change.action for change in changes]
    counted = ", ".join(f"{actions.count(action)} {action}" for action in Action)
    return f"In the cluster: {counted}."
