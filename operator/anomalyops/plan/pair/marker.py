"""The mark that the operator keeps in a server job's `custom_settings`, so that it needs no memory of its own.

Every part of it is a text under a key of its own: clients that know `custom_settings` as a map of texts (typed
ones in Go, Terraform) can read a marked job. Marks of earlier versions, one nested object, are read and rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from anomalyops.plan.core.meaning import JsonObject, JsonValue
from anomalyops.plan.core.owner import Owner
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.lookback import LookbackRecord

MARK_PREFIX = "anomalyops.io/"
OLD_MARK = "anomalyops"  # the nested object of earlier versions

_OWNER = ("cluster", "namespace", "name", "uid")
_LOOKBACK = ("start", "end", "state", "since")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What is known about a job beside its configuration.

    Attributes:
        owner: The AnomalyJob that manages the job.
        since: Since when, ISO 8601; empty when that is not known.
        datafeed: The id of the datafeed that a Datafeed resource manages; empty for none.
        lookback: The last bounded run.
        resume: The id of a datafeed that the operator stopped and is to start again, where nothing else tells
            that it was running.
        retained: The AnomalyJob was deleted with policy Retain; another one may adopt the job.
        rest: What of job and datafeed was stopped when it was taken over, and stays so.
        adopting: The owner has not taken the job over yet, but may have stopped it for that.
        sent: The paths of the job's fields that the manifest gave last; None when that is not known.
        sent_feed: The same of the datafeed's.
        refused: The fingerprint of the manifests for which something was lost before the server refused them.
        refusal: What came of that, in words.
        snapshots: The ids of the model snapshots that the operator retained, or is about to.
        old_form: It was read from a mark of an earlier version.
    """

    owner: Owner
    since: str = ""
    datafeed: str = ""
    lookback: LookbackRecord | None = None
    resume: str = ""
    retained: bool = False
    rest: frozenset[Subject] = frozenset()
    adopting: bool = False
    sent: frozenset[str] | None = None
    sent_feed: frozenset[str] | None = None
    refused: str = ""
    refusal: str = ""
    snapshots: frozenset[str] = frozenset()
    old_form: bool = False

    def belongs_to(self, owner: Owner) -> bool:
        """Whether that owner manages the job."""
        return self.owner.is_same(owner)

    def settings(self) -> dict[str, str]:
        """The mark as it is stored: texts by key."""
        parts: dict[str, Any] = {name: getattr(self.owner, name) for name in _OWNER}
        parts |= {"since": self.since, "datafeed": self.datafeed, "resume": self.resume}
        parts |= {"refused": self.refused, "refusal": self.refusal}
        parts |= {"retained": "true" if self.retained else "", "adopting": "true" if self.adopting else ""}
        parts |= {"rest": " ".join(sorted(self.rest))}
        if self.lookback is not None:
            parts |= {f"lookback-{name}": value for name, value in self.lookback.to_json().items()}
        parts |= {"sent": _written(self.sent), "sent-datafeed": _written(self.sent_feed)}
        parts |= {"snapshots": " ".join(sorted(self.snapshots))}
        return {f"{MARK_PREFIX}{name}": str(value) for name, value in parts.items() if value}


def is_mark(key: str) -> bool:
    """Whether a key of `custom_settings` is the operator's own."""
    return key.startswith(MARK_PREFIX) or key == OLD_MARK


def without_mark(settings: JsonObject | None) -> dict[str, Any]:
    """`custom_settings` as others keep them."""
    return {key: value for key, value in (settings or {}).items() if not is_mark(key)}


def settings_with(settings: JsonObject | None, marker: Marker | None) -> dict[str, Any]:
    """A whole `custom_settings` object: these settings, and this marker or none."""
    return without_mark(settings) | (marker.settings() if marker is not None else {})


def read_marker(config: JsonObject) -> Marker | None:
    """The marker of a job's configuration; None when it has none that can be read."""
    settings = config.get("custom_settings")
    if not isinstance(settings, Mapping):
        return None
    parts = {key.removeprefix(MARK_PREFIX): value for key, value in settings.items() if key.startswith(MARK_PREFIX)}
    if parts.get("cluster") and parts.get("name"):
        lookback = {name: parts[f"lookback-{name}"] for name in _LOOKBACK if f"lookback-{name}" in parts}
        return _marker(parts, lookback, retained=parts.get("retained") == "true")
    old = settings.get(OLD_MARK)
    if isinstance(old, Mapping) and old.get("cluster") and old.get("name"):
        return _marker(old, old.get("lookback"), retained=old.get("retained") is True, old_form=True)
    return None


def _marker(parts: JsonObject, lookback: JsonValue, *, retained: bool, old_form: bool = False) -> Marker:
    return Marker(
        owner=Owner(**{name: str(parts.get(name, "")) for name in _OWNER}),
        since=str(parts.get("since", "")),
        datafeed=str(parts.get("datafeed", "")),
        lookback=LookbackRecord.from_json(lookback),
        resume=str(parts.get("resume", "")),
        retained=retained,
        rest=frozenset(subject for subject in Subject if subject.value in str(parts.get("rest", "")).split()),
        adopting=parts.get("adopting") == "true",
        sent=_read(parts.get("sent")),
        sent_feed=_read(parts.get("sent-datafeed")),
        refused=str(parts.get("refused", "")),
        refusal=str(parts.get("refusal", "")),
        snapshots=frozenset(str(parts.get("snapshots", "")).split()),
        old_form=old_form,
    )


def _written(paths: Iterable[str] | None) -> str:
    return "" if paths is None else json.dumps(sorted(paths), separators=(",", ":"), ensure_ascii=False)


def _read(text: JsonValue) -> frozenset[str] | None:
    """The paths; None when they are not there or cannot be read: then nothing is known to have been sent."""
    try:
        paths = json.loads(text)
    except (TypeError, ValueError):
        return None
    return frozenset(map(str, paths)) if isinstance(paths, list) else None
