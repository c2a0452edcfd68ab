"""Runs of datafeeds where data, times and configurations are at their edges, and what a user is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from anomalyops_engine.jobs import JobService, MlError, itinerary
from anomalyops_engine.jobs.results import BUCKETS, RECORDS, ResultQuery
from anomalyops_engine.query import search
from anomalyops_engine.store import Store
from waiting import until

MINUTE = 60_000
START_MS = 1_700_000_000_000 // MINUTE * MINUTE
MINUTES = 90
END_MS = START_MS + MINUTES * MINUTE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "data")
    with store.write() as writer:
        writer.create_index("logs", mappings={"properties": {"time": {"type": "date"}, "v": {"type": "double"}}})
        writer.append("logs", [{"time": START_MS + n * 10_000, "v": float(n % 5)} for n in range(MINUTES * 6)])
    yield store
    store.close()


@pytest.fixture
def service(store: Store) -> Iterator[JobService]:
    service = JobService(store)
    service.start()
    yield service
    service.stop()


def add(store: Store, *documents: dict[str, Any], index: str = "logs") -> None:
    with store.write() as writer:
        writer.append(index, list(documents))


def create(service: JobService, name: str, *detectors: dict[str, Any], **feed: Any) -> None:
    config: dict[str, Any] = {
        "bucket_span": "1m",
        "detectors": list(detectors or ({"function": "mean", "field_name": "v"},)),
    }
    if "aggregations" in feed:
        config["summary_count_field_name"] = "doc_count"
    body = {
        "analysis_config": config,
        "data_description": {"time_field": "time"},
        "datafeed_config": {"indices": ["logs"], **feed},
    }
    service.jobs.create(name, body)
    service.jobs.open(name)


def stats(service: JobService, name: str) -> dict[str, Any]:
    return service.jobs.stats(name, allow_no_match=False)["jobs"][0]


def feed_stats(service: JobService, name: str) -> dict[str, Any]:
    return service.datafeeds.stats(name, allow_no_match=False)["datafeeds"][0]


def run(service: JobService, name: str, *, start_ms: int | None = None, end_ms: int = END_MS) -> None:
    if stats(service, name)["state"] == "closed":
        service.jobs.open(name)
    service.datafeeds.start(name, start_ms=start_ms, end_ms=end_ms)
    until(lambda: stats(service, name)["state"] != "opened")


def messages(store: Store, name: str, level: str | None = None) -> list[str]:
    body: dict[str, Any] = {"query": {"term": {"job_id": name}}, "size": 1000, "sort": ["timestamp", "_seq_no"]}
    body["sort"] = ["timestamp"]
    with store.read() as reader:
        hits = search(reader, reader.resolve(".ml-notifications*"), body)["hits"]["hits"]
    found = [hit["_source"] for hit in hits]
    return [note["message"] for note in found if level is None or note["level"] == level]


def results(
    service: JobService, name: str, kind: Any = BUCKETS, *, start_ms: int | None = None
) -> list[dict[str, Any]]:
    page = service.results.page(name, kind, ResultQuery(start_ms=start_ms, size=10_000))
    left_out = {"job_id", "processing_time_ms"}
    return [{key: value for key, value in item.items() if key not in left_out} for item in page[kind.key]]


def test_a_histogram_of_the_time_field_feeds_like_a_date_histogram(store: Store, service: JobService) -> None:
    inner = {"time": {"max": {"field": "time"}}, "v": {"avg": {"field": "v"}}}
    kinds = {
        "h": {"histogram": {"field": "time", "interval": 30_000}},
        "d": {"date_histogram": {"field": "time", "fixed_interval": "30s"}},
    }
    for name, kind in kinds.items():
        create(service, name, aggregations={"buckets": {**kind, "aggregations": inner}})
        run(service, name)
    rows = [service.datafeeds.preview(name, start_ms=None, end_ms=None) for name in kinds]
    assert rows[0] == rows[1]
    assert len(rows[0]) == MINUTES * 2
    assert results(service, "h") == results(service, "d")
    assert stats(service, "h")["data_counts"]["processed_record_count"] == MINUTES * 2


def test_a_datafeed_whose_histogram_is_not_over_the_jobs_time_field_is_refused_when_it_is_to_run(
    store: Store, service: JobService
) -> None:
    with store.write() as writer:
        writer.create_index(
            "other",
            mappings={"properties": {"time": {"type": "date"}, "seen": {"type": "date"}, "v": {"type": "long"}}},
        )
    aggregations = {
        "b": {
            "date_histogram": {"field": "seen", "fixed_interval": "1m"},
            "aggregations": {"seen": {"max": {"field": "seen"}}, "v": {"avg": {"field": "v"}}},
        }
    }
    create(service, "j", aggregations=aggregations, indices=["other"])
    with pytest.raises(MlError, match=r"Missing max aggregation for time_field \[time\]") as caught:
        service.datafeeds.start("j", start_ms=None, end_ms=END_MS)
    assert caught.value.status == 400
    assert feed_stats(service, "j")["state"] == "stopped"


def test_a_bounded_restart_with_nothing_left_says_nothing(store: Store, service: JobService) -> None:
    create(service, "j")
    run(service, "j")
    before = messages(store, "j"), feed_stats(service, "j")["timing_stats"]["search_count"]
    run(service, "j")
    said = messages(store, "j")[len(before[0]) :]
    assert said == ["Datafeed stopped", "Job is closing"]
    assert feed_stats(service, "j")["timing_stats"]["search_count"] == before[1]


def test_a_bounded_restart_beyond_the_data_counts_a_search(store: Store, service: JobService) -> None:
    create(service, "j")
    run(service, "j")
    counts = [feed_stats(service, "j")["timing_stats"]["search_count"]]
    for days in (1, 2):
        run(service, "j", end_ms=END_MS + days * 86_400_000)
        counts.append(feed_stats(service, "j")["timing_stats"]["search_count"])
    assert counts[0] < counts[1] < counts[2]
    assert messages(store, "j", "warning") == ["Datafeed lookback retrieved no data"] * 2


def test_documents_of_the_last_bucket_that_is_not_complete_are_no_lack_of_data(
    store: Store, service: JobService
) -> None:
    create(service, "j")
    run(service, "j", end_ms=START_MS + 10 * MINUTE)
    counts = feed_stats(service, "j")["timing_stats"]["search_count"]
    run(service, "j", end_ms=START_MS + 10 * MINUTE + 30_000)
    assert feed_stats(service, "j")["timing_stats"]["search_count"] > counts
    assert messages(store, "j", "warning") == []
    assert stats(service, "j")["data_counts"]["bucket_count"] == 10


@pytest.mark.parametrize("moment_ms", [253_402_300_800_000, 2**63 - 1, -(2**63)])
def test_a_start_beyond_the_years_is_refused_and_changes_nothing(service: JobService, moment_ms: int) -> None:
    create(service, "j")
    times = {"start_ms": None, "end_ms": moment_ms} if moment_ms > 0 else {"start_ms": moment_ms, "end_ms": None}
    with pytest.raises(MlError, match="years 1 to 9999") as caught:
        service.datafeeds.start("j", **times)
    assert caught.value.status == 400
    assert feed_stats(service, "j")["state"] == "stopped"
    run(service, "j")
    assert stats(service, "j")["data_counts"]["bucket_count"] == MINUTES


def test_documents_of_impossible_times_are_counted_and_hold_nothing_up(store: Store, service: JobService) -> None:
    add(store, {"time": -(2**63), "v": 1.0}, {"time": 2**63 - 1, "v": 1.0}, {"time": 253_402_300_800_000, "v": 1.0})
    create(service, "j")
    run(service, "j")
    counts = stats(service, "j")["data_counts"]
    assert (counts["bucket_count"], counts["invalid_date_count"]) == (MINUTES, 3)
    assert messages(store, "j", "warning") == [
        "3 documents are not analysed: their [time] is before the year 1 or after the year 9999"
    ]


def test_a_long_stretch_without_documents_is_left_out_and_said(store: Store, service: JobService) -> None:
    add(store, {"time": 0, "v": 1.0})
    create(service, "j")
    run(service, "j")
    counts = stats(service, "j")["data_counts"]
    assert counts["earliest_record_timestamp"] == 0
    assert counts["processed_record_count"] == MINUTES * 6 + 1
    assert counts["bucket_count"] <= 2 * itinerary.CHECKED_BUCKETS + MINUTES
    (said,) = messages(store, "j", "warning")
    assert said.startswith("No documents from 1970-01-")
    assert "empty buckets are left out" in said
    assert [bucket["event_count"] for bucket in results(service, "j", start_ms=START_MS)] == [6] * MINUTES


def test_the_time_of_a_single_document_at_the_epoch_is_shown(store: Store, service: JobService) -> None:
    with store.write() as writer:
        writer.create_index("old", mappings={"properties": {"time": {"type": "date"}, "v": {"type": "double"}}})
    add(store, {"time": 0, "v": 1.0}, index="old")
    create(service, "j", indices=["old"])
    run(service, "j")
    counts = stats(service, "j")["data_counts"]
    assert counts["latest_record_timestamp"] == counts["earliest_record_timestamp"] == 0
    assert counts["latest_bucket_timestamp"] == 0


@pytest.mark.parametrize("cuts", [[400], [7, 130, 131, 300], [64, 128, 192]])
def test_what_is_left_out_does_not_depend_on_how_runs_are_cut(
    store: Store, service: JobService, monkeypatch: pytest.MonkeyPatch, cuts: list[int]
) -> None:
    monkeypatch.setattr(itinerary, "CHECKED_BUCKETS", 16)
    monkeypatch.setattr(itinerary, "LONGEST_GAP", 100)
    far = START_MS + 400 * MINUTE
    add(store, *({"time": far + n * 20_000, "v": float(n % 7)} for n in range(90)))
    end_ms = far + 30 * MINUTE
    create(service, "whole")
    run(service, "whole", end_ms=end_ms)
    create(service, "cut")
    for minutes in cuts:
        run(service, "cut", end_ms=START_MS + minutes * MINUTE)
    run(service, "cut", end_ms=end_ms)
    assert results(service, "cut") == results(service, "whole")
    assert results(service, "cut", RECORDS) == results(service, "whole", RECORDS)
    starts = [bucket["timestamp"] for bucket in results(service, "whole")]
    assert any(later - earlier > 100 * MINUTE for earlier, later in pairwise(starts))


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"time": {"type": "keyword"}}, r"field \[time\] of type \[keyword\] in index \[logs-b\].*must be a \[date\]"),
        ({"time": {"type": "date"}}, None),
    ],
)
def test_an_index_whose_time_field_is_no_date_is_named(
    store: Store, service: JobService, mapping: dict[str, Any], said: str | None
) -> None:
    with store.write() as writer:
        writer.create_index("logs-b", mappings={"properties": mapping})
    create(service, "j", indices=["logs*"])
    if said is None:
        run(service, "j")
        return
    with pytest.raises(MlError, match=said) as caught:
        service.datafeeds.start("j", start_ms=None, end_ms=END_MS)
    assert caught.value.status == 400


def test_a_field_that_no_aggregation_gives_is_named(store: Store, service: JobService) -> None:
    aggregations = {
        "b": {
            "date_histogram": {"field": "time", "fixed_interval": "1m"},
            "aggregations": {"time": {"max": {"field": "time"}}, "average": {"avg": {"field": "v"}}},
        }
    }
    create(service, "j", aggregations=aggregations)
    with pytest.raises(MlError) as caught:
        service.datafeeds.start("j", start_ms=None, end_ms=END_MS)
    assert (caught.value.status, caught.value.reason) == (
        400,
        "datafeed [j] cannot retrieve field [v] because no aggregation gives it; they give [average, doc_count, time]",
    )


def test_the_reason_of_a_failed_run_stays_to_be_read(store: Store, service: JobService) -> None:
    with store.write() as writer:
        writer.create_index("gone", mappings={"properties": {"time": {"type": "date"}, "v": {"type": "double"}}})
    create(service, "j", indices=["logs", "gone"])
    service._runtime.scheduler.stop()  # the index goes between the start and the first search
    service.datafeeds.start("j", start_ms=None, end_ms=END_MS)
    with store.write() as writer:
        writer.delete_index("gone")
    service._runtime.scheduler.start()
    running = service._runtime.running["j"]
    service._runtime.scheduler.submit(running.step)
    until(lambda: feed_stats(service, "j")["state"] == "stopped")
    assert feed_stats(service, "j")["assignment_explanation"] == (
        "the datafeed stopped because of an error: no such index [gone]"
    )
    assert messages(store, "j", "error") == ["Datafeed is encountering errors extracting data: no such index [gone]"]
    again = JobService(store)
    again._registry.load()
    assert "no such index [gone]" in feed_stats(again, "j")["assignment_explanation"]
    with store.write() as writer:
        writer.create_index("gone", mappings={"properties": {"time": {"type": "date"}, "v": {"type": "double"}}})
    run(service, "j")
    assert "assignment_explanation" not in feed_stats(service, "j")
