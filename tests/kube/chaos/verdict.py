"""What must be true all the time, and what must be true when all trouble is over."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from kube_harness.kubectl import Manifest
from kube_harness.processes import wait_until
from kube_harness.services import Engine

from chaos.happenings import Happenings
from chaos.stage import Stage, condition
from chaos.things import HOSTS, INDEX, PLURALS, JobSet, Thing, may_forget, why_not

DOCUMENTS_APART = 300_000  # ms
SETTLING = 8.0  # seconds in which an edit has reached what follows from it
AT_REST = 20.0  # seconds in which nothing may be written
# What may keep an object from its manifest for good, because a person has to decide.
TRUE_STALLS = {
    "MemoryBelowUsage",
    "ImmutableFieldChanged",
    "FieldStays",
    "NotOwned",
    "AlreadyExists",
    "Conflict",
    "ForecastImpossible",
    "ForecastFailed",
    "ForecastGone",
    "SnapshotNotFound",
    "RevertFailed",
}
_FORECAST = re.compile(r"^/_ml/anomaly_detectors/([^/]+)/_forecast$")
_RESET = re.compile(r"^/_ml/anomaly_detectors/([^/]+)/_reset$")
_REVERT = re.compile(r"^/_ml/anomaly_detectors/([^/]+)/model_snapshots/[^/]+/_revert$")


class Verdict:
    """Looks on, and remembers what was wrong.

    Attributes:
        wrong: What must never have happened.
        stalls: The reasons of objects that wait for a person, and how many there are in the end.
    """

    def __init__(self, stage: Stage, things: list[Thing], happenings: Happenings) -> None:
        self._stage = stage
        self._things = things
        self._happenings = happenings
        self.wrong: list[str] = []
        self.stalls: Counter[str] = Counter()
        self._read = [0 for _ in stage.proxies]
        self._processed: dict[tuple[str, str], int] = {}  # by cluster uuid and job id
        self._began = time.monotonic()
        self._requests: dict[tuple[str, str], dict[str, float]] = {}  # uids of requests by what and whose, since when
        self._finished: dict[str, str] = {}  # when each Investigation came to its end, by uid
        self._asked: Counter[tuple[str, str]] = Counter()  # how often that was carried out on a server

    # -- all the time ------------------------------------------------------------------------------------------

    def look(self) -> list[Manifest]:
        """Notes what has been learned, and complains about what was lost or done without a reason."""
        objects = self._stage.objects()
        self._note_requests(objects)
        self._note_finished(objects)
        self._read_calls()
        by_name = {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]): one for one in objects}
        for thing in self._things:
            there = by_name.get((thing.kind, thing.namespace, thing.name))
            leaving = there is not None and "deletionTimestamp" in there["metadata"]
            thing.seen(there["metadata"]["uid"] if there else None, leaving=leaving)
        self._look_at_counts()
        self._stage.collect_garbage(objects)
        for name, operator in self._stage.operators.items():
            if not operator.process.running:
                self.wrong.append(f"operator {name} ended by itself")
                operator.process.start()
        return objects

    def _note_requests(self, objects: list[Manifest]) -> None:
        for one in objects:
            if one["kind"] in {"AnomalyForecast", "ModelSnapshotRevert"}:
                place = f"{one['metadata']['namespace']}-{one['spec']['jobRef']['name']}"
                key = one["kind"], place
                self._requests.setdefault(key, {}).setdefault(one["metadata"]["uid"], time.monotonic())
                if "schedule" in one["spec"]:  # once a minute, and once for what was missed
                    self._requests[key][f"{one['metadata']['uid']} at its times"] = time.monotonic()

    def _note_finished(self, objects: list[Manifest]) -> None:
        """An Investigation comes to an end once, whoever leads by then."""
        for one in objects:
            finished = one.get("status", {}).get("completionTime") if one["kind"] == "Investigation" else None
            name, uid = f"{one['metadata']['namespace']}/{one['metadata']['name']}", one["metadata"]["uid"]
            if finished is not None and self._finished.setdefault(uid, finished) != finished:
                self.wrong.append(f"{name} was finished at {self._finished[uid]}, and again at {finished}")
                self._finished[uid] = finished

    def _read_calls(self) -> None:
        for number, proxy in enumerate(self._stage.proxies):
            fresh, self._read[number] = proxy.calls[self._read[number] :], len(proxy.calls)
            for call in fresh:
                if call.status >= 500 and call.status not in {501, 503}:
                    self.wrong.append(f"the engine answered {call.status} to {call}")
                if call.status >= 300:
                    continue
                if call.method == "DELETE" and (why := why_not(call.path, self._things)):
                    self.wrong.append(f"{call}: {why}")
                if (found := _RESET.match(call.path)) and not may_forget(found[1], self._things):
                    self.wrong.append(f"{call}: nothing asked for that")
                for kind, pattern in (("AnomalyForecast", _FORECAST), ("ModelSnapshotRevert", _REVERT)):
                    if (found := pattern.match(call.path)) and call.method == "POST":
                        self._asked[kind, found[1]] += 1

    def _look_at_counts(self) -> None:
        """No job has less than it had, but for what policies, reverts and hands have done to it."""
        free = self._happenings.by_hand | {one.server_id for one in self._things if one.may_go}
        free |= {place for kind, place in self._requests if kind == "ModelSnapshotRevert"}
        for thing in self._things:
            if thing.kind == "AnomalyJob" and may_forget(thing.server_id, self._things):
                free.add(thing.server_id)
        kept = {thing.server_id for thing in self._things if thing.kind == "AnomalyJob"} - free
        for uuid, engine in self._stage.servers.items():
            now = _processed(engine)
            if now is None:
                continue
            for name in kept:
                before, left = self._processed.get((uuid, name), 0), now.get(name, 0)
                if left < before:
                    self.wrong.append(f"{name}: {before} records were analysed, {left} are left")
            self._processed = {key: count for key, count in self._processed.items() if key[0] != uuid}
            self._processed |= {(uuid, name): count for name, count in now.items()}
        self._happenings.by_hand.clear()

    # -- when trouble is over --------------------------------------------------------------------------------------

    def unsettled(self, objects: list[Manifest]) -> list[str]:
        """The objects that neither are as their manifest says nor say truly why not."""
        found = []
        for item in objects:
            problem = self._problem(item, objects)
            if problem:
                metadata = item["metadata"]
                found.append(f"{item['kind']} {metadata['namespace']}/{metadata['name']}: {problem}")
        return found

    def _problem(self, item: Manifest, objects: list[Manifest]) -> str:
        ready, stalled, synced = (condition(item, name) for name in ("Ready", "Stalled", "Synced"))
        here = self._is_here(item, objects)
        if item["metadata"].get("deletionTimestamp"):
            return self._why_not_gone(item, here)
        if stalled.get("reason") == "PlaceChanged":  # true of what was created elsewhere
            if self._is_to_move(item, objects):
                return f"it is to move, and says {stalled['message']}"
            return "" if not here else f"it lives where its connection leads, and says {stalled['message']}"
        if stalled:
            return self._is_stuck(item, stalled, objects)
        if not ready or item["status"].get("observedGeneration") != item["metadata"]["generation"]:
            return "its generation was not observed"
        if ready["reason"] in {"WaitingForJob", "WaitingForFilter"}:
            return self._is_waiting(item, ready, objects)
        if ready["reason"] == "ForecastImpossible":
            job_id = f"{item['metadata']['namespace']}-{item['spec']['jobRef']['name']}"
            counts = self._home(item, objects).call("GET", f"/_ml/anomaly_detectors/{job_id}/_stats")
            learnt = counts["jobs"][0]["data_counts"]["processed_record_count"]
            return "" if learnt == 0 else f"the job has learnt {learnt} records, and it says {ready['message']}"
        if item["kind"] == "AnomalyJobSet" and ready["status"] != "True":
            return self._is_set_waiting(item, ready, objects)
        if ready["reason"] == "Closed" and item["spec"].get("state") == "Closed":
            return ""  # its datafeed, which should run, says what to do
        if ready["status"] != "True":
            return f"{ready['reason']}: {ready['message']}"
        return "" if not synced or synced["status"] == "True" else f"Synced: {synced['reason']}: {synced['message']}"

    def _is_here(self, item: Manifest, objects: list[Manifest]) -> bool:
        """Whether an object lives where its connection leads; what lives nowhere may live there."""
        lives = item.get("status", {}).get("placement", {}).get("clusterUuid")
        return lives in {None, self._stage.leads_to(item, objects)}

    def _home(self, item: Manifest, objects: list[Manifest]) -> Engine:
        """The server that an object lives on, or else the one that its connection leads to."""
        leads = self._stage.servers.get(self._stage.leads_to(item, objects), self._stage.engine)
        return self._stage.where(item) or leads

    @staticmethod
    def _is_to_move(item: Manifest, objects: list[Manifest]) -> bool:
        """Whether an object is to move: what belongs to a job goes with that."""
        decides = _job_of(item, objects) if "jobRef" in item["spec"] else item
        return decides is not None and decides["spec"].get("movePolicy") == "Move"

    def _why_not_gone(self, item: Manifest, here: bool) -> str:
        """A deletion waits for the way to where the object lives, or for the jobs that use a filter."""
        waits = condition(item, "Reconciling").get("message", "") + condition(item, "Ready").get("message", "")
        if not here and item["spec"].get("deletionPolicy") == "Delete" and "to let the resource go without" in waits:
            return ""
        if item["kind"] == "AnomalyFilter" and "used by jobs" in waits:
            name = item["spec"]["filterId"]
            engine = self._stage.where(item) or self._stage.engine
            jobs = engine.call("GET", "/_ml/anomaly_detectors/_all?allow_no_match=true")["jobs"]
            return "" if any(name in str(job["analysis_config"]) for job in jobs) else f"no job uses it: {waits}"
        return f"still being deleted: {waits}"

    def _is_stuck(self, item: Manifest, stalled: Manifest, objects: list[Manifest]) -> str:
        reason, message = stalled["reason"], stalled["message"]
        self.stalls[f"{item['kind']} {reason}"] += 1
        if reason == "JobNotOpen":
            state = self._home(item, objects).job_state(item["status"].get("jobId", ""))
            return "" if state == "closed" else f"the job is {state}, and it says {message}"
        if item["kind"] == "AnomalyJobSet" and reason == "Conflict":
            names = [one["metadata"]["name"] for one in objects if "ownerReferences" not in one["metadata"]]
            return "" if any(name in message for name in names) else f"nobody else has them: {message}"
        if item["kind"] == "Datafeed" and reason == "Closed":
            named = item["spec"]["jobRef"]["name"], item["metadata"]["namespace"]
            job = [one for one in objects if (one["metadata"]["name"], one["metadata"]["namespace"]) == named]
            closed = any(one["spec"].get("state") == "Closed" for one in job)
            return "" if closed else f"its job need not be closed: {message}"
        return "" if reason in TRUE_STALLS else f"Stalled: {reason}: {message}"

    def _is_waiting(self, item: Manifest, ready: Manifest, objects: list[Manifest]) -> str:
        """What it waits for is truly not there."""
        message = ready["message"]
        here = [one for one in objects if one["metadata"]["namespace"] == item["metadata"]["namespace"]]
        if ready["reason"] == "WaitingForFilter":
            lists = self._home(item, objects).call("GET", "/_ml/filters?size=1000")["filters"]
            return "" if not any(one["filter_id"] in message for one in lists) else f"it is there: {message}"
        jobs = {one["metadata"]["name"]: one for one in here if one["kind"] == "AnomalyJob"}
        named = item["spec"]["jobRef"]["name"] if "jobRef" in item["spec"] else ""
        if item["kind"] in {"AnomalyForecast", "ModelSnapshotRevert", "Datafeed"}:
            job = jobs.get(named)
            if job is None:
                return ""
            stuck = (
                condition(job, "Stalled") or condition(job, "Reconciling") or job["metadata"].get("deletionTimestamp")
            )
            return "" if stuck else f"its job is there: {message}"
        missing = re.findall(r"pair\d", message.partition("not there yet")[2])
        stuck_too = [name for name in missing if name in jobs and not condition(jobs[name], "Stalled")]
        return "" if not stuck_too else f"{stuck_too} are there: {message}"

    @staticmethod
    def _is_set_waiting(item: Manifest, ready: Manifest, objects: list[Manifest]) -> str:
        """A set is not ready as long as one of what it made is not, for a reason of its own."""
        uid = item["metadata"]["uid"]
        made = [
            one for one in objects if any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences", []))
        ]
        waits = [one for one in made if condition(one, "Ready").get("status") != "True"]
        return "" if waits else f"all that it made is ready, and it says {ready['reason']}: {ready['message']}"

    def check(self, objects: list[Manifest]) -> None:
        """The servers are as the settled objects say."""
        self._check_requests()
        self._check_feeds(objects)
        self._check_shared(objects)
        self._check_configurations(objects)
        found: dict[str, list[Any]] = {}
        for engine in self._stage.servers.values():
            documents = _documents(engine)
            for config in engine.call("GET", "/_ml/anomaly_detectors/_all?allow_no_match=true")["jobs"]:
                found.setdefault(config["job_id"], []).append(config)
                self._check_buckets(engine, config, documents)
        for job_id, configs in found.items():
            # A job that was kept or left by a deletion is none of the object that has its name now; nor is one that was
            # kept where its object has moved away.
            marks = [config.get("custom_settings", {}) for config in configs]
            owners = [mark.get("anomalyops.io/uid") for mark in marks if "anomalyops.io/retained" not in mark]
            if len(owners) > len(set(owners)):
                self.wrong.append(f"{job_id} is on two servers for one object")

    def _check_requests(self) -> None:
        """What is to be done once was not done twice."""
        for (kind, place), count in self._asked.items():
            known = self._requests.get((kind, place), {})
            most = sum(
                1 + (int((known[f"{uid} at its times"] - since) // 60) + 2 if f"{uid} at its times" in known else 0)
                for uid, since in known.items()
                if not uid.endswith("times")
            )
            if count > most:
                self.wrong.append(f"{count} times done to {place} for {most} of {kind}")

    def _check_feeds(self, objects: list[Manifest]) -> None:
        """Every feed that should run runs, and no other."""
        jobs = {(o["metadata"]["namespace"], o["metadata"]["name"]): o for o in objects if o["kind"] == "AnomalyJob"}
        for feed in objects:
            if feed["kind"] != "Datafeed" or condition(feed, "Stalled") or "deletionTimestamp" in feed["metadata"]:
                continue
            job = jobs.get((feed["metadata"]["namespace"], feed["spec"]["jobRef"]["name"]))
            if job is None or condition(job, "Stalled") or condition(job, "Ready").get("status") != "True":
                continue
            suspended = feed["spec"].get("suspend") or job["spec"].get("suspend")
            found = condition(feed, "Ready").get("reason")
            runs = not suspended and feed["spec"].get("state", "Started") == "Started"
            runs = runs and job["spec"].get("state", "Opened") == "Opened" and found != "LeftAsFound"
            state = self._home(feed, objects).datafeed_state(feed["status"].get("datafeedId", ""))
            if (state == "started") != runs:
                self.wrong.append(
                    f"datafeed {feed['status'].get('datafeedId')} is {state} ({found}); it should run: {runs}"
                )

    def _check_shared(self, objects: list[Manifest]) -> None:
        """Calendars and filters hold what their manifests say."""
        for item in objects:
            if condition(item, "Ready").get("status") != "True":
                continue
            spec, engine = item["spec"], self._home(item, objects)
            if item["kind"] == "AnomalyFilter":
                status, answer = engine.request("GET", f"/_ml/filters/{spec['filterId']}")
                items = sorted(answer["filters"][0]["items"]) if status == 200 else None
                if items != sorted(spec["items"]):
                    self.wrong.append(f"filter {spec['filterId']} has {items}, not {spec['items']}")
            if item["kind"] == "AnomalyCalendar":
                status, answer = engine.request("GET", f"/_ml/calendars/{spec['calendarId']}/events?size=1000")
                events = [one["description"] for one in answer["events"]] if status == 200 else []
                fixed = sorted(one for one in events if one.startswith("Day") or one == "by hand")
                if fixed != sorted(one["description"] for one in spec.get("events", [])):
                    self.wrong.append(f"calendar {spec['calendarId']} has {fixed}, not {spec.get('events')}")
                if len([one for one in events if one.startswith("[anomalyops.io ")]) != 1:
                    self.wrong.append(f"calendar {spec['calendarId']} has not one mark: {events}")

    def _check_configurations(self, objects: list[Manifest]) -> None:
        """What says that it is synced has on its server what its manifest says."""
        for item in objects:
            synced = condition(item, "Synced").get("status") == "True" and not condition(item, "Stalled")
            if not synced or "deletionTimestamp" in item["metadata"]:
                continue
            home, name = self._home(item, objects), item["metadata"]["name"]
            if item["kind"] == "AnomalyJob":
                found = _facts_of_job(home.job_config(item["status"]["jobId"]) or {})
                wanted = _wanted_of_job(item["spec"])
            elif item["kind"] == "Datafeed":
                found = _facts_of_feed(home.datafeed_config(item["status"]["datafeedId"]) or {})
                wanted = _wanted_of_feed(item["spec"])
            else:
                continue
            if different := {key: found.get(key) for key, value in wanted.items() if found.get(key) != value}:
                place = f"{item['kind']} {item['metadata']['namespace']}/{name}"
                self.wrong.append(f"{place} says that it is synced, and the server has {different}, not {wanted}")

    def _check_buckets(self, engine: Engine, config: Manifest, documents: Counter[tuple[int, str]]) -> None:
        """Each bucket is there once, with each of its documents once."""
        job_id, span = config["job_id"], _span(config)
        path = f"/_ml/anomaly_detectors/{job_id}/results/buckets"
        buckets = [
            one
            for one in engine.call("POST", path, {"page": {"size": 10_000}, "exclude_interim": True})["buckets"]
            if not one["is_interim"]
        ]
        times = [bucket["timestamp"] for bucket in buckets]
        if times != list(range(times[0], times[0] + len(times) * span, span)) if times else False:
            self.wrong.append(f"{job_id}: buckets were skipped or doubled")
        if job_id.startswith("hosts-"):  # one of a set's, of one host
            hosts = [host for host in ("web-0", "web-1", "web-2") if host in job_id]
        else:
            hosts = ["web-0", "web-1", "web-2"]
        for bucket in buckets[1:]:  # a start in the middle of the first one is no fault
            moments = range(bucket["timestamp"], bucket["timestamp"] + span, DOCUMENTS_APART)
            wanted = sum(documents[moment, host] for moment in moments for host in hosts)
            if bucket["event_count"] != wanted:
                self.wrong.append(
                    f"{job_id}: bucket {bucket['timestamp']} counts {bucket['event_count']}, not {wanted}"
                )
                return

    def check_rest(self) -> None:
        """Nothing is written to the API server or to a server while nothing happens."""
        before, written = _versions(self._everything()), [len(proxy.attempts()) for proxy in self._stage.proxies]
        time.sleep(AT_REST)
        for proxy, count in zip(self._stage.proxies, written, strict=True):
            if late := proxy.attempts()[count:]:
                self.wrong.append(f"written at rest: {Counter(late).most_common(5)}")
        after = _versions(self._everything())
        changed = [
            f"{name} {', '.join(_changes(before[name][1], one)) if name in before else 'made'}"
            for name, (version, one) in after.items()
            if before.get(name, ("",))[0] != version
        ]
        if changed:
            self.wrong.append(f"objects written at rest: {changed[:5]}")

    def _everything(self) -> list[Manifest]:
        return [*self._stage.objects(), *self._stage.engine_objects()]

    # -- the end of all ----------------------------------------------------------------------------------------------

    def _delete_policies(self) -> None:
        """Gives every object the policy Delete; what sets make gets it from their templates."""
        stage = self._stage
        of_template = {"template": {half: {"deletionPolicy": "Delete"} for half in ("job", "datafeed")}}
        for item in stage.objects():
            kind, metadata = item["kind"], item["metadata"]
            if kind == "Investigation":
                continue  # nothing of it is on a server
            if kind not in PLURALS or "deletionTimestamp" in metadata or metadata.get("ownerReferences"):
                continue
            spec = of_template if kind == "AnomalyJobSet" else {"deletionPolicy": "Delete"}
            where = ("-n", metadata["namespace"], "--type=merge", "-p", json.dumps({"spec": spec}))
            stage.kubectl("patch", PLURALS[kind], metadata["name"], *where)
        time.sleep(SETTLING)

    def check_deletion(self) -> None:
        """When all is deleted with policy Delete, the server that they live on has nothing of it any more."""
        stage = self._stage
        gone: dict[str, tuple[Engine, str]] = {}
        self._delete_policies()
        for item in stage.objects():
            kind, status = item["kind"], item.get("status", {})
            if kind not in PLURALS or "deletionTimestamp" in item["metadata"]:
                continue
            name = status.get({"AnomalyJob": "jobId", "Datafeed": "datafeedId"}.get(kind, ""), "")
            name = name or item["spec"].get("calendarId", "") or item["spec"].get("filterId", "")
            home = stage.where(item)
            # A set leaves those alone whose values are there no more.
            asked = item["spec"].get("deletionPolicy") == "Delete"
            if name and asked and home is not None and not condition(item, "Stalled"):
                gone[f"{kind} {name}"] = home, name
        for thing in self._things:
            thing.may_go = True
            if isinstance(thing, JobSet):
                thing.doomed.update(HOSTS)
            stage.delete(thing.plural, thing.name, thing.namespace)

        def empty() -> bool:
            objects = stage.objects()
            stage.collect_garbage(objects)
            left = [one for one in objects if one["kind"] in PLURALS]
            strangers = [
                one
                for one in left
                if "deletionTimestamp" not in one["metadata"] and not one["metadata"].get("ownerReferences")
            ]
            for one in strangers:  # what a set let go
                stage.delete(PLURALS[one["kind"]], one["metadata"]["name"], one["metadata"]["namespace"])
            waits = [
                f"{one['kind']}/{one['metadata']['name']}: {why}"
                for one in left
                if (why := self._why_not_gone(one, self._is_here(one, objects)))
            ]
            assert not waits, waits
            return True

        try:
            wait_until(empty, timeout=90, what="the deletion of everything", interval=2)
        except AssertionError as error:
            self.wrong.append(str(error))
        for what, (home, name) in gone.items():
            paths = (
                f"/_ml/anomaly_detectors/{name}",
                f"/_ml/datafeeds/{name}",
                f"/_ml/calendars/{name}",
                f"/_ml/filters/{name}",
            )
            kind = what.split()[0]
            path = dict(zip(("AnomalyJob", "Datafeed", "AnomalyCalendar", "AnomalyFilter"), paths, strict=True))[kind]
            if home.request("GET", path)[0] == 200:
                self.wrong.append(f"{what} was orphaned: it was deleted with policy Delete and is still on the server")


def _job_of(item: Manifest, objects: list[Manifest]) -> Manifest | None:
    """The job of a pair's object."""
    if item["kind"] == "AnomalyJob":
        return item
    named = item["spec"]["jobRef"]["name"], item["metadata"]["namespace"]
    jobs = [one for one in objects if one["kind"] == "AnomalyJob"]
    return next((one for one in jobs if (one["metadata"]["name"], one["metadata"]["namespace"]) == named), None)


