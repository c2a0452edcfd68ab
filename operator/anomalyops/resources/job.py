"""The AnomalyJob resource: one anomaly detection job."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from anomalyops.resources.analysis import AnalysisConfig
from anomalyops.resources.base import Boolean, JsonObject, SpecModel
from anomalyops.resources.durations import Duration
from anomalyops.resources.identifiers import ConnectionReference, FieldName, GroupId, IndexNamePart, JobId
from anomalyops.resources.investigation import Triggers
from anomalyops.resources.maintenance import MaintenanceWindow
from anomalyops.resources.memory_sizes import MemoryLimit, parse_memory
from anomalyops.resources.policies import (
    AdoptionPolicy,
    DeletionPolicy,
    JobRunState,
    MovePolicy,
    ReplacePolicy,
    SizingPolicy,
)
from anomalyops.resources.resource import Resource, server_id_cel
from anomalyops.resources.retained_snapshots import (
    DIFFERENT_RULE,
    MOST_RETAINED,
    NAMED_TWICE,
    RetainedSnapshot,
    are_different,
)
from anomalyops.resources.rules import Rule
from anomalyops.resources.sizing import Sizing, bounds_in_order
from anomalyops.resources.status import AnomalyJobStatus
from anomalyops.resources.transitions import JOB_TRANSITIONS, Transition

_Days = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]


class AnalysisLimits(SpecModel):
    """Limits on what the job's model may use."""

    model_memory_limit: MemoryLimit | None = Field(
        default=None,
        description="The most memory that the model may use: 512mb, 1gb, or a number of mebibytes.",
    )
    categorization_examples_limit: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="How many examples of each category are kept."
    )


class MemoryPolicy(Sizing):
    """What the operator does when the model reaches its memory limit."""

    RULES: ClassVar[tuple[Rule, ...]] = (bounds_in_order(parse_memory),)

    policy: SizingPolicy = Field(
        description=(
            "Fixed: the limit of the manifest holds. Recommend: a higher one is put into the status. Auto: it is set, "
            "by stopping, closing, changing and starting again; never a lower one."
        )
    )
    min: MemoryLimit | None = Field(default=None, description="With Auto, the smallest limit.")
    max: MemoryLimit | None = Field(
        default=None, description="The largest limit that is recommended or set; by default the server's own."
    )


class DataDescription(SpecModel):
    """Where the time is in the data."""

    time_field: FieldName | None = Field(
        default=None, description="The field with the time; the server's default is time."
    )
    time_format: Annotated[str, Field(max_length=256)] | None = Field(
        default=None, description="epoch, epoch_ms or a Java date pattern; datafeeds need epoch_ms."
    )
    format: Literal["xcontent", "delimited"] | None = Field(
        default=None, description="The format of posted data; the server forgets it."
    )


class ModelPlotConfig(SpecModel):
    """Whether the model's bounds are stored with the results."""

    enabled: Boolean | None = Field(default=None, description="Whether model bounds are stored for each series.")
    annotations_enabled: Boolean | None = Field(
        default=None, description="Whether changes of the model are annotated; by default as `enabled`."
    )
    terms: Annotated[str, Field(max_length=4096)] | None = Field(
        default=None, description="Partition or by values, comma separated, that the plot is limited to."
    )


DEFAULT_SNAPSHOT_RETENTION_DAYS = 10  # the server's, when the manifest has none
DEFAULT_TIME_FIELD = "time"  # likewise


def _daily_within_retention(spec: AnomalyJobSpec) -> bool:
    daily, retention = spec.daily_model_snapshot_retention_after_days, spec.model_snapshot_retention_days
    return (daily or 0) <= (DEFAULT_SNAPSHOT_RETENTION_DAYS if retention is None else retention)


def _time_field_not_analysed(spec: AnomalyJobSpec) -> bool:
    return (spec.data_description.time_field or DEFAULT_TIME_FIELD) not in spec.analysis_config.fields


_TIME_FIELD = f"(has(self.dataDescription.timeField) ? self.dataDescription.timeField : '{DEFAULT_TIME_FIELD}')"
_DETECTOR_FIELDS = ("fieldName", "byFieldName", "overFieldName", "partitionFieldName")
_ANALYSIS_FIELDS = ("categorizationFieldName", "summaryCountFieldName")


