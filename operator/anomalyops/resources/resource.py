"""What all resources have in common: group, version, metadata, and reading an object."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import Field

from anomalyops.resources.base import SpecModel, StatusModel, Timestamp
from anomalyops.resources.identifiers import ObjectName
from anomalyops.resources.transitions import Transition

GROUP = "anomalyops.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


def server_id_cel(field: str) -> str:
    """The CEL expression, on the whole object, for the id on the server: `spec.<field>` or the name."""
    return f"(has(self.spec.{field}) ? self.spec.{field} : self.metadata.name)"


class OwnerReference(StatusModel):
    """What an object belongs to, and is deleted with."""

    api_version: str = Field(default="", description="The owner's API version.")
    kind: str = Field(default="", description="The owner's kind.")
    name: str = Field(default="", description="The owner's name.")
    uid: str = Field(default="", description="The owner's uid.")
    controller: bool | None = Field(default=None, description="Whether the owner manages the object.")
    block_owner_deletion: bool | None = Field(default=None, description="Whether the owner waits for it.")


class Metadata(StatusModel):
    """The part of `ObjectMeta` that the operator reads. The rest is ignored."""

    name: ObjectName = Field(description="The resource's name.")
    namespace: str = Field(default="default", description="The resource's namespace.")
    uid: str = Field(default="", description="The resource's uid; empty for a file on disk.")
    generation: int = Field(default=0, description="Counts the changes of the spec.")
    resource_version: str = Field(default="", description="The version of the stored object.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations.")
    owner_references: list[OwnerReference] = Field(default_factory=list, description="What the object belongs to.")
    finalizers: list[str] = Field(default_factory=list, description="Finalizers.")
    creation_timestamp: Timestamp | None = Field(default=None, description="When the resource was created.")
    deletion_timestamp: Timestamp | None = Field(default=None, description="When its deletion was asked for.")


class Resource(SpecModel):
    """A resource of the group `anomalyops.io`; see the subclasses for the kinds."""

    KIND: ClassVar[str] = ""
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = ()

    api_version: str = Field(default=API_VERSION, description="The API version.")
    kind: str = Field(default="", description="The kind.")
    metadata: Metadata = Field(description="Name, namespace and the rest of the object's metadata.")

    def model_post_init(self, context: object, /) -> None:
        """Fills in the kind of an object that is made in Python."""
        super().model_post_init(context)
        if not self.kind:
            object.__setattr__(self, "kind", self.KIND)

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """The resource's namespace."""
        return self.metadata.namespace

    @property
    def deletion_requested(self) -> datetime | None:
        """When deletion was asked for, or None."""
        return self.metadata.deletion_timestamp

    @classmethod
    def from_object(cls, value: dict[str, Any]) -> Self:
        """The resource that an object of the API server or of a YAML document describes.

        Called on `Resource` it takes any kind; called on a kind it takes that kind alone.

        Raises:
            ManifestError: The object is not valid; all of its problems are listed.
        """
        from anomalyops.resources.manifests import resource_from_object  # noqa: PLC0415 - it knows the kinds

        resource = resource_from_object(value)
        if not isinstance(resource, cls):
            raise TypeError(f"a {resource.kind} is not a {cls.__name__}")
        return resource

    def manifest(self) -> dict[str, Any]:
        """The resource as a manifest: camelCase, only what was written, without status."""
        written = self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True, exclude={"status"})
        return {"apiVersion": self.api_version, "kind": self.kind} | written
