"""Detectors: what is analysed, how the data is split, and the custom rules on their results."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from anomalyops.resources.base import Boolean, SpecModel
from anomalyops.resources.identifiers import FieldName, FilterId
from anomalyops.resources.rules import FUNCTION, Rule, cel_list


class DetectorFunction(StrEnum):
    """Every function of a detector, the short forms included."""

    # Counts of documents.
    COUNT = "count"
    LOW_COUNT = "low_count"
    HIGH_COUNT = "high_count"
    C = "c"
    LOW_C = "low_c"
    HIGH_C = "high_c"
    NON_ZERO_COUNT = "non_zero_count"
    LOW_NON_ZERO_COUNT = "low_non_zero_count"
    HIGH_NON_ZERO_COUNT = "high_non_zero_count"
    NZC = "nzc"
    LOW_NZC = "low_nzc"
    HIGH_NZC = "high_nzc"
    # Distinct values and their information.
    DISTINCT_COUNT = "distinct_count"
    LOW_DISTINCT_COUNT = "low_distinct_count"
    HIGH_DISTINCT_COUNT = "high_distinct_count"
    DC = "dc"
    LOW_DC = "low_dc"
    HIGH_DC = "high_dc"
    INFO_CONTENT = "info_content"
    LOW_INFO_CONTENT = "low_info_content"
    HIGH_INFO_CONTENT = "high_info_content"
    # Metrics.
    MEAN = "mean"
    LOW_MEAN = "low_mean"
    HIGH_MEAN = "high_mean"
    AVG = "avg"
    LOW_AVG = "low_avg"
    HIGH_AVG = "high_avg"
    MEDIAN = "median"
    LOW_MEDIAN = "low_median"
    HIGH_MEDIAN = "high_median"
    VARP = "varp"
    LOW_VARP = "low_varp"
    HIGH_VARP = "high_varp"
    SUM = "sum"
    LOW_SUM = "low_sum"
    HIGH_SUM = "high_sum"
    NON_NULL_SUM = "non_null_sum"
    LOW_NON_NULL_SUM = "low_non_null_sum"
    HIGH_NON_NULL_SUM = "high_non_null_sum"
    NNS = "nns"
    LOW_NNS = "low_nns"
    HIGH_NNS = "high_nns"
    MIN = "min"
    MAX = "max"
    METRIC = "metric"
    # Rarity, time and place.
    RARE = "rare"
    FREQ_RARE = "freq_rare"
    FR = "fr"
    TIME_OF_DAY = "time_of_day"
    TIME_OF_WEEK = "time_of_week"
    LAT_LONG = "lat_long"


def _sided(*names: str) -> tuple[str, ...]:
    """Each function with its one-sided forms."""
    return tuple(form for name in names for form in (name, f"low_{name}", f"high_{name}"))


_COUNT = _sided("count", "c")
_NON_ZERO_COUNT = _sided("non_zero_count", "nzc")
_RARE = ("rare",)
_FREQ_RARE = ("freq_rare", "fr")
_TIME = ("time_of_day", "time_of_week")
_WITHOUT_FIELD = (*_COUNT, *_NON_ZERO_COUNT, *_RARE, *_FREQ_RARE, *_TIME)
_TIME_CONDITIONS_ONLY = ("lat_long", "metric", *_RARE, *_FREQ_RARE)

_FULL_NAMES = {
    "c": "count",
    "nzc": "non_zero_count",
    "dc": "distinct_count",
    "nns": "non_null_sum",
    "avg": "mean",
}
FUNCTION_ALIASES: dict[str, str] = {"fr": "freq_rare"} | {
    f"{side}{short}": f"{side}{full}" for short, full in _FULL_NAMES.items() for side in ("", "low_", "high_")
}
"""Short form of a function to the name that the server prints (`avg` means the same as `mean`)."""


def canonical_function(name: str) -> str:
    """The full name of a detector function: `nzc` is `non_zero_count`, `avg` is `mean`."""
    return FUNCTION_ALIASES.get(name, name)


class ExcludeFrequent(StrEnum):
    """Which frequent values are left out."""

    ALL = "all"
    NONE = "none"
    BY = "by"
    OVER = "over"


class RuleAction(StrEnum):
    """What a custom rule does to a result."""

    SKIP_RESULT = "skip_result"
    SKIP_MODEL_UPDATE = "skip_model_update"


class AppliesTo(StrEnum):
    """The value that a rule's condition looks at."""

    ACTUAL = "actual"
    TYPICAL = "typical"
    DIFF_FROM_TYPICAL = "diff_from_typical"
    TIME = "time"


