"""What happens: each is a method of `Happenings`, chosen by its weight."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

from kube_harness.embedded import ENGINE_NAME
from kube_harness.proxy import Cut, EngineProxy
from kube_harness.services import Engine

from chaos.stage import ENGINE_KINDS, LEASE_SECONDS, Stage
from chaos.things import EMBEDDED, HOSTS, NAMESPACES, OTHER, JobSet, Thing

WEIGHTS: dict[str, int] = {
    "apply": 14,
    "edit": 24,
    "revert": 6,
    "delete": 10,
    "stop_by_hand": 3,
    "close_by_hand": 2,
    "edit_by_hand": 3,
    "remove_by_hand": 2,
    "meddle_with_calendar": 3,
    "meddle_with_filter": 3,
    "meddle_with_member": 3,
    "move_connection": 3,
    "take_connection": 1,
    "edit_engine": 2,
    "meddle_with_engine": 2,
    "take_engine": 1,
    "kill_engine": 1,
    "kill_server": 1,
    "take_secret": 2,
    "give_secret": 4,
    "rotate_secret": 2,
    "take_rights": 1,
    "give_rights": 3,
    "give_connections": 3,
    "kill_leader": 2,
    "kill_all": 1,
    "pause_leader": 2,
    "restart_apiserver": 1,
    "bad_answers": 4,
    "hang_up": 4,
    "silence": 2,
    "read_only": 1,
    "upgrade_mode": 1,
    "wait": 12,
}
# What the API server says of edits that a rule forbids, or that met another one.
_REFUSED = ("is invalid", "not change", "cannot", "Conflict", "has been modified", "not found", "NotFound")


class Happenings:
    """A source of randomness, and what it does to a stage.

    Attributes:
        done: How often each thing happened.
        by_hand: Ids of jobs that were deleted by hand on a server since they were last looked at.
    """

    def __init__(self, stage: Stage, things: list[Thing], seed: int) -> None:
        self.stage = stage
        self.things = things
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.by_hand: set[str] = set()

    def next(self) -> str:
        """Lets one thing happen, and returns its name."""
        self.stage.go_on()
        (name,) = self.random.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))
        action: Callable[[], None] = getattr(self, name)
        try:
            action()
        except AssertionError as error:
            if not any(words in str(error) for words in _REFUSED):
                raise
        self.done[name] += 1
        return name

    # -- in the cluster ------------------------------------------------------------------------------------

    def _any(self, *kinds: str) -> Thing:
        return self.random.choice([one for one in self.things if not kinds or one.kind in kinds])

    def _send(self, thing: Thing) -> None:
        thing.allowed()
        self.stage.kubectl.apply(thing.manifest())
        thing.applied = True

    def apply(self) -> None:
        thing = self._any()
        if not thing.applied and thing.kind in {"AnomalyForecast", "ModelSnapshotRevert"}:
            jobs = [one for one in self.things if one.kind == "AnomalyJob" and one.namespace == thing.namespace]
            thing.base["jobRef"] = {"name": self.random.choice(jobs).name}
        self._send(thing)

    def edit(self) -> None:
        thing = self._any()
        before = dict(thing.spec)
        thing.spec |= self.random.choice(thing.edits)(self.random)
        try:
            self._send(thing)
        except AssertionError:
            thing.spec = before
            raise
        thing.history.append(before)

    def revert(self) -> None:
        thing = self._any()
        if thing.history:
            before, thing.spec = thing.spec, thing.history[-1]
            try:
                self._send(thing)
            except AssertionError:
                thing.spec = before
                raise
            thing.history.append(before)

    def delete(self) -> None:
        thing = self._any()
        also = [one for one in self.things if one.namespace == thing.namespace and one.name == f"{thing.name}-feed"]
        for one in [thing, *also[: self.random.randint(0, 1)]]:
            if not one.applied:
                continue
            one.deleting = True
            one.allowed()
            self.stage.delete(one.plural, one.name, one.namespace)
            one.applied = False

    def move_connection(self) -> None:
        url = self.random.choice([*(proxy.url for proxy in self.stage.proxies), "http://127.0.0.1:9"])
        self.stage.kubectl.apply(self.stage.connection(self.random.choice(NAMESPACES), url))

    def take_connection(self) -> None:
        name = self.random.choice(["default", OTHER])
        self.stage.delete("elasticsearchconnection", name, self.random.choice(NAMESPACES))

    def give_connections(self) -> None:
        for namespace in NAMESPACES:
            for name, proxy in zip(("default", OTHER), self.stage.proxies, strict=True):
                if not self.stage.kubectl.exists("elasticsearchconnection", name, namespace):
                    self.stage.kubectl.apply(self.stage.connection(namespace, proxy.url, name=name))
        self.stage.allow_engine()
        self.stage.kubectl.apply(self.stage.embedded())

    def take_secret(self) -> None:
        self.stage.delete("secret", "elastic", self.random.choice(NAMESPACES))

    def give_secret(self) -> None:
        self.stage.kubectl.apply(self.stage.secret(self.random.choice(NAMESPACES)))

    def rotate_secret(self) -> None:
        """Another password, on the servers first or in the Secrets first."""
        stage = self.stage
        stage.password = f"password-{self.random.randrange(1000)}"

        def on_servers() -> None:
            for proxy in stage.proxies:
                proxy.credentials = ("elastic", stage.password)

        def in_secrets() -> None:
            stage.kubectl.apply(*(stage.secret(namespace) for namespace in NAMESPACES))

        steps = [on_servers, in_secrets]
        self.random.shuffle(steps)
        for step in steps:
            step()

    def take_rights(self) -> None:
        self.stage.delete("rolebinding", "secrets", self.random.choice(NAMESPACES))

    def give_rights(self) -> None:
        self.stage.allow(self.random.choice(NAMESPACES))

    def meddle_with_member(self) -> None:
        """Somebody edits or deletes what a job set made."""
        job_set = self._any("AnomalyJobSet")
        assert isinstance(job_set, JobSet)
        name = job_set.member(self.random.choice(HOSTS))
        plural = self.random.choice(["anomalyjobs", "datafeeds"])
        if self.random.random() < 0.5:
            patch = '{"spec": {"suspend": true}}'
            where = ("-n", job_set.namespace, "--type=merge", "-p", patch)
            self.stage.kubectl.run("patch", plural, name, *where, check=False)
            return
        if job_set.base["template"]["job"]["deletionPolicy"] == "Delete":
            job_set.doomed.update(HOSTS)
        self.stage.delete(plural, name, job_set.namespace)

    # -- the engine that the operator asks for -----------------------------------------------------------------

    def edit_engine(self) -> None:
        """Another pod for the same volume, or another policy for that."""
        self.stage.engine_spec |= self.random.choice(
            [
                {"image": self.random.choice(["registry.example/engine:1", "registry.example/engine:2"])},
                {"tolerations": self.random.choice([[], [{"operator": "Exists"}]])},
                {"storage": {"whenDeleted": self.random.choice(["Retain", "Delete"])}},
                {"nodeSelector": {"disk": self.random.choice(["ssd", "any"])}},
            ]
        )
        self.stage.kubectl.apply(self.stage.embedded())

    def meddle_with_engine(self) -> None:
        """Somebody deletes an object of the engine, edits its pod, or takes the operator's right to it."""
        kind = self.random.choice([*ENGINE_KINDS, "authority", "pod", "right"])
        if kind == "pod":
            image = '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "other"}]'
            patch = ("--type=json", "-p", image)
            self.stage.kubectl.run("patch", "statefulset", ENGINE_NAME, "-n", EMBEDDED, *patch, check=False)
        elif kind == "right":
            self.stage.delete("rolebinding", "engines", EMBEDDED)
        elif kind == "authority":
            self.stage.delete("secret", f"{ENGINE_NAME}-authority", EMBEDDED)
        else:
            self.stage.delete(kind, ENGINE_NAME, EMBEDDED)

    def take_engine(self) -> None:
        """The connection goes, and what was made for its engine; the volume stays."""
        self.stage.delete("elasticsearchconnection", "default", EMBEDDED)

    def kill_engine(self) -> None:
        if self.stage.pod.engine is not None and self.stage.pod.engine.process.running:
            self.stage.pod.engine.process.kill()

    # -- on the servers --------------------------------------------------------------------------------------

    def _engine(self) -> Engine:
        return self.random.choice([self.stage.engine, self.stage.engine, self.stage.other])

    def stop_by_hand(self) -> None:
        feed = self._any("Datafeed").server_id
        self._engine().request("POST", f"/_ml/datafeeds/{feed}/_stop", {"force": True})

    def close_by_hand(self) -> None:
        self._engine().request("POST", f"/_ml/anomaly_detectors/{self._any('AnomalyJob').server_id}/_close?force=true")

    def edit_by_hand(self) -> None:
        path = f"/_ml/anomaly_detectors/{self._any('AnomalyJob').server_id}/_update"
        self._engine().request("POST", path, {"description": "clicked"})

    def remove_by_hand(self) -> None:
        engine, thing = self._engine(), self._any("Datafeed", "AnomalyJob", "AnomalyCalendar", "AnomalyFilter")
        path = {
            "Datafeed": "datafeeds",
            "AnomalyJob": "anomaly_detectors",
            "AnomalyCalendar": "calendars",
            "AnomalyFilter": "filters",
        }[thing.kind]
        if thing.kind == "AnomalyJob":
            self.by_hand.add(thing.server_id)
            engine.request("DELETE", f"/_ml/datafeeds/{thing.server_id}-feed?force=true")
        force = "?force=true" if thing.kind in {"Datafeed", "AnomalyJob"} else ""
        engine.request("DELETE", f"/_ml/{path}/{thing.server_id}{force}")

    def meddle_with_calendar(self) -> None:
        engine, path = self._engine(), f"/_ml/calendars/{self._any('AnomalyCalendar').server_id}"
        status, answer = engine.request("GET", f"{path}/events")
        events = answer["events"] if status == 200 else []
        if events and self.random.random() < 0.5:  # the mark too
            engine.request("DELETE", f"{path}/events/{self.random.choice(events)['event_id']}")
        elif self.random.random() < 0.5:
            body = {"description": "by hand", "start_time": 1_900_000_000_000, "end_time": 1_900_000_001_000}
            engine.request("POST", f"{path}/events", {"events": [body]})
        else:
            engine.request("PUT", f"{path}/jobs/somebodys-job")

    def meddle_with_filter(self) -> None:
        path = f"/_ml/filters/{self._any('AnomalyFilter').server_id}/_update"
        body = self.random.choice([{"add_items": ["by-hand"]}, {"description": "by hand"}])
        self._engine().request("POST", path, body)

    # -- trouble -----------------------------------------------------------------------------------------------

    def kill_leader(self) -> None:
        self.stage.kill(self.stage.leader())

    def kill_all(self) -> None:
        for name in self.stage.operators:
            self.stage.kill(name)

    def pause_leader(self) -> None:
        """For less or for more than its lease lasts."""
        self.stage.pause(self.stage.leader(), self.random.uniform(1, 2.5 * LEASE_SECONDS))

    def restart_apiserver(self) -> None:
        self.stage.restart_apiserver()

    def _proxy(self) -> EngineProxy:
        return self.random.choice([self.stage.proxies[0], self.stage.proxies[0], self.stage.proxies[1]])

    def kill_server(self) -> None:
        self.stage.kill_server(self.random.choice([0, 0, 1]))

    def bad_answers(self) -> None:
        proxy = self._proxy()
        proxy.answer_with = self.random.choice([429, 500, 503])
        time.sleep(self.random.uniform(0.5, 3))
        proxy.answer_with = None

    def hang_up(self) -> None:
        """Connections end without an answer; often the call was carried out."""
        proxy = self._proxy()
        proxy.cut = self.random.choice([Cut.BEFORE, Cut.AFTER, Cut.AFTER])
        time.sleep(self.random.uniform(0.5, 3))
        proxy.cut = None

    def silence(self) -> None:
        with self._proxy().hold("(GET|POST|PUT|DELETE)"):
            time.sleep(self.random.uniform(1, 5))

    def read_only(self) -> None:
        proxy = self._proxy()
        proxy.read_only = True
        time.sleep(self.random.uniform(1, 4))
        proxy.read_only = False

    def upgrade_mode(self) -> None:
        engine = self._engine()
        engine.call("POST", "/_ml/set_upgrade_mode?enabled=true")
        time.sleep(self.random.uniform(1, 5))
        engine.call("POST", "/_ml/set_upgrade_mode?enabled=false")

    def wait(self) -> None:
        time.sleep(self.random.uniform(0.2, 3))
