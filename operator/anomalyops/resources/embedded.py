"""The embedded engine that an ElasticsearchConnection asks the operator to run."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from anomalyops.resources.base import SpecModel
from anomalyops.resources.identifiers import ObjectName, Text
from anomalyops.resources.label_selector import LabelSelector
from anomalyops.resources.quantities import ByteQuantity, CpuQuantity, parse_quantity
from anomalyops.resources.rules import Rule

DEFAULT_SIZE = "10Gi"
_LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
_LabelValue = Annotated[str, Field(max_length=63)]
_Image = Annotated[
    str,
    Text(
        pattern=r"^[a-zA-Z0-9][-a-zA-Z0-9._:/@]*$",
        form="write the reference of an image, such as registry.example/anomalyops-engine:0.1.0",
        maximum=512,
    ),
]


class VolumeDeletion(StrEnum):
    """What becomes of the engine's volume when its connection is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class EmbeddedStorage(SpecModel):
    """The volume of an engine: documents, configurations, models and results."""

    size: ByteQuantity = Field(
        default=DEFAULT_SIZE,
        description=(
            "Its size. Once the engine is made it can become larger, where the StorageClass allows that, and never "
            "smaller."
        ),
    )
    class_name: ObjectName | None = Field(
        default=None,
        description="Its StorageClass, by default the cluster's. It cannot change once the engine is made.",
    )
    when_deleted: VolumeDeletion = Field(
        default=VolumeDeletion.RETAIN,
        description=(
            "What becomes of the volume when the connection is deleted. `Retain`: it stays, and a connection of the "
            "same name takes it up again. `Delete`: all that the engine holds is lost."
        ),
    )


class RequestedResources(SpecModel):
    """What the engine's pod is sure to have."""

    cpu: CpuQuantity = Field(default="100m", description="Processors.")
    memory: ByteQuantity = Field(default="512Mi", description="Memory.")


class ResourceLimits(SpecModel):
    """What the engine's pod may have at the most."""

    cpu: CpuQuantity | None = Field(default=None, description="Processors; no limit when absent.")
    memory: ByteQuantity = Field(default="2Gi", description="Memory, by which the engine sizes what it holds.")


class EmbeddedResources(SpecModel):
    """Processors and memory of an engine's pod."""

    requests: RequestedResources | None = Field(
        default=None, description="What it is sure to have, by default 100m and 512Mi."
    )
    limits: ResourceLimits | None = Field(default=None, description="What it may have at the most, by default 2Gi.")


class TolerationOperator(StrEnum):
    """How a toleration is compared with a taint."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """What a taint does."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(SpecModel):
    """A taint of nodes that the engine's pod bears, as pods have it."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="operator Exists takes any value: remove value",
            holds=lambda one: one.operator is not TolerationOperator.EXISTS or not one.value,
            cel="!has(self.operator) || self.operator != 'Exists' || !has(self.value) || self.value == ''",
            field="value",
        ),
        Rule(
            message="without key every taint is borne, which operator Exists says: write it, or the key",
            holds=lambda one: one.key is not None or one.operator is TolerationOperator.EXISTS,
            cel="has(self.key) || (has(self.operator) && self.operator == 'Exists')",
            field="operator",
        ),
    )

    key: _LabelKey | None = Field(default=None, description="The taint's key; every taint when absent.")
    operator: TolerationOperator = Field(default=TolerationOperator.EQUAL, description="How it is compared.")
    value: _LabelValue | None = Field(default=None, description="The taint's value, for Equal.")
    effect: TaintEffect | None = Field(default=None, description="The taint's effect; every effect when absent.")


class EngineClients(SpecModel):
    """Pods that may reach an engine: those of chosen namespaces that are chosen; at least one of both is written."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="write namespaceSelector or podSelector, or both",
            holds=lambda one: one.namespace_selector is not None or one.pod_selector is not None,
            cel="has(self.namespaceSelector) || has(self.podSelector)",
        ),
    )

    namespace_selector: LabelSelector | None = Field(
        default=None, description="Their namespaces by label; the connection's own when absent."
    )
    pod_selector: LabelSelector | None = Field(default=None, description="The pods by label; every one when absent.")


def _memory_fits(spec: Embedded) -> bool:
    return parse_quantity(spec.memory_request) <= parse_quantity(spec.memory_limit)


class EngineMetrics(SpecModel):
    """A port from which Prometheus reads the numbers of an engine, without credentials."""

    clients: list[EngineClients] | None = Field(
        default=None,
        max_length=32,
        description="Who may reach it, by NetworkPolicy; every pod of the cluster when absent, nobody when empty.",
    )


class Embedded(SpecModel):
    """The embedded engine, which the operator runs beside the connection as a StatefulSet with a volume."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="resources.requests.memory is more than resources.limits.memory: raise the limit",
            holds=_memory_fits,
            cel=(
                "quantity(has(self.resources) && has(self.resources.requests) && has(self.resources.requests.memory) "
                "? self.resources.requests.memory : '512Mi').compareTo("
                "quantity(has(self.resources) && has(self.resources.limits) && has(self.resources.limits.memory) "
                "? self.resources.limits.memory : '2Gi')) <= 0"
            ),
            field="resources",
        ),
    )

    image: _Image | None = Field(
        default=None, description="The engine's image, by default the one that the installation names."
    )
    image_pull_secrets: list[ObjectName] | None = Field(
        default=None, max_length=16, description="Secrets of the same namespace to pull the image with, by name."
    )
    storage: EmbeddedStorage | None = Field(
        default=None, description="The volume, by default 10Gi of the cluster's default class that is retained."
    )
    resources: EmbeddedResources | None = Field(default=None, description="Processors and memory of the pod.")
    node_selector: dict[str, _LabelValue] | None = Field(
        default=None, max_length=32, description="Labels of the nodes that the pod may run on."
    )
    tolerations: list[Toleration] | None = Field(
        default=None, max_length=32, description="Taints of nodes that the pod bears."
    )
    clients: list[EngineClients] | None = Field(
        default=None,
        max_length=32,
        description=(
            "Who may reach the engine beside the operator, by NetworkPolicy; every pod of the connection's namespace "
            "when absent, nobody when empty."
        ),
    )

    metrics: EngineMetrics | None = Field(default=None, description="A port for Prometheus; there is none when absent.")

    @property
    def volume(self) -> EmbeddedStorage:
        """The volume that is wanted."""
        return self.storage or EmbeddedStorage()

    @property
    def requested(self) -> RequestedResources:
        """What the pod is sure to have."""
        return (self.resources and self.resources.requests) or RequestedResources()

    @property
    def limited(self) -> ResourceLimits:
        """What the pod may have at the most."""
        return (self.resources and self.resources.limits) or ResourceLimits()

    @property
    def memory_request(self) -> str:
        """The memory that the pod is sure to have."""
        return self.requested.memory

    @property
    def memory_limit(self) -> str:
        """The memory that the pod may have at the most."""
        return self.limited.memory
