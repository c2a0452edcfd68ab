"""What the kinds have in common that are one server object each, hold no model and are used by several jobs."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from anomalyops.resources.base import SpecModel, Timestamp
from anomalyops.resources.identifiers import ConnectionReference
from anomalyops.resources.policies import AdoptionPolicy, DeletionPolicy, MovePolicy
from anomalyops.resources.rules import Rule
from anomalyops.resources.status import Placement, ResourceStatus

MARK: Final = "[anomalyops.io "
"""How the operator's mark begins, at the end of a description on the server."""


def without_mark() -> Rule:
    """The rule that a description leaves the mark to the operator."""
    return Rule(
        message=f"description must not hold {MARK.strip()}, with which the operator's mark begins: remove it",
        holds=lambda spec: MARK.strip() not in (spec.description or ""),
        cel=f"!has(self.description) || !self.description.contains('{MARK.strip()}')",
        field="description",
    )


class SharedSpec(SpecModel):
    """What says where such an object is, and what may be done to it."""

    connection_ref: ConnectionReference | None = Field(
        default=None, description="The ElasticsearchConnection to use; by default the one named `default`."
    )
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN,
        description=(
            "What becomes of the server's object when this resource is deleted. Retain: it stays, and the same "
            "manifest takes it up again. Delete: it is deleted. Orphan: it stays and loses the operator's mark."
        ),
    )
    adoption_policy: AdoptionPolicy = Field(
        default=AdoptionPolicy.IF_MATCHES,
        description=(
            "Whether an object that exists already under this id, and that nobody manages, is taken over: when it has "
            "nothing that the manifest lacks, never or always."
        ),
    )
    take_over_from: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None,
        description=(
            "The one owner that a managed object of this id may be taken over from, as messages name him: "
            "`<cluster>/<namespace>/<name>`, or `dir:...` or `git:...` for files."
        ),
    )
    move_policy: MovePolicy = Field(
        default=MovePolicy.REFUSE,
        description=(
            "What to do when the connection leads to another server than the one that the object lives on. Refuse: "
            "nothing, and say so. Move: it stays there as with deletionPolicy Retain, and is created here."
        ),
    )


class SharedStatus(ResourceStatus):
    """What is known of such an object."""

    placement: Placement | None = Field(default=None, description="The server that the object lives on.")
    last_sync_time: Timestamp | None = Field(default=None, description="When the server was last changed.")
