"""The sample jobs and the shapes of all supplied ones, over many seeds: is exactly what was planted critical?

Run: python -m benchmarks.samples [--seeds 20] [--only WORD]

A line each job: incidents that were planted and those of them that have a critical record that names their entity;
critical buckets elsewhere after learning, of all seeds; and the seeds of which exactly what was planted is critical.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor

from benchmarks.samples import hosts, orders, security, web
from benchmarks.samples.sample import Outcome, Sample, outcome

SAMPLES: tuple[Sample, ...] = (*orders.SAMPLES, *web.SAMPLES, *hosts.SAMPLES, *security.SAMPLES)


def _outcome(task: tuple[str, int]) -> Outcome:
    name, seed = task
    (sample,) = (sample for sample in SAMPLES if sample.name == name)
    return outcome(sample, seed)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.samples", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="jobs whose name contains this")
    options = parser.parse_args()
    print(f"{'job':<46}{'seeds':>6}{'planted':>9}{'found':>7}{'elsewhere':>11}{'exact':>7}")
    exact = seeds = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for sample in SAMPLES:
            if options.only not in sample.name:
                continue
            outcomes = list(pool.map(_outcome, [(sample.name, seed) for seed in range(options.seeds)]))
            planted, found, elsewhere = (
                sum(getattr(one, name) for one in outcomes) for name in ("incidents", "found", "elsewhere")
            )
            mine = sum(one.exact for one in outcomes)
            exact, seeds = exact + mine, seeds + len(outcomes)
            print(f"{sample.name:<46}{len(outcomes):>6}{planted:>9}{found:>7}{elsewhere:>11}{mine:>7}", flush=True)
    print(f"{exact} of {seeds} exact")


if __name__ == "__main__":
    main()
