"""Reading files: all problems at once, each with its place; Secrets pass through unseen."""

from __future__ import annotations

import pytest

from anomalyops.resources import (
    AnomalyJob,
    Datafeed,
    ElasticsearchConnection,
    ManifestError,
    Problem,
    Resource,
    SecretManifest,
    load_documents,
    parse_manifests,
)
from anomalyops.resources.datafeed import DatafeedSpec

JOB = """\
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata:
  name: requests
spec:
  analysisConfig:
    bucketSpan: 15m
    detectors:
      - function: mean
        fieldName: bytes
  dataDescription:
    timeField: "@timestamp"
"""
FEED = """\
apiVersion: anomalyops.io/v1alpha1
kind: Datafeed
metadata:
  name: requests
spec:
  jobRef:
    name: requests
  start: 2026-01-01T00:00:00Z
  indices: [logs]
"""


def _problems(text: str, **options: str) -> tuple[Problem, ...]:
    with pytest.raises(ManifestError) as caught:
        parse_manifests(text, source="jobs.yaml", **options)  # type: ignore[arg-type]
    assert all(str(problem) in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def test_documents_come_in_order_and_a_plain_date_stays_what_was_written() -> None:
    job, feed = parse_manifests(f"{JOB}---\n{FEED}---\n")
    assert isinstance(job, AnomalyJob)
    assert isinstance(feed, Datafeed)
    assert feed.spec.start == "2026-01-01T00:00:00Z"
    assert (job.server_id, feed.server_id, job.namespace) == ("requests", "requests", "default")


def test_all_problems_of_a_file_are_told_with_line_and_document() -> None:
    text = JOB.replace("15m", "15x").replace("fieldName", "field_name") + "---\n" + FEED.replace("[logs]", "logs")
    found = [(problem.document, problem.line, problem.kind, problem.field) for problem in _problems(text)]
    assert found == [
        (1, 7, "AnomalyJob", "spec.analysisConfig.bucketSpan"),
        (1, 10, "AnomalyJob", "spec.analysisConfig.detectors[0].field_name"),
        (2, 22, "Datafeed", "spec.indices"),
    ]


def test_a_problem_reads_as_one_line_with_place_resource_field_remedy_and_value() -> None:
    (problem,) = _problems(f"{JOB}---\n{FEED.replace('[logs]', 'logs')}")
    assert str(problem) == ('jobs.yaml:22 (document 2): Datafeed/requests: spec.indices: write a list (found "logs")')


def test_syntax_errors_and_repeated_keys_have_a_line() -> None:
    (problem,) = _problems(f"{JOB}---\na: [1\nb: 2\n")
    assert (problem.document, problem.line) == (2, 15)
    (problem,) = _problems(JOB.replace("spec:", "spec:\n  suspend: true\n  suspend: false"))
    assert (problem.line, problem.message) == (7, "the key 'suspend' is written twice: keep one of them")


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("- 1", "", "write an object with apiVersion and kind"),
        ("kind: AnomalyJob", "apiVersion", "is required"),
        ("{apiVersion: anomalyops.io/v1, kind: AnomalyJob}", "apiVersion", "write anomalyops.io/v1alpha1"),
        ("{apiVersion: anomalyops.io/v1alpha1, kind: Anomalyjob}", "kind", "did you mean 'AnomalyJob'?"),
        ("{apiVersion: ml.example.org/v1, kind: Datafeed}", "apiVersion", "is none of anomalyops.io/v1alpha1"),
        (JOB.replace("  name: requests", "  namee: requests"), "metadata.namee", "did you mean 'name'?"),
    ],
)
def test_what_is_no_resource_is_refused(text: str, field: str, message: str) -> None:
    assert any(problem.field == field and message in problem.message for problem in _problems(text))


def test_foreign_objects_are_ignored_or_reported() -> None:
    text = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: x}}\n---\n{JOB}"
    (job,) = parse_manifests(text)
    assert job.kind == "AnomalyJob"
    (problem,) = _problems(text, foreign="report")
    assert (problem.kind, problem.name, problem.document) == ("Deployment", "x", 1)


def test_lists_are_unpacked_and_their_problems_have_a_path() -> None:
    items = "".join("    " + line + "\n" for line in JOB.splitlines()).replace("    api", "  - api", 1)
    text = f"apiVersion: v1\nkind: List\nitems:\n{items}"
    (job,) = parse_manifests(text)
    assert job.server_id == "requests"
    (problem,) = _problems(text.replace("15m", "15x"))
    assert (problem.field, problem.line) == ("items[0].spec.analysisConfig.bucketSpan", 10)


def test_the_same_resource_twice_is_refused() -> None:
    (problem,) = _problems(f"{JOB}---\n{JOB}")
    assert (problem.document, problem.field) == (2, "metadata.name")
    assert "stands in document 1 already" in problem.message


