"""What has to become different about the job and the datafeed, and what is refused: the decisions of the plan.

Nothing here knows an order of steps; `lifecycle` makes them from these decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from anomalyops.plan.core import meaning
from anomalyops.plan.core.differences import Difference, described, shown
from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.removals import Removal
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.comparison import (
    compare_datafeed,
    compare_job,
    sent_of_datafeed,
    sent_of_job,
)
from anomalyops.plan.pair.marker import Marker
from anomalyops.plan.pair.ownership import datafeed_claim, datafeed_id_taken
from anomalyops.plan.pair.values import (
    DesiredDatafeed,
    DesiredJob,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    Policy,
)
from anomalyops.resources import MEBIBYTE, DeletionPolicy, Reason, ReplacePolicy

_MEMORY_LIMIT = "analysis_limits.model_memory_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChange:
    """What happens to an existing job.

    Attributes:
        differences: What the update removes.
        reset: Why the model is forgotten first; empty when it is kept.
        recreate: Why the job is deleted and created anew; empty when it is not.
        obstacles: What is refused.
        sent: The paths that the manifest has given once this is done, with those that could not be taken back; None
            leaves what is remembered.
    """

    differences: tuple[Difference, ...] = ()
    reset: str = ""
    recreate: str = ""
    obstacles: tuple[Obstacle, ...] = ()
    sent: frozenset[str] | None = None

    def needing(self, *classes: FieldClass) -> tuple[Difference, ...]:
        """The differences of these classes."""
        return tuple(difference for difference in self.differences if difference.field_class in classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatafeedChange:
    """What happens to the datafeed.

    Attributes:
        managed: Whether a Datafeed resource decides about the datafeed that the job will have.
        create: Whether a datafeed is created.
        delete: Why the existing datafeed is deleted; empty when it is not.
        differences: What an update of the existing datafeed removes.
        reset: Why the job's model is forgotten; empty when it is kept.
        obstacles: What is refused.
        sent: As of `JobChange`.
    """

    managed: bool = False
    create: bool = False
    delete: str = ""
    differences: tuple[Difference, ...] = ()
    reset: str = ""
    obstacles: tuple[Obstacle, ...] = ()
    sent: frozenset[str] | None = None


def observed_id(datafeed: ObservedDatafeed) -> str:
    """The id of a datafeed on the server."""
    return str(datafeed.config["datafeed_id"])


def latest_record(job: ObservedJob | None) -> int:
    """When the latest record that the job has analysed was, in milliseconds since 1970; 0 for none."""
    counts: Any = {} if job is None else job.stats.get("data_counts") or {}
    return int(counts.get("latest_record_timestamp") or 0)


def nothing_processed(job: ObservedJob | None) -> bool:
    """Whether the job has analysed no record yet."""
    counts: Any = {} if job is None else job.stats.get("data_counts") or {}
    return not counts.get("processed_record_count") and counts.get("latest_record_timestamp") is None


# -- the job -----------------------------------------------------------------------------------------------------


def job_change(
    desired: DesiredJob,
    job: ObservedJob,
    policy: Policy,
    marker: Marker | None,
    *,
    unmanaged_feed: str = "",
    forgotten: bool = False,
) -> JobChange:
    """What the manifest asks of an existing job, as far as the policy allows.

    Args:
        desired: The manifest's job.
        job: The server's job.
        policy: What may be lost.
        marker: The marker on the server; None when there is none, or none of this owner.
        unmanaged_feed: The id of a datafeed of the job that no resource manages; deleting the job would lose it.
        forgotten: Whether the model is reset anyway, for the datafeed; any memory limit is possible then.
    """
    if desired.body is None:
        return JobChange()
    before = _known(marker.sent if marker is not None else None)
    given = sent_of_job(desired.body)
    differences = compare_job(desired.body, job.config, before)
    fixed = tuple(found for found in differences if found.field_class is FieldClass.IMMUTABLE)
    if fixed:
        if policy.replace is ReplacePolicy.RECREATE and not unmanaged_feed:
            why = f"spec.replacePolicy is Recreate and these cannot be changed: {described(fixed)}"
            return JobChange(recreate=why, sent=given)
        refused = _immutable(desired, fixed, policy, unmanaged_feed)
        return JobChange(obstacles=(refused,))  # nothing is sent, so what is remembered stays
    stays = tuple(found for found in differences if found.field_class is FieldClass.STAYS)
    change = JobChange(differences=tuple(found for found in differences if found not in stays))
    if stays:
        change = replace(change, obstacles=(_staying(f"job {desired.job_id}", stays, Subject.JOB),))
    change = change if forgotten else _within_memory(change, desired, job, policy)
    undone = [found for found in differences if found not in change.differences and not change.reset]
    return replace(change, sent=_sent(given, (*stays, *undone), before))


def _known(sent: frozenset[str] | None) -> frozenset[str]:
    return frozenset() if sent is None else sent


def _sent(given: frozenset[str], undone: Iterable[Difference], before: frozenset[str]) -> frozenset[str]:
    """The paths that the server has from the manifests: those given, and of what was not done those sent before.

    What is given and was refused is not the manifest's on the server, so nothing is to be taken back of it.
    """
    paths = frozenset(found.path for found in undone)
    return (given - paths) | (paths & before)


def _staying(what: str, stays: Sequence[Difference], subject: Subject) -> Obstacle:
    message = (
        f"{what} keeps what its manifest gave and gives no more, because the server cannot be told to forget it: "
        + ", ".join(f"{found.manifest_path} {shown(found.observed)}" for found in stays)
        + "; write it into the manifest again"
    )
    return Obstacle(reason=Reason.FIELD_STAYS, message=message, subject=subject)


def _immutable(desired: DesiredJob, fixed: tuple[Difference, ...], policy: Policy, unmanaged_feed: str) -> Obstacle:
    if policy.replace is ReplacePolicy.RECREATE:
        advice = (
            f"the job is not created anew, because its datafeed {unmanaged_feed} is managed by no Datafeed resource "
            "and would be lost: write one, or delete that datafeed"
        )
    else:
        advice = (
            "undo the change, or set spec.replacePolicy: Recreate to delete the job with its model and results "
            "and create it anew"
        )
        if policy.replace is ReplacePolicy.RESET:
            advice += " (Reset keeps the configuration, so it does not help here)"
    return Obstacle(
        reason=Reason.IMMUTABLE_FIELD_CHANGED,
        message=f"job {desired.job_id} cannot be changed in place: {described(fixed)}; {advice}",
        subject=Subject.JOB,
    )


def _within_memory(change: JobChange, desired: DesiredJob, job: ObservedJob, policy: Policy) -> JobChange:
    """Takes a memory limit below the model's size out of the update, or resets the model where that is allowed.

    Both limits are sent whenever one is; so while the limit in force is below the model's size, which the server
    refuses to be told again, the other one waits with it.
    """
    limits = [found for found in change.differences if found.key == "analysis_limits"]
    limit = next((found for found in limits if found.path == _MEMORY_LIMIT), None)
    in_force = _limit_of(job) if limit is None else limit.wanted
    used, size = job.model_bytes // MEBIBYTE, meaning.memory(in_force)
    if not limits or not isinstance(size, int) or size >= used:
        return change
    found = (
        f"analysisLimits.modelMemoryLimit {in_force} is below the {used}mb that the model of job {desired.job_id} uses"
    )
    if policy.replace is not ReplacePolicy.NEVER:
        return replace(change, reset=f"{found}, and spec.replacePolicy is {policy.replace.value}")
    advice = f"write at least {used}mb, or set spec.replacePolicy: Reset to forget the model and its results"
    obstacle = Obstacle(reason=Reason.MEMORY_BELOW_USAGE, message=f"{found}: {advice}", subject=Subject.JOB)
    held = limits if _limit_below(job, used) else [limit]
    rest = tuple(difference for difference in change.differences if difference not in held)
    return replace(change, differences=rest, obstacles=(*change.obstacles, obstacle))


def _limit_of(job: ObservedJob) -> Any:
    return (job.config.get("analysis_limits") or {}).get("model_memory_limit")


def _limit_below(job: ObservedJob, used: int) -> bool:
    """Whether the server's own limit is below what the model uses."""
    size = meaning.memory(_limit_of(job))
    return isinstance(size, int) and size < used


