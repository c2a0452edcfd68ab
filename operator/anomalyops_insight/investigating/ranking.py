"""Which entity is the cause: a ranking of suspects from when, where and how strongly each appeared. Pure.

Seven things speak for an entity, each between 0 and 1:

- breadth: jobs that name it, each by its score and by how long it was anomalous, against the entity that is named most.
  Many low scores weigh more than one high one, because independent detectors seldom err about the same entity at the
  same time, and a blip that is over when others begin weighs little.
- explains: how much of what happened to others follows from it: who complains about it, who calls it and was not
  anomalous before it, who complains about those or calls them, and services that run where it is (a zone or host that
  their jobs name with them), with what follows from each of them.
- silence: that it complains about nobody. An entity that waits for another is a victim of it.
- origin: that nothing which it is known to call was anomalous before it, whether it complains or not, also through
  others of which nothing was seen.
- onset: how early it began, against the spread of all onsets. The onset is not the first anomaly but the moment at
  which a fifth of the entity's own weight had come, so that a single early false alarm does not make a cause.
- persistence: the share of the incident's usual length for which it was anomalous.
- strength: its worst anomaly, which tells the centre of an incident from its edge.

Their weights are those of a conditional logit (McFadden, 1974): the probability that an entity is the cause is in
proportion to the exponential of its weighted sum, and the weights make the causes of generated incidents most probable.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anomalyops_insight.investigating.onset import Onset

_SHARE_OF_ONSET = 0.2
_HOP = 0.9  # how surely a complaint is true
_FAINT = 0.05  # what is explained less surely than this is not explained
_LEAST_WEIGHT = 0.2  # of an anomaly that is over at once
_USUAL = 0.9  # the share of anomalous time that is in anomalies of the incident's usual length at most
_UNKNOWN = 0.15  # how far an entity of whose calls nothing is known is taken for a victim
_UNSEEN = 0.7  # how surely a fault went through an entity that was not anomalous
_FARTHEST = 4  # calls that it went through at most
_MOST_EXPLAINING = 100  # entities for which it is worked out what they explain, those of most weight
_LEAST_SHARE = 0.2  # of its jobs that name an entity with another, for it to be in that
_MOST_TOGETHER = 100  # entities of one job among which it is looked for what is in what


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
        sustained: Whether a record of it is a shift over its last buckets and no spike (multi_bucket_impact).
    """

    entity: str
    field: str
    job_id: str
    first: datetime
    last: datetime
    max_score: float
    anomalies: int = 1
    onset: Onset | None = None
    sustained: bool = False

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
    """How much each thing speaks, in nats: fitted by `python -m benchmarks.rca.fit` on incidents of no figure."""

    breadth: float = 2.1
    explains: float = 5.5
    silence: float = 3.9
    origin: float = 4.3
    onset: float = 2.3
    persistence: float = 2.1
    strength: float = 1.3


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
    calls: Mapping[str, Collection[str]] | None = None,
    tolerance: timedelta = timedelta(minutes=1),
    clock: timedelta = timedelta(minutes=1),
    weights: Weights | None = None,
) -> tuple[Suspect, ...]:
    """Suspects, the most likely first.

    Args:
        appearances: Of all entities in all jobs.
        complaints: Of entities about others.
        calls: Whom an entity calls, where that is known; whoever complains about another calls it.
        tolerance: Differences of first buckets that mean nothing: the bucket span, and what clocks differ by.
        clock: What clocks differ by.
        weights: How much each thing speaks.
    """
    weights = weights or Weights()
    of: dict[str, list[Appearance]] = defaultdict(list)
    for appearance in sorted(appearances, key=lambda a: (a.entity, a.job_id, a.field, a.first, -a.max_score)):
        of[appearance.entity].append(appearance)
    if not of:
        return ()
    weighed = _Weighed.of(of, tolerance)
    onsets = {entity: _onset(seen, weighed) for entity, seen in of.items()}
    began = {entity: _interval_of(one, tolerance, clock) for entity, one in onsets.items()}
    parts = _parts(of, weighed, began, _Relations.of(complaints, calls or {}))
    scored = [
        (sum(getattr(weights, name) * value for name, value in said.items()), entity, said)
        for entity, said in parts.items()
    ]
    scored.sort(key=lambda item: (-item[0], onsets[item[1]].began, item[1]))
    odds = [math.exp(total - scored[0][0]) for total, _, _ in scored]
    return tuple(
        _suspect(of[entity], total, odd / sum(odds), onsets[entity], said)
        for (total, entity, said), odd in zip(scored, odds, strict=True)
    )


