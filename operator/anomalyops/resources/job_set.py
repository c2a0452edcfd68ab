"""The AnomalyJobSet resource: one AnomalyJob with its Datafeed for each value of a list, or of a field of an index."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from anomalyops.resources.base import JsonObject, SpecModel
from anomalyops.resources.identifiers import ConnectionReference, FieldName, IndexExpression
from anomalyops.resources.policies import DeletionPolicy
from anomalyops.resources.resource import API_VERSION, GROUP, Resource
from anomalyops.resources.rules import Rule, exactly_one
from anomalyops.resources.status import ResourceStatus

PLACEHOLDER: Final = "{{value}}"
JOB_SET_LABEL: Final = f"{GROUP}/job-set"
VALUE_ANNOTATION: Final = f"{GROUP}/value"
_READABLE: Final = 40  # characters of a name that come from the set and the value
_MOST_VALUES: Final = 1000

Value = Annotated[str, Field(min_length=1, max_length=512)]


class TermsSource(SpecModel):
    """The values that a field has in an index."""

    indices: list[IndexExpression] = Field(min_length=1, max_length=64, description="Where to look.")
    field: FieldName = Field(description="The field whose values are wanted: a keyword, number or boolean.")
    query: JsonObject | None = Field(default=None, description="Query DSL that says which documents count.")


class JobSetTemplate(SpecModel):
    """What is made for each value; `{{value}}` in any text of it stands for the value."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        # Free objects are beyond CEL.
        Rule(
            message="template.job must leave jobId out: each job needs an id of its own, which is its name",
            holds=lambda template: "jobId" not in template.job,
            field="job",
        ),
        Rule(
            message="template.job must leave connectionRef out: write spec.connectionRef of the set",
            holds=lambda template: "connectionRef" not in template.job,
            field="job",
        ),
        Rule(
            message="template.datafeed must leave jobRef and datafeedId out: they follow from the job",
            holds=lambda template: not {"jobRef", "datafeedId"} & set(template.datafeed or {}),
            field="datafeed",
        ),
    )

    labels: dict[str, Annotated[str, Field(max_length=512)]] | None = Field(
        default=None, description="Labels of the AnomalyJobs and Datafeeds, by which calendars may choose them."
    )
    job: JsonObject = Field(description="The spec of the AnomalyJob.")
    datafeed: JsonObject | None = Field(default=None, description="The spec of its Datafeed; without it there is none.")


def _are_different(spec: AnomalyJobSetSpec) -> bool:
    return spec.values is None or len(set(spec.values)) == len(spec.values)


class AnomalyJobSetSpec(SpecModel):
    """For which values, and what is made for each."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        exactly_one("values", "terms"),
        Rule(message="values holds a value twice: keep one", holds=_are_different, field="values"),  # a set there
    )

    connection_ref: ConnectionReference | None = Field(
        default=None,
        description="The ElasticsearchConnection of all the jobs, and of `terms`; by default the one named `default`.",
    )
    values: list[Value] | None = Field(
        default=None,
        max_length=_MOST_VALUES,
        description="The values.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    terms: TermsSource | None = Field(
        default=None, description="Where the values come from; asked again at each look at all configurations."
    )
    limit: Annotated[int, Field(strict=True, ge=1, le=_MOST_VALUES)] = Field(
        default=100, description="The most values. With more of them nothing is made and nothing is pruned."
    )
    prune_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN,
        description=(
            "What becomes of the AnomalyJob and Datafeed of a value that is there no more. Retain: they stay as they "
            "are, and belong to the set. Delete: they are deleted, with what their own deletionPolicy says of the "
            "server. Orphan: they stay, and belong to nobody."
        ),
    )
    template: JobSetTemplate = Field(description="What is made for each value.")


class AnomalyJobSetStatus(ResourceStatus):
    """The state of an AnomalyJobSet."""

    values: int | None = Field(default=None, description="How many values there are.")
    ready: int | None = Field(default=None, description="How many of their jobs and datafeeds are ready.")
    readiness: str | None = Field(default=None, description="Both, such as 42/42.")
    retained: int | None = Field(default=None, description="How many jobs are kept of values that are there no more.")


class AnomalyJobSet(Resource):
    """One AnomalyJob, and its Datafeed, for each of some values."""

    KIND: ClassVar[str] = "AnomalyJobSet"

    spec: AnomalyJobSetSpec = Field(description="For which values, and what is made for each.")
    status: AnomalyJobSetStatus | None = Field(default=None, description="What the operator observed.")

    def stamped(self, value: str) -> list[dict[str, Any]]:
        """The manifests of the AnomalyJob and the Datafeed for a value; they are not checked."""
        template = self.spec.template
        name = stamped_name(self.metadata.namespace, self.metadata.name, value)
        metadata = {
            "name": name,
            "namespace": self.metadata.namespace,
            "labels": {**_filled(template.labels or {}, value), JOB_SET_LABEL: self.metadata.name[:63].rstrip(".-")},
            "annotations": {VALUE_ANNOTATION: value},
        }
        job = _filled(template.job, value)
        if self.spec.connection_ref is not None:
            job = {**job, "connectionRef": self.spec.connection_ref.manifest()}
        made = [{"apiVersion": API_VERSION, "kind": "AnomalyJob", "metadata": metadata, "spec": job}]
        if template.datafeed is not None:
            feed = {**_filled(template.datafeed, value), "jobRef": {"name": name}}
            made.append({"apiVersion": API_VERSION, "kind": "Datafeed", "metadata": metadata, "spec": feed})
        return made


def stamped_name(namespace: str, name: str, value: str) -> str:
    """The name of the job for a value: readable, at most 57 characters, and always the same for the same value.

    Values that look alike (`a/b` and `a b`) have names of their own, and so have sets of one name in two namespaces,
    whose jobs may live on one server: a part of a hash tells them apart.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
    whole = f"{name}-{plain}" if plain else name
    digest = hashlib.sha256(f"{namespace}/{name}/{value}".encode()).hexdigest()[:10]
    return f"{whole[:_READABLE].replace('.', '-').rstrip('-')}-{digest}"


def _filled(part: Any, value: str) -> Any:
    """A part of the template with the value in place of each placeholder."""
    if isinstance(part, str):
        return part.replace(PLACEHOLDER, value)
    if isinstance(part, Mapping):
        return {key: _filled(below, value) for key, below in part.items()}
    return [_filled(below, value) for below in part] if isinstance(part, list) else part
