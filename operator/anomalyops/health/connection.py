"""The status of an ElasticsearchConnection, and what a lost connection does to the status of everything behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from anomalyops.health.conditions import Finding, History, Verdict, fine, holds, stuck, working
from anomalyops.health.facts import moment
from anomalyops.health.failures import Failure, FailureKind
from anomalyops.resources import (
    AnomalyJob,
    AnomalyJobStatus,
    Condition,
    ConditionStatus,
    ConditionType,
    Datafeed,
    DatafeedStatus,
    DeletionPolicy,
    ElasticsearchConnection,
    ElasticsearchConnectionStatus,
    EmbeddedStatus,
    MlCapacity,
    Reason,
    RequestResource,
    SharedResource,
    VolumeDeletion,
)

_SOON = timedelta(days=30)  # before its end, a licence is spoken of

_RENEWED = {
    ConditionType.READY,
    ConditionType.RECONCILING,
    ConditionType.STALLED,
    ConditionType.CONNECTION_UNAVAILABLE,
    ConditionType.LICENSE_INVALID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What a server that answers says about itself."""

    version: str
    cluster_name: str = ""
    cluster_uuid: str = ""
    licence: str = ""
    licence_valid: bool = True
    ml_available: bool = True
    upgrade_mode: bool = False
    licence_expires_ms: int | None = None
    memory: str | None = None  # of all machine learning nodes
    largest_limit: str | None = None  # that fits on one of them
    processors: int | None = None
    missing_privileges: tuple[str, ...] = ()
    messages_problem: str = ""  # why its notifications about jobs cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """How the engine is that the operator runs for a connection.

    Attributes:
        name: Of its StatefulSet, Service, NetworkPolicy and Secret.
        volume_claim: Of its data.
        made: Whether all of it is there.
        ready: Whether its pod is as it should be, and ready.
        trouble: What its pod waits for, in Kubernetes' words, where that is unusual.
        failure: Why it is not as the manifest wants it.
        certificate_ends: When its certificate ends.
        volume_size: What its volume holds at the most; empty where that is not known.
        growing: What its volume waits for that becomes larger; empty for one that does not.
    """

    name: str
    volume_claim: str
    made: bool = False
    ready: bool = False
    trouble: str = ""
    failure: Failure | None = None
    certificate_ends: datetime | None = None
    volume_size: str = ""
    growing: str = ""


_WHILE_STARTING = frozenset({FailureKind.CONNECTION, FailureKind.TIMEOUT, FailureKind.TLS, FailureKind.UNAUTHORIZED})


def engine_missing(engine: EngineFacts | None, last: ElasticsearchConnectionStatus | None) -> Failure | None:
    """Why there is no engine yet that could be asked; None when there is one, whatever it is like.

    Args:
        engine: How it was when it was last looked at; None before that.
        last: The present status, which knows one that was made by an earlier process.
    """
    if (engine is not None and engine.made) or (last is not None and last.embedded is not None):
        return None
    if engine is not None and engine.failure is not None:
        return engine.failure
    return Failure(kind=FailureKind.ENGINE_STARTING, message="the embedded engine is being set up")


def while_starting(failure: Failure, engine: EngineFacts | None) -> Failure:
    """What a failed check means where the engine's pod is not ready, or runs with older keys: it starts."""
    if engine is None or engine.ready or failure.kind not in _WHILE_STARTING:
        return failure
    if engine.trouble:
        message = f"pod {engine.name}-0 of the embedded engine is not ready: {engine.trouble}"
        return Failure(kind=FailureKind.ENGINE_STARTING, message=message)
    message = (
        f"pod {engine.name}-0 of the embedded engine is not ready, or not as it should be yet ({failure.message}); "
        "kubectl describe pod says what it waits for"
    )
    return Failure(kind=FailureKind.ENGINE_STARTING, message=message)


