"""Jobs of security: logons, rare processes and actions, names that are looked up."""

from __future__ import annotations

import numpy as np
from benchmarks.samples.sample import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    Columns,
    Data,
    Incident,
    Sample,
    arrivals,
    busy,
    joined,
    moment,
)

_DAYS = 28


def _logons(rng: np.random.Generator, per_hour: float) -> Columns:
    time = arrivals(rng, _DAYS, per_hour)
    return {"time": time, "source.ip": np.char.add("10.1.0.", rng.integers(1, 60, len(time)).astype(str))}


def _failures(rng: np.random.Generator) -> Data:
    columns = _logons(rng, 40)
    at = moment(rng, _DAYS, 0.75)
    attack = {"time": at + rng.uniform(0, 15 * MINUTE_S, 300), "source.ip": np.full(300, "203.0.113.9")}
    return Data(joined(columns, attack), (Incident(at, at + 15 * MINUTE_S),))


def _source(rng: np.random.Generator) -> Data:
    columns = _logons(rng, 200)
    at, who = moment(rng, _DAYS, 0.75), f"10.1.0.{rng.integers(1, 60)}"
    attack = {"time": at + rng.uniform(0, 15 * MINUTE_S, 200), "source.ip": np.full(200, who)}
    return Data(joined(columns, attack), (Incident(at, at + 15 * MINUTE_S, who),))


def _hours(rng: np.random.Generator) -> Data:
    """Users who work by day; one of them logs on in the night."""
    parts: list[Columns] = []
    for user in range(20):
        days = np.repeat(np.arange(_DAYS), rng.poisson(6, _DAYS))
        days = days[days % 7 < 5]
        time = days * DAY_S + HOUR_S * rng.normal(12, 2, len(days))
        parts.append({"time": time, "user.name": np.full(len(time), f"user{user}")})
    at, who = moment(rng, _DAYS, 0.8, 2.0), f"user{rng.integers(20)}"
    night = {"time": np.array([at + 300.0]), "user.name": np.array([who])}
    return Data(joined(*parts, night), (Incident(at, at + 15 * MINUTE_S, who),))


def _processes(rng: np.random.Generator) -> Data:
    time = arrivals(rng, _DAYS, 250, by_day=False)
    host = rng.integers(0, 8, len(time))
    share = 1.0 / np.arange(1, 31) ** 1.1
    process = rng.choice(30, len(time), p=share / share.sum())
    columns: Columns = {
        "time": time,
        "host.name": np.char.add("host", host.astype(str)),
        "process.name": np.char.add("process", process.astype(str)),
    }
    at, where = moment(rng, _DAYS, 0.8), f"host{rng.integers(8)}"
    new: Columns = {
        "time": np.array([at + 60.0]),
        "host.name": np.array([where]),
        "process.name": np.array(["mimikatz.exe"]),
    }
    return Data(joined(columns, new), (Incident(at, at + 15 * MINUTE_S, "mimikatz.exe"),))


def _methods(rng: np.random.Generator) -> Data:
    time = arrivals(rng, _DAYS, 300)
    user = rng.integers(0, 15, len(time))
    action = (user * 3 + rng.zipf(1.6, len(time)) % 12) % 40
    columns: Columns = {
        "time": time,
        "user.name": np.char.add("user", user.astype(str)),
        "event.action": np.char.add("Action", action.astype(str)),
    }
    at, who = moment(rng, _DAYS, 0.75, 14.0), f"user{rng.integers(15)}"
    new: Columns = {
        "time": np.array([at + 60.0]),
        "user.name": np.array([who]),
        "event.action": np.array(["DeleteTrail"]),
    }
    return Data(joined(columns, new), (Incident(at, at + HOUR_S, "DeleteTrail"),))


