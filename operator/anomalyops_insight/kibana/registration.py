"""What has to change in a Kibana so that it has the tools and skills, or none of them; as programs over its API.

A tool of ours has the tag `anomalyops`; of a skill, which has no tags, the id says it. What has the id of ours and is
not ours is left alone and told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from anomalyops_insight.errors import RefusedError, UnreachableError
from anomalyops_insight.kibana.definitions import MARK, Skill, ToolDefinition
from anomalyops_insight.programs import Program, call

BASE = "/api/agent_builder"
_NOT_FOUND = 404
Verb = Literal["create", "update", "delete", "keep", "foreign"]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done about one tool or skill.

    Attributes:
        kind: `tools` or `skills`, as in its path.
        id: Its id.
        verb: `keep` is nothing; `foreign` is somebody else's under the same id, which stays.
        body: What is written.
    """

    kind: Literal["tools", "skills"]
    id: str
    verb: Verb
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """What a Kibana has.

    Attributes:
        tools: By id.
        skills: By id; None where this Kibana has no skills.
    """

    tools: Mapping[str, Mapping[str, Any]]
    skills: Mapping[str, Mapping[str, Any]] | None


def look() -> Program[Registered]:
    """Reads what is there.

    Raises:
        RefusedError: Kibana refuses, or has no Agent Builder.
        UnreachableError: Something else answers.
    """
    tools = yield from _listed("tools")
    try:
        skills = yield from _listed("skills")
    except RefusedError as error:
        if error.status != _NOT_FOUND:
            raise
        return Registered(tools, None)
    whole = {}
    for name, listed in skills.items():  # a list leaves out what a skill says
        ours = name.startswith(f"{MARK}-") and "content" not in listed
        whole[name] = (yield from call("GET", f"{BASE}/skills/{name}")) if ours else listed
    return Registered(tools, whole)


def _listed(kind: str) -> Program[dict[str, Mapping[str, Any]]]:
    body = yield from call("GET", f"{BASE}/{kind}")
    results = body.get("results")
    if not isinstance(results, list):
        raise UnreachableError(f"GET {BASE}/{kind} gave no list of {kind}: this is no Kibana; is the URL right?")
    return {str(one["id"]): one for one in results}


def to_register(there: Registered, tools: Sequence[ToolDefinition], skills: Sequence[Skill]) -> tuple[Change, ...]:
    """What makes a Kibana have just these: missing ones, changed ones, and ours that are no more.

    Tools come before the skills that use them; what goes is taken away last, skills first.
    """
    wanted = [_change("tools", one.id, there.tools, {"id": one.id, "type": "esql", **one.body()}) for one in tools]
    gone = [Change("tools", name, "delete") for name in _ours(there) if name not in {one.id for one in tools}]
    if there.skills is None:
        return (*wanted, *gone)
    known = {one.id for one in skills}
    told = [_change("skills", one.id, there.skills, {"id": one.id, **one.body()}) for one in skills]
    over = [Change("skills", name, "delete") for name in _our_skills(there) if name not in known]
    return (*wanted, *told, *over, *gone)


def to_unregister(there: Registered) -> tuple[Change, ...]:
    """What takes all of ours away: skills before the tools that they use."""
    return (
        *(Change("skills", name, "delete") for name in _our_skills(there)),
        *(Change("tools", name, "delete") for name in _ours(there)),
    )


def _ours(there: Registered) -> list[str]:
    return sorted(name for name, one in there.tools.items() if _is_ours(one))


def _our_skills(there: Registered) -> list[str]:
    return sorted(name for name in there.skills or {} if name.startswith(f"{MARK}-"))


def _is_ours(one: Mapping[str, Any]) -> bool:
    return MARK in (one.get("tags") or ()) and not one.get("readonly")


def _change(
    kind: Literal["tools", "skills"], name: str, there: Mapping[str, Mapping[str, Any]], body: Mapping[str, Any]
) -> Change:
    known = there.get(name)
    if known is None:
        return Change(kind, name, "create", body)
    if (kind == "tools" and not _is_ours(known)) or known.get("readonly"):
        return Change(kind, name, "foreign")
    changed = {key: value for key, value in body.items() if key not in ("id", "type")}
    same = all(_covers(known.get(key), value) for key, value in changed.items())
    return Change(kind, name, "keep") if same else Change(kind, name, "update", changed)


def _covers(known: Any, wanted: Any) -> bool:
    """Whether what is there has all that is wanted; what Kibana adds by itself is no difference."""
    if isinstance(wanted, Mapping):
        return isinstance(known, Mapping) and all(_covers(known.get(key), value) for key, value in wanted.items())
    return bool(known == wanted)


def apply(changes: Sequence[Change]) -> Program[None]:
    """Makes the changes, in their order; done twice, the second time does nothing new.

    Raises:
        RefusedError: Kibana refuses one; what was done before stays done.
    """
    for change in changes:
        path = f"{BASE}/{change.kind}"
        if change.verb == "create":
            yield from call("POST", path, body=change.body)
        elif change.verb == "update":
            yield from call("PUT", f"{path}/{change.id}", body=change.body)
        elif change.verb == "delete":
            try:
                yield from call("DELETE", f"{path}/{change.id}")
            except RefusedError as error:
                if error.status != _NOT_FOUND:  # it has gone meanwhile
                    raise
