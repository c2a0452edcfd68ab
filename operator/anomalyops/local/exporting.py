"""From what runs on a server to manifests that take it over as it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import ValidationError

from anomalyops.elastic import Forbidden, NotFound, Rejected, Unsupported
from anomalyops.local.connections import Login, connection_at, open_gateway
from anomalyops.local.errors import LocalError
from anomalyops.plan import (
    Exported,
    ExportedShared,
    JsonObject,
    Owner,
    export_calendar,
    export_datafeed,
    export_filter,
    export_job,
    export_retained,
    filters_named,
    read_marker,
)
from anomalyops.resources import (
    AnomalyCalendar,
    AnomalyCalendarSpec,
    AnomalyFilter,
    AnomalyFilterSpec,
    AnomalyJob,
    AnyResource,
    Datafeed,
    Metadata,
    ObjectReference,
)
from anomalyops.resources.base import SpecModel
from anomalyops.resources.datafeed import DatafeedSpec
from anomalyops.resources.job import AnomalyJobSpec
from anomalyops.resources.pairs import pair_faults
from anomalyops.resources.problems import faults_of, path_text
from anomalyops.resources.retained_snapshots import MOST_RETAINED

_MOST = 10_000  # jobs and datafeeds that a server tells of in one answer
_ANY = TypeVar("_ANY", bound=SpecModel)
_Read = TypeVar("_Read")
_AROUND_DOTS = re.compile(r"[-.]*\.[-.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One manifest, and what a reader of it should know beside it."""

    resource: AnyResource
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was found on a server.

    Attributes:
        manifests: The filters and calendars, then each job, followed by its datafeed.
        refused: What cannot be written as a manifest, and why, one line for each.
        warnings: What was left out.
    """

    manifests: tuple[Written, ...]
    refused: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a server has: configurations and stats by id, events by their calendar, model snapshots by their job.

    Filters and calendars are None where they may not be read.
    """

    jobs: Mapping[str, JsonObject]
    datafeeds: Mapping[str, JsonObject] = field(default_factory=dict)
    job_stats: Mapping[str, JsonObject] = field(default_factory=dict)
    datafeed_stats: Mapping[str, JsonObject] = field(default_factory=dict)
    calendars: Mapping[str, JsonObject] | None = field(default_factory=dict)
    events: Mapping[str, Sequence[JsonObject]] = field(default_factory=dict)
    filters: Mapping[str, JsonObject] | None = field(default_factory=dict)
    snapshots: Mapping[str, Sequence[JsonObject]] = field(default_factory=dict)


async def export(login: Login, patterns: Sequence[str], *, namespace: str | None) -> Export:
    """The jobs of a server and their datafeeds as manifests; nothing is changed there.

    Args:
        login: The server.
        patterns: Ids of jobs, with `*` and `?`; none for all.
        namespace: The namespace to write into the manifests; None for none.

    Raises:
        LocalError: No URL, or a pattern that no job has.
        GatewayError: The server does not answer, or does not let us in.
    """
    if login.url is None:
        raise LocalError("which server? Give --url")
    async with open_gateway(connection_at(login.url), login.credentials) as gateway:
        await gateway.info()
        jobs, feeds, job_stats, feed_stats = await asyncio.gather(
            gateway.jobs(), gateway.datafeeds(), gateway.job_stats(), gateway.datafeed_stats()
        )
        filters, calendars, events = await asyncio.gather(
            _readable(gateway.filters()), _readable(gateway.calendars()), _readable(gateway.events())
        )
        chosen = _chosen(jobs, patterns)
        snapshots = {name: await _readable(gateway.snapshots_of(name)) for name in chosen}
    found = Found(
        jobs=jobs,
        snapshots={name: some for name, some in snapshots.items() if some is not None},
        datafeeds=feeds,
        job_stats=job_stats,
        datafeed_stats=feed_stats,
        calendars=calendars if events is not None else None,
        events=events or {},
        filters=filters,
    )
    return manifests_of(found, patterns, namespace=namespace)


async def _readable(asked: Awaitable[_Read]) -> _Read | None:
    try:
        return await asked
    except (Forbidden, NotFound, Rejected, Unsupported):
        return None


def manifests_of(found: Found, patterns: Sequence[str] = (), *, namespace: str | None = None) -> Export:
    """The manifests of the jobs whose ids match a pattern, in the order of their ids, after those of what they share.

    Args:
        found: What the server has.
        patterns: Ids of jobs, with `*` and `?`; none for all.
        namespace: The namespace to write into the manifests; None for none.

    Raises:
        LocalError: A pattern that no job has.
    """
    chosen = _chosen(found.jobs, patterns)
    feed_of = {str(feed["job_id"]): feed for feed in found.datafeeds.values()}
    feeds = [str(feed_of[job_id]["datafeed_id"]) for job_id in chosen if job_id in feed_of]
    writer = _Writer(found=found, namespace=namespace, jobs=object_names(chosen), feeds=object_names(feeds))
    writer.write_filters(_filters_of(found, chosen, all_of_them=not patterns))
    writer.write_calendars(_calendars_of(found, chosen, all_of_them=not patterns))
    for job_id in chosen:
        writer.write(found.jobs[job_id], feed_of.get(job_id))
    return Export(
        manifests=tuple(writer.manifests), refused=tuple(writer.refused), warnings=tuple(_warnings(found, chosen))
    )


