"""The configurations of jobs and datafeeds as documents, as the index `.ml-config` of a cluster has them."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.jobs import JobService
from anomalyops_engine.query.esql.kept_documents import KeptDocuments

NAME: Final = ".ml-config"
_OPAQUE: Final = frozenset(
    {"aggregations", "analysis_config.detectors.custom_rules", "chunking_config", "custom_settings", "indices_options"}
    | {"query", "runtime_mappings", "script_fields"}
)


def configurations(jobs: JobService) -> KeptDocuments:
    """Return the configurations of all jobs and datafeeds."""
    found = {}
    for job in jobs.jobs.get("_all", allow_no_match=True, exclude_generated=False)["jobs"]:
        own = {key: value for key, value in job.items() if key != "datafeed_config"}
        found[f"anomaly_detector_{job['job_id']}"] = own
    for feed in jobs.datafeeds.get("_all", allow_no_match=True, exclude_generated=False)["datafeeds"]:
        found[f"datafeed_{feed['datafeed_id']}"] = {**feed, "config_type": "datafeed"}
    return KeptDocuments(NAME, found, dates=frozenset({"create_time", "finished_time"}), opaque=_OPAQUE)