# -- the datafeed ------------------------------------------------------------------------------------------------


def datafeed_change(
    desired: DesiredDatafeed | Removal | None, observed: Observed, marker: Marker | None, policy: Policy
) -> DatafeedChange:
    """What the manifest asks of the datafeed, as far as the policy allows."""
    feed = observed.datafeed
    match desired:
        case None:
            return DatafeedChange()
        case Removal():
            return _removed(desired, feed, marker)
        case _ if observed.taken is not None:
            return DatafeedChange(obstacles=(datafeed_id_taken(desired.datafeed_id, observed.taken),))
        case _ if feed is None:
            return DatafeedChange(managed=True, create=True, sent=sent_of_datafeed(desired.body))
        case _ if observed_id(feed) != desired.datafeed_id:
            return _other_id(desired, feed, observed.job, policy)
        case _:
            return _updated(desired, feed, observed.job, marker, policy)


def _removed(desired: Removal, feed: ObservedDatafeed | None, marker: Marker | None) -> DatafeedChange:
    """A datafeed whose resource is being deleted. One that the resource did not manage is left alone."""
    ours = feed is not None and marker is not None and observed_id(feed) == marker.datafeed == desired.id
    if not ours or desired.policy is DeletionPolicy.ORPHAN:
        return DatafeedChange()
    if desired.policy is DeletionPolicy.DELETE:
        return DatafeedChange(managed=True, delete="its resource is deleted with spec.deletionPolicy: Delete")
    return DatafeedChange(managed=True)


