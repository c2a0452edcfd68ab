"""What jobs say of themselves: messages, and annotations of delayed data."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from pydantic import Field

from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import Equals, OneOf, Question, Sort
from anomalyops_insight.query.rows import Rows
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import ANNOTATIONS, NOTIFICATIONS, Found, Over, Row, listed, shaped

_LEVELS = ("info", "warning", "error")
_MISSED = re.compile(r"missed (\d[\d,.]*) documents")


class MessageParameters(Over):
    """Parameters of `ad_get_job_messages`."""

    level: Literal["info", "warning", "error"] = Field(default="info", description="This level and those above.")
    limit: int = Field(default=100, ge=1, le=5000, description="Rows at most.")


class JobMessage(Row):
    """A message of a job."""

    timestamp: datetime
    job_id: str | None
    level: str
    message: str
    node_name: str | None


@tool(
    "ad_get_job_messages",
    category="Jobs and datafeeds",
    when="To learn why a datafeed stopped or a job failed: what the server noted about it, newest first.",
    parameters=MessageParameters,
    row=JobMessage,
    example={"job_id_pattern": "web-rate", "level": "warning"},
)
def get_job_messages(parameters: MessageParameters) -> Program[Found[JobMessage]]:
    """Messages of jobs, the newest first."""
    return listed(message_question(parameters), JobMessage)


def message_question(parameters: MessageParameters) -> Question:
    """Which messages are asked for."""
    return Question(
        index=NOTIFICATIONS,
        scope=parameters.of_jobs(),
        window=parameters.window(),
        thresholds=(OneOf("level", _LEVELS[_LEVELS.index(parameters.level) :]),),
        columns=JobMessage.columns(),
        sort=(Sort("timestamp", descending=True), Sort("job_id"), Sort("level")),
        limit=parameters.limit,
    )


class DelayParameters(Over):
    """Parameters of `ad_ts_delayed_data_annotations`."""

    limit: int = Field(default=100, ge=1, le=5000, description="Rows at most.")


class Delay(Row):
    """Documents that came too late for a job."""

    timestamp: datetime
    end_timestamp: datetime | None
    job_id: str
    missed_documents: int | None
    annotation: str


@tool(
    "ad_ts_delayed_data_annotations",
    category="Missing documents",
    when="First when documents seem to be missing: where the datafeed noticed that data came after it had searched.",
    parameters=DelayParameters,
    row=Delay,
    example={"job_id_pattern": "web-rate"},
)
def delayed_data_annotations(parameters: DelayParameters) -> Program[Found[Delay]]:
    """Annotations of delayed data, the newest first."""
    question = _delay_question(parameters)
    rows = yield from ask(question)
    return (yield from shaped(question, rows, _delays(rows)))


def late_data(parameters: DelayParameters) -> Program[tuple[Delay, ...]]:
    """The same without the reason where there are none.

    Raises:
        RefusedError: The server refuses the question.
    """
    return _delays((yield from ask(_delay_question(parameters))))


def _delay_question(parameters: DelayParameters) -> Question:
    return Question(
        index=ANNOTATIONS,
        scope=(Equals("event", "delayed_data"), *parameters.of_jobs()),
        window=parameters.window(),
        columns=tuple(column for column in Delay.columns() if column.name != "missed_documents"),
        sort=(Sort("timestamp", descending=True), Sort("job_id")),
        limit=parameters.limit,
    )


def _delays(rows: Rows) -> tuple[Delay, ...]:
    return tuple(Delay(**row, missed_documents=missed_documents(row["annotation"])) for row in rows.rows)


def missed_documents(text: str) -> int | None:
    """How many documents a message about delayed data names; None if it names no number."""
    found = _MISSED.search(text)
    return int(re.sub(r"\D", "", found[1])) if found else None
