"""What bears on a score beside the record, each from a planted situation with one right sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from anomalyops_insight.explaining.context import Around, bucket_window, of_record
from anomalyops_insight.tools.configuration import Configured
from anomalyops_insight.tools.faults import absent
from anomalyops_insight.tools.messages import Delay
from anomalyops_insight.tools.model import Forecast
from anomalyops_insight.tools.records import Influencer, Record

AT = datetime(2026, 1, 10, 10, tzinfo=UTC)


def said(*, score=90.0, function="mean", actual=100.0, typical=10.0, span=300, around=None):
    record = Record.model_validate(
        {
            "timestamp": AT, "job_id": "j", "record_score": score, "initial_record_score": score,
            "function": function, "field_name": "took", "probability": 1e-6, "detector_index": 0,
            "actual": [actual], "typical": [typical],
        } | {name: None for name, of in Record.model_fields.items() if of.is_required() and of.annotation is None}
    )  # fmt: skip
    analysis = {"bucket_span": f"{span}s", "detectors": [{"function": function, "field_name": "took"}]}
    config = Configured({"job_id": "j", "analysis_config": analysis})
    return [(part.about, part.text, part.effect) for part in of_record(record, config, around or Around(), span)]


def influencer(value, score):
    return Influencer(
        timestamp=AT, job_id="j", influencer_field_name="host", influencer_field_value=value, influencer_score=score
    )


def forecast(low, high):
    return Forecast(
        timestamp=AT, job_id="j", forecast_id="f1", detector_index=0, partition_field_value=None, by_field_value=None,
        forecast_lower=low, forecast_prediction=(low + high) / 2, forecast_upper=high,
    )  # fmt: skip


def delay(begin, end, missed=7):
    return Delay(
        timestamp=AT + timedelta(minutes=begin), end_timestamp=None if end is None else AT + timedelta(minutes=end),
        job_id="j", missed_documents=missed, annotation="late",
    )  # fmt: skip


COUNTS = {"processed_record_count": 500, "bucket_count": 100}


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ({}, []),
        (
            {"around": Around(influencers=(influencer("h1", 90), influencer("h2", 25)))},
            [("influencers", "who contributed to the bucket, most first: host=h1 (90), host=h2 (25)", "none")],
        ),
        (
            {"around": Around(forecasts=(forecast(5, 50),))},
            [("forecast", "forecast f1 expected 5 to 50: the value 100 is above that", "none")],
        ),
        (
            {"around": Around(forecasts=(forecast(5, 200),))},
            [("forecast", "forecast f1 expected 5 to 200: the value 100 is inside that", "none")],
        ),
        (
            {"score": 20.0},
            [("rules", "mean looks at both sides: high_mean would take this for a little more unusual", "lowers")],
        ),
        (
            {"score": 20.0, "function": "sum", "actual": 1.0},
            [("rules", "sum looks at both sides: low_sum would take this for a little more unusual", "lowers")],
        ),
        ({"score": 20.0, "function": "high_mean"}, []),
        (
            {"score": 20.0, "function": "high_mean", "span": 3600},
            [("bucket", "bucket_span is 3600s: what lasts some minutes is a small part of a bucket", "lowers")],
        ),
        (
            {"around": Around(counts=COUNTS, size={"total_by_field_count": 100})},
            [("history", "100 series share 500 documents of 100 buckets: 0.05 of each, too few to learn from",
              "raises")],
        ),
        ({"around": Around(counts=COUNTS, size={"total_by_field_count": 10})}, []),
        ({"function": "rare", "around": Around(counts=COUNTS, size={"total_by_field_count": 100})}, []),
    ],
)  # fmt: skip
def test_what_bears_on_a_score(situation, expected):
    assert said(**situation) == expected


@pytest.mark.parametrize(
    ("begin", "end", "covers"), [(-10, 5, True), (0, None, True), (-10, -5, False), (5, 10, False), (-10, 0, True)]
)
def test_late_data_of_a_bucket(begin, end, covers):
    found = bucket_window(AT, (delay(begin, end),))
    assert bool(found) is covers
    if covers:
        ((about, text, effect),) = said(around=Around(delays=found))
        assert (about, effect) == ("bucket", "lowers")
        assert text.startswith("7 documents came too late for it")


@pytest.mark.parametrize(
    ("function", "actual", "typical", "is_absent"),
    [
        ("count", 0, 40, True), ("low_count", 9, 40, True), ("low_mean", 0.1, 40, True), ("count", 10, 40, False),
        ("mean", 0, 40, False), ("high_count", 0, 40, False), ("count", None, 40, False), ("count", 0, 0, False),
        ("distinct_count", 0, 9, True), (None, 0, 40, False), ("low_mean", -90, -40, False),
    ],
)  # fmt: skip
def test_an_absence_is_more_than_a_low_value(function, actual, typical, is_absent):
    assert absent(function, actual, typical) is is_absent
