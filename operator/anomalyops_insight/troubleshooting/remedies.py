"""What to do, in a safe order: memory before query delay, datafeed stopped and job closed before they change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MARK = "anomalyops.io/"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A setting that should be another.

    Attributes:
        of: `job` or `datafeed`.
        field: Its path in the API.
        value: What it should be.
        why: In words.
    """

    of: str
    field: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Attributes:
        words: What to do.
        call: The API call, empty where it is no call.
        body: Its JSON body.
    """

    words: str
    call: str = ""
    body: Mapping[str, Any] | None = None

    def shown(self) -> str:
        """The step in one line."""
        body = f" {json.dumps(self.body)}" if self.body is not None else ""
        return f"{self.words}: {self.call}{body}" if self.call else self.words


@dataclass(frozen=True, slots=True)
class Running:
    """What of a job is running, and who owns it.

    Attributes:
        job_id: The job.
        datafeed_id: Its datafeed, None without one.
        opened: Whether the job is open.
        started: Whether the datafeed runs.
        owner: The manifest that owns the job, as `namespace/name`; None where nobody does.
        failed: Whether the job has failed.
    """

    job_id: str
    datafeed_id: str | None
    opened: bool
    started: bool
    owner: str | None = None
    failed: bool = False


def owner_of(job: Mapping[str, Any]) -> str | None:
    """The manifest that a job's `custom_settings` name as its owner."""
    settings = job.get("custom_settings") or {}
    name = settings.get(f"{MARK}name")
    return f"{settings.get(f'{MARK}namespace', 'default')}/{name}" if name else None


_ORDER = ("analysis_limits.model_memory_limit", "query_delay")


def plan(remedies: Sequence[Remedy], running: Running, *, start: bool = False) -> tuple[Step, ...]:
    """The steps that bring about some settings, and the wanted run state after them.

    Args:
        remedies: What should change; of several for one field the first counts.
        running: How things are.
        start: Whether the job should run afterwards although it does not now.
    """
    wanted = _distinct(remedies)
    if running.owner is not None and wanted:
        return _in_manifests(wanted, running)
    job, feed = f"_ml/anomaly_detectors/{running.job_id}", f"_ml/datafeeds/{running.datafeed_id}"
    of_job = [remedy for remedy in wanted if remedy.of == "job"]
    of_feed = [remedy for remedy in wanted if remedy.of == "datafeed" and running.datafeed_id is not None]
    steps = []
    if running.started and (wanted or running.failed):
        force = {"force": True} if running.failed else None
        steps.append(Step("stop the datafeed", f"POST {feed}/_stop", force))
    if (running.opened and of_job) or running.failed:
        force = {"force": True} if running.failed else None
        steps.append(Step("close the job", f"POST {job}/_close", force))
    steps += [Step(r.why, f"POST {job}/_update", _nested(r.field, r.value)) for r in of_job]
    steps += [Step(r.why, f"POST {feed}/_update", _nested(r.field, r.value)) for r in of_feed]
    runs = running.started or start or running.failed
    if (running.opened and of_job) or running.failed or (runs and not running.opened):
        steps.append(Step("open the job", f"POST {job}/_open"))
    if runs and running.datafeed_id is not None and (steps or not running.started):
        steps.append(Step("start the datafeed from where it stopped", f"POST {feed}/_start"))
    return tuple(steps)


def _distinct(remedies: Sequence[Remedy]) -> list[Remedy]:
    """One remedy a field, memory first."""
    chosen: dict[tuple[str, str], Remedy] = {}
    for remedy in remedies:
        chosen.setdefault((remedy.of, remedy.field), remedy)
    known = {name: position for position, name in enumerate(_ORDER)}
    return sorted(chosen.values(), key=lambda remedy: known.get(remedy.field, len(known)))


def _in_manifests(remedies: Sequence[Remedy], running: Running) -> tuple[Step, ...]:
    """Changes of manifests: the operator works off the safe order by itself."""
    kinds = {"job": "AnomalyJob", "datafeed": "Datafeed"}
    steps = []
    for remedy in remedies:
        patch = json.dumps({"spec": _nested(_camel(remedy.field), remedy.value)})
        steps.append(
            Step(
                f"{remedy.why}; the job is owned by the manifest {running.owner}: change spec.{_camel(remedy.field)}"
                f" of the {kinds[remedy.of]} there to {remedy.value} (patch {patch}), then plan and apply it"
            )
        )
    return tuple(steps)


def _camel(path: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), path)


def _nested(path: str, value: str) -> dict[str, Any]:
    head, dot, rest = path.partition(".")
    return {head: _nested(rest, value) if dot else value}
