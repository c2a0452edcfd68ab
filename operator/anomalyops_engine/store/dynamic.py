"""Dynamic mapping: which definition a field gets that no mapping names (Elasticsearch's dynamic field mapping)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from anomalyops_engine.store.dates import DEFAULT_FORMAT, detect_format
from anomalyops_engine.store.errors import MappingError, UnsupportedMappingError
from anomalyops_engine.store.fieldtypes import read_definition
from anomalyops_engine.store.templates import KINDS, Template, filled, kinds_of

STRING_DEFINITION: Final = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
_OBJECT_KEYS: Final = frozenset({"type", "dynamic", "enabled", "properties", "subobjects"})
_NESTED_KEYS: Final = frozenset({"type", "dynamic", "properties", "include_in_parent", "include_in_root"})
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def detect(value: Any, *, dates: bool, numbers: bool, formats: tuple[str, ...] | None) -> tuple[str, dict[str, Any]]:
    """Return what a JSON value shows, and the definition dynamic mapping gives it.

    Args:
        value: the first value of the field; no object, no list, not null.
        dates: whether strings may be dates (`date_detection`).
        numbers: whether strings may be numbers (`numeric_detection`).
        formats: which formats are tried (`dynamic_date_formats`), None for the usual ones.
    """
    if isinstance(value, bool):
        return "boolean", {"type": "boolean"}
    if isinstance(value, int):
        return "long", {"type": "long"}
    if isinstance(value, float):
        return "double", {"type": "float"}
    if dates:
        found = detect_format(value) if formats is None else detect_format(value, formats)
        if found is not None:
            return "date", {"type": "date", **({} if found == DEFAULT_FORMAT else {"format": found})}
    if numbers and _INTEGER.fullmatch(value) and -(2**63) <= int(value) < 2**63:
        return "long", {"type": "long"}
    if numbers and _DECIMAL.fullmatch(value):
        return "double", {"type": "float"}
    return "string", dict(STRING_DEFINITION)


def check_templates(templates: Sequence[Mapping[str, Template]]) -> None:
    """Check that of each dynamic template some kind of value makes a definition.

    Raises:
        MappingError: of one none does.
        UnsupportedMappingError: Elasticsearch has it, this engine has not.
    """
    for entry in templates:
        ((name, template),) = entry.items()
        _check_mapping(name, template, template["mapping"])


def check_object(path: str, definition: Mapping[str, Any]) -> None:
    """Check the keys of an object's definition.

    Raises:
        MappingError: one is unknown.
        UnsupportedMappingError: Elasticsearch has it, this engine has not.
    """
    known = _NESTED_KEYS if definition.get("type") == "nested" else _OBJECT_KEYS
    for key, value in definition.items():
        if key.startswith("include_in_") and key in known:
            _check_not_included(path, key, value)
        if key not in known:
            raise MappingError(f"Mapping definition for [{path}] has unsupported parameters:  [{key} : {value}]")
        if key == "subobjects" and value not in (True, "true"):
            raise UnsupportedMappingError(f"[subobjects] of [{value}] on [{path}] is not supported by this engine")


def _check_not_included(path: str, key: str, value: object) -> None:
    if value in (True, "true"):
        raise UnsupportedMappingError(f"[{key}] of [{path}] is not supported by this engine")
    if value not in (False, "false"):
        raise MappingError(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")


def _check_mapping(name: str, template: Template, mapping: Mapping[str, Any]) -> None:
    trouble: MappingError | None = None
    for kind in kinds_of(template):
        definition = filled(mapping, f"__dynamic__{name}", KINDS[kind])
        definition.setdefault("type", KINDS[kind])
        try:
            if definition["type"] in ("object", "nested"):
                check_object(name, definition)
            else:
                read_definition(f"__dynamic__{name}", definition)
        except MappingError as error:
            trouble = error
        else:
            return
    raise MappingError(f"dynamic template [{name}] has invalid content [{dict(template)}]: {trouble}")
