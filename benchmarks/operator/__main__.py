"""How the operator scales: with N pairs on a real kube-apiserver and the engine, beside a client that thinks nothing.

First one pair is applied, and every request that it costs is recorded. Then N pairs are created, eight requests at a
time, and the operator brings them to Ready; a bare client does the same with another engine: it creates as many objects
and makes the recorded requests for each, eight pairs at a time. Then the operator rests, is restarted beside a change
that waits for it, and changes all query delays. Last, the time of one PUT of a job on engines that hold few and many.
Printed is a table; nothing is asserted. Without the programs of a control plane (CONTRIBUTING.md) it says so and ends.

The harness is that of the tests.

Run: PYTHONPATH=tests:tests/kube python -m benchmarks.operator [--pairs 200] [--rest 60] [--jobs 3000] [--observe 10]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.operator.clients import Kubernetes, Server, for_each
from benchmarks.operator.stage import NAMESPACE, Manifest, Stage, fill, manifest, pair, processor_seconds, until
from kube_harness.binaries import BinariesUnavailableError
from kube_harness.proxy import Call, EngineProxy
from kube_harness.services import Engine

from anomalyops.resources import FINALIZER

_BARE = "bare"  # the namespace of what the operator does not serve
_PROBE = "pair-99999"  # what is recorded
_TRIES = 31  # PUTs whose median is told
_JOB = '{"analysis_config":{"detectors":[{"function":"count"}]},"data_description":{"time_field":"@timestamp"}}'


class Figures:
    """Rows of a table."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def note(self, what: str, value: str) -> None:
        """Adds a row, and prints it at once: the whole takes minutes."""
        self.rows.append((what, value))
        print(f"  {what:52} {value}", flush=True)


async def _ready(kubernetes: Kubernetes, kind: str, count: int) -> bool:
    """Whether all pairs of the operator are as their present manifests say."""
    found = [one for one in await kubernetes.list(kind, NAMESPACE) if one["metadata"]["name"] != _PROBE]
    return len(found) == count and all(map(_is_ready, found))


def _is_ready(one: Manifest) -> bool:
    status: dict[str, Any] = one.get("status", {})
    seen = status.get("observedGeneration") == one["metadata"]["generation"]
    conditions = {each["type"]: each["status"] for each in status.get("conditions", [])}
    return seen and conditions.get("Ready") == "True" and conditions.get("Reconciling") != "True"


async def _all_ready(kubernetes: Kubernetes, count: int) -> None:
    for kind in ("AnomalyJob", "Datafeed"):
        while not await _ready(kubernetes, kind, count):  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.5)


