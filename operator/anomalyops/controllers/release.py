"""When an object that is being deleted is let go though its deletion policy cannot be carried out.

A deletion must need nothing that is deleted beside it: connections and Secrets of a namespace go before the jobs that
wait for their finalizer, and a server may never come back. What is given up is said in an Event; a policy that would
destroy something is never given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from anomalyops.health import Failure, FailureKind
from anomalyops.resources import DeletionPolicy

ORPHAN_PATIENCE: Final = 10.0
"""Seconds in which the mark of an orphaned job is still tried to be taken away."""

# What the operator reaches the server with is gone: waiting for it is waiting for what is deleted too.
# In a namespace that is deleted, the right to read a Secret may go before the Secret does.
_GONE: Final = frozenset({FailureKind.CONNECTION_NOT_FOUND, FailureKind.SECRET_NOT_FOUND, FailureKind.SECRET_FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Release:
    """What becomes of one object whose policy cannot be carried out now.

    Attributes:
        now: It is let go.
        message: What is left behind on the server then.
        seconds: After how long to decide again; None when only a change can help.
    """

    now: bool
    message: str = ""
    seconds: float | None = None


def release(
    policy: DeletionPolicy, failure: Failure, what: str, *, waited: float, patience: float, connected: bool
) -> Release:
    """Decide about an object that is being deleted.

    Args:
        policy: Its deletion policy.
        failure: Why the policy cannot be carried out.
        what: The object on the server, such as `job web`.
        waited: Seconds since the deletion was asked for.
        patience: Seconds that `Retain` waits for a server that does not answer.
        connected: Whether the connection's resource exists.
    """
    if policy is DeletionPolicy.DELETE:
        return Release(now=False)
    gone = failure.kind in _GONE or not connected
    limit = 0.0 if gone else ORPHAN_PATIENCE if policy is DeletionPolicy.ORPHAN else patience
    if waited < limit:
        return Release(now=False, seconds=limit - waited)
    return Release(now=True, message=_left(policy, what, failure, gone=gone))


def _left(policy: DeletionPolicy, what: str, failure: Failure, *, gone: bool) -> str:
    why = "there is no connection to it any more" if gone else "it could not be reached"
    left = "keeps the operator's mark" if policy is DeletionPolicy.ORPHAN else "is left as it is, running or not"
    return f"released without reaching the server: {why} ({failure}). On the server, {what} {left}"
