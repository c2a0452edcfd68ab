"""The endpoint that estimates the memory of a job."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.jobs.estimates import estimate_memory

_NAMES: Final = ("analysis_config", "max_bucket_cardinality", "overall_cardinality")


def estimate_endpoints() -> list[Endpoint]:
    """Return the endpoint."""
    return [Endpoint("POST", "/_ml/anomaly_detectors/_estimate_model_memory", Lane.STATE, _estimate)]


def _estimate(call: Call) -> Response:
    body = call.json(required=True)
    Parameters.of(body, _NAMES, "estimate_model_memory_action")
    return call.respond(estimate_memory(body))
