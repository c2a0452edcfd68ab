"""Result documents to values: records of every shape, influencers once each, series with their anomalies."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

from anomalyops.local.findings import Window, series_around, top_anomalies, top_influencers

HOUR_MS = 3_600_000
AT = 1_700_006_400_000


class Rest:
    """Answers reads from a table of paths."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    async def read(self, method, path, *, query=None, body=None):
        self.asked.append((path, body))
        return next(answer for end, answer in self.answers.items() if path.endswith(end))


def gateway(answers):
    return SimpleNamespace(rest=Rest(answers))


def record(score, hour, **more):
    return {
        "job_id": "codes",
        "timestamp": AT + hour * HOUR_MS,
        "record_score": score,
        "bucket_span": 3600,
        "detector_index": 0,
        "function": "count",
        "function_description": "count",
        "actual": [101.0],
        "typical": [1.6],
    } | more


def test_records_become_anomalies_highest_first():
    partition = {"partition_field_name": "response", "partition_field_value": "404"}
    influencers = [{"influencer_field_name": "ip", "influencer_field_values": ["10.0.0.1"]}]
    population = record(
        60,
        2,
        over_field_name="ip",
        over_field_value="10.0.0.9",
        causes=[{"actual": [88.0], "typical": [1.0], "field_name": "url"}],
    )
    del population["actual"], population["typical"]
    answer = {"records": [population, record(98, 1, **partition, influencers=influencers)]}
    found = asyncio.run(top_anomalies(gateway({"records": answer}), ["codes"], Window(min_score=50)))
    first, second = found
    assert (first.score, first.entity, first.actual, first.typical) == (98, "404", (101.0,), (1.6,))
    assert first.timestamp == datetime(2023, 11, 15, 1, tzinfo=UTC)
    assert first.influencers == {"ip": ("10.0.0.1",)}
    assert first.series == {"partition_field_value": "404"}
    assert (second.entity, second.function, second.actual) == ("10.0.0.9", "count(url)", (88.0,))


def test_an_influencer_is_shown_once_with_its_highest_score():
    def influencer(score, hour, value="10.0.0.1"):
        return {
            "job_id": "codes",
            "timestamp": AT + hour * HOUR_MS,
            "influencer_field_name": "ip",
            "influencer_field_value": value,
            "influencer_score": score,
        }

    answer = {"influencers": [influencer(20, 0), influencer(90, 5), influencer(40, 7), influencer(50, 1, "b")]}
    found = asyncio.run(top_influencers(gateway({"influencers": answer}), ["codes"], Window(limit=10)))
    assert [(i.value, i.score, i.timestamp.hour) for i in found] == [("10.0.0.1", 90, 5), ("b", 50, 1)]


def test_the_series_marks_all_anomalies_of_the_same_entity():
    partition = {"partition_field_name": "response", "partition_field_value": "404"}
    other = {"partition_field_name": "response", "partition_field_value": "200"}
    answer = {"records": [record(98, 3, **partition), record(60, 5, **partition), record(50, 4, **other)]}
    plots = [
        {"timestamp": AT + hour * HOUR_MS, "actual": float(hour), "model_lower": 0.0, "model_upper": 9.0}
        for hour in range(8)
    ]
    del plots[2]["actual"]
    server = gateway({"records": answer, "_search": {"hits": {"hits": [{"_source": plot} for plot in plots]}}})
    found = asyncio.run(top_anomalies(server, ["codes"], Window()))
    series = asyncio.run(series_around(server, found[0], found, buckets=4))
    assert series is not None
    assert series.anomalies == frozenset({3, 5})
    assert series.actual[2] is None
    filters = server.rest.asked[-1][1]["query"]["bool"]["filter"]
    assert {"term": {"partition_field_value": "404"}} in filters
    assert filters[-1]["range"]["timestamp"]["gte"] == AT - HOUR_MS


def test_no_model_plot_is_no_series():
    server = gateway({"records": {"records": [record(98, 3)]}, "_search": {"hits": {"hits": []}}})
    found = asyncio.run(top_anomalies(server, ["codes"], Window()))
    assert asyncio.run(series_around(server, found[0], found)) is None
