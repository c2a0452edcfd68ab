"""Forecasts and reverts in files: what a plan says of them."""

from __future__ import annotations

from pathlib import Path

from anomalyops.local.connections import Login, targets
from anomalyops.local.manifests import read_manifests
from anomalyops.local.requests import planned_requests
from anomalyops.resources import Reason

FILES = """\
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata: {name: users}
spec:
  analysisConfig: {bucketSpan: 1h, detectors: [{function: count, overFieldName: user}]}
  dataDescription: {}
---
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyForecast
metadata: {name: ahead}
spec: {jobRef: {name: users}}
---
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyForecast
metadata: {name: of-another-folder}
spec: {jobRef: {name: elsewhere}}
---
apiVersion: anomalyops.io/v1alpha1
kind: ModelSnapshotRevert
metadata: {name: back}
spec: {jobRef: {name: users}, snapshotId: empty}
"""


def test_a_plan_says_who_makes_a_forecast_and_why_none_is_possible(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(FILES)
    (target,) = targets(read_manifests([str(tmp_path)]), Login(url="http://127.0.0.1:9200"))
    ahead, other, back = planned_requests(target)
    assert [one.reason for one in ahead.plan.obstacles] == [Reason.FORECAST_IMPOSSIBLE]
    assert "AnomalyJob users: population analyses cannot be forecast" in ahead.plan.obstacles[0].message
    assert ahead.plan.empty
    assert other.plan.obstacles == ()
    assert "carried out by the operator in a cluster" in other.plan.unchecked[0]
    assert "anomalyops forecast" in other.plan.unchecked[0]
    assert back.plan.empty
    assert "ModelSnapshotRevert back is carried out by the operator in a cluster" in back.plan.unchecked[0]
