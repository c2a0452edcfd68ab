"""The resources of `anomalyops.io/v1alpha1`: models, CRDs, and reading manifests. Pure: no I/O, no clock."""

from anomalyops.resources.analysis import DEFAULT_BUCKET_SPAN, AnalysisConfig, PerPartitionCategorization
from anomalyops.resources.calendar import (
    AnomalyCalendar,
    AnomalyCalendarSpec,
    AnomalyCalendarStatus,
    ScheduledEvent,
)
from anomalyops.resources.conditions import Condition, ConditionStatus, ConditionType, Reason, find_condition
from anomalyops.resources.connection import (
    ApiKeySecretRef,
    Auth,
    BasicSecretRef,
    BearerSecretRef,
    CaRef,
    ElasticsearchConnection,
    ElasticsearchConnectionSpec,
    Kibana,
)
from anomalyops.resources.crds import custom_resource_definitions, generate_crd_folder, generate_crds
from anomalyops.resources.datafeed import (
    ChunkingConfig,
    ChunkingMode,
    Datafeed,
    DatafeedSpec,
    DelayedDataCheckConfig,
    IndicesOptions,
)
from anomalyops.resources.detectors import (
    FUNCTION_ALIASES,
    DetectionRule,
    Detector,
    DetectorFunction,
    FilterRef,
    RuleCondition,
    canonical_function,
)
from anomalyops.resources.durations import duration_nanos, parse_duration
from anomalyops.resources.filter import AnomalyFilter, AnomalyFilterSpec, AnomalyFilterStatus
from anomalyops.resources.forecast import (
    ONCE,
    AnomalyForecast,
    AnomalyForecastSpec,
    AnomalyForecastStatus,
    ForecastOperation,
    ForecastRecord,
)
from anomalyops.resources.identifiers import ObjectReference
from anomalyops.resources.job import (
    AnalysisLimits,
    AnomalyJob,
    AnomalyJobSpec,
    DataDescription,
    ModelPlotConfig,
)
from anomalyops.resources.job_set import (
    JOB_SET_LABEL,
    VALUE_ANNOTATION,
    AnomalyJobSet,
    AnomalyJobSetSpec,
    AnomalyJobSetStatus,
    TermsSource,
    stamped_name,
)
from anomalyops.resources.kinds import (
    BY_NAME,
    FINALIZER,
    KINDS,
    REQUESTED_AT,
    AnyResource,
    Kind,
    RequestResource,
    SharedResource,
)
from anomalyops.resources.label_selector import LabelSelector
from anomalyops.resources.manifests import parse_manifests, resource_from_object
from anomalyops.resources.memory_sizes import MEBIBYTE, format_memory, parse_memory
from anomalyops.resources.policies import (
    AdoptionPolicy,
    DatafeedRunState,
    DeletionPolicy,
    JobRunState,
    MovePolicy,
    ReplacePolicy,
)
from anomalyops.resources.problems import ManifestError, Problem
from anomalyops.resources.reference import generate_reference
from anomalyops.resources.remains import remains_of
from anomalyops.resources.resource import API_VERSION, GROUP, VERSION, Metadata, Resource
from anomalyops.resources.revert import (
    EMPTY_SNAPSHOT,
    ModelSnapshotRevert,
    ModelSnapshotRevertSpec,
    ModelSnapshotRevertStatus,
    RevertOperation,
    SkipPeriod,
)
from anomalyops.resources.rights import generate_rights
from anomalyops.resources.secret import SecretManifest
from anomalyops.resources.shared import SharedSpec, SharedStatus
from anomalyops.resources.status import (
    AnomalyJobStatus,
    DataCounts,
    DatafeedStatus,
    DelayedData,
    EffectiveSearch,
    ElasticsearchConnectionStatus,
    MemoryStatus,
    Placement,
    ResourceStatus,
)
from anomalyops.resources.times import parse_time
from anomalyops.resources.yaml_documents import Document, load_documents

__all__ = [
    "API_VERSION",
    "BY_NAME",
    "DEFAULT_BUCKET_SPAN",
    "EMPTY_SNAPSHOT",
    "FINALIZER",
    "FUNCTION_ALIASES",
    "GROUP",
    "JOB_SET_LABEL",
    "KINDS",
    "MEBIBYTE",
    "ONCE",
    "REQUESTED_AT",
    "VALUE_ANNOTATION",
    "VERSION",
    "AdoptionPolicy",
    "AnalysisConfig",
    "AnalysisLimits",
    "AnomalyCalendar",
    "AnomalyCalendarSpec",
    "AnomalyCalendarStatus",
    "AnomalyFilter",
    "AnomalyFilterSpec",
    "AnomalyFilterStatus",
    "AnomalyForecast",
    "AnomalyForecastSpec",
    "AnomalyForecastStatus",
    "AnomalyJob",
    "AnomalyJobSet",
    "AnomalyJobSetSpec",
    "AnomalyJobSetStatus",
    "AnomalyJobSpec",
    "AnomalyJobStatus",
    "AnyResource",
    "ApiKeySecretRef",
    "Auth",
    "BasicSecretRef",
    "BearerSecretRef",
    "CaRef",
    "ChunkingConfig",
    "ChunkingMode",
    "Condition",
    "ConditionStatus",
    "ConditionType",
    "DataCounts",
    "DataDescription",
    "Datafeed",
    "DatafeedRunState",
    "DatafeedSpec",
    "DatafeedStatus",
    "DelayedData",
    "DelayedDataCheckConfig",
    "DeletionPolicy",
    "DetectionRule",
    "Detector",
    "DetectorFunction",
    "Document",
    "EffectiveSearch",
    "ElasticsearchConnection",
    "ElasticsearchConnectionSpec",
    "ElasticsearchConnectionStatus",
    "FilterRef",
    "ForecastOperation",
    "ForecastRecord",
    "IndicesOptions",
    "JobRunState",
    "Kibana",
    "Kind",
    "LabelSelector",
    "ManifestError",
    "MemoryStatus",
    "Metadata",
    "ModelPlotConfig",
    "ModelSnapshotRevert",
    "ModelSnapshotRevertSpec",
    "ModelSnapshotRevertStatus",
    "MovePolicy",
    "ObjectReference",
    "PerPartitionCategorization",
    "Placement",
    "Problem",
    "Reason",
    "ReplacePolicy",
    "RequestResource",
    "Resource",
    "ResourceStatus",
    "RevertOperation",
    "RuleCondition",
    "ScheduledEvent",
    "SecretManifest",
    "SharedResource",
    "SharedSpec",
    "SharedStatus",
    "SkipPeriod",
    "TermsSource",
    "canonical_function",
    "custom_resource_definitions",
    "duration_nanos",
    "find_condition",
    "format_memory",
    "generate_crd_folder",
    "generate_crds",
    "generate_reference",
    "generate_rights",
    "load_documents",
    "parse_duration",
    "parse_manifests",
    "parse_memory",
    "parse_time",
    "remains_of",
    "resource_from_object",
    "stamped_name",
]
