"""Laws: whatever order writes and watch events arrive in, at rest an invalid object says that it is invalid."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anomalyops.watching import work as work_module
from anomalyops.watching.controller import Report
from anomalyops.watching.events import EventRecorder
from anomalyops.watching.kubeapi import JsonObject, KubeApi, KubeApiError
from anomalyops.watching.objects import Objects
from anomalyops.watching.work import Work
from laws import law

VALID = {"datafeedId": "feed", "jobRef": {"name": "web"}, "indices": ["logs"]}
BACKWARDS = VALID | {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}
STEPS = st.lists(st.sampled_from(["break", "mend", "look", "carry out", "answer", "time out", "tell"]), max_size=30)


@dataclass
class Patch:
    """A patch that was sent: carried out some time later, and answered some time after that."""

    operations: Sequence[Mapping[str, Any]]
    sent: asyncio.Future[JsonObject]
    timed_out: bool = False
    outcome: JsonObject | KubeApiError | None = None


class SlowApi(KubeApi):
    """One Datafeed on an API server that carries out patches, answers and tells when the test says so."""

    def __init__(self) -> None:
        metadata = {"name": "feed", "namespace": "ns", "uid": "u", "resourceVersion": "1", "generation": 1}
        self.body: JsonObject = {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "Datafeed",
            "metadata": metadata,
            "spec": VALID,
            "status": {},
        }
        self.untold: list[JsonObject] = [copy.deepcopy(self.body)]
        self.patches: list[Patch] = []

    @property
    def metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["metadata"]
        return found

    @property
    def invalid(self) -> bool:
        return bool(self.body["spec"] == BACKWARDS)

    def edit(self, spec: Mapping[str, Any]) -> None:
        if self.body["spec"] != spec:
            self.body["spec"] = dict(spec)
            self.metadata["generation"] += 1
            self._written()

    async def json_patch(self, path: str, operations: Sequence[Mapping[str, Any]]) -> JsonObject:
        sent: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self.patches.append(Patch(operations, sent))
        return await sent

    async def create(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        return dict(body)

    async def merge_patch(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        return dict(body)

    def carry_out(self, patch: Patch) -> None:
        if any(one["op"] == "test" and self._at(one["path"]) != one["value"] for one in patch.operations):
            patch.outcome = KubeApiError(422, "a test failed")
            return
        (added,) = [one for one in patch.operations if one["op"] == "add"]
        if is_refusal(added["value"]):
            assert self.invalid, "a valid object is said to be invalid"
        if self.body["status"] != added["value"]:
            self.body["status"] = dict(added["value"])
            self._written()
        patch.outcome = copy.deepcopy(self.body)

    def time_out(self, patch: Patch) -> None:
        """The client gives up waiting; the patch may be carried out all the same, whenever."""
        if not patch.timed_out:
            patch.timed_out = True
            patch.sent.set_exception(KubeApiError(0, "no answer"))

    def answer(self, patch: Patch) -> None:
        self.patches.remove(patch)
        if patch.timed_out:
            return
        if isinstance(patch.outcome, KubeApiError):
            patch.sent.set_exception(patch.outcome)
        elif patch.outcome is not None:
            patch.sent.set_result(patch.outcome)

    def _at(self, path: str) -> object:
        found: Any = self.body
        for part in path.strip("/").split("/"):
            found = found[part]
        return found

    def _written(self) -> None:
        self.metadata["resourceVersion"] = str(int(self.metadata["resourceVersion"]) + 1)
        self.untold.append(copy.deepcopy(self.body))


def is_refusal(status: Mapping[str, Any]) -> bool:
    return any(one["reason"] == "InvalidSpec" for one in status.get("conditions", []))


class Scene:
    """The operator's work beside that API server, step by step."""

    def __init__(self) -> None:
        self.api = SlowApi()
        self.work = Work(Objects(), self.api, EventRecorder(self.api, instance="one"), workers=8)
        self._looks: set[asyncio.Task[bool]] = set()

    async def step(self, step: str, data: st.DataObject) -> None:
        api = self.api
        open_ = [patch for patch in api.patches if patch.outcome is None]
        done = [patch for patch in api.patches if patch.outcome is not None]
        if step in {"break", "mend"}:
            api.edit(BACKWARDS if step == "break" else VALID)
        elif step == "look":
            self.look(data.draw(st.integers(0, 3)))
        elif step == "carry out" and open_:
            api.carry_out(data.draw(st.sampled_from(open_)))
        elif step == "answer" and done:
            api.answer(data.draw(st.sampled_from(done)))
        elif step == "time out" and open_:
            api.time_out(data.draw(st.sampled_from(open_)))
        elif step == "tell" and api.untold:
            self.work.changed(api.untold.pop(0), listed=False)
        await settle()

    def look(self, number: int) -> None:
        """Have what a look at the server found written, unless the object cannot be read."""
        for seen in self.work.objects.everything():
            if seen.resource is not None:
                status = {"datafeedId": f"look-{number}", "observedGeneration": seen.metadata.generation}
                self._looks.add(asyncio.create_task(self.work.write(Report(statuses=((seen, status),)))))

    async def rest(self) -> None:
        """Until nothing is under way any more."""
        api = self.api
        for _ in range(100):
            for patch in list(api.patches):
                if patch.outcome is None:
                    api.carry_out(patch)
                api.answer(patch)
            while api.untold:
                self.work.changed(api.untold.pop(0), listed=False)
            await settle()
            if not api.patches and not api.untold and self.work.queue.idle:
                return
        raise AssertionError("it does not come to rest")

    async def close(self) -> None:
        await self.work.stop(grace=0)
        await asyncio.gather(*self._looks, return_exceptions=True)


async def settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


@law(examples=300)
@given(st.data(), STEPS)
def test_at_rest_an_object_says_it_is_invalid_exactly_when_it_is(data, steps):
    async def history() -> None:
        scene = Scene()
        for step in steps:
            await scene.step(step, data)
        await scene.rest()
        scene.look(4)
        await scene.rest()
        status = scene.api.body["status"]
        event(f"invalid: {scene.api.invalid}, edits: {min(scene.api.metadata['generation'] - 1, 4)}")
        assert is_refusal(status) == scene.api.invalid
        assert status["observedGeneration"] == scene.api.metadata["generation"]
        await scene.close()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(work_module, "API_RETRY", 0.0)
        asyncio.run(history())


def test_a_refusal_survives_the_status_that_was_on_its_way_when_the_object_was_edited():
    async def history() -> None:
        scene = Scene()
        scene.work.changed(scene.api.untold.pop(0), listed=False)
        scene.look(0)
        await settle()
        scene.api.edit(BACKWARDS)
        scene.work.changed(scene.api.untold.pop(0), listed=False)
        scene.api.time_out(scene.api.patches[0])
        await settle()
        look, refusal = scene.api.patches
        scene.api.carry_out(refusal)
        scene.api.carry_out(look)
        assert not is_refusal(scene.api.body["status"])
        await scene.rest()
        assert is_refusal(scene.api.body["status"])
        await scene.close()

    asyncio.run(history())
