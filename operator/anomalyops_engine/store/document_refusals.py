"""What is wrong with a document, in the words of Elasticsearch."""

from __future__ import annotations

from typing import Any

from anomalyops_engine.store.errors import DocumentParsingError
from anomalyops_engine.store.fieldtypes.reader import ValueParseError, shown
from anomalyops_engine.store.mapping import Field
from anomalyops_engine.store.mapping_body import METADATA_FIELDS


def wrong_name(key: str, path: str, *, root: bool) -> DocumentParsingError | None:
    """Return what is wrong with a key of a document, None when nothing is."""
    if not key:
        cause = "field name cannot be an empty string"
        return DocumentParsingError(f"failed to parse: {cause}", field=path, cause=cause)
    if key.isspace():
        return DocumentParsingError(f"Field name cannot contain only whitespace: [{path}]", field=path)
    if key[0] == "." or ".." in key or not all(part.strip() for part in key.rstrip(".").split(".")):
        cause = f"field name cannot contain only whitespace: ['{path}']"
        return DocumentParsingError(f"failed to parse: {cause}", field=path, cause=cause)
    if root and key[0] == "_":
        if key in METADATA_FIELDS:
            return DocumentParsingError(
                f"Field [{key}] is a metadata field and cannot be added inside a document. Use the index API request "
                "parameters.",
                field=path,
            )
        if key == "_doc_count":
            message = f"field [{key}] of documents is not supported by this engine"
            return DocumentParsingError(message, field=path, type="not_implemented_exception")
    return None


def malformed(leaf: Field, value: Any, error: Exception) -> DocumentParsingError:
    """Return the refusal of a value that does not fit its field."""
    return DocumentParsingError(
        f"failed to parse field [{leaf.path}] of type [{leaf.type}]. Preview of field's value: '{shown(value)}'",
        field=leaf.path,
        cause=str(error),
        cause_type="parse_exception" if isinstance(error, ValueParseError) else "illegal_argument_exception",
    )


def not_mapped(error: Exception) -> DocumentParsingError:
    """Return the refusal of a document whose field cannot be mapped."""
    return DocumentParsingError(f"failed to parse: {error}", cause=str(error))


def mapping_conflict(message: str, path: str) -> DocumentParsingError:
    """Return the refusal of a document that would change what a field is."""
    return DocumentParsingError(message, field=path, type="illegal_argument_exception")


def strict_dynamic(path: str, within: str) -> DocumentParsingError:
    """Return the refusal of a field that a strict mapping does not have."""
    name = path.rpartition(".")[2]
    return DocumentParsingError(
        f"mapping set to strict, dynamic introduction of [{name}] within [{within}] is not allowed",
        field=path,
        type="strict_dynamic_mapping_exception",
    )


def no_object(path: str) -> str:
    """Return what is said of a value where the mapping has an object."""
    return f"object mapping for [{path}] tried to parse field [{path}] as object, but found a concrete value"
