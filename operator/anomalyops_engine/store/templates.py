"""Dynamic templates: which definition a field gets that no mapping names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from anomalyops_engine.store.errors import MappingError, UnsupportedMappingError
from anomalyops_engine.store.patterns import matches_any

# What JSON shows, and the type that a template without one gives it.
KINDS: Final = {
    "object": "object",
    "string": "text",
    "long": "long",
    "double": "float",
    "boolean": "boolean",
    "date": "date",
}
# What Elasticsearch knows and no document of this engine ever shows.
_OTHER_KINDS: Final = frozenset({"binary"})
_KIND_KEYS: Final = ("match_mapping_type", "unmatch_mapping_type")
_NAME_KEYS: Final = ("match", "unmatch", "path_match", "path_unmatch")
_CONDITIONS: Final = frozenset({"match_mapping_type", *_NAME_KEYS})
_KEYS: Final = frozenset({*_KIND_KEYS, *_NAME_KEYS, "match_pattern", "mapping", "template"})

Template = Mapping[str, Any]


def read_templates(given: object) -> list[dict[str, Any]]:
    """Return the dynamic templates of a mapping, checked.

    Raises:
        MappingError: malformed; the message names the template and the parameter.
        UnsupportedMappingError: runtime fields.
    """
    if not isinstance(given, list):
        raise MappingError("Dynamic template syntax error. An array of named objects is expected.")
    for entry in given:
        if not isinstance(entry, dict) or len(entry) != 1:
            raise MappingError("A dynamic template must be defined with a name")
        ((name, template),) = entry.items()
        if not isinstance(template, dict):
            raise MappingError(f"Dynamic template syntax error. An object is expected as [{name}].")
        _check(name, template)
    return given


def template_for(templates: Sequence[Mapping[str, Template]], path: str, kind: str) -> dict[str, Any] | None:
    """Return the definition that the first matching template gives a new field, None when none matches.

    Args:
        templates: the templates of the mapping, as `read_templates` returns them.
        path: dotted path of the new field.
        kind: what JSON showed, a key of `KINDS`.
    """
    name = path.rpartition(".")[2]
    for entry in templates:
        (template,) = entry.values()
        if _fits(template, path, name, kind):
            definition = filled(template["mapping"], name, KINDS[kind])
            definition.setdefault("type", KINDS[kind])
            return dict(definition)
    return None


def filled(value: Any, name: str, kind: str) -> Any:
    """Return a template's mapping with the names of field and type in place of their marks."""
    if isinstance(value, Mapping):
        return {filled(key, name, kind): filled(inner, name, kind) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, name, kind) for inner in value]
    if isinstance(value, str):
        return value.replace("{name}", name).replace("{dynamic_type}", kind)
    return value


def kinds_of(template: Template) -> list[str]:
    """Return the kinds of values that a template may be for."""
    wanted = [kind for kind in _listed(template.get("match_mapping_type", "*")) if kind in KINDS]
    return wanted or (["object"] if template["mapping"].get("type") == "object" else list(KINDS))


def _check(name: str, template: Template) -> None:
    for key in template:
        if key == "runtime":
            raise UnsupportedMappingError(f"[runtime] in dynamic template [{name}] is not supported by this engine")
        if key not in _KEYS:
            raise MappingError(f"Illegal dynamic template parameter: [{key}]")
    _check_kinds(template)
    _check_names(name, template)
    mapping = template.get("mapping")
    if mapping is None:
        raise MappingError(f"template [{name}] must have either mapping or runtime set")
    if not isinstance(mapping, dict) or not isinstance(mapping.get("type", ""), str):
        raise MappingError(f"[mapping] of template [{name}] must be an object with a [type] of text, got [{mapping}]")


def _check_kinds(template: Template) -> None:
    known = (*KINDS, *_OTHER_KINDS)
    for key in _KIND_KEYS:
        for kind in _listed(template.get(key, [])):
            if not isinstance(kind, str) or (kind != "*" and kind not in known):
                raise MappingError(f"No field type matched on [{kind}], possible values are [{', '.join(known)}]")


def _check_names(name: str, template: Template) -> None:
    pattern = template.get("match_pattern", "simple")
    if pattern not in ("simple", "regex"):
        raise MappingError(f"No matching pattern matched on [{pattern}]")
    for key in _NAME_KEYS:
        for text in _listed(template.get(key, [])):
            if not isinstance(text, str):
                raise MappingError(f"[{key}] values must be either a string or list of strings, but was [{text}]")
            if pattern == "regex" and key in ("match", "unmatch"):
                _check_regex(name, text)


def _check_regex(name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise MappingError(f"Pattern [{pattern}] of type [REGEX] is invalid in template [{name}]: {error}") from None


def _fits(template: Template, path: str, name: str, kind: str) -> bool:
    wanted = _listed(template.get("match_mapping_type", "*"))
    if kind == "object" and not _CONDITIONS & template.keys():
        return False
    if ("*" not in wanted and kind not in wanted) or kind in _listed(template.get("unmatch_mapping_type", [])):
        return False
    regex = template.get("match_pattern") == "regex"
    return (
        _match(template.get("match"), name, regex=regex, default=True)
        and _match(template.get("path_match"), path, regex=False, default=True)
        and not _match(template.get("unmatch"), name, regex=regex, default=False)
        and not _match(template.get("path_unmatch"), path, regex=False, default=False)
    )


def _match(patterns: Any, text: str, *, regex: bool, default: bool) -> bool:
    if patterns is None:
        return default
    if regex:
        return any(re.fullmatch(pattern, text) is not None for pattern in _listed(patterns))
    return matches_any(_listed(patterns), text)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
