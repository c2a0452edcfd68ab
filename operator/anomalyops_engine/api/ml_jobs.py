"""Endpoints of anomaly detection jobs."""

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
from anomalyops_engine.config.units import MINUTE_MS, Duration, uneven_span
from anomalyops_engine.jobs import JobService

_BASE: Final = "/_ml/anomaly_detectors"
_OPEN_TIMEOUT_MS: Final = 30 * MINUTE_MS


class JobEndpoints:
    """Handlers under `/_ml/anomaly_detectors`, without the results."""

    def __init__(self, service: JobService) -> None:
        self._jobs = service.jobs
        self._tasks = service.tasks

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        listed = known(["allow_no_match", "exclude_generated"])
        stats = known(["allow_no_match"])
        create = known(INDICES_OPTIONS)
        opening = known(["timeout"])
        closing = known(["allow_no_match", "force", "timeout"])
        deleting = known(["delete_user_annotations", "force", "wait_for_completion"])
        resetting = known(["delete_user_annotations", "wait_for_completion"])
        one = _BASE + "/{job_id}"
        return [
            Endpoint("POST", _BASE + "/_validate", Lane.STATE, self.validate),
            Endpoint("POST", _BASE + "/_validate/detector", Lane.STATE, self.validate_detector),
            Endpoint("GET", _BASE + "/_stats", Lane.STATE, self.stats, stats),
            Endpoint("GET", one + "/_stats", Lane.STATE, self.stats, stats),
            Endpoint("POST", one + "/_update", Lane.MANAGEMENT, self.update),
            Endpoint("POST", one + "/_open", Lane.MANAGEMENT, self.open, opening),
            Endpoint("POST", one + "/_close", Lane.MANAGEMENT, self.close, closing),
            Endpoint("POST", one + "/_reset", Lane.MANAGEMENT, self.reset, resetting),
            Endpoint("GET", _BASE, Lane.STATE, self.get, listed),
            Endpoint("GET", _BASE + "/", Lane.STATE, self.get, listed),
            Endpoint("GET", one, Lane.STATE, self.get, listed),
            Endpoint("PUT", one, Lane.MANAGEMENT, self.create, create),
            Endpoint("DELETE", one, Lane.MANAGEMENT, self.delete, deleting),
            # What is asked for a task is done by the time that its id is known.
            Endpoint("GET", "/_tasks/{task_id}", Lane.STATE, self.task, known(idle=["timeout", "wait_for_completion"])),
        ]

    def create(self, call: Call) -> Response:
        """`PUT /{job_id}`."""
        body = call.json(required=True)
        maker = maker_of(call.request)
        job = self._jobs.create(call.path["job_id"], body, indices_options=indices_options(call), maker=maker)
        uneven = uneven_span(Duration.read(job["analysis_config"]["bucket_span"], "bucket_span"))
        if uneven is not None:
            call.warn(uneven)
        return call.respond(job)

    def get(self, call: Call) -> Response:
        """`GET /[{job_id}]`."""
        parameters = Parameters(call)
        return call.respond(
            self._jobs.get(
                call.path.get("job_id", "_all"),
                allow_no_match=parameters.flag("allow_no_match", default=True),
                exclude_generated=parameters.flag("exclude_generated", default=False),
            )
        )

    def update(self, call: Call) -> Response:
        """`POST /{job_id}/_update`."""
        return call.respond(self._jobs.update(call.path["job_id"], call.json(required=True)))

    def delete(self, call: Call) -> Response:
        """`DELETE /{job_id}`."""
        parameters = Parameters(call)
        task = self._tasks.new_id()
        self._jobs.delete(
            call.path["job_id"],
            force=parameters.flag("force", default=False),
            delete_user_annotations=parameters.flag("delete_user_annotations", default=False),
            task=task,
        )
        return self._acknowledge(call, parameters, task, "cluster:admin/xpack/ml/job/delete")

    def reset(self, call: Call) -> Response:
        """`POST /{job_id}/_reset`."""
        parameters = Parameters(call)
        task = self._tasks.new_id()
        self._jobs.reset(
            call.path["job_id"],
            delete_user_annotations=parameters.flag("delete_user_annotations", default=False),
        )
        return self._acknowledge(call, parameters, task, "cluster:admin/xpack/ml/job/reset")

    def _acknowledge(self, call: Call, parameters: Parameters, task: str, action: str) -> Response:
        """Answer a deletion or reset: it is done by now, also for those who would rather watch a task."""
        if parameters.flag("wait_for_completion", default=True):
            return call.respond({"acknowledged": True})
        self._tasks.finish(
            task, action=action, description=f"job-{call.path['job_id']}", response={"acknowledged": True}
        )
        return call.respond({"task": task})

    def task(self, call: Call) -> Response:
        """`GET /_tasks/{task_id}`: the outcome of a deletion or reset that was not waited for."""
        task = self._tasks.outcome(call.path["task_id"])
        if task is None:
            raise ApiError(404, "resource_not_found_exception", self._absent(call.path["task_id"]))
        return call.respond(task)

    def _absent(self, task_id: str) -> str:
        """Return why nothing is known of a task.

        Raises:
            ApiError: 400; no task can have this id.
        """
        node, separator, number = task_id.rpartition(":")
        if not separator or not number.isdigit():
            raise ApiError(400, "illegal_argument_exception", f"malformed task id {task_id}")
        if self._tasks.is_ours(node):
            return f"task [{task_id}] isn't running and hasn't stored its results"
        return (
            f"task [{task_id}] belongs to the node [{node}] which isn't part of the cluster and there is no record of "
            "the task"
        )

    def open(self, call: Call) -> Response:
        """`POST /{job_id}/_open`."""
        parameters = Parameters(call, in_body=("job_id", "timeout"), parser="open_job_request")
        parameters.duration_ms("timeout", _OPEN_TIMEOUT_MS)
        return call.respond(self._jobs.open(call.path["job_id"]))

    def close(self, call: Call) -> Response:
        """`POST /{job_id}/_close`."""
        names = ("allow_no_match", "force", "timeout")
        parameters = Parameters(call, in_body=("job_id", *names), parser="close_job_request")
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
        parameters = Parameters(call)
        return call.respond(
            self._jobs.stats(
                call.path.get("job_id", "_all"),
                allow_no_match=parameters.flag("allow_no_match", default=True),
            )
        )

    def validate(self, call: Call) -> Response:
        """`POST /_validate`."""
        self._jobs.validate(call.json(required=True))
        return call.respond({"acknowledged": True})

    def validate_detector(self, call: Call) -> Response:
        """`POST /_validate/detector`."""
        self._jobs.validate_detector(call.json(required=True))
        return call.respond({"acknowledged": True})
