"""Insight as the operator's investigator: the fourteen steps over the operator's own connection to a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anomalyops.controllers.investigations.investigator import Inquiry, InquiryError, Reading
from anomalyops.elastic import GatewayError
from anomalyops.health import Findings
from anomalyops_insight.errors import BadRequestError, InsightError, RefusedError, UnreachableError
from anomalyops_insight.investigating import Incident, Investigation, investigate
from anomalyops_insight.investigating.blocks import markdown
from anomalyops_insight.investigating.report import affected_jobs, report, summary
from anomalyops_insight.server import Session


class _Server:
    """What insight reads, read by the operator's gateway; its errors as insight knows them."""

    def __init__(self, server: Reading) -> None:
        self._server = server

    async def read(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return await self._server.read(method, path, query=query, body=body)
        except GatewayError as error:
            if error.status is None:
                raise UnreachableError(str(error)) from error
            raise RefusedError(str(error), status=error.status, kind=error.error_type, reason=error.reason) from error


async def investigator(inquiry: Inquiry, server: Reading) -> Findings:
    """Investigates by the protocol of `anomalyops investigate`.

    Raises:
        InquiryError: The question itself is not acceptable.
        GatewayError: The server refused, or did not answer.
    """
    incident = Incident(inquiry.start, inquiry.end, inquiry.jobs, inquiry.min_score, service=inquiry.service)
    try:
        found = await Session(_Server(server)).run(investigate(incident))
    except BadRequestError as error:
        raise InquiryError(str(error)) from error
    except InsightError as error:
        if isinstance(error.__cause__, GatewayError):
            raise error.__cause__ from None
        raise InquiryError(str(error)) from error
    return findings(found)


def findings(found: Investigation) -> Findings:
    """An investigation as a status tells of it."""
    text = markdown(report(found))
    if found.empty is not None or not found.suspects:
        return Findings(summary=summary(found), report=text)
    first, *rest = found.suspects
    return Findings(
        summary=summary(found),
        report=text,
        root_cause=first.entity,
        root_cause_field=first.fields[0] if first.fields else None,
        fault_class=found.fault,
        severity=found.severity,
        likelihood=first.likelihood,
        runner_up=rest[0].entity if rest else None,
        onset=first.onset,
        jobs=len(affected_jobs(found)),
    )
