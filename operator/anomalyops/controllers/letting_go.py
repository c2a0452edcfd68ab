"""What of objects on their way out is let go though nothing can be done on their server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from anomalyops.controllers.release import release
from anomalyops.health import Failure, Notice
from anomalyops.resources import FINALIZER, Reason
from anomalyops.watching.controller import Report
from anomalyops.watching.objects import Seen


class LettingGo:
    """Reports of objects that are released without their server.

    Args:
        patience: Seconds that a deletion with `Retain` waits for a server that does not answer.
    """

    def __init__(self, *, patience: float) -> None:
        self._patience = patience

    def let_go(self, seen: Sequence[Seen[Any]], failure: Failure, *, connected: bool) -> Report:
        """Let go of what is being deleted, as far as its policy allows that without the server."""
        report = Report()
        for one in seen:
            asked = one.metadata.deletion_timestamp
            if asked is None or one.managed is None:
                continue
            decision = release(
                one.managed.spec.deletion_policy,
                failure,
                f"{one.kind.server_object} {one.managed.server_id}",
                waited=(_now() - asked).total_seconds(),
                patience=self._patience,
                connected=connected,
            )
            if not decision.now:
                report += Report(retry_after=decision.seconds)
                continue
            held = FINALIZER in one.metadata.finalizers
            notices = ((one, released_notice(one, decision.message)),) if held else ()
            report += Report(notices=notices, released=(one,))
        return report


def released_notice(seen: Seen[Any], message: str) -> Notice:
    """The Event about an object that was let go without its deletion policy being carried out."""
    return Notice(kind=seen.kind.name, name=seen.metadata.name, type="Warning", reason=Reason.RELEASED, message=message)


def _now() -> datetime:
    return datetime.now(UTC)
