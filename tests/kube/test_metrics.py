"""What Prometheus reads of a running operator."""

from __future__ import annotations

from kube_harness.processes import wait_until
from kube_harness.services import Operator
from kube_harness.world import World


def test_a_scrape_shows_the_pair_and_sends_nothing(world: World, operator: Operator) -> None:
    world.start_pair()
    where = f'name="requests",namespace="{world.namespace}"'
    job = f'{{job_id="{world.job_id}",{where}}}'

    def looked_at() -> bool:
        return operator.metrics().get(f"anomalyops_job_buckets_total{job}", 0) > 100

    wait_until(looked_at, what="a look at the job after its lookback")
    found = operator.metrics()
    assert found[f"anomalyops_job_opened{job}"] == 1
    assert found[f"anomalyops_job_records_total{job}"] > 0
    assert 0 < found[f"anomalyops_job_model_bytes{job}"] < found[f"anomalyops_job_model_limit_bytes{job}"]
    assert f"anomalyops_job_record_score{job}" in found, "the latest bucket is over, and has a score"
    assert found[f'anomalyops_resource_ready{{kind="AnomalyJob",{where},reason="Ready"}}'] == 1
    assert found['anomalyops_reconcile_seconds_count{controller="pair",outcome="done"}'] > 0
    assert found['anomalyops_elasticsearch_request_seconds_count{method="PUT",outcome="ok"}'] >= 1

    before = len(world.proxy.writes())
    for _ in range(20):
        operator.metrics()
    assert len(world.proxy.writes()) == before
