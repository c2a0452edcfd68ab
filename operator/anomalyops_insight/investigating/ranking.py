"""Which entity is the cause: a ranking of suspects from when, where and how strongly each appeared. Pure.

Five things speak for an entity, each between 0 and 1:

- breadth: jobs that name it, each by its score, against the entity that is named most. Many low scores weigh more than
  one high one, because independent detectors seldom err about the same entity at the same time.
- onset: how early its anomalies began, against the spread of all onsets. The onset is not the first anomaly but the
  moment at which a fifth of the entity's own weight had come, so that a single early false alarm does not make a cause.
  It lies somewhere in a bucket, or where its source says; only what surely began after the first is late.
- blame: others that complain about it (records of a caller by its target), less what it complains about itself: an
  entity that waits for another is a victim of it.
- strength: its worst score, which tells the centre of an incident from its edge.
- persistence: the share of the window's anomalous time in which it was anomalous: a spike that is over when the
  incident begins is a coincidence.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anomalyops_insight.investigating.onset import Onset

_SHARE_OF_ONSET = 0.2
_TEMPERATURE = 0.12  # how much better a suspect must be to be twice as likely


@dataclass(frozen=True, slots=True)
class Appearance:
    """An entity in the results of one job.

    Attributes:
        entity: Its value.
        field: The field that names it.
        job_id: The job.
        first: Its first anomaly.
        last: Its last anomaly.
        max_score: The worst score, 0 to 100.
        anomalies: How many.
        onset: When it began inside its first bucket; None where its source does not say.
    """

    entity: str
    field: str
    job_id: str
    first: datetime
    last: datetime
    max_score: float
    anomalies: int = 1
    onset: Onset | None = None

    @property
    def began(self) -> datetime:
        """When it began, as far as is known: inside its first bucket, or with it."""
        return self.first if self.onset is None else self.onset.at


@dataclass(frozen=True, slots=True)
class Complaint:
    """An anomaly of one entity about another, such as a caller's errors by the service that it called.

    Attributes:
        by: Who saw it.
        about: Whom it concerns.
        score: 0 to 100.
    """

    by: str
    about: str
    score: float


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each thing speaks; they were chosen on generated incidents that no figure is made of."""

    breadth: float = 0.4
    onset: float = 0.14
    blame: float = 0.37
    strength: float = 0.02
    persistence: float = 0.07


@dataclass(frozen=True, slots=True)
class Suspect:
    """An entity and what speaks for it being the cause.

    Attributes:
        entity: Its value.
        fields: The fields that name it.
        likelihood: Among all suspects, of 1.
        score: The weighted sum.
        onset: When it began.
        within: Between which times it began, where its source says.
        jobs: The jobs that name it, in the order in which they did.
        max_score: Its worst score.
        parts: What each thing says, 0 to 1.
    """

    entity: str
    fields: tuple[str, ...]
    likelihood: float
    score: float
    onset: datetime
    jobs: tuple[str, ...]
    max_score: float
    parts: Mapping[str, float] = field(default_factory=dict)
    within: tuple[datetime, datetime] | None = None


def rank(
    appearances: Iterable[Appearance],
    complaints: Iterable[Complaint] = (),
    *,
    tolerance: timedelta = timedelta(minutes=1),
    clock: timedelta = timedelta(minutes=1),
    weights: Weights | None = None,
) -> tuple[Suspect, ...]:
    """Suspects, the most likely first.

    Args:
        appearances: Of all entities in all jobs.
        complaints: Of entities about others.
        tolerance: Differences of first buckets that mean nothing: the bucket span, and what clocks differ by.
        clock: What clocks differ by.
        weights: How much each thing speaks.
    """
    weights = weights or Weights()
    of: dict[str, list[Appearance]] = defaultdict(list)
    for appearance in appearances:
        of[appearance.entity].append(appearance)
    if not of:
        return ()
    mass = {entity: _mass(seen) for entity, seen in of.items()}
    onsets = {entity: _onset(seen) for entity, seen in of.items()}
    early = _earliness({entity: _interval_of(a, tolerance, clock) for entity, a in onsets.items()}, mass, tolerance)
    blame = _blame(of, complaints)
    whole = _interval([appearance for seen in of.values() for appearance in seen])
    most, worst = max(mass.values()), max(a.max_score for seen in of.values() for a in seen)
    scored = []
    for entity, seen in of.items():
        lasting = _interval(seen)
        parts = {
            "breadth": mass[entity] / most,
            "onset": early[entity],
            "blame": blame[entity],
            "strength": max(a.max_score for a in seen) / worst if worst > 0 else 0.0,
            "persistence": min(1.0, 2 * lasting / whole) if whole > 0 else 1.0,
        }
        total = sum(getattr(weights, name) * value for name, value in parts.items())
        scored.append((total, entity, parts))
    scored.sort(key=lambda item: (-item[0], onsets[item[1]].began, item[1]))
    best = scored[0][0]
    odds = [math.exp((total - best) / _TEMPERATURE) for total, _, _ in scored]
    return tuple(
        _suspect(of[entity], total, odd / sum(odds), onsets[entity], parts)
        for (total, entity, parts), odd in zip(scored, odds, strict=True)
    )


