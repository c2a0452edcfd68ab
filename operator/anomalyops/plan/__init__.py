"""From what is wanted and what the server has to ordered steps. Pure: values in, values out."""

from anomalyops.plan.core.differences import Difference, described
from anomalyops.plan.core.fields import Field, FieldClass
from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.owner import LOCAL, Owner
from anomalyops.plan.core.plans import Fallback, Obstacle, Plan
from anomalyops.plan.core.removals import Removal
from anomalyops.plan.core.snapshots import learnt_time
from anomalyops.plan.core.steps import Answer, Effect, Joint, Step, Subject, joined
from anomalyops.plan.kept_calendars import keeping_calendars, leaves_calendars
from anomalyops.plan.pair.adoption import resting_now
from anomalyops.plan.pair.comparison import compare_datafeed, compare_job
from anomalyops.plan.pair.exporting import Exported, export_datafeed, export_job, export_retained, filters_named
from anomalyops.plan.pair.fields import DATAFEED_FIELDS, DETECTOR_FIELDS, JOB_FIELDS
from anomalyops.plan.pair.filters_needed import filters_needed, without_filters
from anomalyops.plan.pair.lookback import LookbackRecord, Window
from anomalyops.plan.pair.marker import Marker, is_mark, read_marker
from anomalyops.plan.pair.ownership import is_ours, owner_of
from anomalyops.plan.pair.planner import plan
from anomalyops.plan.pair.presumed import presumed
from anomalyops.plan.pair.retention import chosen_snapshots, has_retained, retains_snapshots
from anomalyops.plan.pair.run_state import lookback_done, lookback_record, stopped_run, wanted_window_of
from anomalyops.plan.pair.steps import (
    CloseJob,
    CreateDatafeed,
    CreateJob,
    CreatePair,
    DatafeedStep,
    DeleteDatafeed,
    DeleteJob,
    JobStep,
    OpenJob,
    ResetJob,
    StartDatafeed,
    StopDatafeed,
    UpdateDatafeed,
    UpdateJob,
    UpdateSnapshot,
)
from anomalyops.plan.pair.values import (
    DatafeedState,
    DelayLook,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    Policy,
    SnapshotChoice,
    Taken,
)
from anomalyops.plan.pair.verification import Proposal, loses, proposal
from anomalyops.plan.requests.forecast_limits import why_never
from anomalyops.plan.requests.forecast_steps import AskForForecast, DeleteForecast
from anomalyops.plan.requests.forecasts import (
    ForecastRequest,
    forecast_holds_job,
    forecast_needs_look,
    forecast_refused,
    passes,
    plan_forecast,
)
from anomalyops.plan.requests.moves import Call, Move, Note, Rest, Standing, Tone
from anomalyops.plan.requests.revert_steps import RevertJob
from anomalyops.plan.requests.reverts import (
    RevertRequest,
    SkipCalendar,
    plan_revert,
    revert_holds_job,
    revert_needs_look,
    revert_refused,
    skip_calendar_id,
)
from anomalyops.plan.requests.seen_job import SeenJob
from anomalyops.plan.requests.whereabouts import Whereabouts, whereabouts
from anomalyops.plan.shared.calendar_expansion import Expansion, expanded
from anomalyops.plan.shared.calendar_steps import (
    AddCalendarJobs,
    CalendarStep,
    CreateCalendar,
    DeleteCalendar,
    DeleteEvents,
    PostEvents,
    RemoveCalendarJobs,
)
from anomalyops.plan.shared.calendar_values import DesiredCalendar, Event, ObservedCalendar
from anomalyops.plan.shared.calendars import plan_calendar
from anomalyops.plan.shared.claims import Claim
from anomalyops.plan.shared.exporting import ExportedShared, export_calendar, export_filter
from anomalyops.plan.shared.filters import (
    CreateFilter,
    DeleteFilter,
    DesiredFilter,
    FilterStep,
    ObservedFilter,
    UpdateFilter,
    plan_filter,
)
from anomalyops.plan.shared.mark import Mark, marked, read_description

__all__ = [
    "DATAFEED_FIELDS",
    "DETECTOR_FIELDS",
    "JOB_FIELDS",
    "LOCAL",
    "AddCalendarJobs",
    "Answer",
    "AskForForecast",
    "CalendarStep",
    "Call",
    "Claim",
    "CloseJob",
    "CreateCalendar",
    "CreateDatafeed",
    "CreateFilter",
    "CreateJob",
    "CreatePair",
    "DatafeedState",
    "DatafeedStep",
    "DelayLook",
    "DeleteCalendar",
    "DeleteDatafeed",
    "DeleteEvents",
    "DeleteFilter",
    "DeleteForecast",
    "DeleteJob",
    "Desired",
    "DesiredCalendar",
    "DesiredDatafeed",
    "DesiredFilter",
    "DesiredJob",
    "Difference",
    "Effect",
    "Event",
    "Expansion",
    "Exported",
    "ExportedShared",
    "Fallback",
    "Field",
    "FieldClass",
    "FilterStep",
    "ForecastRequest",
    "JobState",
    "JobStep",
    "Joint",
    "JsonObject",
    "LookbackRecord",
    "Mark",
    "Marker",
    "Move",
    "Note",
    "Observed",
    "ObservedCalendar",
    "ObservedDatafeed",
    "ObservedFilter",
    "ObservedJob",
    "Obstacle",
    "OpenJob",
    "Owner",
    "Plan",
    "Policy",
    "PostEvents",
    "Proposal",
    "Removal",
    "RemoveCalendarJobs",
    "ResetJob",
    "Rest",
    "RevertJob",
    "RevertRequest",
    "SeenJob",
    "SkipCalendar",
    "SnapshotChoice",
    "Standing",
    "StartDatafeed",
    "Step",
    "StopDatafeed",
    "Subject",
    "Taken",
    "Tone",
    "UpdateDatafeed",
    "UpdateFilter",
    "UpdateJob",
    "UpdateSnapshot",
    "Whereabouts",
    "Window",
    "chosen_snapshots",
    "compare_datafeed",
    "compare_job",
    "described",
    "expanded",
    "export_calendar",
    "export_datafeed",
    "export_filter",
    "export_job",
    "export_retained",
    "filters_named",
    "filters_needed",
    "forecast_holds_job",
    "forecast_needs_look",
    "forecast_refused",
    "has_retained",
    "is_mark",
    "is_ours",
    "joined",
    "keeping_calendars",
    "learnt_time",
    "leaves_calendars",
    "lookback_done",
    "lookback_record",
    "loses",
    "marked",
    "owner_of",
    "passes",
    "plan",
    "plan_calendar",
    "plan_filter",
    "plan_forecast",
    "plan_revert",
    "presumed",
    "proposal",
    "read_description",
    "read_marker",
    "resting_now",
    "retains_snapshots",
    "revert_holds_job",
    "revert_needs_look",
    "revert_refused",
    "skip_calendar_id",
    "stopped_run",
    "wanted_window_of",
    "whereabouts",
    "why_never",
    "without_filters",
]