def _other_id(
    desired: DesiredDatafeed, feed: ObservedDatafeed, job: ObservedJob | None, policy: Policy
) -> DatafeedChange:
    other = observed_id(feed)
    if policy.replace_datafeed is ReplacePolicy.RECREATE:
        why = f"a job has one datafeed, {desired.datafeed_id} is wanted and spec.replacePolicy is Recreate"
        reset = _reset(compare_datafeed(desired.body, feed.config), job, policy)
        return DatafeedChange(managed=True, create=True, delete=why, reset=reset, sent=sent_of_datafeed(desired.body))
    message = (
        f"the job of datafeed {desired.datafeed_id} has the datafeed {other} already, and a job has only one: name "
        f"that one in spec.datafeedId, or set spec.replacePolicy: Recreate to replace it (a datafeed holds no model)"
    )
    return DatafeedChange(obstacles=(Obstacle(reason=Reason.CONFLICT, message=message, subject=Subject.DATAFEED),))


def _updated(
    desired: DesiredDatafeed,
    feed: ObservedDatafeed,
    job: ObservedJob | None,
    marker: Marker | None,
    policy: Policy,
) -> DatafeedChange:
    ours = marker is not None and marker.datafeed == desired.datafeed_id
    before = _known(marker.sent_feed) if marker is not None and ours else frozenset()
    differences = compare_datafeed(desired.body, feed.config, before)
    refused = datafeed_claim(marker, feed.config, policy.adopt_datafeed, differences)
    if refused is not None:
        return DatafeedChange(obstacles=(refused,))
    stays = tuple(found for found in differences if found.field_class is FieldClass.STAYS)
    done = tuple(found for found in differences if found not in stays)
    return DatafeedChange(
        managed=True,
        differences=done,
        reset=_reset(done, job, policy),
        obstacles=(_staying(f"datafeed {desired.datafeed_id}", stays, Subject.DATAFEED),) if stays else (),
        sent=_sent(sent_of_datafeed(desired.body), stays, before),
    )


def created_anew(change: DatafeedChange, desired: DesiredDatafeed) -> DatafeedChange:
    """What happens to a datafeed whose job is created anew: it goes with the job, and keeps nothing of what it had."""
    obstacles = tuple(found for found in change.obstacles if found.reason is not Reason.FIELD_STAYS)
    return replace(change, obstacles=obstacles, sent=sent_of_datafeed(desired.body))


def _reset(differences: tuple[Difference, ...], job: ObservedJob | None, policy: Policy) -> str:
    """Why the model is forgotten when the datafeed changes; empty when it is kept or has learned nothing yet."""
    reads = [found for found in differences if found.model_input]
    if not reads or nothing_processed(job) or policy.replace_datafeed is ReplacePolicy.NEVER:
        return ""
    return f"spec.replacePolicy is {policy.replace_datafeed.value} and other data is read: {described(reads)}"
