"""Reading what requests say of index templates, into the bodies that are stored and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from anomalyops_engine.api.aliases import alias_properties
from anomalyops_engine.api.errors import ApiError, not_supported, validation_failed
from anomalyops_engine.api.indices import untyped
from anomalyops_engine.query.options import boolean, integer
from anomalyops_engine.store import MappingConflictError, MappingError, check_mappings
from anomalyops_engine.store.catalog import check_alias_name
from anomalyops_engine.store.settings import stated_settings

_PARTS: Final = frozenset({"settings", "mappings", "aliases"})
_LEGACY: Final = _PARTS | {"index_patterns", "order", "version"}
_COMPONENT: Final = frozenset({"template", "version", "_meta", "deprecated"})
_COMPOSABLE: Final = _COMPONENT | {
    *(
        "index_patterns",
        "composed_of",
        "data_stream",
        "priority",
        "allow_auto_create",
        "ignore_missing_component_templates",
    )
}
_MISSING: Final = frozenset({"lifecycle", "data_stream_options"})
_FORBIDDEN_IN_PATTERNS: Final = '\\/?"<>|'


def legacy_body(name: str, given: Mapping[str, Any], order: int | None) -> dict[str, Any]:
    """Return an old template as it is stored.

    Args:
        name: its name.
        given: the body of the request.
        order: what the request says beside its body, if anything.

    Raises:
        ApiError: 400, for something that is unknown, missing or of the wrong kind.
        StoreError: a mapping or setting is not valid or not served.
        QueryError: the filter of an alias is no query that is served.
    """
    unknown = sorted(set(given) - _LEGACY)
    if unknown:
        raise ApiError(400, "parse_exception", f"unknown key [{unknown[0]}] in the template ")
    if "index_patterns" not in given or not given["index_patterns"]:
        raise validation_failed(["index patterns are missing"])
    body = {
        "order": integer()(given.get("order", order if order is not None else 0)),
        **({"version": integer()(given["version"])} if given.get("version") is not None else {}),
        "index_patterns": _patterns(name, given["index_patterns"]),
        "settings": {},
        "mappings": {},
        "aliases": {},
        **_parts(given),
    }
    if body["mappings"]:
        _check(body["mappings"])
    return body


def component_body(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a component as it is stored.

    Raises:
        ApiError: 400, for something that is unknown, missing or of the wrong kind; 501 for what is not served.
        StoreError: likewise.
        QueryError: likewise.
    """
    _refuse_unknown("component_template", given, _COMPONENT)
    if not isinstance(given.get("template"), dict):
        raise ApiError(400, "illegal_argument_exception", "Required [template]")
    return {"template": _template(given["template"]), **_remarks(given)}


