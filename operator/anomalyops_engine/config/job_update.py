"""Partial updates of a job (`JobUpdate`): parse, check against the job's state, merge.

What is replaced whole and what is merged follows Elasticsearch, traps included: `analysis_limits` is replaced
with its defaults filled in, `model_plot_config`, `custom_settings` and `groups` are replaced, a null description
changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from anomalyops_engine.config.identifiers import check_same_id
from anomalyops_engine.config.job import Job, check_memory_limit, within
from anomalyops_engine.config.reading import Parser, text
from anomalyops_engine.config.records import Change
from anomalyops_engine.config.units import MemorySize
from anomalyops_engine.json_types import Json
from anomalyops_engine.refusals import bad_request, parse_failure

_ROWS: Final = Job.updatable()
_PARSER: Final = Parser("job_update", {"job_id": text, **{name: made.judged_update for name, made in _ROWS.items()}})


@dataclass(frozen=True, slots=True)
class JobUpdate:
    """A merged update: the whole new job, and the names of what the request set, sorted."""

    job: Job
    fields: tuple[str, ...]

    @property
    def live(self) -> bool:
        """Whether a running analysis has to be told."""
        return any(_ROWS[field].change is Change.LIVE for field in self.fields)


def update_job(job: Job, body: Json, *, opened: bool, model_bytes: int, maximum: MemorySize | None = None) -> JobUpdate:
    """Merge an update body into a job.

    Args:
        job: the job.
        body: the request body.
        opened: whether the job is open: its memory limit cannot change then.
        model_bytes: what its model uses now.
        maximum: the server's `max_model_memory_limit`, if it has one.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    if not isinstance(body, dict):
        raise parse_failure("request body is required")
    given = _PARSER.parse(body)
    check_same_id("job_id", given.pop("job_id", None) or None, job.job_id)
    fields = tuple(sorted(name for name, value in given.items() if value is not None))
    if "analysis_limits" in given:
        limits = body["analysis_limits"]
        # A limit that the request does not name falls back to the default unchecked, as in Elasticsearch.
        if limits.get("model_memory_limit") is not None:
            _check_limit(job, given["analysis_limits"].model_memory_limit, opened=opened, model_bytes=model_bytes)
            check_memory_limit(given["analysis_limits"].model_memory_limit, maximum)
        given["analysis_limits"] = within(given["analysis_limits"], limits, maximum)
    return JobUpdate(job.merged(given), fields)


def _check_limit(job: Job, limit: MemorySize, *, opened: bool, model_bytes: int) -> None:
    if opened:
        raise bad_request("Cannot update analysis_limits while the job is open")
    used = MemorySize(model_bytes >> 20)
    if limit < used and limit < job.memory_limit:
        raise bad_request(
            "Invalid update value for analysis_limits: model_memory_limit cannot be decreased below "
            f"current usage; current usage [{used.render()}], update had [{limit.render()}]"
        )
