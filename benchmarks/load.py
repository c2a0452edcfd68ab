"""A server under many clients at once: how long each kind of request takes, what fails, and how much memory it takes.

An engine in a process of its own is asked by clients that write, search, aggregate, look at documents and jobs, with a
job that analyses what they write; each client sends its next request when it has the answer to the last. A probe in a
process of its own, so that it waits for no client, asks for `/_health` ten times a second meanwhile. Printed are
percentiles by kind of request, answers that are no success, what a request costs of the processor, and the memory of
the process every half a minute. Also printed is how long the thread of the engine's event loop, which answers the
probe, worked and how long it was ready to and had no processor: where that is much, the probe tells of the machine.

Run: python -m benchmarks.load [--clients 200] [--minutes 10] [--heavy 0.02] [--engine FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp

_SERVE = "import sys; from pathlib import Path; from anomalyops_engine.server import serve; serve(Path(sys.argv[1]), '127.0.0.1', 0)"  # noqa: E501
_FIRST = 200_000
_BULK = 200
_INDEX = "load"
_Request = tuple[str, str, str, bytes | None]


def _documents(rng: random.Random, count: int, now_ms: int) -> bytes:
    lines = []
    for _ in range(count):
        body = {
            "time": now_ms - rng.randrange(3_600_000),
            "host": f"host-{rng.randrange(200)}",
            "status": rng.choice(("200", "200", "200", "404", "500")),
            "took": rng.expovariate(0.01),
        }
        lines += ['{"index":{}}', json.dumps(body)]
    return ("\n".join(lines) + "\n").encode()


def _heavy(rng: random.Random) -> dict[str, Any]:
    """A question over everything: each host by minute with percentiles."""
    inner = {"p": {"percentiles": {"field": "took"}}, "n": {"cardinality": {"field": "host"}}}
    by_minute = {"date_histogram": {"field": "time", "fixed_interval": "1m"}, "aggs": inner}
    return {"size": 0, "aggs": {"hosts": {"terms": {"field": "host", "size": 200}, "aggs": {"t": by_minute}}}}


def _request(rng: random.Random, heavy: float) -> _Request:
    """Return kind, method, path and body of the next request of a client."""
    now_ms, host = int(time.time() * 1000), f"host-{rng.randrange(200)}"
    if rng.random() < heavy:
        return "heavy search", "POST", f"/{_INDEX}/_search", json.dumps(_heavy(rng)).encode()
    since = {"range": {"time": {"gte": now_ms - rng.randrange(1, 60) * 60_000}}}
    query = {"bool": {"filter": [since, {"term": {"host": host}}]}}
    by_minute = {"date_histogram": {"field": "time", "fixed_interval": "1m"}, "aggs": {"m": {"max": {"field": "took"}}}}
    esql = f"FROM {_INDEX} | WHERE host == ?h | STATS n = COUNT(*), worst = MAX(took) BY status"
    kinds: list[tuple[float, Callable[[], _Request]]] = [
        (0.20, lambda: ("bulk of 200", "POST", f"/{_INDEX}/_bulk", _documents(rng, _BULK, now_ms))),
        (
            0.10,
            lambda: ("one document", "POST", f"/{_INDEX}/_doc", json.dumps({"time": now_ms, "host": host}).encode()),
        ),
        (0.25, lambda: ("search", "POST", f"/{_INDEX}/_search", json.dumps({"size": 20, "query": query}).encode())),
        (
            0.20,
            lambda: (
                "aggregation",
                "POST",
                f"/{_INDEX}/_search",
                json.dumps({"size": 0, "query": since, "aggs": {"t": by_minute}}).encode(),
            ),
        ),
        (0.05, lambda: ("count", "POST", f"/{_INDEX}/_count", json.dumps({"query": query}).encode())),
        (0.05, lambda: ("ES|QL", "POST", "/_query", json.dumps({"query": esql, "params": [{"h": host}]}).encode())),
        (0.10, lambda: ("job stats", "GET", "/_ml/anomaly_detectors/_stats", None)),
        (0.05, lambda: ("records", "GET", f"/_ml/anomaly_detectors/{_INDEX}/results/records", None)),
    ]
    return rng.choices([make for _, make in kinds], [share for share, _ in kinds])[0]()


class _Tally:
    """What was seen."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)
        self.failed: Counter[str] = Counter()


async def _ask(session: aiohttp.ClientSession, tally: _Tally, request: _Request) -> Any:
    kind, method, path, body = request
    headers = (
        {} if body is None else {"Content-Type": "application/x-ndjson" if "_bulk" in path else "application/json"}
    )
    began = time.perf_counter()
    try:
        async with session.request(method, path, data=body, headers=headers) as answer:
            raw = await answer.read()
    except aiohttp.ClientError as error:
        tally.failed[f"{kind}: {type(error).__name__}"] += 1
        return None
    tally.took[kind].append(time.perf_counter() - began)
    found = json.loads(raw)
    if answer.status >= 300 or (isinstance(found, dict) and (found.get("errors") or found.get("timed_out"))):
        reason = found.get("error", {}).get("type", "errors") if isinstance(found, dict) else ""
        tally.failed[f"{kind}: {answer.status} {reason}"] += 1
    return found


async def _client(session: aiohttp.ClientSession, tally: _Tally, seed: int, until: float, heavy: float) -> None:
    rng = random.Random(seed)
    while time.monotonic() < until:
        await _ask(session, tally, _request(rng, heavy))


