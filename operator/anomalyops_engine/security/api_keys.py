"""API keys: what a request may say of one, and how one shows."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.security.errors import SecurityUnsupportedError, SecurityValidationError, invalid
from anomalyops_engine.security.roles import Role, parse_role

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1, "micros": 1e-3, "nanos": 1e-6}
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept.

    Attributes:
        name: not unique.
        secret: what is kept of the secret.
        username: who made it.
        realm: where that one is known, by name and type.
        created_ms: when it was made.
        expires_ms: when it ends; None for never.
        invalidated_ms: when it was taken back; None when it was not.
        roles: what it may do at most, beside what its maker may; empty for no limit of its own.
        limited_by: what its maker might do when it was made.
        metadata: whatever else is known.
    """

    name: str
    secret: str
    username: str
    realm: tuple[str, str]
    created_ms: int
    expires_ms: int | None
    invalidated_ms: int | None
    roles: Mapping[str, Role]
    limited_by: Mapping[str, Role]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def expired(self, now_ms: int) -> bool:
        """Return whether its time is over."""
        return self.expires_ms is not None and self.expires_ms <= now_ms

    def show(self, key_id: str, *, with_limits: bool) -> JsonObject:
        """Return it as answers show it."""
        body: JsonObject = {
            "id": key_id,
            "name": self.name,
            "type": "rest",
            "creation": self.created_ms,
            "invalidated": self.invalidated_ms is not None,
            "username": self.username,
            "realm": self.realm[0],
            "realm_type": self.realm[1],
            "metadata": dict(self.metadata),
            "role_descriptors": {name: role.show() for name, role in self.roles.items()},
        }
        if self.expires_ms is not None:
            body["expiration"] = self.expires_ms
        if self.invalidated_ms is not None:
            body["invalidation"] = self.invalidated_ms
        if with_limits:
            body["limited_by"] = [{name: role.show() for name, role in self.limited_by.items()}]
        return body

    def record(self) -> JsonObject:
        """Return it as the store keeps it."""
        return {
            **self.show("", with_limits=True),
            "secret": self.secret,
            "expiration": self.expires_ms,
            "invalidation": self.invalidated_ms,
        }


def key_of_record(record: Mapping[str, Any]) -> ApiKey:
    """Return a key from what the store keeps."""
    return ApiKey(
        record["name"],
        record["secret"],
        record["username"],
        (record["realm"], record["realm_type"]),
        record["creation"],
        record["expiration"],
        record["invalidation"],
        {name: kept_role(body) for name, body in record["role_descriptors"].items()},
        {name: kept_role(body) for name, body in record["limited_by"][0].items()},
        record["metadata"],
    )


def kept_role(body: Mapping[str, Any]) -> Role:
    """Return a role from what was kept of it (`Role.show`)."""
    reserved = body.get("metadata", {}).get("_reserved")
    role = parse_role({**body, "metadata": {}, "run_as": []})
    return Role(role.cluster, role.indices, role.applications, (), {"_reserved": True} if reserved else {})


