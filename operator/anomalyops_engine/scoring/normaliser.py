"""From surprise to a score of 0 to 100 that means the same in every job.

The learners deliver calibrated surprises: 5 is what a quiet series shows once in 100,000 buckets. A fixed curve turns
that into a score, and the largest surprise a scope (a partition, an influencer field, the job's buckets) has ever shown
dims what is far smaller: next to a catastrophe, a nuisance is less interesting. When something worse comes, earlier
results inside the renormalisation window are dimmed too; their initial scores never change.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NOTEWORTHY = 2.5
"""Surprise from which results are written."""
_SURPRISES = (NOTEWORTHY, 3.0, 3.5, 4.0, 4.4, 5.0, 6.5, 9.0, 15.0, 30.0)
_SCORES = (0.5, 4.0, 15.0, 32.0, 50.0, 75.0, 86.0, 93.0, 98.0, 100.0)
_SEVERITIES = (0.0, 25.0, 50.0, 75.0)
"""Warning, minor, major, critical: what comes later changes the order inside a severity, and takes none away."""
REFERENCE = 5.0
"""A scope's largest surprise counts as at least this."""
NOTICEABLE = 0.01
"""Earlier results are dimmed once that has become worth this share of their score.

Where ever larger surprises come one after the other, dimming at each of them would rewrite the whole window every time;
this way the number of rewrites grows with the logarithm of the largest surprise.
"""

DECISIVE = 1.5
"""Surprise that a crowd as loud as none before is worth, for each factor of ten of buckets without one."""
_LOUDEST = 60
"""Surprises of crowds are counted in whole steps up to this one, which is open."""


def absolute_score(surprise: float) -> float:
    """The score, 0 to 100, of a surprise in a scope that has seen nothing larger."""
    if surprise < NOTEWORTHY:
        return 0.0
    return float(np.interp(surprise, _SURPRISES, _SCORES))


def score(surprise: float, largest: float) -> float:
    """The score, 0 to 100, of a surprise in a scope whose largest surprise so far is `largest`."""
    absolute = absolute_score(surprise)
    severity = max(floor for floor in _SEVERITIES if floor <= absolute)
    return severity + (absolute - severity) * _dimming(surprise, max(largest, REFERENCE, surprise))


def _dimming(surprise: float, largest: float) -> float:
    return math.sqrt(math.log1p(surprise) / math.log1p(largest))


@dataclass(slots=True)
class Entry:
    """A result that may be dimmed later.

    Attributes:
        document_id: The result document.
        fields: Its score field, or `bucket_influencers/<influencer field>` for an entry of that list.
        timestamp_ms: Its bucket's start.
        surprise: What the score was made from.
        score: The score now.
    """

    document_id: str
    fields: str
    timestamp_ms: int
    surprise: float
    score: float


@dataclass(slots=True)
class Crowds:
    """How often many series of a job were surprising at once.

    Series of one job are not independent: when all go on holiday, all are a little off together. How rare that is
    cannot be told from their probabilities, only from their past. So what many say together counts no more than how
    seldom the job has had a crowd as loud.

    Attributes:
        buckets: Buckets that were judged.
        loudness: Earlier buckets in which many were louder than each alone, by the surprise of all together.
    """

    buckets: int = 0
    loudness: list[int] = field(default_factory=lambda: [0] * _LOUDEST)

    def worth(self, surprise: float) -> float:
        """The surprise of many together, as far as the past vouches for it; remembers it."""
        at = min(int(surprise), _LOUDEST - 1)
        as_loud = sum(self.loudness[at:])
        self.loudness[at] += 1
        return min(surprise, -DECISIVE * math.log10((as_loud + 0.5) / (self.buckets + 1.0)))


