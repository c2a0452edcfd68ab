"""Typed refusals of the machine learning side, with the status, type and text that Elasticsearch gives them.

The API layer renders them; nothing here knows HTTP beyond the status number. Texts are Elasticsearch's own
(`org.elasticsearch.xpack.core.ml.job.messages.Messages`), because clients match on them.
"""

from __future__ import annotations

from typing import Any


class MlError(Exception):
    """A request that cannot be served.

    Attributes:
        status: HTTP status.
        type: Elasticsearch's exception name, such as `status_exception`.
        reason: what is wrong, and what would be accepted.
        caused_by: the nested cause (`{"type", "reason", "caused_by"?}`), when a parser wrapped it.
    """

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002 - Elasticsearch's name for it
        reason: str,
        caused_by: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.type = type
        self.reason = reason
        self.caused_by = caused_by

    def as_cause(self) -> dict[str, Any]:
        """Return this error as the `caused_by` object of another."""
        cause: dict[str, Any] = {"type": self.type, "reason": self.reason}
        if self.caused_by is not None:
            cause["caused_by"] = self.caused_by
        return cause

    def root_reason(self) -> str:
        """Return the innermost reason: what a person has to act on."""
        reason, cause = self.reason, self.caused_by
        while cause is not None:
            reason, cause = cause["reason"], cause.get("caused_by")
        return reason


def bad_request(reason: str) -> MlError:
    """400 `status_exception`."""
    return MlError(400, "status_exception", reason)


def illegal_argument(reason: str) -> MlError:
    """400 `illegal_argument_exception`."""
    return MlError(400, "illegal_argument_exception", reason)


def invalid_request(*reasons: str) -> MlError:
    """400 `action_request_validation_exception`, numbered as Elasticsearch does."""
    listed = "".join(f"{number}: {reason};" for number, reason in enumerate(reasons, 1))
    return MlError(400, "action_request_validation_exception", f"Validation Failed: {listed}")


def parse_failure(reason: str, cause: MlError | None = None) -> MlError:
    """400 `x_content_parse_exception`, optionally around the real cause."""
    return MlError(400, "x_content_parse_exception", reason, cause.as_cause() if cause else None)


def field_failure(parser: str, field: str, cause: MlError) -> MlError:
    """The wrapper that a body parser puts around an error of one of its fields."""
    return parse_failure(f"[{parser}] failed to parse field [{field}]", cause)


def already_exists(reason: str) -> MlError:
    """400 `resource_already_exists_exception` (400, not 409, as in Elasticsearch)."""
    return MlError(400, "resource_already_exists_exception", reason)


def name_clash(name: str) -> MlError:
    """400 for a group that has the name of a job."""
    return already_exists(f"job and group names must be unique but job [{name}] and group [{name}] have the same name")


def conflict(reason: str) -> MlError:
    """409 `status_exception`: the state does not allow it now."""
    return MlError(409, "status_exception", reason)


def not_found(reason: str) -> MlError:
    """404 `resource_not_found_exception`."""
    return MlError(404, "resource_not_found_exception", reason)


def missing_job(job_id: str) -> MlError:
    """404 for a job that is not there."""
    return not_found(f"No known job with id '{job_id}'")


def missing_datafeed(datafeed_id: str) -> MlError:
    """404 for a datafeed that is not there."""
    return not_found(f"No datafeed with id [{datafeed_id}] exists")


def missing_filter(filter_id: str) -> MlError:
    """404 for a filter that is not there."""
    return not_found(f"No filter with id [{filter_id}] exists")


def missing_calendar(calendar_id: str) -> MlError:
    """404 for a calendar that is not there."""
    return not_found(f"No calendar with id [{calendar_id}]")


def too_many_requests(reason: str) -> MlError:
    """429 `status_exception`: no capacity now."""
    return MlError(429, "status_exception", reason)


def timed_out(reason: str) -> MlError:
    """408 `status_exception`."""
    return MlError(408, "status_exception", reason)


def server_error(reason: str) -> MlError:
    """500 `status_exception`."""
    return MlError(500, "status_exception", reason)


def not_implemented(reason: str) -> MlError:
    """501: the engine understands the request and cannot serve it yet; `reason` names what is missing."""
    return MlError(501, "not_implemented_exception", reason)
