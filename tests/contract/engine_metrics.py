"""What Prometheus reads of an engine."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from raw_http import RawConnection


def read(engine, headers=None):
    """All samples of an engine, by name and labels."""
    with RawConnection(engine.url) as connection:
        answer = connection.request("GET", "/_prometheus/metrics", headers or {})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return samples(answer.text)


def samples(text):
    """The samples of a text, by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
