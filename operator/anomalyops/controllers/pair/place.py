"""Where a pair lives: the server is pinned when the pair is first carried out, and it moves only when told to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from anomalyops.controllers.place import Place, home, placement_of
from anomalyops.reconciler import Pair
from anomalyops.resources import (
    AnomalyJob,
    AnomalyJobStatus,
    Datafeed,
    DatafeedStatus,
    DeletionPolicy,
)

R = TypeVar("R", AnomalyJob | None, Datafeed | None)


def pinned(pair: Pair) -> Place | None:
    """Where a pair lives, as its statuses say; None when it lives nowhere yet."""
    return next((place for resource in pair.resources if (place := home(resource)) is not None), None)


def placed(pair: Pair, place: Place) -> Pair:
    """The pair with the place in its statuses; what is being deleted stays where it lives."""
    job, feed, here = pair.job, pair.datafeed, {"placement": place.placement()}
    if job is not None and job.deletion_requested is None and placement_of(job) != place:
        status = (job.status or AnomalyJobStatus()).model_copy(update=here)
        job = job.model_copy(update={"status": status})
    if feed is not None and feed.deletion_requested is None and placement_of(feed) != place:
        feed_status = (feed.status or DatafeedStatus()).model_copy(update=here)
        feed = feed.model_copy(update={"status": feed_status})
    return replace(pair, job=job, datafeed=feed)


def retained(pair: Pair, now: datetime) -> Pair:
    """The pair as if it were deleted with `Retain`: stopped, and kept for whoever comes back."""
    return Pair(job=_deleted(pair.job, now), datafeed=_deleted(pair.datafeed, now))


def _deleted(resource: R, now: datetime) -> R:
    if resource is None:
        return resource
    metadata = resource.metadata.model_copy(update={"deletion_timestamp": now})
    spec = resource.spec.model_copy(update={"deletion_policy": DeletionPolicy.RETAIN})
    gone: R = resource.model_copy(update={"metadata": metadata, "spec": spec})
    return gone


def refusal(lives: Place, leads: Place) -> str:
    """What is said about a pair whose connection leads elsewhere."""
    return (
        f"it lives on {lives}, and its connection leads to {leads}: nothing is done on either. Let spec.connectionRef "
        "or the connection lead back, or set spec.movePolicy: Move to stop it there and create it here without a model"
    )
