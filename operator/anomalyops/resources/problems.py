"""What is wrong with a manifest, in words: place, field, found value and what is accepted."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from anomalyops.resources.rules import RuleViolation


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with one document.

    Attributes:
        source: The file or other source.
        document: The number of the document in it, from 1.
        line: The line, from 1, of the field or of what stands around it; 0 without a text.
        kind: The resource's kind, where known.
        name: The resource's name, where known.
        field: The path of the field, such as `spec.analysisConfig.detectors[0].function`.
        value: The found value as JSON, shortened; None where there is none to show.
        message: What is wrong and what is accepted.
    """

    source: str
    document: int
    line: int
    message: str
    kind: str = ""
    name: str = ""
    field: str = ""
    value: str | None = None

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        if self.document > 1:
            place += f" (document {self.document})"
        place += ": " if place else ""
        resource = f"{self.kind}/{self.name}: " if self.kind else ""
        where = f"{self.field}: " if self.field else ""
        found = f" (found {self.value})" if self.value is not None else ""
        return f"{place}{resource}{where}{self.message}{found}"


class ManifestError(ValueError):
    """Manifests that cannot be used: every problem that was found, in the order of the text."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of one value before it is known where the value stands in a file."""

    path: Path
    message: str
    value: str | None = None


def path_text(path: Path) -> str:
    """`spec.analysisConfig.detectors[0].function` for the path of a field."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def shown(value: object) -> str | None:
    """A found value as JSON on one line of at most 60 characters; None for what is better not repeated."""
    if value is None or isinstance(value, Mapping | BaseModel):
        return None
    if isinstance(value, list) and any(isinstance(item, Mapping | BaseModel) for item in value):
        return None
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def faults_of(model: type[BaseModel], error: ValidationError) -> Iterator[Fault]:
    """The faults that pydantic found when it read `model`."""
    for detail in error.errors(include_url=False):
        yield from _faults(model, detail)


def _faults(model: type[BaseModel], detail: ErrorDetails) -> Iterator[Fault]:
    path = detail["loc"]
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, RuleViolation):
        for violation in cause.violations:
            steps = tuple(violation.field.split(".")) if violation.field else ()
            yield Fault(path=(*path, *steps), message=violation.message, value=shown(violation.value))
        return
    if detail["type"] == "extra_forbidden":
        yield Fault(path=path, message=unknown_key(str(path[-1]), _accepted_keys(model, path[:-1])))
        return
    yield Fault(path=path, message=_message(detail), value=_found(detail))


def _found(detail: ErrorDetails) -> str | None:
    # A missing field has no value, and a checked text names its own value already.
    return None if detail["type"] in {"missing", "value_error"} else shown(detail["input"])


_WRITE = {
    "missing": "is required",
    "bool_type": "write true or false, without quotes",
    "int_type": "write a whole number, without quotes",
    "float_type": "write a number, without quotes",
    "list_type": "write a list",
    "dict_type": "write an object",
    "model_type": "write an object",
    "model_attributes_type": "write an object",
}


def _message(detail: ErrorDetails) -> str:
    """What is accepted, in words."""
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind in ("enum", "literal_error"):
        return _one_of(str(detail["input"]), str(context["expected"]))
    if kind == "string_type":
        quoted = isinstance(detail["input"], int | float)
        return "write a string: put the value in quotes" if quoted else "write a string"
    return _WRITE.get(kind) or detail["msg"].replace("Input should", "the value should")


_MEMBER = re.compile(r"<\w+\.\w+: ([^>]*)>")  # how pydantic shows those members of an enumeration that are accepted


def _one_of(found: str, expected: str) -> str:
    """Names the accepted words, and the nearest one."""
    plain = _MEMBER.sub(r"\1", expected.replace(" or ", ", ").replace("'", ""))
    words = plain.split(", ")
    near = difflib.get_close_matches(found, words, n=1) or [
        word for word in words if word.lower() == found.lower().replace("-", "_")
    ]
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}Accepted: {', '.join(words)}" if hint else f"is not accepted; accepted: {', '.join(words)}"


# What people write who know the REST API, Kibana or other tools, and what to write here.
_OTHER_WORDS = {
    "aggs": "aggregations",
    "indexes": "indices",
    "index": "indices",
    "jobName": "jobRef",
    "filters": "scope",
}
_ELSEWHERE = {
    "datafeedConfig": "write a Datafeed resource with spec.jobRef instead",
    "esqlQuery": "datafeeds over ES|QL are not supported; use indices, query and aggregations",
    "sourceTimeField": "datafeeds over ES|QL are not supported; use indices, query and aggregations",
    "groupingInterval": "datafeeds over ES|QL are not supported; use indices, query and aggregations",
    "headers": "the server takes the rights from the connection's credentials",
    "authorization": "the server fills it in from the connection's credentials",
    "createTime": "the server fills it in",
    "finishedTime": "the server fills it in",
    "jobType": "the server fills it in",
    "jobVersion": "the server fills it in",
    "modelSnapshotId": "the server fills it in",
    "detectorIndex": "the server numbers the detectors by their order",
}


def unknown_key(key: str, accepted: Sequence[str]) -> str:
    """What to say about a key that no field has: the likely meaning, or what is accepted here."""
    camel = to_camel(key)
    if camel in _ELSEWHERE:
        return f"cannot be written here: {_ELSEWHERE[camel]}"
    if camel in accepted:
        return f"unknown field: manifests use camelCase, write '{camel}'"
    meant = _OTHER_WORDS.get(camel)
    if meant in accepted:
        return f"unknown field: write '{meant}'"
    lower = {name.lower(): name for name in accepted}
    near = difflib.get_close_matches(camel.lower(), list(lower), n=1, cutoff=0.7)
    if near:
        return f"unknown field: did you mean '{lower[near[0]]}'?"
    return f"unknown field; accepted here: {', '.join(accepted)}" if accepted else "unknown field: remove it"


def _accepted_keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys of the object at `path` below `model`."""
    found: object = model
    for step in path:
        found = _step(found, step)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return [info.alias or name for name, info in found.model_fields.items()]
    return []


def _step(annotation: object, step: str | int) -> object:
    """The type below `annotation` that a step of a path leads to; None where it is no model."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return next((below for below in get_args(annotation) if _model_in(below)), None)
    field = next((info for name, info in annotation.model_fields.items() if step in (info.alias, name)), None)
    return None if field is None else _without_none(field.annotation)


def _without_none(annotation: object) -> object:
    """`X` for `X | None`."""
    if get_origin(annotation) in (Union, UnionType):
        return next((part for part in get_args(annotation) if part is not type(None)), None)
    return annotation


def _model_in(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
