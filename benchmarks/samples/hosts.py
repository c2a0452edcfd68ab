"""Jobs of hosts, services and their logs: utilisation, outages, latencies, log rates and categories."""

from __future__ import annotations

from typing import Any

import numpy as np
from benchmarks.samples.sample import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    Array,
    Columns,
    Data,
    Incident,
    Sample,
    arrivals,
    busy,
    chosen,
    joined,
    moment,
)

_DAYS = 14
_HOSTS = tuple(f"host-{n:02d}" for n in range(12))


def _readings(minutes: float) -> tuple[Array, Array]:
    """Times of regular readings and the hosts' numbers, every host at every time."""
    time = np.arange(0, _DAYS * DAY_S, minutes * MINUTE_S)
    return np.repeat(time, len(_HOSTS)), np.tile(np.arange(len(_HOSTS)), len(time))


def _below(field: str, least: float) -> dict[str, Any]:
    """A rule: values below this are no news, whatever they are."""
    return {"actions": ["skip_result"], "conditions": [{"applies_to": "actual", "operator": "lt", "value": least}]}


def _disks(rng: np.random.Generator) -> Data:
    time, host = _readings(5)
    used = rng.uniform(0.3, 0.7, len(_HOSTS))[host] + 0.02 * np.sin(2 * np.pi * time / DAY_S)
    used = used + 0.01 * rng.standard_normal(len(time))
    at, full = moment(rng, _DAYS, 0.7), int(rng.integers(len(_HOSTS)))
    used[(host == full) & (time >= at) & (time < at + HOUR_S)] = 0.97
    columns = {"time": time, "host.name": np.array(_HOSTS)[host], "system.filesystem.used.pct": used}
    return Data(columns, (Incident(at, at + HOUR_S, _HOSTS[full]),))


def _iowait(rng: np.random.Generator) -> Data:
    time, host = _readings(2)
    wait = 0.05 * rng.gamma(2, 0.5, len(time)) * (0.5 + busy(time))
    at, slow = moment(rng, _DAYS, 0.75), int(rng.integers(len(_HOSTS)))
    hit = (host == slow) & (time >= at) & (time < at + HOUR_S)
    wait[hit] = rng.normal(0.6, 0.05, int(hit.sum()))
    columns = {"time": time, "host.name": np.array(_HOSTS)[host], "system.cpu.iowait.pct": wait}
    return Data(columns, (Incident(at, at + HOUR_S, _HOSTS[slow]),))


def _outages(rng: np.random.Generator) -> Data:
    sets = ("system.cpu", "system.memory", "system.network", "system.process")
    parts: list[Columns] = []
    for n, name in enumerate(sets):
        time = np.arange(n, _DAYS * DAY_S, 10.0 * (n + 1)) + rng.uniform(0, 0.5)
        parts.append({"time": time, "event.dataset": np.full(len(time), name)})
    columns = joined(*parts)
    at, gone = moment(rng, _DAYS, 0.8), sets[int(rng.integers(len(sets)))]
    away = (columns["event.dataset"] == gone) & (columns["time"] >= at) & (columns["time"] < at + HOUR_S)
    return Data(chosen(columns, ~away), (Incident(at, at + HOUR_S, gone),))


def _latencies(rng: np.random.Generator) -> Data:
    time = arrivals(rng, _DAYS, 2000)
    service = rng.integers(0, 6, len(time))
    duration = 1000 * (20 + 30 * service) * rng.lognormal(0, 0.5, len(time)) * (1 + 0.3 * busy(time))
    at, slow = moment(rng, _DAYS, 0.75, 9 + float(rng.integers(0, 8))), int(rng.integers(6))
    hit = (service == slow) & (time >= at) & (time < at + HOUR_S)
    duration[hit] *= 6
    names = np.array([f"service-{n}" for n in range(6)])
    kind = np.where(rng.random(len(time)) < 0.9, "request", "messaging")
    columns = {
        "time": time,
        "service.name": names[service],
        "transaction.type": kind,
        "transaction.duration.us": duration,
    }
    return Data(columns, (Incident(at, at + HOUR_S, names[slow]),))


