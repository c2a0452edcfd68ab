"""What small writes cost: documents from several clients, bulk requests out of order, jobs beside many others; and for
how long clients wait that load without a pause, while what they wrote is brought into the file.

Everything is measured in one process, without HTTP. Run: python -m benchmarks.writes [--jobs 3000] [--seconds 30]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from anomalyops_engine.api.bulk import run_bulk
from anomalyops_engine.api.bulk_body import Defaults, parse_bulk
from anomalyops_engine.jobs import JobService
from anomalyops_engine.store import Store

_Line = dict[str, Any]


def _body(operations: Sequence[Sequence[_Line]]) -> bytes:
    return "".join(json.dumps(line) + "\n" for operation in operations for line in operation).encode()


def _orders(count: int) -> dict[str, list[list[_Line]]]:
    """Return bulk requests by what alternates in them."""

    def write(kind: str, number: int, index: str = "a") -> list[_Line]:
        return [{kind: {"_index": index, "_id": str(number)}}, {"n": number, "m": "x"}]

    def update(number: int) -> list[_Line]:
        return [{"update": {"_index": "a", "_id": str(number)}}, {"doc": {"n": -number}, "doc_as_upsert": True}]

    half = range(count // 2)
    return {
        "nothing": [write("index", number) for number in range(count)],
        "two indices": [write("index", number, "ab"[number % 2]) for number in range(count)],
        "index and create": [write(("index", "create")[number % 2], number) for number in range(count)],
        "seven ids": [write("index", number % 7) for number in range(count)],
        "index and delete": [
            one for n in half for one in (write("index", n), [{"delete": {"_index": "a", "_id": str(n)}}])
        ],
        "index and update": [one for n in half for one in (write("index", n), update(n))],
        "one id, updated": [[update(1)[0], {"doc": {"n": number}, "doc_as_upsert": True}] for number in range(count)],
    }


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _bulk_orders(store: Store) -> None:
    print("\n4,000 operations in one bulk request, alternating in          ms")
    for name, operations in _orders(4000).items():
        parsed = parse_bulk(_body(operations), Defaults())
        print(f"  {name:52} {_timed(partial(run_bulk, store, parsed)) * 1000:10.0f}")


def _fsync_ms(folder: Path) -> float:
    """Return what it takes to have 500 bytes on the disk."""
    took = []
    with (folder / "probe").open("wb") as file:
        for _ in range(50):
            file.write(b"x" * 500)
            file.flush()
            took.append(_timed(lambda: os.fsync(file.fileno())))
    return statistics.median(took) * 1000


def _run_all(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _single_writes(store: Store, each: int) -> None:
    print("\nclients that write single documents       writes/s     median ms      most ms")
    for clients in (1, 2, 4, 8, 16):
        took: list[float] = []

        def client(number: int, took: list[float] = took, clients: int = clients) -> None:
            for at in range(each):
                line = {"index": {"_index": "single", "_id": f"{clients}-{number}-{at}"}}
                parsed = parse_bulk(_body([[line, {"n": at}]]), Defaults())
                took.append(_timed(partial(run_bulk, store, parsed)))

        threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
        seconds = _timed(partial(_run_all, threads))
        print(
            f"  {clients:36} {clients * each / seconds:12,.0f} {statistics.median(took) * 1000:13.1f} "
            f"{max(took) * 1000:12.1f}"
        )


def _pauses(store: Store, seconds: float) -> None:
    """Print what requests of clients wait that write all the time."""
    until, took = time.monotonic() + seconds, []  # type: tuple[float, list[float]]
    before = store.figures()

    def client(number: int) -> None:
        rng = random.Random(number)
        while time.monotonic() < until:
            lines: list[list[_Line]] = [
                [
                    {"index": {"_index": "loaded"}},
                    {"n": n, "took": rng.random(), "text": f"{rng.getrandbits(512):0128x}"},
                ]
                for n in range(1000)
            ]
            parsed = parse_bulk(_body(lines), Defaults())
            took.append(_timed(partial(run_bulk, store, parsed)))

    _run_all([threading.Thread(target=client, args=(number,)) for number in range(4)])
    took.sort()
    figures = store.figures()
    print("\n4 clients that load 1,000 documents at a time, without a pause")
    print("  documents/s     median ms      99 % ms      most ms  checkpoints      file MB")
    print(
        f"  {1000 * len(took) / seconds:11,.0f} {took[len(took) // 2] * 1000:13,.0f} "
        f"{took[int(0.99 * len(took))] * 1000:12,.0f} {took[-1] * 1000:12,.0f} "
        f"{figures.checkpoints - before.checkpoints:12} {figures.file_bytes / 2**20:12,.0f}"
    )


def _job(field: str) -> _Line:
    return {
        "analysis_config": {"bucket_span": "15m", "detectors": [{"function": "mean", "field_name": field}]},
        "data_description": {"time_field": "@timestamp"},
    }


def _creations(folder: Path, jobs: int, *, own_index: bool) -> None:
    store = Store.open(folder)
    service = JobService(store)
    service.start()
    try:
        print(f"\njobs, {'an index of results each' if own_index else 'shared results'}: there already   PUT job ms")
        took: list[float] = []
        for number in range(jobs):
            body = _job("cpu") | ({"results_index_name": f"own-{number}"} if own_index else {})
            took.append(_timed(partial(service.jobs.create, f"job-{number}", body)))
            if number + 1 in {50, jobs // 3, 2 * jobs // 3, jobs}:
                print(f"  {number + 1:44,} {statistics.median(took[-50:]) * 1000:12.1f}")
    finally:
        service.stop()
        store.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--writes", type=int, default=200, help="single documents of each client")
    parser.add_argument("--seconds", type=float, default=30, help="of loading without a pause")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"fsync of 500 bytes: {_fsync_ms(folder):.2f} ms")
        store = Store.open(folder / "writes")
        _bulk_orders(store)
        _single_writes(store, options.writes)
        _pauses(store, options.seconds)
        store.close()
        _creations(folder / "shared", options.jobs, own_index=False)
        _creations(folder / "own", options.jobs // 6, own_index=True)


if __name__ == "__main__":
    main()
