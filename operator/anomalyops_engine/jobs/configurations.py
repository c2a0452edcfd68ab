"""The index `.ml-config`: the configurations of jobs and datafeeds as documents, written together with them.

Ids, fields and mapping are those of Elasticsearch (`Job.documentId`, `DatafeedConfig.documentId`, the mappings of its
index), so that whoever reads the index of a cluster reads this one. The registry is what counts: the
documents show it, and nobody else can write them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import orjson

from anomalyops_engine.config import Datafeed, Job
from anomalyops_engine.config.job import JOB_VERSION
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import MappingConflictError, Writer
from anomalyops_engine.store.catalog import ML_CONFIG

_log = logging.getLogger(__name__)


def _kept(*names: str) -> JsonObject:
    """Return fields that are in the source and are not looked into."""
    return {name: {"type": "object", "enabled": False} for name in names}


def _of(kind: str, names: str) -> JsonObject:
    return {name: {"type": kind} for name in names.split()}


_DETECTOR: Final = {
    **_of("keyword", "by_field_name exclude_frequent field_name function over_field_name partition_field_name"),
    **_of("text", "detector_description"),
    **_of("integer", "detector_index"),
    **_of("boolean", "use_null"),
    **_kept("custom_rules"),
}
_ANALYSIS: Final = {
    **_of("keyword", "bucket_span categorization_field_name categorization_filters influencers latency"),
    **_of("keyword", "model_prune_window summary_count_field_name"),
    **_of("boolean", "multivariate_by_fields"),
    **_kept("categorization_analyzer"),
    "per_partition_categorization": {"properties": _of("boolean", "enabled stop_on_warn")},
    "detectors": {"properties": _DETECTOR},
}
MAPPINGS: Final[JsonObject] = {
    "_meta": {"version": JOB_VERSION},
    "dynamic": False,
    "properties": {
        **_of("keyword", "job_id job_type job_version groups config_type datafeed_id indices results_index_name"),
        **_of("keyword", "background_persist_interval frequency model_snapshot_id model_snapshot_min_version"),
        **_of("keyword", "query_delay"),
        **_of("text", "description"),
        **_of("date", "create_time finished_time"),
        **_of("long", "daily_model_snapshot_retention_after_days max_empty_searches model_snapshot_retention_days"),
        **_of("long", "renormalization_window_days results_retention_days scroll_size"),
        **_of("boolean", "allow_lazy_open"),
        **_kept("aggregations", "custom_settings", "indices_options", "query", "runtime_mappings", "script_fields"),
        "analysis_config": {"properties": _ANALYSIS},
        "analysis_limits": {
            "properties": {**_of("keyword", "model_memory_limit"), **_of("long", "categorization_examples_limit")}
        },
        "chunking_config": {"properties": _of("keyword", "mode time_span")},
        "data_description": {
            "properties": _of("keyword", "field_delimiter format quote_character time_field time_format")
        },
        "delayed_data_check_config": {
            "properties": {**_of("keyword", "check_window"), **_of("boolean", "enabled")},
        },
        "model_plot_config": {
            "properties": {**_of("keyword", "terms"), **_of("boolean", "annotations_enabled enabled")},
        },
    },
}


def job_document_id(job_id: str) -> str:
    """Return the id of the document of a job."""
    return f"anomaly_detector-{job_id}"


def datafeed_document_id(datafeed_id: str) -> str:
    """Return the id of the document of a datafeed."""
    return f"datafeed-{datafeed_id}"


def show_job(writer: Writer, job: Job) -> None:
    """Write the document of a job."""
    _prepare(writer)
    writer.put_own_documents(ML_CONFIG, {job_document_id(job.job_id): job.render()})


def show_datafeed(writer: Writer, feed: Datafeed) -> None:
    """Write the document of a datafeed."""
    _prepare(writer)
    writer.put_own_documents(ML_CONFIG, {datafeed_document_id(feed.datafeed_id): _of_datafeed(feed)})


def hide(writer: Writer, document_id: str) -> None:
    """Remove a document, as far as it is there."""
    if _is_there(writer):
        writer.delete_own_documents(ML_CONFIG, [document_id])


def show_all(writer: Writer, jobs: Mapping[str, Job], feeds: Mapping[str, Datafeed]) -> None:
    """Make the index show what there is: of a folder that an older engine left, or of a restored one."""
    documents = {job_document_id(name): job.render() for name, job in jobs.items()}
    documents |= {datafeed_document_id(name): _of_datafeed(feed) for name, feed in feeds.items()}
    if not documents and not _is_there(writer):
        return
    _prepare(writer)
    present = writer.own_documents(ML_CONFIG)
    writer.delete_own_documents(ML_CONFIG, [each for each in present if each not in documents])
    changed = {name: body for name, body in documents.items() if present.get(name) != orjson.dumps(body)}
    writer.put_own_documents(ML_CONFIG, changed)


def _of_datafeed(feed: Datafeed) -> JsonObject:
    return {**feed.render(), "config_type": "datafeed"}


def _is_there(writer: Writer) -> bool:
    return any(index.name == ML_CONFIG for index in writer.indices())


def _prepare(writer: Writer) -> None:
    if not _is_there(writer):
        writer.create_index(ML_CONFIG, mappings=MAPPINGS, settings={"index": {"hidden": True}})
        return
    if writer.index(ML_CONFIG).mapping.to_body().get("_meta") != MAPPINGS["_meta"]:
        try:
            writer.refit_own_index(ML_CONFIG, MAPPINGS)
        except MappingConflictError as error:
            # Somebody's own index of before this name was the engine's: what it has stays readable as it was mapped.
            _log.warning("index [%s] keeps the fields that it has: %s", ML_CONFIG, error)
