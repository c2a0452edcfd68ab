"""Clocks that are changed: seasons that keep local time, while the data keep another."""

# Compiled functions take their arguments by position only.

from __future__ import annotations

from typing import Any

from anomalyops_engine.models.kernel.compiling import kernel

HOUR_S = 3600.0
MOST_GAIN = 3.0
"""Log likelihood, nats, by which one bucket can speak for an hour's shift."""
DECISIVE = 8.0
"""Evidence for a shift in the days after clocks were changed somewhere."""
DECISIVE_ANYWHEN = 40.0
"""Evidence for a shift at any other time."""
CLEARLY = 3.0
"""Standard deviations by which two times have to be expected to differ, to tell one from the other."""
TELLS = 0.1
"""The same, as a share of the spread of a series around its level: what repeats itself almost exactly leaves rests."""
MEMORY = 0.97
"""Factor a bucket of the evidence."""
PRICE = 0.5
"""Surprise of an hour's shift in the days after a clock change."""


@kernel
def weigh(series: Any, early: float, late: float, clock_change: bool) -> None:  # noqa: FBT001
    """Let a bucket speak for a shift of the seasons by an hour, and carry it out when it is sure.

    Args:
        series: The SERIES.
        early: Log likelihood ratio of the profile an hour before the present one.
        late: The same of an hour behind.
        clock_change: Whether clocks were changed somewhere within the last few days.
    """
    series.clock_early = max(MEMORY * series.clock_early + min(max(early, -MOST_GAIN), MOST_GAIN), 0.0)
    series.clock_late = max(MEMORY * series.clock_late + min(max(late, -MOST_GAIN), MOST_GAIN), 0.0)
    enough = DECISIVE if clock_change else DECISIVE_ANYWHEN
    if max(series.clock_early, series.clock_late) < enough:
        return
    series.clock_s += -HOUR_S if series.clock_early > series.clock_late else HOUR_S
    series.clock_early = series.clock_late = 0.0
