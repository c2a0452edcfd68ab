"""Users: what a request may say of one, and how one shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.security.errors import SecurityUnsupportedError, SecurityValidationError, invalid
from anomalyops_engine.security.passwords import hashed_password

# The user who is always there and may do everything; nothing but its password can be changed.
ELASTIC: Final = "elastic"
_SHORTEST_PASSWORD: Final = 6
_FIELDS = {"password", "password_hash", "roles", "full_name", "email", "metadata", "enabled", "username"}


@dataclass(frozen=True, slots=True)
class User:
    """A user as it is kept.

    Attributes:
        password: what is kept of the password.
        roles: names of roles.
        full_name: for people.
        email: for people.
        metadata: whatever else is known.
        enabled: False for one who may not come in.
    """

    password: str
    roles: tuple[str, ...] = ()
    full_name: str | None = None
    email: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True

    def show(self, name: str) -> JsonObject:
        """Return it as answers show it."""
        return {
            "username": name,
            "roles": list(self.roles),
            "full_name": self.full_name,
            "email": self.email,
            "metadata": dict(self.metadata),
            "enabled": self.enabled,
        }

    def record(self) -> JsonObject:
        """Return it as the store keeps it."""
        return {**self.show(""), "password": self.password}


def user_of_record(record: Mapping[str, Any]) -> User:
    """Return a user from what the store keeps."""
    return User(
        record["password"],
        tuple(record["roles"]),
        record["full_name"],
        record["email"],
        record["metadata"],
        record["enabled"],
    )


def parse_user(name: str, body: Mapping[str, Any], present: User | None) -> User:
    """Return the user that a request describes.

    Args:
        name: the user's name.
        body: what was sent.
        present: the user of that name, None for a new one.

    Raises:
        SecurityValidationError: it cannot be read, or a new user comes without a password.
        SecurityUnsupportedError: it brings a password that another server hashed.
    """
    unknown = sorted(body.keys() - _FIELDS)
    if unknown:
        raise SecurityValidationError(f"failed to parse add user request. unexpected field [{unknown[0]}]")
    if body.get("password_hash") is not None:
        raise SecurityUnsupportedError("[password_hash] is not supported by this engine, give the [password]")
    if body.get("username", name) != name:
        raise SecurityValidationError("[username] in source does not match the username provided [" + name + "]")
    roles, metadata, enabled = body.get("roles"), body.get("metadata") or {}, body.get("enabled", True)
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        if roles is not None:
            raise SecurityValidationError("failed to parse add user request. [roles] must be a list of names")
        raise invalid("roles are missing")
    texts = (body.get("full_name"), body.get("email"))
    if (
        not isinstance(metadata, dict)
        or not isinstance(enabled, bool)
        or any(not isinstance(t, str | None) for t in texts)
    ):
        raise SecurityValidationError(
            "failed to parse add user request. [metadata] is an object, [enabled] a boolean, [full_name] and [email] "
            "text"
        )
    if any(key.startswith("_") for key in metadata):
        raise invalid("metadata keys may not start with [_]")
    if body.get("password") is not None:
        kept = hashed_password(checked_password(body["password"]))
    elif present is not None:
        kept = present.password
    else:
        raise invalid("password must be specified unless you are updating an existing user")
    return User(kept, tuple(roles), texts[0], texts[1], metadata, enabled)


def checked_password(password: object) -> str:
    """Return a password that is long enough.

    Raises:
        SecurityValidationError: it is not, or no text.
    """
    if not isinstance(password, str):
        raise SecurityValidationError("failed to parse the request. [password] must be text")
    if len(password) < _SHORTEST_PASSWORD:
        raise invalid(f"passwords must be at least [{_SHORTEST_PASSWORD}] characters long")
    return password