_Of = Mapping[str, Sequence[Appearance]]
_Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class _Weighed:
    """How much each entity weighs.

    Attributes:
        usual: How long anomalies of the incident usually lasted, in seconds.
        bucket: The length of one.
        mass: By entity: the sum over jobs of how sure each is.
    """

    usual: float
    bucket: float
    mass: dict[str, float]

    @classmethod
    def of(cls, of: _Of, tolerance: timedelta) -> _Weighed:
        bucket = tolerance.total_seconds()
        weighed = cls(_usual([_seconds(a) + bucket for seen in of.values() for a in seen]), bucket, {})
        for entity, seen in of.items():
            by_job: dict[str, float] = defaultdict(float)
            for a in seen:
                by_job[a.job_id] = max(by_job[a.job_id], weighed.weight(a))
            weighed.mass[entity] = sum(by_job.values())
        return weighed

    def weight(self, one: Appearance) -> float:
        """Of an anomaly: its score, less where it was over soon."""
        if one.sustained:
            return one.max_score / 100
        lasting = min(1.0, 2 * max(0.0, _seconds(one) + self.bucket - 0.3 * self.usual) / self.usual)
        return one.max_score / 100 * (_LEAST_WEIGHT + (1 - _LEAST_WEIGHT) * lasting)

    def lasting(self, seen: Sequence[Appearance]) -> float:
        """For how much of the incident an entity was anomalous; a sustained shift is one that lasts."""
        return 1.0 if any(a.sustained for a in seen) else min(1.0, 2 * _anomalous(seen, self.bucket) / self.usual)


@dataclass(frozen=True, slots=True)
class _Relations:
    """Who has to do with whom.

    Attributes:
        about: How bad entities say that others are: complainer, then target; 0 to 1.
        calls: Whom an entity calls, as far as is known.
    """

    about: Mapping[str, Mapping[str, float]]
    calls: Mapping[str, Collection[str]]

    @classmethod
    def of(cls, complaints: Iterable[Complaint], calls: Mapping[str, Collection[str]]) -> _Relations:
        about: dict[str, dict[str, float]] = defaultdict(dict)
        for one in complaints:
            if one.by != one.about:
                about[one.by][one.about] = max(about[one.by].get(one.about, 0.0), one.score / 100)
        known = {name: {*calls.get(name, ()), *about.get(name, ())} - {name} for name in (*calls, *about)}
        return cls(about, known)


def _parts(
    of: _Of, weighed: _Weighed, began: Mapping[str, _Interval], related: _Relations
) -> dict[str, dict[str, float]]:
    """What speaks for each entity, 0 to 1."""
    mass = weighed.mass
    most = max(mass.values())
    worst = max(weighed.weight(a) for seen in of.values() for a in seen)
    early = _earliness(began, mass)
    explained = _explained(of, mass, began, related)
    calling = {a.field for entity in related.calls for a in of.get(entity, ())}
    return {
        entity: {
            "breadth": mass[entity] / most if most > 0 else 1.0,
            "explains": explained[entity],
            "silence": 1 / (1 + sum(related.about.get(entity, {}).values())),
            "origin": 1 - _victim(entity, mass, began, related, calling=any(a.field in calling for a in seen)),
            "onset": early[entity],
            "persistence": weighed.lasting(seen),
            "strength": max(weighed.weight(a) for a in seen) / worst if worst > 0 else 0.0,
        }
        for entity, seen in of.items()
    }


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


