"""Who manages a server job, and who may take it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anomalyops.plan.core.differences import Difference, described
from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.marker import Marker, read_marker
from anomalyops.plan.pair.values import Owner
from anomalyops.resources import AdoptionPolicy, Reason


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
    if marker.belongs_to(owner):
        return replace(marker, owner=owner, retained=False, old_form=False)
    return Marker(owner=owner, lookback=marker.lookback, resume=marker.resume)


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