def object_names(ids: Iterable[str]) -> dict[str, str]:
    """A name in Kubernetes for each id: valid, unlike the others, and the id itself wherever that is one.

    Of ids that would get one name (`a_b` and `a-b`), the first keeps it, one that is a name itself before others; the
    rest is told apart by a hash of the id.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for identifier in sorted(ids, key=lambda one: (_object_name(one) != one, one)):
        name = _object_name(identifier)
        if name in taken:
            name = f"{name}-{sha256(identifier.encode()).hexdigest()[:8]}"
        taken.add(name)
        names[identifier] = name
    return names


def _object_name(identifier: str) -> str:
    return _AROUND_DOTS.sub(".", identifier.replace("_", "-"))


def _chosen(jobs: Mapping[str, JsonObject], patterns: Sequence[str]) -> list[str]:
    for pattern in patterns:
        if not any(fnmatchcase(job_id, pattern) for job_id in jobs):
            there = ", ".join(sorted(jobs)[:20]) or "none"
            raise LocalError(f"--job {pattern}: the server has no such job; it has {len(jobs)}: {there}")
    return sorted(job_id for job_id in jobs if not patterns or any(fnmatchcase(job_id, one) for one in patterns))


def _filters_of(found: Found, chosen: Sequence[str], *, all_of_them: bool) -> list[str]:
    """The filters to write: all that there are, or those that the rules of the chosen jobs name."""
    there = found.filters or {}
    named = {name for job_id in chosen for name in filters_named(found.jobs[job_id])}
    return sorted(name for name in there if all_of_them or name in named)


def _calendars_of(found: Found, chosen: Sequence[str], *, all_of_them: bool) -> list[str]:
    """The calendars to write: all that there are, or those that hold the chosen jobs."""
    members = {*chosen, "_all", *(group for job_id in chosen for group in found.jobs[job_id].get("groups") or ())}
    there = (found.calendars or {}).items()
    return sorted(name for name, one in there if all_of_them or members.intersection(one.get("job_ids") or ()))


def _warnings(found: Found, chosen: Sequence[str]) -> Iterable[str]:
    if max(len(found.jobs), len(found.datafeeds)) >= _MOST:
        yield f"the server told of {_MOST:,} jobs and may have more: export the rest with --job"
    if found.filters is None:
        yield "the server does not let its filters be read: those that rules name are not exported"
    if found.calendars is None:
        yield "the server does not let its calendars be read: those that hold these jobs are not exported"


@dataclass(slots=True, kw_only=True)
class _Writer:
    """Collects what is written and what cannot be."""

    found: Found
    namespace: str | None
    jobs: Mapping[str, str]  # names by id
    feeds: Mapping[str, str]
    manifests: list[Written] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def write_filters(self, chosen: Sequence[str]) -> None:
        """These filters, each unless it cannot be written."""
        names = object_names(chosen)
        for filter_id in chosen:
            name = names[filter_id]
            exported, what = export_filter((self.found.filters or {})[filter_id]), f"filter {filter_id}"
            with self._refusing():
                spec = _read(AnomalyFilterSpec, {**_id("filter_id", filter_id, name), **exported.body}, what)
                resource = _whole(AnomalyFilter, what, metadata=self._metadata(name), spec=spec)
                self.manifests.append(Written(resource=resource, notes=_of_shared(exported)))

    def write_calendars(self, chosen: Sequence[str]) -> None:
        """These calendars with their events, each unless it cannot be written."""
        names = object_names(chosen)
        for calendar_id in chosen:
            name = names[calendar_id]
            config, what = (self.found.calendars or {})[calendar_id], f"calendar {calendar_id}"
            exported = export_calendar(config, self.found.events.get(calendar_id, ()))
            with self._refusing():
                spec = _read(AnomalyCalendarSpec, {**_id("calendar_id", calendar_id, name), **exported.body}, what)
                resource = _whole(AnomalyCalendar, what, metadata=self._metadata(name), spec=spec)
                self.manifests.append(Written(resource=resource, notes=_of_shared(exported)))

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Notes why something cannot be written."""
        try:
            yield
        except _CannotSay as error:
            self.refused += error.lines

    def write(self, job_config: JsonObject, feed_config: JsonObject | None) -> None:
        """A job and its datafeed; neither of them where one cannot be written."""
        job_id = str(job_config["job_id"])
        exported = export_job(job_config)
        notes = tuple(self._job_notes(job_id, job_config, exported))
        with self._refusing():
            job = self._job(job_id, job_config, exported)
            written = [Written(resource=job, notes=notes)]
            if feed_config is not None:
                written.append(self._datafeed(job, feed_config))
            self.manifests += written

    def _job(self, job_id: str, config: JsonObject, exported: Exported) -> AnomalyJob:
        what, name = f"job {job_id}", self.jobs[job_id]
        if (kind := config.get("job_type", "anomaly_detector")) != "anomaly_detector":
            raise _CannotSay([f"{what}: it is of the type {kind}"])
        if config.get("deleting") or (config.get("blocked") or {}).get("reason") == "delete":
            raise _CannotSay([f"{what}: it is being deleted"])
        retained = export_retained(self.found.snapshots.get(job_id, ()))
        kept = {"retained_snapshots": retained[:MOST_RETAINED]} if retained else {}
        spec = _read(AnomalyJobSpec, {**_id("job_id", job_id, name), **exported.body, **kept}, what)
        return _whole(AnomalyJob, what, metadata=self._metadata(name), spec=spec)

    def _datafeed(self, job: AnomalyJob, config: JsonObject) -> Written:
        datafeed_id = str(config["datafeed_id"])
        what = f"datafeed {datafeed_id} of job {job.server_id}"
        exported, name = export_datafeed(config), self.feeds[datafeed_id]
        reference = {"job_ref": ObjectReference(name=job.name)}
        spec = _read(DatafeedSpec, {**_id("datafeed_id", datafeed_id, name), **reference, **exported.body}, what)
        feed = _whole(Datafeed, what, metadata=self._metadata(name), spec=spec)
        if faults := [f"{what}: {fault.message}" for fault in pair_faults(job, feed)]:
            raise _CannotSay(faults)
        return Written(resource=feed, notes=tuple(self._feed_notes(datafeed_id, exported)))

    def _metadata(self, name: str) -> Metadata:
        return Metadata(name=name) if self.namespace is None else Metadata(name=name, namespace=self.namespace)

    def _job_notes(self, job_id: str, config: JsonObject, exported: Exported) -> Iterable[str]:
        marker = read_marker(config)
        if marker is not None and not marker.retained:
            yield _managed(marker.owner)
        state = self.found.job_stats.get(job_id, {}).get("state")
        if state in ("closed", "closing"):
            yield _at_rest("Closed")
        elif state == "failed":
            yield "It had failed when it was exported: taking it over closes it and opens it again."
        more = len(export_retained(self.found.snapshots.get(job_id, ()))) - MOST_RETAINED
        if more > 0:
            yield f"The server retains {more} more model snapshots than a manifest may name; they stay retained."
        yield from _unknown(exported)

    def _feed_notes(self, datafeed_id: str, exported: Exported) -> Iterable[str]:
        stats = self.found.datafeed_stats.get(datafeed_id, {})
        if stats.get("state") in ("stopped", "stopping"):
            yield _at_rest("Stopped")
        elif (stats.get("running_state") or {}).get("real_time_configured") is False:
            yield "It was reading up to an end that the server does not tell: say it in spec.end."
        yield from _unknown(exported)


