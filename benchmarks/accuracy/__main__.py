"""Print how well the engine detects.

`python -m benchmarks.accuracy [kinds] [nab] [functions] [--seeds N] [--only KIND] [--shapes] [--whole] [--alone]
[--plots FOLDER]`

kinds: generated series of nine kinds of fault. `tuned` are the shapes and seeds that the learners were made
with, `seeds` the same shapes on seeds kept apart, `apart` shapes kept apart. Columns: recall, incidents
critical in time; crit/1000 and worst, critical buckets of 1,000 ordinary ones in all cases and in the worst;
alarm, critical buckets of an incident; first, the worst incident outranks all ordinary buckets; order, larger
incidents outrank smaller ones; pass, cases with all incidents found and at most one critical bucket in 2,000
ordinary ones (one a case is allowed).

functions: planted cases of the functions that are no plain series, in every form; see `planted`.

nab: the labelled public series, initial bucket scores of one configuration as they are. `best` is judged at the
threshold that these files choose, `nested` each file (or folder of files) at the one that the others choose.

The same tables follow for OpenSearch's random cut forest, where Java and Maven are installed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.accuracy import nab, planted, plots
from benchmarks.accuracy.case import Array, Case
from benchmarks.accuracy.detectors import CRITICAL, Detector
from benchmarks.accuracy.detectors.engine import Engine
from benchmarks.accuracy.detectors.forest import Forest, MissingForestError
from benchmarks.accuracy.detectors.learner import Learner
from benchmarks.accuracy.kinds import KINDS
from benchmarks.accuracy.measures import TITLE, judge, row

SEEDS_APART = 1000
"""The first of the seeds that the learners were not made with."""


def kinds(detector: Detector, seeds: int, *, only: str = "", shapes: bool = False) -> None:
    """Print the table of kinds."""
    print(f"{'kind':<32}{'set':<7}{'cases':>6}{'pass':>6}{TITLE}")
    totals: dict[str, list[tuple[list[Case], list[Array]]]] = {"tuned": [], "seeds": [], "apart": []}
    for kind in KINDS:
        if only not in kind.name:
            continue
        for name, first, apart in (("tuned", 0, False), ("seeds", SEEDS_APART, False), ("apart", SEEDS_APART, True)):
            cases = list(kind.cases(seeds, apart=apart, first_seed=first))
            scores = detector.scores(cases)
            totals[name].append((cases, scores))
            _line(kind.name, name, cases, scores)
            if shapes:
                _shapes(name, cases, scores)
    for name, parts in totals.items():
        _line("all", name, [case for cases, _ in parts for case in cases], [s for _, found in parts for s in found])


def _line(title: str, name: str, cases: Sequence[Case], scores: Sequence[Array]) -> None:
    found = judge(cases, scores)
    print(f"{title:<32}{name:<7}{len(cases):>6}{found.passed:>6.2f}{row(found)}", flush=True)


def _shapes(name: str, cases: Sequence[Case], scores: Sequence[Array]) -> None:
    for key in dict.fromkeys((case.shape, case.span_s) for case in cases):
        mine = [k for k, case in enumerate(cases) if (case.shape, case.span_s) == key]
        _line(f"  {key[0][:23]} {key[1]}", name, [cases[k] for k in mine], [scores[k] for k in mine])


def public(detector: Detector) -> None:
    """Print the table of the public series."""
    folder = nab.folder()
    if folder is None:
        print(f"skipped: the labelled public series are not there ({nab.FOLDER})")
        return
    files = nab.read(folder)
    scores = [nab.by_row(file, s) for file, s in zip(files, detector.scores([f.case for f in files]), strict=True)]
    print(f"{'file':<58}{'rows':>6}{'windows':>8}{'>= 75':>6}{'>= 50':>6}{'crit. outside':>14}")
    windows = hits = critical = ordinary = flooded = 0
    for file, score in zip(files, scores, strict=True):
        outside = file.outside()
        best = [float(score[begin : end + 1].max()) for begin, end in file.windows]
        hit75, hit50 = (sum(peak >= at for peak in best) for at in (CRITICAL, 50.0))
        loud = int((score[outside] >= CRITICAL).sum())
        windows, hits = windows + len(best), hits + hit75
        critical, ordinary = critical + loud, ordinary + int(outside.sum())
        flooded += loud > 0.005 * outside.sum()
        print(f"{file.name:<58}{len(score):>6}{len(best):>8}{hit75:>6}{hit50:>6}{loud / outside.sum():>14.3%}")
    print(f"{hits} of {windows} windows critical; {critical / ordinary:.3%} of the rows outside critical;", end=" ")
    print(f"{flooded} files with more than 0.5 %")
    for profile in nab.PROFILES:
        best_score, at = nab.best_score(files, scores, profile)
        fixed = nab.benchmark_score(files, scores, CRITICAL, profile)
        by_file, by_group = (nab.nested_score(files, scores, profile, by_group=whole) for whole in (False, True))
        nested = "; ".join(
            f"{name} {score:5.1f} (at {low:g} to {high:g})"
            for name, (score, low, high) in (("by file", by_file), ("by folder", by_group))
        )
        print(f"{profile.name:<10} best {best_score:6.1f} at {at:5.1f}; at {CRITICAL:g} {fixed:6.1f}; nested {nested}")


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy")
    parser.add_argument("tables", nargs="*", help="kinds, nab, functions; all by default")
    parser.add_argument("--seeds", type=int, default=3, help="cases of each shape and span")
    parser.add_argument("--only", default="", help="part of a kind's name")
    parser.add_argument("--shapes", action="store_true", help="print every shape and span too")
    parser.add_argument("--whole", action="store_true", help="through documents and results, not the learner alone")
    parser.add_argument("--alone", action="store_true", help="without another detector beside ours")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="write the plots of docs/scores.md there")
    options = parser.parse_args()
    if unknown := set(options.tables) - {"kinds", "nab", "functions"}:
        parser.error(f"no table named {', '.join(sorted(unknown))}; there are: kinds, nab, functions")
    begin = time.perf_counter()
    detectors: list[Detector] = [Engine() if options.whole else Learner()]
    if not options.alone:
        try:
            detectors.append(Forest())
        except MissingForestError as error:
            print(f"skipped: the random cut forest, {error}")
    for detector in detectors:
        print(f"=== {detector.name}")
        if not options.tables or "nab" in options.tables:
            public(detector)
        if not options.tables or "kinds" in options.tables:
            kinds(detector, options.seeds, only=options.only, shapes=options.shapes and detector is detectors[0])
    if not options.tables or "functions" in options.tables:
        planted.print_table(options.seeds, options.only, SEEDS_APART)
    if options.plots:
        plots.write(options.plots)
    print(f"{time.perf_counter() - begin:.0f} s, numpy {np.__version__}")


if __name__ == "__main__":
    main()
