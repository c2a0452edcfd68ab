"""From YAML to resources: every problem of a text at once, each with its place and what is accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from anomalyops.resources.datafeed import Datafeed
from anomalyops.resources.job import AnomalyJob
from anomalyops.resources.kinds import BY_NAME, AnyResource
from anomalyops.resources.pairs import pair_faults
from anomalyops.resources.problems import (
    Fault,
    ManifestError,
    Path,
    Problem,
    faults_of,
    path_text,
    shown,
    unknown_key,
)
from anomalyops.resources.resource import API_VERSION, GROUP
from anomalyops.resources.secret import SecretManifest
from anomalyops.resources.yaml_documents import Document, load_documents

Foreign = Literal["ignore", "report"]

# Free objects are passed on as they are: null is a value there and stays.
_OPAQUE = frozenset(
    {"query", "aggregations", "scriptFields", "runtimeMappings", "customSettings", "categorizationAnalyzer"}
)
_OBJECT_META = (
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "uid",
    "generation",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
)


def parse_manifests(
    text: str, *, source: str = "<text>", foreign: Foreign = "ignore"
) -> list[AnyResource | SecretManifest]:
    """The resources of a YAML text of one or more documents, in their order.

    `v1/List` documents are unpacked. Secrets and ConfigMaps come back as `SecretManifest`.

    Args:
        text: YAML or JSON.
        source: What to call the text in errors, usually the file's name.
        foreign: What to do with objects of other groups: ignore them, or report them as a problem.

    Raises:
        ManifestError: The text is not YAML or some documents are not valid; every problem is listed.
    """
    read: list[_Read] = []
    problems: list[Problem] = []
    for document in load_documents(text, source=source):
        for path, value in _objects(document.value):
            try:
                resource = _read(value, foreign=foreign)
            except _Faults as error:
                problems.extend(_problem(document, path, value, fault) for fault in error.faults)
                continue
            if resource is not None:
                read.append(_Read(resource=resource, document=document, path=path, value=value))
    problems.extend(_between(read))
    if problems:
        raise ManifestError(sorted(problems, key=lambda problem: (problem.document, problem.line)))
    return [entry.resource for entry in read]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A resource and where it stands."""

    resource: AnyResource | SecretManifest
    document: Document
    path: Path
    value: object

    def problem(self, fault: Fault) -> Problem:
        return _problem(self.document, self.path, self.value, fault)


def _between(read: Sequence[_Read]) -> Iterator[Problem]:
    """Problems between the resources of one text: written twice, or a job and a datafeed that do not match."""
    seen: dict[tuple[str, str, str], _Read] = {}
    for entry in read:
        first = seen.setdefault(_key(entry.resource), entry)
        if first is not entry:
            message = f"stands in document {first.document.number} already: keep one"
            yield entry.problem(Fault(path=("metadata", "name"), message=message))
    for entry in read:
        if isinstance(entry.resource, Datafeed):
            feed = entry.resource
            job = seen.get((AnomalyJob.KIND, feed.namespace, feed.spec.job_ref.name))
            if job is not None and isinstance(job.resource, AnomalyJob):
                yield from map(entry.problem, pair_faults(job.resource, feed))


def resource_from_object(value: Mapping[str, Any], *, source: str = "") -> AnyResource:
    """The resource that an object of the API server describes; its kind decides the class.

    Raises:
        ManifestError: The object is not valid; all of its problems are listed, after `source`.
    """
    document = Document(source=source, number=1, value=value)
    try:
        resource = _read(value, foreign="report")
    except _Faults as error:
        raise ManifestError([_problem(document, (), value, fault) for fault in error.faults]) from None
    if resource is None or isinstance(resource, SecretManifest):
        raise ManifestError([_problem(document, (), value, _foreign_fault(value))])
    return resource


class _Faults(Exception):  # noqa: N818 - a carrier inside this module
    def __init__(self, faults: list[Fault]) -> None:
        super().__init__()
        self.faults = faults


