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

_DETECTOR_KEYS = {"detector_description": "description"}
_IN_ANALYSIS_CONFIG = ("model_prune_window", "categorization_filters", "per_partition_categorization")


def job_update_body(wanted: JsonObject, observed: JsonObject, differences: Sequence[Difference]) -> dict[str, Any]:
    """The update that makes an existing job's changeable fields what the manifest says.

    Args:
        wanted: The manifest's create body.
        observed: The job's configuration on the server.
        differences: The differences to remove; none of them immutable, none in `custom_settings`.
    """
    body: dict[str, Any] = {}
    for key in dict.fromkeys(difference.key for difference in differences):
        if key.startswith("detectors["):
            continue
        if key == "analysis_limits":
            body[key] = _analysis_limits(observed, differences)
        elif key in _IN_ANALYSIS_CONFIG:
            body[key] = wanted["analysis_config"][key]
        else:
            body[key] = wanted[key]
    if detectors := list(_detectors(differences)):
        body["detectors"] = detectors
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


def merged_settings(wanted: JsonObject, observed: JsonObject) -> dict[str, Any]:
    """`custom_settings` with the manifest's keys over those that others keep there, such as Kibana's."""
    return {**_settings(observed), **_settings(wanted)}


def _settings(body: JsonObject) -> Mapping[str, Any]:
    return body.get("custom_settings") or {}


def datafeed_update_body(wanted: JsonObject, differences: Sequence[Difference]) -> dict[str, Any]:
    """The update that makes an existing datafeed what the manifest says; objects as the manifest has them."""
    body = normal_datafeed(wanted)
    return {key: body[key] for key in dict.fromkeys(difference.key for difference in differences)}
