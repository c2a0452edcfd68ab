"""One AdmissionReview (admission.k8s.io/v1): a request to write an object, and the answer to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from anomalyops.resources import AnyResource, Fault, ManifestError, resource_from_object

VERSION: Final = "admission.k8s.io/v1"
_LONGEST_WARNING: Final = 256  # characters, beyond which the API server may cut


class ReviewError(ValueError):
    """A body that is no AdmissionReview of a version that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One thing that a manifest is refused for."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said of a manifest: refused with causes, or allowed, maybe with warnings."""

    causes: tuple[Cause, ...] = ()
    warnings: tuple[str, ...] = ()


Judge = Callable[[AnyResource], tuple[Iterable[Fault], Iterable[str]]]
"""What is wrong with a resource among others, and what may be cured by what comes next."""


def request_of(body: Any) -> Mapping[str, Any]:
    """The request of a review.

    Raises:
        ReviewError: It is none.
    """
    if not isinstance(body, Mapping) or body.get("apiVersion") != VERSION or body.get("kind") != "AdmissionReview":
        raise ReviewError(f"an AdmissionReview of {VERSION} is accepted")
    request = body.get("request")
    if not isinstance(request, Mapping) or not isinstance(request.get("uid"), str):
        raise ReviewError("request.uid is missing: an AdmissionReview with a request is accepted")
    return request


def concerns(request: Mapping[str, Any]) -> bool:
    """Whether a request asks for something that can be refused: another spec of an object that stays.

    What takes a finalizer off, marks or labels is never in the way, so that nothing that is wrong cannot be deleted.
    """
    wanted, before = request.get("object"), request.get("oldObject")
    if request.get("operation") not in {"CREATE", "UPDATE"} or not isinstance(wanted, Mapping):
        return False
    if (wanted.get("metadata") or {}).get("deletionTimestamp") is not None:
        return False
    return not isinstance(before, Mapping) or before.get("spec") != wanted.get("spec")


def manifest_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The object of a request, with the name and namespace that the API server is to give it."""
    wanted = dict(request["object"])
    metadata = dict(wanted.get("metadata") or {})
    metadata.setdefault("namespace", request.get("namespace") or "default")
    metadata.setdefault("name", request.get("name") or f"{metadata.get('generateName') or ''}x".lower())
    return wanted | {"metadata": metadata}


def judged(manifest: Mapping[str, Any], among: Judge | None) -> Verdict:
    """What is said of a manifest.

    Args:
        manifest: The object.
        among: Looks at it among others; None where they are not known.
    """
    try:
        resource = resource_from_object(manifest)
    except ManifestError as error:
        return Verdict(causes=tuple(_causes(error)))
    if among is None:
        return Verdict()
    faults, warnings = among(resource)
    causes = tuple(_cause(fault) for fault in faults)
    return Verdict(causes=causes, warnings=() if causes else tuple(words[:_LONGEST_WARNING] for words in warnings))


def response(request: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    """The answer to a request, as an AdmissionReview."""
    answer: dict[str, Any] = {"uid": request["uid"], "allowed": not verdict.causes}
    if verdict.causes:
        kind, name = (request.get("kind") or {}).get("kind", ""), request.get("name") or ""
        answer["status"] = {
            "code": 422,
            "reason": "Invalid",
            "message": "; ".join(map(str, verdict.causes)),
            "details": {  # of which kubectl makes its sentence
                "kind": kind,
                "name": name,
                "causes": [
                    {"reason": "FieldValueInvalid", "field": one.field, "message": one.message}
                    for one in verdict.causes
                ],
            },
        }
    if verdict.warnings:
        answer["warnings"] = list(verdict.warnings)
    return {"apiVersion": VERSION, "kind": "AdmissionReview", "response": answer}


def _causes(error: ManifestError) -> Iterator[Cause]:
    for problem in error.problems:
        found = f" (found {problem.value})" if problem.value is not None else ""
        yield Cause(field=problem.field, message=f"{problem.message}{found}")


def _cause(fault: Fault) -> Cause:
    found = f" (found {fault.value})" if fault.value is not None else ""
    return Cause(field=".".join(map(str, fault.path)), message=f"{fault.message}{found}")