@dataclass(slots=True)
class Normaliser:
    """Scores of one job.

    Attributes:
        window_ms: How far back results are dimmed.
        crowds: How often many series were surprising at once.
        largest: The largest surprise of each scope.
        dimmed_by: The surprise that last dimmed each scope's results.
        entries: Results of each scope that may still be dimmed, in order of time.
    """

    window_ms: int
    crowds: Crowds = field(default_factory=Crowds)
    largest: dict[str, float] = field(default_factory=dict)
    dimmed_by: dict[str, float] = field(default_factory=dict)
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    _dimmed: dict[tuple[str, str], Entry] = field(default_factory=dict)

    def initial(self, scope: str, surprise: float, timestamp_ms: int) -> float:
        """Score a new surprise; when it is by far its scope's largest, dim the scope's results inside the window."""
        if surprise > self.largest.get(scope, 0.0):
            self.largest[scope] = surprise
            before = self.dimmed_by.get(scope, REFERENCE)
            if surprise > before and _dimming(before, surprise) < 1.0 - NOTICEABLE:
                self.dimmed_by[scope] = surprise
                self._dim(scope, surprise, timestamp_ms)
        return score(surprise, self.largest[scope])

    def _dim(self, scope: str, largest: float, timestamp_ms: int) -> None:
        for entry in self._inside(scope, timestamp_ms):
            lower = score(entry.surprise, largest)
            if lower < entry.score:
                entry.score = lower
                self._dimmed[entry.document_id, entry.fields] = entry

    def remember(self, scope: str, entry: Entry) -> None:
        """Keep a result for renormalisation."""
        self.entries.setdefault(scope, []).append(entry)

    def dimmed(self, now_ms: int) -> list[Entry]:
        """Results whose score became lower since the last call; forgets what no later bucket can dim.

        Args:
            now_ms: Start of the next bucket.
        """
        for scope in list(self.entries):
            if not self._inside(scope, now_ms):
                del self.entries[scope]
        changed = list(self._dimmed.values())
        self._dimmed.clear()
        return changed

    def _inside(self, scope: str, now_ms: int) -> list[Entry]:
        """A scope's results inside the window that ends now; older ones are forgotten."""
        oldest = now_ms - self.window_ms
        entries = self.entries.get(scope, [])
        if entries and entries[0].timestamp_ms < oldest:
            entries = self.entries[scope] = [entry for entry in entries if entry.timestamp_ms >= oldest]
        return entries

    def scores(self) -> dict[str, dict[str, float]]:
        """The scores of all results that may be dimmed yet, by document and fields."""
        known: dict[str, dict[str, float]] = {}
        for entry in itertools.chain.from_iterable(self.entries.values()):
            known.setdefault(entry.document_id, {})[entry.fields] = entry.score
        return known

    def pack(self) -> dict[str, Any]:
        """Plain values that `unpack` makes the normaliser from."""
        return {
            "crowds": [self.crowds.buckets, self.crowds.loudness],
            "largest": self.largest,
            "dimmed_by": self.dimmed_by,
            "entries": {
                scope: [[e.document_id, e.fields, e.timestamp_ms, e.surprise, e.score] for e in entries]
                for scope, entries in self.entries.items()
            },
        }

    @classmethod
    def unpack(cls, window_ms: int, plain: dict[str, Any]) -> Normaliser:
        """The normaliser that `pack` described."""
        entries = {scope: [Entry(*row) for row in rows] for scope, rows in plain["entries"].items()}
        buckets, loudness = plain["crowds"]
        crowds = Crowds(buckets, list(loudness))
        return cls(window_ms, crowds, dict(plain["largest"]), dict(plain["dimmed_by"]), entries)


def bucket_surprise(surprises: list[float], scored: int, crowds: Crowds) -> float:
    """Surprise of a bucket in which `scored` series were scored and some were surprising.

    One clear anomaly among many series keeps at least what half of the correction for their number leaves, so that it
    stays visible in its bucket; many together count as far as the past vouches for it.

    Args:
        surprises: The surprising ones.
        scored: How many were scored, these included.
        crowds: The job's past; remembers a crowd that is louder than the loudest alone.
    """
    if not surprises:
        return 0.0
    alone = max(surprises) - 0.5 * math.log10(max(scored, len(surprises)))
    together = pooled_surprise(surprises, scored)
    return max(alone, crowds.worth(together)) if together > alone else alone


def pooled_surprise(surprises: list[float], scored: int) -> float:
    """Surprise of the loudest of some series together, as if they were independent.

    The k-th smallest of n independent probabilities is as rare as a binomial tail, about C(n, k) p^k (the rank
    statistics behind higher criticism, Donoho and Jin 2004).

    Args:
        surprises: The surprising ones.
        scored: How many were scored, these included.
    """
    ordered = sorted(surprises, reverse=True)
    n = max(scored, len(ordered))
    best, log_choose = 0.0, 0.0
    for k, surprise in enumerate(ordered[:20], start=1):
        log_choose += math.log10((n - k + 1) / k)
        best = max(best, k * surprise - log_choose)
    return best
