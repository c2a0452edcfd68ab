"""The CRDs are what the models say, and what the API server and people need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from anomalyops.resources import (
    custom_resource_definitions,
    generate_crd_folder,
    generate_crds,
    generate_reference,
    generate_rights,
)

CRDS = Path(__file__).parents[3] / "crds"
CONTROL = {
    "AnomalyJob": {"replacePolicy", "deletionPolicy", "adoptionPolicy", "movePolicy", "suspend"},
    "Datafeed": {"replacePolicy", "deletionPolicy", "adoptionPolicy", "suspend"},
}
OPAQUE = {"query", "aggregations", "runtimeMappings", "scriptFields", "customSettings", "categorizationAnalyzer"}
TEMPLATES = {"spec.template.job", "spec.template.datafeed"}  # specs with placeholders, checked when they are filled in
DEFINITIONS = {crd["spec"]["names"]["kind"]: crd for crd in custom_resource_definitions()}


def _schema(kind: str) -> dict[str, Any]:
    return DEFINITIONS[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def _nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from _nodes(below, f"{path}.{name}" if path else name)
    if "items" in schema:
        yield from _nodes(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _nodes(schema["additionalProperties"], f"{path}[*]")


def _fields(kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(path, node) for path, node in _nodes(_schema(kind)) if path]


def test_the_reference_page_is_up_to_date() -> None:
    page = CRDS.parent / "docs" / "reference.md"
    assert page.read_text() == generate_reference(), "run `make generate`"


def test_the_files_in_crds_are_up_to_date() -> None:
    generated = generate_crd_folder()
    on_disk = {path.name: path.read_text() for path in CRDS.iterdir()}
    assert on_disk == generated, "run `make generate`"


def test_the_rights_in_manifests_and_chart_are_up_to_date() -> None:
    generated = generate_rights()
    on_disk = {path: (CRDS.parent / path).read_text() for path in generated}
    assert on_disk == generated, "run `make generate`"


def test_generation_is_deterministic_and_is_yaml_of_the_definitions() -> None:
    assert generate_crds() == generate_crds()
    assert [yaml.safe_load(text) for text in generate_crds().values()] == custom_resource_definitions()


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_every_field_has_a_description(kind: str) -> None:
    missing = [
        path
        for path, node in _fields(kind)
        if "description" not in node and path != "metadata" and not path.endswith(("[]", "[*]"))
    ]
    assert missing == []


@pytest.mark.parametrize("kind", CONTROL)
def test_only_control_fields_have_defaults(kind: str) -> None:
    defaults = {path for path, node in _fields(kind) if path.startswith("spec") and "default" in node}
    assert defaults == {f"spec.{name}" for name in CONTROL[kind]}


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_the_schema_is_structural_and_only_free_objects_keep_unknown_fields(kind: str) -> None:
    for path, node in _fields(kind):
        free = node.get("x-kubernetes-preserve-unknown-fields", False)
        assert free == (path in TEMPLATES or path.rpartition(".")[2] in OPAQUE), path
        assert "type" in node or free or node.get("x-kubernetes-int-or-string"), path
        assert not {"$ref", "anyOf", "title", "const"} & node.keys(), path
        assert node.get("additionalProperties") is not False, path


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_lists_and_texts_of_a_spec_are_bounded_so_that_rules_stay_cheap(kind: str) -> None:
    for path, node in _fields(kind):
        if not path.startswith("spec"):
            continue
        if node.get("type") == "array":
            assert "maxItems" in node, path
        if node.get("type") == "string" and "enum" not in node:
            assert "maxLength" in node, path


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_rules_say_what_to_write(kind: str) -> None:
    for path, node in _nodes(_schema(kind)):
        for rule in node.get("x-kubernetes-validations", []):
            assert len(rule["message"]) > 15, path
            assert "\n" not in rule["message"], path


@pytest.mark.parametrize(
    ("kind", "plural", "short"),
    [
        ("AnomalyJob", "anomalyjobs", "aj"),
        ("Datafeed", "datafeeds", "adf"),
        ("ElasticsearchConnection", "elasticsearchconnections", "esc"),
    ],
)
def test_names_columns_and_status(kind: str, plural: str, short: str) -> None:
    spec = DEFINITIONS[kind]["spec"]
    assert DEFINITIONS[kind]["metadata"]["name"] == f"{plural}.anomalyops.io"
    assert spec["names"]["shortNames"] == [short]
    assert spec["names"]["categories"] == ["anomalyops", "elastic-ml"]
    (version,) = spec["versions"]
    assert version["subresources"] == {"status": {}}
    columns = {column["name"]: column for column in version["additionalPrinterColumns"]}
    assert columns["Ready"]["jsonPath"] == '.status.conditions[?(@.type=="Ready")].status'
    assert columns["Message"]["priority"] == 1
    conditions = _schema(kind)["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_printer_columns_lead_to_fields_of_the_schema(kind: str) -> None:
    paths = {path for path, _ in _fields(kind)}
    for column in DEFINITIONS[kind]["spec"]["versions"][0]["additionalPrinterColumns"]:
        path = column["jsonPath"].removeprefix(".")
        if not path.startswith(("metadata", "status.conditions")):
            assert path in paths
