"""An Elasticsearch of Elastic Cloud on Kubernetes by name: nothing to type but its name, and TLS all the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.services import Engine, Protection
from kube_harness.world import World, fill_index

NAME = "logs"


@pytest.fixture
def elasticsearch(world: World, tmp_path: Path) -> Iterator[Engine]:
    """The engine with TLS and a password, behind the Service that ECK would make."""
    service = f"{NAME}-es-http.{world.namespace}.svc"
    engine = Engine(tmp_path, Protection(tmp_path, service))
    try:
        engine.start()
        fill_index(engine)
        world.operator.serve(f"{service}:9200", engine.url)
        yield engine
    finally:
        engine.stop()


def secret(world: World, name: str, **values: str) -> Manifest:
    metadata = {"name": name, "namespace": world.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}


def secrets_of_eck(world: World, tmp_path: Path, password: str = "correct horse") -> list[Manifest]:
    """What ECK makes beside an Elasticsearch."""
    certificate = (tmp_path / "tls.crt").read_text()
    return [
        secret(world, f"{NAME}-es-http-certs-public", **{"ca.crt": certificate, "tls.crt": certificate}),
        secret(world, f"{NAME}-es-elastic-user", elastic=password),
    ]


def connection(world: World, **spec: Any) -> Manifest:
    made = world.connection()
    intervals = {name: value for name, value in made["spec"].items() if name != "url"}
    return {**made, "spec": {"eckRef": {"name": NAME}, **intervals, **spec}}


def status(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.kubectl.get("esc", "default", world.namespace)["status"]
    return found


def test_the_name_is_enough(world: World, elasticsearch: Engine, tmp_path: Path) -> None:
    world.allow_secrets()
    world.apply(connection(world), world.job(), world.datafeed())
    missing = world.condition("elasticsearchconnection", "ConnectionUnavailable", reason="SecretNotFound")
    assert f"{NAME}-es-" in missing["message"]
    world.apply(*secrets_of_eck(world, tmp_path))
    world.wait_ready("esc/default", "anomalyjob/requests", "datafeed/feed")
    assert elasticsearch.datafeed_state(world.datafeed_id) == "started"
    found = status(world)
    assert "missingPrivileges" not in found
    assert found["capacity"]["memory"].endswith("b")


def test_a_rotated_password_is_picked_up(world: World, elasticsearch: Engine, tmp_path: Path) -> None:
    world.allow_secrets()
    world.apply(connection(world), *secrets_of_eck(world, tmp_path, password="an older one"))
    refused = world.condition("elasticsearchconnection", "ConnectionUnavailable", reason="Unauthorized")
    assert f"Secret {world.namespace}/{NAME}-es-elastic-user" in refused["message"]
    assert "an older one" not in refused["message"]
    world.apply(*secrets_of_eck(world, tmp_path))
    world.wait_ready("esc/default")


def test_a_key_of_its_own_in_place_of_the_superuser_and_what_it_lacks(
    world: World, elasticsearch: Engine, tmp_path: Path
) -> None:
    lacking = {"cluster": ["monitor"], "index": [{"names": [".ml-*"], "privileges": ["read"]}]}
    key = elasticsearch.call("POST", "/_security/api_key", {"name": "poor", "role_descriptors": {"poor": lacking}})
    world.allow_secrets()
    own = {"apiKeySecretRef": {"name": "own"}}
    world.apply(
        secret(world, "own", apiKey=key["encoded"]), *secrets_of_eck(world, tmp_path), connection(world, auth=own)
    )
    wait_until(lambda: status(world).get("missingPrivileges"), what="missing privileges")
    assert status(world)["missingPrivileges"] == ["cluster: manage_ml"]
    minimal = {
        "cluster": ["manage_ml", "monitor"],
        "index": [{"names": [".ml-anomalies-*", ".ml-notifications*", ".ml-annotations*"], "privileges": ["read"]}],
    }
    key = elasticsearch.call("POST", "/_security/api_key", {"name": "minimal", "role_descriptors": {"m": minimal}})
    world.apply(secret(world, "own", apiKey=key["encoded"]))
    wait_until(lambda: "missingPrivileges" not in status(world), what="no missing privileges")
    time.sleep(3)
    assert "missingPrivileges" not in status(world)
