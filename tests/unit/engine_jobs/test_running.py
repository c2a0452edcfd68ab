"""Running jobs inside one process: aggregated feeds, damage, load, fairness."""

import threading
import time
from types import SimpleNamespace

import pytest

from anomalyops_engine.jobs import JobService, MlError
from anomalyops_engine.jobs import scheduler as scheduler_module
from anomalyops_engine.jobs.journal import MODEL_STATE
from anomalyops_engine.jobs.results import BUCKETS, ResultQuery
from anomalyops_engine.jobs.scheduler import Scheduler
from anomalyops_engine.scoring import JobAnalysis
from anomalyops_engine.store import Store
from waiting import PATIENCE_S, until

START_MS = 1_700_000_000_000 // 60_000 * 60_000
MINUTES = 120


@pytest.fixture
def store(tmp_path):
    store = Store.open(tmp_path / "data")
    with store.write() as writer:
        writer.create_index("logs", mappings={"properties": {"time": {"type": "date"}, "v": {"type": "double"}}})
        writer.append(
            "logs",
            [{"time": START_MS + n * 10_000, "v": float(n % 5)} for n in range(MINUTES * 6)],
        )
    yield store
    store.close()


@pytest.fixture
def service(store):
    service = JobService(store)
    service.start()
    yield service
    service.stop()


def job_body(detector, **analysis):
    return {
        "analysis_config": {"bucket_span": "1m", "detectors": [detector], **analysis},
        "data_description": {"time_field": "time"},
    }


def create(service, job_id, **feed):
    body = {**job_body({"function": "mean", "field_name": "v"}), "datafeed_config": {"indices": ["logs"], **feed}}
    service.jobs.create(job_id, body)
    service.jobs.open(job_id)


def job_stats(service, job_id):
    return service.jobs.stats(job_id, allow_no_match=False)["jobs"][0]


def run(service, job_id, end_ms=START_MS + MINUTES * 60_000):
    service.datafeeds.start(job_id, start_ms=None, end_ms=end_ms)
    until(lambda: job_stats(service, job_id)["state"] != "opened")


def event_counts(service, job_id):
    page = service.results.page(job_id, BUCKETS, ResultQuery(size=10_000))
    return {bucket["timestamp"]: bucket["event_count"] for bucket in page["buckets"]}


def test_an_aggregated_feed_counts_the_documents_behind_its_rows(service):
    aggregations = {
        "minutes": {
            "date_histogram": {"field": "time", "fixed_interval": "30s"},
            "aggregations": {"time": {"max": {"field": "time"}}, "v": {"avg": {"field": "v"}}},
        }
    }
    body = job_body({"function": "mean", "field_name": "v"}, summary_count_field_name="doc_count")
    body["datafeed_config"] = {"indices": ["logs"], "aggregations": aggregations}
    service.jobs.create("agg", body)
    service.jobs.open("agg")
    run(service, "agg")
    create(service, "plain")
    run(service, "plain")
    assert event_counts(service, "agg") == event_counts(service, "plain")
    # With aggregations, the records are the aggregated rows.
    assert job_stats(service, "agg")["data_counts"]["processed_record_count"] == MINUTES * 2
    assert job_stats(service, "plain")["data_counts"]["processed_record_count"] == MINUTES * 6


def test_a_partial_last_bucket_waits_for_the_next_run(service):
    create(service, "j")
    run(service, "j", START_MS + 10 * 60_000 + 30_000)
    assert job_stats(service, "j")["data_counts"]["processed_record_count"] == 60
    service.jobs.open("j")
    run(service, "j", START_MS + 12 * 60_000)
    assert job_stats(service, "j")["data_counts"]["processed_record_count"] == 72
    assert list(event_counts(service, "j").values()) == [6] * 12


def test_a_start_within_a_bucket_leaves_earlier_documents_out(service):
    create(service, "j")
    service.datafeeds.start("j", start_ms=START_MS + 30_000, end_ms=START_MS + 120_000)
    until(lambda: job_stats(service, "j")["state"] == "closed")
    assert list(event_counts(service, "j").values()) == [3, 6]


def test_a_damaged_model_fails_the_job_and_force_close_and_reset_heal_it(store, service):
    create(service, "j")
    run(service, "j", START_MS + 60 * 60_000)
    with store.write() as writer:
        writer.put_state(MODEL_STATE, "j", b"rubbish")
    with pytest.raises(MlError, match="Unexpected job state \\[failed\\] with reason"):
        service.jobs.open("j")
    stats = job_stats(service, "j")
    assert stats["state"] == "failed"
    assert stats["assignment_explanation"]
    with pytest.raises(MlError, match="cannot close job \\[j\\] because it failed, use force close") as caught:
        service.jobs.close("j", allow_no_match=True, force=False, timeout_ms=1_000)
    assert caught.value.status == 409
    service.jobs.close("j", allow_no_match=True, force=True, timeout_ms=1_000)
    service.jobs.reset("j", delete_user_annotations=False)
    service.jobs.open("j")
    run(service, "j")
    assert job_stats(service, "j")["data_counts"]["bucket_count"] == MINUTES


