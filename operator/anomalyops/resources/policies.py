"""The words of the control fields: what the operator may do, and which run state is wanted."""

from __future__ import annotations

from enum import StrEnum


class ReplacePolicy(StrEnum):
    """What to do when a field changes that the server cannot change in place."""

    NEVER = "Never"
    RESET = "Reset"
    RECREATE = "Recreate"


class DeletionPolicy(StrEnum):
    """What becomes of the server's object when the resource is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"
    ORPHAN = "Orphan"


class AdoptionPolicy(StrEnum):
    """Whether an object that the server already has under that id is taken over."""

    IF_MATCHES = "IfMatches"
    NEVER = "Never"
    ALWAYS = "Always"


class SizingPolicy(StrEnum):
    """What the operator does about a limit or a delay that does not suffice."""

    FIXED = "Fixed"
    RECOMMEND = "Recommend"
    AUTO = "Auto"


class JobRunState(StrEnum):
    """The wanted state of a job."""

    OPENED = "Opened"
    CLOSED = "Closed"


class DatafeedRunState(StrEnum):
    """The wanted state of a datafeed."""

    STARTED = "Started"
    STOPPED = "Stopped"


class MovePolicy(StrEnum):
    """What to do when an object would find itself on another server than the one that it lives on."""

    REFUSE = "Refuse"
    MOVE = "Move"
