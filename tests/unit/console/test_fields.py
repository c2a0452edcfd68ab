"""The console's table of fields says what the resource models say: what its editor takes, manifests take too."""

from __future__ import annotations

import json
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from anomalyops.resources import base
from anomalyops.resources.base import SpecModel
from anomalyops.resources.datafeed import DatafeedSpec
from anomalyops.resources.job import AnomalyJobSpec

TABLE = Path(__file__).parents[3] / "console" / "src" / "shape" / "wizard" / "fields.json"
_FREE = {base.TextOrObject: "any"}


def fields(model: type[SpecModel], without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The fields of a body by the server's names, with their types."""
    return {
        name: kind(annotation)
        for name, annotation in typing.get_type_hints(model, include_extras=True).items()
        if name in model.model_fields and name not in without
    }


def kind(annotation: Any) -> Any:
    """One type as the page knows it."""
    if annotation in _FREE:
        return _FREE[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind(arguments[0])
    if origin in {typing.Union, types.UnionType}:
        found = [kind(one) for one in arguments if one is not type(None)]
        return found[0] if len(found) == 1 else "any"
    if origin is list:
        inner = kind(arguments[0])
        return "texts" if inner == "text" else ["list", inner]
    if origin is dict:
        return "object" if arguments[1] is Any else ["map", kind(arguments[1])]
    if isinstance(annotation, type) and issubclass(annotation, SpecModel):
        return fields(annotation)
    if origin is typing.Literal or issubclass(annotation, str | Enum):
        return "text"
    return {bool: "boolean", int: "integer", float: "number"}[annotation]


def test_the_table_of_the_page_is_that_of_the_models():
    wanted = {
        "job": fields(AnomalyJobSpec, AnomalyJobSpec.CONTROL_FIELDS),
        "datafeed": fields(DatafeedSpec, DatafeedSpec.CONTROL_FIELDS),
    }
    text = json.dumps(wanted, indent=1) + "\n"
    assert TABLE.read_text() == text, f"write this into {TABLE}:\n{text}"