def _processed(engine: Engine) -> dict[str, int] | None:
    """The records that each job has analysed; None while the server is away."""
    try:
        status, answer = engine.request("GET", "/_ml/anomaly_detectors/_all/_stats?allow_no_match=true")
    except OSError:
        return None
    jobs = answer["jobs"] if status == 200 else None
    return None if jobs is None else {one["job_id"]: one["data_counts"]["processed_record_count"] for one in jobs}


def _span(config: Manifest) -> int:
    """The bucket span of a job, in ms."""
    return int(config["analysis_config"]["bucket_span"].removesuffix("m")) * 60_000


def _wanted_of_job(spec: Manifest) -> dict[str, Any]:
    analysis = spec["analysisConfig"]
    wanted = {"span": analysis["bucketSpan"], "rules": sum("customRules" in one for one in analysis["detectors"])}
    given = {key: spec[key] for key in ("description", "groups") if key in spec}
    return wanted | given | {"memory": spec["analysisLimits"]["modelMemoryLimit"]}


def _facts_of_job(config: Manifest) -> dict[str, Any]:
    analysis, limits = config.get("analysis_config", {}), config.get("analysis_limits", {})
    return {
        "span": analysis.get("bucket_span"),
        "rules": sum(bool(one.get("custom_rules")) for one in analysis.get("detectors", [])),
        "description": config.get("description"),
        "groups": config.get("groups"),
        "memory": limits.get("model_memory_limit"),
    }


