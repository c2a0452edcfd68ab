"""Whatever stands in the data is text: no value of a field becomes a part of the page."""

from __future__ import annotations

import pytest

from waiting import until

VALUE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>"\'&{{7*7}}'
JOB = "hostile"
START_S = 1_767_225_600  # 2026-01-01T00:00:00Z
HOURS = 24 * 21


@pytest.fixture(scope="module")
def job(engine):
    documents = []
    for hour in range(HOURS):
        count = 60 if hour == HOURS - 30 else 3 + hour % 2
        for _ in range(count):
            documents += [{"index": {}}, {"time": (START_S + 3600 * hour) * 1000, "who": VALUE}]
    with engine.client() as client:
        client.indices.create(
            index="hostile", mappings={"properties": {"time": {"type": "date"}, "who": {"type": "keyword"}}}
        )
        client.bulk(index="hostile", operations=documents, refresh=True)
        client.ml.put_job(
            job_id=JOB,
            description=VALUE,
            analysis_config={
                "bucket_span": "1h",
                "detectors": [{"function": "count", "partition_field_name": "who", "detector_description": VALUE}],
                "influencers": ["who"],
            },
            data_description={"time_field": "time"},
            model_plot_config={"enabled": True},
        )
        client.ml.put_datafeed(datafeed_id="hostile", job_id=JOB, indices=["hostile"])
        client.ml.open_job(job_id=JOB)
        client.ml.start_datafeed(datafeed_id="hostile", end=(START_S + 3600 * HOURS) * 1000, timeout="60s")
        until(lambda: client.ml.get_datafeed_stats(datafeed_id="hostile")["datafeeds"][0]["state"] == "stopped")
    return JOB


@pytest.mark.parametrize(
    "fragment",
    [
        "#/jobs",
        "#/explorer?jobs=hostile&by=who&severity=0",
        "#/series?job=hostile&severity=0",
        *(f"#/jobs?job=hostile&tab={tab}" for tab in ("settings", "preview", "json")),
    ],
)
def test_a_value_stays_text(reader, job, fragment):
    page = reader.go(fragment)
    reader.settle()
    page.get_by_text("<img src=x").first.wait_for(state="attached")
    assert page.evaluate("window.hurt") is None
    assert page.locator("main img, main script").count() == 0
    assert "49" not in page.locator("main").get_by_text("{{7*7}}").first.inner_text()
