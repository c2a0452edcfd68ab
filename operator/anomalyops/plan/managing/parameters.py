"""What can be asked of the managing tools: typed, with the operations guide's defaults."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from anomalyops.resources import parse_duration, parse_memory
from anomalyops.resources.identifiers import ID_PATTERN
from anomalyops.resources.times import parse_time

_LEAST_LIMIT = 1024 * 1024
_LONGEST_ID = 64


def _structure(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"expected JSON: {error}") from None


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    return _structure(value) if value.lstrip().startswith("[") else [part.strip() for part in value.split(",")]


def _memory(text: str) -> str:
    if parse_memory(text) < _LEAST_LIMIT:
        raise ValueError("expected at least 1mb")
    return text


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _time(text: str) -> str:
    if text != "now":
        parse_time(text)
    return text


def _id(text: str) -> str:
    if len(text) > _LONGEST_ID or not re.fullmatch(ID_PATTERN.rstrip("$"), text):  # a pattern would mean several
        found = repr(text if len(text) <= _LONGEST_ID else f"{text[:_LONGEST_ID]}...")
        raise ValueError(
            f"one id is meant, of at most {_LONGEST_ID} of a-z, 0-9, - _ and . that begins and ends with a letter or"
            f" digit, found {found}"
        )
    return text


Id = Annotated[str, AfterValidator(_id)]
Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_names)]
Document = Annotated[dict[str, Any], BeforeValidator(_structure)]
Documents = Annotated[tuple[dict[str, Any], ...], BeforeValidator(_structure)]
Memory = Annotated[str, AfterValidator(_memory)]
Span = Annotated[str, AfterValidator(_duration)]
Time = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value), AfterValidator(_time)
]


class Asked(BaseModel):
    """Parameters of a managing tool; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_id: Id = Field(description="The job.")


class NewJob(Asked):
    """Parameters of `ad_create_job`."""

    detectors: Documents = Field(min_length=1, description="Detectors as the API has them, as JSON.")
    bucket_span: Span = Field(default="15m", description="The interval of analysis.")
    influencers: Names | None = Field(
        default=None, description="Fields, comma separated; by default what the detectors split by."
    )
    time_field: str = Field(default="@timestamp", min_length=1, description="The time of the documents.")
    model_memory_limit: Memory | None = Field(default=None, description="By default the server's own.")
    description: str | None = Field(default=None, description="For people.")
    groups: Names = Field(default=(), description="Groups, comma separated.")
    categorization_field_name: str | None = Field(default=None, description="A field of messages.")
    summary_count_field_name: str | None = Field(default=None, description="Of documents that stand for several.")

    def body(self) -> dict[str, Any]:
        """The body of the call: nothing in it is null."""
        split = [one.get(f"{kind}_field_name") for one in self.detectors for kind in ("by", "over", "partition")]
        influencers = self.influencers if self.influencers is not None else tuple(dict.fromkeys(filter(None, split)))
        analysis = {
            "bucket_span": self.bucket_span,
            "detectors": [dict(one) for one in self.detectors],
            "influencers": list(influencers),
            "categorization_field_name": self.categorization_field_name,
            "summary_count_field_name": self.summary_count_field_name,
        }
        limit = self.model_memory_limit
        body: dict[str, Any] = {
            "description": self.description,
            "groups": list(self.groups) or None,
            "analysis_config": {name: value for name, value in analysis.items() if value is not None},
            "analysis_limits": None if limit is None else {"model_memory_limit": limit},
            "data_description": {"time_field": self.time_field},
        }
        return {name: value for name, value in body.items() if value is not None}


