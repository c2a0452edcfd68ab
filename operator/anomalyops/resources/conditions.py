"""Condition types and reasons: what a status can say, in one place.

The troubleshooting page of the documentation is generated from the sentences here, so each one says what
happened and what a person can do about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from anomalyops.resources.base import StatusModel, Timestamp


class _DocumentedEnum(StrEnum):
    """A string enum whose members carry a sentence each: `Reason.READY.description`."""

    description: str

    def __new__(cls, value: str, description: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        member.__doc__ = description
        return member


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(_DocumentedEnum):
    """The conditions of all kinds. `Ready` is always there; the others only where they say something."""

    READY = "Ready", "The summary: the server does what the manifest asks for."
    SYNCED = "Synced", "The server's configuration equals the manifest."
    RECONCILING = "Reconciling", "The operator is at work or waits for something that will pass by itself."
    STALLED = "Stalled", "Nothing will change until a person acts; the message says what to do."
    MEMORY_LIMITED = "MemoryLimited", "The model has reached its memory limit (soft or hard)."
    DATA_DELAYED = "DataDelayed", "Documents reached the index after the datafeed had read their bucket."
    DATAFEED_STOPPED = "DatafeedStopped", "The datafeed is stopped though the manifest wants it started."
    JOB_FAILED = "JobFailed", "The server reports the job as failed."
    SNAPSHOT_TOO_OLD = "SnapshotTooOld", "The model snapshot in use is too old for the next server, or for this one."
    CONNECTION_UNAVAILABLE = (
        "ConnectionUnavailable",
        "The server cannot be reached or refuses the credentials.",
    )
    LICENSE_INVALID = "LicenseInvalid", "The server's licence does not cover machine learning."


class Reason(_DocumentedEnum):
    """Every reason that a condition or an Event can carry."""

    # Good ends
    READY = "Ready", "The server does what the manifest asks for."
    SYNCED = "Synced", "The server's configuration equals the manifest."
    LOOKBACK_COMPLETE = "LookbackComplete", "The datafeed reached its end and stopped by itself: it is done."
    SUSPENDED = (
        "Suspended",
        "`spec.suspend` is true: until it is false the datafeed is stopped and the job closed, or nothing is begun.",
    )
    CLOSED = "Closed", "The job is closed, as `spec.state` asks."
    STOPPED = "Stopped", "The datafeed is stopped, as `spec.state` asks."
    LEFT_AS_FOUND = (
        "LeftAsFound",
        "It was stopped when it was taken over and `spec.state` is not set, so it stays stopped; set `spec.state` to "
        "start it.",
    )
    REVERTED = "Reverted", "The job went back to a model snapshot, and what ran before runs again."
    FORECAST_FINISHED = "ForecastFinished", "The forecast is made; the message says what it covers."
    FORECAST_EXPIRED = "ForecastExpired", "The server has removed the forecast, as `spec.expiresIn` asks."
    SCHEDULED = "Scheduled", "`spec.schedule` has asked for nothing yet; the message says when it will."
    INVESTIGATED = "Investigated", "The investigation has found a likely cause; the message names it."
    NOTHING_FOUND = "NothingFound", "There is nothing to investigate in the window; the message says why."
    RECOVERED = "Recovered", "A condition that was reported before no longer holds."

    # Waiting for something that passes by itself
    PENDING = "Pending", "The operator has not looked at the server yet."
    WAITING_FOR_JOB = "WaitingForJob", "The AnomalyJob that `spec.jobRef` names does not exist yet."
    WAITING_FOR_FILTER = (
        "WaitingForFilter",
        "A custom rule names a filter that the server does not have yet; apply an AnomalyFilter of that id.",
    )
    WAITING_FOR_CAPACITY = (
        "WaitingForCapacity",
        "No machine learning node has room for the job; it opens when one has.",
    )
    WAITING_FOR_WINDOW = (
        "WaitingForWindow",
        "A change would stop the datafeed and waits for `spec.maintenanceWindow`; the message says until when.",
    )
    UPGRADE_MODE = "UpgradeMode", "The server is in upgrade mode; changes wait until it is left."
    STARTING = "Starting", "The job is opening or the datafeed is starting."
    STOPPING = "Stopping", "The job is closing or the datafeed is stopping."
    LOOKBACK_RUNNING = "LookbackRunning", "The datafeed reads towards its `spec.end` and is not done yet."
    UPDATING = "Updating", "A plan is being executed; the message names its steps."
    DRIFTED = "Drifted", "The server's configuration was changed by somebody else and is being restored."
    DELETING = "Deleting", "The resource is being deleted; the deletion policy is being carried out."
    REVERTING = "Reverting", "The job goes back to a model snapshot; the message names the step."
    FORECASTING = "Forecasting", "The server makes the forecast, or the job is opened or closed for it."
    WAITING_FOR_WINDOW_END = (
        "WaitingForWindowEnd",
        "The window of an Investigation ends in the future; it begins then.",
    )
    INVESTIGATING = "Investigating", "The investigation is under way."
    OPERATION_RUNNING = (
        "OperationRunning",
        "A forecast or a revert is at work on the job, which is left to it until it ends.",
    )
    BLOCKED = "Blocked", "The server is deleting, resetting or reverting the job."
    RETRYING = "Retrying", "A call failed in a way that may pass; it is tried again."

    # The connection
    CONNECTION_NOT_FOUND = (
        "ConnectionNotFound",
        "No ElasticsearchConnection of that name exists in the namespace.",
    )
    CONNECTION_NOT_ALLOWED = (
        "ConnectionNotAllowed",
        "The ElasticsearchConnection of another namespace does not allow this one: add it to `spec.allowedNamespaces` "
        "there, or use a connection of this namespace.",
    )
    SECRET_NOT_FOUND = "SecretNotFound", "The Secret or ConfigMap that the connection names does not exist."
    SECRET_FORBIDDEN = (
        "SecretForbidden",
        "The operator may not read the Secret or ConfigMap that the connection names; the message names the command "
        "that allows it.",
    )
    SECRET_INVALID = (
        "SecretInvalid",
        "The Secret lacks the key that the connection names, or its value is unusable.",
    )
    UNAUTHORIZED = "Unauthorized", "The server refused the credentials (401)."
    FORBIDDEN = (
        "Forbidden",
        "The credentials lack a privilege (403); `manage_ml` and read on the indices are needed.",
    )
    UNREACHABLE = "Unreachable", "No answer from the server's address."
    TLS_FAILED = (
        "TlsFailed",
        "The server's certificate could not be verified; check `caSecretRef` and the host name.",
    )
    SERVER_ERROR = "ServerError", "The server answered with an error of its own (5xx or 429)."
    LICENSE_INVALID = "LicenseInvalid", "The licence does not cover machine learning or has expired."
    ML_UNAVAILABLE = "MlUnavailable", "Machine learning is switched off on this server or it has no such API."
    CONNECTED = "Connected", "The server answers, the credentials work and machine learning is available."
    ENGINE_STARTING = (
        "EngineStarting",
        "The embedded engine is being set up, or its pod is starting; when that takes more than a few minutes, "
        "`kubectl describe pod` of it says why.",
    )
    ENGINE_FORBIDDEN = (
        "EngineForbidden",
        "The operator may not run an engine in the namespace; the message names the command that allows it.",
    )
    ENGINE_STORAGE_FIXED = (
        "EngineStorageFixed",
        "`spec.embedded.storage` asks for another class or for less than the engine's volume has, or for more than its "
        "StorageClass allows; the engine goes on with the one that it has.",
    )
    ENGINE_NAME_TAKEN = (
        "EngineNameTaken",
        "An object that is not the connection's has the name that its engine's needs; the message says which.",
    )
    NOT_SUPPORTED = "NotSupported", "This version of the operator cannot do what the manifest asks for."

    # ConfigMaps that a resource reads
    SOURCE_NOT_FOUND = (
        "SourceNotFound",
        "A ConfigMap that `spec.itemsFrom` or `spec.ics` names does not exist; nothing is changed on the server until "
        "it does.",
    )
    SOURCE_FORBIDDEN = (
        "SourceForbidden",
        "The operator may not read a ConfigMap that `spec.itemsFrom` or `spec.ics` names; the message names the "
        "command that allows it.",
    )
    SOURCE_INVALID = (
        "SourceInvalid",
        "A ConfigMap lacks the key that the manifest names, or a line or event in it cannot be used; the message names "
        "it, and nothing is changed on the server until it is corrected.",
    )

    # What the server or a policy refuses
    INVALID_SPEC = (
        "InvalidSpec",
        "The manifest breaks a rule that admission could not check; the message names it.",
    )
    REJECTED = "Rejected", "The server refused the configuration; the message is the server's."
    IMMUTABLE_FIELD_CHANGED = (
        "ImmutableFieldChanged",
        "A field changed that the server cannot change in place; set `spec.replacePolicy: Recreate` to lose "
        "the "
        "model and create the job anew, or undo the change.",
    )
    FIELD_STAYS = (
        "FieldStays",
        "The manifest gives a field no more that the server cannot be told to forget; write it again, or delete the "
        "object and create it anew.",
    )
    MOVED = (
        "Moved",
        "The object moved to another server, as `spec.movePolicy: Move` asks; the message says what is left.",
    )
    PLACE_CHANGED = (
        "PlaceChanged",
        "The connection leads to another server than the one that the object lives on: let it lead back, or set "
        "`spec.movePolicy: Move` (for a forecast or revert: on its job) to leave what is there and go on here.",
    )
    NOT_OWNED = "NotOwned", "The server's object belongs to another resource or cluster."
    ALREADY_EXISTS = (
        "AlreadyExists",
        "A server object of that id exists and differs, and `spec.adoptionPolicy` does not allow to take it over.",
    )
    CONFLICT = "Conflict", "Two resources claim the same server object, or one job has two datafeeds."
    MEMORY_BELOW_USAGE = (
        "MemoryBelowUsage",
        "`modelMemoryLimit` is lower than what the model uses now; raise it or reset the job.",
    )

    VALUES_REFUSED = (
        "ValuesRefused",
        "There are more values than `spec.limit` allows, or none; nothing is made or pruned until that changes.",
    )
    SNAPSHOT_NOT_FOUND = (
        "SnapshotNotFound",
        "The job has no such model snapshot; the message lists the newest ones. One that is gone does not come back: "
        "take it out of `spec.retainedSnapshots`, or let the revert name another.",
    )
    SNAPSHOTS_RETAINED = (
        "SnapshotsRetained",
        "A reset of the job, or creating it anew, would lose model snapshots that `spec.retainedSnapshots` retains; "
        "take them out of it first, or undo the change.",
    )
    REVERT_FAILED = (
        "RevertFailed",
        "The revert was given up, and what ran before was brought back; the message says why.",
    )
    FORECAST_IMPOSSIBLE = (
        "ForecastImpossible",
        "The job cannot be forecast, now or ever; the message says what it is about the job.",
    )
    FORECAST_FAILED = (
        "ForecastFailed",
        "The server refused the forecast or broke it off; the message is the server's.",
    )
    FORECAST_GONE = "ForecastGone", "The forecast was deleted on the server, or its job was."
    JOB_NOT_OPEN = (
        "JobNotOpen",
        "Only an open job can be forecast; open it, or set `spec.openClosedJob: true`.",
    )

    INVESTIGATION_FAILED = (
        "InvestigationFailed",
        "The investigation could not be made, and trying again would not help; the message says why.",
    )

    # The health of what runs
    MEMORY_SOFT_LIMIT = (
        "MemorySoftLimit",
        "The model is near its memory limit and prunes old parts; raise the limit.",
    )
    MEMORY_HARD_LIMIT = (
        "MemoryHardLimit",
        "The model is at its memory limit and ignores new entities; raise `modelMemoryLimit`.",
    )
    JOB_FAILED = (
        "JobFailed",
        "The job's process died on the server; the operator closes it by force and opens it again.",
    )
    SNAPSHOT_TOO_OLD = (
        "SnapshotTooOld",
        "The format of the model snapshot that the job would be opened with is of before 8.3.0, which Elasticsearch 9 "
        "does not read; the message says how to get a newer one.",
    )
    DATAFEED_STOPPED = "DatafeedStopped", "The datafeed stopped by itself; the operator starts it again."
    NO_DATA = "NoData", "The datafeed runs but finds no documents; check indices, query and time field."
    EXTRACTION_FAILING = "ExtractionFailing", "The datafeed's searches fail; the message is the server's."
    DATA_DELAYED = "DataDelayed", "Documents arrived after their bucket was read; raise `queryDelay`."

    # Events of a plan
    PLAN_EXECUTED = "PlanExecuted", "A plan was carried out; the message lists its steps."
    PLAN_FAILED = "PlanFailed", "A step of a plan failed; the message names it and what the server said."
    RECOMMENDATION = (
        "Recommendation",
        "A limit does not suffice; the message says which one would. Write it into the manifest, or set the policy to "
        "Auto.",
    )
    ENGINE_CHANGED = "EngineChanged", "Objects of an embedded engine were made or changed; the message says which."
    CERTIFICATE_RENEWED = (
        "CertificateRenewed",
        "Keys, certificates or the password of an embedded engine were made anew, and it restarts with them.",
    )
    RELEASED = "Released", "The deletion policy was carried out and the finalizer removed."


_TypeName = Annotated[str, StringConstraints(max_length=316)]


class Condition(StatusModel):
    """One condition, as `metav1.Condition` has it."""

    type: _TypeName = Field(description="The condition's type in PascalCase.")
    status: ConditionStatus = Field(description="Whether the condition holds.")
    reason: str = Field(description="Why, as one word in PascalCase.", max_length=1024)
    message: str = Field(default="", description="Why, in words for people.", max_length=32768)
    last_transition_time: Timestamp = Field(description="When `status` last changed.")
    observed_generation: int | None = Field(
        default=None, ge=0, description="The generation of the spec that this condition was computed from."
    )


def find_condition(conditions: Iterable[Condition], type_: str) -> Condition | None:
    """The condition of that type, or None."""
    return next((condition for condition in conditions if condition.type == type_), None)
