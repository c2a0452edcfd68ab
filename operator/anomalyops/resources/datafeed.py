"""The Datafeed resource: one datafeed of one AnomalyJob."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from anomalyops.resources.aggregations import DatafeedAggregations
from anomalyops.resources.base import Boolean, JsonObject, SpecModel
from anomalyops.resources.durations import Duration, parse_duration
from anomalyops.resources.identifiers import DatafeedId, FieldName, IndexExpression, ObjectReference
from anomalyops.resources.policies import AdoptionPolicy, DatafeedRunState, DeletionPolicy, ReplacePolicy, SizingPolicy
from anomalyops.resources.resource import Resource
from anomalyops.resources.rules import Rule
from anomalyops.resources.sizing import Sizing, bounds_in_order
from anomalyops.resources.status import DatafeedStatus
from anomalyops.resources.times import PointInTime, parse_time
from anomalyops.resources.transitions import DATAFEED_TRANSITIONS, Transition

DEFAULT_INGESTED_FIELD = "event.ingested"  # where ECS has it


class ChunkingMode(StrEnum):
    """How a long search is cut into parts."""

    AUTO = "auto"
    MANUAL = "manual"
    OFF = "off"


class QueryDelayPolicy(Sizing):
    """What the operator does when documents come later than the datafeed waits for them."""

    RULES: ClassVar[tuple[Rule, ...]] = (bounds_in_order(parse_duration),)

    policy: SizingPolicy = Field(
        description=(
            "Fixed: the delay of the manifest holds. Recommend: a longer one is put into the status. Auto: it is set, "
            "by stopping, changing and starting again; never a shorter one."
        )
    )
    min: Annotated[str, Duration(minimum="1s", multiple="1s")] | None = Field(
        default=None, description="With Auto, the shortest delay."
    )
    max: Annotated[str, Duration(minimum="1s", multiple="1s")] | None = Field(
        default=None,
        description=(
            "The longest delay that is recommended or set; 1h when absent. Documents that come later still are left "
            "out of the measuring."
        ),
    )
    ingested_field: FieldName = Field(
        default=DEFAULT_INGESTED_FIELD,
        json_schema_extra={"default": None},  # the API server writes none
        description="The date field that says when a document was ingested; event.ingested when absent.",
    )


class ChunkingConfig(SpecModel):
    """How a search over a long time is cut into parts."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="mode manual needs timeSpan: write the length of a part, such as 3h",
            holds=lambda config: config.mode != ChunkingMode.MANUAL or config.time_span is not None,
            cel="self.mode != 'manual' || has(self.timeSpan)",
            field="timeSpan",
        ),
        Rule(
            message="timeSpan cannot be used with mode '{mode}': write mode manual, or remove timeSpan",
            holds=lambda config: config.mode == ChunkingMode.MANUAL or config.time_span is None,
            cel="self.mode == 'manual' || !has(self.timeSpan)",
            field="timeSpan",
        ),
    )

    mode: ChunkingMode = Field(description="auto: the server decides; manual: parts of timeSpan; off: one search.")
    time_span: Annotated[str, Duration(minimum="1s")] | None = Field(
        default=None, description="The length of a part in mode manual."
    )


class DelayedDataCheckConfig(SpecModel):
    """Whether the datafeed looks for documents that arrived too late."""

    enabled: Boolean = Field(description="Whether it looks for late documents.")
    check_window: Annotated[str, Duration(minimum="1ms")] | None = Field(
        default=None, description="How far back it looks; longer than the bucket span."
    )


class ExpandWildcards(StrEnum):
    """Which kinds of indices a wildcard matches."""

    OPEN = "open"
    CLOSED = "closed"
    HIDDEN = "hidden"
    NONE = "none"
    ALL = "all"


class IndicesOptions(SpecModel):
    """How index names are resolved."""

    expand_wildcards: list[ExpandWildcards] | None = Field(
        default=None, max_length=5, description="Which kinds of indices a wildcard matches."
    )
    ignore_unavailable: Boolean | None = Field(
        default=None, description="Whether missing or closed indices are ignored."
    )
    allow_no_indices: Boolean | None = Field(default=None, description="Whether a wildcard may match nothing.")
    ignore_throttled: Boolean | None = Field(
        default=None, description="Whether frozen indices are ignored (deprecated)."
    )


def _start_before_end(spec: DatafeedSpec) -> bool:
    if spec.start is None or spec.end is None or "now" in (spec.start, spec.end):
        return True
    return parse_time(spec.start) < parse_time(spec.end)


