"""Jobs of web servers: request rates, status codes, clients; and the three of the sample web logs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from benchmarks.samples.sample import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    START_S,
    Array,
    Columns,
    Data,
    Incident,
    Sample,
    arrivals,
    chosen,
    joined,
    moment,
)

from anomalyops.demo import weblogs

_DAYS = 21
_LOG_DAYS = 60


def _requests(rng: np.random.Generator, time: Array) -> Columns:
    n = len(time)
    clients = rng.zipf(1.4, n) % 800
    return {
        "time": time,
        "source.address": np.char.add(
            "10.0.", np.char.add(np.char.add((clients // 250).astype(str), "."), clients.astype(str))
        ),
        "url.original": np.char.add("/page/", (rng.zipf(1.5, n) % 120).astype(str)),
        "http.response.status_code": rng.choice(["200", "301", "404", "500"], n, p=[0.9, 0.05, 0.04, 0.01]),
    }


def _outage(rng: np.random.Generator) -> Data:
    columns = _requests(rng, arrivals(rng, _DAYS, 400))
    at = moment(rng, _DAYS, 0.7, 10 + float(rng.integers(0, 5)))
    quiet = (columns["time"] >= at) & (columns["time"] < at + 2 * HOUR_S)
    return Data(chosen(columns, ~quiet), (Incident(at, at + 2 * HOUR_S),))


def _flood_of_codes(rng: np.random.Generator) -> Data:
    columns = _requests(rng, arrivals(rng, _DAYS, 400))
    at = moment(rng, _DAYS, 0.75)
    flood = _requests(rng, at + rng.uniform(0, 30 * MINUTE_S, 400))
    flood["http.response.status_code"] = np.full(400, "500")
    return Data(joined(columns, flood), (Incident(at, at + 30 * MINUTE_S, "500"),))


def _scanner(rng: np.random.Generator) -> Data:
    columns = _requests(rng, arrivals(rng, _DAYS, 400))
    at = moment(rng, _DAYS, 0.7)
    scan = _requests(rng, at + rng.uniform(0, 20 * MINUTE_S, 150))
    scan["source.address"] = np.full(150, "198.51.100.7")
    scan["url.original"] = np.char.add("/probe/", np.arange(150).astype(str))
    return Data(joined(columns, scan), (Incident(at, at + 20 * MINUTE_S, "198.51.100.7"),))


def _greedy(rng: np.random.Generator) -> Data:
    columns = _requests(rng, arrivals(rng, _DAYS, 400))
    at = moment(rng, _DAYS, 0.8)
    greed = _requests(rng, at + rng.uniform(0, 40 * MINUTE_S, 1500))
    greed["source.address"] = np.full(1500, "198.51.100.8")
    return Data(joined(columns, greed), (Incident(at, at + 40 * MINUTE_S, "198.51.100.8"),))


def _visitors(rng: np.random.Generator) -> Data:
    """Distinct visitors of each quarter of an hour, as an aggregated datafeed gives them; once a crowd comes."""
    span = 15 * MINUTE_S
    time = np.arange(_DAYS * DAY_S // span) * float(span)
    seen = arrivals(rng, _DAYS, 700)
    count = np.bincount((seen // span).astype(int), minlength=len(time)).astype(float)
    at = moment(rng, _DAYS, 0.75)
    crowd = (time >= at) & (time < at + HOUR_S)
    count[crowd] += 700
    return Data({"time": time, "dc_source_address": count}, (Incident(at, at + HOUR_S),))


def _logs(names: tuple[str, ...], *fields: str) -> Any:
    """The data of the sample web logs; the labels of the incidents that a job is meant to find."""

    def make(rng: np.random.Generator) -> Data:
        begin = datetime.fromtimestamp(START_S, UTC)
        end = date(begin.year, begin.month, begin.day) + timedelta(days=_LOG_DAYS + 1)
        documents = list(weblogs.generate(seed=int(rng.integers(1 << 31)), end=end))
        columns: Columns = {"time": [datetime.fromisoformat(d["timestamp"]).timestamp() - START_S for d in documents]}
        for field in fields:
            columns[field] = np.array([str(document[field.removesuffix(".keyword")]) for document in documents])
        incidents = [
            Incident(
                incident.start.timestamp() - START_S,
                incident.end.timestamp() - START_S,
                incident.entity if "clientip" in fields and len(fields) > 1 and "url.keyword" in fields else None,
            )
            for incident in weblogs.planted(end=end)
            if incident.name in names
        ]
        return Data(columns, tuple(incidents))

    return make


SAMPLES = (
    Sample(
        "low_request_rate (sample web logs)",
        {"bucket_span": "1h", "detectors": [{"function": "low_count"}]},
        _LOG_DAYS,
        8,
        _logs(("outage",)),
    ),
    Sample(
        "response_code_rates (sample web logs)",
        {
            "bucket_span": "1h",
            "detectors": [{"function": "count", "partition_field_name": "response.keyword"}],
            "influencers": ["clientip", "response.keyword"],
        },
        _LOG_DAYS,
        8,
        _logs(("outage", "scan"), "response.keyword", "clientip"),
    ),
    Sample(
        "url_scanning (sample web logs)",
        {
            "bucket_span": "1h",
            "detectors": [
                {"function": "high_distinct_count", "field_name": "url.keyword", "over_field_name": "clientip"}
            ],
            "influencers": ["clientip"],
        },
        _LOG_DAYS,
        8,
        _logs(("scan",), "url.keyword", "clientip"),
    ),
    Sample(
        "low_request_rate_ecs",
        {"bucket_span": "15m", "detectors": [{"function": "low_count"}]},
        _DAYS,
        8,
        _outage,
    ),
    Sample(
        "status_code_rate_ecs",
        {
            "bucket_span": "15m",
            "detectors": [{"function": "count", "partition_field_name": "http.response.status_code"}],
            "influencers": ["http.response.status_code", "source.address"],
        },
        _DAYS,
        8,
        _flood_of_codes,
    ),
    Sample(
        "source_ip_url_count_ecs",
        {
            "bucket_span": "1h",
            "detectors": [
                {"function": "high_distinct_count", "field_name": "url.original", "over_field_name": "source.address"}
            ],
            "influencers": ["source.address"],
        },
        _DAYS,
        8,
        _scanner,
    ),
    Sample(
        "source_ip_request_rate_ecs",
        {
            "bucket_span": "1h",
            "detectors": [{"function": "high_count", "over_field_name": "source.address"}],
            "influencers": ["source.address"],
        },
        _DAYS,
        8,
        _greedy,
    ),
    Sample(
        "visitor_rate_ecs",
        {
            "bucket_span": "15m",
            "summary_count_field_name": "dc_source_address",
            "detectors": [{"function": "non_zero_count"}],
        },
        _DAYS,
        8,
        _visitors,
    ),
)
