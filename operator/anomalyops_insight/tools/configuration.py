"""Configurations and states of jobs and datafeeds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import Field

from anomalyops_insight.emptiness import Empty, Reason, no_such_job
from anomalyops_insight.errors import BadRequestError, RefusedError
from anomalyops_insight.programs import Program, ask, call
from anomalyops_insight.query import Document, Matches, Pattern, Question
from anomalyops_insight.query.names import shown
from anomalyops_insight.query.question import MOST_ROWS
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import CONFIGURATIONS, Found, Parameters, Row, Texts

_SPLITS = ("partition_field_name", "by_field_name", "over_field_name")


@dataclass(frozen=True, slots=True)
class Configured:
    """A job and its datafeed as they are configured.

    Attributes:
        job: As `_ml/anomaly_detectors` has it.
        datafeed: As `_ml/datafeeds` has it; None without one.
    """

    job: Mapping[str, Any]
    datafeed: Mapping[str, Any] | None = None

    @property
    def job_id(self) -> str:
        """The job's id."""
        return str(self.job["job_id"])

    @property
    def detectors(self) -> tuple[Mapping[str, Any], ...]:
        """Its detectors in order."""
        return tuple(self.job.get("analysis_config", {}).get("detectors", ()))

    @property
    def influencers(self) -> tuple[str, ...]:
        """Its influencer fields."""
        return tuple(self.job.get("analysis_config", {}).get("influencers", ()))

    @property
    def split_fields(self) -> tuple[str, ...]:
        """Partition, by and over fields, each once."""
        named = [detector.get(kind) for detector in self.detectors for kind in _SPLITS]
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def entity_fields(self) -> tuple[str, ...]:
        """What names an entity: split fields and influencers, each once; not `mlcategory`."""
        names = dict.fromkeys((*self.split_fields, *self.influencers))
        return tuple(name for name in names if name != "mlcategory")

    @property
    def bucket_span(self) -> str:
        """The bucket span as it is written."""
        return str(self.job.get("analysis_config", {}).get("bucket_span", "5m"))

    @property
    def time_field(self) -> str:
        """The time of the source documents."""
        return str(self.job.get("data_description", {}).get("time_field", "time"))

    @property
    def indices(self) -> tuple[str, ...]:
        """What the datafeed reads."""
        found = (self.datafeed or {}).get("indices", (self.datafeed or {}).get("indexes", ()))
        return (found,) if isinstance(found, str) else tuple(found)

    @property
    def query(self) -> Mapping[str, Any] | None:
        """The datafeed's query, None where it takes all documents."""
        query = (self.datafeed or {}).get("query")
        return None if not query or "match_all" in query else query

    def need_source(self) -> None:
        """Requires a datafeed.

        Raises:
            BadRequestError: There is none, so it is not known what the job reads.
        """
        if not self.indices:
            raise BadRequestError(f"job {self.job_id} has no datafeed: it is not known which index it reads")


def configurations(pattern: Pattern) -> Program[tuple[Configured, ...]]:
    """Jobs whose id matches, in order of their ids, with their datafeeds.

    They are read from `.ml-config`; where that is closed to the user, as it is on most clusters, from the API.

    Raises:
        RefusedError: Neither may be read.
    """
    scope = () if pattern.everything else (Matches("job_id", pattern),)
    question = Question(index=CONFIGURATIONS, scope=scope, columns=(Document(),), limit=MOST_ROWS)
    try:
        rows = yield from ask(question)
    except RefusedError as error:
        if error.status == 401:
            raise
        rows = None
    if rows is not None and rows.rows and rows.complete:
        return _together([row["document"] for row in rows.rows])
    jobs = yield from _listed("/_ml/anomaly_detectors", "jobs", pattern)
    if not jobs:
        return ()
    feeds = yield from call("GET", "/_ml/datafeeds/_all", query={"allow_no_match": "true"})
    wanted = {job["job_id"] for job in jobs}
    return _together([*jobs, *(feed for feed in feeds["datafeeds"] if feed["job_id"] in wanted)])


def _listed(path: str, name: str, pattern: Pattern) -> Program[list[Mapping[str, Any]]]:
    """The items of a listing of jobs that match; the one by its id where one is meant."""
    one = pattern.single
    try:
        answer = yield from call("GET", f"{path}/{quote(one, safe='') if one else '_all'}")
    except RefusedError as error:
        if error.status == 404 and one is not None and not error.without_ml:
            return []
        raise
    return [item for item in answer[name] if pattern.matches(item["job_id"])]


