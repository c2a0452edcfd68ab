"""Where an object lives that jobs share, and what becomes of it when its connection leads elsewhere."""

from __future__ import annotations

from datetime import datetime

from anomalyops.controllers.place import Place
from anomalyops.reconciler import SharedObject
from anomalyops.resources import DeletionPolicy, SharedResource


def retained(resource: SharedResource, now: datetime) -> SharedObject:
    """The object as if it were deleted with `Retain`: kept for the jobs that use it, and for whoever comes back."""
    metadata = resource.metadata.model_copy(update={"deletion_timestamp": now})
    spec = resource.spec.model_copy(update={"deletion_policy": DeletionPolicy.RETAIN})
    return SharedObject(resource=resource.model_copy(update={"metadata": metadata, "spec": spec}))


def refusal(lives: Place, leads: Place) -> str:
    """What is said about an object whose connection leads elsewhere."""
    return (
        f"it lives on {lives}, and its connection leads to {leads}: nothing is done on either. Let spec.connectionRef "
        "or the connection lead back, or set spec.movePolicy: Move to leave it there and create it here"
    )
