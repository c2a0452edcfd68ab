"""The CustomResourceDefinitions, generated from the models."""

from __future__ import annotations

from typing import Any

import yaml

from anomalyops.resources.kinds import KINDS, Kind
from anomalyops.resources.resource import GROUP, VERSION, Resource
from anomalyops.resources.structural_schema import structural_schema

CATEGORIES = ("anomalyops", "elastic-ml")
_HEADER = "# Generated from the resource models by `make generate`; do not edit.\n"


def _definition(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition object of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": list(kind.short_names),
                "categories": list(CATEGORIES),
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _object_schema(kind.model)},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [column.kubernetes() for column in kind.columns],
                }
            ],
        },
    }


def _object_schema(model: type[Resource]) -> dict[str, Any]:
    """The schema of the whole object: metadata is Kubernetes' own, rules about changes stand at the root."""
    schema = structural_schema(model)
    schema["properties"]["metadata"] = {"type": "object"}
    schema["required"] = ["spec"]
    del schema["properties"]["apiVersion"]["default"], schema["properties"]["kind"]["default"]
    rules = schema.pop("x-kubernetes-validations", []) + [rule.kubernetes() for rule in model.TRANSITIONS]
    return schema | ({"x-kubernetes-validations": rules} if rules else {})


def custom_resource_definitions() -> list[dict[str, Any]]:
    """The CustomResourceDefinition objects of all kinds."""
    return [_definition(kind) for kind in KINDS]


def generate_crds() -> dict[str, str]:
    """YAML of each CustomResourceDefinition by file name; the same models give the same text."""
    return {f"{GROUP}_{kind.plural}.yaml": _HEADER + _yaml(_definition(kind)) for kind in KINDS}


def generate_crd_folder() -> dict[str, str]:
    """The files of a folder that kustomize can include: the CRDs and a `kustomization.yaml`."""
    crds = generate_crds()
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(crds),
    }
    return crds | {"kustomization.yaml": _HEADER + _yaml(kustomization)}


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=110, allow_unicode=True)
