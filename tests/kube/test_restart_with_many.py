"""Every upgrade is a restart with all objects there: each of them must be taken in, however many there are."""

from __future__ import annotations

import json

import pytest
from kube_harness.kubectl import Kubectl
from kube_harness.processes import wait_until
from kube_harness.services import Operator

API_VERSION = "anomalyops.io/v1alpha1"


def job(namespace: str, number: int, **spec: object) -> dict[str, object]:
    return {
        "apiVersion": API_VERSION,
        "kind": "AnomalyJob",
        "metadata": {"name": f"job-{number}", "namespace": namespace},
        "spec": {
            "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
            "dataDescription": {"timeField": "@timestamp"},
            **spec,
        },
    }


def handled(admin: Kubectl, namespace: str) -> int:
    """How many jobs say that the connection which their present spec names does not exist."""
    items = json.loads(admin("get", "anomalyjobs", "-n", namespace, "-o", "json"))["items"]
    return sum(
        item["spec"].get("connectionRef", {}).get("name", "default") + " does not exist" in condition["message"]
        for item in items
        for condition in item.get("status", {}).get("conditions", [])
        if condition["type"] == "Ready"
    )


@pytest.mark.parametrize("count", [60, 400])
def test_a_restart_takes_in_all_objects(admin: Kubectl, operator: Operator, count: int) -> None:
    namespace = f"many-{count}"
    admin("create", "namespace", namespace)
    operator.stop()
    try:
        admin.apply(*(job(namespace, number) for number in range(count)))
        operator.start()  # healthy only once it has listed everything
        assert json.loads(operator.health()[1])["anomalyops"]["anomalyjobs"] >= count
        wait_until(lambda: handled(admin, namespace) == count, what=f"a status on {count} jobs")
        operator.stop()
        changed = [job(namespace, number, connectionRef={"name": "another"}) for number in range(0, count, 7)]
        admin.apply(*changed)
        admin("delete", "anomalyjob", "job-1", "-n", namespace, "--wait=false")
        operator.start()
        wait_until(lambda: handled(admin, namespace) == count - 1, what="a status on every change")
    finally:
        if not operator.process.running:
            operator.start()
        admin("delete", "anomalyjobs", "--all", "-n", namespace, "--wait=false")
