"""The weights of the ranking: those that make the causes of generated incidents most probable.

    python -m benchmarks.rca.fit [--seeds 100] [--first-seed 1000]

A conditional logit over the entities of each incident, once with what is known of calls and once without; weights are
not negative. Figures are never made of the seeds that it sees.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from datetime import timedelta

import numpy as np
from benchmarks.rca.incidents import BUCKET, CLASSES, Incident, incident

from anomalyops_insight.investigating.ranking import Weights, rank

NAMES = tuple(field.name for field in fields(Weights))
PRIOR = 1e-3
STEPS = 300


def parts(found: Incident, *, calls: bool) -> tuple[np.ndarray, np.ndarray]:
    """What speaks for each entity (entities x parts), and which of them are causes."""
    tolerance = BUCKET + timedelta(minutes=1)
    suspects = rank(found.appearances, found.complaints, calls=found.calls if calls else None, tolerance=tolerance)
    rows = np.array([[one.parts[name] for name in NAMES] for one in suspects])
    return rows, np.array([one.entity in found.causes for one in suspects])


def fit(made: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, float]:
    """Weights, and the mean log likelihood of the causes: projected gradients with steps of Adam (Kingma, 2015)."""
    weights, mean, square = np.ones(len(NAMES)), np.zeros(len(NAMES)), np.zeros(len(NAMES))
    likelihood = 0.0
    for step in range(1, STEPS + 1):
        gradient, likelihood = -PRIOR * weights, 0.0
        for rows, causes in made:
            odds = np.exp(rows @ weights - np.max(rows @ weights))
            chances = odds / odds.sum()
            share = chances * causes / chances[causes].sum()
            gradient = gradient + (share @ rows - chances @ rows) / len(made)
            likelihood += float(np.log(chances[causes].sum())) / len(made)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
        rate = 0.3 if step < STEPS * 2 // 3 else 0.05
        weights = weights + rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        weights = np.maximum(weights, 0)
    return weights, likelihood


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=1000)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    incidents = [incident(kind, seed) for kind in CLASSES for seed in seeds]
    made = [parts(one, calls=calls) for one in incidents for calls in (True, False)]
    weights, likelihood = fit([one for one in made if one[1].any()])
    for name, weight in zip(NAMES, weights, strict=True):
        print(f"{name:12} {weight:.2f}")
    print(f"mean log likelihood of a cause {likelihood:.3f}, of {len(made)} incidents")


if __name__ == "__main__":
    main()
