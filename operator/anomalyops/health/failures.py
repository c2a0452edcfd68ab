"""What went wrong and what a reconcile came to: what a status says beside the server's stats."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from anomalyops.plan import Obstacle, Step, Subject
from anomalyops.resources import Reason


class FailureKind(StrEnum):
    """Kinds of trouble, as far as they differ in what can be done about them."""

    CONNECTION = "connection"  # no answer
    TLS = "tls"  # the certificate could not be verified
    TIMEOUT = "timeout"  # no answer in time
    UNAUTHORIZED = "unauthorized"  # 401
    FORBIDDEN = "forbidden"  # 403
    LICENSE = "license"  # machine learning is not covered
    ML_UNAVAILABLE = "ml_unavailable"  # machine learning is switched off
    REJECTED = "rejected"  # 400: the server does not accept the request
    NOT_FOUND = "not_found"  # 404 in the middle of a plan: somebody else was at work
    CONFLICT = "conflict"  # 409
    BUSY = "busy"  # 429
    SERVER = "server"  # 5xx
    CONNECTION_NOT_FOUND = "connection_not_found"
    CONNECTION_NOT_ALLOWED = "connection_not_allowed"  # it is another namespace's
    SECRET_NOT_FOUND = "secret_not_found"  # noqa: S105
    SECRET_FORBIDDEN = "secret_forbidden"  # noqa: S105
    SECRET_INVALID = "secret_invalid"  # noqa: S105
    ENGINE_STARTING = "engine_starting"
    ENGINE_FORBIDDEN = "engine_forbidden"  # Kubernetes refuses the objects of an embedded engine (403)
    ENGINE_STORAGE_FIXED = "engine_storage_fixed"
    ENGINE_NAME_TAKEN = "engine_name_taken"
    NOT_SUPPORTED = "not_supported"
    PLACE_CHANGED = "place_changed"  # the server is another one than the one that the object lives on


_REASONS = {
    FailureKind.CONNECTION: Reason.UNREACHABLE,
    FailureKind.TLS: Reason.TLS_FAILED,
    FailureKind.TIMEOUT: Reason.UNREACHABLE,
    FailureKind.UNAUTHORIZED: Reason.UNAUTHORIZED,
    FailureKind.FORBIDDEN: Reason.FORBIDDEN,
    FailureKind.LICENSE: Reason.LICENSE_INVALID,
    FailureKind.ML_UNAVAILABLE: Reason.ML_UNAVAILABLE,
    FailureKind.REJECTED: Reason.REJECTED,
    FailureKind.NOT_FOUND: Reason.RETRYING,
    FailureKind.CONFLICT: Reason.RETRYING,
    FailureKind.BUSY: Reason.SERVER_ERROR,
    FailureKind.SERVER: Reason.SERVER_ERROR,
    FailureKind.CONNECTION_NOT_FOUND: Reason.CONNECTION_NOT_FOUND,
    FailureKind.CONNECTION_NOT_ALLOWED: Reason.CONNECTION_NOT_ALLOWED,
    FailureKind.SECRET_NOT_FOUND: Reason.SECRET_NOT_FOUND,
    FailureKind.SECRET_FORBIDDEN: Reason.SECRET_FORBIDDEN,
    FailureKind.SECRET_INVALID: Reason.SECRET_INVALID,
    FailureKind.ENGINE_STARTING: Reason.ENGINE_STARTING,
    FailureKind.ENGINE_FORBIDDEN: Reason.ENGINE_FORBIDDEN,
    FailureKind.ENGINE_STORAGE_FIXED: Reason.ENGINE_STORAGE_FIXED,
    FailureKind.ENGINE_NAME_TAKEN: Reason.ENGINE_NAME_TAKEN,
    FailureKind.NOT_SUPPORTED: Reason.NOT_SUPPORTED,
    FailureKind.PLACE_CHANGED: Reason.PLACE_CHANGED,
}
_KINDS = {reason: kind for kind, reason in _REASONS.items()} | {Reason.UNREACHABLE: FailureKind.CONNECTION}
_NEEDS_A_PERSON = frozenset(
    {
        FailureKind.TLS,
        FailureKind.UNAUTHORIZED,
        FailureKind.FORBIDDEN,
        FailureKind.LICENSE,
        FailureKind.ML_UNAVAILABLE,
        FailureKind.REJECTED,
        FailureKind.CONNECTION_NOT_ALLOWED,
        FailureKind.SECRET_FORBIDDEN,
        FailureKind.SECRET_INVALID,
        FailureKind.ENGINE_FORBIDDEN,
        FailureKind.ENGINE_STORAGE_FIXED,
        FailureKind.ENGINE_NAME_TAKEN,
        FailureKind.NOT_SUPPORTED,
        FailureKind.PLACE_CHANGED,
    }
)
_LICENCE = frozenset({FailureKind.LICENSE, FailureKind.ML_UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call that failed.

    Attributes:
        kind: What can be done about it.
        message: The server's or the client's words, fit for people, without secrets.
        step: The step of the plan that failed; None when the look at the server did.
    """

    kind: FailureKind
    message: str
    step: Step | None = None

    @property
    def reason(self) -> Reason:
        """The reason that a condition carries."""
        return _REASONS[self.kind]

    @property
    def needs_a_person(self) -> bool:
        """Whether trying again is no use until somebody changes something."""
        return self.kind in _NEEDS_A_PERSON

    @property
    def licence(self) -> bool:
        """Whether the server answers, but may not or cannot do machine learning."""
        return self.kind in _LICENCE

    def concerns(self, subject: Subject) -> bool:
        """Whether it is about the job (the datafeed), or about both."""
        return self.step is None or self.step.subject is subject

    def __str__(self) -> str:
        return self.message if self.step is None else f"{self.step.verb} failed: {self.message}"


def kind_of(reason: str) -> FailureKind | None:
    """The kind of failure behind a condition's reason; None where the reason tells of no failure."""
    return next((kind for known, kind in _KINDS.items() if known == reason), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """What a reconcile came to.

    Attributes:
        obstacles: What the plan could not reach.
        pending: Steps that were planned and not executed; empty after a good reconcile.
        failure: Why execution stopped.
        compared: Whether configurations were compared; if not, `Synced` stays what it was.
        executed: Whether steps were executed, so that the server changed.
    """

    obstacles: tuple[Obstacle, ...] = ()
    pending: tuple[Step, ...] = ()
    failure: Failure | None = None
    compared: bool = True
    executed: bool = False

    def blocking(self, subject: Subject) -> Obstacle | None:
        """The first obstacle that a person has to remove."""
        return next((found for found in self.obstacles if found.subject is subject and not found.waiting), None)

    def waiting(self, subject: Subject) -> Obstacle | None:
        """The first obstacle that passes by itself. What the job waits for, its datafeed waits for too."""
        subjects = (Subject.JOB, subject)
        return next((found for found in self.obstacles if found.subject in subjects and found.waiting), None)

    def pending_of(self, subject: Subject) -> tuple[Step, ...]:
        """The steps still to be done on the job (the datafeed)."""
        return tuple(step for step in self.pending if step.subject is subject)

    def failure_of(self, subject: Subject) -> Failure | None:
        """The failure, if it is about the job (the datafeed)."""
        return self.failure if self.failure is not None and self.failure.concerns(subject) else None
