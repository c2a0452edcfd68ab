"""Root causes of generated incidents, ranked: how often the cause is first, among three, and the mean reciprocal rank.

    python -m benchmarks.rca [--seeds 20] [--first-seed 5000]

Beside the ranking of `anomalyops investigate` stand three that a person would try: the highest score, the earliest
anomaly, the entity that most jobs name. Seeds from 1000 to 1999 were seen when the ranking was made; figures
are of those from 5000 on.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from datetime import timedelta

from benchmarks.rca.incidents import BUCKET, CLASSES, Incident, incident

from anomalyops_insight.investigating.ranking import rank


def ours(found: Incident) -> list[str]:
    tolerance = BUCKET + timedelta(minutes=1)
    return [
        suspect.entity for suspect in rank(found.appearances, found.complaints, calls=found.calls, tolerance=tolerance)
    ]


def without_calls(found: Incident) -> list[str]:
    """The ranking where the sources of jobs cannot be read, so that who calls whom is known of complaints alone."""
    tolerance = BUCKET + timedelta(minutes=1)
    return [suspect.entity for suspect in rank(found.appearances, found.complaints, tolerance=tolerance)]


def by_score(found: Incident) -> list[str]:
    worst: dict[str, float] = defaultdict(float)
    for seen in found.appearances:
        worst[seen.entity] = max(worst[seen.entity], seen.max_score)
    return sorted(worst, key=lambda name: (-worst[name], name))


def by_time(found: Incident) -> list[str]:
    first = {}
    for seen in found.appearances:
        known = first.get(seen.entity)
        first[seen.entity] = min(known, (seen.first, -seen.max_score)) if known else (seen.first, -seen.max_score)
    return sorted(first, key=lambda name: (first[name], name))


def by_jobs(found: Incident) -> list[str]:
    jobs, total = defaultdict(set), defaultdict(float)
    for seen in found.appearances:
        jobs[seen.entity].add(seen.job_id)
        total[seen.entity] += seen.max_score
    return sorted(jobs, key=lambda name: (-len(jobs[name]), -total[name], name))


METHODS = {
    "anomalyops": ours,
    "calls not known": without_calls,
    "highest score": by_score,
    "earliest": by_time,
    "most jobs": by_jobs,
}


def place(ranking: list[str], causes: frozenset[str]) -> int:
    """The place of the first cause, from 1 on; beyond the list where it is not on it."""
    return next((n for n, name in enumerate(ranking, start=1) if name in causes), len(ranking) + 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=5000)
    options = parser.parse_args()
    places: dict[str, list[int]] = defaultdict(list)
    seconds = 0.0
    print(f"{'':14}" + "".join(f"{name:>24}" for name in METHODS))
    print(f"{'incident':14}" + f"{'top-1  top-3   MRR':>24}" * len(METHODS))
    for kind in CLASSES:
        here: dict[str, list[int]] = defaultdict(list)
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            found = incident(kind, seed)
            for name, method in METHODS.items():
                started = time.perf_counter()
                here[name].append(place(method(found), found.causes))
                seconds += (time.perf_counter() - started) if name == "anomalyops" else 0.0
        print(f"{kind:14}" + "".join(f"{figures(here[name]):>24}" for name in METHODS))
        for name, found_places in here.items():
            places[name] += found_places
    print(f"{'all':14}" + "".join(f"{figures(places[name]):>24}" for name in METHODS))
    count = len(CLASSES) * options.seeds
    print(f"\n{count} incidents of 20 to 100 services, ranked in {1000 * seconds / count:.1f} ms each")


def figures(places: list[int]) -> str:
    top1 = sum(one == 1 for one in places) / len(places)
    top3 = sum(one <= 3 for one in places) / len(places)
    return f"{top1:5.0%}  {top3:5.0%}  {sum(1 / one for one in places) / len(places):.2f}"


if __name__ == "__main__":
    main()
