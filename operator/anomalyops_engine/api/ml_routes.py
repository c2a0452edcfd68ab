"""All endpoints of the machine learning API; what is not served yet says so by name."""

from __future__ import annotations

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.cat_ml import CatEndpoints
from anomalyops_engine.api.cluster_settings import SettingsEndpoints
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import not_supported
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_calendars import CalendarEndpoints
from anomalyops_engine.api.ml_categories import CategoryEndpoints
from anomalyops_engine.api.ml_data import DataEndpoints
from anomalyops_engine.api.ml_datafeeds import DatafeedEndpoints
from anomalyops_engine.api.ml_estimates import estimate_endpoints
from anomalyops_engine.api.ml_filters import FilterEndpoints
from anomalyops_engine.api.ml_forecasts import ForecastEndpoints
from anomalyops_engine.api.ml_jobs import JobEndpoints
from anomalyops_engine.api.ml_memory import MemoryEndpoints
from anomalyops_engine.api.ml_results import ResultEndpoints
from anomalyops_engine.api.ml_snapshots import SnapshotEndpoints
from anomalyops_engine.api.tasks import TaskEndpoints
from anomalyops_engine.jobs import JobService


def endpoints(service: JobService) -> list[Endpoint]:
    """Return the endpoints of jobs, datafeeds, results and forecasts over a job service."""
    return [
        *DatafeedEndpoints(service).endpoints(),
        *DataEndpoints(service).endpoints(),
        *ResultEndpoints(service).endpoints(),
        *CategoryEndpoints(service).endpoints(),
        *ForecastEndpoints(service).endpoints(),
        *SnapshotEndpoints(service).endpoints(),
        *estimate_endpoints(),
        *CatEndpoints(service).endpoints(),
        *TaskEndpoints(service).endpoints(),
        *SettingsEndpoints(service).endpoints(),
        *MemoryEndpoints(service).endpoints(),
        *FilterEndpoints(service).endpoints(),
        *CalendarEndpoints(service).endpoints(),
        *JobEndpoints(service).endpoints(),
        Endpoint("GET POST PUT DELETE HEAD", "/_ml/{path:path}", Lane.STATE, _missing, None),
        Endpoint("GET", "/_cat/ml/{path:path}", Lane.STATE, _missing, None),
    ]


def _missing(call: Call) -> Response:
    request = call.request
    raise not_supported(f"[{request.method} {request.url.path}] is not supported by the embedded engine yet")