def _usual(lengths: Sequence[float]) -> float:
    """How long the incident's anomalies usually last, in seconds.

    Most of the anomalous time and not of the anomalies: false alarms may be more than all others, but are over soon.
    """
    wanted, came = _USUAL * sum(lengths), 0.0
    for length in sorted(lengths):
        came += length
        if came >= wanted:
            return max(length, 1.0)
    return 1.0


def _seconds(one: Appearance) -> float:
    """From its first to its last anomalous bucket."""
    return (one.last - one.first).total_seconds()


def _onset(seen: Sequence[Appearance], weighed: _Weighed) -> Appearance:
    """With which a fifth of the entity's weight had come."""
    ordered = sorted(seen, key=lambda a: (a.began, -a.max_score, a.job_id))
    wanted = _SHARE_OF_ONSET * sum(weighed.weight(a) for a in ordered)
    came = 0.0
    for appearance in ordered:
        came += weighed.weight(appearance)
        if came >= wanted:
            return appearance
    return ordered[-1]


def _interval_of(one: Appearance, tolerance: timedelta, clock: timedelta) -> _Interval:
    """Between which times it began, as seen by clocks that differ."""
    if one.onset is None:
        return one.first, one.first + tolerance
    return one.onset.low - clock / 2, one.onset.high + clock / 2


def _middle(interval: _Interval) -> datetime:
    return interval[0] + (interval[1] - interval[0]) / 2


