"""Clocks that are changed: seasons that keep local time, while the data keep another."""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT001

from __future__ import annotations

from typing import Any

from anomalyops_engine.models.kernel.compiling import kernel

HOUR_S = 3600.0
MOST_GAIN = 3.0
"""Log likelihood, nats, by which one bucket can speak for an hour's shift."""
DECISIVE = 8.0
"""Evidence for a shift in the days after clocks were changed somewhere."""
DECISIVE_ANYWHEN = 15.0
"""The same at any other time, where all buckets of an hour together speak as loud as one: five hours that fit."""
AGAIN_S = 604_800.0
"""No clock is changed twice in a week: what fits another hour then is a profile that has half learnt the new time."""
CLEARLY = 3.0
"""Standard deviations by which two times have to be expected to differ, to tell one from the other."""
TELLS = 0.1
"""The same, as a share of the spread of a series around its level: what repeats itself almost exactly leaves rests."""
MEMORY = 0.97
"""Factor a bucket of the evidence."""
PRICE = 0.5
"""Surprise of an hour's shift in the days after a clock change."""


@kernel
def weigh(series: Any, early: float, late: float, clock_change: bool, time_s: float, span_s: float) -> None:
    """Let a bucket speak for a shift of the seasons by an hour, and carry it out when it is sure.

    What speaks for both directions alike, as a day off between working hours does, speaks for none.

    Args:
        series: The SERIES.
        early: Log likelihood ratio of the profile an hour before the present one.
        late: The same of an hour behind.
        clock_change: Whether clocks were changed somewhere within the last few days.
        time_s: Start of the bucket.
        span_s: Bucket length, seconds.
    """
    most = MOST_GAIN if clock_change else MOST_GAIN * min(span_s / HOUR_S, 1.0)
    series.clock_early = max(MEMORY * series.clock_early + min(max(early, -most), most), 0.0)
    series.clock_late = max(MEMORY * series.clock_late + min(max(late, -most), most), 0.0)
    lead = series.clock_late - series.clock_early
    if abs(lead) < (DECISIVE if clock_change else DECISIVE_ANYWHEN):
        return
    if not clock_change and time_s < series.clock_at + AGAIN_S:
        return
    series.clock_at = time_s
    series.clock_s += HOUR_S if lead > 0.0 else -HOUR_S
    series.clock_early = series.clock_late = 0.0
