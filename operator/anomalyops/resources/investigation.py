"""The Investigation resource: what broke in a window, found out once, and what a job lets one begin by itself for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Final

from pydantic import Field, JsonValue

from anomalyops.resources.base import SpecModel, StatusModel, Timestamp
from anomalyops.resources.durations import Duration, parse_duration
from anomalyops.resources.identifiers import ConnectionReference
from anomalyops.resources.label_selector import LabelSelector
from anomalyops.resources.resource import GROUP, Resource
from anomalyops.resources.rules import Rule, exactly_one
from anomalyops.resources.status import ResourceStatus
from anomalyops.resources.times import PointInTime, parse_time
from anomalyops.resources.transitions import Transition

TRIGGER_LABEL: Final = f"{GROUP}/triggered-by"
EPISODE_ANNOTATION: Final = f"triggers.{GROUP}/last-episode"
"""On an AnomalyJob: when the last episode began that an Investigation was made for."""

_PART = r"[A-Za-z0-9_.\-]*(\*+[A-Za-z0-9_.\-]*){0,2}"
_NOT_WRITTEN: Final[dict[str, JsonValue]] = {"default": None}  # the API server writes no default into a job
_Score = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=100)]
JobPattern = Annotated[str, Field(min_length=1, max_length=4096, pattern=rf"^{_PART}(,{_PART})*$")]


def _is_fixed(spec: InvestigationSpec) -> bool:
    return "now" not in {spec.start, spec.end}


def _ends_after_its_start(spec: InvestigationSpec) -> bool:
    if spec.start is None or spec.end is None or not _is_fixed(spec):
        return True
    return parse_time(spec.start) < parse_time(spec.end)


class InvestigationSpec(SpecModel):
    """Which time, which jobs, and how long the answer is kept."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        exactly_one("start", "since"),
        Rule(
            message="end belongs to start: add start, or remove end; since ends when the Investigation was created",
            holds=lambda spec: spec.end is None or spec.start is not None,
            cel="!has(self.end) || has(self.start)",
            field="end",
        ),
        Rule(
            message="write jobs or jobSelector, not both",
            holds=lambda spec: spec.jobs is None or spec.job_selector is None,
            cel="!has(self.jobs) || !has(self.jobSelector)",
            field="jobs",
        ),
        Rule(
            message="a window has fixed times: write since for the time up to now, not now",
            holds=_is_fixed,
            cel="(!has(self.start) || string(self.start) != 'now') && (!has(self.end) || string(self.end) != 'now')",
            field="start",
        ),
        # Times have several forms, which would need a parser in CEL.
        Rule(message="the window must end after its start: correct start or end", holds=_ends_after_its_start,
             field="end"),
    )  # fmt: skip

    connection_ref: ConnectionReference | None = Field(
        default=None, description="The ElasticsearchConnection to ask; by default the one named `default`."
    )
    start: PointInTime | None = Field(default=None, description="From this time on; `since` says it without a date.")
    end: PointInTime | None = Field(
        default=None,
        description=(
            "Before this time; when absent, the moment at which the Investigation was created. Until a time to come "
            "it waits."
        ),
    )
    since: Annotated[str, Duration(minimum="1m")] | None = Field(
        default=None, description="How long the window is that ends when the Investigation was created, such as 2h."
    )
    jobs: JobPattern | None = Field(
        default=None,
        description=(
            "Ids of jobs on the server, or patterns with *, comma separated. Over a connection of another namespace "
            "only jobs of this namespace are among them."
        ),
    )
    job_selector: LabelSelector | None = Field(
        default=None,
        description="Labels of the AnomalyJobs of this namespace; without it and jobs, all that use the connection.",
    )
    service: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        default=None,
        description=(
            "Of these jobs only those that have to do with this service: its own, those of what it calls, and those "
            "that name what these name, such as hosts. The report says why each was chosen."
        ),
    )
    min_score: _Score = Field(default=25, description="The least score of what counts, 0 to 100.")
    ttl_after_finished: Annotated[str, Duration()] | None = Field(
        default=None, description="How long it is kept after it has finished, 0 for not at all; for ever when absent."
    )


class InvestigationWindow(StatusModel):
    """The time that was looked at."""

    start: Timestamp = Field(description="From this time on.")
    end: Timestamp = Field(description="Before this time.")


class ReportReference(StatusModel):
    """Where the whole report is."""

    config_map: str = Field(description="The ConfigMap, in the same namespace; it is deleted with the Investigation.")
    key: str = Field(description="Its key.")


