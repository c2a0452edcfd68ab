"""What belongs to a job set, and how it is found in the cluster."""

from __future__ import annotations

from typing import Any

from anomalyops.plan.job_sets import Key, Member
from anomalyops.resources import (
    API_VERSION,
    BY_NAME,
    VALUE_ANNOTATION,
    AnomalyJobSet,
    ConditionStatus,
    ConditionType,
    find_condition,
)
from anomalyops.watching.objects import Seen


def is_member(seen: Seen[Any], owner: Seen[AnomalyJobSet]) -> bool:
    """Whether an object belongs to the set: by the uid, so that a set of the same name before it does not count."""
    return any(one.uid == owner.metadata.uid for one in seen.metadata.owner_references)


def member_of(seen: Seen[Any], owner: Seen[AnomalyJobSet]) -> Member:
    """An object as a set's plan sees it."""
    status = seen.resource.status if seen.resource is not None else None
    ready = find_condition(status.conditions, ConditionType.READY) if status is not None else None
    current = status is not None and status.observed_generation == seen.metadata.generation
    return Member(
        resource=seen.resource,
        ours=is_member(seen, owner),
        value=seen.metadata.annotations.get(VALUE_ANNOTATION, ""),
        ready=current and ready is not None and ready.status is ConditionStatus.TRUE,
        leaving=seen.metadata.deletion_timestamp is not None,
    )


def owner_reference(seen: Seen[Any]) -> dict[str, Any]:
    """What makes an object belong to another, so that Kubernetes deletes it with that one."""
    return {
        "apiVersion": API_VERSION,
        "kind": seen.kind.name,
        "name": seen.metadata.name,
        "uid": seen.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": False,  # that would need a right on the set's finalizers
    }


def path_of(namespace: str, key: Key) -> str:
    """Where an object is in the API."""
    kind, name = key
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{BY_NAME[kind].plural}/{name}"
