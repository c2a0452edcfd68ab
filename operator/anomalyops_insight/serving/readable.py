"""What an assistant can read as resources: the jobs, and the reports of the investigations that it asked for."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from urllib.parse import unquote

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.investigating import Investigation
from anomalyops_insight.investigating.blocks import markdown
from anomalyops_insight.investigating.report import report, summary
from anomalyops_insight.programs import Program
from anomalyops_insight.query import Pattern
from anomalyops_insight.tools.configuration import configuration, configurations

JOBS = "anomalyops://jobs"
REPORTS = "anomalyops://reports"
MOST_REPORTS = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A report.

    Attributes:
        uri: By which it is read.
        title: Its finding in a sentence.
        text: The whole, as Markdown.
    """

    uri: str
    title: str
    text: str


class Reports:
    """The latest reports of this server."""

    def __init__(self) -> None:
        self._kept: deque[Kept] = deque(maxlen=MOST_REPORTS)
        self._count = 0

    def keep(self, found: Investigation) -> str:
        """Keeps a report; by which URI it is read."""
        self._count += 1
        uri = f"{REPORTS}/{self._count}"
        self._kept.append(Kept(uri, summary(found), markdown(report(found))))
        return uri

    def all(self) -> tuple[Kept, ...]:
        """The newest first."""
        return tuple(reversed(self._kept))

    def text(self, uri: str) -> str:
        """The report of a URI.

        Raises:
            BadRequestError: There is none, or none any more.
        """
        found = next((one.text for one in self._kept if one.uri == uri), None)
        if found is None:
            raise BadRequestError(f"there is no report {uri}: the last {MOST_REPORTS} are kept; call investigate again")
        return found


def read_jobs(uri: str) -> Program[str]:
    """The jobs, or one of them with its datafeed, as JSON.

    Raises:
        BadRequestError: The URI names nothing, or no job has that id.
    """
    if uri == JOBS:
        listed = yield from configurations(Pattern.read("*"))
        named = ("job_id", "description", "groups")
        rows = [
            {name: one.job[name] for name in named if one.job.get(name)} | {"indices": list(one.indices)}
            for one in listed
        ]
        return json.dumps(rows, ensure_ascii=False)
    job_id = unquote(uri.removeprefix(f"{JOBS}/"))
    if not uri.startswith(f"{JOBS}/") or not job_id or any(mark in job_id for mark in "*,/"):
        raise BadRequestError(f"{uri}: expected {JOBS}, {JOBS}/ID or {REPORTS}/NUMBER")
    found = yield from configuration(job_id)
    return json.dumps({"job": found.job, "datafeed": found.datafeed}, ensure_ascii=False, default=str)
