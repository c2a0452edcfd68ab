"""What can still be read of objects that break a rule."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources import FINALIZER, DeletionPolicy
from anomalyops.watching.objects import read

JOB = {
    "jobId": "web",
    "deletionPolicy": "Delete",
    "connectionRef": {"name": "east"},
    "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
    "dataDescription": {"timeField": "@timestamp"},
}
FEED = {
    "datafeedId": "feed",
    "deletionPolicy": "Orphan",
    "jobRef": {"name": "web"},
    "indices": ["logs"],
    "query": {"match_all": {}},
}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)


def body(kind: str, spec: dict[str, Any], *, managed: bool = True) -> dict[str, Any]:
    metadata = {"name": "one", "namespace": "ns", "uid": "u", "resourceVersion": "1", "generation": 3}
    finalizers = [FINALIZER] if managed else []
    status = {"placement": {"connection": "ns/east", "clusterUuid": "c"}}
    return {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": kind,
        "metadata": metadata | {"finalizers": finalizers},
        "spec": spec,
        "status": status,
    }


@given(st.sampled_from([("AnomalyJob", JOB), ("Datafeed", FEED)]), st.data())
def test_any_other_field_may_be_anything(kind_and_spec, data):
    """The id, the place and the deletion policy of an object never depend on the rest of it."""
    kind, spec = kind_and_spec
    broken = copy.deepcopy(spec)
    kept = {"jobId", "datafeedId", "deletionPolicy", "connectionRef", "jobRef"}
    for field in data.draw(st.sets(st.sampled_from(sorted(set(spec) - kept)))):
        broken[field] = data.draw(ANY_JSON)
    broken |= data.draw(st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda key: key not in spec), ANY_JSON))
    seen = read(body(kind, broken))
    resource = seen.managed
    assert resource is not None
    assert resource.server_id == spec.get("jobId", spec.get("datafeedId"))
    assert resource.spec.deletion_policy == spec["deletionPolicy"]
    assert resource.status.placement.cluster_uuid == "c"
    if kind == "AnomalyJob":
        assert resource.spec.connection_ref.name == "east"


@given(ANY_JSON)
def test_a_deletion_policy_that_cannot_be_read_loses_nothing(policy):
    seen = read(body("AnomalyJob", JOB | {"deletionPolicy": policy}))
    if seen.resource is None:
        assert seen.remains.spec.deletion_policy is DeletionPolicy.RETAIN


def test_an_invalid_object_that_was_never_managed_is_not_acted_on():
    seen = read(body("AnomalyJob", JOB | {"analysisConfig": {}}, managed=False))
    assert seen.resource is None
    assert seen.managed is None
