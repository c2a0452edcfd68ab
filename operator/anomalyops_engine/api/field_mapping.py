"""`_mapping/field`: the mapping of single fields, also of their sub-fields."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.indices import described
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import Store
from anomalyops_engine.store.patterns import matches_any


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    parameters = known(TARGETS, idle=("include_defaults", "local"))
    answer = partial(_get, store)
    paths = ("/_mapping/field/{fields}", "/{index}/_mapping/field/{fields}")
    return [Endpoint("GET", path, Lane.SEARCH, answer, parameters) for path in paths]


def _get(store: Store, call: Call) -> Response:
    patterns = call.path["fields"].split(",")
    with store.read() as reader:
        indices = described(reader, call)
    return call.respond(
        {
            index.name: {
                "mappings": {
                    name: {"full_name": name, "mapping": {name.rpartition(".")[2]: mapping}}
                    for name, mapping in _fields(index.mapping.to_body().get("properties", {}))
                    if matches_any(patterns, name)
                }
            }
            for index in indices
        }
    )


def _fields(properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, JsonObject]]:
    """Yield the fields of a mapping that hold values, by their whole names."""
    for name, mapping in properties.items():
        if "properties" in mapping:
            yield from _fields(mapping["properties"], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", mapping
            yield from _fields(mapping.get("fields", {}), f"{prefix}{name}.")
