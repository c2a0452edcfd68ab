"""How fast log documents go in through `_bulk`, and how fast questions about them are answered.

Run: python -m benchmarks.ingest [--documents 200000] [--batch 5000] [--clients 1] [--no-questions]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

_HEADERS = {"content-type": "application/x-ndjson"}
_START_MS = 1_767_225_600_000


def _serve(folder: str) -> None:
    from anomalyops_engine.server import serve  # noqa: PLC0415 (only the child process serves)

    serve(Path(folder), "127.0.0.1", 0)


def _documents(count: int, seed: int) -> Iterator[bytes]:
    """Yield log documents of ten fields, one a millisecond."""
    source = random.Random(seed)
    hosts = [f"web-{number:02d}" for number in range(40)]
    paths = [f"/shop/item/{number}" for number in range(500)]
    for number in range(count):
        moment = time.gmtime((_START_MS + number) // 1000)
        yield json.dumps(
            {
                "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", moment) + f".{number % 1000:03d}Z",
                "host": source.choice(hosts),
                "clientip": f"10.{source.randrange(4)}.{source.randrange(256)}.{source.randrange(256)}",
                "method": source.choice(("GET", "GET", "GET", "POST")),
                "url": source.choice(paths),
                "status": source.choice((200, 200, 200, 200, 304, 404, 500)),
                "bytes": source.randrange(200, 50_000),
                "took": round(source.expovariate(10), 4),
                "agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/126.0",
                "tls": source.random() < 0.9,
            }
        ).encode()


def _bodies(count: int, batch: int) -> list[bytes]:
    bodies, lines = [], []
    for document in _documents(count, 7):
        lines += [b'{"index":{}}', document]
        if len(lines) == 2 * batch:
            bodies.append(b"\n".join(lines) + b"\n")
            lines = []
    if lines:
        bodies.append(b"\n".join(lines) + b"\n")
    return bodies


def _send(port: int, bodies: list[bytes], took: list[float]) -> None:
    connection = HTTPConnection("127.0.0.1", port)
    while True:
        try:
            body = bodies.pop()
        except IndexError:
            return
        began = time.perf_counter()
        connection.request("POST", "/logs/_bulk?filter_path=errors", body, _HEADERS)
        answer = json.loads(connection.getresponse().read())
        took.append(time.perf_counter() - began)
        if answer.get("errors") is not False:
            raise RuntimeError(f"the bulk request was refused: {answer}")


def _cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, which other processes on the machine hardly change."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _settle(pid: int) -> None:
    """Wait until a server that has just started has compiled its learners."""
    for _ in range(300):
        used = _cpu_seconds(pid)
        time.sleep(1)
        if _cpu_seconds(pid) - used < 0.1:
            return


def _questions(documents: int) -> dict[str, dict[str, Any]]:
    middle = _START_MS + documents // 4
    part = {"range": {"@timestamp": {"gte": middle, "lt": middle + documents // 2, "format": "epoch_millis"}}}
    status = {"terms": {"status": [404, 500]}}
    every = f"{max(1, documents // 1000)}ms"
    return {
        "range + terms, date_histogram": {
            "size": 0,
            "query": {"bool": {"filter": [part, status]}},
            "aggs": {"t": {"date_histogram": {"field": "@timestamp", "fixed_interval": every}}},
        },
        "terms over all": {"size": 0, "aggs": {"ip": {"terms": {"field": "clientip.keyword", "size": 10}}}},
        "date_histogram > terms > avg": {
            "size": 0,
            "aggs": {
                "t": {
                    "date_histogram": {"field": "@timestamp", "fixed_interval": every},
                    "aggs": {
                        "h": {"terms": {"field": "host.keyword"}, "aggs": {"took": {"avg": {"field": "took"}}}},
                    },
                }
            },
        },
        "cardinality + percentiles": {
            "size": 0,
            "aggs": {
                "ip": {"cardinality": {"field": "clientip.keyword"}},
                "took": {"percentiles": {"field": "took"}},
            },
        },
        "newest ten by filter": {"size": 10, "query": status, "sort": [{"@timestamp": "desc"}]},
    }


def _ask(port: int, body: dict[str, Any]) -> float:
    connection = HTTPConnection("127.0.0.1", port)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        connection.request("POST", "/logs/_search", json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(answer.decode())
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def main() -> None:
    """Start an engine, load it, question it, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--no-questions", dest="questions", action="store_false", help="load only")
    options = parser.parse_args()
    bodies = _bodies(options.documents, options.batch)
    size = sum(map(len, bodies))
    with tempfile.TemporaryDirectory() as folder:
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder,))
        server.start()
        try:
            ready = Path(folder) / "engine.json"
            while not ready.exists():
                if not server.is_alive():
                    raise RuntimeError("the engine did not start")
                time.sleep(0.05)
            port = int(json.loads(ready.read_text())["url"].rpartition(":")[2])
            took: list[float] = []
            _settle(server.pid or 0)
            used = _cpu_seconds(server.pid or 0)
            began = time.perf_counter()
            senders = [threading.Thread(target=_send, args=(port, bodies, took)) for _ in range(options.clients)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            seconds = time.perf_counter() - began
            used = _cpu_seconds(server.pid or 0) - used
            print(
                f"bulk: {options.documents} documents of {size / options.documents:.0f} bytes, {options.batch} each, "
                f"{options.clients} client(s): {seconds:.2f} s, {options.documents / seconds:,.0f} documents/s, "
                f"{size / seconds / 1e6:.0f} MB/s, median request {statistics.median(took) * 1000:.0f} ms, "
                f"{used / options.documents * 1e6:.1f} us of the processor each"
            )
            for name, body in _questions(options.documents).items() if options.questions else ():
                print(f"search: {name}: {_ask(port, body) * 1000:.1f} ms (median of 5)")
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
