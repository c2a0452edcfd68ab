"""What the validating webhook says of a manifest: the same as the models and `plan`, and nothing of what stays."""

from __future__ import annotations

import copy
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.controllers.admission.neighbours import Neighbours
from anomalyops.controllers.admission.review import (
    ReviewError,
    Verdict,
    concerns,
    judged,
    manifest_of,
    request_of,
    response,
)
from anomalyops.resources import resource_from_object
from anomalyops.watching.objects import Objects
from anomalyops.watching.options import ObjectKey
from laws import law

API = "anomalyops.io/v1alpha1"


def _table() -> Any:
    path = Path(__file__).parent.parent / "resources" / "invalid_manifests.py"
    spec = importlib.util.spec_from_file_location("invalid_manifests_of_admission", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TABLE = _table()


def review(manifest: Any, before: Any = None, operation: str = "CREATE") -> dict[str, Any]:
    request = {"uid": "r1", "operation": operation, "object": manifest, "oldObject": before, "namespace": "team"}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def said(manifest: Any, among: Neighbours | None = None, before: Any = None) -> dict[str, Any]:
    request = request_of(review(manifest, before, "CREATE" if before is None else "UPDATE"))
    judge = None if among is None else lambda resource: (among.faults(resource), among.warnings(resource))
    verdict = judged(manifest_of(request), judge) if concerns(request) else Verdict()
    answer = response(request, verdict)["response"]
    assert answer["uid"] == "r1"
    return answer


@pytest.mark.parametrize("case", [case for case in TABLE.REFUSED if case.only != "admission"], ids=lambda case: case.id)
def test_what_the_models_refuse_is_refused_with_field_and_remedy(case: Any) -> None:
    answer = said(case.manifest)
    assert answer["allowed"] is False
    assert case.message in answer["status"]["message"]
    assert case.field in {one["field"] for one in answer["status"]["details"]["causes"]}


@pytest.mark.parametrize("manifest", TABLE.ACCEPTED, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_what_the_models_accept_is_admitted(manifest: Any) -> None:
    assert said(manifest)["allowed"] is True
    assert said(manifest, Neighbours(Objects(), None))["allowed"] is True


@law(examples=100)
@given(
    case=st.sampled_from([case for case in TABLE.REFUSED if case.only != "admission"]),
    change=st.sampled_from(["labels", "annotations", "finalizers", "nothing"]),
    leaving=st.booleans(),
)
def test_an_invalid_object_can_be_let_go(case: Any, change: str, leaving: bool) -> None:
    before = copy.deepcopy(case.manifest)
    after = copy.deepcopy(before)
    if change in {"labels", "annotations"}:
        after["metadata"][change] = {"a": "b"}
    elif change == "finalizers":
        before["metadata"]["finalizers"] = ["anomalyops.io/finalizer"]
    if leaving:
        after["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        after["spec"] = {"anything": 1}
    assert said(after, before=before)["allowed"] is True


@pytest.mark.parametrize(
    "body", [None, [], {}, {"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}, review({})["request"]]
)
def test_what_is_no_review_is_said(body: Any) -> None:
    with pytest.raises(ReviewError, match="is accepted"):
        request_of(body)


# -- among others --------------------------------------------------------------------------------------------------


def manifest(kind: str, name: str, namespace: str = "team", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}", "resourceVersion": "1"}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def job(name: str = "web", namespace: str = "team", span: str = "15m", **spec: Any) -> dict[str, Any]:
    analysis = {"bucketSpan": span, "detectors": [{"function": "count"}], "summaryCountFieldName": "doc_count"}
    return manifest("AnomalyJob", name, namespace, analysisConfig=analysis, dataDescription={}, **spec)


def feed(name: str = "feed", interval: str = "5m", job: str = "web", **spec: Any) -> dict[str, Any]:
    below = {"@timestamp": {"max": {"field": "@timestamp"}}}
    histogram = {"date_histogram": {"field": "@timestamp", "fixed_interval": interval}, "aggregations": below}
    return manifest(
        "Datafeed", name, jobRef={"name": job}, indices=["logs"], aggregations={"buckets": histogram}, **spec
    )


def connection(name: str = "default", namespace: str = "team", **spec: Any) -> dict[str, Any]:
    return manifest("ElasticsearchConnection", name, namespace, url="http://es:9200", **spec)


def among(*manifests: dict[str, Any], default: ObjectKey | None = None) -> Neighbours:
    objects = Objects()
    for one in manifests:
        objects.put(one)
    return Neighbours(objects, default)


def causes(answer: dict[str, Any]) -> list[tuple[str, str]]:
    found = answer.get("status", {}).get("details", {}).get("causes", [])
    return [(one["field"], one["message"]) for one in found]


def test_a_datafeed_that_does_not_fit_its_job_is_refused_and_a_job_that_comes_first_is_warned() -> None:
    around = among(connection(), job(span="15m"))
    assert said(feed(interval="5m"), around) == {"uid": "r1", "allowed": True}
    ((field, message),) = causes(said(feed(interval="10m"), around))
    assert field == "spec.aggregations"
    assert "must be a divisor of the job's bucketSpan '15m'" in message
    around = among(connection(), job(span="15m"), feed(interval="5m"))
    answer = said(job(span="16m"), around, before=job(span="15m"))
    assert answer["allowed"] is True
    assert "Datafeed feed: spec.aggregations: the interval of" in answer["warnings"][0]


def test_a_job_has_one_datafeed() -> None:
    around = among(connection(), job(), feed("first"))
    ((field, message),) = causes(said(feed("second", datafeedId="other"), around))
    assert field == "spec.jobRef.name"
    assert "the job has Datafeed first already, and a job has one" in message
    leaving = feed("first")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert said(feed("second"), among(connection(), job(), leaving))["allowed"] is True
    assert said(feed("first", queryDelay="60s"), around, before=feed("first"))["allowed"] is True


@law(examples=150)
@given(
    ids=st.lists(st.sampled_from(["a", "b"]), min_size=2, max_size=2),
    places=st.lists(
        st.sampled_from([("team", None), ("team", "own"), ("other", None), ("other", "own")]), min_size=2, max_size=2
    ),
    kind=st.sampled_from(["AnomalyJob", "AnomalyFilter", "AnomalyCalendar"]),
)
def test_one_id_of_one_server_is_refused_to_a_second(ids: list[str], places: list[Any], kind: str) -> None:
    """The namespaces share the installation's connection `default`, and each has one of its own, `own`."""
    default = ObjectKey("system", "default")
    around = [connection(namespace="system"), connection("own", "team"), connection("own", "other")]

    def one(name: str, id_: str, place: tuple[str, str | None]) -> dict[str, Any]:
        namespace, reference = place
        spec: dict[str, Any] = {} if reference is None else {"connectionRef": {"name": reference}}
        if kind == "AnomalyJob":
            return job(name, namespace, jobId=id_, **spec)
        field = {"AnomalyFilter": "filterId", "AnomalyCalendar": "calendarId"}[kind]
        items = {"items": ["x"]} if kind == "AnomalyFilter" else {}
        return manifest(kind, name, namespace, **{field: id_}, **items, **spec)

    first, second = one("first", ids[0], places[0]), one("second", ids[1], places[1])
    answer = said(second, among(*around, first, default=default))
    same_server = places[0][1] == places[1][1] and (places[0][1] is None or places[0][0] == places[1][0])
    assert answer["allowed"] is not (ids[0] == ids[1] and same_server)
    for field, message in causes(answer):
        assert field == f"spec.{'job' if kind == 'AnomalyJob' else kind[7:].lower()}Id"
        assert f"{kind} first of namespace {places[0][0]} has this id on the same server" in message
        assert f'(found "{ids[1]}")' in message


def test_a_connection_that_does_not_allow_the_namespace_is_named() -> None:
    reference = {"name": "central", "namespace": "platform"}
    closed = among(connection("central", "platform"))
    ((field, message),) = causes(said(job(connectionRef=reference), closed))
    assert field == "spec.connectionRef"
    assert "does not allow namespace team: add it to spec.allowedNamespaces there" in message
    opened = among(connection("central", "platform", allowedNamespaces={"names": ["team"]}))
    assert said(job(connectionRef=reference), opened) == {"uid": "r1", "allowed": True}


def test_what_may_come_later_is_a_warning() -> None:
    answer = said(feed(job="later"), among())
    assert answer["allowed"] is True
    assert answer["warnings"] == [
        "spec.jobRef.name: AnomalyJob later does not exist yet; the datafeed waits for it",
        "ElasticsearchConnection team/default does not exist yet; the resource waits for it",
    ]


def test_a_generated_name_is_judged_too() -> None:
    one = resource_from_object(job()).manifest()
    one["metadata"] = {"generateName": "web-"}
    assert said(one)["allowed"] is True
