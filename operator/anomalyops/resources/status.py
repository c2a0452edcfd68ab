"""What the operator reports about each resource: coarse facts that change rarely, and conditions."""

from __future__ import annotations

from pydantic import Field

from anomalyops.resources.base import StatusModel, Timestamp
from anomalyops.resources.conditions import Condition
from anomalyops.resources.retained_snapshots import MOST_RETAINED, RetainedSnapshotStatus


class ResourceStatus(StatusModel):
    """What every kind reports."""

    observed_generation: int | None = Field(
        default=None, ge=0, description="The generation of the spec that this status was computed from."
    )
    conditions: list[Condition] = Field(
        default_factory=list,
        max_length=32,
        description="The state of the resource in conditions, after kstatus.",
        # Merged by type, so that others may write conditions of their own.
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )


class MemoryStatus(StatusModel):
    """The model's memory, from the job's `model_size_stats`."""

    status: str | None = Field(default=None, description="ok, soft_limit or hard_limit.")
    model_bytes: int | None = Field(default=None, description="Bytes that the model uses.")
    peak_bytes: int | None = Field(default=None, description="The most bytes that the model ever used.")
    limit_bytes: int | None = Field(default=None, description="The limit in bytes.")
    percent: int | None = Field(default=None, description="Used part of the limit, in whole percent.")
    recommended_limit: str | None = Field(
        default=None, description="The limit that the job needs, as a manifest writes it; absent while it suffices."
    )
    raised_time: Timestamp | None = Field(default=None, description="When the limit was last seen to have been raised.")


class DataCounts(StatusModel):
    """What the job has read, from its `data_counts`."""

    processed_record_count: int | None = Field(default=None, description="Records analysed.")
    input_record_count: int | None = Field(default=None, description="Records read.")
    missing_field_count: int | None = Field(default=None, description="Records that lacked a field.")
    invalid_date_count: int | None = Field(default=None, description="Records refused for an invalid time.")
    out_of_order_timestamp_count: int | None = Field(
        default=None, description="Records refused because they came too late."
    )
    bucket_count: int | None = Field(default=None, description="Buckets finalised.")
    empty_bucket_count: int | None = Field(default=None, description="Buckets without a record.")
    earliest_record_time: Timestamp | None = Field(default=None, description="Time of the earliest record.")
    latest_record_time: Timestamp | None = Field(default=None, description="Time of the latest record.")


class DelayedData(StatusModel):
    """Documents that the datafeed missed because they were indexed too late."""

    missing_documents: int | None = Field(default=None, description="How many documents were missed.")
    latest_bucket: Timestamp | None = Field(default=None, description="End of the latest bucket concerned.")
    observed_at: Timestamp | None = Field(default=None, description="When the server reported it.")


class QueryDelayStatus(StatusModel):
    """How late documents come, and the query delay that follows from it."""

    p50: str | None = Field(default=None, description="Half of the documents were there after this time.")
    p95: str | None = Field(default=None, description="95 of 100 documents were there after this time.")
    p99: str | None = Field(default=None, description="99 of 100 documents were there after this time.")
    documents: int | None = Field(
        default=None,
        description="How many documents were looked at; 0 where they do not say when they were ingested.",
    )
    too_late: int | None = Field(
        default=None, description="How many more came later than the longest delay allowed; they are not counted."
    )
    recommended_delay: str | None = Field(
        default=None, description="The query delay that the data need; absent while the present one suffices."
    )
    measured_time: Timestamp | None = Field(default=None, description="When this was measured.")
    raised_time: Timestamp | None = Field(default=None, description="When the operator raised the query delay last.")


class EffectiveSearch(StatusModel):
    """The time range that the datafeed searches."""

    start: Timestamp | None = Field(default=None, description="Start of the range.")
    end: Timestamp | None = Field(default=None, description="End of the range; absent in real time.")


class Placement(StatusModel):
    """The server that an object lives on, noted before the first write to it; it does not change by itself."""

    connection: str | None = Field(default=None, description="The connection that led there, as namespace/name.")
    cluster_uuid: str | None = Field(default=None, description="The server's cluster uuid; absent when it has none.")


