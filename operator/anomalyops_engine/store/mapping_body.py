"""Reading a `mappings` body into a mapping, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from anomalyops_engine.store.dates import UnknownDateFormatError, UnsupportedDateFormatError, check_formats
from anomalyops_engine.store.dynamic import check_object, check_templates
from anomalyops_engine.store.errors import MappingConflictError, MappingError, UnsupportedMappingError
from anomalyops_engine.store.fieldtypes import changed_definition, read_definition
from anomalyops_engine.store.mapping import IndexMapping
from anomalyops_engine.store.templates import read_templates

# Names that documents have besides their fields.
METADATA_FIELDS: Final = frozenset(
    {"_id", "_index", "_source", "_routing", "_field_names", "_ignored", "_seq_no", "_version", "_nested_path"}
    | {"_tier", "_feature", "_type"}
)
_DYNAMIC: Final = {True: "true", False: "false", "true": "true", "false": "false", "strict": "strict"}


def merged(mapping: IndexMapping, body: Mapping[str, Any]) -> IndexMapping:
    """Return a mapping with the definitions of a `mappings` body added.

    Raises:
        MappingError: a malformed definition, or an unknown type or parameter.
        MappingConflictError: a field would change what it is, or a limit of the index is exceeded.
        UnsupportedMappingError: Elasticsearch has it, this engine has not.
    """
    result = mapping
    for key, value in body.items():
        if key in {"properties", "dynamic"}:
            continue
        read = _ROOT.get(key)
        if read is None:
            raise MappingError(f"Root mapping definition has unsupported parameters:  [{key} : {value}]")
        kept = read(key, value)
        if kept is not None:
            result = replace(result, root={**result.root, key: kept})
    if "dynamic" in body:
        result = replace(result, dynamic=_dynamic(body["dynamic"]))
    result = _with_properties(result, "", body.get("properties", {}))
    return _with_checked_aliases(result)


def check_mappings(body: Mapping[str, Any]) -> None:
    """Check a `mappings` body that is not of an index yet.

    Raises:
        MappingError: likewise.
        MappingConflictError: likewise.
        UnsupportedMappingError: likewise.
    """
    merged(IndexMapping(), body)


def check_field_name(path: str) -> None:
    """Check a dotted name of a field.

    Raises:
        MappingError: a part of it is empty or blank.
    """
    for part in path.split("."):
        if not part:
            raise MappingError("field name cannot be an empty string")
        if not part.strip():
            raise MappingError("field name cannot contain only whitespaces")


def _with_properties(mapping: IndexMapping, prefix: str, properties: object) -> IndexMapping:
    if properties == []:  # so some clients write an empty object
        return mapping
    if not isinstance(properties, dict):
        raise MappingError(f"Expected map for property [properties] on field [{prefix.rstrip('.')}]")
    for name, definition in properties.items():
        path = f"{prefix}{name}"
        check_field_name(path)
        if not isinstance(definition, dict):
            raise MappingError(f"Expected map for property [{name}] on field [{path}] but got [{definition}]")
        if path in METADATA_FIELDS:
            raise MappingError(f"Field [{path}] is defined more than once")
        mapping = _with_definition(mapping, path, definition)
    return mapping


def _with_definition(mapping: IndexMapping, path: str, definition: dict[str, Any]) -> IndexMapping:
    kind = definition.get("type")
    if kind is None and (definition.keys() & {"properties", "dynamic", "enabled", "subobjects"}):
        kind = "object"
    if kind in ("object", "nested"):
        return _with_object(mapping, path, definition)
    if mapping.has_object(path):
        raise MappingConflictError(f"can't merge a non object mapping [{path}] with an object mapping [{path}]")
    if kind == "alias":
        return _with_alias(mapping, path, definition)
    if path in mapping.aliases:
        raise MappingConflictError(f"mapper [{path}] cannot be changed from type [alias] to [{kind}]")
    _refuse_leaf_parents(mapping, path)
    read = read_definition(path, definition)
    existing = mapping.fields.get(path)
    if existing is None:
        return mapping.with_field(path, read)
    return mapping.redefined(path, changed_definition(path, existing.definition, read))


def _with_object(mapping: IndexMapping, path: str, definition: dict[str, Any]) -> IndexMapping:
    if path in mapping.fields or path in mapping.aliases:
        raise MappingConflictError(f"can't merge a non-object mapping [{path}] with an object mapping")
    check_object(path, definition)
    _refuse_leaf_parents(mapping, path)
    nested = definition.get("type") == "nested"
    if mapping.has_object(path) and nested != (path in mapping.nested):
        raise MappingConflictError(f"can't merge a non-nested mapping [{path}] with a nested mapping")
    said: dict[str, Any] = {"type": "nested"} if nested else {}
    if "dynamic" in definition:
        said["dynamic"] = _dynamic(definition["dynamic"])
    if "enabled" in definition:
        enabled = _boolean("enabled", definition["enabled"])
        known = mapping.objects.get(path, {}).get("enabled", True)
        if mapping.has_object(path) and enabled != known:
            raise MappingConflictError(f"the [enabled] parameter can't be updated for the object mapping [{path}]")
        if not enabled:
            said["enabled"] = False
    mapping = mapping.with_object(path, said)
    if len(mapping.nested) > mapping.limits.nested:
        raise MappingConflictError(f"Limit of nested fields [{mapping.limits.nested}] has been exceeded")
    return _with_properties(mapping, f"{path}.", definition.get("properties", {}))


def _with_alias(mapping: IndexMapping, path: str, definition: dict[str, Any]) -> IndexMapping:
    for key, value in definition.items():
        if key not in {"type", "path"}:
            raise MappingError(f"Mapping definition for [{path}] has unsupported parameters:  [{key} : {value}]")
    if path in mapping.fields:
        kind = mapping.fields[path].type
        raise MappingConflictError(f"mapper [{path}] cannot be changed from type [{kind}] to [alias]")
    if not isinstance(definition.get("path"), str):
        raise MappingError(f"The [path] property must be specified for field [{path}].")
    aliased = replace(
        mapping,
        aliases={**mapping.aliases, path: definition["path"]},
        object_paths=mapping.object_paths | {path[:at] for at, character in enumerate(path) if character == "."},
    )
    return aliased.checked(path)


def _with_checked_aliases(mapping: IndexMapping) -> IndexMapping:
    for path, target in mapping.aliases.items():
        if target == path:
            why = "an alias cannot refer to itself."
        elif target in mapping.aliases:
            why = "an alias cannot refer to another alias."
        elif target not in mapping.fields and target not in mapping.multi_fields:
            why = "an alias must refer to an existing field in the mappings."
        else:
            continue
        raise MappingError(f"Invalid [path] value [{target}] for field alias [{path}]: {why}")
    return mapping


def _refuse_leaf_parents(mapping: IndexMapping, path: str) -> None:
    """Refuse a field inside of what is a field itself."""
    at = path.find(".")
    while at >= 0:
        parent = path[:at]
        if parent in mapping.fields or parent in mapping.aliases:
            raise MappingConflictError(f"can't merge a non-object mapping [{parent}] with an object mapping")
        at = path.find(".", at + 1)


def _dynamic(value: object) -> str:
    if value == "runtime":
        raise UnsupportedMappingError("[dynamic] of [runtime] is not supported by this engine")
    text = _DYNAMIC.get(value) if isinstance(value, str | bool) else None
    if text is None:
        raise MappingError(
            f"Could not convert [dynamic] to boolean: must be one of [true, false, strict], got [{value}]"
        )
    return text


def _boolean(key: str, value: object) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise MappingError(
        f"Could not convert [{key}] to boolean: Failed to parse value [{value}] as only [true] or [false] are allowed."
    )


def _formats(key: str, value: object) -> list[str]:
    listed: list[Any] = value if isinstance(value, list) else [value]
    for item in listed:
        if not isinstance(item, str):
            raise MappingError(f"[{key}] must be texts, got [{item}]")
        try:
            check_formats(item)
        except UnsupportedDateFormatError as error:
            raise UnsupportedMappingError(str(error)) from None
        except UnknownDateFormatError as error:
            raise MappingError(str(error)) from None
    return listed


def _object(key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MappingError(f"[{key}] must be an object, got [{value}]")
    return value


def _metadata(**parameters: tuple[object, ...]) -> Callable[[str, object], Any]:
    """Return the reader of a metadata field, given the values of its parameters that are served."""

    def read(key: str, value: object) -> dict[str, Any] | None:
        given = _object(key, value)
        for name, said in given.items():
            if name not in parameters:
                raise MappingError(f"unknown parameter [{name}] on metadata field [{key}]")
            if said not in parameters[name]:
                raise UnsupportedMappingError(f"[{key}.{name}] of [{said}] is not supported by this engine")
        return None

    return read


def _runtime(key: str, value: object) -> None:
    if _object(key, value):
        raise UnsupportedMappingError(f"[{key}] fields in mappings are not supported by this engine")


def _only_true(key: str, value: object) -> None:
    if value not in (True, "true"):
        if value not in (False, "false", "auto"):
            raise MappingError(f"unknown {key} value: {value}")
        raise UnsupportedMappingError(f"[{key}] of [{value}] is not supported by this engine")


def _templates(key: str, value: object) -> list[dict[str, Any]]:
    templates = read_templates(value)
    check_templates(templates)
    return templates


_ON, _OFF = (True, "true"), (False, "false")
_ROOT: Final[dict[str, Callable[[str, Any], Any]]] = {
    "_meta": _object,
    "_source": _metadata(enabled=_ON, mode=("stored",), includes=([],), excludes=([],)),
    "_routing": _metadata(required=_OFF),
    "_data_stream_timestamp": _metadata(enabled=_OFF),
    "date_detection": _boolean,
    "numeric_detection": _boolean,
    "dynamic_date_formats": _formats,
    "dynamic_templates": _templates,
    "enabled": _only_true,
    "runtime": _runtime,
    "subobjects": _only_true,
}
