"""Base classes of the resource models: naming, strictness and the checks of the rule tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from anomalyops.resources.rules import Rule, RuleViolation

_FIELDS_SET: dict[frozenset[str], set[str]] = {}
_MOST_FIELDS_SET = 4096  # a thousand manifests write the same few combinations of fields; strange ones are not kept


class FrugalModel(BaseModel):
    """A frozen model that shares with its likes the record of which fields were given.

    Pydantic gives each model a set of its own, which is half of what an object of the cluster takes in memory. No
    set of a frozen model changes, and a copy of a model has a copy of it.
    """

    model_config = ConfigDict(frozen=True)

    def model_post_init(self, context: object, /) -> None:
        """Shares the record; pydantic calls it when a model was validated."""
        given = self.__pydantic_fields_set__
        key = frozenset(given)
        known = _FIELDS_SET.get(key)
        if known is None and len(_FIELDS_SET) < _MOST_FIELDS_SET:
            known = _FIELDS_SET.setdefault(key, given)
        if known is not None:
            object.__setattr__(self, "__pydantic_fields_set__", known)


class SpecModel(FrugalModel):
    """What a person writes. Python names are the server's names; manifests use their camelCase forms.

    Unknown keys are refused. A class lists what its fields must fulfil together in `RULES`; the same table
    becomes the CEL rules of the CRD.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        extra="forbid",
        frozen=True,
    )

    RULES: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        broken = [rule.violation(self) for rule in self.RULES if not rule.holds(self)]
        if broken:
            raise RuleViolation(broken)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The class's schema with its rules as `x-kubernetes-validations`."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        if cls.RULES:
            schema["x-kubernetes-validations"] = [rule.kubernetes() for rule in cls.RULES if rule.cel]
        return schema

    def manifest(self) -> dict[str, Any]:
        """What was written, in camelCase, as JSON values."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


class StatusModel(FrugalModel):
    """What the operator writes. Unknown keys are ignored, so that an older operator reads a newer status."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_alias=True, validate_by_name=True, extra="ignore", frozen=True
    )

    def manifest(self) -> dict[str, Any]:
        """The status as it is stored in the cluster: camelCase, JSON values, without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _whole_seconds(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(microsecond=0)


def _rfc3339(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


# Kubernetes stores times as RFC 3339 in UTC with whole seconds (metav1.Time); anything finer would differ
# after a round trip and look like a change.
Timestamp = Annotated[
    AwareDatetime,
    AfterValidator(_whole_seconds),
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
]

Boolean = Annotated[bool, Field(strict=True)]
"""true or false; the words yes and no or a number are not taken for one, as in the API server."""

JsonObject = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]
"""A free object in the server's own dialect, passed on as it is."""


def _text_or_object(value: str | dict[str, Any]) -> str | dict[str, Any]:
    if not isinstance(value, str | dict):
        raise ValueError("write a name or an object")
    return value


TextOrObject = Annotated[
    Any, AfterValidator(_text_or_object), WithJsonSchema({"x-kubernetes-preserve-unknown-fields": True})
]
"""A name, or a free object; a structural schema can say so only by saying nothing."""
