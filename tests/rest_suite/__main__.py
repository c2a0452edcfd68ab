"""Run Elasticsearch's REST tests against the engine and print what came of them.

Run: make rest-suite [ARGS="--only mget --verbose"]

The published tests of the core are fetched by Maven (they are those of 7.10: what 8.0 removed is left out), or taken
from a folder (`--folder`). A line each subject; then how failures began: an honest 501, a status, a body, a text.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from rest_suite.cases import Test
from rest_suite.running import Client, Mismatch, Run
from rest_suite.sources import SuiteUnavailable, apis, published_tests, tests_in

_ENGINE = "import sys; from pathlib import Path; from anomalyops_engine.server import serve; serve(Path(sys.argv[1]), '127.0.0.1', 0)"  # noqa: E501
CORE = (
    *("bulk", "count", "create", "delete", "exists", "get", "get_source", "index", "mget", "update"),
    *("cat.aliases", "cat.count", "cat.health", "cat.indices", "cat.shards", "cat.templates", "cat.nodes", "cat.tasks"),
    *(
        "cluster.health",
        "cluster.put_settings",
        "cluster.stats",
        "cluster.pending_tasks",
        "cluster.state",
        "info",
        "ping",
    ),
    *("field_caps", "msearch", "scroll", "range", "search", "search.aggregation", "tasks.list", "tasks.get"),
    *("indices.create", "indices.delete", "indices.exists", "indices.get", "indices.refresh", "indices.open"),
    *("indices.get_alias", "indices.exists_alias", "indices.put_alias", "indices.delete_alias"),
    *("indices.update_aliases", "indices.get_mapping", "indices.put_mapping", "indices.get_field_mapping"),
    *("indices.get_settings", "indices.put_settings", "indices.put_template", "indices.get_template"),
    *("indices.exists_template", "indices.put_index_template", "indices.get_index_template", "indices.stats"),
    *("cluster.component_template", "indices.simulate_index_template", "indices.resolve_index", "indices.flush"),
    *("indices.forcemerge", "indices.clear_cache", "indices.validate_query", "explain", "indices.analyze"),
)
"""What a tool that reads and writes documents uses; the rest (snapshots, shards, suggesters) is no goal."""


@contextmanager
def _engine() -> Iterator[int]:
    with tempfile.TemporaryDirectory() as folder:
        source = str(Path(__file__).parents[2] / "operator")
        environment = os.environ | {"PYTHONPATH": source}
        process = subprocess.Popen([sys.executable, "-c", _ENGINE, folder], env=environment, stdout=subprocess.DEVNULL)
        try:
            ready = Path(folder) / "engine.json"
            while not ready.exists():
                if process.poll() is not None:
                    raise SuiteUnavailable("the engine did not start")
                time.sleep(0.05)
            yield int(json.loads(ready.read_text())["url"].rpartition(":")[2])
        finally:
            process.terminate()
            process.wait()


def _wipe(client: Client) -> None:
    """Delete what a test left behind."""
    for path in ("/_ml/datafeeds", "/_ml/anomaly_detectors", "/_ml/calendars", "/_ml/filters"):
        found = client.ask("GET", path).body
        for kind, name in (
            ("datafeeds", "datafeed_id"),
            ("jobs", "job_id"),
            ("calendars", "calendar_id"),
            ("filters", "filter_id"),
        ):
            for one in found.get(kind, ()) if isinstance(found, dict) else ():
                client.ask("DELETE", f"{path}/{one[name]}" + ("?force=true" if kind in {"jobs", "datafeeds"} else ""))
    found = client.ask("GET", "/*/_alias?expand_wildcards=all").body
    names = [name for name in found if not name.startswith(".ml-")] if isinstance(found, dict) else []
    for name in names:
        # A test may have forbidden it.
        unblocked = json.dumps({"index.blocks.read_only": None, "index.blocks.metadata": None}).encode()
        if client.ask("DELETE", f"/{quote(name, safe='')}").status == 403:
            client.ask("PUT", f"/{quote(name, safe='')}/_settings", unblocked, {"content-type": "application/json"})
            client.ask("DELETE", f"/{quote(name, safe='')}")
    for path in ("/_template/*", "/_index_template/*", "/_component_template/*"):
        client.ask("DELETE", path)
    # The tests delete and close by patterns, which a cluster only lets them do when it is told to.
    named = {"persistent": {"action.destructive_requires_name": False}}
    client.ask("PUT", "/_cluster/settings", json.dumps(named).encode(), {"content-type": "application/json"})
    settings = client.ask("GET", "/_cluster/settings?flat_settings=true").body
    if isinstance(settings, dict):
        unset = {
            kind: {name: None for name in settings.get(kind, {}) if name not in named["persistent"]}
            for kind in ("persistent", "transient")
        }
        if any(unset.values()):
            body = json.dumps({kind: names for kind, names in unset.items() if names}).encode()
            client.ask("PUT", "/_cluster/settings", body, {"content-type": "application/json"})


def main() -> int:
    """Run what was asked for; 1 when a test failed that is not listed as known."""
    parser = argparse.ArgumentParser(prog="make rest-suite", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="tests of one's own instead of the published ones")
    parser.add_argument("--only", default="", help="part of a test's name")
    parser.add_argument("--verbose", action="store_true", help="print every failure")
    parser.add_argument("--failures", type=Path, help="write the names of the tests that failed there")
    options = parser.parse_args()
    try:
        chosen = list(
            tests_in(options.folder) if options.folder else (t for t in published_tests() if t.folder in CORE)
        )
        return _run([test for test in chosen if options.only in test.name], options)
    except SuiteUnavailable as error:
        print(f"skipped: {error}")
        return 0


def _run(tests: list[Test], options: argparse.Namespace) -> int:
    rows: dict[str, Counter[str]] = {}
    kinds: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    failed: list[str] = []
    with _engine() as port:
        client = Client(port, apis())
        for test in tests:
            row = rows.setdefault(test.folder, Counter())
            if test.skipped:
                row["skipped"] += 1
                skipped[test.skipped] += 1
                continue
            _wipe(client)
            try:
                Run(client).test(test)
                row["passed"] += 1
            except Mismatch as mismatch:
                row["failed"] += 1
                kinds[mismatch.kind] += 1
                failed.append(test.name)
                if options.verbose:
                    print(f"{test.name}\n    {mismatch.kind}: {mismatch}", flush=True)
    print(f"{'subject':<34}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for folder, row in sorted(rows.items()):
        print(f"{folder:<34}{row['passed']:>8}{row['failed']:>8}{row['skipped']:>9}")
    total: Counter[str] = sum(rows.values(), Counter())
    print(f"{'all':<34}{total['passed']:>8}{total['failed']:>8}{total['skipped']:>9}")
    print("failures began with:", ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))
    print("skipped:", ", ".join(f"{reason} {count}" for reason, count in skipped.most_common()))
    if options.failures:
        options.failures.write_text("".join(f"{name}\n" for name in failed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