class Run:
    """One run; each step leaves the stage as the next one needs it."""

    def __init__(self, stage: Stage, folder: Path, arguments: argparse.Namespace, figures: Figures) -> None:
        self._stage, self._folder, self._figures = stage, folder, figures
        self._numbers = range(arguments.pairs)
        self._rest = float(arguments.rest)
        self._observe = int(arguments.observe)
        self._calls: list[Call] = []  # of a creation
        self._changes: list[Call] = []  # of another query delay
        self._writes = 0  # to Kubernetes, for a creation
        self._settled: list[Manifest] = []
        self._bare_change = 0.0  # s

    def record(self) -> None:
        """One pair through a proxy."""
        stage = self._stage
        proxy = EngineProxy(stage.engine.url)
        spec = {"url": proxy.url, "observeInterval": "600s", "resyncInterval": "1h"}
        stage.kubectl.apply(manifest("ElasticsearchConnection", "recorded", spec))
        stage.kubectl.wait_ready(NAMESPACE, "elasticsearchconnection/recorded")
        before = stage.kubernetes_writes()
        self._apply_probe("60s")
        self._calls = self._own_calls(proxy)
        self._writes = stage.kubernetes_writes() - before - 2  # two are the person's
        objects = [stage.kubectl.get(kind, _PROBE, NAMESPACE) for kind in ("anomalyjob", "datafeed")]
        self._settled = objects
        proxy.calls.clear()
        self._apply_probe("90s")
        self._changes = self._own_calls(proxy)
        for name, calls in (("creation", self._calls), ("another query delay", self._changes)):
            listed = ", ".join(str(call).replace(_PROBE, "*") for call in calls)
            self._figures.note(f"calls a pair: {name}", f"{len(calls)}: {listed}")
        self._figures.note("writes to Kubernetes a pair: creation", str(self._writes))
        stage.kubectl("delete", "datafeed,anomalyjob", _PROBE, "-n", NAMESPACE)
        stage.kubectl("delete", "elasticsearchconnection", "recorded", "-n", NAMESPACE)
        proxy.down()

    def _apply_probe(self, delay: str) -> None:
        job, feed = pair(99999, delay=delay)
        job["spec"]["connectionRef"] = {"name": "recorded"}
        self._stage.kubectl.apply(job, feed)

        def done() -> bool:
            found = [self._stage.kubectl.get(kind, _PROBE, NAMESPACE) for kind in ("anomalyjob", "datafeed")]
            return all(map(_is_ready, found))

        until(done, "the recorded pair is ready")
        time.sleep(1)  # what comes after a status

    @staticmethod
    def _own_calls(proxy: EngineProxy) -> list[Call]:
        """Those that are about the pair."""
        return [call for call in list(proxy.calls) if _PROBE in call.path]

    async def create(self) -> None:
        """N pairs, by the operator and by the bare client."""
        stage, count = self._stage, len(self._numbers)
        stage.connect()
        stage.kubectl.wait_ready(NAMESPACE, "elasticsearchconnection/default")
        self._figures.note("memory with no pair, MiB", f"{stage.operator.process.resident_mebibytes():.1f}")
        requests, used = stage.requests(), processor_seconds(stage.operator.process)
        async with Kubernetes(stage.kubectl.kubeconfig) as kubernetes:
            began = time.perf_counter()

            async def create(number: int) -> None:
                for one in pair(number):
                    await kubernetes.create(one)

            created = await for_each(self._numbers, create)
            await _all_ready(kubernetes, count)
            took = time.perf_counter() - began
        calls = (stage.requests() - requests) / count
        used = processor_seconds(stage.operator.process) - used
        bare = await self._create_bare()
        self._figures.note(f"{count} pairs created, s", f"{created:.1f}")
        self._figures.note(
            f"{count} pairs to Ready, s", f"{took:.1f} ({calls:.1f} calls a pair, {used:.1f} s of a core)"
        )
        self._figures.note("the same by a bare client, s", f"{bare:.1f}: {took / bare:.2f} times")

    async def _create_bare(self) -> float:
        (self._folder / "bare").mkdir()
        engine = Engine(self._folder / "bare").start()
        fill(engine)
        self._stage.kubectl("create", "namespace", _BARE)
        statuses = {one["kind"]: one["status"] for one in self._settled}
        try:
            async with Kubernetes(self._stage.kubectl.kubeconfig) as kubernetes, Server(engine.url) as server:

                async def create(number: int) -> None:
                    objects = pair(number)
                    for one in objects:
                        one["metadata"]["namespace"] = _BARE
                        await kubernetes.create(one)
                    finalizer = [{"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]}]
                    for one in objects:
                        await kubernetes.patch(one, finalizer)
                    await server.replay(self._calls, _PROBE, objects[0]["metadata"]["name"])
                    for left in range(self._writes - len(objects)):
                        one = objects[left % len(objects)]
                        status = [{"op": "add", "path": "/status", "value": statuses[one["kind"]]}]
                        await kubernetes.patch(one, status, "/status")

                took = await for_each(self._numbers, create)
                self._bare_change = await for_each(
                    self._numbers, lambda number: server.replay(self._changes, _PROBE, f"pair-{number:05}")
                )
                return took
        finally:
            engine.stop()

    def rest(self) -> None:
        """Nothing happens."""
        stage, process = self._stage, self._stage.operator.process
        time.sleep(3 * self._observe)
        self._figures.note("memory with all pairs applied, MiB", self._memory(process.resident_mebibytes()))
        requests, writes, used = stage.requests(), stage.kubernetes_writes(), processor_seconds(process)
        time.sleep(self._rest)
        minutes = self._rest / 60
        self._figures.note("at rest: calls a minute", f"{(stage.requests() - requests) / minutes:.1f}")
        self._figures.note("at rest: writes to Kubernetes", str(stage.kubernetes_writes() - writes))
        share = (processor_seconds(process) - used) / self._rest
        self._figures.note("at rest: of a core", f"{share:.1%}")

    def _memory(self, resident: float) -> str:
        return f"{resident:.1f} ({resident * 1024 / len(self._numbers):.0f} KiB a pair, all told)"

    def restart(self) -> None:
        """The operator ends, something is changed, and it starts."""
        stage = self._stage
        stage.operator.stop()
        change = '{"spec": {"description": "changed"}}'
        stage.kubectl("patch", "anomalyjob", "pair-00000", "-n", NAMESPACE, "--type=merge", "-p", change)

        def handled() -> bool:
            config = stage.engine.job_config("pair-00000")
            return config is not None and config.get("description") == "changed"

        stage.operator.process.start()
        self._figures.note("restart to the first change handled, s", f"{until(handled, 'a change', interval=0.05):.1f}")
        time.sleep(3 * self._observe)
        self._figures.note("memory after a restart, MiB", self._memory(stage.operator.process.resident_mebibytes()))

    async def change(self) -> None:
        """Every query delay."""
        stage, count = self._stage, len(self._numbers)
        requests = stage.requests()
        async with Kubernetes(stage.kubectl.kubeconfig) as kubernetes:
            began = time.perf_counter()
            await for_each(
                self._numbers,
                lambda number: kubernetes.merge(pair(number)[1], {"spec": {"queryDelay": "90s"}}),
            )
            await _all_ready(kubernetes, count)
            took = time.perf_counter() - began
        calls = (stage.requests() - requests) / count
        self._figures.note(f"{count} query delays changed, s", f"{took:.1f} ({calls:.1f} calls a pair)")
        bare = self._bare_change
        self._figures.note("the same by a bare client, s", f"{bare:.1f}: {took / bare:.2f} times")


async def _put(folder: Path, jobs: int, figures: Figures) -> None:
    """A PUT of a job, beside few jobs and beside many."""
    (folder / "put").mkdir()
    engine = Engine(folder / "put").start()
    try:
        async with Server(engine.url) as server:

            async def create(number: int) -> None:
                await server.call("PUT", f"/_ml/anomaly_detectors/job-{number:05}", _JOB)

            async def median(first: int) -> str:
                times, used = [], processor_seconds(engine.process)
                for number in range(first, first + _TRIES):
                    began = time.perf_counter()
                    await create(number)
                    times.append(time.perf_counter() - began)
                used = (processor_seconds(engine.process) - used) / _TRIES
                return f"{statistics.median(times) * 1000:.1f} (of a core: {used * 1000:.1f})"

            await median(0)  # what is compiled and made once
            few = await median(100)
            await for_each(range(1000, 1000 + jobs), create)
            many = await median(100_000)
    finally:
        engine.stop()
    figures.note(f"PUT of a job beside {2 * _TRIES} jobs, ms", few)
    figures.note(f"PUT of a job beside {jobs} jobs, ms", many)


def _measure(arguments: argparse.Namespace, folder: Path) -> None:
    figures = Figures()
    if arguments.pairs:
        stage = Stage(folder, observe=arguments.observe)
        try:
            stage.operator.start()
            run = Run(stage, folder, arguments, figures)
            run.record()
            asyncio.run(run.create())
            run.rest()
            run.restart()
            asyncio.run(run.change())
        finally:
            stage.end()
    if arguments.jobs:
        asyncio.run(_put(folder, arguments.jobs, figures))


def main() -> None:
    """Parse the arguments, and measure in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200, help="AnomalyJobs, each with a Datafeed; 0 for none")
    parser.add_argument("--rest", type=float, default=60, help="seconds for which it is looked on at rest")
    parser.add_argument("--jobs", type=int, default=3000, help="jobs beside which a PUT is timed; 0 for none")
    parser.add_argument("--observe", type=int, default=10, help="seconds between two looks at the server")
    parser.add_argument("--keep", type=Path, help="a folder for what the processes write, which stays")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-operator-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _measure(arguments, folder)
        except BinariesUnavailableError as error:
            print(f"not measured: {error}")


if __name__ == "__main__":
    main()
