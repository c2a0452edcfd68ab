"""The values that a plan is made from: what is wanted, what the server has, what may be done about it.

Everything here is frozen and free of I/O. The reconciler builds `Desired` from resources and `Observed` from
the server's answers; `plan()` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.owner import Owner
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.removals import Removal
from anomalyops.plan.core.sizing import Latency
from anomalyops.resources import AdoptionPolicy, ReplacePolicy


class JobState(StrEnum):
    """Server states of an anomaly detection job (`GET _ml/anomaly_detectors/_stats`)."""

    CLOSED = "closed"
    OPENING = "opening"
    OPENED = "opened"
    CLOSING = "closing"
    FAILED = "failed"


class DatafeedState(StrEnum):
    """Server states of a datafeed (`GET _ml/datafeeds/_stats`)."""

    STOPPED = "stopped"
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotChoice:
    """A model snapshot that is to be retained: one of an id, or the newest that has learnt nothing from a time on.

    `before` is in milliseconds since 1970; `description` is what the snapshot is to be called, None for as it is.
    """

    snapshot_id: str | None = None
    before: int | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredJob:
    """A job that shall exist.

    Attributes:
        job_id: Its id.
        body: A create body: only what the manifest says, server names, no marker. None leaves the configuration as
            it is, whatever was sent before: the manifest cannot be read, or only the run state is wanted.
        opened: Whether it shall be open; None leaves that as it is.
        state_given: Whether the manifest says so itself; if not, a job that is taken over keeps its state.
        snapshots: The model snapshots that are retained; None leaves them as they are.
    """

    job_id: str
    body: JsonObject | None
    opened: bool | None = True
    state_given: bool = True
    snapshots: tuple[SnapshotChoice, ...] | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredDatafeed:
    """A datafeed that shall exist. `body` is a create body without `job_id`; `start`/`end` as the manifest says.

    `state_given` is whether the manifest says itself that it is to run; if not, one that is taken over keeps its state.
    """

    datafeed_id: str
    body: JsonObject
    started: bool = True
    state_given: bool = True
    start: str | None = None
    end: str | None = None  # None: real time


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What the manifests of one job and its datafeed ask for.

    `datafeed=None` means that no Datafeed resource refers to the job: a datafeed that the server has for it
    is left as it is, but still stopped and started again around changes of the job that need it.
    `job=None` means that no AnomalyJob resource exists: a datafeed waits for it.
    """

    owner: Owner
    job: DesiredJob | Removal | None
    datafeed: DesiredDatafeed | Removal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedJob:
    """One job as the server has it: `config` from GET, the rest from `_stats`.

    `snapshots` are its model snapshots; None when they were not asked for.
    """

    config: JsonObject
    state: JobState
    blocked: str | None = None  # delete | reset | revert
    model_bytes: int = 0
    assignment_explanation: str = ""
    stats: JsonObject = field(default_factory=dict)
    advised_limit: int | None = None  # bytes of memory that it was found to need now; the plan is made from `desired`
    snapshots: tuple[JsonObject, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayLook:
    """How late the documents of a datafeed were found to come; delays are in milliseconds.

    Attributes:
        latency: Percentiles; None where documents do not say when they were ingested.
        too_late: How many came later than any delay that is allowed.
        in_force: The query delay at that moment.
        advised: The longer one that is needed; None while the present one suffices.
    """

    latency: Latency | None
    too_late: int
    in_force: int
    advised: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedDatafeed:
    """One datafeed as the server has it: `config` from GET, the rest from `_stats`.

    `completed` is what the server's own messages say about its last bounded run: whether it came to its end. None when
    they were not asked, or do not tell. `delay` is what a look at how late documents come found; None without one.
    """

    config: JsonObject
    state: DatafeedState
    assignment_explanation: str = ""
    stats: JsonObject = field(default_factory=dict)
    completed: bool | None = None
    delay: DelayLook | None = None  # the plan is made from `desired`


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The job whose datafeed has the id that another job's Datafeed asks for."""

    job_id: str
    owner: Owner | None  # None: nobody manages that job


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The server's side of one job and its datafeed. A job has at most one datafeed.

    `configs_known=False` means that only stats were asked for: `config` holds the ids and nothing else, so only
    a run state that needs no knowledge of the marker can be planned. `now_ms` is the time of the look, in milliseconds
    since 1970; None when it is not known. `taken` is who else has the id that the datafeed shall have. `refused` is
    what the server says against the wanted configuration where it was asked, `unchecked` what it could not be asked.
    """

    job: ObservedJob | None
    datafeed: ObservedDatafeed | None  # the datafeed of that job, whatever its id
    upgrade_mode: bool = False
    configs_known: bool = True
    now_ms: int | None = None
    taken: Taken | None = None
    refused: tuple[Obstacle, ...] = ()
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the resources allow. Defaults lose nothing.

    What a policy allows beside the one before it:

    | | AnomalyJob (`replace`) | Datafeed (`replace_datafeed`) |
    |---|---|---|
    | Never | nothing is lost; an immutable change is refused | changes apply in place, the model is kept |
    | Reset | model and results are forgotten where that suffices: a memory limit below what the model uses | \
model and results are forgotten when the datafeed is to read other data |
    | Recreate | the job is deleted, with model and results, and created anew for an immutable change | a datafeed \
of the job under another id is deleted |

    Attributes:
        replace: `spec.replacePolicy` of the AnomalyJob.
        adoption: `spec.adoptionPolicy` of the AnomalyJob.
        take_over: `spec.takeOverFrom` of the AnomalyJob: the one owner that it may take the job from.
        suspend_job: The datafeed is stopped and the job closed; the configuration is still applied.
        suspend_datafeed: The datafeed is stopped.
        replace_datafeed: `spec.replacePolicy` of the Datafeed.
        adopt_datafeed: `spec.adoptionPolicy` of the Datafeed.
        run_state_only: Plan for the wanted run state alone: configurations are taken as equal, and nothing is
            created, deleted or reset. For restoring what was running after a refused update.
        undisturbed: Until when a running datafeed is not to be stopped for a change, in words; empty when it may be.
            Then only what needs no stop is planned, and the rest waits.
    """

    replace: ReplacePolicy = ReplacePolicy.NEVER
    adoption: AdoptionPolicy = AdoptionPolicy.IF_MATCHES
    take_over: str = ""
    suspend_job: bool = False
    suspend_datafeed: bool = False
    replace_datafeed: ReplacePolicy = ReplacePolicy.NEVER
    adopt_datafeed: AdoptionPolicy = AdoptionPolicy.IF_MATCHES
    run_state_only: bool = False
    undisturbed: str = ""