def test_null_means_absent_as_in_the_api_server_but_stays_in_free_objects() -> None:
    text = JOB + "  description:\n  customSettings: {a: null}\n"
    (job,) = parse_manifests(text)
    assert isinstance(job, AnomalyJob)
    body = job.spec.server_body()
    assert "description" not in body
    assert body["custom_settings"] == {"a": None}


def test_a_secret_passes_through_and_its_repr_hides_the_values() -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: es, namespace: ml}\n"
        "stringData: {password: hunter2}\ndata: {username: ZWxhc3RpYw==}\n"
    )
    (secret,) = parse_manifests(text)
    assert isinstance(secret, SecretManifest)
    assert dict(secret.data) == {"password": b"hunter2", "username": b"elastic"}
    assert (secret.name, secret.namespace) == ("es", "ml")
    assert "hunter2" not in repr(secret)


def test_a_bad_secret_is_refused_without_repeating_its_values() -> None:
    (problem,) = _problems("apiVersion: v1\nkind: Secret\nmetadata: {name: es}\ndata: {password: hunter2!}\n")
    assert "data.password is not base64" in problem.message
    assert "hunter2" not in str(problem)


def test_a_password_in_a_url_is_refused_without_being_repeated() -> None:
    (problem,) = _problems(
        "apiVersion: anomalyops.io/v1alpha1\nkind: ElasticsearchConnection\nmetadata: {name: es}\n"
        'spec: {url: "https://u:hunter2@es:9200"}\n'
    )
    assert problem.field == "spec.url"
    assert "hunter2" not in str(problem)


def test_documents_can_be_loaded_without_being_read() -> None:
    first, second = load_documents(f"{JOB}---\n---\n{FEED}", source="x.yaml")
    assert (first.number, second.number) == (1, 3)
    assert second.value["spec"]["start"] == "2026-01-01T00:00:00Z"
    assert second.line(("spec", "jobRef", "name")) == 21


def test_from_object_takes_any_kind_or_its_own() -> None:
    obj = load_documents(JOB, source="x")[0].value
    assert isinstance(Resource.from_object(obj), AnomalyJob)
    with pytest.raises(TypeError, match="a AnomalyJob is not a Datafeed"):
        Datafeed.from_object(obj)
    with pytest.raises(ManifestError, match=r"AnomalyJob/requests: spec.analysisConfig.detectors: write a list"):
        AnomalyJob.from_object({**obj, "spec": {**obj["spec"], "analysisConfig": {"detectors": 3}}})


def test_metadata_of_the_cluster_is_kept_and_the_rest_is_ignored() -> None:
    obj = load_documents(JOB, source="x")[0].value
    obj["metadata"] |= {
        "uid": "u-1",
        "generation": 3,
        "resourceVersion": "7",
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": ["anomalyops.io/release"],
        "managedFields": [{"manager": "kubectl"}],
    }
    obj["status"] = {"jobState": "opened", "fromTheFuture": 1, "conditions": []}
    job = AnomalyJob.from_object(obj)
    assert (job.metadata.uid, job.metadata.generation, job.metadata.resource_version) == ("u-1", 3, "7")
    assert job.deletion_requested is not None
    assert job.status is not None
    assert job.status.job_state == "opened"


def test_addresses_of_a_connection() -> None:
    def spec(**written: object) -> ElasticsearchConnection:
        return ElasticsearchConnection.from_object(
            {
                "apiVersion": "anomalyops.io/v1alpha1",
                "kind": "ElasticsearchConnection",
                "metadata": {"name": "c"},
                "spec": written,
            }
        )

    assert spec(url="http://a:1").spec.addresses == ("http://a:1",)
    assert spec(urls=["http://a:1", "http://b:1"]).spec.addresses == ("http://a:1", "http://b:1")
    assert spec(embedded={}).spec.addresses == ()
    assert spec(url="http://a:1").spec.observe_interval == "30s"


def test_a_tab_as_indentation_says_what_to_write_instead():
    with pytest.raises(ManifestError, match=r"job\.yaml:2: .*: indent with spaces, not with tabs"):
        parse_manifests("metadata:\n\tname: web\n", source="job.yaml")


@pytest.mark.parametrize(
    "index",
    [
        "logs-*",
        "-logs-old",
        "<logs-{now/d{yyyy.MM.dd}}>",
        "Berlin:logs-*",
        "Berlin:<logs-{now/M{yyyy.MM}}>",
        "a,b-*,.c",
    ],
)
def test_capitals_are_accepted_where_an_index_expression_may_have_them(index):
    assert DatafeedSpec.model_validate({"jobRef": {"name": "web"}, "indices": [index]}).indices == [index]
