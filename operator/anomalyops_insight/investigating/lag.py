"""Which of two series leads the other, by how much, and how sure that is. Pure.

For each lag, the later part of one series is regressed on the earlier part of the other. How well that goes, as a
Gaussian likelihood, says how probable the lag is. The errors of a regression in time are not independent: they count as
the number of independent ones that their own correlation from step to step leaves (Bartlett, 1935, for an
autoregression of first order). Both series are smoothed first: what they have in common is a change that lasts, and the
noise of single steps, which they do not share, would else make lags look surer than they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

_LEAST_PAIRS = 20
_LEAST_EVIDENCE = 3.0  # in nats, above what as many trials bring about by chance
_MOST_FIT = 1 - 1e-9
_LIKELY = 0.9
_SMOOTHED = 2  # steps to both sides

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one series is behind another.

    Attributes:
        behind: How much the second comes after the first; negative where it comes before.
        low: It is hardly less (5 %).
        high: It is hardly more (5 %).
        correlation: At that lag, -1 to 1.
        confidence: That the one that seems to lead does lead, 0 to 1; of a lag of none, that neither does.
    """

    behind: timedelta
    low: timedelta
    high: timedelta
    correlation: float
    confidence: float

    def reversed(self) -> Lag:
        """The same, seen from the second."""
        return Lag(-self.behind, -self.high, -self.low, self.correlation, self.confidence)


def lag(first: Values, second: Values, step: timedelta, *, most: int) -> Lag | None:
    """How far the second series is behind the first; None where they have nothing to do with each other.

    Args:
        first: One value a step; None where there is none.
        second: The same steps.
        step: The length of a step.
        most: The most steps that one may be behind the other; at least half of the steps are compared in any case.
    """
    first, second = _smooth(first), _smooth(second)
    most = min(most, len(first) // 2)
    lags = range(-most, most + 1)
    fits = [_fit(_pairs(first, second, behind)) for behind in lags]
    best = max(range(len(lags)), key=lambda n: (abs(fits[n]), -abs(lags[n])))
    pairs = _pairs(first, second, lags[best])
    independent = len(pairs) * _independence(pairs)
    logs = [-independent / 2 * math.log(1 - min(fit * fit, _MOST_FIT)) for fit in fits]
    if logs[best] < math.log(len(lags)) + _LEAST_EVIDENCE:
        return None
    chances = [math.exp(one - logs[best]) for one in logs]
    total = sum(chances)
    chances = [chance / total for chance in chances]
    tail = (1 - _LIKELY) / 2
    low, high = (lags[_quantile(chances, share)] * step for share in (tail, 1 - tail))
    sign = _sign(lags[best])
    sure = sum(chance for chance, one in zip(chances, lags, strict=True) if _sign(one) == sign)
    return Lag(lags[best] * step, low, high, fits[best], min(1.0, sure))


def _smooth(values: Values) -> list[float | None]:
    """Means over a step and its neighbours, of those that have a value."""
    means: list[float | None] = []
    for n in range(len(values)):
        near = [one for one in values[max(0, n - _SMOOTHED) : n + _SMOOTHED + 1] if one is not None]
        means.append(sum(near) / len(near) if near else None)
    return means


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _pairs(first: Values, second: Values, behind: int) -> list[tuple[float, float]]:
    """Values that belong together when the second is so many steps behind."""
    early = first[: len(first) - behind] if behind >= 0 else first[-behind:]
    late = second[behind:] if behind >= 0 else second[: len(second) + behind]
    return [(a, b) for a, b in zip(early, late, strict=True) if a is not None and b is not None]


def _fit(pairs: Sequence[tuple[float, float]]) -> float:
    """The correlation of pairs; 0 of too few, or where one side never changes."""
    if len(pairs) < _LEAST_PAIRS:
        return 0.0
    count = len(pairs)
    mean_a, mean_b = sum(a for a, _ in pairs) / count, sum(b for _, b in pairs) / count
    aa = bb = ab = 0.0
    for a, b in pairs:
        da, db = a - mean_a, b - mean_b
        aa, bb, ab = aa + da * da, bb + db * db, ab + da * db
    small = 1e-18 * count
    if aa <= small * max(1.0, mean_a * mean_a) or bb <= small * max(1.0, mean_b * mean_b):
        return 0.0
    return ab / math.sqrt(aa * bb)


def _independence(pairs: Sequence[tuple[float, float]]) -> float:
    """The share of pairs that is left when errors of the regression follow one another."""
    count = len(pairs)
    if count < _LEAST_PAIRS:
        return 0.0
    mean_a, mean_b = sum(a for a, _ in pairs) / count, sum(b for _, b in pairs) / count
    aa, bb = sum((a - mean_a) ** 2 for a, _ in pairs), sum((b - mean_b) ** 2 for _, b in pairs)
    if aa <= 0 or bb <= 0:
        return 0.0
    fit = _fit(pairs)
    scale_a, scale_b = math.sqrt(aa / count), math.sqrt(bb / count)
    # The errors of both regressions at once, so that it does not matter which of the two series is the first.
    errors = [(b - mean_b) / scale_b - math.copysign(1, fit) * (a - mean_a) / scale_a for a, b in pairs]
    square = sum(error * error for error in errors)
    if square <= 1e-12 * count:
        return 1.0
    follows = sum(one * other for one, other in pairwise(errors)) / square
    return (1 - follows) / (1 + follows) if follows > 0 else 1.0


def _quantile(chances: Sequence[float], share: float) -> int:
    before = 0.0
    for n, chance in enumerate(chances):
        before += chance
        if before >= share:
            return n
    return len(chances) - 1
