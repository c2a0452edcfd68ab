"""Who asks, and what they may: users, roles, API keys and privileges, in Elasticsearch's terms."""

from anomalyops_engine.security.access import Access, Principal
from anomalyops_engine.security.actions import Action, action_of
from anomalyops_engine.security.errors import (
    AuthenticationError,
    ForbiddenError,
    NotEnabledError,
    SecurityError,
    SecurityNotFoundError,
    SecurityUnsupportedError,
    SecurityValidationError,
)
from anomalyops_engine.security.service import SecurityService

__all__ = [
    "Access",
    "Action",
    "AuthenticationError",
    "ForbiddenError",
    "NotEnabledError",
    "Principal",
    "SecurityError",
    "SecurityNotFoundError",
    "SecurityService",
    "SecurityUnsupportedError",
    "SecurityValidationError",
    "action_of",
]
