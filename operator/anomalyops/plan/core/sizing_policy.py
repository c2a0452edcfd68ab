"""What the policies of all sizes have in common: which size is kept, within which bounds, and how often it grows."""

from __future__ import annotations

from dataclasses import dataclass

from anomalyops.resources import SizingPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingRule:
    """What a manifest says about a size: a memory limit in bytes, a query delay in milliseconds.

    Attributes:
        mode: What is done.
        least: The smallest size that is set; None for any.
        most: The largest size that is set or recommended; None for any that the server accepts.
        cool_down: Seconds between two raises.
    """

    mode: SizingPolicy = SizingPolicy.FIXED
    least: int | None = None
    most: int | None = None
    cool_down: float = 3600.0


def size_to_keep(given: int | None, in_force: int | None, rule: SizingRule) -> int | None:
    """The size that is to be; None where neither manifest nor rule says one.

    With `Auto` a size that is higher than the manifest's was raised for a reason and stays, within the rule's bounds.

    Args:
        given: The manifest's.
        in_force: The server's; None for what does not exist.
        rule: What the manifest says about it.
    """
    if rule.mode is not SizingPolicy.AUTO:
        return given
    known = [size for size in (given, in_force, rule.least) if size is not None]
    if not known:
        return None
    return max(known) if rule.most is None else min(max(known), rule.most)


def larger_size(wanted: int, in_force: int, rule: SizingRule, *, step: int, largest: int | None = None) -> int | None:
    """What is wanted, within the bounds and in whole steps; None when that is no larger than what is in force.

    Args:
        wanted: What would suffice.
        in_force: What does not.
        rule: What the manifest says about it.
        step: What a size is a multiple of.
        largest: The largest that the server accepts; None for any.
    """
    size = within_bounds(wanted, rule, largest=largest) // step * step
    return size if size > in_force else None


def within_bounds(wanted: int, rule: SizingRule, *, largest: int | None = None) -> int:
    """What is wanted, as far as the bounds of the manifest and of the server allow."""
    allowed = [bound for bound in (rule.most, largest) if bound is not None]
    return min([max(wanted, rule.least or 0), *allowed])


def cooled_down(seconds: float | None, rule: SizingRule) -> bool:
    """Whether the size may be raised again, `seconds` after it was raised last (None: never)."""
    return seconds is None or seconds >= rule.cool_down
