"""Detectors: their functions, the rules they must keep, the description the server generates.

Rules and their order: `Detector.Builder.build` of Elasticsearch.
"""

from __future__ import annotations

import re
from typing import Final

from anomalyops_engine.config.custom_rules import CustomRule
from anomalyops_engine.config.reading import boolean, choice, small_integer, text, text_or_null
from anomalyops_engine.config.records import Change, Each, Record, Values, record, row, when_true
from anomalyops_engine.functions import NAMES, Reads, Use, canonical_name, find_function
from anomalyops_engine.json_types import Json
from anomalyops_engine.refusals import bad_request, illegal_argument

MLCATEGORY: Final = "mlcategory"
_RESERVED: Final = ("count", "by", "over")
_PROHIBITED = re.compile(r'["\\\x00-\x1f\x7f-\x9f]')


def _function(_: str, value: Json) -> str:
    given = text(_, value)
    name = canonical_name(given)
    if name not in NAMES:
        raise illegal_argument(f"Unknown function '{given}'")
    return name


def _described(known: Values) -> str:
    """Return the generated description, such as `sum(bytes) by host` (`DefaultDetectorDescription`)."""
    description: str = known.get("function") or ""
    if field := known.get("field_name"):
        description += f"({_quoted(field)})" if description else _quoted(field)
    if by := known.get("by_field_name"):
        description += f" by {_quoted(by)}"
    if over := known.get("over_field_name"):
        description += f" over {_quoted(over)}"
    if known.get("use_null"):
        description += " usenull=true"
    if partition := known.get("partition_field_name"):
        description += f" partitionfield={_quoted(partition)}"
    if frequent := known.get("exclude_frequent"):
        description += f" excludefrequent={frequent}"
    return description


def _quoted(field: str) -> str:
    if re.search(r"\W", field) is None:
        return field
    escaped = field.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@record("detector")
class Detector(Record):
    """One detector: what is computed of each bucket, and by which fields it is split."""

    detector_description: str = row(
        text,
        at_creation=_described,
        change=Change.AT_ONCE,
        updated_as="description",
        read_update=text_or_null,
    )
    function: str | None = row(_function, default=None)
    field_name: str | None = row(text, default=None)
    by_field_name: str | None = row(text, default=None)
    over_field_name: str | None = row(text, default=None)
    partition_field_name: str | None = row(text, default=None)
    use_null: bool = row(boolean, default=False, shown=when_true)
    exclude_frequent: str | None = row(choice("all", "none", "by", "over"), default=None)
    custom_rules: tuple[CustomRule, ...] = row(Each(CustomRule), default=(), change=Change.LIVE, shown=when_true)
    detector_index: int = row(small_integer, default=0)

    @property
    def split_fields(self) -> tuple[str, ...]:
        """The fields that make series or members: by, over, partition, as far as they are set."""
        return tuple(name for name in (self.by_field_name, self.over_field_name, self.partition_field_name) if name)

    @property
    def filter_ids(self) -> frozenset[str]:
        """The filters that its rules refer to."""
        return frozenset[str]().union(*(rule.filter_ids for rule in self.custom_rules))

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that it names."""
        return ((self.field_name,) if self.field_name else ()) + self.split_fields

    @property
    def reads_numbers(self) -> bool:
        """Whether the values of its `field_name` are read as numbers."""
        found = find_function(self.function)
        feature = None if found is None else found.function.feature
        return feature is not None and feature.reads is Reads.NUMBERS

    def check(self) -> None:
        """Raise 400 for the first rule that the detector breaks."""
        self._check_fields_for_function()
        for name in self.fields:
            _check_field_name(name)
        for rule in self.custom_rules:
            rule.check_for(self.function, self.split_fields)
        self._check_splits_differ()
        for key, value in (("by_field_name", self.by_field_name), ("over_field_name", self.over_field_name)):
            if value in _RESERVED:
                raise bad_request(f"'{value}' is not a permitted value for {key}")

    def _check_fields_for_function(self) -> None:
        found = find_function(self.function)
        field, by, over = self.field_name, self.by_field_name, self.over_field_name
        shown = self.function if self.function is not None else "null"
        if not (field or by or over) and (found is None or not found.function.alone):
            raise bad_request(
                "Unless a count or temporal function is used one of field_name, by_field_name or "
                "over_field_name must be set"
            )
        takes_field = found is not None and found.function.field_name is not Use.FORBIDDEN
        if takes_field and not field:
            raise bad_request(f"field_name must be set when the '{shown}' function is used")
        if field and not takes_field:
            raise bad_request(f"field_name cannot be used with function '{shown}'")
        if found is None:
            return
        if found.function.by is Use.REQUIRED and not by:
            raise bad_request(f"by_field_name must be set when the '{shown}' function is used")
        if found.function.over is Use.REQUIRED and not over:
            raise bad_request(f"over_field_name must be set when the '{shown}' function is used")
        if found.function.over is Use.FORBIDDEN and over:
            raise bad_request(f"over_field_name cannot be used with function '{shown}'")

    def _check_splits_differ(self) -> None:
        by, over, partition = self.by_field_name, self.over_field_name, self.partition_field_name
        pairs = (
            ("partition_field_name", partition, "by_field_name", by),
            ("partition_field_name", partition, "over_field_name", over),
            ("by_field_name", by, "over_field_name", over),
        )
        for left, mine, right, other in pairs:
            if mine and mine == other:
                raise bad_request(f"{left} and {right} cannot be the same: '{mine}'")


def _check_field_name(name: str) -> None:
    if _PROHIBITED.search(name):
        raise bad_request(
            f"Invalid field name '{name}'. Field names including over, by and partition fields "
            'cannot contain any of these characters: ",\\'
        )
    if name == ".":
        raise bad_request(
            f"Invalid field name '{name}'. Field names including over, by and partition fields cannot be '.'"
        )
