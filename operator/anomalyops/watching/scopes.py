"""The listings under the watches: one a kind and namespace, each on its own.

A watch tells what changes after the version that it begins at. Whether it tells all of it can only be known by listing
now and then: an event may be lost, and after a restore of etcd versions go back, so that a watch waits for one that
may never come. A scope that cannot be listed is one tenant's trouble: it is named and tried again, and the others are
served meanwhile. What cannot be listed is not what is not there: its objects stay as they were last seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from anomalyops.resources import BY_NAME
from anomalyops.watching.comparison import difference, went_back
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.listing import Listing, Scope, list_scope
from anomalyops.watching.objects import Seen, version_of
from anomalyops.watching.work import Work

logger = logging.getLogger(__name__)

FIRST_RETRY = 5.0  # seconds until a scope that could not be listed is tried again; doubled each time
LAST_RETRY = 60.0
SETTLING = 5.0  # seconds in which the watch may still bring what a listing showed first


@dataclass(slots=True)
class _State:
    """What is known of one scope."""

    scope: Scope
    listed: bool = False  # at least once
    trouble: str = ""  # why it could not be listed last
    version: int = 0  # the highest that was seen
    retry: float = FIRST_RETRY
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Scopes:
    """All scopes that are served.

    Args:
        api: The Kubernetes API.
        work: Is told what the watches did not tell.
        scopes: Every kind in every namespace served, or in all.
        relist: Seconds between two listings of a scope.
        watch_anew: Called when a watch is found to be deaf, or can be begun again.
    """

    def __init__(
        self, api: KubeApi, work: Work, scopes: Iterable[Scope], *, relist: float, watch_anew: Callable[[], None]
    ) -> None:
        self._api = api
        self._work = work
        self._relist = relist
        self._watch_anew = watch_anew
        self._states = [_State(scope) for scope in scopes]

    @property
    def troubles(self) -> dict[str, str]:
        """The scopes that cannot be listed at present, and why."""
        return {str(state.scope): state.trouble for state in self._states if state.trouble}

    def standing(self) -> list[tuple[Scope, str]]:
        """Every scope, and why it cannot be listed at present; empty when it can."""
        return [(state.scope, state.trouble) for state in self._states]

    def listed(self, namespace: str) -> bool:
        """Whether all objects of a namespace are known: each of its scopes was listed at least once."""
        covering = [state for state in self._states if state.scope.namespace in {None, namespace}]
        return all(state.listed for state in covering)

    async def first(self) -> None:
        """List every scope once, before anything is acted on: what belongs to what is only known of all objects."""
        await asyncio.gather(*(self._list(state, first=True) for state in self._states))

    def start(self) -> None:
        """List each scope again and again."""
        for state in self._states:
            state.task = asyncio.create_task(self._again_and_again(state))

    async def stop(self) -> None:
        """List no more."""
        for state in self._states:
            if state.task is not None:
                state.task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await state.task

    async def _again_and_again(self, state: _State) -> None:
        while True:
            await asyncio.sleep(state.retry if state.trouble else self._relist)
            try:
                await self._list(state, first=False)
            except Exception:
                logger.exception("listing %s failed unexpectedly", state.scope)

    async def _list(self, state: _State, *, first: bool) -> None:
        before = self._versions(state.scope)
        try:
            listing = await list_scope(self._api, state.scope, self._work.objects.put if first else None)
        except KubeApiError as error:
            if str(error) != state.trouble:
                logger.warning("%s cannot be listed, the others are served: %s", state.scope, error)
            state.retry = FIRST_RETRY if not state.trouble else min(state.retry * 2, LAST_RETRY)
            state.trouble = str(error)
            return
        if state.trouble:
            logger.warning("%s can be listed again", state.scope)
        recovered, new = bool(state.trouble), not state.listed
        state.trouble, state.retry = "", FIRST_RETRY
        if not first:
            back = went_back(listing, before, state.version)
            await self._compare(state.scope, listing, back=back, settle=not (recovered or new))
        state.listed = True
        if not first and (recovered or new):
            self._watch_anew()  # its watch may have given up
            self._work.call_all(self._known(state.scope))
        state.version = max([version_of(listing.version), *self._versions(state.scope).values()])

    async def _compare(self, scope: Scope, listing: Listing, *, back: bool, settle: bool) -> None:
        """Take in what a listing shows and the watch has not told."""
        if not back and settle and difference(listing, self._versions(scope), back=back):
            await asyncio.sleep(SETTLING)
        missed = difference(listing, self._versions(scope), back=back)
        if back:
            logger.warning("the versions of %s went back: etcd was restored, and all objects are read anew", scope)
        elif missed and settle:
            logger.warning("the watch of %s did not tell of %d changes", scope, len(missed))
        known = {seen.metadata.uid: seen for seen in self._known(scope)}
        for uid in missed.gone:
            self._work.gone(known[uid])
        for body in missed.changed:
            self._work.listed(body, force=back)
        if back or (missed and settle):
            self._watch_anew()

    def _versions(self, scope: Scope) -> dict[str, int]:
        """The version of each object of a scope that was seen last, by uid."""
        return {seen.metadata.uid: version_of(seen.metadata.resource_version) for seen in self._known(scope)}

    def _known(self, scope: Scope) -> list[Seen[Any]]:
        """The objects of a scope as they were last seen."""
        kind = next(kind for kind in BY_NAME.values() if kind.plural == scope.plural)
        objects = self._work.objects.of_kind(kind)
        return [seen for seen in objects.values() if scope.namespace in {None, seen.key.namespace}]
