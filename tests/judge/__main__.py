"""`python -m judge`: hold the engine against Elasticsearch.

python -m judge --seed 7 --cases 200                  all areas, 200 cases each
python -m judge --area queries --area aggregations    some areas
python -m judge --held-out                            the families that are kept for measuring
python -m judge --replay CASE.json                    one case, both answers in full
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine_process import EngineProcess
from judge.bench import Bench, Server
from judge.cases import Case
from judge.classes import DIFFERENT, DifferenceClass, Found, classify
from judge.engine import EngineServer
from judge.generate.families import AREAS, draw
from judge.java import JudgeUnavailable
from judge.reference import ReferenceParsers, ReferenceServer
from judge.report import Tally, class_to_json, ranked, request_line, shown

_PARSED = "configurations"


def main() -> int:
    """Run the command and return its exit code."""
    arguments = _arguments()
    try:
        if arguments.replay:
            return _replay(Case.from_json(_case_of(json.loads(arguments.replay.read_text()))))
        return _run(arguments)
    except JudgeUnavailable as reason:
        print(f"skipped: {reason}")
        return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="judge", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same cases (default 1)")
    parser.add_argument("--cases", type=int, default=200, help="how many an area (default 200)")
    parser.add_argument("--area", action="append", choices=sorted(AREAS), help="an area; all without it")
    parser.add_argument(
        "--held-out", action="store_true", help="the families kept for measuring, instead of the others"
    )
    parser.add_argument("--no-shrink", action="store_true", help="the table alone")
    parser.add_argument("--output", type=Path, default=Path("judge.json"), help="where the run is written (judge.json)")
    parser.add_argument("--replay", type=Path, help="a file with one case: ask it again and show both answers")
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> int:
    tally, classes = Tally(), list[DifferenceClass]()
    areas = arguments.area or list(AREAS)
    for parsed in (False, True):
        chosen = [area for area in areas if (area == _PARSED) is parsed]
        if chosen:
            with benches(parsed=parsed) as bench:
                for area in chosen:
                    classes += _judge_area(area, arguments, bench, tally)
    for found in ranked(classes):
        print(shown(found), end="\n\n")
    print(tally.table())
    said = {"seed": arguments.seed, "cases": arguments.cases, "held_out": arguments.held_out, **tally.to_json()}
    said["classes"] = [class_to_json(found) for found in ranked(classes)]
    arguments.output.write_text(json.dumps(said, indent=1, ensure_ascii=False))
    return 0


def _judge_area(area: str, arguments: argparse.Namespace, bench: Bench, tally: Tally) -> list[DifferenceClass]:
    began, different = time.monotonic(), Found()
    for case in draw(area, arguments.seed, arguments.cases, held_out=arguments.held_out):
        for verdict in bench.judge(case):
            tally.add(area, verdict.kind, ordinary=case.ordinary, relevance=verdict.relevance)
            if verdict.kind in DIFFERENT:
                different.append((case, verdict))
    print(f"{area}: {len(different)} differ, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return [] if arguments.no_shrink else list(classify(different, bench))


@contextmanager
def benches(*, parsed: bool) -> Iterator[Bench]:
    """Start both sides and stop them at the end.

    Args:
        parsed: whether jobs and datafeeds are judged, by the parsers; otherwise the server core judges.
    """
    with tempfile.TemporaryDirectory(prefix="judged-") as folder:
        reference: Any = ReferenceParsers() if parsed else ReferenceServer()
        engine = EngineProcess(Path(folder))
        try:
            engine.start()
            yield Bench(reference, EngineServer(engine.url))
        finally:
            engine.kill()
            reference.close()


def _case_of(value: dict[str, Any]) -> dict[str, Any]:
    return dict(value.get("case", value))


def _replay(case: Case) -> int:
    with benches(parsed=case.area == _PARSED) as bench:
        verdicts = bench.judge(case)
    for request in case.setup:
        print(request_line(request))
    for verdict in verdicts:
        print(f"\n{request_line((case.steps or case.setup)[verdict.step])}")
        print(f"{verdict.kind}: {verdict.where or verdict.label}")
        for name, answer in (("theirs", verdict.theirs), ("ours", verdict.ours)):
            print(f"{name}: {json.dumps(answer and answer.to_json(), ensure_ascii=False)}")
    return 0


__all__ = ["Server", "benches", "main"]

if __name__ == "__main__":
    sys.exit(main())
