"""Endpoints of a job's data: records that clients send themselves, and flushing."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import orjson
from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.api.parameters import known
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.posting import flush_of

_ONE: Final = "/_ml/anomaly_detectors/{job_id}"
_FLUSH: Final = ("advance_time", "calc_interim", "end", "skip_time", "start")
_POSTING_IS_DEPRECATED: Final = (
    "Posting data directly to anomaly detection jobs is deprecated, in a future major version it will be compulsory "
    "to use a datafeed"
)
_SPACE: Final = re.compile(r"\s*")


class DataEndpoints:
    """Handlers of `/_ml/anomaly_detectors/{job_id}/_data` and `_flush`."""

    def __init__(self, service: JobService) -> None:
        self._data = service.data

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        posting = known(["reset_start", "reset_end"])
        return [
            Endpoint("POST", f"{_ONE}/_data", Lane.MANAGEMENT, self.post, posting, _POSTING_IS_DEPRECATED),
            Endpoint("POST", f"{_ONE}/_flush", Lane.MANAGEMENT, self.flush, known(_FLUSH)),
        ]

    def post(self, call: Call) -> Response:
        """`POST /{job_id}/_data`."""
        parameters = Parameters(call)
        start_ms, end_ms = parameters.instant_ms("reset_start"), parameters.instant_ms("reset_end")
        if (start_ms is None) != (end_ms is None):
            raise ApiError(
                400, "illegal_argument_exception", "[reset_start] and [reset_end] must be given together, or neither"
            )
        if start_ms is not None and end_ms is not None and end_ms < start_ms:
            raise ApiError(
                400,
                "illegal_argument_exception",
                f"Invalid time range: end time '{parameters.text('reset_end')}' is earlier than start time "
                f"'{parameters.text('reset_start')}'.",
            )
        counts = self._data.post(
            call.path["job_id"],
            read_records(call.body),
            size=len(call.body),
            reset=None if start_ms is None or end_ms is None else (start_ms, end_ms),
        )
        return call.respond(counts, 202)

    def flush(self, call: Call) -> Response:
        """`POST /{job_id}/_flush`."""
        parameters = Parameters(call, in_body=("job_id", *_FLUSH), parser="cluster:admin/xpack/ml/job/flush")

        def moment(name: str) -> tuple[str, int] | None:
            value = parameters.instant_ms(name, now=True)
            return None if value is None else (str(parameters.given_as(name)), value)

        advance, skip = moment("advance_time"), moment("skip_time")
        asked = flush_of(
            calc_interim=parameters.flag("calc_interim", default=False),
            start=moment("start"),
            end=moment("end"),
            advance_ms=advance and advance[1],
            skip_ms=skip and skip[1],
        )
        return call.respond(self._data.flush(call.path["job_id"], asked))


def read_records(body: bytes) -> list[dict[str, Any]]:
    """Return the records of a body: JSON objects in an array, line by line or one right after the other.

    Raises:
        ApiError: 400 when it holds anything else; names where.
    """
    text = body.strip()
    if not text:
        raise ApiError(400, "parse_exception", "request body is required")
    if text.startswith(b"["):
        found = _array(text)
    else:
        try:
            found = [orjson.loads(line) for line in text.split(b"\n") if line.strip()]
        except orjson.JSONDecodeError:
            found = _adjacent(text)
    for number, record in enumerate(found, 1):
        if not isinstance(record, dict):
            raise _malformed(f"record {number} is no object")
    return found


def _array(text: bytes) -> list[Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _malformed(f"[{error.lineno}:{error.colno}] {error.msg}") from None
    return found if isinstance(found, list) else [found]


def _adjacent(body: bytes) -> list[Any]:
    """Return JSON values that lie one right after the other, over any lines."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"it is no UTF-8 at byte {error.start}") from None
    decoder, found, position = json.JSONDecoder(parse_constant=_no_constant), [], 0
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise _malformed(f"[{error.lineno}:{error.colno}] {error.msg}") from None
        except (RecursionError, ValueError) as error:
            raise _malformed(str(error)) from None
        found.append(value)
        spaces = _SPACE.match(text, position)
        position = spaces.end() if spaces else position
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _malformed(where: str) -> ApiError:
    return ApiError(400, "parse_exception", f"The input JSON data is malformed: {where}")