def connection_status(
    previous: ElasticsearchConnectionStatus | None,
    connection: ElasticsearchConnection,
    checked: ServerFacts | Failure,
    now: datetime,
    *,
    engine: EngineFacts | None = None,
) -> ElasticsearchConnectionStatus:
    """The status of a connection after a check: facts of the server, or why there are none.

    Args:
        previous: Its present status.
        connection: The connection.
        checked: What the server said, or why it could not be asked.
        now: The present time.
        engine: How the engine is that the operator runs for it; None where it runs none.
    """
    last = previous or ElasticsearchConnectionStatus()
    history = History(previous=last.conditions, generation=connection.metadata.generation, now=now)
    if isinstance(checked, Failure):
        findings = [*_failed(checked).findings(), _trouble(checked)]
        known = last.model_copy(update={"reachable": checked.licence})
    else:
        findings = _answered(checked, engine.growing if engine is not None else "", _licence_ends(checked, now))
        if engine is not None and engine.failure is not None and findings[0].status is ConditionStatus.TRUE:
            findings = stuck(engine.failure.reason, str(engine.failure)).findings()
        known = ElasticsearchConnectionStatus(
            reachable=True,
            version=checked.version,
            cluster_name=checked.cluster_name or None,
            cluster_uuid=checked.cluster_uuid or None,
            licence=checked.licence or None,
            licence_expiry=moment(checked.licence_expires_ms),
            capacity=_capacity(checked),
            missing_privileges=list(checked.missing_privileges) or None,
            ml_available=checked.ml_available,
            upgrade_mode=checked.upgrade_mode,
            last_check_time=last.last_check_time,
        )
    conditions = history.conditions(findings)
    about = {"observed_generation": connection.metadata.generation, "conditions": conditions}
    told = known.model_copy(update={**about, "embedded": _embedded(connection, engine, last)})
    return told if told == previous else told.model_copy(update={"last_check_time": now.replace(microsecond=0)})


def _embedded(
    connection: ElasticsearchConnection, engine: EngineFacts | None, last: ElasticsearchConnectionStatus
) -> EmbeddedStatus | None:
    """What is told of the engine; what was told last until it was looked at again."""
    embedded = connection.spec.embedded
    if embedded is None:
        return None
    if engine is None or not engine.made:
        return last.embedded
    kept = embedded.volume.when_deleted is VolumeDeletion.RETAIN
    fate = "Retain: it stays when the connection is deleted" if kept else "Delete: it is deleted with the connection"
    return EmbeddedStatus(
        stateful_set=engine.name,
        secret=engine.name,
        volume_claim=engine.volume_claim,
        volume_size=engine.volume_size or None,
        volume_deletion=fate,
        certificate_expiry=engine.certificate_ends,
    )


def _answered(facts: ServerFacts, growing: str, licence_ends: str) -> list[Finding]:
    server = f"Elasticsearch {facts.version}"
    if not facts.licence_valid:
        message = f"{server} has the licence {facts.licence or 'unknown'}, which does not cover machine learning"
        lacking = holds(ConditionType.LICENSE_INVALID, Reason.LICENSE_INVALID, message)
        return [*stuck(Reason.LICENSE_INVALID, message).findings(), lacking]
    if not facts.ml_available:
        message = f"{server} has machine learning switched off (xpack.ml.enabled) or lacks it"
        return stuck(Reason.ML_UNAVAILABLE, message).findings()
    if facts.upgrade_mode:
        return working(Reason.UPGRADE_MODE, f"{server} is in machine learning upgrade mode").findings()
    deaf = ""
    if facts.messages_problem:
        deaf = (
            "; its notifications cannot be read, so that late data and failing searches of datafeeds stay unseen (read "
            f"on .ml-notifications* and .ml-annotations* is needed): {facts.messages_problem}"
        )
    poor = ""
    if facts.missing_privileges:
        poor = f"; the credentials lack what the operator needs: {', '.join(facts.missing_privileges)}"
    more = "".join(f"; {one}" for one in (licence_ends, growing) if one)
    return fine(Reason.CONNECTED, f"{server} answers and machine learning is available{poor}{deaf}{more}").findings()


