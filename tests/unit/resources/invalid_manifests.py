"""Manifests that must be refused, by the models and by admission alike, and manifests that must pass.

The unit tests run them through `parse_manifests`; the Kubernetes tests run the same table through kubectl.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import Any

API_VERSION = "anomalyops.io/v1alpha1"

JOB_SPEC: dict[str, Any] = {
    "analysisConfig": {
        "bucketSpan": "15m",
        "detectors": [{"function": "mean", "fieldName": "bytes", "partitionFieldName": "host"}],
        "influencers": ["host"],
    },
    "dataDescription": {"timeField": "@timestamp"},
}
DATAFEED_SPEC: dict[str, Any] = {"jobRef": {"name": "requests"}, "indices": ["logs-*"]}
CONNECTION_SPEC: dict[str, Any] = {"url": "https://elasticsearch:9200"}
FILTER_SPEC: dict[str, Any] = {"items": ["web-1", "*.example.org"]}
CALENDAR_SPEC: dict[str, Any] = {
    "jobRefs": [{"name": "requests"}],
    "events": [{"description": "holiday", "start": "2026-12-24", "end": "2026-12-27T00:00:00Z"}],
}
FORECAST_SPEC: dict[str, Any] = {"jobRef": {"name": "requests"}}
REVERT_SPEC: dict[str, Any] = {"jobRef": {"name": "requests"}, "snapshotId": "1700000000"}
JOB_SET_SPEC: dict[str, Any] = {
    "values": ["shop", "search"],
    "template": {"job": JOB_SPEC, "datafeed": {"indices": ["logs-*"], "query": {"term": {"service": "{{value}}"}}}},
}
INVESTIGATION_SPEC: dict[str, Any] = {"since": "2h"}
_SPECS = {
    "AnomalyJob": JOB_SPEC,
    "Datafeed": DATAFEED_SPEC,
    "AnomalyCalendar": CALENDAR_SPEC,
    "AnomalyFilter": FILTER_SPEC,
    "AnomalyForecast": FORECAST_SPEC,
    "AnomalyJobSet": JOB_SET_SPEC,
    "Investigation": INVESTIGATION_SPEC,
    "ModelSnapshotRevert": REVERT_SPEC,
    "ElasticsearchConnection": CONNECTION_SPEC,
}

REMOVE = object()


def manifest(kind: str, changes: dict[str, Any] | None = None, *, name: str = "requests") -> dict[str, Any]:
    """A good manifest with some paths (`analysisConfig.detectors.0.function`) set or removed."""
    spec = copy.deepcopy(_SPECS[kind])
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        target: Any = spec
        for step in parents:
            target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
        key = int(last) if isinstance(target, list) else last
        if value is REMOVE:
            del target[key]
        else:
            target[key] = value
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A manifest that must be refused.

    Attributes:
        id: A name for the test.
        manifest: The whole object.
        field: The path that the refusal must name.
        message: What the refusal must say, in part.
        kubectl: What admission says instead, where the API server has words of its own.
        only: "operator" or "admission" where the other cannot know; `because` says why.
    """

    id: str
    manifest: dict[str, Any]
    field: str
    message: str
    kubectl: str = ""
    only: str = ""
    because: str = ""

    @property
    def admission_message(self) -> str:
        """What admission must say, in part."""
        return self.kubectl or self.message


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of an object in the cluster, refused (with `message`) or allowed (without).

    `status` is written to the status subresource between the two.
    """

    id: str
    before: dict[str, Any]
    after: dict[str, Any]
    field: str = ""
    message: str = ""
    status: dict[str, Any] = dataclasses.field(default_factory=lambda: {"jobState": "opened"})


def _detectors(*detectors: dict[str, Any]) -> dict[str, Any]:
    return {"analysisConfig.detectors": list(detectors)}


_MEAN = {"function": "mean", "fieldName": "bytes"}
_D0 = "spec.analysisConfig.detectors[0]"


def _job(id_: str, changes: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return Refused(id=id_, manifest=manifest("AnomalyJob", changes), field=field_, message=message, **more)


def _feed(id_: str, changes: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return Refused(id=id_, manifest=manifest("Datafeed", changes), field=field_, message=message, **more)


def _connection(id_: str, changes: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return Refused(id=id_, manifest=manifest("ElasticsearchConnection", changes), field=field_, message=message, **more)


def _embedded(id_: str, embedded: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return _connection(f"embedded-{id_}", {"url": REMOVE, "embedded": embedded}, field_, message, **more)


def _filter(id_: str, changes: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return Refused(id=id_, manifest=manifest("AnomalyFilter", changes), field=field_, message=message, **more)


def _forecast(id_: str, changes: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return Refused(id=id_, manifest=manifest("AnomalyForecast", changes), field=field_, message=message, **more)


def _revert(id_: str, changes: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return Refused(id=id_, manifest=manifest("ModelSnapshotRevert", changes), field=field_, message=message, **more)


def _job_set(id_: str, changes: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return Refused(id=id_, manifest=manifest("AnomalyJobSet", changes), field=field_, message=message, **more)


def _investigation(id_: str, changes: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return Refused(id=id_, manifest=manifest("Investigation", changes), field=field_, message=message, **more)


def _calendar(id_: str, changes: dict[str, Any], field_: str, message: str, **more: Any) -> Refused:
    return Refused(id=id_, manifest=manifest("AnomalyCalendar", changes), field=field_, message=message, **more)


_TOO_COSTLY = "each name is compared with each other, which costs more than the API server allows for one rule"
_UNTYPED = "the analyzer is a name or an object, so it has no type, and CEL sees typed fields alone"

DETECTORS = [
    _job(
        "mean-needs-field",
        _detectors({"function": "mean"}),
        f"{_D0}.fieldName",
        "function 'mean' needs fieldName: name the field to analyse",
    ),
    _job(
        "distinct-count-needs-field",
        _detectors({"function": "high_dc", "byFieldName": "user"}),
        f"{_D0}.fieldName",
        "function 'high_dc' needs fieldName",
    ),
    _job(
        "count-forbids-field",
        _detectors({"function": "low_count", "fieldName": "bytes"}),
        f"{_D0}.fieldName",
        "function 'low_count' cannot be used with fieldName: remove fieldName",
    ),
    _job(
        "time-forbids-field",
        _detectors({"function": "time_of_day", "fieldName": "bytes"}),
        f"{_D0}.fieldName",
        "function 'time_of_day' cannot be used with fieldName",
    ),
    _job(
        "rare-needs-by",
        _detectors({"function": "rare"}),
        f"{_D0}.byFieldName",
        "function 'rare' needs byFieldName",
    ),
    _job(
        "freq-rare-needs-over",
        _detectors({"function": "freq_rare", "byFieldName": "status"}),
        f"{_D0}.overFieldName",
        "function 'freq_rare' needs overFieldName",
    ),
    _job(
        "non-zero-count-forbids-over",
        _detectors({"function": "nzc", "overFieldName": "clientip"}),
        f"{_D0}.overFieldName",
        "function 'nzc' cannot be used with overFieldName",
    ),
    _job(
        "partition-is-by",
        _detectors(_MEAN | {"partitionFieldName": "host", "byFieldName": "host"}),
        f"{_D0}.byFieldName",
        "partitionFieldName and byFieldName cannot be the same ('host')",
    ),
    _job(
        "partition-is-over",
        _detectors(_MEAN | {"partitionFieldName": "host", "overFieldName": "host"}),
        f"{_D0}.overFieldName",
        "partitionFieldName and overFieldName cannot be the same ('host')",
    ),
    _job(
        "by-is-over",
        _detectors(_MEAN | {"byFieldName": "host", "overFieldName": "host"}),
        f"{_D0}.overFieldName",
        "byFieldName and overFieldName cannot be the same ('host')",
    ),
    _job(
        "by-count",
        _detectors(_MEAN | {"byFieldName": "count"}),
        f"{_D0}.byFieldName",
        "'count' is not a permitted value for byFieldName",
    ),
    _job(
        "over-by",
        _detectors(_MEAN | {"overFieldName": "by"}),
        f"{_D0}.overFieldName",
        "'by' is not a permitted value for overFieldName",
    ),
    _job(
        "quote-in-field-name",
        _detectors({"function": "mean", "fieldName": 'a"b'}),
        f"{_D0}.fieldName",
        "a field name must not be empty nor contain",
    ),
    _job(
        "unknown-function",
        _detectors({"function": "meen", "fieldName": "bytes"}),
        f"{_D0}.function",
        "did you mean 'mean'?",
        kubectl='Unsupported value: "meen": supported values: "count"',
    ),
    _job(
        "no-detectors",
        {"analysisConfig.detectors": []},
        "spec.analysisConfig.detectors",
        "at least 1 item",
        kubectl="should have at least 1 items",
    ),
    _job(
        "equal-detectors",
        _detectors(_MEAN, _MEAN),
        "spec.analysisConfig.detectors",
        "two detectors are equal: remove one, or give them different descriptions",
    ),
    _job(
        "bad-exclude-frequent",
        _detectors(_MEAN | {"excludeFrequent": "some"}),
        f"{_D0}.excludeFrequent",
        "accepted: all, none, by, over",
        kubectl='Unsupported value: "some": supported values: "all", "none", "by", "over"',
    ),
]

CUSTOM_RULES = [
    _job(
        "rule-without-scope-or-conditions",
        _detectors(_MEAN | {"customRules": [{"actions": ["skip_result"]}]}),
        f"{_D0}.customRules[0]",
        "a custom rule needs scope or conditions",
    ),
    _job(
        "rule-with-empty-lists",
        _detectors(_MEAN | {"customRules": [{"scope": {}, "conditions": []}]}),
        f"{_D0}.customRules[0]",
        "a custom rule needs scope or conditions",
    ),
    _job(
        "rule-scope-of-another-field",
        _detectors(_MEAN | {"byFieldName": "host", "customRules": [{"scope": {"user": {"filterId": "trusted"}}}]}),
        f"{_D0}.customRules",
        "a custom rule's scope names a field that the detector does not split by",
    ),
    _job(
        "rare-rule-on-actual",
        _detectors(
            {
                "function": "rare",
                "byFieldName": "status",
                "customRules": [{"conditions": [{"appliesTo": "actual", "operator": "gt", "value": 1}]}],
            }
        ),
        f"{_D0}.customRules",
        "function 'rare' supports only conditions with appliesTo: time",
    ),
    _job(
        "rule-bad-operator",
        _detectors(_MEAN | {"customRules": [{"conditions": [{"appliesTo": "actual", "operator": ">", "value": 1}]}]}),
        f"{_D0}.customRules[0].conditions[0].operator",
        "accepted: gt, gte, lt, lte",
        kubectl='Unsupported value: ">": supported values: "gt", "gte", "lt", "lte"',
    ),
]

RETAINED = [
    _job("retain-nothing", {"retainedSnapshots": [{}]}, "spec.retainedSnapshots[0]", "write exactly one of snapshotId"),
    _job(
        "retain-two-in-one",
        {"retainedSnapshots": [{"snapshotId": "1", "before": "2026-01-01"}]},
        "spec.retainedSnapshots[0]",
        "write exactly one of snapshotId and before",
    ),
    _job(
        "retain-empty",
        {"retainedSnapshots": [{"snapshotId": "empty"}]},
        "spec.retainedSnapshots[0].snapshotId",
        "empty is no snapshot that could be retained: write the id of one, or before",
    ),
    _job(
        "retain-before-now",
        {"retainedSnapshots": [{"before": "now"}]},
        "spec.retainedSnapshots[0].before",
        "before needs a fixed time: write ISO 8601",
    ),
    _job(
        "retain-an-id-twice",
        {"retainedSnapshots": [{"snapshotId": "1"}, {"before": "2026-01-01"}, {"snapshotId": "1"}]},
        "spec.retainedSnapshots",
        "retainedSnapshots names a snapshot or a time twice: write each once",
    ),
    _job(
        "retain-a-time-twice",
        {"retainedSnapshots": [{"before": "2026-01-01"}, {"before": "2026-01-01T00:00:00Z"}]},
        "spec.retainedSnapshots",
        "retainedSnapshots names a snapshot or a time twice: write each once",
        only="operator",
        because="times have several forms, which CEL cannot compare",
    ),
]

_CATEGORY = {"function": "count", "byFieldName": "mlcategory"}
_PER_PARTITION = {"analysisConfig.perPartitionCategorization": {"enabled": True}}
_MESSAGES = {"analysisConfig.categorizationFieldName": "message"}

CATEGORIZATION = [
    _job(
        "mlcategory-without-field",
        _detectors(_CATEGORY),
        "spec.analysisConfig.categorizationFieldName",
        "a detector uses mlcategory: set categorizationFieldName",
    ),
    _job(
        "categorization-without-mlcategory",
        _MESSAGES,
        "spec.analysisConfig.categorizationFieldName",
        "categorizationFieldName is set but no detector uses mlcategory",
    ),
    _job(
        "filters-without-field",
        {"analysisConfig.categorizationFilters": ["a"]},
        "spec.analysisConfig.categorizationFilters",
        "categorizationFilters needs categorizationFieldName",
    ),
    _job(
        "filters-twice",
        _detectors(_CATEGORY) | _MESSAGES | {"analysisConfig.categorizationFilters": ["a", "a"]},
        "spec.analysisConfig.categorizationFilters",
        "categorizationFilters holds a filter twice",
    ),
    _job(
        "empty-filter",
        _detectors(_CATEGORY) | _MESSAGES | {"analysisConfig.categorizationFilters": [""]},
        "spec.analysisConfig.categorizationFilters[0]",
        "at least 1 character",
        kubectl="should be at least 1 chars long",
    ),
    _job(
        "analyzer-without-field",
        {"analysisConfig.categorizationAnalyzer": "ml_standard"},
        "spec.analysisConfig.categorizationAnalyzer",
        "categorizationAnalyzer needs categorizationFieldName",
        only="operator",
        because=_UNTYPED,
    ),
    _job(
        "analyzer-with-filters",
        _detectors(_CATEGORY)
        | _MESSAGES
        | {
            "analysisConfig.categorizationFilters": ["a"],
            "analysisConfig.categorizationAnalyzer": {"tokenizer": "ml_standard"},
        },
        "spec.analysisConfig.categorizationFilters",
        "categorizationFilters cannot be used with categorizationAnalyzer",
        only="operator",
        because=_UNTYPED,
    ),
    _job(
        "analyzer-number",
        _detectors(_CATEGORY) | _MESSAGES | {"analysisConfig.categorizationAnalyzer": 3},
        "spec.analysisConfig.categorizationAnalyzer",
        "write a name or an object",
        only="operator",
        because=_UNTYPED,
    ),
    _job(
        "per-partition-without-field",
        _PER_PARTITION,
        "spec.analysisConfig.perPartitionCategorization",
        "per-partition categorization needs categorizationFieldName",
    ),
    _job(
        "per-partition-by-mlcategory",
        _detectors({"function": "count", "partitionFieldName": "mlcategory"}) | _MESSAGES | _PER_PARTITION,
        "spec.analysisConfig.detectors",
        "mlcategory cannot be a partitionFieldName when per-partition categorization is enabled",
    ),
    _job(
        "per-partition-without-partition",
        _detectors(_CATEGORY) | _MESSAGES | _PER_PARTITION,
        "spec.analysisConfig.detectors",
        "detectors that use mlcategory need partitionFieldName when per-partition categorization is enabled",
    ),
    _job(
        "per-partition-two-partitions",
        _detectors(
            _CATEGORY | {"partitionFieldName": "host"},
            _CATEGORY | {"partitionFieldName": "zone"},
        )
        | _MESSAGES
        | _PER_PARTITION,
        "spec.analysisConfig.detectors",
        "partitionFieldName cannot vary between detectors when per-partition categorization is enabled",
    ),
    _job(
        "stop-on-warn-without-enabled",
        {"analysisConfig.perPartitionCategorization": {"stopOnWarn": True}},
        "spec.analysisConfig.perPartitionCategorization.stopOnWarn",
        "stopOnWarn needs enabled: true",
    ),
]

_CRON = "which minutes a schedule has is beyond CEL"
_WINDOW = "spec.maintenanceWindow"

JOBS = [
    _job(
        "memory-of-crossed-bounds",
        {"memory": {"policy": "Auto", "min": "2gb", "max": "512mb"}},
        "spec.memory.min",
        "min is larger than max: lower it, or raise max",
        only="operator",
        because="sizes have units, which CEL would have to read",
    ),
    _job(
        "memory-without-policy",
        {"memory": {"max": "512mb"}},
        "spec.memory.policy",
        "required",
        kubectl="Required value",
    ),
    _job(
        "window-of-six-fields",
        {"maintenanceWindow": {"schedule": "0 0 2 * * SAT", "duration": "2h"}},
        f"{_WINDOW}.schedule",
        "it is no cron schedule",
    ),
    _job(
        "window-that-never-comes",
        {"maintenanceWindow": {"schedule": "0 2 30 2 *", "duration": "2h"}},
        f"{_WINDOW}.schedule",
        "no cron schedule",
        only="operator",
        because=_CRON,
    ),
    _job(
        "window-in-no-time-zone",
        {"maintenanceWindow": {"schedule": "0 2 * * SAT", "duration": "2h", "timeZone": "Mars/Olympus"}},
        f"{_WINDOW}.timeZone",
        "no time zone",
        only="operator",
        because="CEL does not know the time zones",
    ),
    _job(
        "window-that-is-too-short",
        {"maintenanceWindow": {"schedule": "0 2 * * SAT", "duration": "1m"}},
        f"{_WINDOW}.duration",
        "at least 10m",
    ),
    _job(
        "bucket-span-unit",
        {"analysisConfig.bucketSpan": "1w"},
        "spec.analysisConfig.bucketSpan",
        "not a duration: write a whole number and a unit of d, h, m, s, ms, micros or nanos, such as 15m",
    ),
    _job(
        "bucket-span-fraction",
        {"analysisConfig.bucketSpan": "1.5h"},
        "spec.analysisConfig.bucketSpan",
        "not a duration",
    ),
    _job(
        "bucket-span-zero",
        {"analysisConfig.bucketSpan": "0s"},
        "spec.analysisConfig.bucketSpan",
        "too short: write at least 1s",
    ),
    _job(
        "bucket-span-fine",
        {"analysisConfig.bucketSpan": "1500ms"},
        "spec.analysisConfig.bucketSpan",
        "too fine: write a whole multiple of 1s",
    ),
    _job(
        "bucket-span-number",
        {"analysisConfig.bucketSpan": 900},
        "spec.analysisConfig.bucketSpan",
        "write a string: put the value in quotes",
        kubectl="must be of type string",
    ),
    _job(
        "latency-fine",
        {"analysisConfig.latency": "10ms"},
        "spec.analysisConfig.latency",
        "too fine: write a whole multiple of 1s",
    ),
    _job(
        "prune-window-not-multiple",
        {"analysisConfig.modelPruneWindow": "40m"},
        "spec.analysisConfig.modelPruneWindow",
        "modelPruneWindow '40m' must be a whole multiple of bucketSpan and at least twice as long",
    ),
    _job(
        "prune-window-one-span",
        {"analysisConfig.modelPruneWindow": "15m"},
        "spec.analysisConfig.modelPruneWindow",
        "at least twice as long",
    ),
    _job(
        "prune-window-of-default-span",
        {"analysisConfig.bucketSpan": REMOVE, "analysisConfig.modelPruneWindow": "7m"},
        "spec.analysisConfig.modelPruneWindow",
        "must be a whole multiple of bucketSpan",
    ),
    _job(
        "metric-summarised",
        _detectors({"function": "metric", "fieldName": "bytes"})
        | {"analysisConfig.summaryCountFieldName": "doc_count"},
        "spec.analysisConfig.detectors",
        "function 'metric' cannot be used with summaryCountFieldName",
    ),
    _job(
        "nested-names",
        _detectors(_MEAN | {"byFieldName": "host"}) | {"analysisConfig.influencers": ["host.name"]},
        "spec.analysisConfig.detectors",
        "nested in one another",
        only="operator",
        because=_TOO_COSTLY,
    ),
    _job(
        "time-field-analysed",
        _detectors({"function": "mean", "fieldName": "@timestamp"}),
        "spec.dataDescription",
        "the time field (dataDescription.timeField, by default time) cannot be used in analysisConfig",
    ),
    _job(
        "default-time-field-as-influencer",
        {"analysisConfig.influencers": ["time"], "dataDescription": {}},
        "spec.dataDescription",
        "the time field (dataDescription.timeField, by default time) cannot be used in analysisConfig",
    ),
    _job(
        "no-data-description",
        {"dataDescription": REMOVE},
        "spec.dataDescription",
        "is required",
        kubectl="Required value",
    ),
    _job(
        "memory-unit",
        {"analysisLimits.modelMemoryLimit": "1Gi"},
        "spec.analysisLimits.modelMemoryLimit",
        "not a memory size: write a whole number and a unit of b, kb, mb, gb, tb or pb, such as 512mb",
    ),
    _job(
        "memory-without-unit",
        {"analysisLimits.modelMemoryLimit": "1024"},
        "spec.analysisLimits.modelMemoryLimit",
        "not a memory size",
    ),
    _job(
        "memory-small",
        {"analysisLimits.modelMemoryLimit": "1023kb"},
        "spec.analysisLimits.modelMemoryLimit",
        "too small: write at least 1mb",
    ),
    _job(
        "memory-zero",
        {"analysisLimits.modelMemoryLimit": 0},
        "spec.analysisLimits.modelMemoryLimit",
        "too small: write at least 1mb",
    ),
    _job(
        "examples-limit-negative",
        {"analysisLimits.categorizationExamplesLimit": -1},
        "spec.analysisLimits.categorizationExamplesLimit",
        "should be greater than or equal to 0",
    ),
    _job(
        "results-retention-negative",
        {"resultsRetentionDays": -1},
        "spec.resultsRetentionDays",
        "should be greater than or equal to 0",
    ),
    _job(
        "retention-text",
        {"resultsRetentionDays": "30"},
        "spec.resultsRetentionDays",
        "write a whole number, without quotes",
        kubectl="must be of type integer",
    ),
    _job(
        "daily-after-retention",
        {"dailyModelSnapshotRetentionAfterDays": 4, "modelSnapshotRetentionDays": 3},
        "spec.dailyModelSnapshotRetentionAfterDays",
        "dailyModelSnapshotRetentionAfterDays cannot be greater than modelSnapshotRetentionDays",
    ),
    _job(
        "daily-after-default-retention",
        {"dailyModelSnapshotRetentionAfterDays": 11},
        "spec.dailyModelSnapshotRetentionAfterDays",
        "dailyModelSnapshotRetentionAfterDays cannot be greater than modelSnapshotRetentionDays",
    ),
    _job(
        "persist-interval-short",
        {"backgroundPersistInterval": "30m"},
        "spec.backgroundPersistInterval",
        "too short: write at least 1h",
    ),
    _job(
        "results-index-custom",
        {"resultsIndexName": "custom-web"},
        "spec.resultsIndexName",
        "resultsIndexName must not start with custom-",
    ),
    *(
        _job(
            f"mark-{number}",
            {"customSettings": settings},
            "spec.customSettings",
            "customSettings must not hold anomalyops or keys that start with anomalyops.io/",
            only="operator",
            because="free objects are opaque to CEL",
        )
        for number, settings in enumerate([{"anomalyops": {"name": "web"}}, {"team": "a", "anomalyops.io/name": "web"}])
    ),
    _job("job-id-upper-case", {"jobId": "Web"}, "spec.jobId", "an id may contain a-z, 0-9, hyphens"),
    _job(
        "job-id-long",
        {"jobId": "a" * 65},
        "spec.jobId",
        "at most 64 characters are accepted",
        kubectl="may not be more than 64",
    ),
    _job("group-upper-case", {"groups": ["Web"]}, "spec.groups[0]", "an id may contain a-z, 0-9, hyphens"),
    _job(
        "group-is-name",
        {"groups": ["requests"]},
        "spec.groups",
        "job and group names must differ",
    ),
    _job(
        "group-is-job-id",
        {"groups": ["web"], "jobId": "web"},
        "spec.groups",
        "job and group names must differ",
    ),
    Refused(
        id="name-too-long-for-an-id",
        manifest=manifest("AnomalyJob", name="a" * 65),
        field="spec.jobId",
        message="too many for an id on the server: set spec.jobId",
    ),
    Refused(
        id="name-not-for-kubernetes",
        manifest=manifest("AnomalyJob", {"jobId": "web_logs"}, name="web_logs"),
        field="metadata.name",
        message="the name of a Kubernetes object consists of a-z, 0-9, hyphens and dots",
        kubectl="a lowercase RFC 1123 subdomain must consist of",
    ),
    _job(
        "bad-state",
        {"state": "opened"},
        "spec.state",
        "did you mean 'Opened'?",
        kubectl='Unsupported value: "opened": supported values: "Opened", "Closed"',
    ),
    _job(
        "quoted-boolean",
        {"suspend": "yes"},
        "spec.suspend",
        "write true or false, without quotes",
        kubectl="must be of type boolean",
    ),
]

UNKNOWN_FIELDS = [
    _job(
        "unknown-field",
        {"analysisConfig.bucketSpam": "15m"},
        "spec.analysisConfig.bucketSpam",
        "did you mean 'bucketSpan'?",
        kubectl='unknown field "spec.analysisConfig.bucketSpam"',
    ),
    _job(
        "snake-case",
        {"allow_lazy_open": True},
        "spec.allow_lazy_open",
        "manifests use camelCase, write 'allowLazyOpen'",
        kubectl='unknown field "spec.allow_lazy_open"',
    ),
    _job(
        "inline-datafeed",
        {"datafeedConfig": {"indices": ["logs-*"]}},
        "spec.datafeedConfig",
        "write a Datafeed resource with spec.jobRef instead",
        kubectl='unknown field "spec.datafeedConfig"',
    ),
    _feed(
        "aggs",
        {"aggs": {}},
        "spec.aggs",
        "write 'aggregations'",
        kubectl='unknown field "spec.aggs"',
    ),
]

_AGGREGATIONS = {
    "buckets": {
        "date_histogram": {"field": "@timestamp", "fixed_interval": "5m"},
        "aggs": {"@timestamp": {"max": {"field": "@timestamp"}}, "bytes": {"avg": {"field": "bytes"}}},
    }
}
_FREE = "aggregations are a free object, which CEL cannot look into"

DATAFEEDS = [
    _feed(
        "delay-of-crossed-bounds",
        {"queryDelayPolicy": {"policy": "Auto", "min": "2m", "max": "90s"}},
        "spec.queryDelayPolicy.min",
        "min is larger than max: lower it, or raise max",
        only="operator",
        because="durations have units, which CEL would have to read",
    ),
    _feed(
        "delay-finer-than-a-second",
        {"queryDelayPolicy": {"policy": "Auto", "max": "1500ms"}},
        "spec.queryDelayPolicy.max",
        "write a whole multiple of 1s",
    ),
    _feed(
        "delay-without-policy",
        {"queryDelayPolicy": {"max": "5m"}},
        "spec.queryDelayPolicy.policy",
        "required",
        kubectl="Required value",
    ),
    _feed(
        "no-histogram",
        {"aggregations": {"hosts": {"terms": {"field": "host"}}}},
        "spec.aggregations",
        "a date_histogram (or histogram) aggregation is required",
        only="operator",
        because=_FREE,
    ),
    _feed(
        "histogram-with-sibling",
        {"aggregations": _AGGREGATIONS | {"bytes": {"avg": {"field": "bytes"}}}},
        "spec.aggregations",
        "cannot have sibling aggregations",
        only="operator",
        because=_FREE,
    ),
    _feed(
        "histogram-without-max",
        {"aggregations": {"buckets": {"date_histogram": {"field": "t", "fixed_interval": "5m"}}}},
        "spec.aggregations",
        "must have a nested max aggregation of its time field 't'",
        only="operator",
        because=_FREE,
    ),
    _feed("no-job", {"jobRef": REMOVE}, "spec.jobRef", "is required", kubectl="Required value"),
    _feed(
        "indices-text",
        {"indices": "logs-*"},
        "spec.indices",
        "write a list",
        kubectl="must be of type array",
    ),
    _feed(
        "no-indices",
        {"indices": []},
        "spec.indices",
        "at least 1 item",
        kubectl="should have at least 1 items",
    ),
    _feed(
        "aggregations-and-script-fields",
        {"aggregations": _AGGREGATIONS, "scriptFields": {"b": {}}},
        "spec.scriptFields",
        "scriptFields cannot be used with aggregations",
    ),
    _feed("query-text", {"query": "*"}, "spec.query", "write an object", kubectl="must be of type object"),
    _feed(
        "manual-chunking-without-span",
        {"chunkingConfig": {"mode": "manual"}},
        "spec.chunkingConfig.timeSpan",
        "mode manual needs timeSpan",
    ),
    _feed(
        "auto-chunking-with-span",
        {"chunkingConfig": {"mode": "auto", "timeSpan": "3h"}},
        "spec.chunkingConfig.timeSpan",
        "timeSpan cannot be used with mode 'auto'",
    ),
    _feed(
        "max-empty-searches-zero",
        {"maxEmptySearches": 0},
        "spec.maxEmptySearches",
        "maxEmptySearches cannot be 0: write a number above 0, or -1 for never",
    ),
    _feed(
        "max-empty-searches-negative",
        {"maxEmptySearches": -2},
        "spec.maxEmptySearches",
        "should be greater than or equal to -1",
    ),
    _feed("scroll-size", {"scrollSize": -1}, "spec.scrollSize", "should be greater than or equal to 0"),
    _feed("frequency-zero", {"frequency": "0s"}, "spec.frequency", "too short: write at least 1s"),
    _feed(
        "frequency-fine",
        {"frequency": "1100ms"},
        "spec.frequency",
        "too fine: write a whole multiple of 1s",
    ),
    _feed(
        "query-delay-fine",
        {"queryDelay": "10micros"},
        "spec.queryDelay",
        "too fine: write a whole multiple of 1ms",
    ),
    _feed("query-delay-negative", {"queryDelay": "-1s"}, "spec.queryDelay", "not a duration"),
    _feed("start-words", {"start": "yesterday"}, "spec.start", "not a point in time: write ISO 8601"),
    _feed(
        "index-capitals", {"indices": ["logs-*", "Logs-*"]}, "spec.indices[1]", "the names of indices have no capitals"
    ),
    _feed("end-now", {"end": "now"}, "spec.end", "end cannot be now"),
    _feed(
        "end-before-start",
        {"start": "2026-02-01T00:00:00Z", "end": "2026-01-01"},
        "spec.end",
        "must be after start '2026-02-01T00:00:00Z'",
        only="operator",
        because="the forms of a time differ too much for CEL to compare",
    ),
    _feed(
        "impossible-date",
        {"start": "2026-02-31T00:00:00Z"},
        "spec.start",
        "not a point in time",
        only="operator",
        because="the pattern does not know the calendar",
    ),
    _feed(
        "delayed-data-check-without-enabled",
        {"delayedDataCheckConfig": {"checkWindow": "2h"}},
        "spec.delayedDataCheckConfig.enabled",
        "is required",
        kubectl="Required value",
    ),
    _feed(
        "expand-wildcards",
        {"indicesOptions": {"expandWildcards": ["opened"]}},
        "spec.indicesOptions.expandWildcards[0]",
        "did you mean 'open'?",
        kubectl='Unsupported value: "opened": supported values: "open", "closed"',
    ),
    _feed("datafeed-id", {"datafeedId": "a b"}, "spec.datafeedId", "an id may contain a-z, 0-9, hyphens"),
]

CONNECTIONS = [
    _connection("no-address", {"url": REMOVE}, "spec", "write exactly one of url, urls, eckRef and embedded"),
    _connection(
        "two-addresses",
        {"eckRef": {"name": "es"}},
        "spec",
        "write exactly one of url, urls, eckRef and embedded",
    ),
    _connection(
        "no-auth",
        {"auth": {}},
        "spec.auth",
        "write exactly one of apiKeySecretRef, basicSecretRef and bearerSecretRef",
    ),
    _connection(
        "two-auths",
        {"auth": {"apiKeySecretRef": {"name": "a"}, "bearerSecretRef": {"name": "b"}}},
        "spec.auth",
        "write exactly one of apiKeySecretRef, basicSecretRef and bearerSecretRef",
    ),
    _connection(
        "two-authorities",
        {"caSecretRef": {"name": "a"}, "caConfigMapRef": {"name": "b"}},
        "spec.caConfigMapRef",
        "caSecretRef and caConfigMapRef exclude one another",
    ),
    _connection(
        "client-certificate-in-the-clear",
        {"url": "http://es:9200", "clientCertificateSecretRef": {"name": "client"}},
        "spec.clientCertificateSecretRef",
        "a plain connection shows no certificate",
    ),
    _connection(
        "allowed-pattern",
        {"allowedNamespaces": {"names": ["team-*"]}},
        "spec.allowedNamespaces.names[0]",
        "write the name of a namespace, or * for every one",
    ),
    _connection("no-requests", {"requestsPerSecond": 0}, "spec.requestsPerSecond", "greater than or equal to 1"),
    _connection("endless-retries", {"readRetries": 99}, "spec.readRetries", "less than or equal to 10"),
    _connection("no-scheme", {"url": "es:9200"}, "spec.url", "write http(s)://host[:port]"),
    _connection("password-in-url", {"url": "https://u:p@es:9200"}, "spec.url", "they belong in a Secret"),
    _connection("observe-interval", {"observeInterval": "500ms"}, "spec.observeInterval", "write at least 1s"),
    _embedded("no-volume", {"storage": {"size": "0Gi"}}, "spec.embedded.storage.size", "such as 10Gi"),
    _embedded("volume-in-words", {"storage": {"size": "10gb"}}, "spec.embedded.storage.size", "such as 10Gi"),
    _embedded("no-cpu", {"resources": {"requests": {"cpu": "0"}}}, "spec.embedded.resources.requests.cpu", "500m"),
    _embedded(
        "memory-beyond-the-limit",
        {"resources": {"requests": {"memory": "3Gi"}}},
        "spec.embedded.resources",
        "resources.requests.memory is more than resources.limits.memory: raise the limit",
    ),
    _embedded("image-with-blank", {"image": "an engine"}, "spec.embedded.image", "write the reference of an image"),
    _embedded(
        "toleration-of-any-value",
        {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
        "spec.embedded.tolerations[0].value",
        "operator Exists takes any value: remove value",
    ),
    _embedded(
        "toleration-of-nothing",
        {"tolerations": [{"value": "b"}]},
        "spec.embedded.tolerations[0].operator",
        "without key every taint is borne",
    ),
    _embedded(
        "clients-of-nowhere",
        {"clients": [{}]},
        "spec.embedded.clients[0]",
        "write namespaceSelector or podSelector, or both",
    ),
    Refused(
        id="embedded-name",
        manifest=manifest("ElasticsearchConnection", {"url": REMOVE, "embedded": {}}, name="es.1"),
        field="metadata",
        message="a connection with spec.embedded has a name of at most 45 characters",
    ),
]

FILTERS = [
    _job_set("set-without-values", {"values": REMOVE}, "spec", "write exactly one of values and terms"),
    _job_set(
        "set-of-both",
        {"terms": {"indices": ["logs"], "field": "service"}},
        "spec",
        "write exactly one of values and terms",
    ),
    _job_set(
        "set-with-a-value-twice",
        {"values": ["a", "a"]},
        "spec.values",
        "values holds a value twice",
        kubectl="Duplicate value",
    ),
    _job_set("set-without-template", {"template": REMOVE}, "spec.template", "is required", kubectl="Required value"),
    _job_set("set-of-too-many", {"limit": 1001}, "spec.limit", "less than or equal to 1000"),
    _job_set(
        "set-with-job-id",
        {"template.job.jobId": "one"},
        "spec.template.job",
        "template.job must leave jobId out: each job needs an id of its own, which is its name",
        only="operator",
        because="free objects are beyond CEL",
    ),
    _job_set(
        "set-with-connection",
        {"template.job.connectionRef": {"name": "other"}},
        "spec.template.job",
        "template.job must leave connectionRef out: write spec.connectionRef of the set",
        only="operator",
        because="free objects are beyond CEL",
    ),
    _job_set(
        "set-with-job-reference",
        {"template.datafeed.jobRef": {"name": "one"}},
        "spec.template.datafeed",
        "template.datafeed must leave jobRef and datafeedId out: they follow from the job",
        only="operator",
        because="free objects are beyond CEL",
    ),
    _investigation("investigation-of-no-time", {"since": REMOVE}, "spec", "write exactly one of start and since"),
    _investigation("investigation-of-two", {"start": "2026-01-01"}, "spec", "write exactly one of start and since"),
    _investigation("investigation-end-alone", {"end": "2026-01-01"}, "spec.end", "end belongs to start"),
    _investigation("investigation-of-now", {"since": REMOVE, "start": "now"}, "spec.start", "a window has fixed times"),
    _investigation(
        "investigation-both-ways",
        {"jobs": "web-*", "jobSelector": {"matchLabels": {"team": "web"}}},
        "spec.jobs",
        "write jobs or jobSelector, not both",
    ),
    _investigation(
        "investigation-backwards",
        {"since": REMOVE, "start": "2026-01-02", "end": "2026-01-01"},
        "spec.end",
        "the window must end after its start",
        only="operator",
        because="times have several forms, which CEL cannot compare",
    ),
    _job(
        "trigger-both-ways",
        {"triggers": {"investigation": {"jobs": "web-*", "jobSelector": {}}}},
        "spec.triggers.investigation.jobs",
        "write jobs or jobSelector, not both",
    ),
    _job(
        "trigger-short-pause",
        {"triggers": {"investigation": {"coolDown": "1m"}}},
        "spec.triggers.investigation.coolDown",
        "write at least 10m",
    ),
    _revert("revert-to-nowhere", {"snapshotId": REMOVE}, "spec", "write exactly one of snapshotId and before"),
    _revert("revert-to-two", {"before": "2026-01-01"}, "spec", "write exactly one of snapshotId and before"),
    _revert("revert-to-what", {"snapshotId": "a/b"}, "spec.snapshotId", "write the id of a model snapshot, or empty"),
    _revert(
        "revert-before-now",
        {"snapshotId": REMOVE, "before": "now"},
        "spec.before",
        "before needs a fixed time: write ISO 8601",
    ),
    _revert(
        "revert-skips-nothing",
        {"deleteInterveningResults": False, "skipPeriod": {"start": "2026-01-01", "end": "2026-01-02"}},
        "spec.skipPeriod",
        "skipPeriod needs deleteInterveningResults: true",
    ),
    _revert(
        "revert-skips-now",
        {"skipPeriod": {"start": "2026-01-01", "end": "now"}},
        "spec.skipPeriod.start",
        "a period needs fixed times",
    ),
    _revert(
        "revert-skips-backwards",
        {"skipPeriod": {"start": "2026-01-02", "end": "2026-01-01"}},
        "spec.skipPeriod.end",
        "a period must end after it starts: correct start or end",
        only="operator",
        because="times have several forms, which CEL cannot compare",
    ),
    _forecast("forecast-without-job", {"jobRef": REMOVE}, "spec.jobRef", "is required", kubectl="Required value"),
    _forecast("forecast-too-long", {"duration": "3651d"}, "spec.duration", "duration is too long: write 3650d or less"),
    _forecast("forecast-of-nothing", {"duration": "0"}, "spec.duration", "write at least 1s"),
    _forecast(
        "forecast-memory",
        {"maxModelMemory": "500mb"},
        "spec.maxModelMemory",
        "maxModelMemory must be less than 500mb",
        only="operator",
        because="sizes have several units, which would need a table of their own in CEL",
    ),
    _forecast(
        "forecast-zone-without-schedule",
        {"timeZone": "Europe/Berlin"},
        "spec.timeZone",
        "timeZone says something about a schedule alone: write schedule, or remove timeZone",
    ),
    _forecast(
        "forecast-deadline-without-schedule",
        {"startingDeadline": "5m"},
        "spec.startingDeadline",
        "startingDeadline says something about a schedule alone: write schedule, or remove startingDeadline",
    ),
    _forecast(
        "forecast-schedule-of-four", {"schedule": "0 6 * *"}, "spec.schedule", "write minute, hour, day of the month"
    ),
    _forecast(
        "forecast-schedule-of-seconds",
        {"schedule": "0 0 6 * * *"},
        "spec.schedule",
        "write minute, hour, day of the month",
    ),
    _forecast(
        "forecast-schedule-beyond",
        {"schedule": "61 6 * * *"},
        "spec.schedule",
        "is no cron schedule (Bad minute)",
        only="operator",
        because="CEL reads no cron schedules",
    ),
    _forecast(
        "forecast-schedule-never",
        {"schedule": "0 6 31 2 *"},
        "spec.schedule",
        "Bad day-of-month",
        only="operator",
        because="CEL reads no cron schedules",
    ),
    _forecast(
        "forecast-zone",
        {"schedule": "0 6 * * *", "timeZone": "Mars/Olympus"},
        "spec.timeZone",
        "'Mars/Olympus' is no time zone",
        only="operator",
        because="CEL knows no time zones",
    ),
    _forecast(
        "forecast-orphan",
        {"deletionPolicy": "Orphan"},
        "spec.deletionPolicy",
        "accepted: Retain, Delete",
        kubectl="Unsupported value",
    ),
    _forecast(
        "forecast-history",
        {"historyLimit": 0},
        "spec.historyLimit",
        "greater than or equal to 1",
    ),
    _filter("filter-without-items", {"items": REMOVE}, "spec.items", "write items, itemsFrom or both"),
    _filter(
        "filter-from-nothing",
        {"itemsFrom": [{}]},
        "spec.itemsFrom[0].configMapRef",
        "is required",
        kubectl="Required value",
    ),
    _filter(
        "filter-from-a-key-that-none-is",
        {"itemsFrom": [{"configMapRef": {"name": "hosts", "key": "a b"}}]},
        "spec.itemsFrom[0].configMapRef.key",
        "a key consists of",
    ),
    _filter(
        "filter-item-twice",
        {"items": ["a", "b", "a"]},
        "spec.items",
        "items holds a value twice: keep one",
        kubectl="Duplicate value",
    ),
    _filter(
        "filter-empty-item",
        {"items": [""]},
        "spec.items[0]",
        "at least 1 character",
        kubectl="should be at least 1 chars long",
    ),
    _filter("filter-id", {"filterId": "Known Hosts"}, "spec.filterId", "an id may contain a-z", kubectl="not accepted"),
    _filter(
        "filter-description-with-a-mark",
        {"description": "mine [anomalyops.io {}]"},
        "spec.description",
        "description must not hold [anomalyops.io, with which the operator's mark begins: remove it",
    ),
]

_E0 = "spec.events[0]"
_FORMS_OF_TIMES = "times are written in several forms, which CEL cannot compare"
CALENDARS = [
    _calendar(
        "event-without-description",
        {"events.0.description": REMOVE},
        f"{_E0}.description",
        "is required",
        kubectl="Required value",
    ),
    _calendar(
        "ics-from-nothing",
        {"ics": [{"skipResult": False}]},
        "spec.ics[0]",
        "write exactly one of inline and configMapRef",
    ),
    _calendar(
        "event-now",
        {"events.0.start": "now"},
        f"{_E0}.start",
        "an event needs fixed times: write start and end as ISO 8601 or milliseconds since 1970, not now",
    ),
    _calendar(
        "event-ends-before-its-start",
        {"events.0.end": "2026-12-23"},
        f"{_E0}.end",
        "an event must end after it starts: correct start or end",
        only="operator",
        because=_FORMS_OF_TIMES,
    ),
    _calendar(
        "event-with-a-mark",
        {"events.0.description": "[anomalyops.io {}]"},
        f"{_E0}.description",
        "description must not begin with [anomalyops.io, as the operator's mark does: remove it",
    ),
    _calendar(
        "event-time",
        {"events.0.start": "tomorrow"},
        f"{_E0}.start",
        "is not a point in time",
        kubectl="not a point in time",
    ),
    _calendar(
        "event-twice",
        {
            "events": [
                {"description": "a", "start": 1_700_000_000_000, "end": "2026-01-01"},
                {"description": "a", "start": "2023-11-14T22:13:20Z", "end": "2026-01-01T00:00:00Z"},
            ]
        },
        "spec.events",
        "events holds the same event twice: keep one",
        only="operator",
        because=_TOO_COSTLY,
    ),
    _calendar(
        "event-shift",
        {"events.0.forceTimeShift": 90_000},
        f"{_E0}.forceTimeShift",
        "less than or equal to 86400",
        kubectl="should be less than or equal to 86400",
    ),
    _calendar(
        "calendar-description-with-a-mark",
        {"description": "[anomalyops.io {}]"},
        "spec.description",
        "description must not hold [anomalyops.io, with which the operator's mark begins: remove it",
    ),
    _calendar(
        "calendar-id", {"calendarId": "_all"}, "spec.calendarId", "an id may contain a-z", kubectl="not accepted"
    ),
    _calendar(
        "calendar-job",
        {"jobIds": ["Web"]},
        "spec.jobIds[0]",
        "write the id of a job or a group",
        kubectl="should match",
    ),
    _calendar(
        "selector-in-without-values",
        {"jobSelector": {"matchExpressions": [{"key": "team", "operator": "In"}]}},
        "spec.jobSelector.matchExpressions[0].values",
        "In and NotIn need values, Exists and DoesNotExist have none: add or remove values",
    ),
    Refused(
        id="calendar-name-too-long",
        manifest=manifest("AnomalyCalendar", name="c" * 65),
        field="spec.calendarId",
        message="metadata.name has more than 64 characters, too many for an id on the server: set spec.calendarId",
    ),
]

REFUSED = [
    *CALENDARS,
    *DETECTORS,
    *CUSTOM_RULES,
    *CATEGORIZATION,
    *JOBS,
    *UNKNOWN_FIELDS,
    *DATAFEEDS,
    *FILTERS,
    *CONNECTIONS,
    *RETAINED,
]

# Every field of every kind, so that no rule refuses what is right.
ACCEPTED = [
    manifest("AnomalyJob"),
    manifest("Datafeed"),
    manifest("ElasticsearchConnection"),
    manifest("AnomalyCalendar"),
    manifest("AnomalyCalendar", {"events": REMOVE, "jobRefs": REMOVE}),
    manifest(
        "AnomalyCalendar", {"ics": [{"configMapRef": {"name": "sales", "key": "sales.ics"}, "skipResult": False}]}
    ),
    manifest(
        "AnomalyCalendar",
        {
            "calendarId": "holidays.de",
            "description": "Days off in Germany",
            "jobSelector": {
                "matchLabels": {"team": "web"},
                "matchExpressions": [
                    {"key": "tier", "operator": "NotIn", "values": ["test"]},
                    {"key": "quiet", "operator": "DoesNotExist"},
                ],
            },
            "jobIds": ["_all", "group-1", "a.b_c"],
            "events.0.start": "1700000000000",
            "events.0.skipResult": True,
            "events.0.skipModelUpdate": False,
            "events.0.forceTimeShift": -3600,
        },
    ),
    manifest("AnomalyJobSet"),
    manifest(
        "AnomalyJobSet",
        {
            "values": REMOVE,
            "connectionRef": {"name": "production"},
            "terms": {"indices": ["logs-*"], "field": "service.name", "query": {"match_all": {}}},
            "limit": 1000,
            "prunePolicy": "Orphan",
            "template.labels": {"service": "{{value}}"},
        },
    ),
    manifest("Investigation"),
    manifest(
        "Investigation",
        {
            "since": REMOVE,
            "start": "2026-11-26T06:00:00Z",
            "end": "1795680000000",
            "connectionRef": {"name": "production"},
            "jobs": "web-*,*-errors,web-*-rate,exact_1.b",
            "service": "Check Out.v2",
            "minScore": 12.5,
            "ttlAfterFinished": "0",
        },
    ),
    manifest("Investigation", {"jobSelector": {"matchLabels": {"team": "web"}}, "minScore": 0}),
    manifest(
        "AnomalyJob",
        {
            "triggers.investigation": {
                "minScore": 90,
                "coolDown": "10m",
                "before": "0",
                "after": "5m",
                "jobs": "web-*",
                "ttlAfterFinished": "1d",
            }
        },
    ),
    manifest("AnomalyJob", {"triggers.investigation": {}}),
    manifest(
        "AnomalyJob",
        {
            "retainedSnapshots": [
                {"snapshotId": "1795672800", "description": "before the sale"},
                {"before": "2026-11-26T06:00:00Z"},
                {"before": "1795680000000", "description": "after it"},
            ]
        },
    ),
    manifest("AnomalyJob", {"retainedSnapshots": []}),
    manifest("ModelSnapshotRevert"),
    manifest("ModelSnapshotRevert", {"snapshotId": "empty", "deleteInterveningResults": False}),
    manifest(
        "ModelSnapshotRevert",
        {
            "snapshotId": REMOVE,
            "before": "2026-11-26T06:00:00Z",
            "skipPeriod": {
                "start": "2026-11-26T06:00:00Z",
                "end": "1795680000000",
                "description": "bad deployment",
                "skipResult": False,
                "skipModelUpdate": True,
            },
            "deletionPolicy": "Delete",
        },
    ),
    manifest("AnomalyForecast"),
    manifest(
        "AnomalyForecast",
        {
            "duration": "3650d",
            "expiresIn": "0",
            "maxModelMemory": "40mb",
            "schedule": "*/15 6-8,20 1 JAN-MAR MON#1",
            "timeZone": "America/Argentina/Buenos_Aires",
            "startingDeadline": "1h",
            "historyLimit": 50,
            "openClosedJob": True,
            "suspend": True,
            "deletionPolicy": "Delete",
        },
    ),
    manifest("AnomalyFilter"),
    manifest("AnomalyFilter", {"items": []}),
    manifest("AnomalyFilter", {"items": REMOVE, "itemsFrom": [{"configMapRef": {"name": "hosts", "key": "loud.txt"}}]}),
    manifest("AnomalyFilter", {"itemsFrom": [{"configMapRef": {"name": "hosts", "key": "loud.txt"}}]}),
    manifest(
        "AnomalyFilter",
        {
            "filterId": "known_hosts.1",
            "connectionRef": {"name": "production"},
            "description": "Hosts that may be loud.",
            "deletionPolicy": "Delete",
            "adoptionPolicy": "Always",
            "takeOverFrom": "c1/other/hosts",
        },
    ),
    manifest(
        "AnomalyJob",
        {
            "jobId": "web_logs.all-1",
            "connectionRef": {"name": "production"},
            "state": "Closed",
            "replacePolicy": "Recreate",
            "deletionPolicy": "Delete",
            "adoptionPolicy": "Always",
            "suspend": True,
            "description": "Everything at once",
            "groups": ["web", "logs"],
            "analysisConfig": {
                "bucketSpan": "900s",
                "detectors": [
                    {
                        "function": "high_mean",
                        "fieldName": "bytes",
                        "byFieldName": "status",
                        "overFieldName": "clientip",
                        "partitionFieldName": "host",
                        "useNull": True,
                        "excludeFrequent": "all",
                        "detectorDescription": "Large answers",
                        "customRules": [
                            {
                                "actions": ["skip_result", "skip_model_update"],
                                "scope": {
                                    "host": {"filterId": "trusted_hosts", "filterType": "exclude"},
                                    "clientip": {"filterId": "trusted"},
                                },
                                "conditions": [
                                    {"appliesTo": "actual", "operator": "lt", "value": 10},
                                    {"appliesTo": "diff_from_typical", "operator": "gte", "value": 0.5},
                                ],
                            },
                            {"conditions": [{"appliesTo": "time", "operator": "gt", "value": 1}]},
                        ],
                    },
                    {"function": "count", "byFieldName": "mlcategory", "partitionFieldName": "host"},
                    {
                        "function": "count",
                        "byFieldName": "mlcategory",
                        "partitionFieldName": "host",
                        "detectorDescription": "The same, seen as another",
                    },
                    {"function": "freq_rare", "byFieldName": "status", "overFieldName": "clientip"},
                    {"function": "rare", "byFieldName": "status", "partitionFieldName": "host"},
                    {"function": "nns", "fieldName": "bytes"},
                    {"function": "lat_long", "fieldName": "geo"},
                    {"function": "low_nzc"},
                    {"function": "time_of_week", "byFieldName": "user"},
                ],
                "influencers": ["clientip", "host", "hosting"],
                "categorizationFieldName": "message",
                "categorizationFilters": ["\\[.*?\\]", "'x'"],
                "perPartitionCategorization": {"enabled": True, "stopOnWarn": True},
                "latency": "0",
                "summaryCountFieldName": "doc_count",
                "multivariateByFields": True,
                "modelPruneWindow": "30d",
            },
            "analysisLimits": {"modelMemoryLimit": "2GB", "categorizationExamplesLimit": 4},
            "dataDescription": {"timeField": "@timestamp", "timeFormat": "epoch_ms", "format": "xcontent"},
            "modelPlotConfig": {"enabled": True, "annotationsEnabled": False, "terms": "a,b"},
            "modelSnapshotRetentionDays": 3,
            "dailyModelSnapshotRetentionAfterDays": 3,
            "resultsRetentionDays": 90,
            "renormalizationWindowDays": 0,
            "backgroundPersistInterval": "1h",
            "customSettings": {"custom_urls": [{"url_name": "x", "url_value": None}], "created_by": "us"},
            "allowLazyOpen": True,
            "resultsIndexName": "web",
        },
        name="everything",
    ),
    manifest(
        "AnomalyJob",
        {
            "analysisConfig.detectors": [{"function": "count", "byFieldName": "mlcategory"}],
            "analysisConfig.categorizationFieldName": "message",
            "analysisConfig.categorizationAnalyzer": {"tokenizer": "ml_standard", "char_filter": []},
            "analysisLimits.modelMemoryLimit": 256,
            "analysisConfig.influencers": ["count", "a", "a-b"],
        },
        name="analyzer-object",
    ),
    manifest(
        "AnomalyJob",
        {
            "analysisConfig.detectors": [{"function": "count", "byFieldName": "mlcategory"}],
            "analysisConfig.categorizationFieldName": "message",
            "analysisConfig.categorizationAnalyzer": "english",
            "analysisLimits.modelMemoryLimit": "1048576b",
        },
        name="analyzer-name",
    ),
    manifest(
        "Datafeed",
        {
            "datafeedId": "datafeed-web",
            "state": "Stopped",
            "start": "2026-01-01T00:00:00+01:00",
            "end": "1769900400000",
            "replacePolicy": "Reset",
            "deletionPolicy": "Orphan",
            "adoptionPolicy": "Never",
            "suspend": True,
            "indices": ["logs-*", "remote:logs-*"],
            "query": {"bool": {"filter": [{"term": {"a.b": None}}], "must_not": []}},
            "scriptFields": {"twice": {"script": {"source": "doc['a'].value * 2"}}},
            "runtimeMappings": {"r": {"type": "long"}},
            "queryDelay": "90s",
            "frequency": "150s",
            "scrollSize": 1000,
            "chunkingConfig": {"mode": "manual", "timeSpan": "3h"},
            "delayedDataCheckConfig": {"enabled": True, "checkWindow": "2h"},
            "maxEmptySearches": -1,
            "indicesOptions": {
                "expandWildcards": ["open", "hidden"],
                "ignoreUnavailable": True,
                "allowNoIndices": False,
                "ignoreThrottled": True,
            },
        },
        name="everything",
    ),
    manifest(
        "Datafeed",
        {
            "start": 1767225600,
            "aggregations": _AGGREGATIONS,
            "queryDelay": "0",
            "chunkingConfig": {"mode": "off"},
            "maxEmptySearches": 5,
        },
        name="aggregated",
    ),
    manifest(
        "ElasticsearchConnection",
        {
            "url": REMOVE,
            "urls": ["https://a:9200", "https://b:9200/path"],
            "auth": {"basicSecretRef": {"name": "es-elastic-user", "username": "elastic", "passwordKey": "elastic"}},
            "caSecretRef": {"name": "es-http-certs-public"},
            "insecureSkipVerify": True,
            "kibana": {"url": "https://kibana:5601", "space": "sre"},
            "requestTimeout": "10s",
            "observeInterval": "1s",
            "resyncInterval": "10m",
        },
        name="everything",
    ),
    manifest(
        "AnomalyJob",
        {"analysisConfig.detectors.0.partitionFieldName": "count", "dataDescription": {}},
        name="partition-by-a-field-named-count",
    ),
    manifest("ElasticsearchConnection", {"url": REMOVE, "embedded": {}}, name="embedded"),
    manifest(
        "ElasticsearchConnection",
        {
            "url": REMOVE,
            "embedded": {
                "image": "registry.example:5000/team/anomalyops-engine:0.1.0",
                "imagePullSecrets": ["registry"],
                "storage": {"size": "100Gi", "className": "fast", "whenDeleted": "Delete"},
                "resources": {"requests": {"cpu": "0.5", "memory": "4Gi"}, "limits": {"cpu": "2", "memory": "4096Mi"}},
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"operator": "Exists"}, {"key": "dedicated", "value": "ml", "effect": "NoSchedule"}],
                "clients": [{"namespaceSelector": {}}, {"podSelector": {"matchLabels": {"app": "shipper"}}}],
            },
        },
        name="embedded-whole",
    ),
    manifest("ElasticsearchConnection", {"url": REMOVE, "eckRef": {"name": "es"}}, name="eck"),
]


def _changed(id_: str, changes: dict[str, Any], field_: str = "", message: str = "", **more: Any) -> Change:
    before = more.pop("before", {})
    return Change(
        id=id_,
        before=manifest("AnomalyJob", before),
        after=manifest("AnomalyJob", before | changes),
        field=field_,
        message=message,
        **more,
    )


_IN_PLACE = "cannot be changed in place: undo the change, or set spec.replacePolicy: Recreate"

CHANGES = [
    _changed("bucket-span", {"analysisConfig.bucketSpan": "1h"}, "spec.analysisConfig.bucketSpan", _IN_PLACE),
    _changed(
        "bucket-span-under-reset",
        {"analysisConfig.bucketSpan": "1h", "replacePolicy": "Reset"},
        "spec.analysisConfig.bucketSpan",
        _IN_PLACE,
    ),
    _changed("bucket-span-recreate", {"analysisConfig.bucketSpan": "1h", "replacePolicy": "Recreate"}),
    _changed("bucket-span-same-meaning", {"analysisConfig.bucketSpan": "900s"}),
    _changed("bucket-span-before-creation", {"analysisConfig.bucketSpan": "1h"}, status={}),
    _changed("bucket-span-removed", {"analysisConfig": {"detectors": [_MEAN | {"partitionFieldName": "host"}]}}),
    _changed(
        "detector-function",
        {"analysisConfig.detectors.0.function": "max"},
        "spec.analysisConfig.detectors",
        "cannot change in number, order, function or fields",
    ),
    _changed("detector-alias", {"analysisConfig.detectors.0.function": "avg"}),
    _changed(
        "detector-field-removed",
        {"analysisConfig.detectors.0.partitionFieldName": REMOVE},
        "spec.analysisConfig.detectors",
        "cannot change in number, order, function or fields",
    ),
    _changed(
        "detector-added",
        {"analysisConfig.detectors": [_MEAN | {"partitionFieldName": "host"}, {"function": "count"}]},
        "spec.analysisConfig.detectors",
        "cannot change in number, order, function or fields",
    ),
    _changed(
        "detector-description-and-rules",
        {
            "analysisConfig.detectors.0.detectorDescription": "other",
            "analysisConfig.detectors.0.customRules": [{"scope": {"host": {"filterId": "f"}}}],
        },
    ),
    _changed(
        "influencers",
        {"analysisConfig.influencers": ["user"]},
        "spec.analysisConfig.influencers",
        _IN_PLACE,
    ),
    _changed(
        "influencers-order",
        {"analysisConfig.influencers": ["user", "host"]},
        before={"analysisConfig.influencers": ["host", "user"]},
    ),
    _changed(
        "time-field",
        {"dataDescription.timeField": "event.ingested"},
        "spec.dataDescription.timeField",
        _IN_PLACE,
    ),
    _changed(
        "time-format",
        {"dataDescription.timeFormat": "epoch"},
        "spec.dataDescription.timeFormat",
        _IN_PLACE,
        before={"dataDescription.timeFormat": "epoch_ms"},
    ),
    _changed(
        "latency",
        {"analysisConfig.latency": "10s"},
        "spec.analysisConfig.latency",
        _IN_PLACE,
        before={"analysisConfig.latency": "5s"},
    ),
    _changed(
        "summary-count",
        {"analysisConfig.summaryCountFieldName": "other"},
        "spec.analysisConfig.summaryCountFieldName",
        _IN_PLACE,
        before={"analysisConfig.summaryCountFieldName": "doc_count"},
    ),
    _changed(
        "categorization-field",
        {"analysisConfig.categorizationFieldName": "text"},
        "spec.analysisConfig.categorizationFieldName",
        _IN_PLACE,
        before=_detectors(_CATEGORY) | _MESSAGES,
    ),
    _changed(
        "categorization-filters",
        {"analysisConfig.categorizationFilters": ["b"]},
        "spec.analysisConfig.categorizationFilters",
        _IN_PLACE,
        before=_detectors(_CATEGORY) | _MESSAGES | {"analysisConfig.categorizationFilters": ["a"]},
    ),
    _changed(
        "per-partition",
        {"analysisConfig.perPartitionCategorization": {"enabled": False}},
        "spec.analysisConfig.perPartitionCategorization.enabled",
        _IN_PLACE,
        before=_detectors(_CATEGORY | {"partitionFieldName": "host"}) | _MESSAGES | _PER_PARTITION,
    ),
    _changed(
        "results-index",
        {"resultsIndexName": "other"},
        "spec.resultsIndexName",
        _IN_PLACE,
        before={"resultsIndexName": "web"},
    ),
    _changed(
        "multivariate",
        {"analysisConfig.multivariateByFields": False},
        "spec.analysisConfig.multivariateByFields",
        _IN_PLACE,
        before={"analysisConfig.multivariateByFields": True},
    ),
    _changed("job-id", {"jobId": "other"}, "spec.jobId", "spec.jobId cannot change"),
    _changed("job-id-of-the-same-value", {"jobId": "requests"}),
    _changed("connection", {"connectionRef": {"name": "other"}}),
    _changed("memory", {"analysisLimits.modelMemoryLimit": "2gb", "resultsRetentionDays": 5}),
    Change(
        id="datafeed-job",
        before=manifest("Datafeed"),
        after=manifest("Datafeed", {"jobRef": {"name": "other"}}),
        field="spec.jobRef",
        message="spec.jobRef cannot change",
        status={},
    ),
    Change(
        id="datafeed-id",
        before=manifest("Datafeed", {"datafeedId": "a"}),
        after=manifest("Datafeed", {"datafeedId": "b"}),
        field="spec.datafeedId",
        message="spec.datafeedId cannot change",
        status={},
    ),
    Change(
        id="calendar-id",
        before=manifest("AnomalyCalendar", {"calendarId": "a"}),
        after=manifest("AnomalyCalendar", {"calendarId": "b"}),
        field="spec.calendarId",
        message="spec.calendarId cannot change",
        status={},
    ),
    Change(
        id="calendar-events",
        before=manifest("AnomalyCalendar"),
        after=manifest("AnomalyCalendar", {"events": [], "jobIds": ["_all"], "jobRefs": REMOVE}),
        status={},
    ),
    Change(
        id="revert-job",
        before=manifest("ModelSnapshotRevert"),
        after=manifest("ModelSnapshotRevert", {"jobRef.name": "other"}),
        field="spec.jobRef",
        message="spec.jobRef cannot change",
        status={},
    ),
    Change(
        id="revert-not-begun",
        before=manifest("ModelSnapshotRevert"),
        after=manifest("ModelSnapshotRevert", {"snapshotId": REMOVE, "before": "2026-01-01"}),
        status={"jobId": "requests"},
    ),
    Change(
        id="revert-begun",
        before=manifest("ModelSnapshotRevert"),
        after=manifest("ModelSnapshotRevert", {"snapshotId": "empty"}),
        field="spec",
        message="a revert that was begun cannot change",
        status={"completionTime": "2026-11-26T06:00:00Z"},
    ),
    Change(
        id="revert-begun-changes-elsewhere",
        before=manifest("ModelSnapshotRevert", {"skipPeriod": {"start": "2026-01-01", "end": "2026-01-02"}}),
        after=manifest(
            "ModelSnapshotRevert",
            {"skipPeriod": {"start": "2026-01-01", "end": "2026-01-02"}, "deletionPolicy": "Delete"},
        ),
        status={"completionTime": "2026-11-26T06:00:00Z"},
    ),
    Change(
        id="forecast-job",
        before=manifest("AnomalyForecast"),
        after=manifest("AnomalyForecast", {"jobRef.name": "other"}),
        field="spec.jobRef",
        message="spec.jobRef cannot change",
        status={},
    ),
    Change(
        id="forecast-schedule-comes",
        before=manifest("AnomalyForecast"),
        after=manifest("AnomalyForecast", {"schedule": "0 6 * * *"}),
        field="spec.schedule",
        message="spec.schedule can neither come nor go",
        status={},
    ),
    Change(
        id="forecast-not-asked-for",
        before=manifest("AnomalyForecast"),
        after=manifest("AnomalyForecast", {"duration": "2d", "expiresIn": "1d", "maxModelMemory": "30mb"}),
        status={"state": ""},
    ),
    Change(
        id="forecast-asked-for",
        before=manifest("AnomalyForecast"),
        after=manifest("AnomalyForecast", {"maxModelMemory": "30mb"}),
        field="spec",
        message="cannot change of a forecast that was asked for",
        status={"history": [{"occasion": "once", "state": "finished"}]},
    ),
    Change(
        id="forecast-asked-for-changes-elsewhere",
        before=manifest("AnomalyForecast", {"maxModelMemory": "30mb"}),
        after=manifest("AnomalyForecast", {"maxModelMemory": "30mb", "suspend": True, "deletionPolicy": "Delete"}),
        status={"history": [{"occasion": "once", "state": "finished"}]},
    ),
    Change(
        id="forecast-of-a-schedule",
        before=manifest("AnomalyForecast", {"schedule": "0 6 * * *"}),
        after=manifest("AnomalyForecast", {"schedule": "0 7 * * *", "duration": "2d"}),
        status={"history": [{"occasion": "2026-11-26T06:00:00Z", "state": "finished"}]},
    ),
    Change(
        id="investigation-begun",
        before=manifest("Investigation"),
        after=manifest("Investigation", {"since": "3h"}),
        field="spec",
        message="what an Investigation looks at cannot change once it has begun",
        status={"startTime": "2026-11-26T06:00:00Z"},
    ),
    Change(
        id="investigation-waits",
        before=manifest("Investigation"),
        after=manifest("Investigation", {"since": "3h", "jobs": "web-*"}),
        status={"state": "Waiting"},
    ),
    Change(
        id="investigation-kept-longer",
        before=manifest("Investigation", {"ttlAfterFinished": "1d"}),
        after=manifest("Investigation", {"ttlAfterFinished": "9d"}),
        status={"startTime": "2026-11-26T06:00:00Z"},
    ),
    Change(
        id="embedded-taken-away",
        before=manifest("ElasticsearchConnection", {"url": REMOVE, "embedded": {}}),
        after=manifest("ElasticsearchConnection"),
        field="spec.embedded",
        message="spec.embedded cannot be added or taken away",
        status={},
    ),
    Change(
        id="embedded-added",
        before=manifest("ElasticsearchConnection"),
        after=manifest("ElasticsearchConnection", {"url": REMOVE, "embedded": {}}),
        field="spec.embedded",
        message="spec.embedded cannot be added or taken away",
        status={},
    ),
    Change(
        id="embedded-changed",
        before=manifest("ElasticsearchConnection", {"url": REMOVE, "embedded": {}}),
        after=manifest("ElasticsearchConnection", {"url": REMOVE, "embedded": {"image": "a/engine:2"}}),
        status={},
    ),
    Change(
        id="filter-id",
        before=manifest("AnomalyFilter", {"filterId": "a"}),
        after=manifest("AnomalyFilter", {"filterId": "b"}),
        field="spec.filterId",
        message="spec.filterId cannot change",
        status={},
    ),
    Change(
        id="filter-items",
        before=manifest("AnomalyFilter"),
        after=manifest("AnomalyFilter", {"items": [], "description": "none"}),
        status={},
    ),
    Change(
        id="datafeed-query",
        before=manifest("Datafeed"),
        after=manifest("Datafeed", {"query": {"match_all": {}}, "queryDelay": "2m"}),
        status={"datafeedState": "started"},
    ),
]
