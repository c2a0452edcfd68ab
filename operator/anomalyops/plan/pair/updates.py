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
    there = {**observed, **(observed.get("analysis_config") or {})}
    body = _objects(said, there, [found for found in plain if found.key != "analysis_limits"])
    if any(found.key == "analysis_limits" for found in plain):
        body["analysis_limits"] = _analysis_limits(observed, differences)
    if detectors := list(_detectors(differences)):
        body["detectors"] = detectors
    return body


def _objects(said: JsonObject, there: JsonObject, differences: Sequence[Difference]) -> dict[str, Any]:
    """The value of each key: as the manifest has it; without that, what takes back what it had.

    The server replaces an object whole, so the parts that others gave are sent with those of the manifest.
    """
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
    changed = {found.path.removeprefix("analysis_config.") for found in differences}
    for key in _REPLACED & body.keys():
        theirs = {part: value for part, value in (there.get(key) or {}).items() if f"{key}.{part}" not in changed}
        body[key] = _fitting(key, {**theirs, **body[key]}, there.get(key) or {}, body[key])
    return body


# Objects with parts that manifests give one by one.
_REPLACED = frozenset({"model_plot_config", "chunking_config", "delayed_data_check_config", "indices_options"})


def _fitting(key: str, merged: dict[str, Any], there: JsonObject, given: JsonObject) -> dict[str, Any]:
    """The merged object without the parts that only follow from others."""
    if key == "chunking_config" and merged.get("mode") != "manual":
        merged.pop("time_span", None)
    follows = there.get("annotations_enabled") == there.get("enabled")
    if key == "model_plot_config" and follows and "annotations_enabled" not in given:
        merged.pop("annotations_enabled", None)
    return merged


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


def datafeed_update_body(wanted: JsonObject, observed: JsonObject, differences: Sequence[Difference]) -> dict[str, Any]:
    """The update that makes an existing datafeed what the manifest says, with the parts of objects that others gave."""
    return _objects(normal_datafeed(wanted), normal_datafeed(observed), differences)