def _wanted_of_feed(spec: Manifest) -> dict[str, Any]:
    given = {"delay": spec.get("queryDelay"), "scroll": spec.get("scrollSize")}
    return {"indices": spec["indices"]} | {key: value for key, value in given.items() if value is not None}


def _facts_of_feed(config: Manifest) -> dict[str, Any]:
    return {
        "indices": config.get("indices"),
        "delay": config.get("query_delay"),
        "scroll": config.get("scroll_size"),
    }


def _versions(objects: list[Manifest]) -> dict[str, tuple[str, Manifest]]:
    return {
        f"{one['kind']}/{one['metadata']['namespace']}/{one['metadata']['name']}": (
            one["metadata"]["resourceVersion"],
            one,
        )
        for one in objects
    }


_WRITTEN_ALONG = {"resourceVersion", "managedFields"}  # these change with every write


def _changes(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What a write changed: the path of each field, with what it had and what it has."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after} - _WRITTEN_ALONG):
            yield from _changes(before.get(name), after.get(name), f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from _changes(*pair, f"{path}[{number}]")
    else:
        yield f"{path}: {before!r} -> {after!r}"


def _documents(engine: Engine) -> Counter[tuple[int, str]]:
    """How many documents each moment has of each host; the moments are whole multiples of their distance."""
    found: Counter[tuple[int, str]] = Counter()
    answer = engine.call("POST", f"/{INDEX}/_search", {"size": 10_000})
    for hit in answer["hits"]["hits"]:
        source = hit["_source"]
        found[source["@timestamp"] // DOCUMENTS_APART * DOCUMENTS_APART, source["host"]] += 1
    return found
