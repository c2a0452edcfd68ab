"""Records a second of whole lookbacks through REST: from `_start` until the job is closed and its last bucket is found.

Run: python -m benchmarks.lookback [--scale 0.25] [--only NAME] [--engine FOLDER ...]

Four inputs (one long series, a thousand partitions, a population, a count over five partitions) are drawn at a share
of their full size, go in through `_bulk`, and are analysed twice by jobs of their own; the better time counts. Each
`--engine` is a source folder (`operator` of a checkout): all are measured in one run, input by input, so that figures
of the same row can be compared on a machine that others use too. There, seconds of the processor say more than those of
the clock: they are the engine's alone, of all its threads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np

START_MS = 1_704_067_200_000
_BATCH = 20_000
_SERVE = "import sys; from pathlib import Path; from anomalyops_engine.server import serve; serve(Path(sys.argv[1]), '127.0.0.1', 0)"  # noqa: E501


@dataclass(frozen=True)
class Input:
    """Documents by column, and the detector that reads them."""

    name: str
    span: str
    span_ms: int
    buckets: int
    columns: dict[str, Any]
    detector: dict[str, str]


def _season(t: Any, phase: Any = 0.0) -> Any:
    day = 2 * np.pi * (t % 86400) / 86400
    return 10 * np.sin(day + phase) + 3 * np.cos(2 * day + phase) + 2 * np.sin(2 * np.pi * (t % 604800) / 604800)


def _single(scale: float) -> Input:
    g, n = np.random.default_rng(1), int(100_000 * scale)
    t = 300 * np.arange(n)
    value = 100 + _season(t) + g.normal(0, 2, n)
    value[g.choice(n, n // 1600, replace=False)] += 30
    columns = {"time": START_MS + 1000 * (t + g.integers(0, 300, n)), "value": np.round(value, 4)}
    return Input("one series", "5m", 300_000, n, columns, {"function": "mean", "field_name": "value"})


def _partitions(scale: float) -> Input:
    g, n, buckets = np.random.default_rng(2), 1000, int(2000 * scale)
    t = np.repeat(300 * np.arange(buckets), n)
    host = np.tile(np.arange(n), buckets)
    size, phase = g.lognormal(3, 1, n), g.uniform(0, 2 * np.pi, n)
    value = size[host] * (5 + _season(t, phase[host]) / 10 + 0.2 * g.normal(0, 1, len(t)))
    names = np.array([f"host-{k:04d}" for k in range(n)])[host]
    columns = {"time": START_MS + 1000 * (t + g.integers(0, 300, len(t))), "value": np.round(value, 4), "host": names}
    detector = {"function": "mean", "field_name": "value", "partition_field_name": "host"}
    return Input("1000 partitions", "5m", 300_000, buckets, columns, detector)


def _population(scale: float) -> Input:
    g, n, buckets = np.random.default_rng(3), 1000, int(500 * scale)
    count = g.poisson(2.0, (buckets, n))
    bucket = np.repeat(np.arange(buckets), count.sum(1))
    client = np.repeat(np.tile(np.arange(n), buckets), count.ravel())
    columns = {
        "time": START_MS + 1000 * (900 * bucket + g.integers(0, 900, len(bucket))),
        "dest": g.zipf(1.3, len(bucket)) % 5000,
        "client": np.array([f"10.0.{k // 256}.{k % 256}" for k in range(n)])[client],
    }
    detector = {"function": "high_distinct_count", "field_name": "dest", "over_field_name": "client"}
    return Input("population of 1000", "15m", 900_000, buckets, columns, detector)


def _count(scale: float) -> Input:
    g, n, buckets = np.random.default_rng(4), int(2_000_000 * scale), 1000
    t = np.sort(g.integers(0, buckets * 3600, n))
    status = np.array(["200", "301", "404", "500", "503"])[g.choice(5, n, p=[0.6, 0.2, 0.1, 0.07, 0.03])]
    columns = {"time": START_MS + 1000 * t, "status": status}
    return Input(
        "count of 5", "1h", 3_600_000, buckets, columns, {"function": "count", "partition_field_name": "status"}
    )


INPUTS = {"single": _single, "partitions": _partitions, "population": _population, "count": _count}


class Engine:
    """A running engine, spoken to through REST."""

    def __init__(self, port: int, pid: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=600)
        self._pid = pid

    def processor_s(self) -> float:
        """Return the seconds that the processor has worked for the engine; nan where the system does not say."""
        try:
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def call(self, method: str, path: str, body: bytes | dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and return the answer's object; an answer that is an error ends the measurement."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        kind = "application/x-ndjson" if path.endswith("_bulk") else "application/json"
        self._connection.request(method, path, data, {"content-type": kind})
        response = self._connection.getresponse()
        text = response.read()
        answer: dict[str, Any] = json.loads(text)
        if response.status >= 400 or answer.get("errors"):
            raise RuntimeError(text.decode()[:2000])
        return answer


@contextmanager
def _engine(source: Path) -> Iterator[Engine]:
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPATH": str(source)}
        server = subprocess.Popen([sys.executable, "-c", _SERVE, folder], env=environment)
        try:
            ready = Path(folder) / "engine.json"
            while not ready.exists():
                if server.poll() is not None:
                    raise RuntimeError("the engine did not start")
                time.sleep(0.05)
            yield Engine(int(json.loads(ready.read_text())["url"].rpartition(":")[2]), server.pid)
        finally:
            server.terminate()
            server.wait()


def _load(engine: Engine, item: Input) -> None:
    kinds = {"i": "long", "f": "double", "U": "keyword"}
    properties = {name: {"type": kinds[column.dtype.kind]} for name, column in item.columns.items()}
    engine.call("PUT", "/data", {"mappings": {"properties": properties | {"time": {"type": "date"}}}})
    names = list(item.columns)
    for left in range(0, len(item.columns["time"]), _BATCH):
        rows = zip(*(item.columns[name][left : left + _BATCH].tolist() for name in names), strict=True)
        lines = "".join('{"index":{}}\n' + json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)
        engine.call("POST", "/data/_bulk", lines.encode())


def _analyse(engine: Engine, item: Input, job: str) -> tuple[float, float, dict[str, Any]]:
    """Seconds of one lookback over everything, those of the processor, and the job's `model_size_stats`."""
    body = {
        "analysis_config": {"bucket_span": item.span, "detectors": [item.detector], "influencers": []},
        "analysis_limits": {"model_memory_limit": "4096mb"},
        "data_description": {"time_field": "time"},
        "datafeed_config": {"datafeed_id": job, "indices": ["data"]},
    }
    engine.call("PUT", f"/_ml/anomaly_detectors/{job}", body)
    engine.call("POST", f"/_ml/anomaly_detectors/{job}/_open")
    end_ms = START_MS + item.buckets * item.span_ms
    last = f"/_ml/anomaly_detectors/{job}/results/buckets?start={end_ms - item.span_ms}"
    begin, worked_s = time.perf_counter(), engine.processor_s()
    engine.call("POST", f"/_ml/datafeeds/{job}/_start?end={end_ms}")
    while True:
        (stats,) = engine.call("GET", f"/_ml/anomaly_detectors/{job}/_stats")["jobs"]
        if stats["state"] != "opened":
            break
        time.sleep(0.01)
    if stats["state"] != "closed" or engine.call("GET", last)["count"] != 1:
        raise RuntimeError(f"the lookback did not reach its end: {stats}")
    return time.perf_counter() - begin, engine.processor_s() - worked_s, stats["model_size_stats"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.25, help="share of the full sizes")
    parser.add_argument("--only", choices=sorted(INPUTS), action="append")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--engine", type=Path, action="append", help="source folder of an engine")
    options = parser.parse_args()
    engines = options.engine or [Path(__file__).parents[1] / "operator"]
    print(
        f"{'input':<20}{'records':>10}{'seconds':>9}{'cpu s':>8}{'records/s':>12}{'model kB':>10}{'load':>6}  engine",
        flush=True,
    )
    for name, make in INPUTS.items():
        if options.only and name not in options.only:
            continue
        item = make(options.scale)
        records = len(item.columns["time"])
        for source in engines:
            with _engine(source) as engine:
                _load(engine, item)
                took, worked_s, size = min(
                    (_analyse(engine, item, f"speed-{run}") for run in range(options.runs)), key=lambda run: run[0]
                )
            kilobytes = size["model_bytes"] / 1024
            seconds = f"{took:>9.2f}{worked_s:>8.2f}{records / took:>12,.0f}"
            figures = f"{records:>10}{seconds}{kilobytes:>10.0f}{os.getloadavg()[0]:>6.1f}"
            print(f"{item.name:<20}{figures}  {source}", flush=True)


if __name__ == "__main__":
    main()
