"""Print how well the engine forecasts, beside the value a season ago and, where it is installed, statsforecast.

`python -m benchmarks.forecasts [generated] [files] [--seeds N] [--rival-seeds N] [--only NAME]`

generated: series of one kind each, hourly, six weeks learnt and one forecast. files: the seasonal files of the Numenta
Anomaly Benchmark, one season forecast from five places. Columns: inside, share of what came within the 95 % bounds (of
all, of the first day, of the last); MASE, mean absolute error over that of the value a season ago in the past; width of
the bounds over the standard deviation of the values; told, share of the buckets asked for that were forecast; seconds
a forecast, learning included.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from benchmarks.accuracy.case import DAY_S, Array
from benchmarks.forecasts.forecasters import Engine, Forecaster, SeasonalNaive, rivals
from benchmarks.forecasts.series import KINDS, Task, generated, naive_error, seasonal_files

TITLE = (
    f"{'series':<28}{'forecaster':<16}{'inside':>7}{'first':>7}{'last':>7}{'MASE':>7}{'width':>7}{'told':>6}{'s':>8}"
)


@dataclass
class Tally:
    """What came of forecasts."""

    inside: list[Array] = field(default_factory=list)
    first: list[Array] = field(default_factory=list)
    last: list[Array] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, task: Task, origin: int, path: Array) -> None:
        """Compare a forecast with what came."""
        case = task.case
        came = case.values[origin : origin + task.horizon]
        self.told.append(min(len(path) / len(came), 1.0))
        path = path[: len(came)]
        came = came[: len(path)]
        known = np.isfinite(came)
        if not known.any():
            return
        inside = ((came >= path[:, 1]) & (came <= path[:, 2]))[known]
        day = DAY_S // case.span_s
        self.inside.append(inside)
        self.first.append(inside[:day])
        self.last.append(inside[-day:])
        scale = naive_error(case.values[:origin], task.season)
        # A season without noise repeats itself exactly: then the scale is what rounding leaves.
        scale = max(scale, 1e-3 * float(np.nanstd(case.values[:origin])))
        self.errors.append(float(np.mean(np.abs(came - path[:, 0])[known])) / scale)
        self.widths.append(float(np.mean(path[:, 2] - path[:, 1]) / max(np.nanstd(case.values[:origin]), 1e-300)))

    def line(self, title: str, name: str) -> str:
        """One row of the table."""
        shares = "".join(f"{np.concatenate(part).mean() if part else np.nan:>7.3f}" for part in self._shares())
        rest = f"{_mean(self.errors):>7.2f}{_mean(self.widths):>7.2f}{_mean(self.told):>6.2f}"
        return f"{title[:27]:<28}{name:<16}{shares}{rest}{self.seconds / max(len(self.told), 1):>8.2f}"

    def _shares(self) -> tuple[list[Array], list[Array], list[Array]]:
        return self.inside, self.first, self.last

    def join(self, other: Tally) -> None:
        """Count another tally's forecasts too."""
        self.inside += other.inside
        self.first += other.first
        self.last += other.last
        self.errors += other.errors
        self.widths += other.widths
        self.told += other.told
        self.seconds += other.seconds


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def judge(forecaster: Forecaster, tasks: Iterable[Task]) -> Tally:
    """Have tasks forecast."""
    tally = Tally()
    for task in tasks:
        begin = time.perf_counter()
        paths = list(forecaster.paths(task))
        tally.seconds += time.perf_counter() - begin
        for origin, path in zip(task.origins, paths, strict=True):
            tally.add(task, origin, path)
    return tally


def table(groups: Iterable[tuple[str, list[Task]]], forecasters: Sequence[Forecaster], few: int) -> None:
    """Print a row for each group and forecaster; others than the first two see the first `few` tasks of a group."""
    print(TITLE)
    totals = {forecaster.name: Tally() for forecaster in forecasters}
    for title, tasks in groups:
        for place, forecaster in enumerate(forecasters):
            tally = judge(forecaster, tasks if place < 2 else tasks[:few])
            totals[forecaster.name].join(tally)
            print(tally.line(title, forecaster.name), flush=True)
    for name, total in totals.items():
        print(total.line("all", name))


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecasts")
    parser.add_argument("tables", nargs="*", choices=["generated", "files", []], default=[])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rival-seeds", type=int, default=2)
    parser.add_argument("--only", default="", help="kinds and files with this in their name")
    options = parser.parse_args()
    tables = options.tables or ["generated", "files"]
    forecasters: list[Forecaster] = [Engine(), SeasonalNaive()]
    if options.rival_seeds > 0:
        found = rivals()
        forecasters += found
        if not found:
            print("statsforecast is not installed (pip install '.[forecast-benchmark]'): MSTL and AutoETS are left out")
    if "generated" in tables:
        kinds = [kind for kind in KINDS if options.only in kind]
        table(((kind, generated(kind, options.seeds)) for kind in kinds), forecasters, options.rival_seeds)
    if "files" in tables:
        files = [task for task in seasonal_files() if options.only in task.case.shape]
        if not files:
            print("the files of the Numenta Anomaly Benchmark are not at ../shared/data/nab: left out")
        else:
            table(((task.case.shape, [task]) for task in files), forecasters, options.rival_seeds)


if __name__ == "__main__":
    main()
