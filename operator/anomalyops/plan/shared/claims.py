"""Who may manage an object that is there already."""

from __future__ import annotations

from dataclasses import dataclass

from anomalyops.plan.core.owner import Owner
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.shared.mark import Mark
from anomalyops.resources import AdoptionPolicy, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a resource allows about an object that it did not make.

    Attributes:
        adoption: Whether one that nobody manages is taken over.
        take_over: The one owner that it may be taken from; empty for nobody.
    """

    adoption: AdoptionPolicy
    take_over: str = ""

    def obstacle(self, subject: Subject, target: str, mark: Mark | None, owner: Owner, lost: str) -> Obstacle | None:
        """What keeps `owner` from managing an object; None when it may, or does already.

        Args:
            subject: Which sort of object it is.
            target: Its id.
            mark: The mark on it.
            owner: Who asks.
            lost: What of it would be taken away, in words; empty for nothing.
        """
        field = f"spec.{subject.value}Id"
        if mark is not None and mark.belongs_to(owner):
            return None
        if mark is not None and not mark.retained:
            return None if self.take_over == mark.owner.reference else self._owned(subject, target, mark)
        why = ""
        if self.adoption is AdoptionPolicy.NEVER:
            why = (
                f"and spec.adoptionPolicy is Never: choose another {field}, or set spec.adoptionPolicy: IfMatches to "
                "take it over"
            )
        elif self.adoption is AdoptionPolicy.IF_MATCHES and lost:
            why = (
                f"and has what the manifest lacks ({lost}): write that too, choose another {field}, or set "
                "spec.adoptionPolicy: Always to take it away"
            )
        if not why:
            return None
        message = f"{subject.value} {target} exists already {why}"
        return Obstacle(reason=Reason.ALREADY_EXISTS, message=message, subject=subject)

    def _owned(self, subject: Subject, target: str, mark: Mark) -> Obstacle:
        since = f" since {mark.since}" if mark.since else ""
        named = f" (spec.takeOverFrom names {self.take_over}, who does not manage it)" if self.take_over else ""
        message = (
            f"{subject.value} {target} is managed by {mark.owner}{since}{named}: give this one another "
            f"spec.{subject.value}Id, have that one let go of it (spec.deletionPolicy: Orphan or Retain, then delete "
            f"that one), or take it over by name with spec.takeOverFrom: {mark.owner.reference} (--take-over on the "
            "command line)"
        )
        return Obstacle(reason=Reason.NOT_OWNED, message=message, subject=subject)


def whose(subject: Subject, target: str, mark: Mark | None, owner: Owner, *, exists: bool) -> str:
    """Whose an object is, in words, seen by `owner`."""
    what = f"{subject.value} {target}"
    if not exists:
        return f"{what} does not exist yet"
    if mark is None:
        return f"{what} is managed by nobody yet"
    if mark.retained:
        return f"{what} is managed by nobody: {mark.owner} was deleted and left it"
    mine = ", which is this one" if mark.belongs_to(owner) else ""
    return f"{what} is managed by {mark.owner}{f' since {mark.since}' if mark.since else ''}{mine}"
