"""Memory of the machine: a job that there is no room for is refused, or waits where it allows that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.config import MemorySize, create_job
from anomalyops_engine.jobs import JobService, MlError
from anomalyops_engine.jobs.capacity import shortage
from anomalyops_engine.jobs.registry import JobEntry, JobRun
from anomalyops_engine.jobs.runtime import Settings
from anomalyops_engine.store import Store
from waiting import until

DAY_MS = 86_400_000


def body(limit: str, *, lazy: bool = False) -> dict:
    return {
        "analysis_config": {"bucket_span": "1h", "detectors": [{"function": "count"}]},
        "analysis_limits": {"model_memory_limit": limit},
        "data_description": {"time_field": "time"},
        "allow_lazy_open": lazy,
        "datafeed_config": {"indices": ["logs"]},
    }


def service_on(store: Store) -> JobService:
    return JobService(store, Settings(memory=MemorySize(100)))


@pytest.fixture
def service(store: Store) -> Iterator[JobService]:
    with store.write() as writer:
        writer.create_index("logs", mappings={"properties": {"time": {"type": "date"}}})
        writer.append("logs", [{"time": n * 3_600_000} for n in range(48)])
    running = service_on(store)
    running.start()
    yield running
    running.stop()


def stats(service: JobService, job_id: str) -> dict:
    return service.jobs.stats(job_id, allow_no_match=False)["jobs"][0]


def test_a_job_that_there_is_no_memory_for_is_refused_and_stays_closed(service):
    service.jobs.create("big", body("2tb"))
    with pytest.raises(MlError, match="no ML nodes with sufficient capacity were found") as refused:
        service.jobs.open("big")
    assert refused.value.status == 429
    assert "insufficient available memory" in refused.value.root_reason()
    assert stats(service, "big")["state"] == "closed"
    service.jobs.create("small", body("100mb"))
    assert service.jobs.open("small")["node"] == service.node_id


def test_a_lazy_job_waits_and_its_datafeed_with_it_until_there_is_memory(service):
    service.jobs.create("lazy", body("2tb", lazy=True))
    assert service.jobs.open("lazy") == {"opened": True, "node": ""}
    assert stats(service, "lazy")["state"] == "opening"
    assert "insufficient available memory" in stats(service, "lazy")["assignment_explanation"]
    assert service.datafeeds.start("lazy", start_ms=None, end_ms=2 * DAY_MS) == {"started": True, "node": ""}
    (feed,) = service.datafeeds.stats("lazy", allow_no_match=False)["datafeeds"]
    assert (feed["state"], feed["assignment_explanation"]) == ("starting", "datafeed awaiting job assignment.")
    service.jobs.update("lazy", {"analysis_limits": {"model_memory_limit": "10mb"}})
    until(lambda: stats(service, "lazy")["state"] == "closed")
    assert stats(service, "lazy")["data_counts"]["processed_record_count"] == 48


def test_a_waiting_job_waits_on_after_a_restart_and_can_be_closed(service, store):
    service.jobs.create("lazy", body("2tb", lazy=True))
    service.jobs.open("lazy")
    service.datafeeds.start("lazy", start_ms=None, end_ms=None)
    service.stop()
    again = service_on(store)
    again.start()
    try:
        assert stats(again, "lazy")["state"] == "opening"
        again.jobs.close("lazy", allow_no_match=False, force=False, timeout_ms=1000)
        assert stats(again, "lazy")["state"] == "closed"
        assert again.datafeeds.stats("lazy", allow_no_match=False)["datafeeds"][0]["state"] == "stopped"
        again.jobs.update("lazy", {"analysis_limits": {"model_memory_limit": "10mb"}})
        assert again.jobs.open("lazy")["node"] == again.node_id
    finally:
        again.stop()


def test_a_job_that_names_no_limit_fits_on_a_small_machine(service):
    service.jobs.create("j", {key: value for key, value in body("1gb").items() if key != "analysis_limits"})
    (job,) = service.jobs.get("j", allow_no_match=False, exclude_generated=False)["jobs"]
    assert job["analysis_limits"]["model_memory_limit"] == "100mb"
    assert service.info()["defaults"]["anomaly_detectors"]["model_memory_limit"] == "100mb"


@settings(deadline=None)
@given(st.integers(1, 200), st.lists(st.tuples(st.sampled_from(["opened", "closed", "opening"]), st.integers(0, 99))))
def test_there_is_room_for_a_limit_beside_what_open_models_have_grown_to(limit, others):
    def entry(job_id: str, state: str, mib: int, limit_mib: int) -> JobEntry:
        config, _ = create_job(body(f"{limit_mib}mb"), job_id=job_id, now_ms=0)
        return JobEntry(config, JobRun(state=state, model_size={"model_bytes": mib << 20}))

    job = entry("j", "closed", 0, limit)
    jobs = [job, *(entry(f"o{n}", state, mib, 4096) for n, (state, mib) in enumerate(others))]
    used = sum(mib for state, mib in others if state == "opened")
    assert (shortage(job, jobs, MemorySize(100)) is None) == (limit + used <= 100)