class ComparisonOperator(StrEnum):
    """How a rule's condition compares."""

    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


class FilterType(StrEnum):
    """Whether a rule applies to the values in the filter or to all others."""

    INCLUDE = "include"
    EXCLUDE = "exclude"


class FilterRef(SpecModel):
    """A filter list in the scope of a custom rule."""

    filter_id: FilterId = Field(description="The id of the filter on the server.")
    filter_type: FilterType | None = Field(
        default=None,
        description="include (the server's default): the rule applies to values in the filter; exclude: to others.",
    )


class RuleCondition(SpecModel):
    """A numeric condition of a custom rule."""

    applies_to: AppliesTo = Field(description="The value that is compared.")
    operator: ComparisonOperator = Field(description="How it is compared.")
    value: Annotated[float, Field(strict=True, allow_inf_nan=False)] = Field(
        description="The number that it is compared with."
    )


class DetectionRule(SpecModel):
    """A custom rule: in this scope, under these conditions, act."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="a custom rule needs scope or conditions: write at least one filter in scope or one condition",
            holds=lambda rule: bool(rule.scope) or bool(rule.conditions),
            cel="(has(self.scope) && size(self.scope) > 0) || (has(self.conditions) && size(self.conditions) > 0)",
        ),
    )

    actions: list[RuleAction] | None = Field(
        default=None,
        min_length=1,
        max_length=2,
        description="What to do; the server's default is skip_result.",
    )
    scope: dict[str, FilterRef] | None = Field(
        default=None,
        max_length=3,
        description="Filters by the name of the detector's by, over or partition field.",
    )
    conditions: list[RuleCondition] | None = Field(
        default=None, max_length=16, description="Numeric conditions; all of them must hold."
    )


_SPLITS = ("partitionFieldName", "byFieldName", "overFieldName")


def _different(first: str, second: str, one: str, other: str) -> Rule:
    return Rule(
        message=f"{first} and {second} cannot be the same ('{{{first}}}'): name two different fields",
        holds=lambda detector: getattr(detector, one) is None or getattr(detector, one) != getattr(detector, other),
        cel=f"!has(self.{first}) || !has(self.{second}) || self.{first} != self.{second}",
        field=second,
    )


def _not_reserved(field: str, attribute: str) -> Rule:
    return Rule(
        message=f"'{{{field}}}' is not a permitted value for {field}: count, by and over are reserved, name a field",
        holds=lambda detector: getattr(detector, attribute) not in ("count", "by", "over"),
        cel=f"!has(self.{field}) || !(self.{field} in ['count', 'by', 'over'])",
        field=field,
    )


def _scope_fields_exist(detector: Detector) -> bool:
    splits = {detector.partition_field_name, detector.by_field_name, detector.over_field_name}
    return all(field in splits for rule in detector.custom_rules or [] for field in rule.scope or {})


def _time_conditions_only(detector: Detector) -> bool:
    return detector.function not in _TIME_CONDITIONS_ONLY or all(
        condition.applies_to == AppliesTo.TIME
        for rule in detector.custom_rules or []
        for condition in rule.conditions or []
    )


class Detector(SpecModel):
    """One detector: a function, on a field, split by others."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="function '{function}' needs fieldName: name the field to analyse",
            holds=lambda detector: detector.function in _WITHOUT_FIELD or detector.field_name is not None,
            cel=f"self.{FUNCTION} in {cel_list(_WITHOUT_FIELD)} || has(self.fieldName)",
            field="fieldName",
        ),
        Rule(
            message="function '{function}' cannot be used with fieldName: remove fieldName",
            holds=lambda detector: detector.function not in _WITHOUT_FIELD or detector.field_name is None,
            cel=f"!(self.{FUNCTION} in {cel_list(_WITHOUT_FIELD)}) || !has(self.fieldName)",
            field="fieldName",
        ),
        Rule(
            message="function '{function}' needs byFieldName: name the field whose values may be rare",
            holds=lambda detector: detector.function not in (*_RARE, *_FREQ_RARE) or detector.by_field_name is not None,
            cel=f"!(self.{FUNCTION} in {cel_list((*_RARE, *_FREQ_RARE))}) || has(self.byFieldName)",
            field="byFieldName",
        ),
        Rule(
            message="function '{function}' needs overFieldName: name the field that makes the population",
            holds=lambda detector: detector.function not in _FREQ_RARE or detector.over_field_name is not None,
            cel=f"!(self.{FUNCTION} in {cel_list(_FREQ_RARE)}) || has(self.overFieldName)",
            field="overFieldName",
        ),
        Rule(
            message=(
                "function '{function}' cannot be used with overFieldName: remove overFieldName or use the "
                "count functions"
            ),
            holds=lambda detector: detector.function not in _NON_ZERO_COUNT or detector.over_field_name is None,
            cel=f"!(self.{FUNCTION} in {cel_list(_NON_ZERO_COUNT)}) || !has(self.overFieldName)",
            field="overFieldName",
        ),
        _different("partitionFieldName", "byFieldName", "partition_field_name", "by_field_name"),
        _different("partitionFieldName", "overFieldName", "partition_field_name", "over_field_name"),
        _different("byFieldName", "overFieldName", "by_field_name", "over_field_name"),
        _not_reserved("byFieldName", "by_field_name"),
        _not_reserved("overFieldName", "over_field_name"),
        Rule(
            message=(
                "a custom rule's scope names a field that the detector does not split by: use its "
                "partitionFieldName, byFieldName or overFieldName"
            ),
            holds=_scope_fields_exist,
            cel=(
                "!has(self.customRules) || self.customRules.all(rule, !has(rule.scope) || "
                "rule.scope.all(field, "
                + " || ".join(f"(has(self.{split}) && self.{split} == field)" for split in _SPLITS)
                + "))"
            ),
            field="customRules",
        ),
        Rule(
            message="function '{function}' supports only conditions with appliesTo: time in customRules",
            holds=_time_conditions_only,
            cel=(
                f"!(self.{FUNCTION} in {cel_list(_TIME_CONDITIONS_ONLY)}) || !has(self.customRules) || "
                "self.customRules.all(rule, !has(rule.conditions) || "
                "rule.conditions.all(condition, condition.appliesTo == 'time'))"
            ),
            field="customRules",
        ),
    )

    function: DetectorFunction = Field(description="The analysis function, such as mean, high_count or rare.")
    field_name: FieldName | None = Field(default=None, description="The field to analyse.")
    by_field_name: FieldName | None = Field(
        default=None, description="Splits the data; each value is compared with its own history."
    )
    over_field_name: FieldName | None = Field(
        default=None, description="Makes a population; each value is compared with the others."
    )
    partition_field_name: FieldName | None = Field(
        default=None, description="Splits the data into separate models, each with its own results."
    )
    use_null: Boolean | None = Field(
        default=None,
        description="Whether documents without the by or partition field form a series of their own.",
    )
    exclude_frequent: ExcludeFrequent | None = Field(
        default=None, description="Leaves frequent by or over values out, so that they do not dominate."
    )
    detector_description: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="What the detector looks for; the server writes one when it is absent."
    )
    custom_rules: list[DetectionRule] | None = Field(
        default=None, max_length=32, description="Custom rules: when to skip a result or a model update."
    )

    @property
    def split_fields(self) -> tuple[str, ...]:
        """The by, over and partition fields that are set."""
        fields = (self.by_field_name, self.over_field_name, self.partition_field_name)
        return tuple(field for field in fields if field is not None)
