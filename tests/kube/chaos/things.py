"""The objects that are declared, edited and deleted, and what these acts allow the operator to do."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kube_harness.kubectl import Manifest
from kube_harness.world import HOUR, INDEX

from anomalyops.plan.requests.reverts import skip_calendar_id
from anomalyops.resources import API_VERSION
from anomalyops.resources.job_set import stamped_name

NAMESPACES = ("one", "two")
EMBEDDED = "three"  # the namespace whose connection asks for an engine
OTHER = "other"  # the connection of the other namespaces that leads to the second server
ALIAS = "kube-requests-too"  # the same documents under another name: other data, as far as a plan can know
HOSTS = ("web-0", "web-1", "web-2")
PLURALS = {
    "Investigation": "investigations",
    "AnomalyJobSet": "anomalyjobsets",
    "ModelSnapshotRevert": "modelsnapshotreverts",
    "AnomalyForecast": "anomalyforecasts",
    "Datafeed": "datafeeds",
    "AnomalyJob": "anomalyjobs",
    "AnomalyCalendar": "anomalycalendars",
    "AnomalyFilter": "anomalyfilters",
}
Spec = dict[str, Any]
Edit = Callable[[random.Random], Spec]


@dataclass
class Thing:
    """One object, and what was asked of it.

    Attributes:
        base: What its spec always has.
        edits: Functions that give a change of the spec.
        server_id: What it is on the server.
        spec: What its spec has beside the base now.
        history: The specs that it had.
        applied: Whether it was applied after it was last deleted.
        deleting: Whether a deletion was asked for that may be under way.
        may_go: Whether a deletion with policy Delete may be under way.
        replacing: The replacement policies, other than Never, that the present object has had.
        uids: All objects of this name that there were.
    """

    kind: str
    namespace: str
    name: str
    base: Spec
    edits: list[Edit]
    server_id: str = ""
    spec: Spec = field(default_factory=dict)
    history: list[Spec] = field(default_factory=list)
    applied: bool = False
    deleting: bool = False
    may_go: bool = False
    replacing: set[str] = field(default_factory=set)
    uids: list[str] = field(default_factory=list)

    @property
    def plural(self) -> str:
        return PLURALS[self.kind]

    @property
    def whole(self) -> Spec:
        return {name: value for name, value in (self.base | self.spec).items() if value is not None}

    def manifest(self) -> Manifest:
        metadata = {"name": self.name, "namespace": self.namespace, "labels": {"team": self.namespace}}
        return {"apiVersion": API_VERSION, "kind": self.kind, "metadata": metadata, "spec": self.whole}

    def allowed(self) -> None:
        """Notes what the present spec allows; called before an act reaches the cluster."""
        if self.deleting and self.whole.get("deletionPolicy") == "Delete":
            self.may_go = True
        self.replacing |= self._replaces()

    def _replaces(self) -> set[str]:
        return {self.whole.get("replacePolicy", "Never")} - {"Never"}

    def seen(self, uid: str | None, *, leaving: bool) -> None:
        """Notes which object of this name there is now."""
        if uid is not None and uid not in self.uids:
            self.uids.append(uid)
            self.deleting = self.may_go = False
            self.replacing = self._replaces()
        if uid is None or leaving:
            return
        self.deleting = False


@dataclass
class JobSet(Thing):
    """A set; `doomed` are the values whose jobs may be deleted."""

    doomed: set[str] = field(default_factory=set)

    def allowed(self) -> None:
        if self.whole["template"]["job"].get("replacePolicy") == "Recreate":
            self.doomed.update(HOSTS)
        if self.base["template"]["job"]["deletionPolicy"] != "Delete":
            return
        if self.deleting:
            self.doomed.update(HOSTS)
        elif self.whole.get("prunePolicy") == "Delete":
            self.doomed.update(set(HOSTS) - set(self.whole.get("values", HOSTS)))

    def member(self, value: str) -> str:
        return stamped_name(self.namespace, self.name, value)


# -- what there is -----------------------------------------------------------------------------------------------------


def all_things() -> list[Thing]:
    """Pairs, a job set, a calendar, a filter, forecasts, reverts and investigations in each namespace.

    The first pair of a namespace never has a policy under which it may be replaced.
    """
    found: list[Thing] = []
    for namespace in NAMESPACES:
        jobs = [f"pair{number}" for number in range(3)]
        for name in jobs:
            replaced = name != jobs[0]
            found += [_job(namespace, name, replaced=replaced), _feed(namespace, name, replaced=replaced)]
        found += [_job_set(namespace), _calendar(namespace, jobs), _filter(namespace)]
        for number in range(2):
            found += [_forecast(namespace, f"forecast{number}", jobs), _revert(namespace, f"back{number}", jobs)]
        found += [_investigation(namespace, "incident", None), _investigation(namespace, "all-day", f"{namespace}-*")]
    return [*found, *_on_the_embedded_engine()]


def _on_the_embedded_engine() -> list[Thing]:
    """A little of what the other namespaces have."""
    job, feed = _job(EMBEDDED, "pair0", replaced=False), _feed(EMBEDDED, "pair0", replaced=False)
    return [job, feed, _filter(EMBEDDED), _calendar(EMBEDDED, ["pair0"]), _forecast(EMBEDDED, "forecast0", ["pair0"])]


def _one(name: str, *values: Any) -> Edit:
    return lambda source: {name: source.choice(values)}


def _elsewhere(source: random.Random) -> Spec:
    """Another connection, which leads to another server; most return sooner or later."""
    return {"connectionRef": source.choice([None, None, {"name": OTHER}])}


def _moves(namespace: str) -> list[Edit]:
    """The edits by which an object comes to another server; the namespace of the embedded engine has one alone."""
    return [] if namespace == EMBEDDED else [_elsewhere, _one("movePolicy", "Refuse", "Move")]


def _job(namespace: str, name: str, *, replaced: bool) -> Thing:
    base = {
        "jobId": f"{namespace}-{name}",
        "analysisConfig": _analysis(namespace, scoped=False),
        "dataDescription": {"timeField": "@timestamp"},
        "analysisLimits": {"modelMemoryLimit": "64mb"},
    }
    edits: list[Edit] = [
        _one("description", "a", "b", "c"),
        _one("groups", ["web"], ["web", "prod"]),
        lambda source: {"analysisLimits": {"modelMemoryLimit": source.choice(["64mb", "96mb"])}},
        lambda source: {"suspend": source.random() < 0.3},
        lambda source: {"state": source.choice(["Opened", "Opened", "Closed"])},
        lambda source: {"analysisConfig": _analysis(namespace, scoped=source.random() < 0.5)},
        _one("deletionPolicy", "Retain", "Retain", "Delete", "Orphan"),
    ]
    edits += _moves(namespace)
    if replaced:
        edits += [
            lambda source: {"analysisConfig": _another_span(namespace, source), "replacePolicy": "Recreate"},
            _one("replacePolicy", "Never", "Reset", "Recreate", "Recreate"),
        ]
    return Thing("AnomalyJob", namespace, name, base, edits, server_id=f"{namespace}-{name}")


def _another_span(namespace: str, source: random.Random) -> Spec:
    return _analysis(namespace, scoped=source.random() < 0.5, span=source.choice(["15m", "30m"]))


def _analysis(namespace: str, *, scoped: bool, span: str = "15m") -> Spec:
    detector: Spec = {"function": "mean", "fieldName": "value", "partitionFieldName": "host"}
    if scoped:
        detector["customRules"] = [{"scope": {"host": {"filterId": f"{namespace}-hosts"}}}]
    return {"bucketSpan": span, "detectors": [detector]}


def _feed(namespace: str, job: str, *, replaced: bool) -> Thing:
    base = {"datafeedId": f"{namespace}-{job}-feed", "jobRef": {"name": job}, "indices": [INDEX]}
    edits: list[Edit] = [
        _one("queryDelay", "60s", "75s", "90s"),
        _one("scrollSize", 500, 1000),
        _one("maxEmptySearches", 100_000),
        lambda source: {"suspend": source.random() < 0.2},
        _one("state", "Started", "Started", "Stopped"),
        _one("deletionPolicy", "Retain", "Delete", "Orphan"),
        _one("indices", [INDEX], [ALIAS]),
    ]
    if replaced:
        edits.append(_one("replacePolicy", "Never", "Reset", "Recreate"))
    return Thing("Datafeed", namespace, f"{job}-feed", base, edits, server_id=f"{namespace}-{job}-feed")


def _job_set(namespace: str) -> Thing:
    """In the first namespace nothing of a set may ever be deleted on the server."""
    policy = "Retain" if namespace == NAMESPACES[0] else "Delete"
    job = {
        "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "mean", "fieldName": "value"}]},
        "analysisLimits": {"modelMemoryLimit": "11mb"},
        "dataDescription": {"timeField": "@timestamp"},
        "deletionPolicy": policy,
        "movePolicy": "Refuse" if namespace == NAMESPACES[0] else "Move",
    }
    template = {
        "labels": {"team": namespace},
        "job": job,
        "datafeed": {"indices": [INDEX], "query": {"term": {"host": "{{value}}"}}, "deletionPolicy": policy},
    }

    def other_words(source: random.Random) -> Spec:
        return {"template": template | {"job": job | {"description": f"{source.choice('abc')} of {{{{value}}}}"}}}

    def another_span(source: random.Random) -> Spec:
        """New jobs for all values, where they may be deleted at all."""
        if policy != "Delete":
            return other_words(source)
        analysis = job["analysisConfig"] | {"bucketSpan": source.choice(["15m", "30m"])}
        return {"template": template | {"job": job | {"analysisConfig": analysis, "replacePolicy": "Recreate"}}}

    edits: list[Edit] = [
        lambda source: {"values": sorted(source.sample(HOSTS, source.randint(1, 3))), "terms": None},
        lambda source: {"values": sorted(source.sample(HOSTS, source.randint(1, 3))), "terms": None},
        lambda source: {"values": None, "terms": {"indices": [INDEX], "field": "host"}},
        _one("prunePolicy", "Retain", "Delete", "Delete"),
        other_words,
        another_span,
        _elsewhere,
    ]
    base = {"values": list(HOSTS[:2]), "template": template}
    return JobSet("AnomalyJobSet", namespace, "hosts", base, edits)


def _calendar(namespace: str, jobs: list[str]) -> Thing:
    days = [
        {"description": f"Day {day}", "start": f"2030-01-0{day}T00:00:00Z", "end": f"2030-01-0{day}T12:00:00Z"}
        for day in range(1, 6)
    ]
    weekly = {"description": "Weekly", "start": "2026-01-05T02:00", "duration": "1h", "rrule": "FREQ=WEEKLY"}
    edits: list[Edit] = [
        lambda source: {"events": source.sample(days, source.randint(0, 4))},
        lambda source: {"events": source.sample(days, source.randint(0, 4))},
        lambda source: {"recurringEvents": source.choice([[], [weekly]])},
        lambda source: {"jobRefs": [{"name": name} for name in jobs if source.random() < 0.5]},
        lambda source: {"jobIds": source.choice([["by-id"], []])},
        lambda source: {"jobSelector": {"matchLabels": {"team": source.choice([namespace, "nobody"])}}},
        _one("deletionPolicy", "Retain", "Delete", "Orphan"),
    ]
    base = {"calendarId": f"{namespace}-holidays", "events": days[:1]}
    edits += _moves(namespace)
    return Thing("AnomalyCalendar", namespace, "holidays", base, edits, server_id=f"{namespace}-holidays")


def _filter(namespace: str) -> Thing:
    items = [*HOSTS, "web-3", "web-4"]
    edits: list[Edit] = [
        lambda source: {"items": sorted(source.sample(items, source.randint(1, 5)))},
        lambda source: {"items": sorted(source.sample(items, source.randint(1, 5)))},
        _one("description", "Loud", "Quiet"),
        _one("deletionPolicy", "Retain", "Delete", "Orphan"),
    ]
    base = {"filterId": f"{namespace}-hosts", "items": items[3:]}
    edits += _moves(namespace)
    return Thing("AnomalyFilter", namespace, "hosts", base, edits, server_id=f"{namespace}-hosts")


def _forecast(namespace: str, name: str, jobs: list[str]) -> Thing:
    """The second forecast of a namespace has a schedule."""
    fixed: Spec = {"duration": "2h", "jobRef": {"name": jobs[0]}}
    if name.endswith("1"):
        fixed["schedule"] = "* * * * *"
    edits: list[Edit] = [
        _one("openClosedJob", True, False),
        _one("suspend", False, False, True),
        _one("deletionPolicy", "Retain", "Delete"),
        _one("historyLimit", 1, 3),
    ]
    return Thing("AnomalyForecast", namespace, name, fixed, edits)


def _revert(namespace: str, name: str, jobs: list[str]) -> Thing:
    now = int(time.time())
    bad = {"start": (now - 12 * HOUR) * 1000, "end": (now - 10 * HOUR) * 1000}
    edits: list[Edit] = [
        _one("deletionPolicy", "Retain", "Delete"),
        lambda source: source.choice(
            [{"snapshotId": "empty", "before": None}, {"snapshotId": None, "before": (now + HOUR) * 1000}]
        ),
        lambda source: source.choice([{"skipPeriod": bad}, {"skipPeriod": None}]),
    ]
    base = {"jobRef": {"name": jobs[1]}}
    spec = {"snapshotId": "empty"}
    made = Thing("ModelSnapshotRevert", namespace, name, base, edits, server_id=skip_calendar_id(namespace, name))
    made.spec = spec
    return made


def _investigation(namespace: str, name: str, pattern: str | None) -> Thing:
    """Of all jobs of the namespace, by labels or by ids; a change of what it looks at is refused once it has begun."""
    which = {"jobSelector": {"matchLabels": {"team": namespace}}} if pattern is None else {"jobs": pattern}
    edits: list[Edit] = [_one("ttlAfterFinished", "1h", "2h", None), _one("minScore", 25, 50)]
    return Thing("Investigation", namespace, name, {"since": "24h"} | which, edits)


# -- what may be deleted on a server -----------------------------------------------------------------------------------

_JOB = re.compile(r"^/_ml/anomaly_detectors/([^/]+)$")
_FEED = re.compile(r"^/_ml/datafeeds/([^/]+)$")
_SHARED = re.compile(r"^/_ml/(calendars|filters)/([^/]+)$")
_FORECAST = re.compile(r"^/_ml/anomaly_detectors/([^/]+)/_forecast(/[^/]+)?$")
_PART = re.compile(r"^/_ml/calendars/[^/]+/(events|jobs)/[^/]+$")


def why_not(path: str, things: list[Thing]) -> str:
    """Why a deletion on the server was not asked for; empty when it was."""
    if _PART.match(path):
        return ""  # what a calendar has is checked against its manifest in the end
    if found := _FORECAST.match(path):
        asked = any(one.kind == "AnomalyForecast" and "Delete" in _policies(one) for one in things)
        return "" if asked else f"a forecast of {found[1]} was deleted"
    names = [found[found.lastindex or 1] for pattern in (_JOB, _FEED, _SHARED) if (found := pattern.match(path))]
    if not names:
        return "nothing of the kind is ever deleted"
    going = [one for one in things if one.may_go or "Recreate" in one.replacing]
    allowed = {one.server_id for one in going}
    allowed |= {f"{one.server_id}-feed" for one in going if one.kind == "AnomalyJob"}
    allowed |= {one.member(value) for one in things if isinstance(one, JobSet) for value in one.doomed}
    return "" if names[0] in allowed else f"{names[0]} was deleted, which no policy asked for"


def may_forget(job_id: str, things: list[Thing]) -> bool:
    """Whether a policy of the job or of its datafeed has allowed that the model is lost."""
    return any(one.replacing for one in things if one.server_id in {job_id, f"{job_id}-feed"})


def _policies(thing: Thing) -> Iterator[str]:
    for spec in (thing.spec, *thing.history):
        yield (thing.base | spec).get("deletionPolicy", "Retain")