def test_a_model_damaged_while_the_engine_was_down_fails_the_job_at_its_first_step(store):
    service = JobService(store)
    service.start()
    create(service, "j", query_delay="0s")
    service.datafeeds.start("j", start_ms=None, end_ms=None)
    until(lambda: job_stats(service, "j")["data_counts"]["bucket_count"] > 0)
    service.stop()
    with store.write() as writer:
        writer.put_state(MODEL_STATE, "j", b"rubbish")
    again = JobService(store)
    again.start()
    until(lambda: job_stats(again, "j")["state"] == "failed")
    assert again.datafeeds.stats("j", allow_no_match=False)["datafeeds"][0]["state"] == "stopped"
    again.stop()


def test_an_analysis_that_keeps_failing_is_logged_once(store, monkeypatch, caplog):
    def fail(*_arguments, **_options):
        raise ZeroDivisionError("no such number")

    service = JobService(store)
    service.start()
    monkeypatch.setattr(JobAnalysis, "analyse", fail)
    create(service, "j", query_delay="0s", frequency="1s")
    service.datafeeds.start("j", start_ms=None, end_ms=None)
    until(lambda: _said(caplog))
    time.sleep(2.5)  # long enough for two more searches
    service.stop()
    assert _said(caplog) == ["analysis of job [j] failed"]


def _said(caplog):
    return [record.message for record in caplog.records if record.name == "anomalyops_engine.jobs.feed"]


def test_many_feeds_share_the_workers(service):
    names = [f"j{number:02}" for number in range(5)]
    for name in names:
        create(service, name)
        service.datafeeds.start(name, start_ms=None, end_ms=START_MS + MINUTES * 60_000)
    until(lambda: all(job_stats(service, name)["state"] == "closed" for name in names))
    assert {job_stats(service, name)["data_counts"]["bucket_count"] for name in names} == {MINUTES}


def test_stats_of_many_jobs_are_read_from_memory(store, service):
    for number in range(50):
        service.jobs.create(f"j{number}", job_body({"function": "count"}))
    started = time.perf_counter()
    assert service.jobs.stats("_all", allow_no_match=True)["count"] == 50
    elapsed = time.perf_counter() - started
    with store.write():  # held: whoever needed the writer would wait for ever
        assert service.jobs.stats("_all", allow_no_match=True)["count"] == 50
    assert elapsed < 1.0


def test_workers_take_turns():
    scheduler = Scheduler(workers=1)
    order: list[str] = []
    finished = threading.Event()

    def step(name):
        def take():
            order.append(name)
            if len(order) >= 9:
                finished.set()
                return None
            return 0.0

        return take

    for name in "abc":
        scheduler.submit(step(name))
    scheduler.start()
    assert finished.wait(PATIENCE_S)
    scheduler.stop()
    assert order[:9] == list("abcabcabc")


@pytest.fixture
def clock(monkeypatch):
    """The scheduler's seconds, which pass by what the steps take and not by what the machine does beside them."""
    now = [0.0]
    monkeypatch.setattr(scheduler_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_no_number_of_lookbacks_holds_real_time_up_nor_the_other_way_round(clock):
    """A step whose time has come waits for the step that runs and one more, however many want to run at once."""
    scheduler = Scheduler(workers=1)
    starts: list[float] = []
    lateness: list[int] = []
    finished = threading.Event()
    due = [0.05]

    def lookback():
        starts.append(clock[0])
        clock[0] += 0.01
        return None if finished.is_set() else 0.0

    def real_time():
        lateness.append(sum(1 for began in starts if began > due[0]))
        if len(lateness) == 10:
            finished.set()
            return None
        due[0] = clock[0] + 0.05
        return 0.05

    for _ in range(20):
        scheduler.submit(lookback)
    scheduler.submit(real_time, 0.05)
    scheduler.start()
    assert finished.wait(PATIENCE_S)
    scheduler.stop()
    assert max(lateness) <= 1
    assert len(starts) > len(lateness)


def test_real_time_that_is_always_late_leaves_every_second_turn_to_lookbacks(clock):
    scheduler = Scheduler(workers=1)
    turns: list[str] = []
    finished = threading.Event()

    def step(name, delay):
        def take():
            turns.append(name)
            clock[0] += 0.002
            if len(turns) > 60:
                finished.set()
                return None
            return delay

        return take

    for _ in range(5):
        scheduler.submit(step("real time", 0.000_1), 0.000_1)
    scheduler.submit(step("lookback", 0.0))
    scheduler.start()
    assert finished.wait(PATIENCE_S)
    scheduler.stop()
    assert 20 <= turns[:60].count("lookback") <= 40
