"""The engine's own indices: results, notifications, annotations, with the mappings that searches rely on."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.config import Job
from anomalyops_engine.config.job import JOB_VERSION
from anomalyops_engine.jobs.documents import (
    ANNOTATIONS_INDEX,
    NOTIFICATIONS_INDEX,
    STATE_INDEX,
    STATE_WRITE_ALIAS,
    results_aliases,
    results_index,
)
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import bad_request
from anomalyops_engine.store import MappingConflictError, Writer


def _properties(**kinds: str) -> JsonObject:
    return {name: {"type": kind} for kind, names in kinds.items() for name in names.replace("\n", " ").split()}


_SPLITS: Final = (
    "by_field_name by_field_value over_field_name over_field_value partition_field_name partition_field_value"
)
_STRINGS_AS_KEYWORDS: Final = [
    {"strings_as_keywords": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}
]
_INFLUENCERS: Final = _properties(keyword="influencer_field_name influencer_field_values")
_POINTS: Final = _properties(geo_point="actual_point typical_point")
RESULTS_MAPPINGS: Final[JsonObject] = {
    "_meta": {"version": JOB_VERSION},
    "dynamic_templates": _STRINGS_AS_KEYWORDS,
    "date_detection": False,
    "properties": {
        **_properties(
            keyword=f"""job_id result_type function function_description field_name {_SPLITS}
                correlated_by_field_value influencer_field_name influencer_field_value model_feature
                snapshot_id min_version memory_status categorization_status mlcategory regex
                forecast_id forecast_alias forecast_status forecast_messages scheduled_events""",
            date="""forecast_start_timestamp forecast_end_timestamp forecast_create_timestamp
                forecast_expiry_timestamp timestamp latest_record_time_stamp latest_result_time_stamp log_time
                earliest_record_timestamp latest_record_timestamp last_data_time
                latest_empty_bucket_timestamp latest_sparse_bucket_timestamp latest_bucket_timestamp""",
            boolean="is_interim retain",
            long="""bucket_span event_count processing_time_ms detector_index snapshot_doc_count
                category_id max_matching_length num_matches preferred_to_categories categorized_doc_count
                total_category_count frequent_category_count rare_category_count dead_category_count
                failed_category_count processed_record_count forecast_memory_bytes""",
            double="""anomaly_score initial_anomaly_score raw_anomaly_score influencer_score
                initial_influencer_score record_score initial_record_score probability multi_bucket_impact
                actual typical model_lower model_upper model_median
                forecast_lower forecast_upper forecast_prediction forecast_progress""",
            text="description terms examples",
        ),
        "bucket_influencers": {
            "properties": _properties(
                keyword="job_id result_type influencer_field_name",
                date="timestamp",
                long="bucket_span",
                boolean="is_interim",
                double="anomaly_score initial_anomaly_score raw_anomaly_score probability",
            )
        },
        "influencers": {"properties": _INFLUENCERS},
        "causes": {
            "properties": {
                **_properties(
                    keyword=f"function function_description field_name {_SPLITS}",
                    double="probability actual typical",
                ),
                "influencers": {"properties": _INFLUENCERS},
                "geo_results": {"properties": _POINTS},
            }
        },
        "anomaly_score_explanation": {
            "properties": _properties(
                keyword="anomaly_type",
                long="""anomaly_length single_bucket_impact multi_bucket_impact
                    anomaly_characteristics_impact""",
                double="lower_confidence_bound typical_value upper_confidence_bound by_field_relative_rarity",
                boolean="""high_variance_penalty incomplete_bucket_penalty multimodal_distribution
                    by_field_first_occurrence""",
            )
        },
        "geo_results": {"properties": _POINTS},
        "model_size_stats": {"enabled": False},
    },
}
_NOTIFICATIONS_MAPPINGS: Final[JsonObject] = {
    "properties": {
        **_properties(keyword="job_id level node_name job_type", date="timestamp"),
        "message": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
    }
}
_ANNOTATIONS_MAPPINGS: Final[JsonObject] = {
    "properties": _properties(
        text="annotation",
        date="create_time timestamp end_timestamp modified_time",
        keyword=f"create_username job_id modified_username type event {_SPLITS}",
        long="detector_index",
    )
}
_HIDDEN: Final = {"index": {"hidden": True}}


def ensure_engine_indices(writer: Writer) -> None:
    """Create the notifications, annotations and state indices and their aliases, when they are not there.

    The engine keeps models elsewhere; the state index is for those who bring documents of their own.
    """
    present = {index.name for index in writer.indices()}
    if not present & {STATE_INDEX, ".ml-state"}:
        aliases: JsonObject = {".ml-state": {}, STATE_WRITE_ALIAS: {"is_write_index": True}}
        writer.create_index(STATE_INDEX, mappings={"dynamic": False}, settings=_HIDDEN, aliases=aliases)
    elif STATE_INDEX in present and not writer.resolve(STATE_WRITE_ALIAS, ignore_unavailable=True):
        writer.put_alias(STATE_WRITE_ALIAS, STATE_INDEX, is_write_index=True)
    if NOTIFICATIONS_INDEX not in present:
        writer.create_index(NOTIFICATIONS_INDEX, mappings=_NOTIFICATIONS_MAPPINGS, settings=_HIDDEN)
    if ANNOTATIONS_INDEX not in present:
        writer.create_index(
            ANNOTATIONS_INDEX,
            mappings=_ANNOTATIONS_MAPPINGS,
            settings=_HIDDEN,
            aliases={".ml-annotations-read": {}, ".ml-annotations-write": {"is_write_index": True}},
        )


def prepare_results(writer: Writer, job: Job) -> None:
    """Create or extend the results index of a job: its analysis fields as keywords, its aliases.

    Raises:
        MlError: 400, when the job's fields clash with those of a job that shares the index.
    """
    name = results_index(job.results_index_name)
    if all(index.name != name for index in writer.indices()):
        writer.create_index(name, mappings=RESULTS_MAPPINGS, settings=_HIDDEN)
    mapping = writer.index(name).mapping
    for field in _copied_fields(job):
        if mapping.fields.get(field) is not None:
            continue
        try:
            mapping = writer.put_mapping(name, {"properties": _nested(field)}).mapping
        except MappingConflictError as error:
            raise bad_request(
                f"This job would cause a mapping clash with existing field [{field}] - "
                "avoid the clash by assigning a dedicated results index"
            ) from error
    read_alias, write_alias = results_aliases(job.job_id)
    writer.put_alias(read_alias, name, filter={"term": {"job_id": job.job_id}})
    writer.put_alias(write_alias, name, is_write_index=True)


def release_results(writer: Writer, job: Job) -> None:
    """Remove a deleted job's aliases, and its dedicated results index when no other job uses it."""
    name = results_index(job.results_index_name)
    index = next((index for index in writer.indices() if index.name == name), None)
    if index is None:
        return
    mine = set(results_aliases(job.job_id))
    if job.results_index_name != "shared" and set(index.aliases) <= mine:
        writer.delete_index(name)
        return
    for alias in mine:
        writer.delete_alias(alias)


def _copied_fields(job: Job) -> list[str]:
    """Return the fields whose values results carry at top level: splits and influencers."""
    config = job.analysis_config
    values = {detector.field_name for detector in config.detectors} | {config.summary_count_field_name}
    terms = set(config.term_fields)
    return [field for field in config.fields if field in terms or field not in values]


def _nested(path: str) -> JsonObject:
    name, _, rest = path.partition(".")
    return {name: {"properties": _nested(rest)} if rest else {"type": "keyword"}}
