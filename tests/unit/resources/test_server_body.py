"""A manifest becomes exactly the body that it describes: nothing added, nothing lost, in the server's names."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops.resources import API_VERSION, AnomalyJob, Datafeed, Resource

_CONTROL = {
    "jobId", "connectionRef", "datafeedId", "jobRef", "start", "end",
    "state", "replacePolicy", "deletionPolicy", "adoptionPolicy", "suspend",
}  # fmt: skip
_FREE = {"query", "aggregations", "scriptFields", "runtimeMappings", "customSettings", "categorizationAnalyzer"}


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found.group(1).lower()}", name)


def _expected(value: Any, *, names: bool = True) -> Any:
    """The body by a second, simpler way: rename keys, except in free objects and in a scope's field names."""
    if isinstance(value, dict):
        return {
            (_snake(key) if names else key): (
                below if key in _FREE else _expected(below, names=key != "scope" or not names)
            )
            for key, below in value.items()
        }
    if isinstance(value, list):
        return [_expected(below) for below in value]
    return value


def _some(fields: dict[str, st.SearchStrategy[Any]], **required: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=fields)


_durations = st.builds(lambda number, unit: f"{number}{unit}", st.integers(1, 10_000), st.sampled_from(["s", "m", "h"]))
_days = st.integers(100, 5_000)
_names = st.sampled_from(["bytes", "user.name", "Zone", "@x", "a b", "under_score", "camelCase"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=8), below, max_size=2),
    max_leaves=6,
)
_free = st.dictionaries(st.sampled_from(["match_all", "created_by", "camelCase", "a.b"]), _json, max_size=2)
_conditions = _some(
    {},
    appliesTo=st.sampled_from(["actual", "typical", "diff_from_typical", "time"]),
    operator=st.sampled_from(["gt", "gte", "lt", "lte"]),
    value=st.floats(-1e6, 1e6).filter(lambda number: number != 0),
)
_rules = _some(
    {"actions": st.just(["skip_model_update"])},
    scope=st.dictionaries(
        st.just("splitField"), _some({"filterType": st.just("exclude")}, filterId=st.just("trusted")), min_size=1
    ),
    conditions=st.lists(_conditions, min_size=1, max_size=2),
)
_detectors = _some(
    {
        "partitionFieldName": st.just("tier"),
        "overFieldName": st.just("client_ip"),
        "useNull": st.booleans(),
        "excludeFrequent": st.sampled_from(["all", "none", "by", "over"]),
        "customRules": st.lists(_rules, max_size=2),
    },
    function=st.sampled_from(["mean", "avg", "high_sum", "dc", "low_median", "varp"]),
    fieldName=_names,
    byFieldName=st.just("splitField"),
    detectorDescription=st.uuids().map(str),
)
_jobs = _some(
    {
        "jobId": st.just("j"),
        "connectionRef": st.just({"name": "c"}),
        "state": st.sampled_from(["Opened", "Closed"]),
        "replacePolicy": st.sampled_from(["Never", "Reset", "Recreate"]),
        "suspend": st.booleans(),
        "description": st.text(max_size=20),
        "groups": st.lists(st.sampled_from(["web", "log_s"]), unique=True),
        "analysisLimits": _some(
            {"modelMemoryLimit": st.sampled_from(["1gb", "512MB", 64]), "categorizationExamplesLimit": st.just(0)}
        ),
        "modelPlotConfig": _some({"enabled": st.booleans(), "annotationsEnabled": st.booleans()}),
        "modelSnapshotRetentionDays": _days,
        "resultsRetentionDays": _days,
        "renormalizationWindowDays": _days,
        "backgroundPersistInterval": st.sampled_from(["1h", "4h", "3601s"]),
        "customSettings": _free,
        "allowLazyOpen": st.booleans(),
        "resultsIndexName": st.just("web"),
    },
    analysisConfig=_some(
        {
            "bucketSpan": _durations,
            "influencers": st.lists(_names, max_size=3),
            "summaryCountFieldName": st.just("doc_count"),
            "multivariateByFields": st.booleans(),
        },
        detectors=st.lists(_detectors, min_size=1, max_size=3),
    ),
    dataDescription=_some({"timeField": st.just("@timestamp"), "timeFormat": st.just("epoch_ms")}),
)
_feeds = _some(
    {
        "datafeedId": st.just("d"),
        "start": st.sampled_from(["2026-01-01", 1_700_000_000]),
        "state": st.just("Stopped"),
        "query": _free,
        "scriptFields": _free,
        "runtimeMappings": _free,
        "queryDelay": _durations,
        "frequency": _durations,
        "scrollSize": st.integers(0, 10_000),
        "chunkingConfig": st.sampled_from([{"mode": "auto"}, {"mode": "manual", "timeSpan": "3h"}]),
        "delayedDataCheckConfig": _some({"checkWindow": _durations}, enabled=st.booleans()),
        "maxEmptySearches": st.sampled_from([-1, 10]),
        "indicesOptions": _some({"expandWildcards": st.just(["open", "hidden"]), "ignoreUnavailable": st.booleans()}),
    },
    jobRef=st.just({"name": "j"}),
    indices=st.lists(st.sampled_from(["logs-*", "remote:x"]), min_size=1, max_size=3),
)


def _object(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "example"}, "spec": spec}


def _body(spec: dict[str, Any]) -> Any:
    return _expected({key: value for key, value in spec.items() if key not in _CONTROL})


@settings(max_examples=60, deadline=None)
@given(_jobs)
def test_a_job_becomes_the_body_that_it_describes(spec: dict[str, Any]) -> None:
    job = AnomalyJob.from_object(_object("AnomalyJob", spec))
    assert job.spec.server_body() == _body(spec)
    assert job.manifest() == _object("AnomalyJob", spec)
    assert AnomalyJob.from_object(job.manifest()) == job


@settings(max_examples=40, deadline=None)
@given(_feeds)
def test_a_datafeed_becomes_the_body_that_it_describes(spec: dict[str, Any]) -> None:
    feed = Datafeed.from_object(_object("Datafeed", spec))
    assert feed.spec.server_body() == _body(spec)
    assert Resource.from_object(feed.manifest()) == feed


def test_a_resource_made_in_python_gives_the_same_body_as_its_manifest() -> None:
    job = AnomalyJob.from_object(
        _object("AnomalyJob", {"analysisConfig": {"detectors": [{"function": "count"}]}, "dataDescription": {}})
    )
    made = AnomalyJob(metadata=job.metadata, spec=job.spec)
    assert made.server_id == "example"
    assert made.manifest() == job.manifest()
    assert made.spec.server_body() == {
        "analysis_config": {"detectors": [{"function": "count"}]},
        "data_description": {},
    }
