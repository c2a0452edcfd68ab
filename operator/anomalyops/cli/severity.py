"""Severity bands of anomaly scores, with the colours that Kibana's users know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Severity:
    """A band of scores from `threshold` up to the next band's.

    Attributes:
        name: What it is called.
        threshold: The lowest score, 0 to 100.
        colour: Of cells and marks, as #rrggbb.
    """

    name: str
    threshold: float
    colour: str


BANDS: Final = (
    Severity("critical", 75.0, "#fe5050"),
    Severity("major", 50.0, "#fba740"),
    Severity("minor", 25.0, "#fdec25"),
    Severity("warning", 3.0, "#8bc8fb"),
    Severity("low", 0.0, "#d2e9f7"),
)


def severity(score: float) -> Severity:
    """The band of a score of 0 to 100."""
    return next((band for band in BANDS if score >= band.threshold), BANDS[-1])
