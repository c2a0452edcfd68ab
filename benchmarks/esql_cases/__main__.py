"""Run Elasticsearch's cases of ES|QL against an engine, or any other server, and print what came of them.

The cases are those of elastic/elasticsearch, x-pack/plugin/esql/qa/testFixtures/src/main/resources: `*.csv-spec`,
`data/*.csv` and, where headers do not say enough, `mapping-*.json`, in a folder of one's own. Types, order, nulls and
warnings are compared.

Run: PYTHONPATH=tests python -m benchmarks.esql_cases FOLDER [--only docs] [--url http://localhost:9200] [--verbose]
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.esql_cases.data import load
from benchmarks.esql_cases.spec import Case, cases_of, moment, type_of
from elasticsearch import ApiError, Elasticsearch

from engine_process import EngineProcess

_LIMIT = "No limit defined"
_OUTCOMES = ("passed", "refused", "wrong", "no data", "ignored")


@contextmanager
def _server(url: str | None) -> Iterator[Elasticsearch]:
    if url is not None:
        yield Elasticsearch(url, request_timeout=60)
        return
    with tempfile.TemporaryDirectory() as folder:
        engine = EngineProcess(Path(folder))
        engine.start()
        try:
            yield Elasticsearch(engine.url, request_timeout=60)
        finally:
            engine.stop()


def _asked(client: Elasticsearch, statement: str) -> tuple[dict[str, Any], list[str]]:
    answer = client.perform_request(
        "POST",
        "/_query",
        body={"query": statement},
        headers={"content-type": "application/json", "accept": "application/json"},
    )
    text = answer.meta.headers.get("warning", "")
    found = re.findall(r'299 \S+ "((?:[^"\\]|\\.)*)"', text)
    return dict(answer.body), [one for one in found if not one.startswith(_LIMIT)]


def _outcome(client: Elasticsearch, case: Case) -> tuple[str, str]:
    """What came of a case, and the difference where it is wrong."""
    if case.ignored:
        return "ignored", ""
    try:
        body, warnings = _asked(client, case.statement)
    except ApiError as error:
        reason = json.dumps(error.body) if isinstance(error.body, dict) else str(error.body)
        if error.status_code == 501 or "is not supported by this engine" in reason:
            return "refused", reason
        return ("no data" if "Unknown index" in reason else "wrong"), reason[:600]
    columns = tuple((column["name"], type_of(column["type"])) for column in body["columns"])
    if columns != case.columns:
        return "wrong", f"columns\n  {columns}\n  expected\n  {case.columns}"
    rows = [tuple(_shown(value, kind) for value, (_, kind) in zip(row, columns, strict=True)) for row in body["values"]]
    # What no command puts into an order comes in any.
    any_order = case.any_order or re.search(r"\bsort\b", case.statement, re.IGNORECASE) is None
    if not _alike(rows, list(case.rows), any_order=any_order):
        return "wrong", "rows\n" + _beside(rows, list(case.rows))
    if case.warnings is not None and sorted(warnings) != sorted(case.warnings):
        return "wrong", f"warnings\n  {sorted(warnings)}\n  expected\n  {sorted(case.warnings)}"
    return "passed", ""


def _shown(value: Any, kind: str) -> Any:
    if isinstance(value, list):
        return [_shown(part, kind) for part in value]
    return moment(value) if kind == "date" and isinstance(value, str) else value


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(_same, found, wanted))
    if isinstance(wanted, float) and isinstance(found, int | float) and not isinstance(found, bool):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return type(found) is type(wanted) and bool(found == wanted)


def _alike(found: list[Any], wanted: list[Any], *, any_order: bool) -> bool:
    if any_order:
        found, wanted = sorted(found, key=repr), sorted(wanted, key=repr)
    return len(found) == len(wanted) and all(
        len(one) == len(other) and all(map(_same, one, other)) for one, other in zip(found, wanted, strict=True)
    )


def _beside(found: list[Any], wanted: list[Any]) -> str:
    lines = []
    for number in range(min(12, max(len(found), len(wanted)))):
        one = found[number] if number < len(found) else "(none)"
        other = wanted[number] if number < len(wanted) else "(none)"
        lines.append(f"  {one}" if one == other else f"  {one}\n    expected {other}")
    return "\n".join(lines)


def main() -> int:
    """Print a row a file, and the wrong answers beside the right ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--only", default="", help="part of the name of a file or case")
    parser.add_argument("--url", help="a server that runs already, and may be written to")
    parser.add_argument("--verbose", action="store_true", help="print the refused ones too")
    options = parser.parse_args()
    if options.folder is None or not options.folder.is_dir():
        print("skipped: no folder with csv-spec files was named")
        return 0
    table: dict[str, Counter[str]] = {}
    with _server(options.url) as client:
        for name, reason in load(client, options.folder).items():
            print(f"not loaded: {name}: {reason}")
        for path in sorted(options.folder.glob("*.csv-spec")):
            for case in cases_of(path):
                if options.only not in f"{case.file}.{case.name}":
                    continue
                outcome, why = _outcome(client, case)
                table.setdefault(case.file, Counter())[outcome] += 1
                if outcome == "wrong" or (outcome == "refused" and options.verbose):
                    print(f"--- {case.file}.{case.name}: {outcome}\n{case.statement}\n{why}", flush=True)
    print(f"{'file':<28}" + "".join(f"{outcome:>10}" for outcome in _OUTCOMES))
    rows = [*sorted(table.items()), ("all", sum(table.values(), Counter()))]
    for name, counts in rows:
        print(f"{name:<28}" + "".join(f"{counts[outcome]:>10}" for outcome in _OUTCOMES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