class NewDatafeed(Asked):
    """Parameters of `ad_create_datafeed`."""

    indices: Names = Field(default=("logs-*",), min_length=1, description="Indices or patterns, comma separated.")
    query: Document = Field(default={"match_all": {}}, description="Which documents, as JSON.")
    datafeed_id: Id | None = Field(default=None, description="By default datafeed- and the job's id.")
    query_delay: Span = Field(default="60s", description="How far behind the present it reads.")
    frequency: Span | None = Field(default=None, description="How often it reads; by default the server's own.")
    scroll_size: int | None = Field(default=None, ge=1, le=10_000, description="Documents a search.")

    @property
    def feed_id(self) -> str:
        """The datafeed's id."""
        return self.datafeed_id or f"datafeed-{self.job_id}"

    def body(self) -> dict[str, Any]:
        """The body of the call: nothing in it is null."""
        body = {
            "job_id": self.job_id,
            "indices": list(self.indices),
            "query": self.query,
            "query_delay": self.query_delay,
            "frequency": self.frequency,
            "scroll_size": self.scroll_size,
        }
        return {name: value for name, value in body.items() if value is not None}


class OpenedJob(Asked):
    """Parameters of `ad_open_job`."""


class RunDatafeed(Asked):
    """Parameters of `ad_manage_datafeed`."""

    action: Literal["_start", "_stop"] = Field(description="_start or _stop.")
    start: Time | None = Field(default=None, description="_start: from this time on; by default where it stopped.")
    end: Time | None = Field(default=None, description="_start: up to this time; by default it goes on in real time.")
    force: bool = Field(default=False, description="_stop: without waiting for what it is doing.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.action == "_stop" and (self.start or self.end):
            raise ValueError("start and end belong to action _start")
        if self.action == "_start" and self.force:
            raise ValueError("force belongs to action _stop")
        fixed = self.start and self.end and "now" not in {self.start, self.end}
        if fixed and parse_time(str(self.start)) >= parse_time(str(self.end)):
            raise ValueError(f"start {self.start} is not before end {self.end}")
        return self


class MemoryLimit(Asked):
    """Parameters of `ad_update_model_memory_limit`."""

    model_memory_limit: Memory = Field(description="Such as 512mb.")


class QueryDelay(Asked):
    """Parameters of `ad_update_datafeed_query_delay`."""

    query_delay: Span = Field(description="Such as 120s.")
    model_memory_limit: Memory | None = Field(
        default=None, description="Changed before: a model at its limit skips documents, whatever the delay."
    )


class DelayedDataCheck(Asked):
    """Parameters of `ad_update_delayed_data_check_config`."""

    enabled: bool = Field(default=True, description="Whether it looks for late documents.")
    check_window: Span | None = Field(default=None, description="How far back; by default the server's own.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.enabled and self.check_window is not None:
            raise ValueError("check_window belongs to enabled")
        return self

    def body(self) -> dict[str, Any]:
        """The setting as the API has it."""
        return {"enabled": self.enabled} | ({} if self.check_window is None else {"check_window": self.check_window})


class Reverted(Asked):
    """Parameters of `ad_revert_model_snapshot`."""

    snapshot_id: str = Field(min_length=1, description="A model snapshot; `empty` for a model that has learnt nothing.")
    delete_intervening_results: bool = Field(
        default=True, description="Whether the time since is analysed again, and its results are deleted."
    )


class NewEvent(BaseModel):
    """Parameters of `ad_create_calendar_event`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calendar_id: Id = Field(description="The calendar; it is created where there is none.")
    description: str = Field(min_length=1, max_length=1024, description="What happens then.")
    start_time: Time = Field(description="When it begins, ISO 8601 or milliseconds since 1970.")
    end_time: Time = Field(description="When it ends.")
    job_ids: Names = Field(default=(), description="Jobs or groups that it is for, comma separated; _all for all.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if "now" in {self.start_time, self.end_time}:
            raise ValueError("an event needs fixed times, not now")
        if parse_time(self.start_time) >= parse_time(self.end_time):
            raise ValueError(f"start_time {self.start_time} is not before end_time {self.end_time}")
        return self

    def event(self) -> dict[str, Any]:
        """The event as the API has it."""
        times = {"start_time": parse_time(self.start_time), "end_time": parse_time(self.end_time)}
        return {"description": self.description, **times}