def _earliness(began: Mapping[str, _Interval], mass: Mapping[str, float]) -> dict[str, float]:
    """1 for the first of those that matter, falling with the spread of onsets.

    The beginning is that of entities which carry weight: what came long before anything else, and alone, is not it.
    """
    most = max(mass.values())
    notable = sorted((began[entity] for entity in began if mass[entity] >= most / 3), key=_middle)
    begin = _middle(notable[0])
    spread = _middle(notable[len(notable) // 2]) - begin
    values = {}
    for entity, interval in began.items():
        scale = max(spread, interval[1] - interval[0], timedelta(seconds=1))
        values[entity] = math.exp(-(abs(_middle(interval) - begin) / scale))
    return values


def _after(one: _Interval, other: _Interval) -> float:
    """How probable it is that one did not begin before another."""
    scale = max(one[1] - one[0], other[1] - other[0], timedelta(seconds=1))
    return 1 / (1 + math.exp(-2 * min(max((_middle(one) - _middle(other)) / scale + 0.5, -20.0), 20.0)))


def _victim(
    entity: str, mass: Mapping[str, float], began: Mapping[str, _Interval], related: _Relations, *, calling: bool
) -> float:
    """How far an entity may be a victim: whether something that it calls was anomalous, and not later.

    What it calls through others counts where those were not anomalous, as where no job watches them.
    Of an entity that is of a kind which calls others, such as a service, and whose calls are not known, it may be so.
    """
    if entity not in related.calls:
        return _UNKNOWN if calling else 0.0
    most = max(mass.values()) or 1.0
    return max(
        (
            surely * mass[one] / most * _after(began[entity], began[one])
            for one, surely in _called(entity, mass, related).items()
        ),
        default=0.0,
    )


def _called(entity: str, seen: Collection[str], related: _Relations) -> dict[str, float]:
    """What one calls of what was anomalous, also through others of which nothing was seen, and how surely."""
    found: dict[str, float] = {}
    through, surely = {entity}, 1.0
    called = set(related.calls.get(entity, ())) - through
    for _ in range(_FARTHEST):
        for one in called:
            if one in seen:
                found[one] = max(found.get(one, 0.0), surely)
        through |= called
        called = {one for via in called if via not in seen for one in related.calls.get(via, ())} - through
        surely *= _UNSEEN
    return found


def _explained(
    of: _Of, mass: Mapping[str, float], began: Mapping[str, _Interval], related: _Relations
) -> dict[str, float]:
    """The share of the weight of all others that follows from an entity."""
    led: dict[str, dict[str, float]] = defaultdict(dict)  # by what explains, then what it explains, and how surely
    for one in began:
        for other, surely in _called(one, mass, related).items():
            # Who calls what was anomalous, and was so not before it, suffers from it.
            led[other][one] = _HOP * surely * _after(began[one], began[other])
    for one, said in related.about.items():
        for other in said:
            led[other][one] = _HOP
    parts_of: dict[str, dict[str, float]] = defaultdict(dict)
    for (inner, outer), share in _inside(of, mass).items():
        parts_of[outer][inner] = share
    total = sum(mass.values())
    values = dict.fromkeys(of, 0.0)
    explaining = sorted(of, key=lambda name: (-mass[name], name))[:_MOST_EXPLAINING]
    reached = {name: _reached(name, led) for entity in explaining for name in (entity, *parts_of[entity])}
    for entity in explaining:
        rest = total - mass[entity]
        follows = _through_parts(reached, entity, parts_of[entity])
        weight = sum(sure * mass.get(other, 0.0) for other, sure in follows.items() if other != entity)
        values[entity] = min(1.0, weight / rest) if rest > 1e-9 else 1.0
    return values


def _through_parts(
    reached: Mapping[str, Mapping[str, float]], entity: str, parts: Mapping[str, float]
) -> Mapping[str, float]:
    """What follows from an entity and from what is in it, such as the services of a zone.

    What follows from several of them does so the more surely: one of them is enough (a noisy or; Pearl, 1988).
    """
    if not parts:
        return reached[entity]
    spared: dict[str, float] = defaultdict(lambda: 1.0)
    for other, sure in reached[entity].items():
        spared[other] *= 1 - sure
    for part, share in parts.items():
        for other, sure in reached[part].items():
            spared[other] *= 1 - share * sure
    return {other: 1 - chance for other, chance in spared.items()}


def _reached(entity: str, led: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """What follows from an entity, each over the surest way."""
    sure = {entity: 1.0}
    queue = [(-1.0, entity)]
    while queue:
        chance, name = heapq.heappop(queue)
        if -chance < sure[name]:
            continue
        for other, hop in led.get(name, {}).items():
            along = -chance * hop
            if along > max(sure.get(other, 0.0), _FAINT):
                sure[other] = along
                heapq.heappush(queue, (-along, other))
    return sure


def _inside(of: _Of, mass: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """How surely one entity is in another, such as a service in a zone: the share of its jobs that name that one.

    Of its jobs those count that name anything of the other's fields; one job alone is half a proof.
    """
    fields = {entity: {a.field for a in seen} for entity, seen in of.items()}
    jobs = {entity: {a.job_id for a in seen} for entity, seen in of.items()}
    by_job: dict[str, list[str]] = defaultdict(list)
    with_field: dict[str, set[str]] = defaultdict(set)
    for entity in sorted(of, key=lambda name: (-mass[name], name)):
        for job in jobs[entity]:
            by_job[job].append(entity)
        for a in of[entity]:
            with_field[a.field].add(a.job_id)
    together: dict[tuple[str, str], int] = defaultdict(int)
    for named in by_job.values():
        for one in named[:_MOST_TOGETHER]:
            for other in named[:_MOST_TOGETHER]:
                if one != other and not fields[one] & fields[other]:
                    together[one, other] += 1
    told: dict[tuple[str, frozenset[str]], int] = {}
    shares = {}
    for (one, other), count in together.items():
        kind = one, frozenset(fields[other])
        if kind not in told:
            told[kind] = sum(any(job in with_field[field] for field in kind[1]) for job in jobs[one])
        if count / (told[kind] + 1) >= _LEAST_SHARE:
            shares[one, other] = count / (told[kind] + 1)
    return shares


def _anomalous(seen: Sequence[Appearance], bucket: float) -> float:
    """Seconds for which any job found an entity anomalous; those between two false alarms are not among them."""
    ordered = sorted(seen, key=lambda a: a.first)
    total, until = timedelta(), ordered[0].first
    for a in ordered:
        end = a.last + timedelta(seconds=bucket)
        total += max(end - max(a.first, until), timedelta())
        until = max(until, end)
    return total.total_seconds()
