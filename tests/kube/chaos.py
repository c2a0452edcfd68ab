"""Ten minutes of everything at once: `make chaos`.

Seeded random applies, edits, reverts, deletions, hand-made stops and edits, moved connections, Secrets and rights that
come and go, an operator that is killed, an API server that is restarted, and a server that answers 429, 500 or not at
all. Then all trouble ends, and within two minutes every object must be as its manifest says or say why it cannot;
no model may be lost that no policy named, no job may be on two servers, and no bucket skipped or doubled.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kube_harness.control_plane import ControlPlane
from kube_harness.kubectl import Kubectl, Manifest
from kube_harness.processes import wait_until
from kube_harness.proxy import EngineProxy
from kube_harness.services import Engine, Operator
from kube_harness.world import INDEX, fill_index

from anomalyops.resources import API_VERSION

INSTALL = Path(__file__).parent.parent.parent / "manifests" / "install"
NAMESPACES = ("one", "two")
PAIRS = 4  # in each namespace
CALM = 150.0  # seconds in which everything must have come right
SPAN = 900_000  # ms of a bucket
ACCOUNT = "anomalyops-system:anomalyops"
# What may keep an object from its manifest for good, because a person has to decide.
TRUE_STALLS = {
    "MemoryBelowUsage",
    "ImmutableFieldChanged",
    "FieldStays",
    "NotOwned",
    "AlreadyExists",
    "Conflict",
    "Closed",
}


@dataclass
class Pair:
    """One job and its datafeed, and what was asked of them."""

    namespace: str
    name: str
    job: dict[str, Any] = field(default_factory=dict)
    feed: dict[str, Any] = field(default_factory=dict)
    history: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    there: bool = False
    processed: int = 0  # records that the job had analysed when last seen
    may_be_lost: bool = False  # a deletion with policy Delete was asked for

    @property
    def job_id(self) -> str:
        return f"{self.namespace}-{self.name}"

    @property
    def feed_id(self) -> str:
        return f"{self.namespace}-{self.name}-feed"


class Chaos:
    """A cluster, an operator, two servers, and a source of randomness."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.plane = ControlPlane(folder)
        self.kubectl: Kubectl = self.plane.start()
        self.engine, self.other = Engine(folder / "a"), Engine(folder / "b")
        for place, engine in (("a", self.engine), ("b", self.other)):
            (folder / place).mkdir(exist_ok=True)
            engine.start()
            fill_index(engine)
        self.uuid = self.engine.call("GET", "/")["cluster_uuid"]
        self.password = "first"
        self.proxy = EngineProxy(self.engine.url, credentials=("elastic", self.password))
        self.kubectl("apply", "--server-side", "-k", INSTALL)
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
        for namespace in NAMESPACES:
            self.kubectl("create", "namespace", namespace)
        token = self.kubectl("create", "token", "anomalyops", "-n", "anomalyops-system", "--duration=2h").strip()
        kubeconfig = self.plane.kubectl(token, name="operator").kubeconfig
        arguments = ("--relist-after=10", "--release-after=15", "--log-level=info")
        self.operator = Operator(folder, kubeconfig, *arguments)
        self.pairs = [Pair(namespace, f"pair{number}") for namespace in NAMESPACES for number in range(PAIRS)]
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.restore_all()
        self.operator.start()

    # -- the cluster's side ------------------------------------------------------------------------------------

    def restore_all(self) -> None:
        """Everything that a pair needs is there and works."""
        self.proxy.answer_with = None
        self.proxy.credentials = ("elastic", self.password)
        for namespace in NAMESPACES:
            self.allow(namespace)
            self.kubectl.apply(self.secret(namespace), self.connection(namespace))

    def allow(self, namespace: str) -> None:
        role = ("--clusterrole=anomalyops-secret-reader", f"--serviceaccount={ACCOUNT}")
        self.kubectl.run("create", "rolebinding", "secrets", "-n", namespace, *role, check=False)

    def secret(self, namespace: str) -> Manifest:
        data = {"username": "elastic", "password": self.password}
        metadata = {"name": "elastic", "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}

    def connection(self, namespace: str, url: str = "") -> Manifest:
        spec = {
            "url": url or self.proxy.url,
            "observeInterval": "1s",
            "resyncInterval": "3s",
            "requestTimeout": "3s",
            "auth": {"basicSecretRef": {"name": "elastic"}},
        }
        metadata = {"name": "default", "namespace": namespace}
        return {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "ElasticsearchConnection",
            "metadata": metadata,
            "spec": spec,
        }

    def manifests(self, pair: Pair) -> tuple[Manifest, Manifest]:
        job = {
            "jobId": pair.job_id,
            "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "mean", "fieldName": "value"}]},
            "dataDescription": {"timeField": "@timestamp"},
            "analysisLimits": {"modelMemoryLimit": "64mb"},
        }
        feed = {"datafeedId": pair.feed_id, "jobRef": {"name": pair.name}, "indices": [INDEX]}
        made = []
        for kind, name, spec in (
            ("AnomalyJob", pair.name, job | pair.job),
            ("Datafeed", f"{pair.name}-feed", feed | pair.feed),
        ):
            metadata = {"name": name, "namespace": pair.namespace}
            made.append({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec})
        return made[0], made[1]

    # -- what happens ------------------------------------------------------------------------------------------

    def any_pair(self) -> Pair:
        return self.random.choice(self.pairs)

    def apply(self) -> None:
        pair = self.any_pair()
        self.kubectl.apply(*self.manifests(pair))
        pair.there = True

    def edit(self) -> None:
        pair = self.any_pair()
        pair.history.append((dict(pair.job), dict(pair.feed)))
        choices: list[tuple[str, str, Any]] = [
            ("job", "description", self.random.choice(["a", "b", "c"])),
            ("job", "groups", self.random.choice([["web"], ["web", "prod"]])),
            ("job", "analysisLimits", {"modelMemoryLimit": self.random.choice(["64mb", "96mb"])}),
            ("job", "suspend", self.random.random() < 0.3),
            ("job", "deletionPolicy", self.random.choice(["Retain", "Retain", "Delete", "Orphan"])),
            ("feed", "queryDelay", self.random.choice(["60s", "75s", "90s"])),
            ("feed", "scrollSize", self.random.choice([500, 1000])),
            ("feed", "maxEmptySearches", 100_000),
            ("feed", "deletionPolicy", self.random.choice(["Retain", "Delete", "Orphan"])),
        ]
        half, key, value = self.random.choice(choices)
        (pair.job if half == "job" else pair.feed)[key] = value
        self.kubectl.apply(*self.manifests(pair))
        pair.there = True

    def revert(self) -> None:
        pair = self.any_pair()
        if pair.history:
            pair.job, pair.feed = pair.history.pop()
            self.kubectl.apply(*self.manifests(pair))
            pair.there = True

    def delete(self) -> None:
        pair = self.any_pair()
        if not pair.there:
            return
        which = self.random.choice([("aj", pair.name), ("adf", f"{pair.name}-feed"), None])
        targets = [which] if which else [("aj", pair.name), ("adf", f"{pair.name}-feed")]
        for kind, name in targets:
            self.kubectl.run("delete", kind, name, "-n", pair.namespace, "--wait=false", check=False)
            # Any policy that the object had while its deletion is going on may be the one that is carried out.
            pair.may_be_lost = pair.may_be_lost or (kind == "aj" and pair.job.get("deletionPolicy") == "Delete")

    def stop_by_hand(self) -> None:
        self.engine.request("POST", f"/_ml/datafeeds/{self.any_pair().feed_id}/_stop", {"force": True})

    def close_by_hand(self) -> None:
        self.engine.request("POST", f"/_ml/anomaly_detectors/{self.any_pair().job_id}/_close?force=true")

    def edit_by_hand(self) -> None:
        self.engine.request(
            "POST", f"/_ml/anomaly_detectors/{self.any_pair().job_id}/_update", {"description": "clicked"}
        )

    def move_connection(self) -> None:
        namespace = self.random.choice(NAMESPACES)
        url = self.random.choice([self.proxy.url, self.other.url, "http://127.0.0.1:9"])
        self.kubectl.apply(self.connection(namespace, url))

    def take_secret(self) -> None:
        self.kubectl.run(
            "delete", "secret", "elastic", "-n", self.random.choice(NAMESPACES), "--ignore-not-found", check=False
        )

    def give_secret(self) -> None:
        self.kubectl.apply(self.secret(self.random.choice(NAMESPACES)))

    def rotate_secret(self) -> None:
        """Another password, on the server first or in the Secrets first."""
        self.password = f"password-{self.random.randrange(1000)}"
        steps: list[Callable[[], object]] = [
            lambda: setattr(self.proxy, "credentials", ("elastic", self.password)),
            lambda: self.kubectl.apply(*(self.secret(namespace) for namespace in NAMESPACES)),
        ]
        self.random.shuffle(steps)
        for step in steps:
            step()

    def take_rights(self) -> None:
        namespace = self.random.choice(NAMESPACES)
        self.kubectl.run("delete", "rolebinding", "secrets", "-n", namespace, "--ignore-not-found", check=False)

    def give_rights(self) -> None:
        self.allow(self.random.choice(NAMESPACES))

    def kill_operator(self) -> None:
        self.operator.kill()
        self.operator.start()

    def restart_apiserver(self) -> None:
        self.plane.apiserver.stop(timeout=10)
        self.plane.apiserver.start()
        wait_until(self.plane._ready, timeout=60, what="kube-apiserver ready again")

    def bad_answers(self) -> None:
        self.proxy.answer_with = self.random.choice([429, 500, 503])
        time.sleep(self.random.uniform(0.5, 3))
        self.proxy.answer_with = None

    def silence(self) -> None:
        with self.proxy.hold("(GET|POST|PUT|DELETE)"):
            time.sleep(self.random.uniform(1, 5))

    def wait(self) -> None:
        time.sleep(self.random.uniform(0.2, 3))

    # -- looking ----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Notes what has been learned, and complains about what was lost without a word."""
        for pair in self.pairs:
            status, answer = self.engine.request("GET", f"/_ml/anomaly_detectors/{pair.job_id}/_stats")
            processed = answer["jobs"][0]["data_counts"]["processed_record_count"] if status == 200 else 0
            if processed < pair.processed and not pair.may_be_lost:
                self.wrong.append(f"{pair.job_id}: {pair.processed} records were analysed, {processed} are left")
            if status == 404 and pair.may_be_lost:
                pair.may_be_lost = False
            pair.processed = processed

    def unsettled(self) -> list[str]:
        """The objects that neither are as their manifest says nor say truly why not."""
        found = []
        for kind in ("anomalyjobs", "datafeeds", "elasticsearchconnections"):
            for namespace in NAMESPACES:
                for item in self.kubectl.list(kind, namespace):
                    problem = _problem(item, self.uuid)
                    if problem:
                        found.append(f"{kind}/{namespace}/{item['metadata']['name']}: {problem}")
        return found

    def check_servers(self) -> None:
        """No twin, and each bucket once."""
        for pair in self.pairs:
            found = {engine: engine.job_config(pair.job_id) for engine in (self.engine, self.other)}
            on_both = [engine for engine, config in found.items() if config is not None]
            # A job that was kept or left by a deletion is none of the object that has its name now.
            owners = [config["custom_settings"].get("anomalyops.io/uid") for config in found.values() if config]
            if len(owners) > len(set(owners)):
                self.wrong.append(f"{pair.job_id} is on two servers for one object")
            for engine in on_both:
                answer = engine.call(
                    "POST", f"/_ml/anomaly_detectors/{pair.job_id}/results/buckets", {"page": {"size": 10_000}}
                )
                times = [bucket["timestamp"] for bucket in answer["buckets"] if not bucket["is_interim"]]
                expected = list(range(times[0], times[0] + len(times) * SPAN, SPAN)) if times else []
                if times != expected:
                    self.wrong.append(f"{pair.job_id}: buckets were skipped or doubled")

    def end(self) -> None:
        self.operator.stop()
        self.proxy.down()
        self.engine.stop()
        self.other.stop()
        self.plane.stop()


def _problem(item: Manifest, uuid: str) -> str:
    """Why an object is not as it should be; `uuid` is the server that all connections lead to in the end."""
    conditions = {one["type"]: one for one in item.get("status", {}).get("conditions", [])}
    ready, stalled = conditions.get("Ready"), conditions.get("Stalled")
    lives = item.get("status", {}).get("placement", {}).get("clusterUuid")
    if item["metadata"].get("deletionTimestamp"):
        # With `Delete` it is carried out where the object lives, and waits, saying so, while no connection leads there.
        waits = conditions.get("Reconciling", {}).get("message", "")
        elsewhere = lives not in {None, uuid} and item["spec"].get("deletionPolicy") == "Delete"
        return "" if elsewhere and "to let the resource go without" in waits else "still being deleted"
    if stalled is not None and stalled["reason"] == "PlaceChanged":  # true of what was created elsewhere
        return "" if lives != uuid else f"it lives where its connection leads, and says {stalled['message']}"
    if stalled is not None:
        return "" if stalled["reason"] in TRUE_STALLS else f"Stalled: {stalled['reason']}: {stalled['message']}"
    if ready is None or item["status"].get("observedGeneration") != item["metadata"]["generation"]:
        return "its generation was not observed"
    if ready["reason"] == "WaitingForJob":
        return ""  # its AnomalyJob was deleted without it
    if ready["status"] != "True":
        return f"{ready['reason']}: {ready['message']}"
    synced = conditions.get("Synced")
    return "" if synced is None or synced["status"] == "True" else f"Synced: {synced['reason']}: {synced['message']}"


ACTIONS: dict[str, int] = {
    "apply": 10,
    "edit": 16,
    "revert": 6,
    "delete": 6,
    "stop_by_hand": 4,
    "close_by_hand": 3,
    "edit_by_hand": 4,
    "move_connection": 3,
    "take_secret": 2,
    "give_secret": 4,
    "rotate_secret": 3,
    "take_rights": 1,
    "give_rights": 3,
    "kill_operator": 2,
    "restart_apiserver": 1,
    "bad_answers": 4,
    "silence": 2,
    "wait": 10,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long things happen")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed makes the same choices")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        chaos = Chaos(Path(folder), arguments.seed)
        print(
            f"seed {arguments.seed}: {arguments.seconds:g} s over {len(chaos.pairs)} pairs and two servers", flush=True
        )
        try:
            return _run(chaos, arguments.seconds)
        finally:
            chaos.end()


def _run(chaos: Chaos, seconds: float) -> int:
    end, told = time.monotonic() + seconds, time.monotonic()
    while time.monotonic() < end:
        name = chaos.random.choices(list(ACTIONS), weights=list(ACTIONS.values()))[0]
        action: Callable[[], None] = getattr(chaos, name)
        try:
            action()
        except AssertionError as error:
            if "is invalid" not in str(error) and "not change" not in str(error):
                raise
        chaos.done[name] += 1
        chaos.look()
        if not chaos.operator.process.running:
            chaos.wrong.append("the operator ended by itself")
            break
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(
                f"{end - told:5.0f} s left, {sum(chaos.done.values())} things happened, {len(chaos.wrong)} wrong",
                flush=True,
            )
    chaos.restore_all()
    began = time.monotonic()
    while (left := chaos.unsettled()) and time.monotonic() - began < CALM:
        time.sleep(2)
    chaos.look()
    chaos.check_servers()
    print("what happened:", ", ".join(f"{name} {count}" for name, count in sorted(chaos.done.items())))
    print(f"calm after {time.monotonic() - began:.0f} s")
    for line in (*chaos.wrong, *left):
        print("WRONG", line)
    if chaos.wrong or left:
        print(chaos.operator.process.tail(80))
        return 1
    print("every object is as its manifest says or says why not; nothing lost, no twin, no bucket skipped or doubled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
