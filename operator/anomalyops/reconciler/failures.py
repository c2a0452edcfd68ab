"""From the gateway's errors to the failures that a status reports."""

from __future__ import annotations

from anomalyops.elastic import (
    AlreadyExists,
    Busy,
    Conflict,
    Forbidden,
    GatewayError,
    LicenseInvalid,
    NotAnElasticsearch,
    NotFound,
    OtherServer,
    Rejected,
    ServerError,
    Timeout,
    TlsFailed,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from anomalyops.health import Failure, FailureKind
from anomalyops.plan import Obstacle, Step, Subject
from anomalyops.resources import AnomalyJob, ConditionType, Datafeed, Reason, find_condition

_KINDS: tuple[tuple[type[GatewayError], FailureKind], ...] = (
    (OtherServer, FailureKind.PLACE_CHANGED),
    (TlsFailed, FailureKind.TLS),
    (Unauthorized, FailureKind.UNAUTHORIZED),
    (Forbidden, FailureKind.FORBIDDEN),
    (LicenseInvalid, FailureKind.LICENSE),
    (NotAnElasticsearch, FailureKind.CONNECTION),
    (Unreachable, FailureKind.CONNECTION),
    (Rejected, FailureKind.REJECTED),
    (Conflict, FailureKind.CONFLICT),
    (AlreadyExists, FailureKind.REJECTED),
    (Busy, FailureKind.BUSY),
    (Timeout, FailureKind.TIMEOUT),
    (NotFound, FailureKind.NOT_FOUND),
    (Unsupported, FailureKind.NOT_SUPPORTED),
    (ServerError, FailureKind.SERVER),
)

_REMEMBERED: dict[str, FailureKind] = {
    Reason.REJECTED: FailureKind.REJECTED,
    Reason.FORBIDDEN: FailureKind.FORBIDDEN,
    Reason.NOT_SUPPORTED: FailureKind.NOT_SUPPORTED,
}

_ASKED_BY_RECONCILES = (Reason.WAITING_FOR_FILTER, Reason.UPGRADE_MODE)

# The server is not as it was when the plan was made: another look and another plan may help at once.
_STALE = (AlreadyExists, Conflict, NotFound)

# The same request will be refused again; repeating it in a lifecycle would only interrupt the datafeed.
_DEFINITE = (Rejected, Forbidden, AlreadyExists, NotFound, Unsupported)

_FAILED = 500  # the server met something of this request that it cannot deal with


def failure_of(error: GatewayError, step: Step | None = None) -> Failure:
    """The failure that a status reports for an error.

    Args:
        error: What the gateway raised.
        step: The step that failed, None for a look at the server.
    """
    kind = next((kind for cls, kind in _KINDS if isinstance(error, cls)), FailureKind.SERVER)
    return Failure(kind=kind, message=error.reason, step=step)


def remembered_failure(resource: AnomalyJob | Datafeed | None) -> Failure | None:
    """The refusal that a resource's status tells of, if it is about the present manifest.

    An observation does not try what was refused; until a reconcile does, the refusal stands.
    """
    if resource is None or resource.status is None:
        return None
    stalled = find_condition(resource.status.conditions, ConditionType.STALLED)
    if stalled is None or stalled.observed_generation != resource.metadata.generation:
        return None
    kind = _REMEMBERED.get(stalled.reason)
    return Failure(kind=kind, message=stalled.message) if kind is not None else None


def remembered_conflict(datafeed: Datafeed | None) -> Obstacle | None:
    """The conflict about a datafeed's id that its status tells of, if it is about the present manifest."""
    if datafeed is None or datafeed.status is None:
        return None
    stalled = find_condition(datafeed.status.conditions, ConditionType.STALLED)
    if stalled is None or stalled.reason != Reason.CONFLICT:
        return None
    if stalled.observed_generation != datafeed.metadata.generation:
        return None
    return Obstacle(reason=Reason.CONFLICT, message=stalled.message, subject=Subject.DATAFEED)


def remembered_wait(job: AnomalyJob | None) -> Obstacle | None:
    """What a pair waits for, as its status tells, if only reconciles ask for it and it is about the present manifest.

    An observation asks neither which filters there are nor for upgrade mode; until a reconcile does again, it waits.
    """
    if job is None or job.status is None:
        return None
    waits = find_condition(job.status.conditions, ConditionType.RECONCILING)
    if waits is None or waits.reason not in _ASKED_BY_RECONCILES:
        return None
    if waits.observed_generation != job.metadata.generation:
        return None
    return Obstacle(reason=Reason(waits.reason), message=waits.message, subject=Subject.JOB, waiting=True)


def remembered_refusals(job: AnomalyJob | None, datafeed: Datafeed | None) -> tuple[Obstacle, ...]:
    """What the server said against the configurations of a pair, as far as it is about the present manifests."""
    found = []
    for subject, resource in ((Subject.JOB, job), (Subject.DATAFEED, datafeed)):
        failure = remembered_failure(resource)
        if failure is not None:
            found.append(Obstacle(reason=failure.reason, message=failure.message, subject=subject))
    return tuple(found)


def remembered_rest(job: AnomalyJob | None, datafeed: Datafeed | None) -> frozenset[Subject]:
    """What of a pair its statuses tell to have been stopped when it was taken over, if about the present manifests."""
    found = set()
    for subject, resource in ((Subject.JOB, job), (Subject.DATAFEED, datafeed)):
        status = resource.status if resource is not None else None
        ready = find_condition(status.conditions, ConditionType.READY) if status is not None else None
        if ready is None or resource is None or ready.reason != Reason.LEFT_AS_FOUND:
            continue
        if ready.observed_generation == resource.metadata.generation:
            found.add(subject)
    return frozenset(found)


def is_stale(error: GatewayError) -> bool:
    """Whether the error means that somebody else acted since the server was looked at."""
    return isinstance(error, _STALE)


def is_definite(error: GatewayError) -> bool:
    """Whether the same request would be refused again."""
    return isinstance(error, _DEFINITE)


def is_of_one(error: GatewayError) -> bool:
    """Whether, of several things that one call asked for, one may be refused and the others not."""
    return is_definite(error) or is_stale(error) or (isinstance(error, ServerError) and error.status == _FAILED)
