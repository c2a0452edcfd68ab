"""Custom rules of a detector: scope, conditions, actions (`DetectionRule`, `RuleCondition`, `RuleScope`)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from anomalyops_engine.config.reading import choice, choices, integer, number, text
from anomalyops_engine.config.records import ByName, Each, Nested, Record, record, row, when_true
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


@record("force_time_shift_params", required=("time_shift_amount",))
class TimeShift(Record):
    """By how many seconds clocks are changed: less than zero where they go back."""

    time_shift_amount: int = row(integer)


@record("params")
class RuleParams(Record):
    """What actions need to know."""

    force_time_shift: TimeShift | None = row(Nested(TimeShift), default=None)


NO_PARAMS = RuleParams()


@record("detection_rule")
class CustomRule(Record):
    """What to do with results that a detector would give otherwise."""

    actions: tuple[str, ...] = row(
        choices("skip_result", "skip_model_update", "force_time_shift"), default=("skip_result",)
    )
    scope: Mapping[str, FilterRef] | None = row(ByName(FilterRef), default=None, shown=when_true)
    conditions: tuple[RuleCondition, ...] = row(Each(RuleCondition), default=(), shown=when_true)
    params: RuleParams = row(
        Nested(RuleParams), default=NO_PARAMS, shown=lambda value, _: value.force_time_shift is not None
    )

    def check(self) -> None:
        """Raise 400 when the rule would always apply, or when its action and its parameters do not fit."""
        if not self.scope and not self.conditions:
            raise bad_request("Invalid detector rule: at least scope or a condition is required")
        shifts = "force_time_shift" in self.actions
        if shifts and self.params.force_time_shift is None:
            raise bad_request("Invalid detector rule: action force_time_shift requires params.force_time_shift")
        if not shifts and self.params.force_time_shift is not None:
            raise bad_request(
                "Invalid detector rule: params.force_time_shift is only allowed with the action force_time_shift"
            )

    @property
    def filter_ids(self) -> frozenset[str]:
        """The filters that its scope refers to."""
        return frozenset(reference.filter_id for reference in (self.scope or {}).values())

    @property
    def time_shift_s(self) -> int | None:
        """By how many seconds it changes clocks; None when it does not."""
        shift = self.params.force_time_shift
        return None if shift is None else shift.time_shift_amount

    def times_s(self) -> tuple[float, float]:
        """From when on (inclusive) until when (exclusive) its conditions on the time hold, epoch seconds."""
        begin, end = -math.inf, math.inf
        for condition in self.conditions:
            if condition.applies_to != "time":
                continue
            beyond = math.nextafter(condition.value, math.inf)
            match condition.operator:
                case "gte":
                    begin = max(begin, condition.value)
                case "gt":
                    begin = max(begin, beyond)
                case "lt":
                    end = min(end, condition.value)
                case _:
                    end = min(end, beyond)
        return begin, end

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
