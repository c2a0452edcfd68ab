"""What the model expects: bounds, forecasts, snapshots."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pydantic import Field

from anomalyops_insight.errors import RefusedError
from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import Column, Condition, Equals, Exists, Pattern, Question, Sort
from anomalyops_insight.query.rows import Rows
from anomalyops_insight.tools.configuration import configurations
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Over, Row, listed, shaped

_SERIES = ("detector_index", "partition_field_value", "by_field_value", "over_field_value")
_ORDER = (Sort("timestamp"), *(Sort(name) for name in ("job_id", *_SERIES)))


class PlotParameters(Over):
    """Parameters of `ad_get_model_plot`."""

    job_id_pattern: str = Field(description="A job; model_plot_config.enabled must be true in it.")
    detector_index: int | None = Field(default=None, ge=0, description="Only this detector.")
    partition_field_value: str | None = Field(default=None, description="Only this partition.")
    by_field_value: str | None = Field(default=None, description="Only this by value.")
    over_field_value: str | None = Field(default=None, description="Only this over value.")
    limit: int = Field(default=1000, ge=1, le=10_000, description="Rows at most.")

    def series(self) -> tuple[Condition, ...]:
        """The series that are meant."""
        wanted = ((name, getattr(self, name)) for name in _SERIES)
        return tuple(Equals(name, value) for name, value in wanted if value is not None)


class Bounds(Row):
    """What the model expected in one bucket, and what came."""

    timestamp: datetime
    job_id: str
    detector_index: int | None
    partition_field_value: str | None
    by_field_value: str | None
    over_field_value: str | None
    model_lower: float
    model_median: float | None
    model_upper: float
    actual: float | None
    outside: bool


@tool(
    "ad_get_model_plot",
    category="Model",
    when="To see why a value is or is not unusual: actual against the model's bounds; wide bounds lower scores.",
    parameters=PlotParameters,
    row=Bounds,
    example={"job_id_pattern": "web-rate", "start": "now-24h"},
)
def get_model_plot(parameters: PlotParameters) -> Program[Found[Bounds]]:
    """The model's bounds in order of time."""
    question = _plot_question(parameters)
    rows = yield from ask(question)
    return (yield from shaped(question, rows, _bounds(rows)))


def model_bounds(parameters: PlotParameters) -> Program[tuple[Bounds, ...]]:
    """The same without the reason where there are none.

    Raises:
        RefusedError: The server refuses the question.
    """
    return _bounds((yield from ask(_plot_question(parameters))))


def _plot_question(parameters: PlotParameters) -> Question:
    return Question(
        index=RESULTS,
        scope=parameters.results("model_plot") + parameters.series(),
        window=parameters.window(),
        columns=tuple(column for column in Bounds.columns() if column.name != "outside"),
        sort=_ORDER,
        limit=parameters.limit,
    )


def _bounds(rows: Rows) -> tuple[Bounds, ...]:
    return tuple(
        Bounds(**row, outside=_outside(row["actual"], row["model_lower"], row["model_upper"])) for row in rows.rows
    )


def _outside(actual: float | None, lower: float, upper: float) -> bool:
    return actual is not None and not lower <= actual <= upper


class ForecastParameters(Over):
    """Parameters of `ad_get_forecast_results`."""

    job_id_pattern: str = Field(description="A job that has made a forecast.")
    forecast_id: str | None = Field(default=None, description="Only this forecast.")
    limit: int = Field(default=1000, ge=1, le=10_000, description="Rows at most.")


class Forecast(Row):
    """One bucket of a forecast."""

    timestamp: datetime
    job_id: str
    forecast_id: str
    detector_index: int | None
    partition_field_value: str | None
    by_field_value: str | None
    forecast_lower: float
    forecast_prediction: float
    forecast_upper: float


@tool(
    "ad_get_forecast_results",
    category="Model",
    when="To hold what came against what was forecast, or to see where a metric goes.",
    parameters=ForecastParameters,
    row=Forecast,
    example={"job_id_pattern": "disk-usage"},
)
def get_forecast_results(parameters: ForecastParameters) -> Program[Found[Forecast]]:
    """The buckets of forecasts in order of time."""
    found = yield from listed(forecast_question(parameters), Forecast)
    population = (yield from _of_a_population(parameters.job_id_pattern)) if found.empty is not None else False
    return replace(found, notes=(_NO_FORECASTS,)) if population else found


def forecast_question(parameters: ForecastParameters) -> Question:
    """Which buckets of which forecasts are asked for."""
    scope = parameters.results("model_forecast")
    if parameters.forecast_id is not None:
        scope += (Equals("forecast_id", parameters.forecast_id),)
    return Question(
        index=RESULTS,
        scope=scope,
        window=parameters.window(),
        columns=Forecast.columns(),
        sort=(
            Sort("timestamp"),
            Sort("job_id"),
            Sort("forecast_id"),
            Sort("detector_index"),
            Sort("partition_field_value"),
            Sort("by_field_value"),
        ),
        limit=parameters.limit,
    )


_NO_FORECASTS = "the job compares with peers (over_field_name): of such a job no server makes forecasts"


def _of_a_population(job_id: str) -> Program[bool]:
    """Whether one job is meant, and it compares entities with each other."""
    pattern = Pattern.read(job_id, what="job_id_pattern")
    if pattern.single is None:
        return False
    try:
        known = yield from configurations(pattern)
    except RefusedError:
        return False
    return any(one.get("over_field_name") for item in known for one in item.detectors)


class SnapshotParameters(Over):
    """Parameters of `ad_get_model_snapshots`."""

    limit: int = Field(default=100, ge=1, le=10_000, description="Rows at most.")


class Snapshot(Row):
    """A state of the model that a job can be reverted to."""

    job_id: str
    snapshot_id: str
    timestamp: datetime
    description: str | None
    latest_record_time_stamp: datetime | None
    latest_result_time_stamp: datetime | None
    retain: bool | None
    snapshot_doc_count: int | None


@tool(
    "ad_get_model_snapshots",
    category="Model",
    when="To recover from a corrupted period: which states of the model there are to revert to.",
    parameters=SnapshotParameters,
    row=Snapshot,
    example={"job_id_pattern": "web-rate"},
)
def get_model_snapshots(parameters: SnapshotParameters) -> Program[Found[Snapshot]]:
    """Model snapshots, the newest first."""
    question = Question(
        index=RESULTS,
        scope=(Exists("snapshot_id"), Exists("snapshot_doc_count"), *parameters.of_jobs()),
        window=parameters.window(),
        columns=tuple(Column(column.name, column.kind) for column in Snapshot.columns()),
        sort=(Sort("timestamp", descending=True), Sort("job_id"), Sort("snapshot_id")),
        limit=parameters.limit,
    )
    return listed(question, Snapshot)
