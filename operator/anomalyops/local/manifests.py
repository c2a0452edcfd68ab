"""Manifest files on disk: which there are, and what is in them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from anomalyops.local.errors import LocalError
from anomalyops.local.identity import owner_of_folder
from anomalyops.resources import (
    AnomalyJob,
    AnomalyJobSet,
    AnyResource,
    Datafeed,
    ElasticsearchConnection,
    Investigation,
    ManifestError,
    Problem,
    RequestResource,
    SecretManifest,
    SharedResource,
    parse_manifests,
    resource_from_object,
)

STDIN: Final = "-"
SUFFIXES: Final = (".yaml", ".yml", ".json")
DEFAULT_NAMESPACE: Final = "default"

_Taken = TypeVar("_Taken", AnomalyJob, SharedResource)
_Any = AnyResource | SecretManifest


@dataclass(slots=True)
class Manifests:
    """Everything that the files hold.

    Attributes:
        jobs: In the order of the files.
        datafeeds: In the order of the files.
        shared: What several jobs may use, such as filter lists, in the order of the files.
        requests: What is done once, or at times, by the operator in a cluster alone, in the order of the files.
        investigations: What the operator in a cluster alone looks at, in the order of the files.
        job_sets: In the order of the files. What those of listed values are made of is among jobs and datafeeds.
        connections: By namespace and name.
        secrets: Secrets and ConfigMaps, by kind, namespace and name.
    """

    jobs: list[AnomalyJob] = field(default_factory=list)
    datafeeds: list[Datafeed] = field(default_factory=list)
    shared: list[SharedResource] = field(default_factory=list)
    requests: list[RequestResource] = field(default_factory=list)
    investigations: list[Investigation] = field(default_factory=list)
    job_sets: list[AnomalyJobSet] = field(default_factory=list)
    connections: dict[tuple[str, str], ElasticsearchConnection] = field(default_factory=dict)
    secrets: dict[tuple[str, str, str], SecretManifest] = field(default_factory=dict, repr=False)

    def resources(self) -> list[AnyResource]:
        """All resources, kind by kind; Secrets and ConfigMaps are none."""
        return [
            *self.connections.values(),
            *self.jobs,
            *self.datafeeds,
            *self.shared,
            *self.job_sets,
            *self.requests,
            *self.investigations,
        ]

    def take_over_from(self, owner: str) -> None:
        """Lets every job, and what jobs share, be taken over from this owner where it names nobody itself."""
        self.jobs = [_taken_over(job, owner) for job in self.jobs]
        self.shared = [_taken_over(one, owner) for one in self.shared]


def find_files(paths: Iterable[str]) -> list[Path | None]:
    """The files to read, None for standard input. Folders are searched recursively, in order of names.

    Raises:
        LocalError: A path does not exist, or a folder has no manifest.
    """
    found: list[Path | None] = []
    for name in paths:
        path = Path(name)
        if name == STDIN:
            found.append(None)
        elif path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
            if not inside:
                raise LocalError(f"{name}: no file that ends in {', '.join(SUFFIXES)} in this folder")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise LocalError(f"{name}: no such file or folder")
    return found


def read_manifests(paths: Iterable[str], *, namespace: str = DEFAULT_NAMESPACE, owner: str | None = None) -> Manifests:
    """Reads files, folders and standard input ("-"). Objects of other groups are left alone.

    Args:
        paths: What the user named.
        namespace: Of resources that name none.
        owner: Who the jobs and datafeeds belong to; by default who the folder of their file is.

    Raises:
        LocalError: A file cannot be read, or a resource is there twice.
        ManifestError: Resources are not valid; the problems of all files are listed.
    """
    manifests = Manifests()
    sources: dict[tuple[str, str, str], str] = {}
    problems: list[Problem] = []
    for path in find_files(paths):
        source = "standard input" if path is None else str(path)
        try:
            resources = parse_manifests(_text(path, source), source=source)
        except ManifestError as error:
            problems += error.problems
            continue
        whose = owner or owner_of_folder(Path.cwd() if path is None else path.parent)
        for resource in resources:
            placed = _in_namespace(resource, namespace)
            _add(manifests, _owned(placed, whose), source, sources)
            if isinstance(placed, AnomalyJobSet):
                for made in _made(placed, source):
                    _add(manifests, _owned(made, whose), source, sources)
    if problems:
        raise ManifestError(problems)
    return manifests


def _made(job_set: AnomalyJobSet, source: str) -> list[AnomalyJob | Datafeed]:
    """What a set of listed values is made of; only a cluster's operator asks a server for values.

    Raises:
        LocalError: There are more values than it allows.
        ManifestError: What its template gives for a value is not valid.
    """
    values = job_set.spec.values or []
    if len(values) > job_set.spec.limit:
        raise LocalError(
            f"{source}: AnomalyJobSet/{job_set.name} has {len(values)} values, and spec.limit allows "
            f"{job_set.spec.limit}: raise it, or choose fewer values"
        )
    made: list[AnomalyJob | Datafeed] = []
    for value in values:
        for manifest in job_set.stamped(value):
            resource = resource_from_object(manifest, source=f"{source}, AnomalyJobSet/{job_set.name}, {value}")
            if isinstance(resource, AnomalyJob | Datafeed):
                made.append(resource)
    return made


def _text(path: Path | None, source: str) -> str:
    try:
        return sys.stdin.read() if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"{source}: cannot be read: {error}") from error


def _in_namespace(resource: _Any, namespace: str) -> _Any:
    if isinstance(resource, SecretManifest):  # its default stands for "not said"
        return resource if resource.namespace != DEFAULT_NAMESPACE else replace(resource, namespace=namespace)
    if "namespace" in resource.metadata.model_fields_set:
        return resource
    metadata = resource.metadata.model_copy(update={"namespace": namespace})
    return resource.model_copy(update={"metadata": metadata})


def _owned(resource: _Any, owner: str) -> _Any:
    """The resource with the owner's id for a uid: what tells it from one of that name in other files."""
    if not isinstance(resource, AnomalyJob | Datafeed | SharedResource):
        return resource
    return resource.model_copy(update={"metadata": resource.metadata.model_copy(update={"uid": owner})})


def _taken_over(resource: _Taken, owner: str) -> _Taken:
    spec = resource.spec
    if spec.take_over_from:
        return resource
    return resource.model_copy(update={"spec": spec.model_copy(update={"take_over_from": owner})})


def _add(manifests: Manifests, resource: _Any, source: str, sources: dict[tuple[str, str, str], str]) -> None:
    key = (resource.kind, resource.namespace, resource.name)
    other = sources.setdefault(key, source)
    if other is not source:
        raise LocalError(f"{key[0]}/{key[2]} (namespace {key[1]}) is in {other} and again in {source}")
    if isinstance(resource, AnomalyJob):
        manifests.jobs.append(resource)
    elif isinstance(resource, Datafeed):
        manifests.datafeeds.append(resource)
    elif isinstance(resource, SharedResource):
        manifests.shared.append(resource)
    elif isinstance(resource, RequestResource):
        manifests.requests.append(resource)
    elif isinstance(resource, Investigation):
        manifests.investigations.append(resource)
    elif isinstance(resource, AnomalyJobSet):
        manifests.job_sets.append(resource)
    elif isinstance(resource, ElasticsearchConnection):
        manifests.connections[resource.namespace, resource.name] = resource
    else:
        manifests.secrets[key] = resource
