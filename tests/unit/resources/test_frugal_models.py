"""What many objects have in common is in memory once, and none of them can tell."""

from __future__ import annotations

import copy
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources import API_VERSION, FINALIZER, AnomalyJob, Metadata
from anomalyops.watching.objects import Objects

values = {
    "uid": "u",
    "generation": 3,
    "resourceVersion": "9",
    "labels": {"a": "b"},
    "annotations": {},
    "finalizers": [],
}
subsets = st.sets(st.sampled_from(sorted(values)))


def metadata(fields):
    return Metadata.model_validate({"name": "one", **{name: values[name] for name in fields}})


@given(st.lists(subsets, min_size=1, max_size=8), subsets)
def test_each_model_knows_what_it_was_given(given_fields, added):
    made = [metadata(fields) for fields in given_fields]
    copies = [one.model_copy(update={"namespace": "another"}) for one in made]
    deep = [copy.deepcopy(one) for one in made]
    more = metadata(added)
    for one, copied, deeply, fields in zip(made, copies, deep, given_fields, strict=True):
        names = {"resource_version" if name == "resourceVersion" else name for name in fields}
        assert one.model_fields_set == names | {"name"}, "whatever became of its copies"
        assert copied.model_fields_set == names | {"name", "namespace"}
        assert deeply.model_fields_set == one.model_fields_set
        assert set(one.model_dump(by_alias=True, exclude_unset=True)) == set(fields) | {"name"}
    assert more.model_fields_set is metadata(added).model_fields_set, "it is there once"


def job(number):
    times = {"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1, "message": f"job {number} is open"}
    conditions = [{"type": name, "status": "True", "reason": name, **times} for name in ("Ready", "Synced")]
    detectors = [{"function": "mean", "fieldName": "value"}]
    return {
        "apiVersion": API_VERSION,
        "kind": "AnomalyJob",
        "metadata": {
            "name": f"job-{number}",
            "namespace": "web",
            "uid": str(number),
            "resourceVersion": "7",
            "generation": 1,
            "finalizers": [FINALIZER],
            "managedFields": [{"fieldsV1": {f"f:{name}": {} for name in range(100)}}],
        },
        "spec": {
            "analysisConfig": {"bucketSpan": "15m", "detectors": detectors},
            "analysisLimits": {"modelMemoryLimit": "16mb"},
            "dataDescription": {"timeField": "@timestamp"},
        },
        "status": {
            "observedGeneration": 1,
            "conditions": conditions,
            "jobId": f"job-{number}",
            "memory": {"status": "ok", "modelBytes": number, "limitBytes": 16 << 20, "percent": 0},
            "dataCounts": {"processedRecordCount": 10, "bucketCount": 5},
            "placement": {"connection": "web/default", "clusterUuid": "abc"},
        },
    }


def test_a_job_is_kept_in_ten_kibibytes():
    objects, count = Objects(), 200
    objects.put(job(-1))  # what is made once
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(count):
            objects.put(job(number))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(objects.of(AnomalyJob)) == count + 1
    assert (after - before) / count < 10 * 1024
