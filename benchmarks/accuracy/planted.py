"""Planted cases of every function that is not judged as a series: documents, and what of them has to be told.

`python -m benchmarks.accuracy functions [--seeds N] [--only WORD]`. Recall is of planted incidents that have a critical
record of their series, value or member; precision, of critical records in the buckets that count, those of incidents;
crit/1000, critical buckets of 1,000 ordinary ones after learning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anomalyops_engine.config import create_job
from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.scoring import JobAnalysis

HOUR_MS = 3_600_000
START_MS = 1_704_067_200_000
"""2024-01-01T00:00:00Z, a Monday."""
CRITICAL = 75.0
DAY = 24

Rows = list[tuple[float, dict[str, Any]]]
"""Documents: hour since the start, and fields."""


@dataclass(frozen=True)
class Planted:
    """Documents of a job in buckets of an hour.

    Attributes:
        rows: The documents.
        hours: Number of buckets.
        incidents: What has to be told: the bucket and the value that tells it apart.
        learnt: First bucket from which ordinary ones count.
    """

    rows: Rows
    hours: int
    incidents: tuple[tuple[int, str], ...]
    learnt: int


@dataclass(frozen=True)
class Form:
    """A detector and the generator of its cases.

    Attributes:
        detector: As a request has it.
        make: The generator.
        told_by: The kind of split whose value tells an incident's series apart.
    """

    detector: dict[str, str]
    make: Callable[[np.random.Generator], Planted]
    told_by: str

    @property
    def name(self) -> str:
        """A name to print."""
        splits = [kind.partition("_")[0] for kind in self.detector if kind.endswith("_field_name")]
        return " ".join([self.detector["function"], *splits])


def _values(rng: np.random.Generator) -> Planted:
    """Twelve hosts with twenty values an hour; three times those of one are far higher and wider spread."""
    hours, rows = 24 * 30, []
    wave = 1.0 + 0.3 * np.sin(2 * np.pi * np.arange(hours) / DAY)
    incidents = [(int(hours * part), f"h{rng.integers(12)}") for part in (0.5, 0.7, 0.9)]
    for hour in range(hours):
        for host in range(12):
            value = rng.normal(100 * wave[hour], 8, 20)
            if (hour, f"h{host}") in incidents:
                value = 100 * wave[hour] + 6 * (value - 100 * wave[hour]) + 150
            rows += [(hour + k / 21, {"host": f"h{host}", "value": v}) for k, v in enumerate(value.tolist())]
    return Planted(rows, hours, tuple(incidents), 24 * 8)


def _names(rng: np.random.Generator) -> Planted:
    """Names that twenty clients look up; twice a client looks up forty that look random."""
    hours, rows = 24 * 30, []
    for hour in range(hours):
        rows += [
            (hour + rng.random(), {"host": f"c{rng.integers(20)}", "value": f"host{rng.integers(60)}.example.com"})
            for _ in range(rng.poisson(60))
        ]
    incidents = [(int(hours * part), f"c{rng.integers(20)}") for part in (0.6, 0.85)]
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz0123456789"))
    for hour, host in incidents:
        rows += [(hour + rng.random(), {"host": host, "value": "".join(rng.choice(letters, 40))}) for _ in range(40)]
    return Planted(rows, hours, tuple(incidents), 24 * 8)


def _processes(rng: np.random.Generator) -> Planted:
    """Processes on sixty hosts at four sites, some of them seldom, some for the first time; three that are new."""
    hours, rows = 24 * 35, []
    names = [f"p{k}" for k in range(40)]
    share = 1.0 / np.arange(1, 41) ** 1.3
    share /= share.sum()
    for hour in range(hours):
        for name in rng.choice(names, rng.poisson(50), p=share):
            host = int(rng.integers(60))
            rows.append((hour + rng.random(), {"process": name, "host": f"h{host}", "site": f"s{host % 4}"}))
    incidents = []
    for k, part in enumerate((0.5, 0.7, 0.9)):
        hour, host = int(hours * part), int(rng.integers(60))
        rows.append((hour + 0.5, {"process": f"new{k}", "host": f"h{host}", "site": f"s{host % 4}"}))
        incidents.append((hour, f"new{k}"))
    return Planted(rows, hours, tuple(incidents), 24 * 8)


def _times(rng: np.random.Generator) -> Planted:
    """Nine users who come by day, in the morning and evening, or around midnight; three times one comes otherwise."""
    days, rows = 56, []
    for user in range(9):
        for day in range(days):
            n = int(rng.poisson(5))
            if user % 3 == 0:
                hour = rng.uniform(8, 18, n)
            elif user % 3 == 1:
                hour = np.where(rng.random(n) < 0.5, rng.normal(8.5, 0.3, n), rng.normal(17.5, 0.4, n))
            else:
                hour = rng.normal(0, 0.8, n) % 24
            rows += [(day * DAY + h, {"user": f"u{user}"}) for h in hour.tolist()]
    incidents = []
    for part, user, hour in ((0.7, 0, 2.5), (0.8, 1, 2.75), (0.9, 2, 12.25)):
        at = int(days * part) * DAY + hour
        rows.append((at, {"user": f"u{user + 3 * int(rng.integers(3))}"}))
        incidents.append((int(at), rows[-1][1]["user"]))
    return Planted(rows, days * DAY, tuple(incidents), 24 * 15)


def _places(rng: np.random.Generator) -> Planted:
    """Nine users at home and at work, on journeys in between; twice one of them is on another continent."""
    plain = _times(rng)
    homes = rng.uniform([-40, -180], [60, 180], (9, 2))
    rows = []
    for hour, fields in plain.rows:
        home = homes[int(fields["user"][1:])]
        lat, lon = (home + (rng.random() < 0.4) * np.array([0.5, -0.6]) + rng.normal(0, 0.03, 2)).tolist()
        rows.append((hour, {**fields, "place": f"{lat!r},{(lon + 180) % 360 - 180!r}"}))
    incidents = []
    for hour, user in plain.incidents:
        lat, lon = (homes[int(user[1:])] + np.array([15.0, 25.0])).tolist()
        place = f"{min(lat, 80.0)!r},{(lon + 180) % 360 - 180!r}"
        rows = [row for row in rows if not (int(row[0]) == hour and row[1]["user"] == user)]
        rows.append((hour + 0.5, {"user": user, "place": place}))
        incidents.append((hour, user))
    return Planted(rows, plain.hours, tuple(incidents), plain.learnt)


def _clients(rng: np.random.Generator) -> Planted:
    """Two thousand clients who come and go, with sizes of their own, one of them by far the largest; two scanners."""
    hours, rows = 24 * 30, []
    for hour in range(hours):
        busy = 0.3 + np.clip(np.sin(2 * np.pi * (hour % DAY - 7) / DAY), 0, 1)
        first = hour * 2
        for client in first + rng.integers(0, 500, rng.poisson(60 * busy)):
            n = 1 + int(rng.poisson(0.5))
            rows += [(hour + rng.random(), {"client": f"c{client}", "value": v}) for v in rng.gamma(3, 10, n).tolist()]
    incidents = [(int(hours * part), f"c{int(hours * part) * 2 + 100}") for part in (0.5, 0.8)]
    for hour, client in incidents:
        rows += [(hour + rng.random(), {"client": client, "value": v}) for v in rng.gamma(3, 100, 60).tolist()]
    return Planted(rows, hours, tuple(incidents), 24 * 8)


def _forms() -> Iterator[Form]:
    for function in ("metric", "median", "varp", "mean"):
        for kind in ("by", "over", "partition"):
            yield Form({"function": function, "field_name": "value", f"{kind}_field_name": "host"}, _values, kind)
    yield Form({"function": "high_info_content", "field_name": "value", "by_field_name": "host"}, _names, "by")
    yield Form({"function": "high_info_content", "field_name": "value", "over_field_name": "host"}, _names, "over")
    rare = {"function": "rare", "by_field_name": "process"}
    yield Form(rare, _processes, "by")
    yield Form({**rare, "partition_field_name": "site"}, _processes, "by")
    for function in ("rare", "freq_rare"):
        over = {"function": function, "by_field_name": "process", "over_field_name": "host"}
        yield Form(over, _processes, "by")
        yield Form({**over, "partition_field_name": "site"}, _processes, "by")
    for function in ("time_of_day", "time_of_week"):
        yield Form({"function": function, "by_field_name": "user"}, _times, "by")
    for kind in ("by", "over"):
        yield Form({"function": "lat_long", "field_name": "place", f"{kind}_field_name": "user"}, _places, kind)
    yield Form({"function": "high_count", "over_field_name": "client"}, _clients, "over")
    yield Form({"function": "high_sum", "field_name": "value", "over_field_name": "client"}, _clients, "over")
    yield Form({"function": "max", "field_name": "value", "over_field_name": "client"}, _clients, "over")


def _analysed(form: Form, case: Planted) -> tuple[set[tuple[int, str]], npt.NDArray[np.int64]]:
    """The critical records after learning, by bucket and telling value, and the critical buckets."""
    columns: dict[str, Any] = {
        "time": (START_MS + np.array([hour for hour, _ in case.rows]) * HOUR_MS).astype(np.int64)
    }
    for name in case.rows[0][1]:
        columns[name] = pa.array([fields[name] for _, fields in case.rows])
    body = {
        "analysis_config": {"bucket_span": "1h", "detectors": [form.detector]},
        "data_description": {"time_field": "time"},
    }
    job, _ = create_job(body, job_id="planted", now_ms=0)
    with duckdb.connect() as connection:
        connection.register("documents", pa.table(columns))
        documents = Documents(Table("documents"), {name: name for name in columns})
        results = JobAnalysis(job).analyse(
            connection, documents, start_ms=START_MS, end_ms=START_MS + case.hours * HOUR_MS
        )

    def at(document: dict[str, Any]) -> int:
        return int((document["timestamp"] - START_MS) // HOUR_MS)

    told = {
        (at(record), cause.get(f"{form.told_by}_field_value", ""))
        for record in results.records
        if record["initial_record_score"] >= CRITICAL and at(record) >= case.learnt
        for cause in record.get("causes", [record])
    }
    loud = [at(b) for b in results.buckets if b["initial_anomaly_score"] >= CRITICAL and at(b) >= case.learnt]
    return told, np.array(loud, dtype=np.int64)


def print_table(seeds: int, only: str = "", first_seed: int = 0) -> None:
    """Print a line for each function and form."""
    print(f"{'function':<36}{'cases':>6}{'recall':>8}{'precision':>10}{'crit/1000':>11}")
    for form in _forms():
        if only in form.name:
            print(_line(form, [form.make(np.random.default_rng([7, seed])) for seed in _seeds(seeds, first_seed)]))


def _seeds(number: int, first: int) -> range:
    return range(first, first + number)


def _line(form: Form, cases: Sequence[Planted]) -> str:
    found = wanted = right = said = disturbed = ordinary = 0
    for case in cases:
        told, loud = _analysed(form, case)
        incidents = set(case.incidents)
        hours = np.array([hour for hour, _ in incidents])
        wanted, found = wanted + len(incidents), found + len(incidents & told)
        said, right = said + len(told), right + sum(hour in hours for hour, _ in told)
        disturbed += int((~np.isin(loud, hours)).sum())
        ordinary += case.hours - case.learnt - len(hours)
    precision = f"{right / said:.2f}" if said else "-"
    rate = 1000 * disturbed / max(ordinary, 1)
    return f"{form.name:<36}{len(cases):>6}{found / wanted:>8.2f}{precision:>10}{rate:>11.2f}"
