"""`_cat/ml/...`: jobs and datafeeds as tables, and the tables of what this engine has none of."""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.responses import Response

from anomalyops_engine.api import cat_table
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.cat_table import Column, Kind
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.jobs import JobService
from anomalyops_engine.json_types import JsonObject

_COUNTS: Final = "data_counts."
_MODEL: Final = "model_size_stats."
_FORECASTS: Final = "forecasts_stats."
_TIMING: Final = "timing_stats."
_BYTES, _TIME, _DATE = Kind.BYTES, Kind.TIME, Kind.DATE

_NODE: Final = (
    Column("node.id", ("ni", "nodeId"), "node.id", "id of the assigned node"),
    Column("node.name", ("nn", "nodeName"), "node.name", "name of the assigned node"),
    Column("node.ephemeral_id", ("ne", "nodeEphemeralId"), "node.ephemeral_id", "ephemeral id of the assigned node"),
    Column("node.address", ("na", "nodeAddress"), "node.transport_address", "network address of the assigned node"),
)


def _camel(name: str) -> str:
    """Return the long alias of a column: `data.input_bytes` is `dataInputBytes` too."""
    first, *rest = name.replace(".", "_").split("_")
    return first + "".join(part.capitalize() for part in rest)


def _column(name: str, short: str, path: str, about: str, kind: Kind = Kind.PLAIN, *, shown: bool = False) -> Column:
    return Column(name, (short, _camel(name)), path, about, shown=shown, kind=kind)


def _forecast_columns() -> list[Column]:
    kinds = (
        ("memory", "fm", "memory_bytes", _BYTES),
        ("records", "fr", "records", Kind.PLAIN),
        ("time", "ft", "processing_time_ms", _TIME),
    )
    figures = (("min", "min"), ("max", "max"), ("avg", "avg"), ("total", "t"))
    return [
        _column(f"forecasts.{what}.{figure}", short + end, f"{_FORECASTS}{path}.{figure}", f"{figure} {what}", kind)
        for what, short, path, kind in kinds
        for figure, end in figures
    ]


JOB_COLUMNS: Final = (
    Column("id", (), "job_id", "the job_id", shown=True),
    Column("state", ("s",), "state", "the job state", shown=True, right=True),
    Column("opened_time", ("ot",), "open_time", "the amount of time the job has been opened"),
    Column("assignment_explanation", ("ae",), "assignment_explanation", "why the job is or is not on a node"),
    _column("data.processed_records", "dpr", f"{_COUNTS}processed_record_count", "processed records", shown=True),
    _column("data.processed_fields", "dpf", f"{_COUNTS}processed_field_count", "number of processed fields"),
    _column("data.input_bytes", "dib", f"{_COUNTS}input_bytes", "total input bytes", _BYTES),
    _column("data.input_records", "dir", f"{_COUNTS}input_record_count", "total record count"),
    _column("data.input_fields", "dif", f"{_COUNTS}input_field_count", "total field count"),
    _column("data.invalid_dates", "did", f"{_COUNTS}invalid_date_count", "records with invalid dates"),
    _column("data.missing_fields", "dmf", f"{_COUNTS}missing_field_count", "records with missing fields"),
    _column("data.out_of_order_timestamps", "doot", f"{_COUNTS}out_of_order_timestamp_count", "records out of order"),
    _column("data.empty_buckets", "deb", f"{_COUNTS}empty_bucket_count", "number of empty buckets"),
    _column("data.sparse_buckets", "dsb", f"{_COUNTS}sparse_bucket_count", "number of sparse buckets"),
    _column("data.buckets", "db", f"{_COUNTS}bucket_count", "total bucket count"),
    _column("data.earliest_record", "der", f"{_COUNTS}earliest_record_timestamp", "earliest record time", _DATE),
    _column("data.latest_record", "dlr", f"{_COUNTS}latest_record_timestamp", "latest record time", _DATE),
    _column("data.last", "dl", f"{_COUNTS}last_data_time", "last time data was seen", _DATE),
    _column("data.last_empty_bucket", "dleb", f"{_COUNTS}latest_empty_bucket_timestamp", "last empty bucket", _DATE),
    _column("data.last_sparse_bucket", "dlsb", f"{_COUNTS}latest_sparse_bucket_timestamp", "last sparse bucket", _DATE),
    _column("model.bytes", "mb", f"{_MODEL}model_bytes", "model size", _BYTES, shown=True),
    Column(
        "model.memory_status",
        ("mms", "modelMemoryStatus"),
        f"{_MODEL}memory_status",
        "current memory status",
        shown=True,
        right=True,
    ),
    _column("model.bytes_exceeded", "mbe", f"{_MODEL}model_bytes_exceeded", "bytes beyond the limit", _BYTES),
    _column("model.memory_limit", "mml", f"{_MODEL}model_bytes_memory_limit", "model memory limit", _BYTES),
    _column("model.by_fields", "mbf", f"{_MODEL}total_by_field_count", "count of 'by' fields"),
    _column("model.over_fields", "mof", f"{_MODEL}total_over_field_count", "count of 'over' fields"),
    _column("model.partition_fields", "mpf", f"{_MODEL}total_partition_field_count", "count of 'partition' fields"),
    _column(
        "model.bucket_allocation_failures",
        "mbaf",
        f"{_MODEL}bucket_allocation_failures_count",
        "number of bucket allocation failures",
    ),
    Column(
        "model.categorization_status",
        ("mcs", "modelCategorizationStatus"),
        f"{_MODEL}categorization_status",
        "current categorization status",
        right=True,
    ),
    _column("model.categorized_doc_count", "mcdc", f"{_MODEL}categorized_doc_count", "count of categorized documents"),
    _column("model.total_category_count", "mtcc", f"{_MODEL}total_category_count", "count of categories"),
    _column("model.frequent_category_count", "mfcc", f"{_MODEL}frequent_category_count", "frequent categories"),
    _column("model.rare_category_count", "mrcc", f"{_MODEL}rare_category_count", "count of rare categories"),
    _column("model.dead_category_count", "mdcc", f"{_MODEL}dead_category_count", "count of dead categories"),
    _column("model.failed_category_count", "mfacc", f"{_MODEL}failed_category_count", "count of failed categories"),
    _column("model.log_time", "mlt", f"{_MODEL}log_time", "when the model stats were gathered", _DATE),
    _column("model.timestamp", "mt", f"{_MODEL}timestamp", "time of the last record of the model stats", _DATE),
    _column("forecasts.total", "ft", f"{_FORECASTS}total", "total number of forecasts", shown=True),
    *_forecast_columns(),
    *_NODE,
    _column("buckets.count", "bc", f"{_TIMING}bucket_count", "bucket count", shown=True),
    _column("buckets.time.total", "btt", f"{_TIMING}total_bucket_processing_time_ms", "total processing time", _TIME),
    _column("buckets.time.min", "btmin", f"{_TIMING}minimum_bucket_processing_time_ms", "least time a bucket", _TIME),
    _column("buckets.time.max", "btmax", f"{_TIMING}maximum_bucket_processing_time_ms", "most time a bucket", _TIME),
    _column(
        "buckets.time.exp_avg",
        "btea",
        f"{_TIMING}exponential_average_bucket_processing_time_ms",
        "exponential average bucket processing time (milliseconds)",
    ),
    _column(
        "buckets.time.exp_avg_hour",
        "bteah",
        f"{_TIMING}exponential_average_bucket_processing_time_per_hour_ms",
        "exponential average bucket processing time by hour (milliseconds)",
    ),
)

