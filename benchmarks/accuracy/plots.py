"""Plots of docs/scores.md: what the learner expected, what came, and what it scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.accuracy.case import DAY_S, Case, Kind
from benchmarks.accuracy.detectors.learner import details, initial_scores
from benchmarks.accuracy.kinds import KINDS

from anomalyops_engine.models.series import state as series

SEVERITIES = ((75.0, "critical", "#d62728"), (50.0, "major", "#ff7f0e"), (25.0, "minor", "#e0c000"))


@dataclass(frozen=True)
class Plot:
    """One plot.

    Attributes:
        name: Its file.
        title: What it shows.
        kind: The kind of its series.
        shape: The generator.
        span_s: Bucket span, seconds.
        days: Days shown before and after the beginning of the last incident.
    """

    name: str
    title: str
    kind: str
    shape: str
    span_s: int
    days: tuple[float, float]


PLOTS = (
    Plot(
        "daily-batch",
        "A nightly batch: expected, and told when it does not come",
        "rare seasons",
        "daily batch, 10 % noise",
        3600,
        (6, 3),
    ),
    Plot("heartbeat", "A heartbeat stops", "heartbeats", "4 a bucket, silent for 3", 3600, (4, 2)),
    Plot(
        "outage", "An outage: loud at its onset, its return is no alarm", "episodes", "outage of 6 hours", 900, (4, 3)
    ),
    Plot("loud-hours", "A loud hour is judged by loud hours", "noise by hour", "one loud hour over 20", 900, (4, 2)),
    Plot("absurd-value", "An incident in a series that once held 1e12", "absurd value", "1e+12", 3600, (8, 3)),
)


def write(folder: Path) -> None:
    """Write every plot as an SVG file into a folder, made when missing.

    Raises:
        SystemExit: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra of its own
        from matplotlib import pyplot as plt  # noqa: PLC0415
    except ImportError as error:
        raise SystemExit("plots need matplotlib: pip install '.[plots]'") from error
    mpl.use("svg")
    # The same plot is the same file.
    mpl.rcParams.update({"svg.hashsalt": "anomalyops", "svg.fonttype": "none"})
    folder.mkdir(parents=True, exist_ok=True)
    for plot in PLOTS:
        figure, axes = plt.subplots(figsize=(9, 2.6), layout="constrained")
        _draw(axes, plot, _case(plot))
        figure.savefig(folder / f"{plot.name}.svg", metadata={"Date": None})
        plt.close(figure)
        print(f"wrote {folder / plot.name}.svg")


def _case(plot: Plot) -> Case:
    kind: Kind = next(k for k in KINDS if k.name == plot.kind)
    cases = kind.cases(1, apart=False, first_seed=0)
    return next(case for case in cases if case.shape.startswith(plot.shape) and case.span_s == plot.span_s)


def _draw(axes: Any, plot: Plot, case: Case) -> None:
    found = details([case], want_bounds=True)[0]
    score = initial_scores(found[:, series.SURPRISE], case.span_s)
    onset = case.incidents[-1].begin
    begin = max(onset - int(plot.days[0] * DAY_S / case.span_s), 0)
    end = min(onset + int(plot.days[1] * DAY_S / case.span_s), len(case.values))
    at = slice(begin, end)
    hours = (np.arange(begin, end) - onset) * case.span_s / 3600
    axes.fill_between(
        hours, found[at, series.LOWER], found[at, series.UPPER], step="mid", color="#cfe2f3", label="95 % bounds"
    )
    axes.step(hours, case.values[at], where="mid", color="#333333", linewidth=0.9, label="value")
    rest = np.ones(end - begin, dtype=bool)
    for least, severity, colour in SEVERITIES:
        shown = rest & (score[at] >= least)
        rest &= ~shown
        if shown.any():
            axes.plot(hours[shown], case.values[at][shown], "o", markersize=4, color=colour, label=severity)
    axes.set_title(plot.title, fontsize=10, loc="left")
    axes.set_xlabel("hours from the incident", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=7, loc="upper left", ncols=5)
