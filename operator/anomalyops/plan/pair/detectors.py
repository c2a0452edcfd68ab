"""The description that the server makes of a detector which is given none.

Source: `DefaultDetectorDescription` of Elasticsearch; `PatternUtil`-like quoting of field names that hold more than
letters, digits and underscores.
"""

from __future__ import annotations

import re

from anomalyops.plan.core.meaning import JsonObject, exclude_frequent, function_name

_PLAIN = re.compile(r"\w+", re.ASCII)


def generated_description(detector: JsonObject) -> str:
    """Such as `mean(bytes) by host partitionfield=site`."""
    field = detector.get("field_name")
    function = str(detector.get("function") or "")
    text = function if function.endswith("avg") else str(function_name(function) or "")  # avg is a name of its own
    if field:
        text += f"({_quoted(field)})" if text else _quoted(field)
    for word, key in (("by", "by_field_name"), ("over", "over_field_name")):
        if name := detector.get(key):
            text += f" {word} {_quoted(name)}"
    if detector.get("use_null"):
        text += " usenull=true"
    if partition := detector.get("partition_field_name"):
        text += f" partitionfield={_quoted(partition)}"
    if frequent := exclude_frequent(detector.get("exclude_frequent")):
        text += f" excludefrequent={frequent}"
    return text


def _quoted(field: str) -> str:
    return field if _PLAIN.fullmatch(field) else f'"{field}"'
