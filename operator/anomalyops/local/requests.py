"""Forecasts and reverts in files: they are done once, so somebody has to remember that they were; a cluster does.

What can be said of them from files is said: that the operator does them, and where the job rules them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anomalyops.local.connections import Target
from anomalyops.local.inspecting import Planned
from anomalyops.plan import Obstacle, Plan, Subject, why_never
from anomalyops.resources import AnomalyForecast, AnomalyJob, AnomalyJobSet, Investigation, Reason, RequestResource


def planned_requests(target: Target) -> list[Planned]:
    """What applying would do about the requests of a server's jobs: nothing, and why."""
    jobs = {(pair.namespace, pair.job_name): pair.job for pair in target.pairs}
    return [
        Planned(
            resources=(request,),
            plan=Plan(
                obstacles=tuple(_obstacles(request, jobs)),
                unchecked=(left_to_operator(request),),
            ),
        )
        for request in target.requests
    ]


def left_to_operator(request: RequestResource | AnomalyJobSet | Investigation) -> str:
    """Why nothing is done about a request from files, and what does the same."""
    if isinstance(request, AnomalyJobSet):
        return (
            f"{request.kind} {request.name} takes its values from an index (spec.terms), for which the operator in a "
            "cluster asks; from files, write spec.values"
        )
    if isinstance(request, Investigation):
        return (
            f"{request.kind} {request.name} is made by the operator in a cluster, which keeps its report; from files "
            "use `anomalyops investigate` with the same window"
        )
    job = request.spec.job_ref.name
    instead = (
        f"from files use `anomalyops forecast` with the id of job {job} on the server"
        if isinstance(request, AnomalyForecast)
        else "from files nothing does the same"
    )
    return f"{request.kind} {request.name} is carried out by the operator in a cluster, which remembers it; {instead}"


def _obstacles(
    request: RequestResource | AnomalyJobSet | Investigation, jobs: Mapping[tuple[str, str], AnomalyJob | None]
) -> Iterator[Obstacle]:
    if not isinstance(request, AnomalyForecast):
        return
    job = jobs.get((request.namespace, request.spec.job_ref.name))
    if job is None:
        return
    if why := why_never(job.spec.server_body(), request.spec.duration):
        message = f"AnomalyJob {job.name}: {why}"
        yield Obstacle(reason=Reason.FORECAST_IMPOSSIBLE, message=message, subject=Subject.FORECAST)
