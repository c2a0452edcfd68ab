"""Endpoints that read results and model snapshots."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint, Handler
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.api.parameters import known
from anomalyops_engine.config.units import instant_ms
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.results import BUCKETS, INFLUENCERS, RECORDS, ResultKind, ResultQuery

_JOB: Final = "/_ml/anomaly_detectors/{job_id}"
_PAGED: Final = ("start", "end", "sort", "desc", "from", "size")


class ResultEndpoints:
    """Handlers under `/_ml/anomaly_detectors/{job_id}/results` and `.../model_snapshots`."""

    def __init__(self, service: JobService) -> None:
        self._results = service.results

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints: each takes its parameters from the query string, or (POST) from the body too."""

        def on(path: str, handler: Handler, *names: str) -> Endpoint:
            return Endpoint("GET POST", _JOB + path, Lane.SEARCH, handler, known(names))

        buckets = ("anomaly_score", "exclude_interim", "expand")
        overall = ("allow_no_match", "bucket_span", "end", "exclude_interim", "overall_score", "start", "top_n")
        return [
            on("/results/buckets", self.buckets, *_PAGED, *buckets),
            on("/results/buckets/{timestamp}", self.buckets, *_PAGED, *buckets),
            on("/results/records", self.records, *_PAGED, "record_score", "exclude_interim"),
            on("/results/influencers", self.influencers, *_PAGED, "influencer_score", "exclude_interim"),
            on("/results/overall_buckets", self.overall_buckets, *overall),
            on("/model_snapshots", self.snapshots, *_PAGED),
            on("/model_snapshots/{snapshot_id}", self.snapshots, *_PAGED),
        ]

    def buckets(self, call: Call) -> Response:
        """`results/buckets[/{timestamp}]`; the timestamp may be in the body too, and then nothing filters."""
        names = ("timestamp", *_PAGED, "anomaly_score", "exclude_interim", "expand")
        parameters = _parameters(call, names, "get_buckets_request")
        expand = parameters.flag("expand", default=False)
        timestamp = call.path.get("timestamp", parameters.text("timestamp"))
        if timestamp is None:
            query = _query(parameters, BUCKETS, descending=False)
            return call.respond(self._results.page(call.path["job_id"], BUCKETS, query, expand=expand))
        given = [name for name in ("from", "size", "start", "end", "anomaly_score") if parameters.given(name)]
        if given or parameters.given("page"):
            raise ApiError(
                400,
                "illegal_argument_exception",
                f"Parameter [{(given or ['page'])[0]}] cannot be used together with [timestamp]",
            )
        found = self._results.bucket(
            call.path["job_id"],
            instant_ms(timestamp, "timestamp"),
            expand=expand,
            exclude_interim=parameters.flag("exclude_interim", default=False),
        )
        return call.respond(found)

    def records(self, call: Call) -> Response:
        """`results/records`."""
        parameters = _parameters(call, (*_PAGED, "record_score", "exclude_interim"), "get_records_request")
        query = _query(parameters, RECORDS, descending=True)
        return call.respond(self._results.page(call.path["job_id"], RECORDS, query))

    def influencers(self, call: Call) -> Response:
        """`results/influencers`."""
        names = (*_PAGED, "influencer_score", "exclude_interim")
        parameters = _parameters(call, names, "get_influencers_request")
        query = _query(parameters, INFLUENCERS, descending=True)
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
        parameters = Parameters(call, in_body=("job_id", *names), parser="get_overall_buckets_request")
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
        first, size = parameters.page()
        query = ResultQuery(
            start_ms=parameters.instant_ms("start", now=True),
            end_ms=parameters.instant_ms("end", now=True),
            sort=parameters.text("sort"),
            descending=parameters.flag("desc", default=True),
            first=first,
            size=size,
        )
        return call.respond(self._results.snapshots(call.path["job_id"], call.path.get("snapshot_id"), query))


def _parameters(call: Call, names: tuple[str, ...], parser: str) -> Parameters:
    in_body = ("job_id", "timestamp", "snapshot_id", "page", *names)
    return Parameters(call, in_body=in_body, parser=parser)


def _query(parameters: Parameters, kind: ResultKind, *, descending: bool) -> ResultQuery:
    first, size = parameters.page()
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