def _log_rate(rng: np.random.Generator) -> Data:
    time = arrivals(rng, _DAYS, 1500)
    sets = np.array(["nginx.access", "app.log", "audit.log"])
    columns = {"time": time, "event.dataset": sets[rng.choice(3, len(time), p=[0.6, 0.3, 0.1])]}
    at = moment(rng, _DAYS, 0.7)
    flood = {"time": at + rng.uniform(0, 30 * MINUTE_S, 3000), "event.dataset": np.full(3000, "app.log")}
    return Data(joined(columns, flood), (Incident(at, at + 30 * MINUTE_S, "app.log"),))


_MESSAGES = (
    "Connection accepted from client on port {}",
    "Request {} finished without error",
    "Cache entry {} was evicted after timeout",
    "Scheduled job number {} started on worker",
    "User session {} expired and was removed",
)


def _categories(rng: np.random.Generator) -> Data:
    time = arrivals(rng, _DAYS, 600)
    kind, number = rng.integers(0, len(_MESSAGES), len(time)), rng.integers(0, 9999, len(time))
    texts = [_MESSAGES[k].format(n) for k, n in zip(kind.tolist(), number.tolist(), strict=True)]
    columns: Columns = {
        "time": time,
        "message": np.array(texts, dtype=object),
        "event.dataset": np.where(rng.random(len(time)) < 0.7, "app.log", "batch.log"),
    }
    at = moment(rng, _DAYS, 0.75)
    n = 300
    flood: Columns = {
        "time": at + rng.uniform(0, 15 * MINUTE_S, n),
        "message": np.array([_MESSAGES[4].format(c) for c in rng.integers(1, 9999, n)], dtype=object),
        "event.dataset": np.full(n, "app.log"),
    }
    return Data(joined(columns, flood), (Incident(at, at + 15 * MINUTE_S, "app.log"),))


SAMPLES = (
    Sample(
        "max_disk_utilization_ecs",
        {
            "bucket_span": "10m",
            "detectors": [
                {
                    "function": "max",
                    "field_name": "system.filesystem.used.pct",
                    "partition_field_name": "host.name",
                    "custom_rules": [_below("system.filesystem.used.pct", 0.75)],
                }
            ],
            "influencers": ["host.name"],
        },
        _DAYS,
        8,
        _disks,
    ),
    Sample(
        "high_mean_cpu_iowait_ecs",
        {
            "bucket_span": "10m",
            "detectors": [
                {
                    "function": "high_mean",
                    "field_name": "system.cpu.iowait.pct",
                    "partition_field_name": "host.name",
                    "custom_rules": [_below("system.cpu.iowait.pct", 0.25)],
                }
            ],
            "influencers": ["host.name"],
        },
        _DAYS,
        8,
        _iowait,
    ),
    Sample(
        "metricbeat_outages_ecs",
        {"bucket_span": "10m", "detectors": [{"function": "low_count", "partition_field_name": "event.dataset"}]},
        _DAYS,
        8,
        _outages,
    ),
    Sample(
        "high_mean_transaction_duration",
        {
            "bucket_span": "15m",
            "detectors": [
                {
                    "function": "high_mean",
                    "field_name": "transaction.duration.us",
                    "by_field_name": "transaction.type",
                    "partition_field_name": "service.name",
                }
            ],
            "influencers": ["transaction.type", "service.name"],
        },
        _DAYS,
        8,
        _latencies,
    ),
    Sample(
        "log-entry-rate",
        {
            "bucket_span": "15m",
            "detectors": [{"function": "count", "partition_field_name": "event.dataset", "use_null": True}],
            "influencers": ["event.dataset"],
        },
        _DAYS,
        8,
        _log_rate,
    ),
    Sample(
        "log-entry-categories-count",
        {
            "bucket_span": "15m",
            "categorization_field_name": "message",
            "per_partition_categorization": {"enabled": True, "stop_on_warn": True},
            "detectors": [
                {
                    "function": "count",
                    "by_field_name": "mlcategory",
                    "partition_field_name": "event.dataset",
                    "use_null": True,
                }
            ],
            "influencers": ["event.dataset", "mlcategory"],
        },
        _DAYS,
        8,
        _categories,
    ),
)
