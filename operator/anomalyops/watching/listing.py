"""Listing all objects of a kind, in one namespace or in all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from anomalyops.resources import API_VERSION
from anomalyops.watching.kubeapi import JsonObject, KubeApi

PAGE = 100  # objects in one answer, which is held whole: some 20 KiB each until they are read


@dataclass(frozen=True, slots=True)
class Scope:
    """One kind in one namespace, or in all of them (None)."""

    plural: str
    namespace: str | None

    def __str__(self) -> str:
        return f"{self.plural} in {'all namespaces' if self.namespace is None else f'namespace {self.namespace}'}"

    @property
    def path(self) -> str:
        """Where the API lists it."""
        inside = "" if self.namespace is None else f"/namespaces/{self.namespace}"
        return f"/apis/{API_VERSION}{inside}/{self.plural}"


@dataclass(slots=True)
class Listing:
    """All objects of a scope.

    Attributes:
        objects: as the API has them, with their kind.
        version: the resource version of the listing: no object has a later one.
    """

    objects: list[JsonObject] = field(default_factory=list)
    version: str = ""


def scopes(plurals: Iterable[str], namespaces: Iterable[str]) -> list[Scope]:
    """All scopes that are served: every kind in every namespace named, or in all when none is."""
    return [Scope(plural, namespace) for plural in plurals for namespace in (tuple(namespaces) or (None,))]


async def list_scope(api: KubeApi, scope: Scope, take: Callable[[JsonObject], object] | None = None) -> Listing:
    """Return all objects of a scope.

    Args:
        api: The Kubernetes API.
        scope: What to list.
        take: Is given each object as soon as its page is there, and the listing keeps none: thousands of objects as
            they are on the wire take more memory, at a time, than all that is kept of them.

    Raises:
        KubeApiError: the API refused or did not answer; some objects may have been given by then.
    """
    listing = Listing()
    async for page in _pages(api, scope):
        kind = page["kind"].removesuffix("List")
        objects = ({"apiVersion": API_VERSION, "kind": kind, **item} for item in page["items"])
        if take is None:
            listing.objects.extend(objects)
        else:
            for body in objects:
                take(body)
        listing.version = page["metadata"]["resourceVersion"]
    return listing


async def _pages(api: KubeApi, scope: Scope) -> AsyncIterator[JsonObject]:
    token = ""
    while True:
        page = await api.get(f"{scope.path}?limit={PAGE}{f'&continue={token}' if token else ''}")
        yield page
        token = page["metadata"].get("continue", "")
        if not token:
            return
