"""Endpoints that change model snapshots, and the one that deletes what is expired."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.api.parameters import known, number
from anomalyops_engine.config.units import HOUR_MS, MINUTE_MS
from anomalyops_engine.jobs import JobService

_ONE: Final = "/_ml/anomaly_detectors/{job_id}/model_snapshots/{snapshot_id}"
_EXPIRED: Final = "/_ml/_delete_expired_data"
_UPGRADE_TIMEOUT_MS: Final = 30 * MINUTE_MS
_EXPIRY_TIMEOUT_MS: Final = 8 * HOUR_MS


class SnapshotEndpoints:
    """Handlers under `/_ml/anomaly_detectors/{job_id}/model_snapshots/{snapshot_id}` that change something."""

    def __init__(self, service: JobService) -> None:
        self._snapshots = service.snapshots

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        reverting = known(["delete_intervening_results"])
        upgrading = known(idle=["timeout", "wait_for_completion"])
        # Nothing is slowed down or cut off: a deletion is one short statement for each job.
        expiring = known(idle=["timeout", "requests_per_second"], readers={"requests_per_second": number})
        return [
            Endpoint("POST", f"{_ONE}/_update", Lane.MANAGEMENT, self.update),
            Endpoint("POST", f"{_ONE}/_revert", Lane.MANAGEMENT, self.revert, reverting),
            Endpoint("POST", f"{_ONE}/_upgrade", Lane.MANAGEMENT, self.upgrade, upgrading),
            Endpoint("GET", f"{_ONE}/_upgrade/_stats", Lane.STATE, self.upgrades, known(["allow_no_match"])),
            Endpoint("DELETE", _ONE, Lane.MANAGEMENT, self.delete),
            Endpoint("DELETE", _EXPIRED, Lane.MANAGEMENT, self.delete_expired, expiring),
            Endpoint("DELETE", f"{_EXPIRED}/{{job_id}}", Lane.MANAGEMENT, self.delete_expired, expiring),
        ]

    def update(self, call: Call) -> Response:
        """`POST /{snapshot_id}/_update`."""
        names = ("job_id", "snapshot_id", "description", "retain")
        body = Parameters.of(call.json(required=True), names, "cluster:admin/xpack/ml/job/model_snapshots/update")
        changes = {name: body.given_as(name) for name in ("description", "retain")}
        return call.respond(self._snapshots.update(call.path["job_id"], call.path["snapshot_id"], changes))

    def delete(self, call: Call) -> Response:
        """`DELETE /{snapshot_id}`."""
        self._snapshots.delete(call.path["job_id"], call.path["snapshot_id"])
        return call.respond({"acknowledged": True})

    def revert(self, call: Call) -> Response:
        """`POST /{snapshot_id}/_revert`."""
        names = ("job_id", "snapshot_id", "delete_intervening_results")
        parameters = Parameters(call, in_body=names, parser="cluster:admin/xpack/ml/job/model_snapshots/revert")
        reverted = self._snapshots.revert(
            call.path["job_id"],
            call.path["snapshot_id"],
            delete_intervening_results=parameters.flag("delete_intervening_results", default=False),
        )
        return call.respond(reverted)

    def upgrade(self, call: Call) -> Response:
        """`POST /{snapshot_id}/_upgrade`."""
        Parameters(call).duration_ms("timeout", _UPGRADE_TIMEOUT_MS)
        self._snapshots.upgrade(call.path["job_id"], call.path["snapshot_id"])

    def upgrades(self, call: Call) -> Response:
        """`GET /{snapshot_id}/_upgrade/_stats`."""
        running = self._snapshots.upgrades(
            call.path["job_id"],
            call.path["snapshot_id"],
            allow_no_match=Parameters(call).flag("allow_no_match", default=True),
        )
        return call.respond(running)

    def delete_expired(self, call: Call) -> Response:
        """`DELETE /_ml/_delete_expired_data[/{job_id}]`."""
        names = ("job_id", "requests_per_second", "timeout")
        parameters = Parameters(call, in_body=names, parser="delete_expired_data_request")
        parameters.duration_ms("timeout", _EXPIRY_TIMEOUT_MS)
        parameters.number("requests_per_second", -1.0)
        self._snapshots.delete_expired(call.path.get("job_id", parameters.text("job_id") or "_all"))
        return call.respond({"deleted": True})
