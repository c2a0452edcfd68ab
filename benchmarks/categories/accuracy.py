"""How well groups of messages are the groups that they should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


def grouping_accuracy(found: Sequence[Hashable], true: Sequence[Hashable]) -> float:
    """The share of messages whose whole group is the true one (Zhu et al., "Tools and benchmarks", 2019)."""
    sizes_found, sizes_true = Counter(found), Counter(true)
    both = Counter(zip(found, true, strict=True))
    right = sum(count for (f, t), count in both.items() if count == sizes_found[f] == sizes_true[t])
    return right / max(len(true), 1)
