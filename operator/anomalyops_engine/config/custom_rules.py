"""Custom rules of a detector: scope, conditions, actions (`DetectionRule`, `RuleCondition`, `RuleScope`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from anomalyops_engine.config.reading import choice, choices, number, text
from anomalyops_engine.config.records import ByName, Each, Record, record, row, when_true
from anomalyops_engine.functions import find_function
from anomalyops_engine.refusals import bad_request


@record("rule_condition", required=("applies_to", "operator", "value"))
class RuleCondition(Record):
    """When a rule applies: a figure of the bucket compared with a number."""

    applies_to: str = row(choice("actual", "typical", "diff_from_typical", "time"))
    operator: str = row(choice("gt", "gte", "lt", "lte"))
    value: float = row(number)


@record("filter_ref", required=("filter_id",))
class FilterRef(Record):
    """A filter list that a field's value must (not) be in."""

    filter_id: str = row(text)
    filter_type: str = row(choice("include", "exclude"), default="include")


@record("detection_rule")
class CustomRule(Record):
    """What to do with results that a detector would give otherwise."""

    actions: tuple[str, ...] = row(
        choices("skip_result", "skip_model_update", "force_time_shift"), default=("skip_result",)
    )
    scope: Mapping[str, FilterRef] | None = row(ByName(FilterRef), default=None, shown=when_true)
    conditions: tuple[RuleCondition, ...] = row(Each(RuleCondition), default=(), shown=when_true)

    def check(self) -> None:
        """Raise 400 when the rule would always apply."""
        if not self.scope and not self.conditions:
            raise bad_request("Invalid detector rule: at least scope or a condition is required")

    def check_for(self, function: str | None, splits: Collection[str]) -> None:
        """Raise 400 when the rule cannot apply to a detector of this function and these split fields."""
        # Like Elasticsearch, which looks at the first condition only.
        found = find_function(function)
        time_only = found is not None and found.function.time_rules_only
        if self.conditions and time_only and self.conditions[0].applies_to != "time":
            raise bad_request(f"Invalid detector rule: function {function} only supports conditions that apply to time")
        for field in self.scope or {}:
            if not splits:
                raise bad_request(
                    f"Invalid detector rule: scope field '{field}' is invalid; detector has no available fields for "
                    "scoping"
                )
            if field not in splits:
                raise bad_request(
                    f"Invalid detector rule: scope field '{field}' is invalid; select from "
                    f"[{', '.join(sorted(splits))}]"
                )