def _together(documents: list[Mapping[str, Any]]) -> tuple[Configured, ...]:
    feeds = {document["job_id"]: document for document in documents if "datafeed_id" in document}
    jobs = sorted((d for d in documents if "analysis_config" in d), key=lambda job: str(job["job_id"]))
    return tuple(Configured(job, feeds.get(job["job_id"])) for job in jobs)


def configuration(job_id: str) -> Program[Configured]:
    """The configuration of one job.

    Raises:
        BadRequestError: There is no such job.
        RefusedError: It may not be read.
    """
    pattern = one_job(job_id)
    found = yield from configurations(pattern)
    if not found:
        raise BadRequestError((yield from no_job(pattern)).message)
    return found[0]


def one_job(job_id: str) -> Pattern:
    """The pattern of one job's id.

    Raises:
        BadRequestError: It is none, or one of several jobs.
    """
    pattern = Pattern.read(job_id, what="job_id")
    if pattern.single is None:
        raise BadRequestError(f"job_id {shown(job_id)}: one job is meant, found a pattern")
    return pattern


def no_job(pattern: Pattern) -> Program[Empty]:
    """Why no job matches: which there are."""
    every = yield from configurations(Pattern.read("*"))
    return Empty(Reason.NO_RESULTS, no_such_job(pattern.text, [item.job_id for item in every]))


def job_states(pattern: Pattern) -> Program[dict[str, Mapping[str, Any]]]:
    """What `_stats` says of jobs, by id."""
    found = yield from _listed_stats("/_ml/anomaly_detectors", "jobs", pattern)
    return {item["job_id"]: item for item in found}


def _listed_stats(path: str, name: str, pattern: Pattern) -> Program[list[Mapping[str, Any]]]:
    one = pattern.single
    try:
        answer = yield from call("GET", f"{path}/{quote(one, safe='') if one else '_all'}/_stats")
    except RefusedError as error:
        if error.status == 404 and one is not None and not error.without_ml:
            return []
        raise
    return [item for item in answer[name] if pattern.matches(item["job_id"])]


def datafeed_states() -> Program[dict[str, Mapping[str, Any]]]:
    """What `_stats` says of datafeeds, by the datafeed's id."""
    answer = yield from call("GET", "/_ml/datafeeds/_all/_stats", query={"allow_no_match": "true"})
    return {item["datafeed_id"]: item for item in answer["datafeeds"]}


class ConfigurationParameters(Parameters):
    """Parameters of `ad_get_job_datafeed_config`."""

    job_id: str = Field(description="The job.")


class Setting(Row):
    """One setting of a job or its datafeed, by its path."""

    of: str
    setting: str
    value: str


@tool(
    "ad_get_job_datafeed_config",
    category="Jobs and datafeeds",
    when="To read how a job and its datafeed are set: bucket span, functions, rules, use_null, indices, query delay.",
    parameters=ConfigurationParameters,
    row=Setting,
    example={"job_id": "web-rate"},
)
def get_job_datafeed_config(parameters: ConfigurationParameters) -> Program[Found[Setting]]:
    """Every setting of a job and of its datafeed."""
    found = yield from configuration(parameters.job_id)
    rows = [Setting(of="job", setting=path, value=value) for path, value in flat(found.job)]
    rows += [Setting(of="datafeed", setting=path, value=value) for path, value in flat(found.datafeed or {})]
    notes = () if found.datafeed is not None else ("the job has no datafeed",)
    return Found(tuple(rows), notes=notes)


_WHOLE = ("query", "aggregations", "aggs", "script_fields", "runtime_mappings", "custom_rules", "custom_settings")


def flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The settings of a configuration by path; queries and rules as JSON."""
    for name, inner in value.items():
        path = f"{prefix}{name}"
        if isinstance(inner, Mapping) and inner and name not in _WHOLE:
            yield from flat(inner, f"{path}.")
        elif isinstance(inner, list) and inner and isinstance(inner[0], Mapping) and name not in _WHOLE:
            for position, item in enumerate(inner):
                yield from flat(item, f"{path}.{position}.")
        else:
            yield path, inner if isinstance(inner, str) else json.dumps(inner, default=str)


def functions(found: Configured) -> Texts:
    """The detectors of a job in words: `mean(bytes) by status partition host`."""
    return tuple(detector_words(detector) for detector in found.detectors)


def detector_words(detector: Mapping[str, Any]) -> str:
    """A detector in words: `mean(bytes) by status partition host`."""
    words = str(detector["function"])
    if detector.get("field_name"):
        words += f"({detector['field_name']})"
    for kind, name in (("by", "by_field_name"), ("over", "over_field_name"), ("partition", "partition_field_name")):
        if detector.get(name):
            words += f" {kind} {detector[name]}"
    return words
