"""All routes of the machine learning API; what is not served yet says so by name."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.errors import not_supported
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import ml_endpoint
from anomalyops_engine.api.ml_cluster import ClusterEndpoints
from anomalyops_engine.api.ml_datafeeds import DatafeedEndpoints
from anomalyops_engine.api.ml_jobs import JobEndpoints
from anomalyops_engine.api.ml_results import ResultEndpoints
from anomalyops_engine.jobs import JobService

_ANY = ["GET", "POST", "PUT", "DELETE", "HEAD"]


def routes(service: JobService) -> list[Route]:
    """Return the routes of jobs, datafeeds, results and cluster information over a job service."""
    return [
        *ClusterEndpoints(service).routes(),
        *DatafeedEndpoints(service).routes(),
        *ResultEndpoints(service).routes(),
        *JobEndpoints(service).routes(),
        Route("/_ml/{path:path}", ml_endpoint(_missing, Lane.STATE), methods=_ANY),
        Route("/_cat/ml/{path:path}", ml_endpoint(_missing, Lane.STATE), methods=["GET"]),
    ]


def _missing(call: Call) -> Response:
    request = call.request
    raise not_supported(f"[{request.method} {request.url.path}] is not supported by the embedded engine yet")
