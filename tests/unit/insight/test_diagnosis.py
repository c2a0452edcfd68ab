"""The decision trees over generated jobs: what is said, and in which order it is mended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_insight.tools.configuration import Configured
from anomalyops_insight.tools.memory import bytes_of
from anomalyops_insight.tools.messages import Delay, JobMessage
from anomalyops_insight.tools.timing import Latency
from anomalyops_insight.troubleshooting import Facts, Severity, diagnose
from anomalyops_insight.troubleshooting.diagnosis import TREES, recommended_limit

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DELAY = Delay(timestamp=NOW, end_timestamp=None, job_id="j", missed_documents=7, annotation="missed 7 documents")
OWNED = {"anomalyops.io/name": "web", "anomalyops.io/namespace": "team"}


def latency(seconds):
    return Latency(
        documents=10, p50_seconds=1, p95_seconds=seconds, p99_seconds=seconds, max_seconds=seconds, query_delay="60s",
        recommended_query_delay=f"{seconds + 60}s",
    )  # fmt: skip


facts = st.builds(
    lambda state, feed, status, used, delays, late, owned, estimate, has_feed, missing: Facts(
        config=Configured(
            {
                "job_id": "j",
                "analysis_config": {"bucket_span": "15m", "detectors": [{"function": "count"}]},
                "custom_settings": OWNED if owned else {},
            },
            {"datafeed_id": "f", "job_id": "j", "indices": ["x"], "query_delay": "60s"} if has_feed else None,
        ),
        job={
            "state": state,
            "data_counts": {"processed_record_count": 5},
            "model_size_stats": {
                "memory_status": status,
                "model_bytes": used,
                "peak_model_bytes": used,
                "model_bytes_memory_limit": 10 * 1024**2,
            },
        },
        datafeed={"state": "stopped" if state == "closed" else feed} if has_feed else {},  # servers allow no other
        now=NOW,
        delays=(DELAY,) * delays,
        latency=None if late is None else latency(late),
        estimate_bytes=estimate,
        missing=missing,
    ),
    st.sampled_from(("opened", "closed", "failed", "opening")),
    st.sampled_from(("started", "stopped")),
    st.sampled_from(("ok", "soft_limit", "hard_limit")),
    st.integers(0, 20 * 1024**2),
    st.integers(0, 2),
    st.sampled_from((None, 5, 600)),
    st.booleans(),
    st.sampled_from((None, 1, 100 * 1024**2)),
    st.booleans(),
    st.sampled_from((None, 0, 9)),
)


@given(facts=facts)
def test_every_tree_has_a_word_and_the_worst_comes_first(facts):
    found = diagnose(facts)
    assert {one.tree for one in found.findings} == set(TREES)
    assert found.severity == max(one.severity for one in found.findings)
    assert [one.severity for one in found.findings] == sorted((one.severity for one in found.findings), reverse=True)
    assert (found.verdict == "healthy") == (found.severity < Severity.WARNING)


@given(facts=facts)
def test_a_plan_obeys_the_lifecycle(facts):
    """Nothing changes while it runs, memory comes first, and what ran runs again."""
    found, running = diagnose(facts), facts.running
    if running.owner is not None and any("manifest" in step.words for step in found.plan):
        assert not any(step.call for step in found.plan)  # the operator works off its own order
        return
    opened, started = running.opened or running.failed, running.started
    changed = []
    for step in found.plan:
        if step.call.endswith("/_stop"):
            started = False
        elif step.call.endswith("/_close"):
            assert not started
            opened = False
        elif "anomaly_detectors" in step.call and step.call.endswith("/_update"):
            assert not opened
            assert "query_delay" not in changed
            changed.append("memory")
        elif "datafeeds" in step.call and step.call.endswith("/_update"):
            assert not started
            changed.append("query_delay")
        elif step.call.endswith("/_open"):
            assert not opened
            opened = True
        elif step.call.endswith("/_start"):
            assert opened
            assert not started
            started = True
    if found.plan:
        assert opened == (running.opened or running.failed)
        assert started >= running.started
    if facts.size["memory_status"] == "hard_limit":
        assert changed == ["memory"]  # late documents of a full model are looked at again afterwards


@given(facts=facts)
def test_a_recommended_limit_has_room(facts):
    wanted = bytes_of(recommended_limit(facts))
    assert wanted is not None
    assert wanted > facts.size["model_bytes_memory_limit"]
    assert wanted >= facts.size["peak_model_bytes"]
    assert wanted >= (facts.estimate_bytes or 0)


def test_a_query_delay_is_only_made_longer():
    def planned(late):
        config = Configured(
            {"job_id": "j", "analysis_config": {"bucket_span": "15m", "detectors": []}},
            {"datafeed_id": "f", "job_id": "j", "query_delay": "120s", "indices": ["x"]},
        )
        found = diagnose(
            Facts(config=config, job={"state": "closed"}, datafeed={}, now=NOW, delays=(DELAY,), latency=latency(late))
        )
        return [step.body for step in found.plan]

    assert planned(5) == []
    assert planned(600) == [{"query_delay": "660s"}]


def test_what_a_manifest_owns_is_changed_there():
    config = Configured(
        {"job_id": "j", "analysis_config": {"bucket_span": "15m", "detectors": []}, "custom_settings": OWNED}
    )
    size = {"memory_status": "hard_limit", "model_bytes_memory_limit": 10 * 1024**2, "model_bytes": 10 * 1024**2}
    found = diagnose(Facts(config=config, job={"state": "opened", "model_size_stats": size}, datafeed={}, now=NOW))
    assert found.owner == "team/web"
    (step,) = found.plan
    assert 'patch {"spec": {"analysisLimits": {"modelMemoryLimit": "13mb"}}}' in step.words
    assert step.call == ""


def test_why_a_job_failed_is_evidence():
    message = JobMessage(
        timestamp=NOW - timedelta(hours=1), job_id="j", level="error", message="no space left", node_name=None
    )
    config = Configured({"job_id": "j", "analysis_config": {"bucket_span": "15m", "detectors": []}})
    found = diagnose(Facts(config=config, job={"state": "failed"}, datafeed={}, now=NOW, messages=(message,)))
    assert (found.verdict, found.severity) == ("the job has failed", Severity.CRITICAL)
    assert "no space left" in found.findings[0].evidence
    assert [step.call for step in found.plan] == [
        "POST _ml/anomaly_detectors/j/_close", "POST _ml/anomaly_detectors/j/_open",
    ]  # fmt: skip
