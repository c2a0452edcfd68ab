"""What a feature would have been without one influencer value's documents, from statistics by influencer value."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

Parts = list[tuple[Any, ...]]
"""The statistics of each influencer value."""
Without = Callable[[Parts], list[float]]
"""From the statistics of all influencer values to the feature without each; NaN when nothing would remain."""


def totals(parts: Parts) -> list[float]:
    """What adds up; statistics: the part."""
    numbers = np.array(parts, dtype=np.float64)
    return list(numbers[:, 0].sum() - numbers[:, 0])


def means(parts: Parts) -> list[float]:
    """A weighted mean; statistics: total, weight."""
    numbers = np.array(parts, dtype=np.float64)
    rest = numbers.sum(axis=0) - numbers
    return [float(total / weight) if weight > 0 else np.nan for total, weight in rest]


def _extreme(pick: Callable[[Iterable[float]], float]) -> Without:
    def without(parts: Parts) -> list[float]:
        values = [np.nan if part[0] is None else part[0] for part in parts]
        rest = [[v for j, v in enumerate(values) if j != k and not np.isnan(v)] for k in range(len(values))]
        return [pick(others) if others else np.nan for others in rest]

    return without


smallest = _extreme(min)
"""The smallest value; statistics: the smallest of each."""
largest = _extreme(max)
"""The largest value; statistics: the largest of each."""


def medians(parts: Parts) -> list[float]:
    """A median; statistics: all values."""
    lists = [np.asarray(part[0] if part[0] is not None else [], dtype=np.float64) for part in parts]
    rest = [np.concatenate([*lists[:k], *lists[k + 1 :], np.zeros(0)]) for k in range(len(lists))]
    return [float(np.median(others)) if len(others) else np.nan for others in rest]


def variances(parts: Parts) -> list[float]:
    """A population variance; statistics: count, mean, variance."""
    results = []
    for k in range(len(parts)):
        others = np.array([part for j, part in enumerate(parts) if j != k and part[0]], dtype=np.float64)
        if len(others) == 0:
            results.append(np.nan)
            continue
        n = others[:, 0].sum()
        mean = (others[:, 0] * others[:, 1]).sum() / n
        spread = (others[:, 0] * (others[:, 2] + (others[:, 1] - mean) ** 2)).sum() / n
        results.append(float(spread))
    return results


def information(texts: Sequence[str]) -> float:
    """The information in some texts: bytes of all of them, each once and in order, when they are compressed.

    A deflated stream approximates their Kolmogorov complexity (Li and Vitanyi 2004): repetition costs nothing, what
    looks random costs all of its length.
    """
    return float(len(zlib.compress("".join(sorted(texts)).encode(errors="surrogatepass"))))


def informations(parts: Parts) -> list[float]:
    """The information in texts; statistics: the distinct texts."""
    sets = [set(part[0] or ()) for part in parts]
    rest = [set().union(*sets[:k], *sets[k + 1 :]) for k in range(len(sets))]
    return [information(list(texts)) if texts else np.nan for texts in rest]