def _tunnel(rng: np.random.Generator) -> Data:
    time = arrivals(rng, 14, 900)
    domain = rng.zipf(1.5, len(time)) % 60
    columns: Columns = {
        "time": time,
        "dns.question.etld_plus_one": np.char.add(np.char.add("site", domain.astype(str)), ".example"),
        "dns.question.name": np.char.add(
            np.char.add("host", (rng.zipf(1.6, len(time)) % 8).astype(str)),
            np.char.add(np.char.add(".site", domain.astype(str)), ".example"),
        ),
    }
    at, n = moment(rng, 14, 0.75), 250
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz0123456789"))
    names = ["".join(rng.choice(letters, 50)) + ".evil.example" for _ in range(n)]
    tunnel: Columns = {
        "time": at + rng.uniform(0, 15 * MINUTE_S, n),
        "dns.question.etld_plus_one": np.full(n, "evil.example"),
        "dns.question.name": np.array(names),
    }
    return Data(joined(columns, tunnel), (Incident(at, at + 15 * MINUTE_S, "evil.example"),))


def _events(rng: np.random.Generator) -> Data:
    """Events of twelve hosts in buckets of three hours; one of them has five times as many for a while."""
    time = arrivals(rng, _DAYS, 1500)
    host = np.char.add("host", rng.integers(0, 12, len(time)).astype(str))
    at, who = moment(rng, _DAYS, 0.7, 9.0), f"host{rng.integers(12)}"
    n = rng.poisson(5 * 1500 / 12 * 3 * float(busy(np.array([at]))[0]))
    more = {"time": at + rng.uniform(0, 3 * HOUR_S, n), "host.name": np.full(n, who)}
    return Data(joined({"time": time, "host.name": host}, more), (Incident(at, at + 3 * HOUR_S, who),))


SAMPLES = (
    Sample(
        "auth_high_count_logon_fails",
        {"bucket_span": "15m", "detectors": [{"function": "high_non_zero_count"}], "influencers": ["source.ip"]},
        _DAYS,
        8,
        _failures,
    ),
    Sample(
        "auth_high_count_logon_events_for_a_source_ip",
        {
            "bucket_span": "15m",
            "detectors": [{"function": "high_non_zero_count", "by_field_name": "source.ip"}],
            "influencers": ["source.ip"],
        },
        _DAYS,
        8,
        _source,
    ),
    Sample(
        "auth_rare_hour_for_a_user",
        {"bucket_span": "15m", "detectors": [{"function": "time_of_day", "by_field_name": "user.name"}]},
        _DAYS,
        8,
        _hours,
    ),
    Sample(
        "rare_process_by_host_linux",
        {
            "bucket_span": "15m",
            "detectors": [{"function": "rare", "by_field_name": "process.name", "partition_field_name": "host.name"}],
            "influencers": ["host.name", "process.name"],
        },
        _DAYS,
        8,
        _processes,
    ),
    Sample(
        "rare_method_for_a_username",
        {
            "bucket_span": "60m",
            "detectors": [{"function": "rare", "by_field_name": "event.action", "partition_field_name": "user.name"}],
            "influencers": ["user.name"],
        },
        _DAYS,
        8,
        _methods,
    ),
    Sample(
        "packetbeat_dns_tunneling",
        {
            "bucket_span": "15m",
            "detectors": [
                {
                    "function": "high_info_content",
                    "field_name": "dns.question.name",
                    "over_field_name": "dns.question.etld_plus_one",
                    "custom_rules": [
                        {
                            "actions": ["skip_result"],
                            "conditions": [{"applies_to": "actual", "operator": "lt", "value": 350}],
                        }
                    ],
                }
            ],
            "influencers": ["dns.question.etld_plus_one"],
        },
        14,
        6,
        _tunnel,
    ),
    Sample(
        "high_count_events_for_a_host_name",
        {
            "bucket_span": "3h",
            "detectors": [{"function": "high_count", "partition_field_name": "host.name"}],
            "influencers": ["host.name"],
        },
        _DAYS,
        8,
        _events,
    ),
)
