"""Detectors: their functions, the rules they must keep, the description the server generates.

Rules and their order: `Detector.Builder.build` of Elasticsearch.
"""

from __future__ import annotations

import re
from typing import Any, Final

from anomalyops_engine.config.custom_rules import RULE_PARSER, check_rule, complete_rule
from anomalyops_engine.config.reading import Parser, boolean, choice, each, integer, nested, text
from anomalyops_engine.refusals import bad_request, illegal_argument

JsonObject = dict[str, Any]

_COUNT: Final = ("count", "high_count", "low_count")
_NON_ZERO: Final = ("non_zero_count", "low_non_zero_count", "high_non_zero_count")
_TIME: Final = ("time_of_day", "time_of_week")
_RARE: Final = ("rare", "freq_rare")
_SIDED_METRICS: Final = (
    "distinct_count",
    "info_content",
    "mean",
    "avg",
    "median",
    "sum",
    "non_null_sum",
    "varp",
)

FIELD_FUNCTIONS: Final = frozenset(
    {"metric", "min", "max", "lat_long"}
    | {side + function for function in _SIDED_METRICS for side in ("", "low_", "high_")}
)
FIELDLESS_FUNCTIONS: Final = frozenset({*_COUNT, *_NON_ZERO, *_TIME, *_RARE})
FUNCTIONS: Final = FIELD_FUNCTIONS | FIELDLESS_FUNCTIONS
_ALONE: Final = frozenset({*_COUNT, *_NON_ZERO, *_TIME})

_SHORT: Final = {"c": "count", "nzc": "non_zero_count", "dc": "distinct_count", "nns": "non_null_sum"}
FUNCTION_ALIASES: Final = {
    "fr": "freq_rare",
    **{side + short: side + long for short, long in _SHORT.items() for side in ("", "low_", "high_")},
}
SPLIT_FIELDS: Final = ("by_field_name", "over_field_name", "partition_field_name")
_RESERVED: Final = ("count", "by", "over")
_PROHIBITED = re.compile(r'["\\\x00-\x1f\x7f-\x9f]')


def function_name(given: str) -> str:
    """Return the full name of a detector function, whatever its case and spelling.

    Raises:
        MlError: 400 `Unknown function`.
    """
    name = given.strip().lower()
    name = FUNCTION_ALIASES.get(name, name)
    if name not in FUNCTIONS:
        raise illegal_argument(f"Unknown function '{given}'")
    return name


def _function(_: str, value: object) -> str:
    return function_name(text(_, value))


def complete_detector(parsed: JsonObject) -> JsonObject:
    """Check one parsed detector and fill in what the server fills in (without `detector_index`).

    Raises:
        MlError: 400 with the text of the first rule it breaks.
    """
    detector = {key: value for key, value in parsed.items() if value not in ("", [])}
    detector.pop("detector_index", None)
    if not detector.get("use_null"):
        detector.pop("use_null", None)
    check_detector(detector)
    detector.setdefault("detector_description", describe(detector))
    if "custom_rules" in detector:
        detector["custom_rules"] = [complete_rule(rule) for rule in detector["custom_rules"]]
    order = ("detector_description", "function", "field_name", *SPLIT_FIELDS)
    return {
        **{key: detector[key] for key in order if key in detector},
        **{key: value for key, value in detector.items() if key not in order},
    }


DETECTOR_PARSER: Final = Parser(
    "detector",
    {
        "detector_description": text,
        "function": _function,
        "field_name": text,
        "by_field_name": text,
        "over_field_name": text,
        "partition_field_name": text,
        "use_null": boolean,
        "exclude_frequent": choice("all", "none", "by", "over"),
        "custom_rules": each(nested(RULE_PARSER)),
        "detector_index": integer,
    },
)


def check_detector(detector: JsonObject) -> None:
    """Raise 400 for the first rule that `detector` breaks."""
    function = detector.get("function")
    field, by, over = (detector.get(key) for key in ("field_name", "by_field_name", "over_field_name"))
    _check_fields_for_function(function, field=field, by=by, over=over)
    for key in ("field_name", *SPLIT_FIELDS):
        _check_field_name(detector.get(key))
    for rule in detector.get("custom_rules", ()):
        check_rule(rule, detector)
    _check_splits_differ(detector)
    for key, value in (("by_field_name", by), ("over_field_name", over)):
        if value in _RESERVED:
            raise bad_request(f"'{value}' is not a permitted value for {key}")


def _check_fields_for_function(function: str | None, *, field: str | None, by: str | None, over: str | None) -> None:
    shown = function if function is not None else "null"
    if not (field or by or over) and function not in _ALONE:
        raise bad_request(
            "Unless a count or temporal function is used one of field_name, by_field_name or "
            "over_field_name must be set"
        )
    if function in FIELD_FUNCTIONS and not field:
        raise bad_request(f"field_name must be set when the '{shown}' function is used")
    if function not in FIELD_FUNCTIONS and field:
        raise bad_request(f"field_name cannot be used with function '{shown}'")
    if function in _RARE and not by:
        raise bad_request(f"by_field_name must be set when the '{shown}' function is used")
    if function == "freq_rare" and not over:
        raise bad_request(f"over_field_name must be set when the '{shown}' function is used")
    if function in _NON_ZERO and over:
        raise bad_request(f"over_field_name cannot be used with function '{shown}'")


def _check_field_name(name: str | None) -> None:
    if name is None:
        return
    if _PROHIBITED.search(name):
        raise bad_request(
            f"Invalid field name '{name}'. Field names including over, by and partition fields "
            'cannot contain any of these characters: ",\\'
        )
    if name == ".":
        raise bad_request(
            f"Invalid field name '{name}'. Field names including over, by and partition fields cannot be '.'"
        )


def _check_splits_differ(detector: JsonObject) -> None:
    pairs = (
        ("partition_field_name", "by_field_name"),
        ("partition_field_name", "over_field_name"),
        ("by_field_name", "over_field_name"),
    )
    for left, right in pairs:
        if detector.get(left) and detector.get(left) == detector.get(right):
            raise bad_request(f"{left} and {right} cannot be the same: '{detector[left]}'")


def describe(detector: JsonObject) -> str:
    """Return the generated description, such as `sum(bytes) by host` (`DefaultDetectorDescription`)."""
    description: str = detector.get("function", "")
    if field := detector.get("field_name"):
        description += f"({_quoted(field)})" if description else _quoted(field)
    if by := detector.get("by_field_name"):
        description += f" by {_quoted(by)}"
    if over := detector.get("over_field_name"):
        description += f" over {_quoted(over)}"
    if detector.get("use_null"):
        description += " usenull=true"
    if partition := detector.get("partition_field_name"):
        description += f" partitionfield={_quoted(partition)}"
    if frequent := detector.get("exclude_frequent"):
        description += f" excludefrequent={frequent}"
    return description


def _quoted(field: str) -> str:
    if re.search(r"\W", field) is None:
        return field
    escaped = field.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parse_detector(body: object) -> JsonObject:
    """Parse, check and complete one detector, as `_validate/detector` takes it.

    Raises:
        MlError: 400.
    """
    return complete_detector(DETECTOR_PARSER.parse(body))
