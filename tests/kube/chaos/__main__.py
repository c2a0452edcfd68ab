"""`python -m chaos`: a run with a seed, and what came of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import chaos
from chaos.happenings import Happenings
from chaos.stage import Stage
from chaos.things import all_things
from chaos.verdict import SETTLING, Verdict

CALM = 150.0  # seconds in which everything must have come right


def main() -> int:
    parser = argparse.ArgumentParser(description=chaos.__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long things happen")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed makes the same choices")
    parser.add_argument("--keep", type=Path, help="a folder for the logs of all processes, which stays")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        stage = Stage(folder)
        try:
            return _run(stage, arguments.seconds, arguments.seed)
        finally:
            stage.end()


def _run(stage: Stage, seconds: float, seed: int) -> int:
    things = all_things()
    print(f"seed {seed}: {seconds:g} s over {len(things)} objects, two operators and three servers", flush=True)
    happenings = Happenings(stage, things, seed)
    verdict = Verdict(stage, things, happenings)
    end = told = time.monotonic()
    end += seconds
    while time.monotonic() < end:
        known = len(verdict.wrong)
        name = happenings.next()
        verdict.look()
        for line in verdict.wrong[known:]:
            print(f"{end - time.monotonic():5.0f} s left, after {name}: WRONG {line}", flush=True)
        if time.monotonic() - told > 30:
            told = time.monotonic()
            count, wrong = sum(happenings.done.values()), len(verdict.wrong)
            print(f"{end - told:5.0f} s left, {count} things happened, {wrong} wrong", flush=True)
    left = _calm(stage, verdict)
    verdict.check(stage.objects())
    if not left:
        for thing in things:
            if thing.kind == "AnomalyForecast" and "schedule" in thing.whole and thing.applied:
                thing.spec["suspend"] = True
                stage.kubectl.apply(thing.manifest())
        time.sleep(5)
        verdict.check_rest()
        verdict.check_deletion()
        verdict.look()
    print("what happened:", ", ".join(f"{name} {count}" for name, count in sorted(happenings.done.items())))
    print("what waits for a person:", dict(verdict.stalls) or "nothing")
    for line in (*verdict.wrong, *left):
        print("WRONG", line)
    if verdict.wrong or left:
        for operator in stage.operators.values():
            print(operator.process.tail(40))
        return 1
    print(
        "every object was as its manifest said or said why not; nothing lost, done twice or orphaned, no twin, no "
        "bucket skipped or doubled, every feed ran that should, and nothing was written at rest"
    )
    return 0


def _calm(stage: Stage, verdict: Verdict) -> list[str]:
    """Ends all trouble, and waits; the objects that did not come right."""
    stage.go_on(all_of_them=True)
    stage.mend()
    began = time.monotonic()
    while True:
        verdict.stalls.clear()
        left = verdict.unsettled(verdict.look())
        took = time.monotonic() - began
        # What an object says of the connection that it had before this is true only until that is looked at anew.
        if (not left and took > SETTLING) or took > CALM:
            break
        time.sleep(2)
    print(f"calm after {time.monotonic() - began:.0f} s", flush=True)
    return left


if __name__ == "__main__":
    sys.exit(main())
