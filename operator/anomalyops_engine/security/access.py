"""Who asks, and whether that one may do what is asked, with Elasticsearch's words for a no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.security.errors import ForbiddenError
from anomalyops_engine.security.privileges import granting, is_cluster_action
from anomalyops_engine.security.roles import Role
from anomalyops_engine.store.catalog import RESTRICTED

# The realm of whoever asks where there is no authentication.
EVERYBODY = ("__anonymous", "__anonymous")
# What everybody may do who is known, about himself.
_OWN = frozenset(
    {
        "cluster:admin/xpack/security/user/authenticate",
        "cluster:admin/xpack/security/user/has_privileges",
    }
)


@dataclass(frozen=True, slots=True)
class Principal:
    """A known user, perhaps through an API key.

    Attributes:
        username: the user's name.
        roles: names of roles.
        missing: names of roles that there are not.
        limits: each of them must grant what is done; a user has one, the roles; an API key its own roles too.
        realm: where the user is known, by name and type.
        key: id and name of the API key.
        profile: full name, address and metadata, as they are shown.
    """

    username: str
    roles: tuple[str, ...]
    limits: tuple[tuple[Role, ...], ...]
    realm: tuple[str, str]
    missing: tuple[str, ...] = ()
    key: tuple[str, str] | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)

    @property
    def record(self) -> JsonObject | None:
        """What is kept of it with what it makes: names of roles, or what its key grants; None for everybody."""
        if self.realm == EVERYBODY:
            return None
        who: JsonObject = {"username": self.username, "realm": list(self.realm)}
        if self.key is None:
            return {**who, "roles": [*self.roles, *self.missing]}
        grants = [[role.show() for role in roles] for roles in self.limits]
        return {**who, "api_key": {"id": self.key[0], "name": self.key[1]}, "grants": grants}

    def may(self, action: str) -> bool:
        """Return whether an action on the cluster is granted."""
        if action in _OWN:
            return True
        return all(any(role.grants_cluster(action) for role in roles) for roles in self.limits)

    def may_on(self, action: str, name: str) -> bool:
        """Return whether an action is granted on an index or alias of a name."""
        return all(any(g.grants(action, name) for role in roles for g in role.indices) for roles in self.limits)

    def may_somewhere(self, action: str) -> bool:
        """Return whether an action is granted on any index at all."""
        return all(
            any(g.grants(action, name) for role in roles for g in role.indices for name in (*g.names, "ordinary"))
            for roles in self.limits
        )

    def describe(self) -> str:
        """Return how refusals call it."""
        if self.key is not None:
            return f"API key id [{self.key[0]}] of user [{self.username}]"
        text = f"user [{self.username}] with effective roles [{','.join(sorted(self.roles))}]"
        return text + (f" (assigned roles [{','.join(self.missing)}] were not found)" if self.missing else "")

    def refuse(self, action: str, names: Iterable[str] = ()) -> ForbiddenError:
        """Return the refusal of an action, perhaps on indices."""
        listed = list(names)
        where = ",".join(listed)
        kind = "restricted indices" if RESTRICTED.intersection(listed) else "indices"
        return ForbiddenError(
            f"action [{action}] is unauthorized for {self.describe()}"
            + (f" on {kind} [{where}]" if where else "")
            + f", this action is granted by the {'cluster' if is_cluster_action(action) else 'index'} privileges "
            f"[{','.join(granting(action))}]"
        )

    def show(self) -> JsonObject:
        """Return what `_authenticate` tells."""
        name, kind = self.realm
        realm: JsonObject = {"name": name, "type": kind}
        body: JsonObject = {
            "username": self.username,
            "roles": list(self.roles),
            "full_name": self.profile.get("full_name"),
            "email": self.profile.get("email"),
            "metadata": self.profile.get("metadata", {}),
            "enabled": True,
            "authentication_realm": realm,
            "lookup_realm": realm,
            "authentication_type": "realm" if self.key is None else "api_key",
        }
        return body if self.key is None else {**body, "api_key": {"id": self.key[0], "name": self.key[1]}}


@dataclass(frozen=True, slots=True)
class Access:
    """What a principal is about to do; the store asks it which indices that may be done on."""

    principal: Principal
    action: str

    def allows(self, name: str) -> bool:
        """Return whether it may be done on an index or alias of a name."""
        return self.principal.may_on(self.action, name)

    def refusal(self, names: Sequence[str]) -> str:
        """Return why it may not be done on some indices."""
        return str(self.principal.refuse(self.action, names))

    def doing(self, action: str) -> Access:
        """Return the same principal about to do something else."""
        return replace(self, action=action)

    def check(self, names: Sequence[str]) -> None:
        """Check that the action may begin.

        Args:
            names: names that it is about, without patterns; nothing where it is about whatever may be seen.

        Raises:
            ForbiddenError: it may not.
        """
        if is_cluster_action(self.action):
            if not self.principal.may(self.action):
                raise self.principal.refuse(self.action)
            return
        refused = [name for name in names if not self.allows(name)]
        if refused:
            raise self.principal.refuse(self.action, refused)
        if not names and not self.principal.may_somewhere(self.action):
            raise self.principal.refuse(self.action)
