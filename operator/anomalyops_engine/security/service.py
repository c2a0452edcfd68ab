"""Users, roles and API keys: kept in the store, and in memory, where each request looks."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.security.access import EVERYBODY, Access, Principal
from anomalyops_engine.security.api_keys import (
    ApiKey,
    KeyChange,
    check_selection,
    decoded,
    encoded,
    kept_role,
    key_of_record,
    new_id,
    new_secret,
    parse_key,
    parse_key_change,
    parse_key_changes,
)
from anomalyops_engine.security.errors import (
    AuthenticationError,
    NotEnabledError,
    SecurityNotFoundError,
    SecurityValidationError,
    invalid,
)
from anomalyops_engine.security.passwords import hashed_password, hashed_secret, is_password, is_secret
from anomalyops_engine.security.privileges import cluster_privilege, index_privilege
from anomalyops_engine.security.roles import RESERVED, Role, check_name, parse_role
from anomalyops_engine.security.users import ELASTIC, User, checked_password, parse_user, user_of_record
from anomalyops_engine.store import Store
from anomalyops_engine.store.patterns import matches

_USER, _ROLE, _KEY = "security_user", "security_role", "security_api_key"
_NATIVE: Final = ("default_native", "native")
_RESERVED_REALM: Final = ("reserved", "reserved")
_MANAGE_KEYS: Final = "cluster:admin/xpack/security/api_key"
_ANONYMOUS: Final = Principal("_anonymous", ("superuser",), ((RESERVED["superuser"],),), EVERYBODY)
# Of a user whom nobody knows, so that a wrong name takes as long as a wrong password.
_NOBODY: Final = hashed_password(secrets.token_hex(8))


class SecurityService:
    """Who there is and what they may; safe to use from any thread.

    Attributes:
        enabled: requests must say who they are from.
    """

    def __init__(self, store: Store, password: str | None = None, *, open_to_all: bool = False) -> None:
        """Read what is kept.

        Args:
            store: where it is kept.
            password: of the user `elastic`, as long as that one has not been given another through the API.
            open_to_all: do without authentication, whoever is kept.
        """
        self._store = store
        self._lock = threading.Lock()
        self._proven: dict[str, tuple[str, bytes]] = {}
        self._pepper = secrets.token_bytes(32)
        with store.read() as reader:
            self._users = {name: user_of_record(record) for name, record in reader.configs(_USER).items()}
            self._roles = {name: parse_role(record) for name, record in reader.configs(_ROLE).items()}
            self._keys = {key_id: key_of_record(record) for key_id, record in reader.configs(_KEY).items()}
        self.enabled = not open_to_all and (password is not None or bool(self._users))
        if password is not None and ELASTIC not in self._users:
            self._bootstrap: User | None = User(hashed_password(checked_password(password)), ("superuser",))
        else:
            self._bootstrap = None

    # --- who asks ---

    def known(self, header: str | None, uri: str) -> Principal | None:
        """Return who sent a request, None when that takes proving a password (`prove`), which is slow.

        Raises:
            AuthenticationError: nobody who is known.
        """
        if not self.enabled:
            return _ANONYMOUS
        scheme, _, credentials = (header or "").partition(" ")
        if scheme.lower() == "apikey":
            return self._of_key(credentials.strip())
        username, password = self._basic(header, uri)
        user = self._user(username)
        proven = self._proven.get(username)
        if user is None or proven is None or proven[0] != user.password:
            return None
        if not hmac.compare_digest(proven[1], self._digest(password)) or not user.enabled:
            return None
        return self._principal(username, user)

    def prove(self, header: str, uri: str) -> Principal:
        """Return who sent a request, by the password; takes tens of milliseconds.

        Raises:
            AuthenticationError: nobody who is known.
        """
        username, password = self._basic(header, uri)
        user = self._user(username)
        right = is_password(password, _NOBODY if user is None else user.password)
        if user is None or not right or not user.enabled:
            raise AuthenticationError(f"unable to authenticate user [{username}] for REST request [{uri}]")
        self._proven[username] = (user.password, self._digest(password))
        return self._principal(username, user)

    def _basic(self, header: str | None, uri: str) -> tuple[str, str]:
        scheme, _, credentials = (header or "").partition(" ")
        if scheme.lower() != "basic":
            raise AuthenticationError(f"missing authentication credentials for REST request [{uri}]")
        pair = decoded(credentials.strip())
        if pair is None:
            raise AuthenticationError("invalid basic authentication header value")
        return pair

    def _of_key(self, credentials: str) -> Principal:
        pair = decoded(credentials)
        if pair is None:
            raise AuthenticationError("invalid ApiKey value")
        key_id, secret = pair
        key = self._keys.get(key_id)
        why = None
        if key is None:
            why = f"unable to find apikey with id {key_id}"
        elif not is_secret(secret, key.secret):
            why = f"invalid credentials for API key [{key_id}]"
        elif key.invalidated_ms is not None:
            why = f"api key [{key_id}] has been invalidated"
        elif key.expired(_now_ms()):
            why = "api key is expired"
        if why is not None or key is None:
            raise AuthenticationError(
                "unable to authenticate with provided credentials and anonymous access is not allowed for this request",
                f"API key: {why}",
            )
        limits = [tuple(key.limited_by.values())]
        if key.roles:
            limits.append(tuple(key.roles.values()))
        return Principal(key.username, (), tuple(limits), ("_es_api_key", "_es_api_key"), key=(key_id, key.name))

    def rights_of(self, record: Mapping[str, Any]) -> Access:
        """Return what somebody, as kept with what that one made (`Principal.record`), may search now.

        Roles are those of now by their names then, whatever became of the user; what a key grants is what it was.
        """
        realm, key = (record["realm"][0], record["realm"][1]), record.get("api_key")
        if key is not None:
            limits = tuple(tuple(kept_role(body) for body in roles) for roles in record["grants"])
            principal = Principal(record["username"], (), limits, realm, key=(key["id"], key["name"]))
        else:
            principal = self._principal(record["username"], User("", tuple(record["roles"])))
        return Access(principal, "indices:data/read/search")

    def _digest(self, password: str) -> bytes:
        return hmac.digest(self._pepper, password.encode(), hashlib.sha256)

    def _user(self, name: str) -> User | None:
        return self._users.get(name) or (self._bootstrap if name == ELASTIC else None)

    def _principal(self, name: str, user: User) -> Principal:
        found = {role: self._role(role) for role in user.roles}
        granted = tuple(role for role in found.values() if role is not None)
        names = tuple(role for role, grants in found.items() if grants is not None)
        missing = tuple(role for role, grants in found.items() if grants is None)
        metadata = {"_reserved": True} if name == ELASTIC else user.metadata
        profile = {"full_name": user.full_name, "email": user.email, "metadata": metadata}
        realm = _RESERVED_REALM if name == ELASTIC else _NATIVE
        return Principal(name, names, (granted,), realm, missing, profile=profile)

    def _role(self, name: str) -> Role | None:
        return RESERVED.get(name) or self._roles.get(name)

    # --- users ---

    def get_users(self, names: Sequence[str]) -> JsonObject:
        """Return users by name; all of them where none is named."""
        elastic = User("", ("superuser",), metadata={"_reserved": True})
        everybody = {ELASTIC: elastic, **{name: user for name, user in self._users.items() if name != ELASTIC}}
        return {name: user.show(name) for name, user in everybody.items() if not names or name in names}

    def put_user(self, name: str, body: Mapping[str, Any]) -> bool:
        """Make or change a user; return whether it is new."""
        self._require_enabled()
        check_name(name, "User")
        if name == ELASTIC:
            raise invalid(f"user [{name}] is reserved and only the password can be changed")
        with self._lock:
            present = self._users.get(name)
            self._keep_user(name, parse_user(name, body, present))
        return present is None

    def delete_user(self, name: str) -> bool:
        """Remove a user; return whether there was one."""
        self._require_enabled()
        if name == ELASTIC:
            raise invalid(f"user [{name}] is reserved and cannot be deleted")
        with self._lock:
            if name not in self._users:
                return False
            with self._store.write() as writer:
                writer.delete_config(_USER, name)
            self._users = {key: user for key, user in self._users.items() if key != name}
        return True

    def change_password(self, name: str, body: Mapping[str, Any]) -> None:
        """Give a user another password."""
        self._require_enabled()
        if body.keys() != {"password"}:
            raise SecurityValidationError("failed to parse the request. [password] and nothing else is required")
        with self._lock:
            self._keep_user(
                name, replace(self._required(name), password=hashed_password(checked_password(body["password"])))
            )

    def set_enabled(self, name: str, *, enabled: bool) -> None:
        """Let a user in, or not."""
        self._require_enabled()
        if name == ELASTIC:
            raise invalid(f"user [{name}] is reserved and only the password can be changed")
        with self._lock:
            self._keep_user(name, replace(self._required(name), enabled=enabled))

    def _required(self, name: str) -> User:
        user = self._user(name)
        if user is None:
            raise invalid(f"user must exist in order to change it; there is no user [{name}]")
        return user

    def _keep_user(self, name: str, user: User) -> None:
        with self._store.write() as writer:
            writer.put_config(_USER, name, user.record())
        self._users = {**self._users, name: user}

    def _require_enabled(self) -> None:
        if not self.enabled:
            raise NotEnabledError(
                "security is not enabled: this engine runs without authentication. Start it with the environment "
                "variable ELASTIC_PASSWORD, or with --password-file"
            )

    # --- roles ---

    def get_roles(self, names: Sequence[str]) -> JsonObject:
        """Return roles by name; all of them where none is named."""
        return {name: role.show() for name, role in {**self._roles, **RESERVED}.items() if not names or name in names}

    def put_role(self, name: str, body: Mapping[str, Any]) -> bool:
        """Make or change a role; return whether it is new."""
        self._require_enabled()
        check_name(name, "Role")
        if name in RESERVED:
            raise invalid(f"Role [{name}] is reserved and may not be used.")
        role = parse_role(body)
        with self._lock:
            with self._store.write() as writer:
                writer.put_config(_ROLE, name, role.show())
            new = name not in self._roles
            self._roles = {**self._roles, name: role}
        return new

    def delete_role(self, name: str) -> bool:
        """Remove a role; return whether there was one."""
        self._require_enabled()
        if name in RESERVED:
            raise invalid(f"role [{name}] is reserved and cannot be deleted")
        with self._lock:
            if name not in self._roles:
                return False
            with self._store.write() as writer:
                writer.delete_config(_ROLE, name)
            self._roles = {key: role for key, role in self._roles.items() if key != name}
        return True

    # --- API keys ---

    def create_key(self, principal: Principal, body: Mapping[str, Any]) -> JsonObject:
        """Make an API key; its secret is told this once."""
        self._require_enabled()
        name, lifetime_ms, roles, metadata = parse_key(body)
        action = f"{_MANAGE_KEYS}/create"
        if not principal.may(action):
            raise principal.refuse(action)
        if principal.key is not None and (not roles or any(role != Role() for role in roles.values())):
            raise SecurityValidationError(
                "creating derived api keys requires an explicit role descriptor that is empty (has no privileges)"
            )
        key_id, secret, now_ms = new_id(), new_secret(), _now_ms()
        expires_ms = None if lifetime_ms is None else now_ms + lifetime_ms
        limits = {role: grants for role in principal.roles if (grants := self._role(role)) is not None}
        key = ApiKey(
            name, hashed_secret(secret), principal.username, principal.realm, now_ms, expires_ms, None, roles, limits,
            metadata,
        )  # fmt: skip
        self._keep_keys({key_id: key})
        answer: JsonObject = {"id": key_id, "name": name, "api_key": secret, "encoded": encoded(key_id, secret)}
        return answer if expires_ms is None else {**answer, "expiration": expires_ms}

    def update_key(self, principal: Principal, key_id: str, body: Mapping[str, Any]) -> bool:
        """Change a key of one's own, whose limits become what one may do now; return whether that changed anything.

        Raises:
            SecurityNotFoundError: there is no such key, or it is somebody else's.
            SecurityValidationError: it cannot be changed any more, or the body cannot be read.
        """
        change = parse_key_change(body)
        self._check_updater(principal)
        return self._update(principal, key_id, change)

    def update_keys(self, principal: Principal, body: Mapping[str, Any]) -> JsonObject:
        """Change several keys of one's own alike, each for itself; return what came of each."""
        ids, change = parse_key_changes(body)
        self._check_updater(principal)
        updated: list[str] = []
        noops: list[str] = []
        errors: JsonObject = {}
        for key_id in ids:
            try:
                (updated if self._update(principal, key_id, change) else noops).append(key_id)
            except SecurityNotFoundError as error:
                errors[key_id] = {"type": "resource_not_found_exception", "reason": str(error)}
            except SecurityValidationError as error:
                errors[key_id] = {"type": "illegal_argument_exception", "reason": str(error)}
        answer: JsonObject = {"updated": updated, "noops": noops}
        return {**answer, "errors": {"count": len(errors), "details": errors}} if errors else answer

    def _check_updater(self, principal: Principal) -> None:
        self._require_enabled()
        if principal.key is not None:
            raise SecurityValidationError(
                "authentication via API key not supported: only the owner user can update an API key"
            )
        if not principal.may(f"{_MANAGE_KEYS}/create"):
            raise principal.refuse(f"{_MANAGE_KEYS}/update")

    def _update(self, principal: Principal, key_id: str, change: KeyChange) -> bool:
        with self._lock:
            key = self._keys.get(key_id)
            if key is None or key.username != principal.username or key.realm != principal.realm:
                raise SecurityNotFoundError(f"no API key owned by requesting user found for ID [{key_id}]")
            now_ms = _now_ms()
            if key.invalidated_ms is not None:
                raise SecurityValidationError(f"cannot update invalidated API key [{key_id}]")
            if key.expired(now_ms):
                raise SecurityValidationError(f"cannot update expired API key [{key_id}]")
            limits = {role: grants for role in principal.roles if (grants := self._role(role)) is not None}
            changed = change.apply(key, limits, now_ms)
            if changed == key:
                return False
            with self._store.write() as writer:
                writer.put_config(_KEY, key_id, changed.record())
            self._keys = {**self._keys, key_id: changed}
        return True

    def get_keys(
        self,
        principal: Principal,
        selection: Mapping[str, Any],
        *,
        active_only: bool = False,
        with_limits: bool = False,
    ) -> list[JsonObject]:
        """Return the keys that are selected and that the principal may see.

        Raises:
            ForbiddenError: others' keys are asked for.
        """
        found = self._selected(principal, selection, "get")
        now_ms = _now_ms()
        return [
            key.show(key_id, with_limits=with_limits)
            for key_id, key in found.items()
            if not active_only or (key.invalidated_ms is None and not key.expired(now_ms))
        ]

    def invalidate_keys(self, principal: Principal, selection: Mapping[str, Any]) -> JsonObject:
        """Take the selected keys back, for good.

        Raises:
            SecurityValidationError: nothing is selected.
            ForbiddenError: others' keys are meant.
        """
        self._require_enabled()
        names = ("id", "ids", "name", "username", "realm_name", "owner")
        check_selection(selection, names)
        if not any(selection.get(name) for name in names):
            raise invalid(
                "One of [api key id(s), api key name, username, realm name] must be specified if [owner] flag is false"
            )
        found = self._selected(principal, selection, "invalidate")
        done = {key_id: key for key_id, key in found.items() if key.invalidated_ms is None}
        now_ms = _now_ms()
        self._keep_keys({key_id: replace(key, invalidated_ms=now_ms) for key_id, key in done.items()})
        return {
            "invalidated_api_keys": list(done),
            "previously_invalidated_api_keys": [key_id for key_id in found if key_id not in done],
            "error_count": 0,
        }

    def _selected(self, principal: Principal, selection: Mapping[str, Any], verb: str) -> dict[str, ApiKey]:
        action = f"{_MANAGE_KEYS}/{verb}"
        ids = selection.get("ids") or ([selection["id"]] if selection.get("id") else None)
        own = bool(selection.get("owner"))
        username, name = selection.get("username"), selection.get("name")
        own = own or username == principal.username or (principal.key is not None and ids == [principal.key[0]])
        if not principal.may(action) and not (
            own and (principal.key is not None or principal.may(f"{_MANAGE_KEYS}/create"))
        ):
            raise principal.refuse(action)
        return {
            key_id: key
            for key_id, key in self._keys.items()
            if (ids is None or key_id in ids)
            and (name is None or matches(str(name), key.name))
            and (username is None or key.username == username)
            and (selection.get("realm_name") in {None, key.realm[0]})
            and (not own or (key_id == principal.key[0] if principal.key else key.username == principal.username))
        }

    def _keep_keys(self, keys: Mapping[str, ApiKey]) -> None:
        with self._lock:
            with self._store.write() as writer:
                for key_id, key in keys.items():
                    writer.put_config(_KEY, key_id, key.record())
            self._keys = {**self._keys, **keys}

    # --- what somebody may ---

    def has_privileges(self, principal: Principal, body: Mapping[str, Any]) -> JsonObject:
        """Return which of some privileges a principal has.

        Raises:
            SecurityValidationError: the request cannot be read.
        """
        unknown = sorted(body.keys() - {"cluster", "index", "application"})
        if unknown or not body:
            raise SecurityValidationError(
                f"unexpected field [{unknown[0]}]" if unknown else "must specify at least one privilege"
            )
        asked = parse_role(
            {"cluster": body.get("cluster"), "indices": body.get("index"), "applications": body.get("application")}
        )
        cluster = {
            name: all(
                any(role.implies_cluster(cluster_privilege(name)) for role in roles) for roles in principal.limits
            )
            for name in asked.cluster
        }
        index: dict[str, dict[str, bool]] = {}
        for grant in asked.indices:
            for target in grant.names:
                index.setdefault(target, {}).update(
                    {
                        name: all(
                            any(role.implies_index(index_privilege(name), target) for role in roles)
                            for roles in principal.limits
                        )
                        for name in grant.privileges
                    }
                )
        application: dict[str, dict[str, dict[str, bool]]] = {}
        for app in asked.applications:
            for resource in app.resources:
                application.setdefault(app.application, {}).setdefault(resource, {}).update(
                    {
                        name: all(
                            any(role.implies_application(app.application, name, resource) for role in roles)
                            for roles in principal.limits
                        )
                        for name in app.privileges
                    }
                )
        found = [*cluster.values(), *(v for one in index.values() for v in one.values())]
        found += [v for one in application.values() for two in one.values() for v in two.values()]
        return {
            "username": principal.username,
            "has_all_requested": all(found),
            "cluster": cluster,
            "index": index,
            "application": application,
        }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
