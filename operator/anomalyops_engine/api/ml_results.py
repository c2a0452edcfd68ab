"""Endpoints that read results and model snapshots."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters, ml_endpoint
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.results import BUCKETS, INFLUENCERS, RECORDS, ResultKind, ResultQuery
from anomalyops_engine.jobs.units import instant_ms

_JOB: Final = "/_ml/anomaly_detectors/{job_id}"
_PAGED: Final = ("start", "end", "sort", "desc", "from", "size")


class ResultEndpoints:
    """Handlers under `/_ml/anomaly_detectors/{job_id}/results` and `.../model_snapshots`."""

    def __init__(self, service: JobService) -> None:
        self._results = service.results

    def routes(self) -> list[Route]:
        """Return the routes: each takes its parameters from the query string (GET) or the body too (POST)."""
        table = (
            ("/results/buckets", self.buckets),
            ("/results/buckets/{timestamp}", self.buckets),
            ("/results/records", self.records),
            ("/results/influencers", self.influencers),
            ("/results/overall_buckets", self.overall_buckets),
            ("/model_snapshots", self.snapshots),
            ("/model_snapshots/{snapshot_id}", self.snapshots),
        )
        return [
            Route(_JOB + path, ml_endpoint(handler, Lane.SEARCH), methods=["GET", "POST"]) for path, handler in table
        ]

    def buckets(self, call: Call) -> Response:
        """`results/buckets[/{timestamp}]`."""
        names = (*_PAGED, "anomaly_score", "exclude_interim", "expand")
        parameters = _parameters(call, names, "get_buckets_request")
        expand = parameters.flag("expand", default=False)
        if "timestamp" not in call.path:
            query = _query(call, parameters, BUCKETS, descending=False)
            return call.respond(self._results.page(call.path["job_id"], BUCKETS, query, expand=expand))
        found = self._results.bucket(
            call.path["job_id"],
            instant_ms(call.path["timestamp"], "timestamp"),
            expand=expand,
            exclude_interim=parameters.flag("exclude_interim", default=False),
        )
        return call.respond(found)

    def records(self, call: Call) -> Response:
        """`results/records`."""
        parameters = _parameters(call, (*_PAGED, "record_score", "exclude_interim"), "get_records_request")
        query = _query(call, parameters, RECORDS, descending=True)
        return call.respond(self._results.page(call.path["job_id"], RECORDS, query))

    def influencers(self, call: Call) -> Response:
        """`results/influencers`."""
        names = (*_PAGED, "influencer_score", "exclude_interim")
        parameters = _parameters(call, names, "get_influencers_request")
        query = _query(call, parameters, INFLUENCERS, descending=True)
        return call.respond(self._results.page(call.path["job_id"], INFLUENCERS, query))

    def overall_buckets(self, call: Call) -> Response:
        """`results/overall_buckets`."""
        names = (
            "top_n",
            "bucket_span",
            "overall_score",
            "exclude_interim",
            "start",
            "end",
            "allow_no_match",
        )
        parameters = Parameters(call, names, in_body=("job_id", *names), parser="get_overall_buckets_request")
        return call.respond(
            self._results.overall_buckets(
                call.path["job_id"],
                top_n=parameters.integer("top_n", 1),
                bucket_span=parameters.text("bucket_span"),
                overall_score=parameters.number("overall_score", 0.0),
                start_ms=parameters.instant_ms("start", now=True),
                end_ms=parameters.instant_ms("end", now=True),
                exclude_interim=parameters.flag("exclude_interim", default=False),
                allow_no_match=parameters.flag("allow_no_match", default=True),
            )
        )

    def snapshots(self, call: Call) -> Response:
        """`model_snapshots[/{snapshot_id}]`."""
        parameters = _parameters(call, _PAGED, "get_model_snapshots_request")
        first, size = _page(call, parameters)
        query = ResultQuery(
            start_ms=parameters.instant_ms("start", now=True),
            end_ms=parameters.instant_ms("end", now=True),
            sort=parameters.text("sort"),
            descending=parameters.flag("desc", default=False),
            first=first,
            size=size,
        )
        return call.respond(self._results.snapshots(call.path["job_id"], call.path.get("snapshot_id"), query))


def _parameters(call: Call, names: tuple[str, ...], parser: str) -> Parameters:
    in_body = ("job_id", "timestamp", "snapshot_id", "page", *names)
    return Parameters(call, names, in_body=in_body, parser=parser)


def _page(call: Call, parameters: Parameters) -> tuple[int, int]:
    """Return (from, size): parameters of the query string, or the body's `page`."""
    page = parameters.object("page") or {}
    unknown = sorted(set(page) - {"from", "size"})
    if unknown:
        raise ApiError(400, "x_content_parse_exception", f"[page] unknown field [{unknown[0]}]")
    del call
    return (
        parameters.integer("from", int(page.get("from", 0))),
        parameters.integer("size", int(page.get("size", 100))),
    )


def _query(call: Call, parameters: Parameters, kind: ResultKind, *, descending: bool) -> ResultQuery:
    first, size = _page(call, parameters)
    return ResultQuery(
        start_ms=parameters.instant_ms("start", now=True),
        end_ms=parameters.instant_ms("end", now=True),
        score=parameters.number(kind.score_field, 0.0),
        exclude_interim=parameters.flag("exclude_interim", default=False),
        sort=parameters.text("sort"),
        descending=parameters.flag("desc", default=descending),
        first=first,
        size=size,
    )
