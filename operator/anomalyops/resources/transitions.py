"""Changes that admission refuses: what may not change from one version of an object to the next.

These exist as CEL rules alone: without a cluster there is no earlier version of a manifest, and the plan
compares with the server instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anomalyops.resources.detectors import FUNCTION_ALIASES
from anomalyops.resources.durations import cel_nanos
from anomalyops.resources.rules import FUNCTION, cel_string


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One rule about a change; `self` is the new object, `oldSelf` the old one.

    Attributes:
        field: The path of the field, such as `spec.analysisConfig.bucketSpan`.
        message: What is wrong and what to write instead.
        cel: The rule on the whole object.
    """

    field: str
    message: str
    cel: str

    def kubernetes(self) -> dict[str, Any]:
        """An entry of `x-kubernetes-validations`."""
        return {"rule": self.cel, "message": self.message, "fieldPath": f".{self.field}"}


def server_id_stays(field: str, kind: str) -> Transition:
    """The rule that an id on the server does not change."""
    new, old = (
        f"(has({self}.spec.{field}) ? {self}.spec.{field} : self.metadata.name)" for self in ("self", "oldSelf")
    )
    return Transition(
        field=f"spec.{field}",
        message=f"spec.{field} cannot change: it is the id on the server; create another {kind} for another id",
        cel=f"{new} == {old}",
    )


# Before the server has the job nothing is lost by a change: a job that it refused can be corrected.
_ON_SERVER = "(has(oldSelf.status) && has(oldSelf.status.jobState))"
_MAY_RECREATE = "self.spec.replacePolicy == 'Recreate'"


def _fixed(field: str, same: Callable[[str, str], str]) -> Transition:
    """A field that the server cannot change in place; `same` compares new and old, where both exist.

    A field that is not written is not managed, so adding or removing it is left to the plan, which knows what
    the server has.
    """
    path = field.split(".")

    def present(side: str) -> str:
        # CEL fails on a field of an absent object, so each step is asked for.
        checks = [f"has({side}.{'.'.join(path[: depth + 1])})" for depth in range(1, len(path))]
        return " && ".join(checks)

    unless = f"!({present('self')} && {present('oldSelf')})"
    return Transition(
        field=field,
        message=(
            f"{field} cannot be changed in place: undo the change, or set spec.replacePolicy: Recreate, "
            "which deletes the job with its model and results and creates it anew"
        ),
        cel=f"!{_ON_SERVER} || {_MAY_RECREATE} || {unless} || {same(f'self.{field}', f'oldSelf.{field}')}",
    )


def _equal(new: str, old: str) -> str:
    return f"{new} == {old}"


# Each name with each other: beyond this the API server allows no rule that much, and the plan tells instead.
_COMPARED_AT_ADMISSION = 300


def _same_set(new: str, old: str) -> str:
    many = f"size({new}) > {_COMPARED_AT_ADMISSION} || size({old}) > {_COMPARED_AT_ADMISSION}"
    return f"({many} || ({new}.all(one, one in {old}) && {old}.all(one, one in {new})))"


def _same_duration(new: str, old: str) -> str:
    return f"{cel_nanos(new)} == {cel_nanos(old)}"


_ALIASES = "{" + ", ".join(f"{cel_string(a)}: {cel_string(b)}" for a, b in FUNCTION_ALIASES.items()) + "}"
_IDENTITY = ("fieldName", "byFieldName", "overFieldName", "partitionFieldName", "excludeFrequent")


def _detector_identity(side: str) -> str:
    """What makes the detectors what they are: everything but descriptions and custom rules, in order."""
    parts = [f"(d.{FUNCTION} in {_ALIASES} ? {_ALIASES}[d.{FUNCTION}] : d.{FUNCTION})"]
    parts += [f"(has(d.{field}) ? d.{field} : '')" for field in _IDENTITY]
    parts.append("(has(d.useNull) && d.useNull ? 'true' : '')")
    return f"{side}.spec.analysisConfig.detectors.map(d, [{', '.join(parts)}])"


JOB_TRANSITIONS = (
    server_id_stays("jobId", "AnomalyJob"),
    _fixed("spec.analysisConfig.bucketSpan", _same_duration),
    Transition(
        field="spec.analysisConfig.detectors",
        message=(
            "spec.analysisConfig.detectors cannot change in number, order, function or fields (only their "
            "descriptions and customRules can): undo the change, or set spec.replacePolicy: Recreate, which "
            "deletes the job with its model and results and creates it anew"
        ),
        cel=f"!{_ON_SERVER} || {_MAY_RECREATE} || {_detector_identity('self')} == {_detector_identity('oldSelf')}",
    ),
    _fixed("spec.analysisConfig.influencers", _same_set),
    _fixed("spec.analysisConfig.categorizationFieldName", _equal),
    _fixed("spec.analysisConfig.categorizationFilters", _equal),
    _fixed("spec.analysisConfig.perPartitionCategorization.enabled", _equal),
    _fixed("spec.analysisConfig.summaryCountFieldName", _equal),
    _fixed("spec.analysisConfig.multivariateByFields", _equal),
    _fixed("spec.analysisConfig.latency", _same_duration),
    _fixed("spec.dataDescription.timeField", _equal),
    _fixed("spec.dataDescription.timeFormat", _equal),
    _fixed("spec.resultsIndexName", _equal),
)

DATAFEED_TRANSITIONS = (
    server_id_stays("datafeedId", "Datafeed"),
    Transition(
        field="spec.jobRef",
        message="spec.jobRef cannot change: a datafeed belongs to one job; create another Datafeed for another job",
        cel="self.spec.jobRef.name == oldSelf.spec.jobRef.name",
    ),
)
