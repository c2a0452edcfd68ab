"""What the operator asks whoever can investigate, and what it is told: the command line puts both together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from anomalyops.health import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What is asked.

    Attributes:
        start: From this time on.
        end: Before this time.
        jobs: Ids of jobs, or patterns with *, comma separated.
        min_score: The least score of what counts, 0 to 100.
        service: Only jobs that have to do with this service; None for all of them.
    """

    start: datetime
    end: datetime
    jobs: str
    min_score: float
    service: str | None = None


class InquiryError(Exception):
    """What is asked cannot be answered, however often it is tried; the message says why."""


class Reading(Protocol):
    """A server, as far as it is only read."""

    async def read(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        """The JSON body of a call's answer.

        Raises:
            GatewayError: The call failed.
        """


class Investigator(Protocol):
    """Finds out what broke. It runs in an event loop of its own, and may compute for as long as it takes."""

    async def __call__(self, inquiry: Inquiry, server: Reading) -> Findings:
        """Investigates.

        Raises:
            InquiryError: It cannot be answered.
            GatewayError: The server refused, or did not answer.
        """
