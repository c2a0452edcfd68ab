"""ModelSnapshotReverts."""

from __future__ import annotations

from typing import ClassVar

from anomalyops.controllers.requests.controller import RequestController
from anomalyops.plan import SeenJob
from anomalyops.reconciler import RevertUnit
from anomalyops.resources import ModelSnapshotRevert, ModelSnapshotRevertStatus
from anomalyops.watching.objects import Seen


class RevertController(RequestController[ModelSnapshotRevert]):
    """ModelSnapshotReverts."""

    name: ClassVar[str] = "revert"
    model = ModelSnapshotRevert

    def unit(
        self, seen: Seen[ModelSnapshotRevert], status: ModelSnapshotRevertStatus, job: SeenJob, *, alone: bool
    ) -> RevertUnit:
        """The revert."""
        assert seen.managed is not None  # noqa: S101 - else nothing is carried out
        return RevertUnit(seen.managed, status, job, alone=alone)
