"""The learner of series alone, without documents and results: what a job of one series would score, fast."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from benchmarks.accuracy.case import Array, Case

from anomalyops_engine.functions import find_function
from anomalyops_engine.models.series import state as series
from anomalyops_engine.models.series.bank import SeriesBank, series_parameters
from anomalyops_engine.scoring.detection import SIDES
from anomalyops_engine.scoring.normaliser import NOTEWORTHY, Normaliser


def details(cases: Sequence[Case], *, want_bounds: bool = False) -> Array:
    """What the learner says of cases of one span, function and start: (cases, buckets, series.DETAIL_COLUMNS)."""
    first = cases[0]
    resolved = find_function(first.function)
    if resolved is None:
        raise ValueError(f"no function {first.function!r}")
    function, side = resolved.function, resolved.side
    bank = SeriesBank(
        series_parameters(
            span_s=first.span_s,
            side=SIDES[side],
            discrete=function.discrete,
            least=function.least,
            learning_buckets=function.learning_buckets,
            want_bounds=want_bounds,
            bounds_from=NOTEWORTHY,
        )
    )
    rows = bank.rows([(str(k),) for k in range(len(cases))])
    longest = max(len(case.values) for case in cases)
    values = np.full((len(cases), longest), np.nan)
    for k, case in enumerate(cases):
        values[k, : len(case.values)] = case.values
    return bank.advance(rows, values, first_bucket=first.start_s // first.span_s, conditions=np.zeros((0, 4)))


def initial_scores(surprises: Array, span_s: int) -> Array:
    """Scores of a series' surprises, as a job of one series gives them at first."""
    normaliser = Normaliser(window_ms=0)
    scores = np.zeros(len(surprises))
    for b in np.flatnonzero(surprises >= NOTEWORTHY):
        scores[b] = normaliser.initial("bucket", float(surprises[b]), int(b) * span_s * 1000)
    return scores


class Learner:
    """The learner of series alone."""

    name = "learner"

    def scores(self, cases: Sequence[Case]) -> list[Array]:
        """Initial scores; like cases are learnt together."""
        alike = defaultdict(list)
        for k, case in enumerate(cases):
            alike[case.span_s, case.function, case.start_s].append(k)
        found: list[Array] = [np.zeros(0)] * len(cases)
        for (span_s, _, _), places in alike.items():
            said = details([cases[k] for k in places])
            for k, detail in zip(places, said, strict=True):
                found[k] = initial_scores(detail[: len(cases[k].values), series.SURPRISE], span_s)
        return found
