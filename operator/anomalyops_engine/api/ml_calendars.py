"""Endpoints of calendars, their jobs and their scheduled events."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.api.parameters import known
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.paging import Page
from anomalyops_engine.refusals import invalid_request

_BASE: Final = "/_ml/calendars"


class CalendarEndpoints:
    """Handlers under `/_ml/calendars`."""

    def __init__(self, service: JobService) -> None:
        self._calendars = service.calendars

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        listed = known(["from", "size"])
        events = known(["end", "from", "job_id", "size", "start"])
        one = _BASE + "/{calendar_id}"
        return [
            Endpoint("GET POST", _BASE, Lane.STATE, self.get, listed),
            Endpoint("GET POST", _BASE + "/", Lane.STATE, self.get, listed),
            Endpoint("PUT", one + "/jobs/{job_id}", Lane.MANAGEMENT, self.add_jobs),
            Endpoint("DELETE", one + "/jobs/{job_id}", Lane.MANAGEMENT, self.remove_jobs),
            Endpoint("GET", one + "/events", Lane.STATE, self.events, events),
            Endpoint("POST", one + "/events", Lane.MANAGEMENT, self.post_events),
            Endpoint("DELETE", one + "/events/{event_id}", Lane.MANAGEMENT, self.delete_event),
            Endpoint("GET POST", one, Lane.STATE, self.get, listed),
            Endpoint("PUT", one, Lane.MANAGEMENT, self.create),
            Endpoint("DELETE", one, Lane.MANAGEMENT, self.delete),
        ]

    def create(self, call: Call) -> Response:
        """`PUT /{calendar_id}`; the body may be left out."""
        return call.respond(self._calendars.create(call.path["calendar_id"], call.json()))

    def get(self, call: Call) -> Response:
        """`GET|POST /[{calendar_id}]`: pages are of all calendars."""
        parameters = Parameters(call, in_body=("calendar_id", "page"), parser="cluster:monitor/xpack/ml/calendars/get")
        calendar_id = call.path.get("calendar_id", parameters.text("calendar_id"))
        paged = any(parameters.given(name) for name in ("from", "size", "page"))
        if calendar_id is not None and paged:
            raise invalid_request("Params [from, size] are incompatible with [calendar_id].")
        return call.respond(self._calendars.get(calendar_id or "_all", Page(*parameters.page()) if paged else None))

    def delete(self, call: Call) -> Response:
        """`DELETE /{calendar_id}`."""
        self._calendars.delete(call.path["calendar_id"])
        return call.respond({"acknowledged": True})

    def add_jobs(self, call: Call) -> Response:
        """`PUT /{calendar_id}/jobs/{job_id}`: ids and groups, separated by commas."""
        return call.respond(self._calendars.change_jobs(call.path["calendar_id"], add=_names(call)))

    def remove_jobs(self, call: Call) -> Response:
        """`DELETE /{calendar_id}/jobs/{job_id}`."""
        return call.respond(self._calendars.change_jobs(call.path["calendar_id"], remove=_names(call)))

    def events(self, call: Call) -> Response:
        """`GET /{calendar_id}/events`."""
        names = ("calendar_id", "end", "job_id", "page", "start")
        parameters = Parameters(call, in_body=names, parser="cluster:monitor/xpack/ml/calendars/events/get")
        return call.respond(
            self._calendars.events(
                call.path["calendar_id"],
                job_id=parameters.text("job_id"),
                start_ms=parameters.instant_ms("start"),
                end_ms=parameters.instant_ms("end"),
                page=Page(*parameters.page()),
            )
        )

    def post_events(self, call: Call) -> Response:
        """`POST /{calendar_id}/events`."""
        return call.respond(self._calendars.post_events(call.path["calendar_id"], call.json(required=True)))

    def delete_event(self, call: Call) -> Response:
        """`DELETE /{calendar_id}/events/{event_id}`."""
        self._calendars.delete_event(call.path["calendar_id"], call.path["event_id"])
        return call.respond({"acknowledged": True})


def _names(call: Call) -> list[str]:
    return [name for name in call.path["job_id"].split(",") if name]
