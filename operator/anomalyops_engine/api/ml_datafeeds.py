"""Endpoints of datafeeds."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.credentials import maker_of
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import INDICES_OPTIONS, Parameters, indices_options
from anomalyops_engine.api.parameters import known
from anomalyops_engine.config.units import SECOND_MS
from anomalyops_engine.jobs import JobService

_BASE: Final = "/_ml/datafeeds"
_TIMEOUT_MS: Final = 20 * SECOND_MS


class DatafeedEndpoints:
    """Handlers under `/_ml/datafeeds`."""

    def __init__(self, service: JobService) -> None:
        self._datafeeds = service.datafeeds

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        listed = known(["allow_no_match", "exclude_generated"])
        stats = known(["allow_no_match"])
        preview = known(["start", "end"])
        options = known(INDICES_OPTIONS)
        starting = known(["start", "end", "timeout"])
        stopping = known(["allow_no_match", "force", "timeout", "close_job"])
        one = _BASE + "/{datafeed_id}"
        return [
            Endpoint("GET", _BASE + "/_stats", Lane.STATE, self.stats, stats),
            Endpoint("GET POST", _BASE + "/_preview", Lane.SEARCH, self.preview, preview),
            Endpoint("GET", one + "/_stats", Lane.STATE, self.stats, stats),
            Endpoint("GET POST", one + "/_preview", Lane.SEARCH, self.preview, preview),
            Endpoint("POST", one + "/_update", Lane.MANAGEMENT, self.update, options),
            Endpoint("POST", one + "/_start", Lane.MANAGEMENT, self.start, starting),
            Endpoint("POST", one + "/_stop", Lane.MANAGEMENT, self.stop, stopping),
            Endpoint("GET", _BASE, Lane.STATE, self.get, listed),
            Endpoint("GET", _BASE + "/", Lane.STATE, self.get, listed),
            Endpoint("GET", one, Lane.STATE, self.get, listed),
            Endpoint("PUT", one, Lane.MANAGEMENT, self.create, options),
            Endpoint("DELETE", one, Lane.MANAGEMENT, self.delete, known(["force"])),
        ]

    def create(self, call: Call) -> Response:
        """`PUT /{datafeed_id}`."""
        body = call.json(required=True)
        options = indices_options(call)
        maker = maker_of(call.request)
        return call.respond(
            self._datafeeds.create(call.path["datafeed_id"], body, indices_options=options, maker=maker)
        )

    def get(self, call: Call) -> Response:
        """`GET /[{datafeed_id}]`."""
        parameters = Parameters(call)
        return call.respond(
            self._datafeeds.get(
                call.path.get("datafeed_id", "_all"),
                allow_no_match=parameters.flag("allow_no_match", default=True),
                exclude_generated=parameters.flag("exclude_generated", default=False),
            )
        )

    def update(self, call: Call) -> Response:
        """`POST /{datafeed_id}/_update`."""
        options, maker = indices_options(call), maker_of(call.request)
        return call.respond(
            self._datafeeds.update(call.path["datafeed_id"], call.json(), indices_options=options, maker=maker)
        )

    def delete(self, call: Call) -> Response:
        """`DELETE /{datafeed_id}`."""
        parameters = Parameters(call)
        self._datafeeds.delete(call.path["datafeed_id"], force=parameters.flag("force", default=False))
        return call.respond({"acknowledged": True})

    def start(self, call: Call) -> Response:
        """`POST /{datafeed_id}/_start`."""
        names = ("start", "end", "timeout")
        parameters = Parameters(call, in_body=("datafeed_id", *names), parser="start_datafeed_request")
        parameters.duration_ms("timeout", _TIMEOUT_MS)
        return call.respond(
            self._datafeeds.start(
                call.path["datafeed_id"],
                start_ms=parameters.instant_ms("start", now=True),
                end_ms=parameters.instant_ms("end", now=True),
            )
        )

    def stop(self, call: Call) -> Response:
        """`POST /{datafeed_id}/_stop`."""
        names = ("allow_no_match", "force", "timeout", "close_job")
        parameters = Parameters(call, in_body=("datafeed_id", *names), parser="stop_datafeed_request")
        return call.respond(
            self._datafeeds.stop(
                call.path["datafeed_id"],
                allow_no_match=parameters.flag("allow_no_match", default=True),
                force=parameters.flag("force", default=False),
                timeout_ms=parameters.duration_ms("timeout", _TIMEOUT_MS),
                close_job=parameters.flag("close_job", default=False),
            )
        )

    def stats(self, call: Call) -> Response:
        """`GET /[{datafeed_id}/]_stats`."""
        parameters = Parameters(call)
        return call.respond(
            self._datafeeds.stats(
                call.path.get("datafeed_id", "_all"),
                allow_no_match=parameters.flag("allow_no_match", default=True),
            )
        )

    def preview(self, call: Call) -> Response:
        """`GET|POST /[{datafeed_id}/]_preview`."""
        parameters = Parameters(
            call,
            in_body=("start", "end", "datafeed_config", "job_config"),
            parser="preview_datafeed_action",
        )
        start_ms, end_ms = parameters.instant_ms("start", now=True), parameters.instant_ms("end", now=True)
        datafeed, job = parameters.object("datafeed_config"), parameters.object("job_config")
        datafeed_id = call.path.get("datafeed_id")
        if datafeed_id is None:
            found = self._datafeeds.preview_body(datafeed, job, start_ms=start_ms, end_ms=end_ms)
        elif datafeed is not None or job is not None:
            raise ApiError(
                400,
                "status_exception",
                "[datafeed_id] cannot be supplied when either [job_config] or [datafeed_config] is present",
            )
        else:
            found = self._datafeeds.preview(datafeed_id, start_ms=start_ms, end_ms=end_ms)
        return call.respond(found)
