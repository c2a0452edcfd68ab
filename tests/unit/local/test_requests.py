"""Forecasts and reverts in files: what a plan says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from anomalyops.local.connections import Login, targets
from anomalyops.local.manifests import read_manifests
from anomalyops.local.requests import planned_requests
from anomalyops.resources import ManifestError, Reason

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


SETS = """\
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJobSet
metadata: {name: listed}
spec:
  values: [shop, search]
  template: &template
    job:
      analysisConfig: {bucketSpan: 1h, detectors: [{function: count}]}
      dataDescription: {}
    datafeed: {indices: [logs], query: {term: {service: "{{value}}"}}}
---
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJobSet
metadata: {name: found}
spec:
  terms: {indices: [logs], field: service}
  template:
    job:
      analysisConfig: {bucketSpan: 1h, detectors: [{function: count}]}
      dataDescription: {}
"""


def test_a_set_of_listed_values_is_its_jobs_and_one_of_an_index_is_left_to_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "sets.yaml").write_text(SETS)
    (target,) = targets(read_manifests([str(tmp_path)]), Login(url="http://127.0.0.1:9200"))
    assert [pair.datafeed is not None for pair in target.pairs] == [True, True]
    queries = {pair.datafeed.spec.query["term"]["service"] for pair in target.pairs if pair.datafeed is not None}
    assert queries == {"shop", "search"}
    (found,) = planned_requests(target)
    assert "takes its values from an index (spec.terms)" in found.plan.unchecked[0]


def test_a_template_that_gives_what_is_refused_is_a_problem_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "sets.yaml").write_text(SETS.replace("bucketSpan: 1h", 'bucketSpan: "{{value}}"'))
    with pytest.raises(ManifestError, match="AnomalyJobSet/listed, shop"):
        read_manifests([str(tmp_path)])


def test_an_investigation_in_files_says_which_command_does_the_same(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(
        "apiVersion: anomalyops.io/v1alpha1\nkind: Investigation\nmetadata: {name: night}\nspec: {since: 2h}\n"
    )
    (target,) = targets(read_manifests([str(tmp_path)]), Login(url="http://127.0.0.1:9200"))
    (found,) = planned_requests(target)
    assert found.plan.empty
    assert "Investigation night is made by the operator in a cluster" in found.plan.unchecked[0]
    assert "anomalyops investigate" in found.plan.unchecked[0]
