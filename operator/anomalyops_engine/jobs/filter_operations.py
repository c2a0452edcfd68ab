"""What clients can ask of filters: create, read, update, delete."""

from __future__ import annotations

from contextlib import ExitStack
from copy import deepcopy

from anomalyops_engine.config.filters import Filter, create_filter, update_filter
from anomalyops_engine.config.identifiers import expand
from anomalyops_engine.jobs.journal import pending_state, write_checkpoint
from anomalyops_engine.jobs.paging import Page
from anomalyops_engine.jobs.registry import FILTER, JobEntry
from anomalyops_engine.jobs.runtime import Runtime
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import already_exists, conflict, missing_filter, not_found


class FilterOperations:
    """Filters, as the REST endpoints under `_ml/filters` see them. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registry = runtime.registry

    def create(self, filter_id: str, body: object) -> JsonObject:
        """Create a filter and return it.

        Raises:
            MlError: 400 for a bad body or a taken id.
        """
        made = create_filter(body, filter_id=filter_id)
        self._check_free(filter_id)
        with ExitStack() as locks:
            # A job may name a filter before there is one; what it has learnt without it stays as it is.
            users = self._hold_users(locks, filter_id)
            self._check_free(filter_id)
            self._put(made, users, None)
        return made.render()

    def _check_free(self, filter_id: str) -> None:
        if filter_id in self._registry.filters:
            raise already_exists(f"A filter with id [{filter_id}] already exists")

    def get(self, expression: str, page: Page) -> JsonObject:
        """Return `{count, filters}`: how many filters an expression names, and a page of them.

        Raises:
            MlError: 404 for a concrete id that is missing.
        """
        known = self._registry.filters
        found = expand(expression, known, missing=missing_filter)
        return {"count": len(found), "filters": [known[name].render() for name in page.of(found)]}

    def update(self, filter_id: str, body: object) -> JsonObject:
        """Add items to a filter, remove some, describe it anew, and return it; jobs follow with their next bucket.

        Raises:
            MlError: 400, 404.
        """
        with ExitStack() as locks:
            users = self._hold_users(locks, filter_id)
            present = self._registry.filters.get(filter_id)
            if present is None:
                raise missing_filter(filter_id)
            update = update_filter(present, body)
            if update.filter == present:
                return present.render()
            self._put(update.filter, users, update.message() if update.added or update.removed else None)
        return update.filter.render()

    def delete(self, filter_id: str) -> None:
        """Delete a filter that no job uses.

        Raises:
            MlError: 404, 409 when it is used.
        """
        registry = self._registry
        with registry.lock:
            users = self._users(filter_id)
            if users:
                listed = ", ".join(entry.job_id for entry in users)
                raise conflict(f"Cannot delete filter [{filter_id}] currently used by jobs [{listed}]")
            if filter_id not in registry.filters:
                raise not_found(f"Could not delete filter with ID [{filter_id}] because it does not exist")
            with registry.store.write() as writer:
                writer.delete_config(FILTER, filter_id)
            registry.filters = {name: one for name, one in registry.filters.items() if name != filter_id}

    def _hold_users(self, locks: ExitStack, filter_id: str) -> list[JobEntry]:
        """Hold the jobs that use a filter, in the order of their ids, then the registry."""
        registry = self._registry
        while True:
            users = self._users(filter_id)
            with ExitStack() as held:
                for entry in users:
                    held.enter_context(entry.lock.hold())
                held.enter_context(registry.lock)
                if users == self._users(filter_id):  # none has come or gone while others were waited for
                    locks.push(held.pop_all())
                    return users

    def _users(self, filter_id: str) -> list[JobEntry]:
        return [entry for _, entry in sorted(self._registry.jobs.items()) if filter_id in entry.config.filter_ids]

    def _put(self, changed: Filter, users: list[JobEntry], message: str | None) -> None:
        """Store a filter, and what its users have learnt under the one before: their journal is of that time.

        The users and the registry are held.
        """
        registry = self._registry
        states = {entry.job_id: pending_state(registry, entry) for entry in users}
        runs = {entry.job_id: deepcopy(entry.run) for entry in users}
        audit = self._runtime.audit()
        with registry.store.write() as writer:
            for job_id, state in states.items():
                if state is not None:
                    write_checkpoint(writer, job_id, runs[job_id], state)
                    registry.save_job_run(writer, job_id, runs[job_id])
            writer.put_config(FILTER, changed.filter_id, changed.render())
            for entry in users:
                if message is not None and entry.run.state == "opened":
                    audit.note(entry.job_id, message)
            audit.write(writer)
        registry.filters = {**registry.filters, changed.filter_id: changed}
        for entry in users:
            entry.run = runs[entry.job_id]
            if entry.analysis is not None:
                entry.analysis.configure(entry.config, registry.filters_of(entry.config))