def parse_key(body: Mapping[str, Any]) -> tuple[str, int | None, dict[str, Role], dict[str, Any]]:
    """Return name, lifetime in milliseconds, roles and metadata of the key that a request describes.

    Raises:
        SecurityValidationError: it cannot be read.
    """
    _refuse_unknown(body, "api_key_request", ("name", *_CHANGEABLE))
    name = body.get("name")
    if name is None or name == "":
        raise invalid("api key name is required")
    if not isinstance(name, str):
        raise SecurityValidationError("[name] is text")
    if len(name) > _LONGEST_NAME:
        raise invalid(f"api key name may not be more than {_LONGEST_NAME} characters long")
    if name != name.strip():
        raise invalid("api key name may not begin or end with whitespace")
    if name.startswith("_"):
        raise invalid("api key name may not begin with an underscore")
    change = _read_change(body)
    return name, change.lifetime_ms, dict(change.roles or {}), dict(change.metadata or {})


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What a request wants changed of a key; None for what stays.

    Attributes:
        roles: what it may do at most.
        metadata: whatever else is known.
        lifetime_ms: how long it lives from now on.
    """

    roles: Mapping[str, Role] | None
    metadata: Mapping[str, Any] | None
    lifetime_ms: int | None

    def apply(self, key: ApiKey, limits: Mapping[str, Role], now_ms: int) -> ApiKey:
        """Return a key as it is afterwards.

        Args:
            key: as it is.
            limits: what its owner may do now.
            now_ms: the present, epoch milliseconds.
        """
        return replace(
            key,
            roles=key.roles if self.roles is None else self.roles,
            metadata=key.metadata if self.metadata is None else self.metadata,
            expires_ms=key.expires_ms if self.lifetime_ms is None else now_ms + self.lifetime_ms,
            limited_by=limits,
        )


def parse_key_change(body: Mapping[str, Any]) -> KeyChange:
    """Return what a request wants changed of one key.

    Raises:
        SecurityValidationError: it cannot be read.
    """
    _refuse_unknown(body, "update_api_key_request_payload", _CHANGEABLE)
    return _read_change(body)


def parse_key_changes(body: Mapping[str, Any]) -> tuple[list[str], KeyChange]:
    """Return the keys that a request names, and what it wants changed of each.

    Raises:
        SecurityValidationError: it cannot be read.
    """
    _refuse_unknown(body, "bulk_update_api_key_request", ("ids", *_CHANGEABLE))
    ids = body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(key_id, str) for key_id in ids):
        raise SecurityValidationError("[ids] is required, a list of texts")
    if not ids:
        raise invalid("Field [ids] cannot be empty")
    return list(dict.fromkeys(ids)), _read_change(body)


_CHANGEABLE = ("expiration", "role_descriptors", "metadata")


def _refuse_unknown(body: Mapping[str, Any], request: str, names: tuple[str, ...]) -> None:
    unknown = sorted(body.keys() - set(names))
    if unknown:
        raise SecurityValidationError(
            f"[{request}] unknown field [{unknown[0]}]; accepted are [{', '.join(sorted(names))}]"
        )


def _read_change(body: Mapping[str, Any]) -> KeyChange:
    metadata, descriptors = body.get("metadata"), body.get("role_descriptors")
    if not isinstance(metadata, dict | None) or not isinstance(descriptors, dict | None):
        raise SecurityValidationError("[metadata] and [role_descriptors] are objects")
    if any(key.startswith("_") for key in metadata or {}):
        raise invalid("API key metadata keys may not start with [_]")
    roles = None
    if descriptors is not None:
        roles = {key: parse_role(descriptor, f"role_descriptors.{key}") for key, descriptor in descriptors.items()}
    return KeyChange(roles, metadata, _lifetime_ms(body.get("expiration")))


def _lifetime_ms(text: object) -> int | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,12})(d|h|m|s|ms|micros|nanos)", text) if isinstance(text, str) else None
    if found is None:
        raise SecurityValidationError(
            f"failed to parse setting [expiration] with value [{text}] as a time value: unit is missing or unrecognized"
        )
    return int(int(found[1]) * _UNITS[found[2]])


def new_id() -> str:
    """Return the id of a new key."""
    return secrets.token_urlsafe(15)


def new_secret() -> str:
    """Return the secret of a new key."""
    return secrets.token_urlsafe(16)


def encoded(key_id: str, secret: str) -> str:
    """Return what a client sends in `Authorization: ApiKey`."""
    return base64.b64encode(f"{key_id}:{secret}".encode()).decode()


def decoded(credentials: str) -> tuple[str, str] | None:
    """Return what stands before and behind the colon of encoded credentials; None when they cannot be read."""
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    before, colon, behind = text.partition(":")
    return (before, behind) if colon else None


def check_selection(body: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Refuse a selection of keys that names none, or fields that are unknown.

    Raises:
        SecurityValidationError: it is to be refused.
        SecurityUnsupportedError: it selects by what there is one of.
    """
    unknown = sorted(body.keys() - set(names))
    if unknown:
        raise SecurityValidationError(f"[invalidate_api_key] unknown field [{unknown[0]}]")
    if body.get("id") is not None and body.get("ids") is not None:
        raise invalid("Must use either [id] or [ids], not both at the same time")
    if body.get("realm_name") not in {None, "default_native", "reserved"}:
        raise SecurityUnsupportedError(f"realm [{body['realm_name']}] is not supported by this engine")
