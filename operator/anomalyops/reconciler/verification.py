"""Asking the server about a configuration before anything is given up for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

from anomalyops.elastic import Forbidden, NotFound, Rejected, Trial, Unsupported
from anomalyops.plan import JsonObject, Obstacle, Proposal, Subject
from anomalyops.resources import Reason, parse_memory

_TIME_TYPES = frozenset({"date", "date_nanos"})
_DETECTOR_FIELDS = ("field_name", "by_field_name", "over_field_name", "partition_field_name")
_LEARNED = "mlcategory"  # a field that the job itself makes
_DEFAULT_TIME_FIELD = "time"


@dataclass(slots=True, kw_only=True)
class Verification:
    """What the server says.

    Attributes:
        refused: What it would refuse, for the job or the datafeed.
        unchecked: What it could not be asked, in words.
    """

    refused: list[Obstacle] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)


async def verify(trial: Trial, proposed: Proposal, *, instead: bool) -> Verification:
    """Try a configuration on the server: two to five calls, none of which changes anything.

    Args:
        trial: The server.
        proposed: The configuration.
        instead: Whether something is to be given up for it; else it is an addition, which may wait for its data.

    Raises:
        GatewayError: The server does not answer, or fails: then nothing is known.
    """
    asked = _Questions(trial, proposed, instead=instead)
    await asked.about_job()
    if proposed.datafeed is not None:
        await asked.about_datafeed(proposed.datafeed)
    return asked.found


class _Questions:
    def __init__(self, trial: Trial, proposed: Proposal, *, instead: bool) -> None:
        self._trial = trial
        self._proposed = proposed
        self._instead = instead
        self.found = Verification()

    async def about_job(self) -> None:
        """Whether the server would create the job."""
        body = self._proposed.job
        words = await self._refusal(f"validation of job {self._proposed.job_id}", lambda: self._trial.job(body))
        if words is not None:
            detector = await self._refused_detector(body)
            return self._refuse(Subject.JOB, words[0], detector or words[1])
        limit = (body.get("analysis_limits") or {}).get("model_memory_limit")
        largest = await self._trial.largest_memory_limit() if limit is not None else None
        if limit is not None and largest is not None and parse_memory(limit) > parse_memory(largest):
            message = f"model_memory_limit {limit} is above the server's xpack.ml.max_model_memory_limit {largest}"
            self._refuse(Subject.JOB, Reason.REJECTED, message)
        return None

    async def _refused_detector(self, body: JsonObject) -> str:
        """Which detector the server refuses, in its words; empty where it is none of them."""
        for index, detector in enumerate(_detectors(body)):
            try:
                await self._trial.detector(detector)
            except Rejected as error:
                return f"detectors[{index}]: {error.reason}"
            except (Forbidden, NotFound, Unsupported):
                return ""
        return ""

    async def about_datafeed(self, body: JsonObject) -> None:
        """Whether the server would create the datafeed and can run its search over its indices."""
        name = f"datafeed {self._proposed.datafeed_id}"
        of_job = any(found.subject is Subject.JOB for found in self.found.refused)
        if not of_job:  # else the preview would only say the same
            try:
                words = await self._refusal(
                    f"preview of {name}", lambda: self._trial.datafeed(body, self._proposed.job)
                )
            except NotFound as error:
                return self._cannot_read(error.reason)
            if words is not None:
                return self._refuse(Subject.DATAFEED, *words)
        await self._about_fields(name, body)
        return None

    async def _about_fields(self, name: str, body: JsonObject) -> None:
        time_field = str((self._proposed.job.get("data_description") or {}).get("time_field") or _DEFAULT_TIME_FIELD)
        fields = {time_field, *_read_fields(self._proposed.job, body)}
        what = f"the fields that {name} reads"
        try:
            held = await self._trial.field_types(body, fields)
        except (Unsupported, Forbidden) as error:
            self.found.unchecked.append(f"{what}: {error.reason}")
            return
        except (NotFound, Rejected) as error:
            self._cannot_read(error.reason)
            return
        indices = body["indices"] if isinstance(body["indices"], str) else ", ".join(body["indices"])
        if not held.indices:
            self._cannot_read(f"no index matches {indices}")
            return
        for problem in _field_problems(time_field, fields, held.types, indices):
            self._cannot_read(problem)

    async def _refusal(self, what: str, ask: Callable[[], Awaitable[None]]) -> tuple[Reason, str] | None:
        """What the server says against a configuration; None when nothing, or when it cannot be asked."""
        try:
            await ask()
        except Unsupported as error:
            self.found.unchecked.append(f"{what}: {error.reason}")
        except Forbidden as error:
            return Reason.FORBIDDEN, error.reason
        except Rejected as error:
            return Reason.REJECTED, error.reason
        return None

    def _refuse(self, subject: Subject, reason: Reason, words: str) -> None:
        proposed = self._proposed
        name = f"job {proposed.job_id}" if subject is Subject.JOB else f"datafeed {proposed.datafeed_id}"
        self._say(subject, reason, f"the server would refuse the configuration of {name}: {words}")

    def _cannot_read(self, words: str) -> None:
        """What the server takes at creation, and cannot run."""
        message = f"datafeed {self._proposed.datafeed_id} could not read its data: {words}"
        self._say(Subject.DATAFEED, Reason.REJECTED, message)

    def _say(self, subject: Subject, reason: Reason, message: str) -> None:
        kept = "; nothing is given up for it" if self._instead else ""
        self.found.refused.append(Obstacle(reason=reason, message=f"{message}{kept}", subject=subject))


def _detectors(job: JsonObject) -> list[JsonObject]:
    return list((job.get("analysis_config") or {}).get("detectors") or [])


def _read_fields(job: JsonObject, datafeed: JsonObject) -> Iterator[str]:
    """The fields of documents that the analysis reads; none where the datafeed makes its own by aggregations."""
    if datafeed.get("aggregations") or datafeed.get("aggs"):
        return
    analysis = job.get("analysis_config") or {}
    made = {_LEARNED, *(datafeed.get("script_fields") or {})}
    named = [detector.get(key) for detector in _detectors(job) for key in _DETECTOR_FIELDS]
    named += [analysis.get("summary_count_field_name"), analysis.get("categorization_field_name")]
    named += analysis.get("influencers") or []
    yield from (str(name) for name in named if name and name not in made)


def _field_problems(
    time_field: str, fields: set[str], types: Mapping[str, frozenset[str]], indices: str
) -> Iterator[str]:
    if time_field in types and not types[time_field] <= _TIME_TYPES:
        kinds = ", ".join(sorted(types[time_field]))
        yield f"the time field {time_field} is no date in {indices}, but {kinds}"
    missing = sorted(fields - set(types))
    if time_field in missing:
        yield f"no index of {indices} has the time field {time_field}"
        missing.remove(time_field)
    if missing:
        yield f"no index of {indices} has {', '.join(missing)}, which the job analyses"
