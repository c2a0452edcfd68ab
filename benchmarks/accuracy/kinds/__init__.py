"""Generators of series by kind of fault; every kind has shapes that were kept apart while the learners were made."""

from benchmarks.accuracy.kinds import (
    absurd,
    age,
    clocks,
    episodes,
    heartbeats,
    heavy_tails,
    hourly_noise,
    mostly_zero,
    rare_seasons,
)

KINDS = tuple(
    module.KIND
    for module in (
        rare_seasons,
        hourly_noise,
        mostly_zero,
        heartbeats,
        absurd,
        episodes,
        age,
        clocks,
        heavy_tails,
    )
)