class AnomalyJobSpec(SpecModel):
    """What the job shall be. Fields carry the names of the `_ml` API in camelCase."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message=(
                "dailyModelSnapshotRetentionAfterDays cannot be greater than "
                "modelSnapshotRetentionDays (10 when it is absent): lower it, or raise "
                "modelSnapshotRetentionDays"
            ),
            holds=_daily_within_retention,
            cel=(
                "!has(self.dailyModelSnapshotRetentionAfterDays) || "
                "self.dailyModelSnapshotRetentionAfterDays <= (has(self.modelSnapshotRetentionDays) ? "
                f"self.modelSnapshotRetentionDays : {DEFAULT_SNAPSHOT_RETENTION_DAYS})"
            ),
            field="dailyModelSnapshotRetentionAfterDays",
        ),
        Rule(
            message=(
                "the time field (dataDescription.timeField, by default time) cannot be used in "
                "analysisConfig: name another field there"
            ),
            holds=_time_field_not_analysed,
            cel=" && ".join(
                [
                    "self.analysisConfig.detectors.all(detector, "
                    + " && ".join(
                        f"(!has(detector.{field}) || detector.{field} != {_TIME_FIELD})" for field in _DETECTOR_FIELDS
                    )
                    + ")",
                    *(
                        f"(!has(self.analysisConfig.{field}) || self.analysisConfig.{field} != {_TIME_FIELD})"
                        for field in _ANALYSIS_FIELDS
                    ),
                    f"(!has(self.analysisConfig.influencers) || !({_TIME_FIELD} in self.analysisConfig.influencers))",
                ]
            ),
            field="dataDescription",
        ),
        # Free keys are beyond CEL; admission leaves this to the operator.
        Rule(
            message=(
                "customSettings must not hold anomalyops or keys that start with anomalyops.io/, where the operator "
                "keeps its mark: remove them"
            ),
            holds=lambda spec: (
                not any(key == "anomalyops" or key.startswith("anomalyops.io/") for key in spec.custom_settings or {})
            ),
            field="customSettings",
        ),
        Rule(
            message=f"retainedSnapshots {NAMED_TWICE}",
            holds=lambda spec: are_different(spec.retained_snapshots or []),
            field="retainedSnapshots",
        ),
        Rule(
            message="resultsIndexName must not start with custom-: the server puts it before the name itself",
            holds=lambda spec: not (spec.results_index_name or "").startswith("custom-"),
            cel="!has(self.resultsIndexName) || !self.resultsIndexName.startsWith('custom-')",
            field="resultsIndexName",
        ),
    )
    CONTROL_FIELDS: ClassVar[frozenset[str]] = frozenset(
        {
            "job_id",
            "connection_ref",
            "state",
            "replace_policy",
            "deletion_policy",
            "adoption_policy",
            "take_over_from",
            "move_policy",
            "suspend",
            "maintenance_window",
            "memory",
            "triggers",
            "retained_snapshots",
        }
    )

    job_id: JobId | None = Field(
        default=None,
        description="The job's id on the server; by default the resource's name. Cannot be changed.",
    )
    connection_ref: ConnectionReference | None = Field(
        default=None, description="The ElasticsearchConnection to use; by default the one named `default`."
    )
    state: JobRunState = Field(
        default=JobRunState.OPENED,
        json_schema_extra={"default": None},  # the API server must not write one: what is absent says something
        description=(
            "The wanted state of the job. Without it the job is opened; one that exists already and is taken over "
            "keeps the state that it has."
        ),
    )
    replace_policy: ReplacePolicy = Field(
        default=ReplacePolicy.NEVER,
        description=(
            "What to do when a field changes that cannot be changed in place. Never: nothing, and say so. "
            "Reset: forget model and results where that is enough (a memory limit below what the model "
            "uses). Recreate: delete the job with its model and results and create it anew."
        ),
    )
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN,
        description=(
            "What becomes of the server's job when this resource is deleted. Retain: it is closed and keeps "
            "model and results. Delete: it is deleted with them. Orphan: it is left as it is."
        ),
    )
    adoption_policy: AdoptionPolicy = Field(
        default=AdoptionPolicy.IF_MATCHES,
        description=(
            "Whether a job that exists already under this id, and that nobody manages, is taken over: when it matches, "
            "never or always."
        ),
    )
    take_over_from: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None,
        description=(
            "The one owner that a managed job of this id may be taken over from, as messages name him: "
            "`<cluster>/<namespace>/<name>`, or `dir:...` or `git:...` for files. Nothing else takes a job from its "
            "owner."
        ),
    )
    move_policy: MovePolicy = Field(
        default=MovePolicy.REFUSE,
        description=(
            "What to do when the connection leads to another server than the one that the job lives on. Refuse: "
            "nothing, and say so. Move: the job is stopped and kept where it was, and a new one is created; a model "
            "cannot be taken along."
        ),
    )
    suspend: Boolean = Field(
        default=False,
        description="Whether the datafeed is stopped and the job closed for now; configuration changes still apply.",
    )

    memory: MemoryPolicy | None = Field(
        default=None, description="What the operator does when the model reaches its memory limit; Fixed when absent."
    )
    maintenance_window: MaintenanceWindow | None = Field(
        default=None,
        description=(
            "When a running datafeed may be stopped for a change of job or datafeed; at any time when absent. "
            "Suspending, a wanted state and deletions wait for nothing."
        ),
    )

    triggers: Triggers | None = Field(
        default=None, description="What the operator begins by itself when the job finds something."
    )

    retained_snapshots: list[RetainedSnapshot] | None = Field(
        default=None,
        max_length=MOST_RETAINED,
        json_schema_extra={"x-kubernetes-validations": [DIFFERENT_RULE]},
        description=(
            "Model snapshots that the server keeps however old they are, to go back to. One that is taken out again "
            "may be deleted by the server, unless somebody else had retained it."
        ),
    )

    description: Annotated[str, Field(max_length=4096)] | None = Field(default=None, description="What the job is for.")
    groups: list[GroupId] | None = Field(default=None, max_length=64, description="Groups that the job belongs to.")
    analysis_config: AnalysisConfig = Field(description="What is analysed.")
    analysis_limits: AnalysisLimits | None = Field(default=None, description="Limits on what the model may use.")
    data_description: DataDescription = Field(description="Where the time is in the data; may be empty.")
    model_plot_config: ModelPlotConfig | None = Field(
        default=None, description="Whether the model's bounds are stored with the results."
    )
    model_snapshot_retention_days: _Days | None = Field(
        default=None, description="How many days model snapshots are kept; the server's default is 10."
    )
    daily_model_snapshot_retention_after_days: _Days | None = Field(
        default=None, description="After how many days only one model snapshot a day is kept."
    )
    results_retention_days: _Days | None = Field(
        default=None, description="How many days results are kept; for ever when absent."
    )
    renormalization_window_days: _Days | None = Field(
        default=None, description="How many days back scores are adjusted when new anomalies appear."
    )
    background_persist_interval: Annotated[str, Duration(minimum="1h", multiple="1s")] | None = Field(
        default=None, description="How often the model is stored while the job runs; at least 1h."
    )
    custom_settings: JsonObject | None = Field(
        default=None, description="Free settings, such as Kibana's custom_urls; passed on as they are."
    )
    allow_lazy_open: Boolean | None = Field(
        default=None, description="Whether the job may wait for a machine learning node with room."
    )
    results_index_name: IndexNamePart | None = Field(
        default=None, description="The name of a results index of its own; the server puts custom- before it."
    )

    @property
    def filter_ids(self) -> frozenset[str]:
        """The filter lists that custom rules name."""
        rules = [rule for detector in self.analysis_config.detectors for rule in detector.custom_rules or ()]
        return frozenset(scope.filter_id for rule in rules for scope in (rule.scope or {}).values())

    def server_body(self) -> dict[str, Any]:
        """The body of `PUT _ml/anomaly_detectors/{job_id}`: only what the manifest says."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True, exclude=set(self.CONTROL_FIELDS))


class AnomalyJob(Resource):
    """One anomaly detection job on an Elasticsearch-compatible server."""

    KIND: ClassVar[str] = "AnomalyJob"
    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="metadata.name has more than 64 characters, too many for an id on the server: set spec.jobId",
            holds=lambda job: len(job.server_id) <= 64,
            cel=f"size({server_id_cel('jobId')}) <= 64",
            field="spec.jobId",
        ),
        Rule(
            message="spec.groups holds the job's own id: job and group names must differ, rename the group",
            holds=lambda job: job.server_id not in (job.spec.groups or []),
            cel=f"!has(self.spec.groups) || !({server_id_cel('jobId')} in self.spec.groups)",
            field="spec.groups",
        ),
    )
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = JOB_TRANSITIONS

    spec: AnomalyJobSpec = Field(description="What the job shall be.")
    status: AnomalyJobStatus | None = Field(default=None, description="What the operator observed.")

    @property
    def server_id(self) -> str:
        """The job's id on the server."""
        return self.spec.job_id or self.metadata.name
