"""Endpoints of anomaly detection jobs."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import INDICES_OPTIONS, Parameters, indices_options, ml_endpoint
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.units import MINUTE_MS

JsonObject = dict[str, Any]

_BASE: Final = "/_ml/anomaly_detectors"
_OPEN_TIMEOUT_MS: Final = 30 * MINUTE_MS


class JobEndpoints:
    """Handlers under `/_ml/anomaly_detectors`, without the results."""

    def __init__(self, service: JobService) -> None:
        self._service = service
        self._jobs = service.jobs
        self._finished: dict[str, JsonObject] = {}

    def routes(self) -> list[Route]:
        """Return the routes."""
        table = (
            ("POST", "/_validate", Lane.STATE, self.validate),
            ("POST", "/_validate/detector", Lane.STATE, self.validate_detector),
            ("GET", "/_stats", Lane.STATE, self.stats),
            ("GET", "/{job_id}/_stats", Lane.STATE, self.stats),
            ("POST", "/{job_id}/_update", Lane.MANAGEMENT, self.update),
            ("POST", "/{job_id}/_open", Lane.MANAGEMENT, self.open),
            ("POST", "/{job_id}/_close", Lane.MANAGEMENT, self.close),
            ("POST", "/{job_id}/_reset", Lane.MANAGEMENT, self.reset),
            ("GET", "", Lane.STATE, self.get),
            ("GET", "/", Lane.STATE, self.get),
            ("GET", "/{job_id}", Lane.STATE, self.get),
            ("PUT", "/{job_id}", Lane.MANAGEMENT, self.create),
            ("DELETE", "/{job_id}", Lane.MANAGEMENT, self.delete),
        )
        routes = [
            Route(_BASE + path, ml_endpoint(handler, lane), methods=[verb]) for verb, path, lane, handler in table
        ]
        return [*routes, Route("/_tasks/{task_id}", ml_endpoint(self.task, Lane.STATE), methods=["GET"])]

    def create(self, call: Call) -> Response:
        """`PUT /{job_id}`."""
        call.allow(INDICES_OPTIONS)
        body = call.json(required=True)
        job = self._jobs.create(call.path["job_id"], body, indices_options=indices_options(call))
        return call.respond(job)

    def get(self, call: Call) -> Response:
        """`GET /[{job_id}]`."""
        parameters = Parameters(call, ("allow_no_match", "exclude_generated"))
        return call.respond(
            self._jobs.get(
                call.path.get("job_id", "_all"),
                allow_no_match=parameters.flag("allow_no_match", default=True),
                exclude_generated=parameters.flag("exclude_generated", default=False),
            )
        )

    def update(self, call: Call) -> Response:
        """`POST /{job_id}/_update`."""
        call.allow()
        return call.respond(self._jobs.update(call.path["job_id"], call.json(required=True)))

    def delete(self, call: Call) -> Response:
        """`DELETE /{job_id}`."""
        parameters = Parameters(call, ("force", "wait_for_completion", "delete_user_annotations"))
        task = self._service.next_task()
        self._jobs.delete(
            call.path["job_id"],
            force=parameters.flag("force", default=False),
            delete_user_annotations=parameters.flag("delete_user_annotations", default=False),
            task=task,
        )
        return self._acknowledge(call, parameters, task, "cluster:admin/xpack/ml/job/delete")

    def reset(self, call: Call) -> Response:
        """`POST /{job_id}/_reset`."""
        parameters = Parameters(call, ("wait_for_completion", "delete_user_annotations"))
        task = self._service.next_task()
        self._jobs.reset(
            call.path["job_id"],
            delete_user_annotations=parameters.flag("delete_user_annotations", default=False),
        )
        return self._acknowledge(call, parameters, task, "cluster:admin/xpack/ml/job/reset")

    def _acknowledge(self, call: Call, parameters: Parameters, task: str, action: str) -> Response:
        """Answer a deletion or reset: it is done by now, also for those who would rather watch a task."""
        if parameters.flag("wait_for_completion", default=True):
            return call.respond({"acknowledged": True})
        node, _, number = task.partition(":")
        self._finished[task] = {
            "completed": True,
            "task": {
                "node": node,
                "id": int(number),
                "type": "transport",
                "action": action,
                "description": f"job-{call.path['job_id']}",
                "cancellable": False,
                "headers": {},
            },
            "response": {"acknowledged": True},
        }
        return call.respond({"task": task})

    def task(self, call: Call) -> Response:
        """`GET /_tasks/{task_id}`: the outcome of a deletion or reset that was not waited for."""
        call.allow(("timeout", "wait_for_completion"))
        task = self._finished.get(call.path["task_id"])
        if task is None:
            raise ApiError(
                404,
                "resource_not_found_exception",
                f"task [{call.path['task_id']}] isn't running and hasn't stored its results",
            )
        return call.respond(task)

    def open(self, call: Call) -> Response:
        """`POST /{job_id}/_open`."""
        parameters = Parameters(call, ("timeout",), in_body=("job_id", "timeout"), parser="open_job_request")
        parameters.duration_ms("timeout", _OPEN_TIMEOUT_MS)
        return call.respond(self._jobs.open(call.path["job_id"]))

    def close(self, call: Call) -> Response:
        """`POST /{job_id}/_close`."""
        names = ("allow_no_match", "force", "timeout")
        parameters = Parameters(call, names, in_body=("job_id", *names), parser="close_job_request")
        return call.respond(
            self._jobs.close(
                call.path["job_id"],
                allow_no_match=parameters.flag("allow_no_match", default=True),
                force=parameters.flag("force", default=False),
                timeout_ms=parameters.duration_ms("timeout", _OPEN_TIMEOUT_MS),
            )
        )

    def stats(self, call: Call) -> Response:
        """`GET /[{job_id}/]_stats`."""
        parameters = Parameters(call, ("allow_no_match",))
        return call.respond(
            self._jobs.stats(
                call.path.get("job_id", "_all"),
                allow_no_match=parameters.flag("allow_no_match", default=True),
            )
        )

    def validate(self, call: Call) -> Response:
        """`POST /_validate`."""
        call.allow()
        self._jobs.validate(call.json(required=True))
        return call.respond({"acknowledged": True})

    def validate_detector(self, call: Call) -> Response:
        """`POST /_validate/detector`."""
        call.allow()
        self._jobs.validate_detector(call.json(required=True))
        return call.respond({"acknowledged": True})
