"""Incidents on a simulated service graph: what jobs would report of a known cause.

Services call each other over a random acyclic graph. Each has jobs for latency, errors, resources and logs, and callers
have one of the latency of their calls by target. A fault makes its service anomalous in jobs of its kind, and reaches
callers one after the other, later and weaker. Jobs miss anomalies, see them late by up to two buckets, and report false
ones.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from anomalyops_insight.investigating.ranking import Appearance, Complaint

BEGIN = datetime(2026, 5, 1, 12, tzinfo=UTC)
BUCKET = timedelta(minutes=5)
JOBS = ("latency", "errors", "cpu", "memory", "logs", "calls")
KINDS = {
    "resource": {"cpu": 0.95, "memory": 0.7, "latency": 0.9, "errors": 0.5, "logs": 0.5},
    "network": {"latency": 0.95, "errors": 0.8, "logs": 0.4},
    "application": {"errors": 0.95, "logs": 0.9, "latency": 0.6},
    "absence": {"latency": 0.2, "errors": 0.6, "logs": 0.8, "cpu": 0.7},
}
CLASSES = (
    "cascade", "slow cascade", "absence", "common cause", "two at once", "red herring", "clock skew", "missing jobs",
    "noisy",
)  # fmt: skip


@dataclass
class Incident:
    """What was reported, and what is true.

    Attributes:
        causes: The entities that are right.
        appearances: As a ranking takes them.
        complaints: See there.
        calls: Whom a service calls, of the services that have a job of their calls.
    """

    causes: frozenset[str]
    appearances: list[Appearance] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    calls: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """How one incident is made."""

    chance: random.Random
    services: int
    callers: dict[str, list[str]]  # who calls a service
    detection: float = 0.9
    false_alarms: float = 0.03
    skew: timedelta = timedelta()
    missing: float = 0.0
    delay: tuple[float, float] = (1.0, 8.0)  # minutes a hop


def incident(kind: str, seed: int) -> Incident:
    """An incident of one of `CLASSES`."""
    chance = random.Random(f"{kind}-{seed}")
    world = _world(chance)
    if kind == "slow cascade":
        world = replace(world, delay=(5.0, 25.0))
    elif kind == "clock skew":
        world = replace(world, skew=timedelta(minutes=7))
    elif kind == "missing jobs":
        world = replace(world, missing=0.35)
    elif kind == "noisy":
        world = replace(world, false_alarms=0.12, detection=0.75)
    busy = [name for name, callers in world.callers.items() if callers]
    causes = chance.sample(busy, 2 if kind == "two at once" else 1)
    fault = "absence" if kind == "absence" else chance.choice(("resource", "network", "application"))
    found = Incident(frozenset(causes))
    clocks = {name: world.skew * chance.uniform(-1, 1) for name in world.callers}
    lost = {(name, job) for name in world.callers for job in JOBS if chance.random() < world.missing}
    if kind == "common cause":
        found = Incident(frozenset({"zone-a"}))
        for victim in chance.sample(busy, min(chance.randint(4, 8), len(busy))):
            _spread(world, found, victim, "resource", clocks, lost, start=chance.uniform(0, 4), zone="zone-a")
    else:
        for cause in causes:
            _spread(world, found, cause, fault, clocks, lost, start=chance.uniform(0, 3) if len(causes) > 1 else 0.0)
    found.calls.update(_calls(world, lost))
    if kind == "red herring":
        _herring(world, found, causes[0])
    _noise(world, found)
    return found


def _world(chance: random.Random) -> World:
    services = chance.randint(20, 100)
    names = [f"svc-{n:02}" for n in range(services)]
    callers: dict[str, list[str]] = {name: [] for name in names}
    for position, name in enumerate(names[1:], start=1):
        for target in chance.sample(names[:position], min(position, chance.randint(1, 3))):
            callers[target].append(name)
    return World(chance, services, callers)


def _calls(world, lost):
    """What the source of jobs of calls says of who calls whom, whether anything was anomalous or not."""
    known = {name: set() for name in world.callers if (name, "calls") not in lost}
    for target, callers in world.callers.items():
        for caller in callers:
            if caller in known:
                known[caller].add(target)
    return {name: targets for name, targets in known.items() if targets}


def _spread(world, found, cause, fault, clocks, lost, *, start, zone=None):
    """The cause, then its callers hop by hop.

    Services run in zones. What is wrong with a service is so in all of them, and no zone stands out but by chance:
    what is wrong with a zone is seen in the part of each service that runs there, and most jobs name the zone.
    """
    chance = world.chance
    when = BEGIN + timedelta(minutes=start)
    lasts = chance.uniform(30, 90)
    for job, likely in KINDS[fault].items():
        if (cause, job) not in lost and chance.random() < likely:
            strength, at = chance.uniform(0.6, 1.0), when + clocks[cause]
            _report(world, found, cause, job, strength, at, lasts)
            named = zone if zone and chance.random() < 0.7 else chance.choice("abc").join(("zone-", ""))
            if named == zone or chance.random() < 0.1:
                _add(world, found, named, "zone", f"{job}-{cause}", 100 * strength * chance.uniform(0.4, 1), at, lasts)
    wave = [(cause, when, 1.0)]
    reached = {cause}
    while wave:
        service, moment, strength = wave.pop(0)
        for caller in world.callers[service]:
            later = moment + timedelta(minutes=chance.uniform(*world.delay))
            weaker = strength * chance.uniform(0.45, 0.95)
            if weaker < 0.2:
                continue
            at = later + clocks[caller]
            if (caller, "calls") not in lost and chance.random() < 0.8 * world.detection:
                score = 100 * weaker * chance.uniform(0.5, 1.0)
                found.complaints.append(Complaint(caller, service, score))
                _add(world, found, service, "service.target.name", f"calls-{caller}", score, at, lasts)
                _add(world, found, caller, "service.name", f"calls-{caller}", score * chance.uniform(0.5, 1), at, lasts)
            if caller in reached:
                continue
            reached.add(caller)
            for job in ("latency", "errors", "logs"):
                if (caller, job) not in lost and chance.random() < 0.75 * world.detection:
                    _report(world, found, caller, job, weaker, at, lasts)
            wave.append((caller, later, weaker))


def _report(world, found, entity, job, strength, at, lasts):
    """One job reports an entity, perhaps."""
    chance = world.chance
    if chance.random() > world.detection + 0.05:
        return
    score = min(99.0, 100 * strength * chance.uniform(0.5, 1.05))
    _add(world, found, entity, "service.name", f"{job}-{entity}", score, at, lasts)


def _add(world, found, entity, field, job, score, at, lasts):
    if score < 25:  # as the guide's threshold has it
        return
    late = timedelta(minutes=world.chance.choice((0, 0, 0, 5, 5, 10)))
    first = _bucket(at + late)
    last = _bucket(at + timedelta(minutes=lasts * world.chance.uniform(0.4, 1.0)))
    found.appearances.append(Appearance(entity, field, job, first, max(first, last), score, 1 + int(lasts // 5)))


def _bucket(moment: datetime) -> datetime:
    seconds = int(moment.timestamp()) // int(BUCKET.total_seconds()) * int(BUCKET.total_seconds())
    return datetime.fromtimestamp(seconds, UTC)


def _herring(world, found, cause):
    """Something loud and early that has nothing to do with it: a batch job, a deployment, a load test."""
    chance = world.chance
    other = chance.choice([name for name in world.callers if name != cause and not world.callers[name]])
    at = BEGIN - timedelta(minutes=chance.uniform(3, 25))
    for job in ("cpu", "memory"):
        _add(world, found, other, "service.name", f"{job}-{other}", chance.uniform(92, 99), at, 15)


def _noise(world, found):
    for name in world.callers:
        for job in JOBS[:5]:
            if world.chance.random() < world.false_alarms:
                at = BEGIN + timedelta(minutes=world.chance.uniform(-30, 90))
                _add(world, found, name, "service.name", f"{job}-{name}", world.chance.uniform(25, 80), at, 5)
