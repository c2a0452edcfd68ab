"""Which units a merge has to do with, and what it means where no server has to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from anomalyops.cluster.merging import Action, Change, Key, Merge, key_of
from anomalyops.reconciler import Pair, SharedObject, chosen_jobs
from anomalyops.resources import (
    AnomalyCalendar,
    AnomalyJob,
    AnomalyJobSet,
    AnyResource,
    Datafeed,
    ElasticsearchConnection,
    Investigation,
    ManifestsByName,
    RequestResource,
    Resource,
    SharedResource,
    texts_among,
    with_texts,
)

Unit = Pair | SharedObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A unit that a merge has to do with.

    Attributes:
        changes: What the merge does to its resources.
        before: As it is; None where it comes.
        after: As it will be; where it goes, as the API server shows it when its deletion has been asked for.
    """

    changes: tuple[Change, ...]
    before: Unit | None
    after: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapsAround:
    """The ConfigMaps that filter lists and calendars read, as far as they are known.

    Attributes:
        before: In the cluster.
        after: Where the files have been merged.
    """

    before: ManifestsByName = field(default_factory=dict)
    after: ManifestsByName = field(default_factory=dict)


def affected(merge: Merge, config_maps: ConfigMapsAround | None = None) -> list[Affected]:
    """The units that a merge has to do with, pairs before what they share."""
    before, after = merge.before(), _after(merge)
    known = config_maps or ConfigMapsAround()
    old, new = _shared(before, known.before), _shared(after, known.after)
    return [*_pairs_affected(merge, before, after), *_shared_affected(merge, old, new)]


def _after(merge: Merge) -> list[AnyResource]:
    """The objects as the operator will see them: what goes is there until its deletion policy is carried out."""
    going = (one.before for one in merge.changes if one.action is Action.REMOVED)
    return [*merge.after(), *(leaving(one) for one in going if one is not None)]


def leaving(resource: AnyResource) -> AnyResource:
    """An object as the API server shows it when its deletion has been asked for."""
    if resource.deletion_requested is not None:
        return resource
    metadata = resource.metadata.model_copy(update={"deletion_timestamp": datetime.now(UTC)})
    return resource.model_copy(update={"metadata": metadata})


def _pairs_affected(merge: Merge, before: Sequence[AnyResource], after: Sequence[AnyResource]) -> list[Affected]:
    old, new = _pairs(before), _pairs(after)
    changes: dict[tuple[str, str], list[Change]] = {}
    for change in merge.changes:
        if isinstance(change.resource, AnomalyJob | Datafeed) and change.action is not Action.UNCHANGED:
            changes.setdefault(_job_key(change.resource), []).append(change)
    found = []
    for key, mine in changes.items():
        if key in new:
            found.append(Affected(changes=tuple(mine), before=old.get(key), after=new[key]))
    return found


def _job_key(resource: AnomalyJob | Datafeed) -> tuple[str, str]:
    name = resource.name if isinstance(resource, AnomalyJob) else resource.spec.job_ref.name
    return resource.namespace, name


def _pairs(resources: Iterable[AnyResource]) -> dict[tuple[str, str], Pair]:
    """Jobs with the Datafeed that counts, the oldest; a new one is younger than all."""
    jobs: dict[tuple[str, str], AnomalyJob] = {}
    feeds: dict[tuple[str, str], Datafeed] = {}
    for one in resources:
        if isinstance(one, AnomalyJob):
            jobs[_job_key(one)] = one
        elif isinstance(one, Datafeed):
            other = feeds.get(_job_key(one))
            feeds[_job_key(one)] = one if other is None or _age(one) < _age(other) else other
    return {key: Pair(job=jobs.get(key), datafeed=feeds.get(key)) for key in dict.fromkeys([*jobs, *feeds])}


def _age(resource: Resource) -> tuple[bool, float, str]:
    created = resource.metadata.creation_timestamp
    return created is None, created.timestamp() if created is not None else 0, resource.name


def _shared_affected(merge: Merge, old: Mapping[Key, SharedObject], new: Mapping[Key, SharedObject]) -> list[Affected]:
    """Filter lists and calendars that change themselves, or whose jobs or ConfigMaps change."""
    changes = {
        key_of(one.resource): one
        for one in merge.changes
        if isinstance(one.resource, SharedResource) and one.action is not Action.UNCHANGED
    }
    return [
        Affected(changes=(changes[key],) if key in changes else (), before=old.get(key), after=one)
        for key, one in new.items()
        if key in changes or (key in old and (old[key].jobs != one.jobs or reads_others(old[key], one)))
    ]


def reads_others(before: SharedObject, after: SharedObject) -> bool:
    """Whether what a resource reads from ConfigMaps changes, or whether it can be read."""
    return (before.resource.spec, before.problems) != (after.resource.spec, after.problems)


def _shared(resources: Sequence[AnyResource], config_maps: ManifestsByName) -> dict[Key, SharedObject]:
    jobs = [one for one in resources if isinstance(one, AnomalyJob)]
    found = {}
    for one in (resource for resource in resources if isinstance(resource, SharedResource)):
        texts = texts_among(config_maps, one.namespace, absent="is not there, here or in the cluster, or is unreadable")
        whole, problems = with_texts(one, texts) if one.deletion_requested is None else (one, ())
        ids, missing = frozenset[str](), tuple[str, ...]()
        if isinstance(one, AnomalyCalendar):
            ids, missing = chosen_jobs(one, [job for job in jobs if job.namespace == one.namespace])
        found[key_of(one)] = SharedObject(resource=whole, jobs=ids, missing_jobs=missing, problems=problems)
    return found


_CONNECTION: Final = {
    Action.CREATED: "resources of the namespace that name it are worked on over it from now on",
    Action.CHANGED: "what lives on its server stays there: if it leads to another one, its resources are Stalled"
    " (PlaceChanged) and nothing is done on either",
    Action.REMOVED: "nothing is stopped or deleted on the server, and nothing there is looked after any more",
}
_REQUEST: Final = {
    Action.CREATED: "the operator carries it out",
    Action.CHANGED: "the operator follows what can change; a revert that was begun, and a forecast that was made, stay",
    Action.REMOVED: "what it did stays on the server, unless its deletionPolicy says otherwise",
}


def meaning(change: Change) -> str:
    """What a change of a connection, a request or a set means; nothing is asked of a server for it."""
    resource = change.resource
    if isinstance(resource, ElasticsearchConnection):
        return _CONNECTION.get(change.action, "")
    if isinstance(resource, RequestResource):
        return _REQUEST.get(change.action, "")
    if isinstance(resource, Investigation):
        return "the operator carries it out beside its work; nothing of it is on the server"
    return "its jobs and datafeeds follow; see there" if isinstance(resource, AnomalyJobSet) else ""