def _objects(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """The object of a document, or the items of a list of objects, each with its path."""
    if isinstance(value, Mapping) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            yield from _objects(item, (*path, "items", index))
    else:
        yield path, value


def _problem(document: Document, path: Path, value: object, fault: Fault) -> Problem:
    """A fault with its place in the text."""
    full = (*path, *fault.path)
    metadata = value.get("metadata") if isinstance(value, Mapping) else None
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return Problem(
        source=document.source,
        document=document.number,
        line=document.line(full),
        kind=str(value.get("kind") or "") if isinstance(value, Mapping) else "",
        name=str(name or "?"),
        field=path_text(full),
        value=fault.value,
        message=fault.message,
    )


def _key(resource: AnyResource | SecretManifest) -> tuple[str, str, str]:
    if isinstance(resource, SecretManifest):
        return resource.kind, resource.namespace, resource.name
    return resource.kind, resource.metadata.namespace, resource.metadata.name


def _read(value: object, *, foreign: Foreign) -> AnyResource | SecretManifest | None:
    """The resource of one object; None for a foreign one that is ignored."""
    if not isinstance(value, Mapping):
        raise _Faults([Fault(path=(), message="write an object with apiVersion and kind", value=shown(value))])
    missing = [key for key in ("apiVersion", "kind") if not isinstance(value.get(key), str)]
    if missing:
        raise _Faults([Fault(path=(key,), message="is required: write a string") for key in missing])
    version, kind = value["apiVersion"], value["kind"]
    if version == "v1" and kind in ("Secret", "ConfigMap"):
        return _read_secret(value)
    if version.partition("/")[0] != GROUP:
        if foreign == "ignore" and kind not in BY_NAME:
            return None
        raise _Faults([_foreign_fault(value)])
    if version != API_VERSION:
        raise _Faults([Fault(path=("apiVersion",), message=f"write {API_VERSION}", value=shown(version))])
    if kind not in BY_NAME:
        message = unknown_key(kind, list(BY_NAME)).replace("field", "kind")
        raise _Faults([Fault(path=("kind",), message=message, value=shown(kind))])
    return _read_resource(BY_NAME[kind].model, value)


def _foreign_fault(value: Mapping[str, Any]) -> Fault:
    found = f"{value.get('apiVersion')}/{value.get('kind')}"
    accepted = ", ".join(BY_NAME)
    return Fault(path=("apiVersion",), message=f"{found} is none of {API_VERSION} {accepted}")


def _read_secret(value: Mapping[str, Any]) -> SecretManifest:
    try:
        return SecretManifest.from_object(value)
    except ValueError as error:
        raise _Faults([Fault(path=(), message=str(error))]) from None


def _read_resource(model: type[AnyResource], value: Mapping[str, Any]) -> AnyResource:
    """Reads one object of a known kind; raises all of its faults together."""
    faults = list(_unknown_metadata(value.get("metadata")))
    try:
        resource = model.model_validate(_without_nulls(value), by_alias=True, by_name=False)
    except ValidationError as error:
        faults.extend(faults_of(model, error))
        raise _Faults(faults) from None
    if faults:
        raise _Faults(faults)
    return resource


def _unknown_metadata(metadata: object) -> Iterator[Fault]:
    if isinstance(metadata, Mapping):
        for key in metadata:
            if key not in _OBJECT_META:
                yield Fault(path=("metadata", str(key)), message=unknown_key(str(key), _OBJECT_META))


def _without_nulls(value: Any) -> Any:
    """The value without keys that have no value: the API server drops them from typed objects."""
    if isinstance(value, Mapping):
        return {
            key: below if key in _OPAQUE else _without_nulls(below) for key, below in value.items() if below is not None
        }
    if isinstance(value, list):
        return [_without_nulls(below) for below in value]
    return value