class _CannotSay(Exception):  # noqa: N818 - a carrier inside this module
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines


def _of_shared(exported: ExportedShared) -> tuple[str, ...]:
    mark = exported.mark
    return () if mark is None or mark.retained else (_managed(mark.owner),)


def _managed(owner: Owner) -> str:
    return f"Managed by {owner}: only spec.takeOverFrom: {owner.reference} takes it from there."


def _at_rest(state: str) -> str:
    return f"{state} when it was exported, and left so when it is taken over, until spec.state says otherwise."


def _unknown(exported: Exported) -> Iterable[str]:
    if exported.unknown:
        yield f"The server has more, which a manifest cannot say and which stays: {', '.join(exported.unknown)}."


def _id(field_name: str, identifier: str, name: str) -> dict[str, str]:
    return {} if identifier == name else {field_name: identifier}


def _read(model: type[_ANY], body: Mapping[str, Any], what: str) -> _ANY:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _CannotSay(_lines(model, error, what)) from None


def _whole(model: type[_ANY], what: str, **parts: Any) -> _ANY:
    try:
        return model(**parts)
    except ValidationError as error:
        raise _CannotSay(_lines(model, error, what)) from None


def _lines(model: type[_ANY], error: ValidationError, what: str) -> list[str]:
    lines = []
    for fault in faults_of(model, error):
        place = path_text(fault.path)
        found = f" (found {fault.value})" if fault.value is not None else ""
        lines.append(f"{what}: {place + ': ' if place else ''}{fault.message}{found}")
    return lines