def composable_body(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a composable template as it is stored.

    Raises:
        ApiError: 400, for something that is unknown, missing or of the wrong kind; 501 for what is not served.
        StoreError: likewise.
        QueryError: likewise.
    """
    _refuse_unknown("index_template", given, _COMPOSABLE)
    if not given.get("index_patterns"):
        raise ApiError(400, "illegal_argument_exception", "Required [index_patterns]")
    body: dict[str, Any] = {"index_patterns": _patterns(name, given["index_patterns"])}
    if given.get("template") is not None:
        if not isinstance(given["template"], dict):
            raise _mistyped("index_template", "template")
        body["template"] = _template(given["template"])
    body["composed_of"] = _names("composed_of", given.get("composed_of", []))
    if given.get("ignore_missing_component_templates") is not None:
        key = "ignore_missing_component_templates"
        body[key] = _names(key, given[key])
    if given.get("priority") is not None:
        body["priority"] = integer()(given["priority"])
        if body["priority"] < 0:
            raise validation_failed(["index template priority must be >= 0"])
    if given.get("allow_auto_create") is not None:
        body["allow_auto_create"] = boolean(given["allow_auto_create"])
    if given.get("data_stream") is not None:
        body["data_stream"] = _data_stream(given["data_stream"])
    return {**body, **_remarks(given)}


def _data_stream(given: Any) -> dict[str, Any]:
    """Return what a template says of its data streams: nothing but that they are not hidden, and routed by nobody.

    Raises:
        ApiError: 400 for something unknown, 501 for hidden streams and such with a routing.
    """
    if not isinstance(given, dict):
        raise _mistyped("index_template", "data_stream")
    flags = {"hidden": False, "allow_custom_routing": False}
    for key, value in given.items():
        if key not in flags:
            raise ApiError(400, "x_content_parse_exception", f"[data_stream_template] unknown field [{key}]")
        if boolean(value):
            raise not_supported(f"[{key}] of [data_stream]")
    return flags


def check_template_name(name: str) -> None:
    """Check the name of a template.

    Raises:
        ApiError: 400; it breaks Elasticsearch's rules.
    """
    for wrong, why in (
        (" " in name, "name must not contain a space"),
        ("," in name, "name must not contain a ','"),
        ("#" in name, "name must not contain a '#'"),
        ("*" in name, "name must not contain a '*'"),
        (name.startswith("_"), "name must not start with '_'"),
        (name != name.lower(), "name must be lower cased"),
    ):
        if wrong:
            raise invalid_template(name, why)


def invalid_template(name: str, why: str) -> ApiError:
    """Return the 400 of a template that cannot be."""
    return ApiError(400, "invalid_index_template_exception", f"index_template [{name}] invalid, cause [{why}]")


def _template(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, mappings and aliases of a component or composable template, those that it gives."""
    _refuse_unknown("template", given, _PARTS)
    parts = _parts(given)
    if parts.get("mappings"):
        _check(parts["mappings"])
    return parts


def _parts(given: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for key in ("settings", "mappings", "aliases"):
        value = given.get(key)
        if value is None:
            continue
        if not isinstance(value, dict):
            raise _mistyped("template", key)
        if key == "settings":
            parts[key] = {name: text for name, text in stated_settings(value).items() if text is not None}
        elif key == "mappings":
            parts[key] = untyped(value)
        else:
            for alias in value:
                check_alias_name(alias, [])
            parts[key] = {alias: alias_properties(alias, said) for alias, said in value.items()}
    return parts


def _check(mappings: Mapping[str, Any]) -> None:
    try:
        check_mappings(mappings)
    except (MappingError, MappingConflictError) as error:
        cause = {"type": "illegal_argument_exception", "reason": str(error)}
        reason = f"Failed to parse mapping: {error}"
        raise ApiError(400, "mapper_parsing_exception", reason, cause) from None


def _remarks(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a template and changes nothing."""
    kept: dict[str, Any] = {}
    if given.get("version") is not None:
        kept["version"] = integer(at_least=-(2**63), at_most=2**63 - 1)(given["version"])
    if given.get("_meta") is not None:
        if not isinstance(given["_meta"], dict):
            raise _mistyped("template", "_meta")
        kept["_meta"] = given["_meta"]
    if given.get("deprecated") is not None:
        kept["deprecated"] = boolean(given["deprecated"])
    return kept


def _patterns(name: str, given: object) -> list[str]:
    patterns = _names("index_patterns", given)
    for pattern in patterns:
        for wrong, why in (
            (not pattern, f"index_patterns [{pattern}] must not be empty"),
            (" " in pattern, f"index_patterns [{pattern}] must not contain a space"),
            ("," in pattern, f"index_pattern [{pattern}] must not contain a ','"),
            ("#" in pattern, f"index_pattern [{pattern}] must not contain a '#'"),
            (":" in pattern, f"index_pattern [{pattern}] must not contain a ':'"),
            (pattern.startswith("_"), f"index_pattern [{pattern}] must not start with '_'"),
            (
                bool(set(pattern) & set(_FORBIDDEN_IN_PATTERNS)),
                f"index_pattern [{pattern}] must not contain the following characters {list(_FORBIDDEN_IN_PATTERNS)}",
            ),
        ):
            if wrong:
                raise invalid_template(name, why)
    return patterns


def _names(key: str, given: object) -> list[str]:
    names = given if isinstance(given, list) else [given]
    if not all(isinstance(one, str) for one in names):
        raise _mistyped("index_template", key)
    return [str(one) for one in names]


def _mistyped(parser: str, key: str) -> ApiError:
    return ApiError(400, "x_content_parse_exception", f"[{parser}] failed to parse field [{key}]")


def _refuse_unknown(parser: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    for key in given:
        if key in _MISSING:
            raise not_supported(f"[{key}] of an index template is not supported by this engine")
        if key not in known:
            raise ApiError(400, "x_content_parse_exception", f"[{parser}] unknown field [{key}]")
