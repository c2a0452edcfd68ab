"""What the operator remembers of the cluster: pairs, their connections, and which version is the newest."""

from __future__ import annotations

from typing import Any

from anomalyops.controllers.pair.index import PairIndex
from anomalyops.resources import AnomalyJob
from anomalyops.watching.objects import Objects, read
from anomalyops.watching.options import ObjectKey

DEFAULT = ObjectKey("system", "default")


def body(kind: str, name: str, spec: dict[str, Any], *, namespace: str = "web", **metadata: Any) -> dict[str, Any]:
    identity = {"name": name, "namespace": namespace, "uid": f"uid-{kind}-{name}", "resourceVersion": "1"}
    return {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": kind,
        "metadata": identity | metadata,
        "spec": spec,
    }


def job(name: str = "requests", *, namespace: str = "web", **spec: Any) -> dict[str, Any]:
    analysis = {"bucketSpan": "15m", "detectors": [{"function": "count"}]}
    content = {"analysisConfig": analysis, "dataDescription": {"timeField": "@timestamp"}} | spec
    return body("AnomalyJob", name, content, namespace=namespace)


def datafeed(name: str = "feed", job_name: str = "requests", **metadata: Any) -> dict[str, Any]:
    return body("Datafeed", name, {"jobRef": {"name": job_name}, "indices": ["logs"]}, **metadata)


def connection(name: str = "default", namespace: str = "web") -> dict[str, Any]:
    return body("ElasticsearchConnection", name, {"url": "http://localhost:9200"}, namespace=namespace)


REQUESTS = ObjectKey("web", "requests")


def known(default: ObjectKey | None = None) -> tuple[Objects, PairIndex]:
    objects = Objects()
    return objects, PairIndex(objects, default)


def test_a_datafeed_belongs_to_the_job_that_it_names() -> None:
    objects, pairs = known()
    objects.put(datafeed())
    assert list(pairs.keys()) == [REQUESTS]
    objects.put(job())
    assert list(pairs.keys()) == [REQUESTS]
    assert [feed.key.name for feed in pairs.datafeeds_of(REQUESTS)] == ["feed"]


def test_of_two_datafeeds_the_older_counts() -> None:
    objects, pairs = known()
    objects.put(datafeed("younger", creationTimestamp="2026-01-02T00:00:00Z"))
    objects.put(datafeed("older", creationTimestamp="2026-01-01T00:00:00Z"))
    assert [feed.key.name for feed in pairs.datafeeds_of(REQUESTS)] == ["older", "younger"]


def test_a_datafeed_that_is_gone_leaves_no_pair_behind() -> None:
    objects, pairs = known()
    seen, _ = objects.put(datafeed())
    objects.remove(seen)
    assert list(pairs.keys()) == []


def test_the_connection_is_the_named_one_then_the_namespaces_then_the_installations() -> None:
    objects, pairs = known(DEFAULT)
    objects.put(job())
    objects.put(job("named", connectionRef={"name": "other"}))
    assert pairs.connection_of(REQUESTS) == DEFAULT
    assert pairs.connection_of(ObjectKey("web", "named")) == ObjectKey("web", "other")
    objects.put(connection())
    assert pairs.connection_of(REQUESTS) == ObjectKey("web", "default")
    assert pairs.on(ObjectKey("web", "default")) == [REQUESTS]


def test_without_an_installation_default_the_namespaces_is_named_in_the_error() -> None:
    objects, pairs = known()
    objects.put(job())
    assert pairs.connection_of(REQUESTS) == ObjectKey("web", "default")


def test_a_pair_whose_job_is_gone_keeps_its_connection() -> None:
    objects, pairs = known(DEFAULT)
    seen, _ = objects.put(job("requests", connectionRef={"name": "other"}))
    objects.put(datafeed())
    pairs.remember_connection(REQUESTS, ObjectKey("web", "other"))
    objects.remove(seen)
    assert pairs.connection_of(REQUESTS) == ObjectKey("web", "other")


def test_an_older_version_does_not_overwrite_a_newer_one() -> None:
    objects, _ = known()
    newer = job()
    newer["metadata"] |= {"resourceVersion": "12", "generation": 2}
    objects.put(newer)
    older = job()
    older["metadata"] |= {"resourceVersion": "9", "generation": 1}
    objects.put(older)
    assert objects.of(AnomalyJob)[REQUESTS].metadata.generation == 2


def test_a_new_object_of_the_same_name_survives_the_end_of_the_old_one() -> None:
    objects, _ = known()
    old, _ = objects.put(job())
    fresh = job()
    fresh["metadata"]["uid"] = "another"
    objects.put(fresh)
    objects.remove(old)
    assert objects.of(AnomalyJob)[REQUESTS].metadata.uid == "another"


def test_an_invalid_object_is_kept_with_its_problem() -> None:
    seen = read(job(analysisConfig={"bucketSpan": "soon", "detectors": [{"function": "count"}]}))
    assert seen.resource is None
    assert "bucketSpan" in seen.problem
    assert seen.metadata.name == "requests"