def _licence_ends(facts: ServerFacts, now: datetime) -> str:
    """When a licence ends that ends soon, in words; empty for any other."""
    ends = moment(facts.licence_expires_ms)
    if ends is None or not facts.licence_valid or ends - now > _SOON:
        return ""
    return f"its licence {facts.licence} ends at {ends.isoformat(timespec='seconds')}, and machine learning with it"


def _capacity(facts: ServerFacts) -> MlCapacity | None:
    told = MlCapacity(memory=facts.memory, largest_limit=facts.largest_limit, processors=facts.processors)
    return None if told == MlCapacity() else told


def _failed(failure: Failure) -> Verdict:
    kind = stuck if failure.needs_a_person else working
    return kind(failure.reason, str(failure))


def _trouble(failure: Failure) -> Finding:
    type_ = ConditionType.LICENSE_INVALID if failure.licence else ConditionType.CONNECTION_UNAVAILABLE
    return holds(type_, failure.reason, str(failure))


def unreachable_job(
    previous: AnomalyJobStatus | None, job: AnomalyJob, failure: Failure, now: datetime
) -> AnomalyJobStatus:
    """The status of a job that cannot be looked at: what is known stays, `Ready` becomes Unknown."""
    last = previous or AnomalyJobStatus(job_id=job.server_id)
    history = History(previous=last.conditions, generation=last.observed_generation, now=now)
    conditions = unreachable_conditions(history, failure, job, f"job {job.server_id}")
    return last.model_copy(update={"conditions": conditions})


def unreachable_datafeed(
    previous: DatafeedStatus | None, datafeed: Datafeed, failure: Failure, now: datetime
) -> DatafeedStatus:
    """The status of a datafeed that cannot be looked at: what is known stays, `Ready` becomes Unknown."""
    last = previous or DatafeedStatus(datafeed_id=datafeed.server_id)
    history = History(previous=last.conditions, generation=last.observed_generation, now=now)
    conditions = unreachable_conditions(history, failure, datafeed, f"datafeed {datafeed.server_id}")
    return last.model_copy(update={"conditions": conditions})


def unreachable_conditions(
    history: History, failure: Failure, resource: AnomalyJob | Datafeed | SharedResource | RequestResource, name: str
) -> list[Condition]:
    """The conditions of an object, called `name`, that cannot be looked at."""
    message = f"the state of {name} is unknown: {failure}"
    if resource.deletion_requested is not None:
        waits = _waits(resource.spec.deletion_policy, failure, name)
        progress = holds(ConditionType.RECONCILING, Reason.DELETING, waits)
    elif failure.needs_a_person:
        progress = holds(ConditionType.STALLED, failure.reason, message)
    else:
        progress = holds(ConditionType.RECONCILING, failure.reason, message)
    findings = [
        Finding(ConditionType.READY, ConditionStatus.UNKNOWN, failure.reason, message),
        progress,
        *([] if failure.kind is FailureKind.PLACE_CHANGED else [_trouble(failure)]),
    ]
    kept = [condition for condition in history.previous if condition.type not in _RENEWED]
    return history.conditions([*findings, *kept])


def _waits(policy: DeletionPolicy, failure: Failure, name: str) -> str:
    """What a deletion waits for that cannot reach the server, and how to end the wait."""
    if policy is DeletionPolicy.DELETE:
        return (
            f"being deleted with spec.deletionPolicy: Delete, which waits until {name} can be deleted ({failure}); "
            "to let the resource go without, set spec.deletionPolicy to Retain or Orphan"
        )
    return f"being deleted with spec.deletionPolicy: {policy.value}; waits a while for the server ({failure})"