class DatafeedSpec(SpecModel):
    """What the datafeed shall be. Fields carry the names of the `_ml` API in camelCase."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="scriptFields cannot be used with aggregations: compute the values inside the aggregations",
            holds=lambda spec: not spec.aggregations or not spec.script_fields,
            cel="!has(self.aggregations) || !has(self.scriptFields)",
            field="scriptFields",
        ),
        Rule(
            message="maxEmptySearches cannot be 0: write a number above 0, or -1 for never",
            holds=lambda spec: spec.max_empty_searches != 0,
            cel="!has(self.maxEmptySearches) || self.maxEmptySearches != 0",
            field="maxEmptySearches",
        ),
        Rule(
            message="end cannot be now: write a point in time, or leave end out to go on in real time",
            holds=lambda spec: spec.end != "now",
            cel="!has(self.end) || self.end != 'now'",
            field="end",
        ),
        # The forms of a time differ too much for CEL; admission leaves this to the operator.
        Rule(
            message="end '{end}' must be after start '{start}'",
            holds=_start_before_end,
            field="end",
        ),
    )
    CONTROL_FIELDS: ClassVar[frozenset[str]] = frozenset(
        {
            "datafeed_id",
            "job_ref",
            "state",
            "start",
            "end",
            "replace_policy",
            "deletion_policy",
            "adoption_policy",
            "suspend",
            "query_delay_policy",
        }
    )

    datafeed_id: DatafeedId | None = Field(
        default=None,
        description="The datafeed's id on the server; by default the resource's name. Cannot be changed.",
    )
    job_ref: ObjectReference = Field(description="The AnomalyJob that the datafeed feeds. Cannot be changed.")
    state: DatafeedRunState = Field(
        default=DatafeedRunState.STARTED,
        json_schema_extra={"default": None},  # the API server must not write one: what is absent says something
        description=(
            "The wanted state of the datafeed. Without it the datafeed runs; one that exists already and is taken over "
            "keeps the state that it has."
        ),
    )
    start: PointInTime | None = Field(
        default=None,
        description=(
            "Where a datafeed of a new job begins: ISO 8601, seconds or milliseconds since 1970; by default "
            "at the first document."
        ),
    )
    end: PointInTime | None = Field(
        default=None, description="Where it ends (exclusive); without it, it goes on in real time."
    )
    replace_policy: ReplacePolicy = Field(
        default=ReplacePolicy.NEVER,
        description=(
            "What to do with the model when what is read changes. Never: changes apply in place, the model "
            "is kept. Reset: when indices, query, aggregations, script fields or runtime mappings change, "
            "the job's model and results are forgotten and learned anew. Recreate: as Reset, and a datafeed "
            "of the job under another id is deleted."
        ),
    )
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN,
        description=(
            "What becomes of the server's datafeed when this resource is deleted. Retain: it is stopped. "
            "Delete: it is stopped and deleted. Orphan: it is left as it is."
        ),
    )
    adoption_policy: AdoptionPolicy = Field(
        default=AdoptionPolicy.IF_MATCHES,
        description=(
            "Whether a datafeed that exists already under this id is taken over: when it matches, never or always."
        ),
    )
    suspend: Boolean = Field(
        default=False,
        description="Whether the datafeed is stopped for now; configuration changes still apply.",
    )
    query_delay_policy: QueryDelayPolicy | None = Field(
        default=None,
        description=(
            "What the operator does when documents come later than the datafeed waits for them; Fixed when absent. The "
            "maintenance window of the AnomalyJob holds for it."
        ),
    )

    indices: list[IndexExpression] = Field(
        min_length=1, max_length=256, description="Indices, patterns, aliases or data streams to read."
    )
    query: JsonObject | None = Field(default=None, description="Query DSL that selects the documents.")
    aggregations: DatafeedAggregations | None = Field(
        default=None,
        description="Aggregations that summarise the documents; a date_histogram with a max of the time.",
    )
    script_fields: JsonObject | None = Field(default=None, description="Fields computed by scripts, by name.")
    runtime_mappings: JsonObject | None = Field(default=None, description="Runtime fields, by name.")
    query_delay: Annotated[str, Duration(multiple="1ms")] | None = Field(
        default=None, description="How far behind now the datafeed searches, so that late documents are seen."
    )
    frequency: Annotated[str, Duration(minimum="1s", multiple="1s")] | None = Field(
        default=None, description="How often it searches in real time."
    )
    scroll_size: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] | None = Field(
        default=None, description="How many documents a search returns at once."
    )
    chunking_config: ChunkingConfig | None = Field(default=None, description="How long searches are cut into parts.")
    delayed_data_check_config: DelayedDataCheckConfig | None = Field(
        default=None, description="Whether it looks for documents that arrived too late."
    )
    max_empty_searches: Annotated[int, Field(strict=True, ge=-1, le=2**31 - 1)] | None = Field(
        default=None, description="After how many searches without documents it stops; -1: never."
    )
    indices_options: IndicesOptions | None = Field(default=None, description="How index names are resolved.")

    def server_body(self) -> dict[str, Any]:
        """The body of `PUT _ml/datafeeds/{datafeed_id}` without `job_id`: only what the manifest says."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True, exclude=set(self.CONTROL_FIELDS))


class Datafeed(Resource):
    """One datafeed of one AnomalyJob."""

    KIND: ClassVar[str] = "Datafeed"
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = DATAFEED_TRANSITIONS

    spec: DatafeedSpec = Field(description="What the datafeed shall be.")
    status: DatafeedStatus | None = Field(default=None, description="What the operator observed.")

    @property
    def server_id(self) -> str:
        """The datafeed's id on the server."""
        return self.spec.datafeed_id or self.metadata.name