def _suspect(
    seen: Sequence[Appearance], total: float, likelihood: float, onset: Appearance, parts: Mapping[str, float]
) -> Suspect:
    ordered = sorted(seen, key=lambda a: (a.began, a.job_id))
    return Suspect(
        entity=ordered[0].entity,
        fields=tuple(dict.fromkeys(a.field for a in ordered)),
        likelihood=likelihood,
        score=total,
        onset=onset.began,
        within=None if onset.onset is None else (onset.onset.low, onset.onset.high),
        jobs=tuple(dict.fromkeys(a.job_id for a in ordered)),
        max_score=max(a.max_score for a in seen),
        parts=dict(parts),
    )


def _mass(seen: Sequence[Appearance]) -> float:
    """The weight of an entity: the sum over jobs of how sure each is."""
    worst: dict[str, float] = {}
    for appearance in seen:
        worst[appearance.job_id] = max(worst.get(appearance.job_id, 0.0), appearance.max_score)
    return sum(score / 100 for score in worst.values())


def _onset(seen: Sequence[Appearance]) -> Appearance:
    """With which a fifth of the entity's weight had come."""
    ordered = sorted(seen, key=lambda a: (a.began, -a.max_score, a.job_id))
    wanted = _SHARE_OF_ONSET * sum(a.max_score for a in ordered)
    came = 0.0
    for appearance in ordered:
        came += appearance.max_score
        if came >= wanted:
            return appearance
    return ordered[-1]


def _interval_of(one: Appearance, tolerance: timedelta, clock: timedelta) -> tuple[datetime, datetime]:
    """Between which times it began, as seen by clocks that differ."""
    if one.onset is None:
        return one.first, one.first + tolerance
    return one.onset.low, one.onset.high + clock


def _earliness(
    onsets: Mapping[str, tuple[datetime, datetime]], mass: Mapping[str, float], tolerance: timedelta
) -> dict[str, float]:
    """1 for the first of those that matter, falling with the spread of onsets.

    The beginning is that of entities which carry weight: what came long before anything else, and alone, is not it.
    """
    most = max(mass.values())
    notable = [interval for entity, interval in onsets.items() if mass[entity] >= most / 3]
    begin, until = min(low for low, _ in notable), min(high for _, high in notable)
    spread = sorted(max(timedelta(), low - until) for low, _ in notable)
    scale = max(spread[len(spread) // 2], tolerance, timedelta(seconds=1))
    values = {}
    for entity, (low, high) in onsets.items():
        off = max(timedelta(), low - until, begin - high)
        values[entity] = math.exp(-(off / scale))
    return values


def _blame(of: Mapping[str, Sequence[Appearance]], complaints: Iterable[Complaint]) -> dict[str, float]:
    """What others say about an entity against what it says about others, 0 to 1; a half where nobody says anything.

    Blame is passed on: who is blamed and blames another hands on what it was blamed for.
    """
    about: dict[str, dict[str, float]] = defaultdict(dict)
    for complaint in complaints:
        if complaint.by != complaint.about:
            known = about[complaint.by]
            known[complaint.about] = max(known.get(complaint.about, 0.0), complaint.score / 100)
    flow = _inherited(of, _passed_on(about))
    most = max(flow.values(), default=0.0)
    values = {}
    for entity in of:
        said = sum(about.get(entity, {}).values())
        share = flow.get(entity, 0.0) / most if most > 0 else 0.0
        values[entity] = 0.5 + 0.5 * share if share > 0 else 0.5 / (1 + said)
    return values


def _passed_on(about: Mapping[str, Mapping[str, float]], rounds: int = 20) -> dict[str, float]:
    """Where blame comes to rest: who complains begins with one unit, and who complains passes on what arrives."""
    names = sorted({*about, *(other for said in about.values() for other in said)})
    resting = dict.fromkeys(names, 0.0)
    moving = {name: 1.0 if name in about else 0.0 for name in names}
    for _ in range(rounds):
        arriving = dict.fromkeys(names, 0.0)
        for name, amount in moving.items():
            said = about.get(name, {})
            total = sum(said.values())
            if amount == 0.0:
                continue
            if total <= 0:
                resting[name] += amount
                continue
            for other, score in said.items():
                arriving[other] += 0.9 * amount * score / total
        moving = arriving
        if max(moving.values(), default=0.0) < 1e-6:
            break
    return {name: resting[name] + moving[name] for name in names}


def _inherited(of: Mapping[str, Sequence[Appearance]], flow: Mapping[str, float]) -> dict[str, float]:
    """Blame with that of what is in an entity: a zone or host inherits from the services that its jobs name with it.

    It inherits as much of a service's blame as the share of the service's jobs that name both; so what is under
    one blamed service stays behind it, and what is under several comes before each of them.
    """
    jobs = {entity: {a.job_id for a in seen} for entity, seen in of.items()}
    fields = {entity: {a.field for a in seen} for entity, seen in of.items()}
    blamed = {entity: amount for entity, amount in flow.items() if amount > 0 and entity in of}
    result = dict(flow)
    for entity in of:
        under = sum(
            amount * len(jobs[entity] & jobs[other]) / len(jobs[other])
            for other, amount in blamed.items()
            if not fields[entity] & fields[other]
        )
        result[entity] = max(flow.get(entity, 0.0), under)
    return result


def _interval(seen: Sequence[Appearance]) -> float:
    """Seconds from the first to the last anomaly."""
    return (max(a.last for a in seen) - min(a.first for a in seen)).total_seconds()