DATAFEED_COLUMNS: Final = (
    Column("id", (), "datafeed_id", "the datafeed_id", shown=True),
    Column("state", ("s",), "state", "the datafeed state", shown=True, right=True),
    Column("assignment_explanation", ("ae",), "assignment_explanation", "why the datafeed is or is not on a node"),
    _column("buckets.count", "bc", f"{_TIMING}bucket_count", "bucket count", shown=True),
    _column("search.count", "sc", f"{_TIMING}search_count", "number of searches run by the datafeed", shown=True),
    _column("search.time", "st", f"{_TIMING}total_search_time_ms", "the total search time", _TIME),
    Column(
        "search.bucket_avg",
        ("sba", "searchBucketAvg"),
        f"{_TIMING}average_search_time_per_bucket_ms",
        "the average search time per bucket (milliseconds)",
        absent=0.0,
    ),
    _column(
        "search.exp_avg_hour",
        "seah",
        f"{_TIMING}exponential_average_search_time_per_hour_ms",
        "the exponential average search time per hour (milliseconds)",
    ),
    *_NODE,
)


def _named(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, (), name, name.replace("_", " "), shown=True) for name in names)


# What they would hold is not anomaly detection; a client that asks for it learns that there is none.
ANALYTICS_COLUMNS: Final = _named("id", "type", "create_time", "state")
MODEL_COLUMNS: Final = _named(
    "id", "heap_size", "operations", "create_time", "type", "ingest.pipelines", "data_frame.id"
)


class CatEndpoints:
    """Handlers under `/_cat/ml`."""

    def __init__(self, service: JobService) -> None:
        self._service = service

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        # There are no models to be shown page by page.
        parameters = cat_table.parameters("allow_no_match")
        paged = cat_table.parameters("allow_no_match", idle=("from", "size"))
        found = []
        for path, handler, taken in (
            ("anomaly_detectors", self.jobs, parameters),
            ("datafeeds", self.datafeeds, parameters),
            ("data_frame/analytics", partial(_none, ANALYTICS_COLUMNS, "data frame analytics"), parameters),
            ("trained_models", partial(_none, MODEL_COLUMNS, "trained model"), paged),
        ):
            found += [
                Endpoint("GET", f"/_cat/ml/{path}", Lane.STATE, handler, taken),
                Endpoint("GET", f"/_cat/ml/{path}/{{id}}", Lane.STATE, handler, taken),
            ]
        return found

    def jobs(self, call: Call) -> Response:
        """`GET /anomaly_detectors[/{job_id}]`."""
        return cat_table.respond(call, JOB_COLUMNS, lambda: self._jobs(call))

    def _jobs(self, call: Call) -> list[JsonObject]:
        found: list[JsonObject] = self._service.jobs.stats(_id(call), allow_no_match=_allows(call))["jobs"]
        return found

    def datafeeds(self, call: Call) -> Response:
        """`GET /datafeeds[/{datafeed_id}]`."""
        return cat_table.respond(call, DATAFEED_COLUMNS, lambda: self._datafeeds(call))

    def _datafeeds(self, call: Call) -> list[JsonObject]:
        found: list[JsonObject] = self._service.datafeeds.stats(_id(call), allow_no_match=_allows(call))["datafeeds"]
        return found


def _id(call: Call) -> str:
    return call.path.get("id", "_all")


def _allows(call: Call) -> bool:
    return Parameters(call).flag("allow_no_match", default=True)


def _none(columns: tuple[Column, ...], what: str, call: Call) -> Response:
    """Answer for things of which there are none: an empty table, or 404 for one by its id."""
    wanted = call.path.get("id", "_all")
    if wanted not in {"_all", "*"} and ("*" not in wanted or not _allows(call)):
        raise ApiError(404, "resource_not_found_exception", f"No known {what} with id [{wanted}]")
    return cat_table.respond(call, columns, list)
