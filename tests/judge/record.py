"""`python -m judge.record`: keep cases of a run with Elasticsearch's answers; drop from the list what agrees.

python -m judge.record judge.json          add the smallest case of each class of a run
python -m judge.record --agreeing 5        add ordinary cases of every family, agreeing ones as well
python -m judge.record --prune             take off the list what the engine answers as Elasticsearch does now
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from judge.__main__ import benches
from judge.bench import Bench
from judge.cases import Case
from judge.differences import write_page
from judge.generate.families import AREAS, draw, families
from judge.recorded import (
    KnownDifferences,
    Recorded,
    difference,
    known_differences,
    load_all,
    save,
    save_known,
    title_of,
    trimmed,
)
from judge.stages import stages
from judge.verdicts import Kind

OPEN = "Not looked at yet."


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="what a run wrote")
    parser.add_argument("--agreeing", type=int, default=0, help="ordinary cases a family to record")
    parser.add_argument("--prune", action="store_true", help="drop known differences that are none any more")
    arguments = parser.parse_args()
    if arguments.run:
        _record_classes(json.loads(arguments.run.read_text())["classes"])
    if arguments.agreeing:
        _record_ordinary(arguments.agreeing)
    _settle(prune=arguments.prune)
    write_page()


def _record_classes(classes: list[dict]) -> None:
    fresh = []
    for parsed in (True, False):
        cases = [Case.from_json(one["case"]) for one in classes]
        chosen = [(case, one["step"]) for case, one in zip(cases, classes, strict=True) if _is_parsed(case) is parsed]
        if chosen:
            with benches(parsed=parsed) as bench:
                fresh += [found for case, step in chosen if (found := _recorded(case, bench, step)) is not None]
    _add(fresh)


def _record_ordinary(count: int) -> None:
    fresh = []
    for parsed in (True, False):
        with benches(parsed=parsed) as bench:
            for area in AREAS:
                if (area == "configurations") is not parsed:
                    continue
                for known in families(area):
                    if known.ordinary and not known.held_out:
                        fresh += _ordinary_cases(area, known.name, count, bench)
    _add(fresh)


def _ordinary_cases(area: str, name: str, count: int, bench: Bench) -> list[Recorded]:
    cases = [case for case in draw(area, 0, count * len(families(area))) if case.family == name][:count]
    return [found for case in cases if (found := _recorded(case, bench, None)) is not None]


def _is_parsed(case: Case) -> bool:
    return case.area == "configurations"


def _recorded(case: Case, bench: Bench, step: int | None) -> Recorded | None:
    """Return a case with its answers: of every step, or of one if that is what differs."""
    if step == -1 or not case.setup:
        step = len(case.setup) - 1 if step == -1 else step
        case = replace(case, steps=(*case.setup, *case.steps), setup=(), changes=True) if step is not None else case
    answers = bench.record(case)
    if answers is None:
        return None
    kept = [trimmed(answer) if step in {None, number} else None for number, answer in enumerate(answers)]
    return Recorded(replace(case, seed=""), tuple(kept))


def _add(fresh: list[Recorded]) -> None:
    every = {one.id: one for one in (*load_all(), *fresh)}
    save(list(every.values()))


def _settle(*, prune: bool) -> None:
    """Ask the engine every recorded case; drop what is declined, list what differs, and unlist what agrees."""
    groups = {(group.title, group.reason): list(group.cases) for group in known_differences()}
    listed = {case for cases in groups.values() for case in cases}
    every, declined = load_all(), set()
    with tempfile.TemporaryDirectory() as folder, stages(Path(folder)) as verdicts:
        for one in every:
            found = difference(verdicts(one))
            if found is None:
                if prune:
                    groups = {key: [case for case in cases if case != one.id] for key, cases in groups.items()}
            elif found.kind in {Kind.DECLINED, Kind.ABSENT}:
                declined.add(one.id)
            elif one.id not in listed:
                groups.setdefault((title_of(found), OPEN), []).append(one.id)
    save([one for one in every if one.id not in declined])
    left = {key: [case for case in cases if case not in declined] for key, cases in groups.items()}
    save_known(KnownDifferences(title, reason, tuple(cases)) for (title, reason), cases in left.items())


if __name__ == "__main__":
    main()
