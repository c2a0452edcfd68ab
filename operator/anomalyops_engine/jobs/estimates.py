"""The memory limit that a job would need (`_estimate_model_memory`)."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.config import create_job
from anomalyops_engine.config.reading import integer, mapping, read_field
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import illegal_argument, not_implemented
from anomalyops_engine.scoring import UnsupportedAnalysis, estimated_bytes

# Names may be longer than usual, and values come that nobody thought of.
_RESERVE: Final = 1.1
# The categories of messages are no field of documents, so nobody can count them before the job runs.
_CATEGORIES: Final = {"mlcategory": 500}


def estimate_memory(body: JsonObject) -> JsonObject:
    """Return `{model_memory_estimate}`, what the models of a job take, rounded up to MiB.

    Args:
        body: `analysis_config`; `overall_cardinality`, how many values each by, over and partition field has; and
            `max_bucket_cardinality`, the same of each influencer in a bucket, which costs nothing here.

    Raises:
        MlError: 400 for a bad body or a cardinality that is missing, 501 for what cannot be analysed.
    """
    if body.get("analysis_config") is None:
        raise illegal_argument("[analysis_config] must be specified")
    job, _ = create_job(
        {"analysis_config": body["analysis_config"], "data_description": {"time_field": "@time"}},
        job_id=None,
        now_ms=0,
    )
    cardinality = _CATEGORIES | _cardinality(body, "overall_cardinality")
    _cardinality(body, "max_bucket_cardinality")
    needed = {
        name
        for detector in job.analysis_config.detectors
        for name in (detector.by_field_name, detector.over_field_name, detector.partition_field_name)
        if name
    }
    for name in sorted(needed - cardinality.keys()):
        raise illegal_argument(
            f"[overall_cardinality] must give the number of values of field [{name}], which a detector splits by"
        )
    try:
        size = estimated_bytes(job, cardinality) * _RESERVE
    except UnsupportedAnalysis as error:
        raise not_implemented(str(error)) from error
    return {"model_memory_estimate": f"{max(-(-int(size) >> 20), 1)}mb"}


def _cardinality(body: JsonObject, name: str) -> dict[str, int]:
    given = read_field("estimate", name, mapping, body[name]) if body.get(name) is not None else {}
    numbers = {field: int(read_field(name, field, integer, value)) for field, value in given.items()}
    for field, number in numbers.items():
        if number < 0:
            raise illegal_argument(f"[{name}] of field [{field}] cannot be negative, got [{number}]")
    return numbers
