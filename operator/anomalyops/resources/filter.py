"""The AnomalyFilter resource: a filter list, which scopes of custom rules name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Annotated, ClassVar, Final

from pydantic import Field

from anomalyops.resources.base import SpecModel
from anomalyops.resources.identifiers import ConfigMapKeyReference, SharedId
from anomalyops.resources.resource import Resource
from anomalyops.resources.rules import Rule
from anomalyops.resources.shared import SharedSpec, SharedStatus, without_mark
from anomalyops.resources.transitions import Transition, server_id_stays

MOST_ITEMS = 10_000  # the server's
_LONGEST_ITEM: Final = 1024  # characters

_Item = Annotated[str, Field(min_length=1, max_length=_LONGEST_ITEM)]


class ItemsSource(SpecModel):
    """Items that are kept somewhere else."""

    config_map_ref: ConfigMapKeyReference = Field(
        description="A ConfigMap's key with one item a line. Blank lines and lines that begin with # are none."
    )


def read_items(text: str) -> Iterator[str]:
    """The items of a text, one a line, without the blanks around them. Blank lines and comments (#) are none.

    Raises:
        ValueError: A line is no item; the message names it by its number, from 1.
    """
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        item = line.strip()
        if not item or item.startswith("#"):
            continue
        if len(item) > _LONGEST_ITEM:
            raise ValueError(f"line {number} has {len(item):,} characters: an item has at most {_LONGEST_ITEM:,}")
        if strange := next((sign for sign in item if unicodedata.category(sign) == "Cc"), ""):
            raise ValueError(f"line {number} holds the control character U+{ord(strange):04X}: write one item a line")
        yield item


class AnomalyFilterSpec(SharedSpec):
    """What the filter list shall be."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        without_mark(),
        Rule(  # in admission, the list is a set
            message="items holds a value twice: keep one",
            holds=lambda spec: len(set(spec.items or ())) == len(spec.items or ()),
            field="items",
        ),
        Rule(
            message="write items, itemsFrom or both",
            holds=lambda spec: spec.items is not None or spec.items_from is not None,
            cel="has(self.items) || has(self.itemsFrom)",
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
    items: list[_Item] | None = Field(
        default=None,
        max_length=MOST_ITEMS,
        description=(
            "All values of the list; `*` at the beginning or the end of one stands for any text. What somebody else "
            "adds on the server is removed again."
        ),
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    items_from: list[ItemsSource] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description="ConfigMaps whose items are part of the list too; it follows them as they change.",
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

    @property
    def config_maps(self) -> frozenset[str]:
        """The names of the ConfigMaps that items come from."""
        return frozenset(source.config_map_ref.name for source in self.spec.items_from or ())
