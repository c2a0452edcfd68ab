"""Severity bands: the names and colours that Kibana's users know."""

import pytest

from anomalyops.cli.severity import severity


@pytest.mark.parametrize(
    ("score", "name", "colour"),
    [
        (100, "critical", "#fe5050"),
        (75, "critical", "#fe5050"),
        (74.99, "major", "#fba740"),
        (50, "major", "#fba740"),
        (25, "minor", "#fdec25"),
        (3, "warning", "#8bc8fb"),
        (2.9, "low", "#d2e9f7"),
        (0, "low", "#d2e9f7"),
    ],
)
def test_bands(score, name, colour):
    assert (severity(score).name, severity(score).colour) == (name, colour)
