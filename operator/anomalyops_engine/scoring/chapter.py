"""The context of one detector's step: the buckets of a chapter, and what holds in them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.scoring.memory import Key

PlotSink = Callable[[ResolvedDetector, tuple[str, ...], int, npt.NDArray[np.float64], npt.NDArray[np.float64]], None]
"""Receives, for model plot, a series' key, its first bucket, values and details."""
ChangeSink = Callable[[ResolvedDetector, list[tuple[str, ...]], int, npt.NDArray[np.float64]], None]
"""Receives, for annotations, the keys of some series, their first bucket and details."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A part of a stretch through which nothing changes but the data.

    Attributes:
        first_bucket: Number of the first bucket: its start over the bucket span.
        buckets: Number of buckets.
        begin: Position of the first bucket of the job's life in this chapter, 0 when it lies before.
        refused: Entities that get no model.
        plot: Receives every series for model plot.
        changes: Receives what the learner says of every series, for the annotations of changes of the models.
        unseen: The buckets that are as if they had not been: neither scored nor learnt; None for none.
        learns: Whether anything is learnt.
    """

    first_bucket: int
    buckets: int
    begin: int = 0
    refused: Collection[Key] = frozenset()
    plot: PlotSink | None = None
    changes: ChangeSink | None = None
    unseen: npt.NDArray[np.bool_] | None = None
    learns: bool = True
