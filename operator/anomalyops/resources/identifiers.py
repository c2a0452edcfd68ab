"""Ids, field names and references, as the server and Kubernetes accept them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from anomalyops.resources.base import SpecModel
from anomalyops.resources.rules import cel_string

ID_PATTERN = r"^[a-z0-9](?:[a-z0-9_\-\.]*[a-z0-9])?$"
_ID_FORM = "may contain a-z, 0-9, hyphens, underscores and dots; must start and end with a letter or digit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Marks a `str` field as bounded text that matches a pattern, with the words to say when it does not.

    Attributes:
        pattern: What the whole text must match; understood alike by Python and RE2.
        form: What is accepted, in words.
        maximum: The most characters.
        secret: Whether a refused text may hold a secret and is not repeated.
        counted: Whether there may be so many of them in one object that the API server would not bear a rule for each;
            admission then refuses by the pattern alone.
    """

    pattern: str
    form: str
    maximum: int
    secret: bool = False
    counted: bool = False

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A string of bounded length that matches the pattern."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, text: str) -> str:
        found = "the value" if self.secret else f"'{text}'"
        if len(text) > self.maximum:
            raise ValueError(f"{found} is too long: at most {self.maximum} characters are accepted")
        if not re.search(self.pattern.replace("$", r"\Z"), text):
            raise ValueError(f"{found} is not accepted: {self.form}")
        return text

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A bounded string; the rule repeats the pattern so that a refusal comes with words."""
        bounded: JsonSchemaValue = {"type": "string", "maxLength": self.maximum, "pattern": self.pattern}
        if self.counted:
            return bounded
        rule = f"self.matches({cel_string(self.pattern)})"
        return bounded | {"x-kubernetes-validations": [{"rule": rule, "message": f"not accepted: {self.form}"}]}


def _id(maximum: int, *, counted: bool = False) -> Text:
    return Text(pattern=ID_PATTERN, form=f"an id {_ID_FORM}", maximum=maximum, counted=counted)


JobId = Annotated[str, _id(64)]
GroupId = Annotated[str, _id(64)]
# The server has no limit for these; a Kubernetes name's is used, so that rules stay bounded.
DatafeedId = Annotated[str, _id(253)]
SharedId = Annotated[str, _id(253)]
FilterId = Annotated[str, _id(253, counted=True)]
IndexNamePart = Annotated[str, Text(pattern=ID_PATTERN, form=f"a results index name {_ID_FORM}", maximum=200)]
# The name of a cluster before a colon and date math in angle brackets may have capitals.
IndexExpression = Annotated[
    str,
    Text(
        pattern=r"^([^:<>]*:)?([^A-Z<>]+|-?<.+>)$",
        form="the names of indices have no capitals, so nothing would be found: write it in lower case",
        maximum=512,
    ),
]
FieldName = Annotated[
    str,
    Text(
        pattern=r'^[^"\\\x00-\x1f\x7f]+$',
        form='a field name must not be empty nor contain ", \\ or control characters',
        maximum=256,
    ),
]
NamespaceName = Annotated[
    str,
    Text(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        form="the name of a namespace consists of a-z, 0-9 and hyphens",
        maximum=63,
    ),
]
ObjectName = Annotated[
    str,
    Text(
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        form="the name of a Kubernetes object consists of a-z, 0-9, hyphens and dots",
        maximum=253,
    ),
]


DataKey = Annotated[
    str,
    Text(pattern=r"^[-._a-zA-Z0-9]+$", form="a key consists of a-z, A-Z, 0-9, -, _ and dots", maximum=253),
]


class ObjectReference(SpecModel):
    """Another object in the same namespace, by name."""

    name: ObjectName = Field(description="The name of the object, in the same namespace.")


class ConfigMapKeyReference(SpecModel):
    """A text in a ConfigMap of the same namespace."""

    name: ObjectName = Field(description="The ConfigMap's name, in the same namespace.")
    key: DataKey = Field(description="The key with the text.")


class ConnectionReference(SpecModel):
    """An ElasticsearchConnection, in the same namespace or in one whose connection allows it."""

    name: ObjectName = Field(description="The name of the connection.")
    namespace: NamespaceName | None = Field(
        default=None,
        description=(
            "Its namespace, by default the same. A connection of another namespace must allow this one "
            "(spec.allowedNamespaces there)."
        ),
    )


EMPTY_SNAPSHOT: Final = "empty"
"""The server's word for a model that has learnt nothing."""

SnapshotId = Annotated[
    str,
    Text(
        pattern=r"^[A-Za-z0-9_.\-]+$",
        form="write the id of a model snapshot, or empty for a model that has learnt nothing",
        maximum=256,
    ),
]
