"""The CustomResourceDefinitions, generated from the models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from anomalyops.resources.connection import ElasticsearchConnection
from anomalyops.resources.datafeed import Datafeed
from anomalyops.resources.job import AnomalyJob
from anomalyops.resources.resource import GROUP, VERSION, Resource
from anomalyops.resources.structural_schema import structural_schema

CATEGORIES = ("anomalyops", "elastic-ml")
_HEADER = "# Generated from the resource models by `make generate`; do not edit.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterColumn:
    """A column of `kubectl get`; `wide` ones show with `-o wide` alone."""

    name: str
    path: str
    type: str = "string"
    description: str = ""
    wide: bool = False

    def kubernetes(self) -> dict[str, Any]:
        """An entry of `additionalPrinterColumns`."""
        entry = {"name": self.name, "type": self.type, "jsonPath": self.path, "priority": int(self.wide)}
        return entry | ({"description": self.description} if self.description else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a CRD says beside its schema."""

    model: type[Resource]
    plural: str
    short_names: tuple[str, ...]
    columns: tuple[PrinterColumn, ...]

    @property
    def filename(self) -> str:
        """The name of the CRD's file."""
        return f"{GROUP}_{self.plural}.yaml"

    def kubernetes(self) -> dict[str, Any]:
        """The CustomResourceDefinition object."""
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{self.plural}.{GROUP}"},
            "spec": {
                "group": GROUP,
                "scope": "Namespaced",
                "names": {
                    "kind": self.model.KIND,
                    "listKind": f"{self.model.KIND}List",
                    "plural": self.plural,
                    "singular": self.model.KIND.lower(),
                    "shortNames": list(self.short_names),
                    "categories": list(CATEGORIES),
                },
                "versions": [
                    {
                        "name": VERSION,
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": _object_schema(self.model)},
                        "subresources": {"status": {}},
                        "additionalPrinterColumns": [column.kubernetes() for column in self.columns],
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


def _condition(name: str, *, of: str, part: str = "status", wide: bool = False) -> PrinterColumn:
    return PrinterColumn(name=name, path=f'.status.conditions[?(@.type=="{of}")].{part}', wide=wide)


_READY = _condition("Ready", of="Ready")
_SYNCED = _condition("Synced", of="Synced")
_REASON = _condition("Reason", of="Ready", part="reason")
_MESSAGE = _condition("Message", of="Ready", part="message", wide=True)
_AGE = PrinterColumn(name="Age", path=".metadata.creationTimestamp", type="date")

DEFINITIONS = (
    Definition(
        model=AnomalyJob,
        plural="anomalyjobs",
        short_names=("aj",),
        columns=(
            PrinterColumn(name="Job", path=".status.jobId", description="The id on the server."),
            PrinterColumn(name="State", path=".status.jobState", description="The job's state on the server."),
            PrinterColumn(name="Datafeed", path=".status.datafeedState", description="Its datafeed's state."),
            PrinterColumn(name="Memory", path=".status.memory.status", description="ok, soft_limit or hard_limit."),
            _READY,
            _SYNCED,
            _REASON,
            _AGE,
            PrinterColumn(name="Used%", path=".status.memory.percent", type="integer", wide=True),
            PrinterColumn(name="Records", path=".status.dataCounts.processedRecordCount", type="integer", wide=True),
            PrinterColumn(name="Latest", path=".status.dataCounts.latestRecordTime", wide=True),
            PrinterColumn(name="Delayed", path=".status.delayedData.missingDocuments", type="integer", wide=True),
            PrinterColumn(name="Node", path=".status.node", wide=True),
            _MESSAGE,
        ),
    ),
    Definition(
        model=Datafeed,
        plural="datafeeds",
        short_names=("adf",),
        columns=(
            PrinterColumn(name="Job", path=".spec.jobRef.name", description="The AnomalyJob that it feeds."),
            PrinterColumn(name="State", path=".status.datafeedState", description="The state on the server."),
            _READY,
            _SYNCED,
            _REASON,
            _AGE,
            PrinterColumn(name="Datafeed", path=".status.datafeedId", description="The id on the server.", wide=True),
            PrinterColumn(name="Delayed", path=".status.delayedData.missingDocuments", type="integer", wide=True),
            PrinterColumn(name="Node", path=".status.node", wide=True),
            _MESSAGE,
        ),
    ),
    Definition(
        model=ElasticsearchConnection,
        plural="elasticsearchconnections",
        short_names=("esc",),
        columns=(
            PrinterColumn(name="Version", path=".status.version", description="The server's version."),
            PrinterColumn(name="Licence", path=".status.licence", description="The server's licence."),
            _READY,
            _REASON,
            _AGE,
            PrinterColumn(name="URL", path=".spec.url", wide=True),
            PrinterColumn(name="Cluster", path=".status.clusterName", wide=True),
            _MESSAGE,
        ),
    ),
)


def custom_resource_definitions() -> list[dict[str, Any]]:
    """The CustomResourceDefinition objects of all kinds."""
    return [definition.kubernetes() for definition in DEFINITIONS]


def generate_crds() -> dict[str, str]:
    """YAML of each CustomResourceDefinition by file name; the same models give the same text."""
    return {definition.filename: _HEADER + _yaml(definition.kubernetes()) for definition in DEFINITIONS}


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
