"""The bodies of the two update calls, which differ in shape from the bodies of the create calls.

A job's update flattens `analysis_config`, calls `detector_description` `description`, and replaces objects
whole; a datafeed's update has the shape of its creation. Source: `_ml` contract, update traps 1-4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from anomalyops.plan.core.differences import Difference
from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.pair.comparison import normal_datafeed
from anomalyops.plan.pair.marker import without_mark

_DETECTOR_KEYS = {"detector_description": "description"}


def job_update_body(wanted: JsonObject, observed: JsonObject, differences: Sequence[Difference]) -> dict[str, Any]:
    """The update that makes an existing job's changeable fields what the manifest says.

    Args:
        wanted: The manifest's create body.
        observed: The job's configuration on the server.
        differences: The differences to remove; none of them immutable, none in `custom_settings`.
    """
    said = {**wanted, **(wanted.get("analysis_config") or {})}
    plain = [found for found in differences if not found.key.startswith("detectors[")]
    body = _objects(said, [found for found in plain if found.key != "analysis_limits"])
    if any(found.key == "analysis_limits" for found in plain):
        body["analysis_limits"] = _analysis_limits(observed, differences)
    if detectors := list(_detectors(differences)):
        body["detectors"] = detectors
    return body


def _objects(said: JsonObject, differences: Sequence[Difference]) -> dict[str, Any]:
    """The value of each key: as the manifest has it; without that, what takes back what it had."""
    body: dict[str, Any] = {}
    for found in differences:
        value = said.get(found.key)
        if value is not None:
            body[found.key] = value
            continue
        inner = found.path.removeprefix("analysis_config.").split(".")[1:]
        if not inner:
            body[found.key] = found.wanted
        elif found.wanted is not None:
            body.setdefault(found.key, {})[inner[0]] = found.wanted
        else:
            body.setdefault(found.key, {})
    return body


def _analysis_limits(observed: JsonObject, differences: Iterable[Difference]) -> dict[str, Any]:
    """Both limits: one that is left out would fall back to the server's default."""
    limits = dict(observed.get("analysis_limits") or {})
    for difference in differences:
        if difference.key == "analysis_limits":
            limits[difference.path.split(".")[1]] = difference.wanted
    return limits


def _detectors(differences: Iterable[Difference]) -> Iterable[dict[str, Any]]:
    changed: dict[int, dict[str, Any]] = {}
    for difference in differences:
        if difference.key.startswith("detectors["):
            index = int(difference.key.removeprefix("detectors[").removesuffix("]"))
            field = difference.path.rsplit(".", 1)[1]
            changed.setdefault(index, {})[_DETECTOR_KEYS.get(field, field)] = difference.wanted
    for index, fields in sorted(changed.items()):
        yield {"detector_index": index, **fields}


def merged_settings(wanted: JsonObject, observed: JsonObject, differences: Sequence[Difference] = ()) -> dict[str, Any]:
    """`custom_settings` with the manifest's keys over those that others keep there, such as Kibana's."""
    taken_back = {
        found.path.removeprefix("custom_settings.")
        for found in differences
        if found.key == "custom_settings" and found.wanted is None
    }
    kept = {key: value for key, value in _settings(observed).items() if key not in taken_back}
    return {**kept, **_settings(wanted)}


def _settings(body: JsonObject) -> Mapping[str, Any]:
    return without_mark(body.get("custom_settings"))


def datafeed_update_body(wanted: JsonObject, differences: Sequence[Difference]) -> dict[str, Any]:
    """The update that makes an existing datafeed what the manifest says; objects as the manifest has them."""
    return _objects(normal_datafeed(wanted), differences)
