"""Endpoints of security: who asks, users, roles, API keys, privileges."""

from __future__ import annotations

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import not_supported
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import known
from anomalyops_engine.security import Principal, SecurityService


class SecurityEndpoints:
    """Handlers of `_security`."""

    def __init__(self, service: SecurityService) -> None:
        self._security = service

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        # Writes are visible at once, so that waiting for them changes nothing.
        written = known(idle=["refresh"])
        users = known(missing=["with_profile_uid"])
        keys = known(
            ["active_only", "id", "name", "owner", "realm_name", "username", "with_limited_by"],
            missing=["with_profile_uid"],
        )
        put = "PUT POST"
        return [
            Endpoint("GET", "/_security/_authenticate", Lane.STATE, self.authenticate),
            Endpoint("GET POST", "/_security/user/_has_privileges", Lane.STATE, self.has_privileges),
            Endpoint("GET POST", "/_security/user/{username}/_has_privileges", Lane.STATE, self.has_privileges),
            Endpoint(put, "/_security/api_key", Lane.MANAGEMENT, self.create_key, written),
            Endpoint("GET", "/_security/api_key", Lane.STATE, self.get_keys, keys),
            Endpoint("DELETE", "/_security/api_key", Lane.MANAGEMENT, self.invalidate_keys),
            Endpoint("POST", "/_security/api_key/_bulk_update", Lane.MANAGEMENT, self.update_keys),
            Endpoint("GET POST", "/_security/_query/api_key", Lane.STATE, self.query_keys, None),
            Endpoint("PUT", "/_security/api_key/{key_id}", Lane.MANAGEMENT, self.update_key),
            Endpoint("GET", "/_security/user", Lane.STATE, self.get_users, users),
            Endpoint(put, "/_security/user/_password", Lane.MANAGEMENT, self.change_own_password, written),
            Endpoint(put, "/_security/user/{username}/_password", Lane.MANAGEMENT, self.change_password, written),
            Endpoint(put, "/_security/user/{username}/_enable", Lane.MANAGEMENT, self.enable, written),
            Endpoint(put, "/_security/user/{username}/_disable", Lane.MANAGEMENT, self.disable, written),
            Endpoint("GET", "/_security/user/{username}", Lane.STATE, self.get_users, users),
            Endpoint(put, "/_security/user/{username}", Lane.MANAGEMENT, self.put_user, written),
            Endpoint("DELETE", "/_security/user/{username}", Lane.MANAGEMENT, self.delete_user, written),
            Endpoint("GET", "/_security/role", Lane.STATE, self.get_roles),
            Endpoint("GET", "/_security/role/{name}", Lane.STATE, self.get_roles),
            Endpoint(put, "/_security/role/{name}", Lane.MANAGEMENT, self.put_role, written),
            Endpoint("DELETE", "/_security/role/{name}", Lane.MANAGEMENT, self.delete_role, written),
        ]

    def authenticate(self, call: Call) -> Response:
        """`GET /_security/_authenticate`."""
        return call.respond(_principal(call).show())

    def has_privileges(self, call: Call) -> Response:
        """`GET|POST /_security/user/_has_privileges`."""
        principal = _principal(call)
        asked = call.path.get("username", principal.username)
        if asked != principal.username:
            raise principal.refuse("cluster:admin/xpack/security/user/has_privileges")
        return call.respond(self._security.has_privileges(principal, call.json(required=True)))

    def create_key(self, call: Call) -> Response:
        """`PUT|POST /_security/api_key`."""
        return call.respond(self._security.create_key(_principal(call), call.json(required=True)))

    def get_keys(self, call: Call) -> Response:
        """`GET /_security/api_key`."""
        selection: dict[str, object] = {name: call.query.get(name) for name in ("id", "name", "realm_name", "username")}
        found = self._security.get_keys(
            _principal(call),
            {**selection, "owner": call.flag("owner", default=False)},
            active_only=call.flag("active_only", default=False),
            with_limits=call.flag("with_limited_by", default=False),
        )
        status = 404 if selection["id"] and not found else 200
        return call.respond({"api_keys": found}, status)

    def invalidate_keys(self, call: Call) -> Response:
        """`DELETE /_security/api_key`."""
        return call.respond(self._security.invalidate_keys(_principal(call), call.json(required=True)))

    def update_key(self, call: Call) -> Response:
        """`PUT /_security/api_key/{key_id}`."""
        return call.respond({"updated": self._security.update_key(_principal(call), call.path["key_id"], call.json())})

    def update_keys(self, call: Call) -> Response:
        """`POST /_security/api_key/_bulk_update`."""
        return call.respond(self._security.update_keys(_principal(call), call.json(required=True)))

    def query_keys(self, call: Call) -> Response:
        """`GET|POST /_security/_query/api_key`."""
        raise not_supported(
            "[_security/_query/api_key] is not supported by this engine; GET [_security/api_key] lists keys by id, "
            "name (with [*]), user and owner"
        )

    def get_users(self, call: Call) -> Response:
        """`GET /_security/user[/{username}]`."""
        names = _names(call, "username")
        found = self._security.get_users(names)
        return call.respond(found, 404 if names and not found else 200)

    def put_user(self, call: Call) -> Response:
        """`PUT|POST /_security/user/{username}`."""
        return call.respond({"created": self._security.put_user(call.path["username"], call.json(required=True))})

    def delete_user(self, call: Call) -> Response:
        """`DELETE /_security/user/{username}`."""
        found = self._security.delete_user(call.path["username"])
        return call.respond({"found": found}, 200 if found else 404)

    def change_own_password(self, call: Call) -> Response:
        """`PUT|POST /_security/user/_password`."""
        principal = _principal(call)
        if principal.key is not None:
            raise principal.refuse("cluster:admin/xpack/security/user/change_password")
        self._security.change_password(principal.username, call.json(required=True))
        return call.respond({})

    def change_password(self, call: Call) -> Response:
        """`PUT|POST /_security/user/{username}/_password`."""
        self._security.change_password(call.path["username"], call.json(required=True))
        return call.respond({})

    def enable(self, call: Call) -> Response:
        """`PUT|POST /_security/user/{username}/_enable`."""
        self._security.set_enabled(call.path["username"], enabled=True)
        return call.respond({})

    def disable(self, call: Call) -> Response:
        """`PUT|POST /_security/user/{username}/_disable`."""
        self._security.set_enabled(call.path["username"], enabled=False)
        return call.respond({})

    def get_roles(self, call: Call) -> Response:
        """`GET /_security/role[/{name}]`."""
        names = _names(call, "name")
        found = self._security.get_roles(names)
        return call.respond(found, 404 if names and not found else 200)

    def put_role(self, call: Call) -> Response:
        """`PUT|POST /_security/role/{name}`."""
        created = self._security.put_role(call.path["name"], call.json(required=True))
        return call.respond({"role": {"created": created}})

    def delete_role(self, call: Call) -> Response:
        """`DELETE /_security/role/{name}`."""
        found = self._security.delete_role(call.path["name"])
        return call.respond({"found": found}, 200 if found else 404)


def _principal(call: Call) -> Principal:
    principal = call.request.scope["anomalyops.principal"]
    assert isinstance(principal, Principal)  # noqa: S101 (the middleware puts it there)
    return principal


def _names(call: Call, parameter: str) -> list[str]:
    return [name for name in call.path.get(parameter, "").split(",") if name]