def _probe(url: str, seconds: float) -> list[float]:
    """Ask how the engine is again and again; returns how long each answer took."""
    took, until = [], time.monotonic() + seconds
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.request("GET", "/_health")
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"/_health answered {answer.status}")
        took.append(time.perf_counter() - began)
        time.sleep(0.1)
    return took


def _worked(pid: int) -> float:
    """Return what a process had of the processor, seconds."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _loop_thread(pid: int) -> tuple[float, float]:
    """Return how long the main thread of a process worked, and was ready to and had no processor, seconds."""
    worked, waited, _ = Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()
    return int(worked) / 1e9, int(waited) / 1e9


def _resident(pid: int) -> float:
    """Return the memory of a process, MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _watch(pid: int, folder: Path, until: float, seen: list[float]) -> None:
    began = time.monotonic()
    while time.monotonic() < until:
        seen.append(_resident(pid))
        sizes = {end: (folder / f"engine.duckdb{end}") for end in ("", ".wal")}
        size = {end: path.stat().st_size / 2**20 if path.exists() else 0.0 for end, path in sizes.items()}
        print(
            f"  {time.monotonic() - began:5.0f} s  memory {seen[-1]:7.0f} MB  file {size['']:7.0f} MB  "
            f"log {size['.wal']:6.0f} MB",
            flush=True,
        )
        await asyncio.sleep(min(30, max(0.1, until - time.monotonic())))


async def _prepare(session: aiohttp.ClientSession, tally: _Tally) -> None:
    fields = {
        "time": {"type": "date"},
        "host": {"type": "keyword"},
        "status": {"type": "keyword"},
        "took": {"type": "double"},
    }
    mapping = json.dumps({"mappings": {"properties": fields}}).encode()
    await _ask(session, tally, ("set up", "PUT", f"/{_INDEX}", mapping))
    rng = random.Random(0)
    for _ in range(_FIRST // 10_000):
        body = _documents(rng, 10_000, int(time.time() * 1000))
        await _ask(session, tally, ("set up", "POST", f"/{_INDEX}/_bulk", body))
    job = {
        "analysis_config": {"bucket_span": "1m", "detectors": [{"function": "mean", "field_name": "took"}]},
        "data_description": {"time_field": "time"},
        "datafeed_config": {"datafeed_id": _INDEX, "indices": [_INDEX], "frequency": "5s", "query_delay": "1s"},
    }
    base = "/_ml/anomaly_detectors"
    await _ask(session, tally, ("set up", "PUT", f"{base}/{_INDEX}", json.dumps(job).encode()))
    await _ask(session, tally, ("set up", "POST", f"{base}/{_INDEX}/_open", None))
    await _ask(session, tally, ("set up", "POST", f"/_ml/datafeeds/{_INDEX}/_start", None))


async def _run(url: str, pid: int, folder: Path, clients: int, minutes: float, heavy: float) -> None:
    tally, seen = _Tally(), []  # type: tuple[_Tally, list[float]]
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as session:
        await _prepare(session, tally)
        began, until, worked = time.monotonic(), time.monotonic() + minutes * 60, _worked(pid)
        loop_before = _loop_thread(pid)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            probe = asyncio.get_running_loop().run_in_executor(pool, _probe, url, minutes * 60)
            await asyncio.gather(
                _watch(pid, folder, until, seen),
                *(_client(session, tally, seed, until, heavy) for seed in range(clients)),
            )
            tally.took["probe"] = await probe
        seconds, worked = time.monotonic() - began, _worked(pid) - worked
        loop_worked, loop_waited = (now - before for now, before in zip(_loop_thread(pid), loop_before, strict=True))
    _print(tally, seen, clients, seconds, worked, _resident(pid))
    print(f"event loop: worked {loop_worked:.1f} s, ready without a processor {loop_waited:.1f} s of {seconds:.0f} s")


def _print(tally: _Tally, seen: list[float], clients: int, seconds: float, worked: float, last: float) -> None:
    tally.took.pop("set up", None)
    total = sum(len(times) for kind, times in tally.took.items() if kind != "probe")
    print(
        f"\n{clients} clients, {seconds:.0f} s, {total / seconds:,.1f} requests a second, each "
        f"{1000 * worked / total:.1f} ms of the processor ({worked / seconds:.2f} processors); milliseconds"
    )
    print(f"  {'':14} {'requests':>9} {'p50':>8} {'p95':>8} {'p99':>8} {'most':>8}")
    for kind, times in sorted(tally.took.items()):
        ordered = sorted(times)
        at = [ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000 for share in (0.5, 0.95, 0.99, 1.0)]
        print(f"  {kind:14} {len(times):9,} " + " ".join(f"{value:8.0f}" for value in at))
    print("\nanswers that are no success")
    for what, count in tally.failed.most_common() or [("none", 0)]:
        print(f"  {what:60} {count:6,}")
    print(f"\nmemory: {seen[0]:.0f} MB at the start, {max(seen):.0f} MB at most, {last:.0f} MB at the end")


def main() -> None:
    """Parse the arguments, run an engine, ask it, stop it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--heavy", type=float, default=0.02, help="share of requests that ask about everything")
    parser.add_argument("--engine", type=Path, default=Path(__file__).parent.parent / "operator")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        environment = {**os.environ, "PYTHONPATH": str(given.engine)}
        process = subprocess.Popen([sys.executable, "-c", _SERVE, folder], env=environment, stdout=subprocess.DEVNULL)
        try:
            while not (data / "engine.json").exists():
                if process.poll() is not None:
                    sys.exit("the engine did not start")
                time.sleep(0.05)
            url = json.loads((data / "engine.json").read_text())["url"]
            asyncio.run(_run(url, process.pid, data, given.clients, given.minutes, given.heavy))
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    main()
