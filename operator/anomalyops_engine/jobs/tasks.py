"""Work that a client asked for without waiting: what came of it, for who asks later."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import OrderedDict
from typing import Final

from anomalyops_engine.json_types import JsonObject

# Clients ask within seconds; older outcomes are forgotten.
_REMEMBERED: Final = 1000


class Tasks:
    """The newest tasks of this process by id; safe to use from any thread."""

    def __init__(self) -> None:
        self._node = secrets.token_urlsafe(16)
        self._numbers = itertools.count(1)
        self._outcomes: OrderedDict[str, JsonObject] = OrderedDict()
        self._running: dict[str, str] = {}
        self._lock = threading.Lock()

    def new_id(self) -> str:
        """Return the id of a new task, `node:number`."""
        return f"{self._node}:{next(self._numbers)}"

    def is_ours(self, node: str) -> bool:
        """Return whether the tasks of a node are those of this process."""
        return node == self._node

    def running_id(self, name: str) -> str:
        """Return the id of what runs under a name, the same one each time."""
        with self._lock:
            if name not in self._running:
                self._running[name] = self.new_id()
            return self._running[name]

    def finish(self, task_id: str, *, action: str, description: str, response: JsonObject) -> None:
        """Remember the outcome of a task that is done."""
        node, _, number = task_id.rpartition(":")
        task = {
            "node": node,
            "id": int(number),
            "type": "transport",
            "action": action,
            "description": description,
            "cancellable": False,
            "headers": {},
        }
        with self._lock:
            self._outcomes[task_id] = {"completed": True, "task": task, "response": response}
            if len(self._outcomes) > _REMEMBERED:
                self._outcomes.popitem(last=False)

    def outcome(self, task_id: str) -> JsonObject | None:
        """Return what came of a task, None when it is not known (any more)."""
        with self._lock:
            return self._outcomes.get(task_id)