class InvestigationStatus(ResourceStatus):
    """The state of an Investigation, and what it found."""

    state: str | None = Field(default=None, description="Waiting, Running, Finished or Failed.")
    window: InvestigationWindow | None = Field(default=None, description="The time that is looked at.")
    start_time: Timestamp | None = Field(default=None, description="When it was begun.")
    completion_time: Timestamp | None = Field(default=None, description="When it finished.")
    expires: Timestamp | None = Field(default=None, description="When it is deleted; absent for never.")
    root_cause: str | None = Field(default=None, description="The entity that is the most likely cause.")
    root_cause_field: str | None = Field(default=None, description="The field that names it.")
    fault_class: str | None = Field(
        default=None, description="resource, network, application, absence, security or unknown."
    )
    severity: str | None = Field(default=None, description="Of the worst bucket: critical, major, minor, warning, low.")
    likelihood: int | None = Field(default=None, description="How sure the cause is, in whole percent.")
    runner_up: str | None = Field(default=None, description="The second most likely cause.")
    onset: Timestamp | None = Field(default=None, description="When the cause began.")
    jobs: int | None = Field(default=None, description="How many jobs are affected.")
    summary: str | None = Field(default=None, max_length=4096, description="The finding in a sentence.")
    report: ReportReference | None = Field(default=None, description="Where the whole report is.")


class Investigation(Resource):
    """What broke: an investigation of the anomalies in a window, made once."""

    KIND: ClassVar[str] = "Investigation"
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = (
        Transition(
            field="spec",
            message=(
                "what an Investigation looks at cannot change once it has begun (only ttlAfterFinished can): create "
                "another Investigation"
            ),
            cel="!has(oldSelf.status) || !has(oldSelf.status.startTime) || ("
            + " && ".join(
                f"(has(self.spec.{name}) == has(oldSelf.spec.{name}) && "
                f"(!has(self.spec.{name}) || self.spec.{name} == oldSelf.spec.{name}))"
                for name in ("connectionRef", "start", "end", "since", "jobs", "jobSelector", "service", "minScore")
            )
            + ")",
        ),
    )

    spec: InvestigationSpec = Field(description="Which time, which jobs, and how long the answer is kept.")
    status: InvestigationStatus | None = Field(default=None, description="What was found.")

    @property
    def window(self) -> InvestigationWindow:
        """The time to look at: always the same for the same object."""
        created = self.metadata.creation_timestamp or datetime.fromtimestamp(0, UTC)
        if self.spec.since is not None:
            length = timedelta(milliseconds=parse_duration(self.spec.since))
            return InvestigationWindow(start=created - length, end=created)
        end = created if self.spec.end is None else _moment(self.spec.end)
        return InvestigationWindow(start=_moment(self.spec.start or "0"), end=end)


def _moment(time: str) -> datetime:
    return datetime.fromtimestamp(parse_time(time) / 1000, UTC)


class InvestigationTrigger(SpecModel):
    """When an Investigation begins by itself, and what it looks at."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="write jobs or jobSelector, not both",
            holds=lambda trigger: trigger.jobs is None or trigger.job_selector is None,
            cel="!has(self.jobs) || !has(self.jobSelector)",
            field="jobs",
        ),
    )

    min_score: _Score = Field(
        default=75,
        json_schema_extra=_NOT_WRITTEN,
        description="The score, when it was found, of a bucket that an episode is made of; 75 when absent.",
    )
    cool_down: Annotated[str, Duration(minimum="10m", multiple="1s")] = Field(
        default="1h",
        json_schema_extra=_NOT_WRITTEN,
        description="How long no bucket reaches minScore before what comes is another episode; 1h when absent.",
    )
    before: Annotated[str, Duration(multiple="1s")] = Field(
        default="1h",
        json_schema_extra=_NOT_WRITTEN,
        description="How long before the episode's first bucket the window begins; 1h when absent.",
    )
    after: Annotated[str, Duration(multiple="1s")] = Field(
        default="10m",
        json_schema_extra=_NOT_WRITTEN,
        description="How long after the end of that bucket it ends, for which it is waited; 10m when absent.",
    )
    jobs: JobPattern | None = Field(default=None, description="As in an Investigation.")
    job_selector: LabelSelector | None = Field(
        default=None, description="As in an Investigation: without it and jobs, all jobs of the namespace."
    )
    ttl_after_finished: Annotated[str, Duration()] = Field(
        default="30d",
        json_schema_extra=_NOT_WRITTEN,
        description="How long the Investigation is kept after it has finished; 30d when absent.",
    )


class Triggers(SpecModel):
    """What begins by itself when the job finds something."""

    investigation: InvestigationTrigger = Field(
        description="An Investigation for each episode of anomalous buckets; one that covers it already is enough."
    )