class AnomalyJobStatus(ResourceStatus):
    """The state of an AnomalyJob."""

    job_id: str | None = Field(default=None, description="The id of the job on the server.")
    job_state: str | None = Field(
        default=None, description="The server's state: closed, opening, opened, closing or failed."
    )
    datafeed_state: str | None = Field(
        default=None, description="The state of the job's datafeed: stopped, starting, started or stopping."
    )
    node: str | None = Field(default=None, description="The node that runs the job.")
    assignment_explanation: str | None = Field(
        default=None, description="Why the job has no node, in the server's words."
    )
    memory: MemoryStatus | None = Field(default=None, description="The model's memory.")
    data_counts: DataCounts | None = Field(
        default=None, description="What the job has read; while it is open, cut off to 1, 2 or 5 times a power of ten."
    )
    delayed_data: DelayedData | None = Field(default=None, description="Documents missed for ingest latency.")
    retained_snapshots: list[RetainedSnapshotStatus] | None = Field(
        default=None, max_length=MOST_RETAINED, description="The model snapshots that are retained."
    )
    retained_snapshot_count: int | None = Field(
        default=None, description="How many those are; absent where the manifest asks for none."
    )
    placement: Placement | None = Field(default=None, description="The server that the job lives on.")
    last_sync_time: Timestamp | None = Field(default=None, description="When the server was last changed.")


class DatafeedStatus(ResourceStatus):
    """The state of a Datafeed."""

    datafeed_id: str | None = Field(default=None, description="The id of the datafeed on the server.")
    job_id: str | None = Field(default=None, description="The id of its job on the server.")
    datafeed_state: str | None = Field(
        default=None, description="The server's state: stopped, starting, started or stopping."
    )
    node: str | None = Field(default=None, description="The node that runs the datafeed.")
    assignment_explanation: str | None = Field(
        default=None, description="Why the datafeed has no node, in the server's words."
    )
    real_time: bool | None = Field(default=None, description="Whether it has caught up and reads in real time.")
    query_delay: QueryDelayStatus | None = Field(
        default=None, description="How late documents come; absent where queryDelayPolicy does not ask for it."
    )
    effective_search: EffectiveSearch | None = Field(default=None, description="The searched time range.")
    delayed_data: DelayedData | None = Field(default=None, description="Documents missed for ingest latency.")
    placement: Placement | None = Field(default=None, description="The server that the datafeed lives on.")
    last_sync_time: Timestamp | None = Field(default=None, description="When the server was last changed.")


class MlCapacity(StatusModel):
    """What the server's machine learning has to work with, from `_ml/info`."""

    memory: str | None = Field(default=None, description="The memory of all machine learning nodes for models.")
    largest_limit: str | None = Field(
        default=None, description="The largest modelMemoryLimit that fits on a node at its present size."
    )
    processors: int | None = Field(default=None, description="The processors of all machine learning nodes.")


class EmbeddedStatus(StatusModel):
    """What the operator runs for a connection with `spec.embedded`."""

    stateful_set: str | None = Field(default=None, description="The StatefulSet, the Service and the NetworkPolicy.")
    secret: str | None = Field(
        default=None, description="The Secret with `username`, `password` and `ca.crt` for clients of the engine."
    )
    volume_claim: str | None = Field(default=None, description="The PersistentVolumeClaim of the engine's data.")
    volume_size: str | None = Field(default=None, description="What the volume holds at the most, as of the last look.")
    volume_deletion: str | None = Field(
        default=None, description="What becomes of the volume when the connection is deleted."
    )
    certificate_expiry: Timestamp | None = Field(
        default=None, description="When the engine's certificate ends; it is renewed 30 days before."
    )


class ElasticsearchConnectionStatus(ResourceStatus):
    """The state of an ElasticsearchConnection."""

    reachable: bool | None = Field(default=None, description="Whether the server answered.")
    version: str | None = Field(default=None, description="The server's version.")
    cluster_name: str | None = Field(default=None, description="The server's cluster name.")
    cluster_uuid: str | None = Field(default=None, description="The server's cluster uuid.")
    licence: str | None = Field(default=None, description="The licence's type and state, such as trial (active).")
    licence_expiry: Timestamp | None = Field(default=None, description="When the licence ends; absent for never.")
    capacity: MlCapacity | None = Field(default=None, description="What machine learning has to work with.")
    missing_privileges: list[str] | None = Field(
        default=None,
        max_length=64,
        description="What the credentials lack of the role that the operator needs; absent when they lack nothing.",
    )
    ml_available: bool | None = Field(default=None, description="Whether machine learning can be used.")
    upgrade_mode: bool | None = Field(default=None, description="Whether the server is in upgrade mode.")
    embedded: EmbeddedStatus | None = Field(
        default=None, description="What the operator runs for `spec.embedded`; absent without."
    )
    last_check_time: Timestamp | None = Field(default=None, description="When a fact here last changed.")
