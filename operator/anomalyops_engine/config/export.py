"""`exclude_generated`: a configuration without what the server made, fit to be PUT elsewhere."""

from __future__ import annotations

from typing import Any, Final

from anomalyops_engine.config.datafeed import DEFAULT_INDICES_OPTIONS, default_query_delay

JsonObject = dict[str, Any]

_JOB_GENERATED: Final = frozenset(
    {
        "job_id",
        "job_type",
        "job_version",
        "create_time",
        "finished_time",
        "model_snapshot_id",
        "model_snapshot_min_version",
        "deleting",
        "blocked",
    }
)


def exportable_job(job: JsonObject) -> JsonObject:
    """Return a job without generated fields; a custom results index loses its prefix."""
    exported = {key: value for key, value in job.items() if key not in _JOB_GENERATED}
    exported["results_index_name"] = job["results_index_name"].removeprefix("custom-")
    return exported


def exportable_datafeed(datafeed: JsonObject) -> JsonObject:
    """Return a datafeed without ids and without what is only the default for its job."""
    generated = {"datafeed_id", "job_id"}
    if datafeed["query_delay"] == default_query_delay(datafeed["job_id"]):
        generated.add("query_delay")
    if datafeed["indices_options"] == DEFAULT_INDICES_OPTIONS:
        generated.add("indices_options")
    if datafeed["chunking_config"] == {"mode": "auto"}:
        generated.add("chunking_config")
    return {key: value for key, value in datafeed.items() if key not in generated}
