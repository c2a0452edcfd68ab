"""Where a request is carried out whose job's connection leads to another server than the one that it was begun on."""

from __future__ import annotations

from enum import Enum

from anomalyops.resources import AnomalyForecast, RequestResource


class Whereabouts(Enum):
    """What becomes of such a request."""

    NOWHERE = "nothing is done on either server"
    ENDS_THERE = "what is on its way comes to its end where it was begun"
    STAYS = "it is over, and what it has done stays where it was done"
    GOES_ON_HERE = "from now on it is carried out here"


def whereabouts(resource: RequestResource, *, moves: bool) -> Whereabouts:
    """What becomes of a request.

    Nothing is done a second time: what was made once stays made, and what has begun is not begun elsewhere before it
    has ended.

    Args:
        resource: The request, with its status.
        moves: Whether its job moves to another server (`spec.movePolicy: Move`).
    """
    if not moves or resource.deletion_requested is not None:
        return Whereabouts.NOWHERE
    if resource.status is not None and resource.status.operation is not None:
        return Whereabouts.ENDS_THERE
    return Whereabouts.STAYS if _is_over(resource) else Whereabouts.GOES_ON_HERE


def _is_over(resource: RequestResource) -> bool:
    """Whether it was made, and is made once."""
    status = resource.status
    if status is None:
        return False
    if isinstance(resource, AnomalyForecast):
        return resource.spec.schedule is None and bool(resource.status is not None and resource.status.history)
    return resource.status is not None and resource.status.completion_time is not None
