"""Who manages a server job: the marker in its `custom_settings`, and who may take a job over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops.plan.core.differences import Difference, described
from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.comparison import MARKER_KEY
from anomalyops.plan.pair.lookback import LookbackRecord
from anomalyops.plan.pair.values import Owner
from anomalyops.resources import AdoptionPolicy, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What the operator keeps in the job itself, so that it needs no memory of its own.

    Attributes:
        owner: The AnomalyJob that manages the job.
        datafeed: The id of the datafeed that a Datafeed resource manages; empty for none.
        lookback: The last bounded run.
        resume: The id of a datafeed that the operator stopped and is to start again, where nothing else tells
            that it was running.
        retained: The AnomalyJob was deleted with policy Retain; another one may adopt the job.
    """

    owner: Owner
    datafeed: str = ""
    lookback: LookbackRecord | None = None
    resume: str = ""
    retained: bool = False

    def belongs_to(self, owner: Owner) -> bool:
        """Whether the resource of that cluster, namespace and name manages the job.

        The uid may differ: the same manifest, deleted and applied again, is the same owner.
        """
        ours = self.owner
        return (ours.cluster, ours.namespace, ours.name) == (owner.cluster, owner.namespace, owner.name)

    def to_json(self) -> dict[str, Any]:
        """The marker as it is stored."""
        owner = self.owner
        stored: dict[str, Any] = {
            "cluster": owner.cluster,
            "namespace": owner.namespace,
            "name": owner.name,
            "uid": owner.uid,
        }
        if self.datafeed:
            stored["datafeed"] = self.datafeed
        if self.lookback is not None:
            stored["lookback"] = self.lookback.to_json()
        if self.resume:
            stored["resume"] = self.resume
        if self.retained:
            stored["retained"] = True
        return stored


def read_marker(config: JsonObject) -> Marker | None:
    """The marker of a job's configuration; None when it has none that can be read."""
    settings = config.get("custom_settings")
    stored = settings.get(MARKER_KEY) if isinstance(settings, Mapping) else None
    if not isinstance(stored, Mapping) or not stored.get("cluster") or not stored.get("name"):
        return None
    return Marker(
        owner=Owner(
            cluster=str(stored["cluster"]),
            namespace=str(stored.get("namespace", "")),
            name=str(stored["name"]),
            uid=str(stored.get("uid", "")),
        ),
        datafeed=str(stored.get("datafeed", "")),
        lookback=LookbackRecord.from_json(stored.get("lookback")),
        resume=str(stored.get("resume", "")),
        retained=stored.get("retained") is True,
    )


def settings_with(settings: JsonObject | None, marker: Marker | None) -> dict[str, Any]:
    """A whole `custom_settings` object: these settings, and this marker or none."""
    others = {key: value for key, value in (settings or {}).items() if key != MARKER_KEY}
    return others if marker is None else {**others, MARKER_KEY: marker.to_json()}


def owner_of(config: JsonObject) -> Owner | None:
    """Who manages the job of this configuration, None for nobody."""
    marker = read_marker(config)
    return None if marker is None or marker.retained else marker.owner


def is_ours(owner: Owner, config: JsonObject) -> bool:
    """Whether the job of this configuration carries the marker of `owner`."""
    marker = read_marker(config)
    return marker is not None and marker.belongs_to(owner)


def adopted(owner: Owner, marker: Marker | None) -> Marker:
    """The marker once `owner` manages the job. What is known about runs is kept."""
    if marker is None:
        return Marker(owner=owner)
    datafeed = marker.datafeed if marker.belongs_to(owner) else ""
    return Marker(owner=owner, datafeed=datafeed, lookback=marker.lookback, resume=marker.resume)


def job_claim(
    owner: Owner,
    config: JsonObject,
    adoption: AdoptionPolicy,
    differences: Sequence[Difference],
) -> Obstacle | None:
    """What keeps `owner` from managing an existing job; None when it may, or does already."""
    marker = read_marker(config)
    if (marker is not None and marker.belongs_to(owner)) or adoption is AdoptionPolicy.ALWAYS:
        return None
    job_id = config.get("job_id", owner.name)
    if marker is not None and not marker.retained:
        holder = marker.owner
        return _refused(
            Reason.NOT_OWNED,
            f"job {job_id} belongs to AnomalyJob {holder.namespace}/{holder.name} of cluster {holder.cluster}: "
            "give this one another spec.jobId, delete that one, or set spec.adoptionPolicy: Always to take it over",
        )
    if adoption is AdoptionPolicy.NEVER:
        return _refused(
            Reason.ALREADY_EXISTS,
            f"job {job_id} exists already and spec.adoptionPolicy is Never: delete the job, choose another "
            "spec.jobId, or allow adoption",
        )
    fixed = [difference for difference in differences if difference.field_class is FieldClass.IMMUTABLE]
    if not fixed:
        return None
    return _refused(
        Reason.ALREADY_EXISTS,
        f"job {job_id} exists already and differs in what cannot be changed ({described(fixed)}): write the "
        "existing values, choose another spec.jobId, or set spec.adoptionPolicy: Always",
    )


def _refused(reason: Reason, message: str) -> Obstacle:
    return Obstacle(reason=reason, message=message, subject=Subject.JOB)


def datafeed_claim(
    marker: Marker | None,
    config: JsonObject,
    adoption: AdoptionPolicy,
    differences: Sequence[Difference],
) -> Obstacle | None:
    """What keeps a Datafeed resource from managing an existing datafeed of its id; None when it may."""
    datafeed_id = str(config.get("datafeed_id", ""))
    if (marker is not None and marker.datafeed == datafeed_id) or adoption is AdoptionPolicy.ALWAYS:
        return None
    if adoption is AdoptionPolicy.NEVER:
        why = "spec.adoptionPolicy is Never: delete the datafeed or allow adoption"
    elif reads := [difference for difference in differences if difference.model_input]:
        why = (
            f"reads other data ({described(reads)}): write the existing values, delete the datafeed, or set "
            "spec.adoptionPolicy: Always"
        )
    else:
        return None
    message = f"datafeed {datafeed_id} exists already and {why}"
    return Obstacle(reason=Reason.ALREADY_EXISTS, message=message, subject=Subject.DATAFEED)
