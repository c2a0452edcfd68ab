"""Is the specification of a job and its datafeed valid on this server, over the fields that its indices have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from anomalyops_insight.errors import RefusedError
from anomalyops_insight.programs import Program, call
from anomalyops_insight.query.names import index_expression
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import Found, Parameters, Row

_METRICS: Final = frozenset(
    {"avg", "max", "mean", "median", "metric", "min", "non_null_sum", "nonnullsum", "sum", "varp"}
)
_NUMBERS: Final = frozenset(
    {"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long",
     "aggregate_metric_double", "histogram", "boolean"}
)  # fmt: skip
_TIMES: Final = frozenset({"date", "date_nanos"})
_SPLITS: Final = ("by_field_name", "over_field_name", "partition_field_name")


def _document(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"expected JSON: {error}") from None


Body = Annotated[dict[str, Any], BeforeValidator(_document)]


class SpecificationParameters(Parameters):
    """Parameters of `ad_validate_job_spec`."""

    job: Body = Field(description="The body of PUT _ml/anomaly_detectors, as JSON.")
    datafeed: Body | None = Field(default=None, description="The body of PUT _ml/datafeeds, as JSON.")


class Check(Row):
    """One thing that was looked at."""

    check: str
    ok: bool
    detail: str


@tool(
    "ad_validate_job_spec",
    category="Jobs and datafeeds",
    when="Before a job is created: would the server take it, do its fields exist, and does its datafeed return data.",
    parameters=SpecificationParameters,
    row=Check,
    example={
        "job": {"analysis_config": {"detectors": [{"function": "count"}]}, "data_description": {"time_field": "time"}}
    },
)
def validate_job_spec(parameters: SpecificationParameters) -> Program[Found[Check]]:
    """Checks in order; those after one that fails are made as far as they can be."""
    job, feed = parameters.job, parameters.datafeed
    checks = [Check(check="no null values", ok=not (empty := list(_nulls({"job": job, "datafeed": feed or {}}))),
                    detail=", ".join(empty))]  # fmt: skip
    checks.append((yield from _tried("the server accepts the job", "/_ml/anomaly_detectors/_validate", job)))
    for position, detector in enumerate(_detectors(job)):
        path = "/_ml/anomaly_detectors/_validate/detector"
        checks.append((yield from _tried(f"the server accepts detector {position}", path, detector)))
    if feed is not None:
        checks += yield from _fields(job, feed)
        checks.append((yield from _previewed(job, feed)))
    bad = sum(not one.ok for one in checks)
    return Found(tuple(checks), notes=("valid" if not bad else f"not valid: {bad} of {len(checks)} checks failed",))


def _nulls(value: object, path: str = "") -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _nulls(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _nulls(inner, f"{path}[{position}]")


def _detectors(job: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = (job.get("analysis_config") or {}).get("detectors")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _tried(check: str, path: str, body: Mapping[str, Any]) -> Program[Check]:
    try:
        yield from call("POST", path, body=body)
    except RefusedError as error:
        if error.status == 401 or error.forbidden or error.without_ml:
            raise
        return Check(check=check, ok=False, detail=error.reason)
    return Check(check=check, ok=True, detail="")


def _fields(job: Mapping[str, Any], feed: Mapping[str, Any]) -> Program[list[Check]]:
    """Whether the fields that the job names are in the indices, and of a type that their use takes."""
    uses = dict(_uses(job))
    given = feed.get("indices") or feed.get("indexes") or ()
    indices = index_expression(",".join((given,) if isinstance(given, str) else given))
    known = set(feed.get("script_fields") or ()) | set(_aggregated(feed))
    body = {"runtime_mappings": feed["runtime_mappings"]} if feed.get("runtime_mappings") else None
    query = {"fields": ",".join(sorted(uses))}
    try:
        answer = yield from call("POST", f"/{indices}/_field_caps", query=query, body=body)
    except RefusedError as error:
        if error.status == 401 or error.forbidden or error.without_ml:
            raise
        return [Check(check=f"fields of {indices}", ok=False, detail=error.reason)]
    types = {name: set(kinds) - {"unmapped"} for name, kinds in (answer.get("fields") or {}).items()}
    return [
        _field(name, use, types.get(name) or set(), wanted) for name, (use, wanted) in uses.items() if name not in known
    ]


def _field(name: str, use: str, there: set[str], wanted: frozenset[str]) -> Check:
    check = f"field {name} as {use}"
    if not there:
        return Check(check=check, ok=False, detail="no index has this field")
    if wanted and not there <= wanted:
        return Check(
            check=check, ok=False, detail=f"is {', '.join(sorted(there))}, needs {' or '.join(sorted(wanted))}"
        )
    if not wanted and there == {"text"}:
        return Check(check=check, ok=False, detail=f"is text, which cannot be aggregated: {name}.keyword may exist")
    return Check(check=check, ok=True, detail=", ".join(sorted(there)))


def _uses(job: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, frozenset[str]]]]:
    """Fields with what they are used as, and the types that takes; none for any."""
    analysis = job.get("analysis_config") or {}
    for name in analysis.get("influencers") or ():
        if name != "mlcategory":
            yield str(name), ("influencer", frozenset())
    for detector in _detectors(job):
        for split in _SPLITS:
            if detector.get(split) and detector[split] != "mlcategory":
                yield str(detector[split]), (split.removesuffix("_field_name"), frozenset())
    for detector in _detectors(job):
        plain = str(detector.get("function", "")).removeprefix("high_").removeprefix("low_")
        if detector.get("field_name"):
            yield str(detector["field_name"]), (plain, _NUMBERS if plain in _METRICS else frozenset())
    time_field = (job.get("data_description") or {}).get("time_field", "time")
    yield str(time_field), ("time", _TIMES)


def _aggregated(feed: Mapping[str, Any]) -> Iterator[str]:
    """The names of a datafeed's aggregations, which are fields to its job."""
    for name, body in (feed.get("aggregations") or feed.get("aggs") or {}).items():
        yield str(name)
        if isinstance(body, Mapping):
            yield from _aggregated(body)


def _previewed(job: Mapping[str, Any], feed: Mapping[str, Any]) -> Program[Check]:
    check = "the datafeed returns data"
    plain = {name: value for name, value in feed.items() if name not in {"job_id", "datafeed_id"}}
    body = {"datafeed_config": plain, "job_config": dict(job)}
    try:
        rows = yield from call("POST", "/_ml/datafeeds/_preview", body=body)
    except RefusedError as error:
        if error.status == 401 or error.forbidden or error.without_ml:
            raise
        return Check(check=check, ok=False, detail=error.reason)
    return Check(check=check, ok=bool(rows), detail=f"{len(rows)} documents" if rows else "it returns no document")
