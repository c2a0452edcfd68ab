"""The AnomalyFilter resource: a filter list, which scopes of custom rules name."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from anomalyops.resources.identifiers import SharedId
from anomalyops.resources.resource import Resource
from anomalyops.resources.rules import Rule
from anomalyops.resources.shared import SharedSpec, SharedStatus, without_mark
from anomalyops.resources.transitions import Transition, server_id_stays

MOST_ITEMS = 10_000  # the server's

_Item = Annotated[str, Field(min_length=1, max_length=1024)]


class AnomalyFilterSpec(SharedSpec):
    """What the filter list shall be."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        without_mark(),
        Rule(  # in admission, the list is a set
            message="items holds a value twice: keep one",
            holds=lambda spec: len(set(spec.items)) == len(spec.items),
            field="items",
        ),
    )

    filter_id: SharedId | None = Field(
        default=None,
        description="The filter's id on the server; by default the resource's name. Cannot be changed.",
    )
    description: Annotated[str, Field(max_length=4096)] | None = Field(
        default=None, description="What the list is for. The operator's mark follows it on the server."
    )
    items: list[_Item] = Field(
        max_length=MOST_ITEMS,
        description=(
            "All values of the list; `*` at the beginning or the end of one stands for any text. What somebody else "
            "adds on the server is removed again."
        ),
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )


class AnomalyFilterStatus(SharedStatus):
    """The state of an AnomalyFilter."""

    filter_id: str | None = Field(default=None, description="The id of the filter on the server.")
    item_count: int | None = Field(default=None, description="How many values the list has on the server.")


class AnomalyFilter(Resource):
    """A filter list on an Elasticsearch-compatible server: values that scopes of custom rules include or exclude."""

    KIND: ClassVar[str] = "AnomalyFilter"
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = (server_id_stays("filterId", "AnomalyFilter"),)

    spec: AnomalyFilterSpec = Field(description="What the filter list shall be.")
    status: AnomalyFilterStatus | None = Field(default=None, description="What the operator observed.")

    @property
    def server_id(self) -> str:
        """The filter's id on the server."""
        return self.spec.filter_id or self.metadata.name
