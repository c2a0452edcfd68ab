"""Custom rules of a detector: scope, conditions, actions (`DetectionRule`, `RuleCondition`, `RuleScope`)."""

from __future__ import annotations

from typing import Any, Final

from anomalyops_engine.config.reading import Json, Parser, WrongType, choice, each, nested, number, text
from anomalyops_engine.refusals import bad_request

JsonObject = dict[str, Any]

_TIME_ONLY: Final = frozenset({"lat_long", "metric", "rare", "freq_rare"})

_CONDITION: Final = Parser(
    "rule_condition",
    {
        "applies_to": choice("actual", "typical", "diff_from_typical", "time"),
        "operator": choice("gt", "gte", "lt", "lte"),
        "value": number,
    },
    required=("applies_to", "operator", "value"),
)
_FILTER_REF: Final = Parser(
    "filter_ref",
    {"filter_id": text, "filter_type": choice("include", "exclude")},
    required=("filter_id",),
)


def _scope(_: str, value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise WrongType
    return {field: _FILTER_REF.parse(reference) for field, reference in value.items()}


RULE_PARSER: Final = Parser(
    "detection_rule",
    {
        "actions": each(choice("skip_result", "skip_model_update", "force_time_shift")),
        "scope": _scope,
        "conditions": each(nested(_CONDITION)),
    },
)


def complete_rule(rule: JsonObject) -> JsonObject:
    """Fill in the default action and the default filter type."""
    completed: JsonObject = {"actions": rule.get("actions") or ["skip_result"]}
    if rule.get("scope"):
        completed["scope"] = {
            field: {"filter_type": "include", **reference} for field, reference in rule["scope"].items()
        }
    if rule.get("conditions"):
        completed["conditions"] = rule["conditions"]
    return completed


def check_rule(rule: JsonObject, detector: JsonObject) -> None:
    """Raise 400 when `rule` cannot apply to `detector`."""
    scope, conditions = rule.get("scope") or {}, rule.get("conditions") or []
    if not scope and not conditions:
        raise bad_request("Invalid detector rule: at least scope or a condition is required")
    function = detector.get("function")
    # Like Elasticsearch, which looks at the first condition only.
    if conditions and function in _TIME_ONLY and conditions[0]["applies_to"] != "time":
        raise bad_request(f"Invalid detector rule: function {function} only supports conditions that apply to time")
    splits = [
        detector[key] for key in ("by_field_name", "over_field_name", "partition_field_name") if detector.get(key)
    ]
    for field in scope:
        if not splits:
            raise bad_request(
                f"Invalid detector rule: scope field '{field}' is invalid; detector has no available fields for scoping"
            )
        if field not in splits:
            raise bad_request(
                f"Invalid detector rule: scope field '{field}' is invalid; select from [{', '.join(sorted(splits))}]"
            )
