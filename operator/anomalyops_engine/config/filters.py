"""Filter lists that scopes of custom rules refer to (`MlFilter`), and their partial updates."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final

from anomalyops_engine.config.identifiers import ID_RULE, check_same_id, is_valid_id
from anomalyops_engine.config.reading import Parser, text, text_or_null, texts
from anomalyops_engine.config.records import Record, record, row
from anomalyops_engine.json_types import Json
from anomalyops_engine.refusals import bad_request

MOST_ITEMS: Final = 10_000


def _ordered(items: Iterable[str]) -> tuple[str, ...]:
    """Return each item once, in the order of a sorted set of Java: by UTF-16 code units."""
    return tuple(sorted(set(items), key=lambda item: item.encode("utf-16-be", "surrogatepass")))


def _items(field: str, value: Json) -> tuple[str, ...]:
    return _ordered(texts(field, value))


@record("type", dropped={"type": text})
class Filter(Record):
    """A list of values of fields; `*` at the beginning or end of an item stands for any text."""

    filter_id: str = row(text, default="")
    description: str | None = row(text_or_null, default=None)
    items: tuple[str, ...] = row(_items, default=())

    def check(self) -> None:
        """Raise 400 for an id that cannot be one, or too many items."""
        if not is_valid_id(self.filter_id):
            raise bad_request(f"Invalid filter_id; '{self.filter_id}' {ID_RULE}")
        if len(self.items) > MOST_ITEMS:
            raise bad_request(
                f"Filter [{self.filter_id}] contains too many items; up to [{MOST_ITEMS}] items are allowed"
            )


def create_filter(body: Json, *, filter_id: str) -> Filter:
    """Return the filter that a body describes.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    given = Filter.parser().parse(body)
    check_same_id("filter_id", given.get("filter_id"), filter_id)
    return Filter.complete({**given, "filter_id": filter_id})


def _quoted(item: str) -> str:
    return f"'{item}'"


_UPDATE: Final = Parser(
    "cluster:admin/xpack/ml/filters/update",
    {"filter_id": text, "description": text_or_null, "add_items": _items, "remove_items": _items},
)


@dataclasses.dataclass(frozen=True, slots=True)
class FilterUpdate:
    """A merged update: the whole new filter, and the items that the request named."""

    filter: Filter
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def message(self) -> str:
        """Return what is said to the jobs that use the filter."""
        parts = [
            f"{verb} items: [{','.join(map(_quoted, items))}]"
            for verb, items in (("added", self.added), ("removed", self.removed))
            if items
        ]
        return f"Filter [{self.filter.filter_id}] has been modified; {', '.join(parts)}"


def update_filter(present: Filter, body: Json) -> FilterUpdate:
    """Merge an update body into a filter.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    given = _UPDATE.parse(body)
    check_same_id("filter_id", given.get("filter_id"), present.filter_id)
    added, removed = given.get("add_items", ()), given.get("remove_items", ())
    items = {*present.items, *added}
    for item in removed:
        if item not in items:
            raise bad_request(f"Cannot remove item [{item}] as it is not present in filter [{present.filter_id}]")
    description = given.get("description")
    merged = dataclasses.replace(
        present,
        description=present.description if description is None else description,
        items=_ordered(items.difference(removed)),
    )
    merged.check()
    return FilterUpdate(merged, added, removed)
