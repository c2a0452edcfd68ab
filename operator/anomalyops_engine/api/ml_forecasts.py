"""Endpoints of forecasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.api.parameters import known
from anomalyops_engine.config.units import SECOND_MS, Duration, MemorySize
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.forecast_operations import (
    DEFAULT_DURATION,
    DEFAULT_EXPIRY,
    check_duration,
    check_expiry,
    check_memory,
)
from anomalyops_engine.refusals import MlError, field_failure

_FORECAST: Final = "/_ml/anomaly_detectors/{job_id}/_forecast"
_OPTIONS: Final = ("duration", "expires_in", "max_model_memory")
_PARSER: Final = "cluster:admin/xpack/ml/job/forecast"
_DELETE_TIMEOUT_MS: Final = 30 * SECOND_MS


class ForecastEndpoints:
    """Handlers under `/_ml/anomaly_detectors/{job_id}/_forecast`."""

    def __init__(self, service: JobService) -> None:
        self._forecasts = service.forecasts

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        deleting = known(["allow_no_forecasts", "timeout"])
        return [
            Endpoint("POST", _FORECAST, Lane.MANAGEMENT, self.create, known(_OPTIONS)),
            Endpoint("DELETE", _FORECAST, Lane.MANAGEMENT, self.delete, deleting),
            Endpoint("DELETE", _FORECAST + "/{forecast_id}", Lane.MANAGEMENT, self.delete, deleting),
        ]

    def create(self, call: Call) -> Response:
        """`POST /{job_id}/_forecast`: options in the query string or the body."""
        body = call.json()
        for name in body:
            if name not in {"job_id", *_OPTIONS}:
                raise ApiError(400, "x_content_parse_exception", f"[{_PARSER}] unknown field [{name}]")

        def option(name: str, read: Callable[[Any], Any], default: Any) -> Any:
            if name in call.query:
                return read(call.query[name])
            if name not in body:
                return default
            try:
                return read(body[name])
            except MlError as error:
                raise field_failure(_PARSER, name, error) from error

        answer = self._forecasts.create(
            call.path["job_id"],
            duration=option("duration", _duration, DEFAULT_DURATION),
            expires_in=option("expires_in", _expiry, DEFAULT_EXPIRY),
            max_model_memory=option("max_model_memory", _memory, None),
        )
        return call.respond(answer)

    def delete(self, call: Call) -> Response:
        """`DELETE /{job_id}/_forecast[/{forecast_id}]`."""
        parameters = Parameters(call)
        self._forecasts.delete(
            call.path["job_id"],
            call.path.get("forecast_id", "_all"),
            allow_no_forecasts=parameters.flag("allow_no_forecasts", default=True),
            timeout_ms=parameters.duration_ms("timeout", _DELETE_TIMEOUT_MS),
        )
        return call.respond({"acknowledged": True})


def _duration(value: Any) -> Duration:
    duration = Duration.read(_text("duration", value), "duration")
    check_duration(duration)
    return duration


def _expiry(value: Any) -> Duration:
    expires_in = Duration.read(_text("expires_in", value), "expires_in")
    check_expiry(expires_in)
    return expires_in


def _memory(value: Any) -> int:
    size = value if isinstance(value, int) and not isinstance(value, bool) else _bytes(value)
    check_memory(size)
    return size


def _bytes(value: Any) -> int:
    return MemorySize.read(_text("max_model_memory", value), "max_model_memory").bytes


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ApiError(400, "x_content_parse_exception", f"[{_PARSER}] {name} doesn't support values of this type")
    return value
