"""Finds the Kubernetes, etcd, Helm and Prometheus binaries, or builds them once with Go from the modules pinned here.

Looked for in this order: the folder named by KUBEBUILDER_ASSETS, the cache folder of an earlier build, PATH.
The cache comes before PATH for kubectl and helm, because a system one may be of another version.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from user_cache import user_cache

MODULES = Path(__file__).parent.parent / "binaries"


class BinariesUnavailableError(Exception):
    """The binaries are not there and cannot be built here; the message says how to get them."""


class BuildFailedError(Exception):
    """Go is there, but building failed: an error of the pinned modules or of the machine, not a reason to skip."""


@dataclass(frozen=True)
class Component:
    """One pinned Go module and the programs that it gives."""

    folder: str  # under tests/kube/binaries
    module: str
    programs: dict[str, str]  # file name -> Go package
    tags: str = ""  # build tags

    @property
    def version(self) -> str:
        """The version that go.mod pins, such as `v1.36.3`: the single source of it."""
        text = (MODULES / self.folder / "go.mod").read_text()
        found = re.search(rf"^\s*(?:require )?{re.escape(self.module)} (v\S+)", text, re.MULTILINE)
        assert found, f"{self.folder}/go.mod does not require {self.module}"
        return found.group(1)

    @property
    def cache(self) -> Path:
        return user_cache("kube") / f"{self.folder}-{self.version}"

    @property
    def linker_flags(self) -> str:
        flags = "-s -w"
        if self.folder == "kubernetes":
            major, minor = self.version.lstrip("v").split(".")[:2]
            stamp = "-X k8s.io/component-base/version."
            flags += f" {stamp}gitVersion={self.version} {stamp}gitMajor={major} {stamp}gitMinor={minor}"
        return flags


KUBERNETES = Component(
    "kubernetes",
    "k8s.io/kubernetes",
    {"kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver", "kubectl": "k8s.io/kubernetes/cmd/kubectl"},
)
ETCD = Component("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"})
HELM = Component("helm", "helm.sh/helm/v3", {"helm": "helm.sh/helm/v3/cmd/helm"})
# promtool checks rules; the clouds that Prometheus finds its targets in are most of what it would be built of.
PROMETHEUS = Component(
    "prometheus",
    "github.com/prometheus/prometheus",
    {"promtool": "github.com/prometheus/prometheus/cmd/promtool"},
    tags="remove_all_sd",
)
COMPONENTS = (KUBERNETES, ETCD, HELM, PROMETHEUS)


def find(component: Component) -> dict[str, Path]:
    """Returns the path of each program of the component, building what is missing.

    Raises:
        BinariesUnavailableError: the programs are nowhere, and Go is not there to build them.
        BuildFailedError: they are nowhere, and Go could not build them.
    """
    found = {name: _look_up(component, name) for name in component.programs}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        _build(component, missing)
        found |= {name: component.cache / name for name in missing}
    return {name: path for name, path in found.items() if path is not None}


def _look_up(component: Component, name: str) -> Path | None:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    on_path = shutil.which(name)
    candidates = [
        Path(assets) / name if assets else None,
        component.cache / name,
        # A foreign kubectl or helm may be a wrapper, or of a version that the apiserver does not speak to.
        Path(on_path) if on_path and name in {"kube-apiserver", "etcd", "promtool"} else None,
    ]
    return next((path for path in candidates if path is not None and os.access(path, os.X_OK)), None)


def _build(component: Component, names: list[str]) -> None:
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        raise BinariesUnavailableError(
            f"{', '.join(names)} not found. Set KUBEBUILDER_ASSETS to a folder that holds them (setup-envtest "
            "downloads kube-apiserver, etcd and kubectl), put them on PATH, or install Go: they are then built "
            f"once into {component.cache}."
        )
    component.cache.mkdir(parents=True, exist_ok=True)
    with _locked(component.cache / ".lock"):
        for name in names:
            if not (component.cache / name).exists():
                _go_build(go, component, name)


def _go_build(go: str, component: Component, name: str) -> None:
    target = component.cache / name
    print(
        f"\nbuilding {name} {component.version} into {target} (once, some minutes)",
        file=sys.__stderr__,
        flush=True,
    )
    partial = target.with_suffix(".partial")
    command = [
        go,
        "build",
        "-trimpath",
        "-tags",
        component.tags,
        "-ldflags",
        component.linker_flags,
        "-o",
        str(partial),
    ]
    result = subprocess.run(
        [*command, component.programs[name]],
        cwd=MODULES / component.folder,
        env=os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise BuildFailedError(f"building {name} {component.version} failed:\n{result.stderr[-3000:]}")
    partial.replace(target)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds an exclusive file lock, so that parallel test runs build once."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
