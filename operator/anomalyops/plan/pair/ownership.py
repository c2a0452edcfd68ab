"""Who manages a server job, and who may take it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anomalyops.plan.core.differences import Difference, described
from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.owner import Owner
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.marker import Marker, read_marker
from anomalyops.plan.pair.values import ObservedJob, Policy, Taken
from anomalyops.resources import AdoptionPolicy, Reason


def owner_of(config: JsonObject) -> Owner | None:
    """Who manages the job of this configuration, None for nobody."""
    marker = read_marker(config)
    return None if marker is None or marker.retained else marker.owner


def is_ours(owner: Owner, config: JsonObject) -> bool:
    """Whether the job of this configuration carries the marker of `owner`."""
    marker = read_marker(config)
    return marker is not None and not marker.adopting and marker.belongs_to(owner)


def adopted(owner: Owner, marker: Marker | None, moment: str = "") -> Marker:
    """The marker once `owner` manages the job. What is known about runs is kept."""
    if marker is None:
        return Marker(owner=owner, since=moment)
    if marker.belongs_to(owner):
        since = moment if marker.retained else marker.since
        return replace(marker, owner=owner, since=since, retained=False, adopting=False, old_form=False)
    return Marker(owner=owner, since=moment, lookback=marker.lookback, resume=marker.resume)


def whose(owner: Owner, job: ObservedJob | None, job_id: str) -> str:
    """Whose a job is, in words, seen by `owner`."""
    if job is None:
        return f"job {job_id} does not exist yet"
    marker = read_marker(job.config)
    if marker is None:
        return f"job {job_id} is managed by nobody yet"
    if marker.retained:
        return f"job {job_id} is managed by nobody: {marker.owner} was deleted and left it"
    if marker.adopting:
        return f"job {job_id} is being taken over by {marker.owner}"
    mine = ", which is this one" if marker.belongs_to(owner) else ""
    return f"job {job_id} is {managed_by(marker)}{mine}"


def managed_by(marker: Marker) -> str:
    """Who manages a job, and since when."""
    return f"managed by {marker.owner}" + (f" since {marker.since}" if marker.since else "")


def job_claim(owner: Owner, config: JsonObject, policy: Policy, differences: Sequence[Difference]) -> Obstacle | None:
    """What keeps `owner` from managing an existing job; None when it may, or does already.

    A job that somebody manages is only taken over by who names him: no policy is a licence to take from anybody.
    """
    marker = read_marker(config)
    if marker is not None and marker.belongs_to(owner):
        return None
    job_id = config.get("job_id", owner.name)
    if marker is not None and not marker.retained:
        return None if policy.take_over == marker.owner.reference else _not_owned(job_id, marker, policy)
    if policy.adoption is AdoptionPolicy.ALWAYS:
        return None
    if policy.adoption is AdoptionPolicy.NEVER:
        return _refused(
            Reason.ALREADY_EXISTS,
            f"job {job_id} exists already and spec.adoptionPolicy is Never: choose another spec.jobId, or set "
            "spec.adoptionPolicy: IfMatches to take it over with its model",
        )
    fixed = [difference for difference in differences if difference.field_class is FieldClass.IMMUTABLE]
    if not fixed:
        return None
    return _refused(
        Reason.ALREADY_EXISTS,
        f"job {job_id} exists already and differs in what cannot be changed ({described(fixed)}): write the "
        "existing values, or choose another spec.jobId",
    )


def _not_owned(job_id: str, marker: Marker, policy: Policy) -> Obstacle:
    named = f" (spec.takeOverFrom names {policy.take_over}, who does not manage it)" if policy.take_over else ""
    message = (
        f"job {job_id} is {managed_by(marker)}{named}: give this one another spec.jobId, have that one let go of it "
        "(spec.deletionPolicy: Orphan or Retain, then delete that one: model and results stay), or take it over by "
        f"name with spec.takeOverFrom: {marker.owner.reference} (--take-over on the command line)"
    )
    return _refused(Reason.NOT_OWNED, message)


def datafeed_id_taken(datafeed_id: str, taken: Taken) -> Obstacle:
    """The obstacle of a Datafeed whose id the datafeed of another job has."""
    by = f"managed by {taken.owner}" if taken.owner is not None else "managed by nobody"
    message = (
        f"datafeed id {datafeed_id} is in use on this server, by the datafeed of job {taken.job_id}, {by}: give this "
        "one another spec.datafeedId"
    )
    return Obstacle(reason=Reason.CONFLICT, message=message, subject=Subject.DATAFEED)


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
        why = (
            "spec.adoptionPolicy is Never: allow adoption, choose another spec.datafeedId, or delete that datafeed (it "
            "holds no model)"
        )
    elif reads := [difference for difference in differences if difference.model_input]:
        why = (
            f"reads other data ({described(reads)}): write the existing values, or set "
            "spec.adoptionPolicy: Always to change them"
        )
    else:
        return None
    message = f"datafeed {datafeed_id} exists already and {why}"
    return Obstacle(reason=Reason.ALREADY_EXISTS, message=message, subject=Subject.DATAFEED)
