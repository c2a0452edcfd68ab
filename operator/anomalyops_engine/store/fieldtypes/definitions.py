"""Reading and changing the definition of one field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anomalyops_engine.store.errors import MappingConflictError, MappingError, UnsupportedMappingError
from anomalyops_engine.store.fieldtypes.reader import REFUSALS
from anomalyops_engine.store.fieldtypes.table import FIELD_TYPES, SQL_TYPES, UNSUPPORTED_TYPES, Definition, FieldType


def read_definition(path: str, given: Mapping[str, Any], *, multi_field: bool = False) -> dict[str, Any]:
    """Return the definition of a leaf field as mappings show it: checked, defaults left out.

    Args:
        path: dotted name of the field.
        given: the definition, with its `type`.
        multi_field: it is one of the `fields` of another.

    Raises:
        MappingError: the type is unknown, or a parameter is unknown or malformed.
        UnsupportedMappingError: Elasticsearch has it, this engine has not.
    """
    row = field_type(path, given.get("type"))
    definition: dict[str, Any] = {"type": row.name}
    for name, value in given.items():
        if name in {"type", "fields"}:
            continue
        if name == "boost":
            raise MappingError(f"Unknown parameter [boost] on mapper [{path}]")
        parameter = row.parameters.get(name)
        if parameter is None:
            raise MappingError(f"unknown parameter [{name}] on mapper [{path}] of type [{row.name}]")
        if name == "copy_to" and multi_field:
            raise MappingError(f"[copy_to] may not be used to copy from a multi-field: [{path}]")
        if value is None and name != "null_value":
            raise MappingError(f"[{name}] on mapper [{path}] of type [{row.name}] must not have a [null] value")
        read = parameter.value(path, value)
        if read is not None and read != parameter.default:
            definition[name] = read
    _check_whole(path, row, definition)
    fields = _multi_fields(path, given["fields"], multi_field=multi_field) if "fields" in given else {}
    return {**definition, **({"fields": fields} if fields else {})}


def changed_definition(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition of a field after a mapping update.

    Raises:
        MappingConflictError: the update would change the type, or a parameter that cannot change.
    """
    if old["type"] != new["type"]:
        raise MappingConflictError(f"mapper [{path}] cannot be changed from type [{old['type']}] to [{new['type']}]")
    conflicts = []
    for name, parameter in FIELD_TYPES[old["type"]].parameters.items():
        before, after = old.get(name, parameter.default), new.get(name, parameter.default)
        learned = name == "value" and (before is None or after is None)  # a constant comes with the first document
        if before != after and not parameter.updatable and not learned:
            conflicts.append(f"\tCannot update parameter [{name}] from [{before}] to [{after}]")
    if conflicts:
        raise MappingConflictError(f"Mapper for [{path}] conflicts with existing mapper:\n" + "\n".join(conflicts))
    fields = dict(old.get("fields", {}))
    for short, sub in new.get("fields", {}).items():
        fields[short] = changed_definition(f"{path}.{short}", fields[short], sub) if short in fields else sub
    kept = {"value": old["value"]} if "value" in old else {}
    changed = {**kept, **{name: value for name, value in new.items() if name != "fields"}}
    return {**changed, **({"fields": fields} if fields else {})}


def field_type(path: str, name: object) -> FieldType:
    """Return the row of a type.

    Raises:
        MappingError: there is no such type.
        UnsupportedMappingError: Elasticsearch has it, this engine has not.
    """
    if name is None:
        raise MappingError(f"No type specified for field [{path}]")
    row = FIELD_TYPES.get(name) if isinstance(name, str) else None
    if row is not None:
        return row
    if name in UNSUPPORTED_TYPES if isinstance(name, str) else False:
        raise UnsupportedMappingError(
            f"field type [{name}] of field [{path}] is not supported by this engine; supported: "
            f"[{', '.join(sorted(SQL_TYPES))}, object, nested, alias]"
        )
    raise MappingError(
        f"The mapper type [{name}] declared on field [{path}] does not exist. It might have been created within a "
        "future version or requires a plugin to be installed. Check the documentation."
    )


def _check_whole(path: str, row: FieldType, definition: Mapping[str, Any]) -> None:
    """Check what no parameter says alone: that the null value is a value, that a factor is there."""
    if row.name == "scaled_float" and "scaling_factor" not in definition:
        raise MappingError(f"Field [{path}] misses required parameter [scaling_factor]")
    try:
        row.reader(Definition(row.name, definition, {}))
    except REFUSALS as error:
        raise MappingError(f"Error parsing [null_value] on field [{path}]: {error}") from None


def _multi_fields(path: str, given: object, *, multi_field: bool) -> dict[str, dict[str, Any]]:
    if not isinstance(given, Mapping):
        raise MappingError(f"expected map for property [fields] on field [{path}] but got [{given}]")
    if multi_field and given:
        short = path.rpartition(".")[2]
        raise MappingError(
            f"Encountered a multi-field [{short}] which itself contains a multi-field. Defining chained multi-fields "
            "is not supported."
        )
    fields = {}
    for short, sub in given.items():
        if not short.strip() or "." in short:
            raise MappingError(
                f"Field name [{short}] which is a multi field of [{path}] cannot contain '.' or be empty"
            )
        if not isinstance(sub, Mapping):
            raise MappingError(f"expected map for field [{short}] in the [fields] of [{path}] but got [{sub}]")
        if sub.get("type") is None:
            raise MappingError(f"no type specified for property [{short}]")
        if sub["type"] in {"object", "alias", "nested"}:
            raise MappingError(f"Type [{sub['type']}] cannot be used in multi field")
        fields[short] = read_definition(f"{path}.{short}", sub, multi_field=True)
    return fields
