"""What scores are worth: incidents found, ordinary buckets disturbed, how long an alarm lasts, what ranks first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.accuracy.case import Array, Case
from benchmarks.accuracy.detectors import CRITICAL

ONE_IN = 2000
"""Ordinary buckets of which one may be critical."""


@dataclass(frozen=True)
class Judgement:
    """The measures of some cases.

    Attributes:
        incidents: Incidents in them.
        found: Of these, those that were critical in time.
        ordinary: Ordinary buckets.
        disturbed: Of these, the critical ones.
        alarm: Critical buckets of each incident that was found, on average.
        first: Cases whose highest score of all scored buckets belongs to an incident, as a share.
        ordered: Pairs of incidents of different size that are ranked by size, as a share; NaN without such pairs.
        worst: Most critical buckets per 1,000 ordinary ones in a case.
        passed: Cases with all incidents found and the rate of critical buckets kept, as a share.
    """

    incidents: int
    found: int
    ordinary: int
    disturbed: int
    alarm: float
    first: float
    ordered: float
    worst: float
    passed: float

    @property
    def recall(self) -> float:
        """Share of incidents found."""
        return self.found / self.incidents if self.incidents else float("nan")

    @property
    def per_thousand(self) -> float:
        """Critical buckets per 1,000 ordinary ones."""
        return 1000 * self.disturbed / max(self.ordinary, 1)


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return float(np.mean(numbers)) if numbers else float("nan")


def judge(cases: Sequence[Case], scores: Sequence[Array], *, threshold: float = CRITICAL) -> Judgement:
    """Measure the scores of some cases at a threshold."""
    found, alarms, firsts, pairs, worst, passes = 0, [], [], [], 0.0, []
    ordinary = disturbed = incidents = 0
    for case, score in zip(cases, scores, strict=True):
        peaks, missed = [], 0
        for incident in case.incidents:
            incidents += 1
            seen = score[incident.begin : incident.end]
            hit = seen[: incident.within].max(initial=0.0) >= threshold
            found += hit
            missed += not hit
            if hit:
                alarms.append(int((seen >= threshold).sum()))
            peaks.append((incident.size, float(seen.max(initial=0.0))))
        mask = case.ordinary
        calm = score[mask]
        ordinary += len(calm)
        loud = int((calm >= threshold).sum())
        disturbed += loud
        worst = max(worst, 1000 * loud / max(len(calm), 1))
        passes.append(missed == 0 and loud <= max(1.0, len(calm) / ONE_IN))
        if peaks:
            firsts.append(max(peak for _, peak in peaks) > calm.max(initial=0.0))
        pairs += [
            bigger > smaller
            for k, (size, bigger) in enumerate(peaks)
            for other, smaller in peaks[:k] + peaks[k + 1 :]
            if size > other > 0
        ]
    return Judgement(
        incidents, found, ordinary, disturbed, _mean(alarms), _mean(firsts), _mean(pairs), worst, _mean(passes)
    )


TITLE = f"{'recall':>8}{'crit/1000':>11}{'worst':>8}{'alarm':>7}{'first':>7}{'order':>7}"


def row(found: Judgement) -> str:
    """One line of a table under `TITLE`."""

    def share(value: float) -> str:
        return "-" if np.isnan(value) else f"{value:.2f}"

    return (
        f"{share(found.recall):>8}{found.per_thousand:>11.2f}{found.worst:>8.1f}"
        f"{'-' if np.isnan(found.alarm) else f'{found.alarm:.1f}':>7}{share(found.first):>7}{share(found.ordered):>7}"
    )
