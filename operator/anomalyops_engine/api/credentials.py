"""From the `Authorization` of a request to who sent it, and from who sent it to what it may do."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import anyio
import anyio.to_thread
from starlette.requests import Request

from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.jobs.makers import SEARCH, Maker
from anomalyops_engine.security import (
    Access,
    AuthenticationError,
    ForbiddenError,
    NotEnabledError,
    Principal,
    SecurityError,
    SecurityNotFoundError,
    SecurityService,
    SecurityUnsupportedError,
    SecurityValidationError,
    action_of,
)
from anomalyops_engine.store.names import parts_of

CHALLENGES = ('Basic realm="security", charset="UTF-8"', "ApiKey")
# Each takes tens of milliseconds and 16 MB: guessing passwords must not take the machine from those who know theirs.
_PROVING = 2
_MOST_WAITING = 200

log = logging.getLogger("anomalyops_engine.audit")


class Doorkeeper:
    """Finds out who sends a request."""

    def __init__(self, service: SecurityService) -> None:
        self._service = service
        self._limiter = anyio.CapacityLimiter(_PROVING)

    async def admit(self, request: Request) -> Principal:
        """Return who sent a request.

        Raises:
            ApiError: 401 for somebody unknown; 429 when too many passwords are being looked at.
        """
        header, uri = request.headers.get("authorization"), request.url.path
        if self._service.enabled and "es-security-runas-user" in request.headers:
            raise ApiError(501, "not_implemented_exception", "[es-security-runas-user] is not supported by this engine")
        try:
            found = self._service.known(header, uri)
            if found is not None:
                return found
            if self._limiter.statistics().tasks_waiting >= _MOST_WAITING:
                raise ApiError(429, "es_rejected_execution_exception", "too many passwords are being looked at")
            return await anyio.to_thread.run_sync(self._service.prove, header or "", uri, limiter=self._limiter)
        except AuthenticationError as error:
            log.warning("authentication failed from %s: %s", request.client.host if request.client else "?", error)
            raise from_security(error) from None


def access_of(request: Request, template: str, path: Mapping[str, str]) -> Access | None:
    """Return what the sender of a request is about to do; None where it reaches indices in ways of its own.

    Args:
        request: the request, whose sender is known.
        template: the path as its route has it.
        path: the parameters of the path.

    Raises:
        ForbiddenError: it may not do it.
    """
    principal = request.scope.get("anomalyops.principal")
    if not isinstance(principal, Principal):
        return None
    action = action_of(request.method, template)
    access = Access(principal, action.name)
    names = parts_of(path.get("index", "")) if action.on_path else []
    lenient = request.query_params.get("ignore_unavailable", "false") in {"", "true"}
    try:
        access.check([] if lenient else [name for name in names if "*" not in name and not name.startswith("-")])
    except ForbiddenError as error:
        log.warning("refused: %s", error)
        raise
    if action.name == "cluster:admin/xpack/ml/datafeeds/preview":
        return access.doing("indices:data/read/search")
    return access if action.name.startswith("indices:") else None


def maker_of(request: Request) -> Maker | None:
    """Return who sends a request, for what it makes to have the rights of."""
    principal = request.scope.get("anomalyops.principal")
    if not isinstance(principal, Principal):
        return None
    return Maker(principal.username, principal.record, lambda name: principal.may_on(SEARCH, name))


def from_security(error: SecurityError) -> ApiError:
    """Return the API error for a refusal of security."""
    reason = str(error)
    if isinstance(error, AuthenticationError):
        details: dict[str, object] = (
            {} if error.details is None else {"additional_unsuccessful_credentials": error.details}
        )
        return ApiError(
            401, "security_exception", reason, details={**details, "header": {"WWW-Authenticate": [*CHALLENGES]}}
        )
    if isinstance(error, ForbiddenError):
        return ApiError(403, "security_exception", reason)
    if isinstance(error, SecurityNotFoundError):
        return ApiError(404, "resource_not_found_exception", reason)
    if isinstance(error, NotEnabledError):
        return ApiError(400, "feature_not_enabled_exception", reason)
    if isinstance(error, SecurityUnsupportedError):
        return ApiError(501, "not_implemented_exception", reason)
    if isinstance(error, SecurityValidationError) and error.failures:
        listed = "".join(f"{number}: {failure};" for number, failure in enumerate(error.failures, 1))
        return ApiError(400, "action_request_validation_exception", f"Validation Failed: {listed}")
    return ApiError(400, "illegal_argument_exception", reason)
