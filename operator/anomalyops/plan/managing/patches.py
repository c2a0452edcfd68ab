"""What to write into a manifest instead of changing what it owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anomalyops.plan.core.owner import Owner
from anomalyops.resources import API_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A change to commit.

    Attributes:
        where: Whose file it belongs into, in words.
        manifest: What to merge into the manifest there, or to add beside it.
        new: Whether it is a manifest of its own.
    """

    where: str
    manifest: Mapping[str, Any]
    new: bool = False


def job_patch(owner: Owner, spec: Mapping[str, Any]) -> Patch:
    """A change of the AnomalyJob that owns a job."""
    metadata = {"name": owner.name, "namespace": owner.namespace}
    manifest = {"apiVersion": API_VERSION, "kind": "AnomalyJob", "metadata": metadata, "spec": dict(spec)}
    return Patch(where=str(owner), manifest=manifest)


def feed_patch(owner: Owner, spec: Mapping[str, Any]) -> Patch:
    """A change of the Datafeed that refers to the AnomalyJob that owns a job: its own name is known there alone."""
    where = f"the Datafeed whose spec.jobRef.name is {owner.name}, beside {owner}"
    manifest = {"apiVersion": API_VERSION, "kind": "Datafeed", "spec": {"jobRef": {"name": owner.name}, **spec}}
    return Patch(where=where, manifest=manifest)


def new_manifest(owner: Owner, kind: str, name: str, spec: Mapping[str, Any]) -> Patch:
    """A manifest to add beside the one that owns a job."""
    metadata = {"name": name, "namespace": owner.namespace}
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": dict(spec)}
    return Patch(where=f"beside {owner}", manifest=manifest, new=True)
