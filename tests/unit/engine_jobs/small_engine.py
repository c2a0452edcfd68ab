"""An engine of one process and no threads on a store: jobs and datafeeds that move when a test says so."""

import json
from contextlib import contextmanager

from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.feed import RunningDatafeed
from anomalyops_engine.jobs.journal import load_analysis
from anomalyops_engine.jobs.results import BUCKETS, INFLUENCERS, RECORDS, ResultQuery
from anomalyops_engine.jobs.runtime import Settings
from anomalyops_engine.query import search
from anomalyops_engine.scoring.snapshot import read_snapshot


class Killed(BaseException):
    """The process ended here."""


class MortalStore:
    """A store whose process ends at one of its writes: before it is durable, or right after."""

    def __init__(self, store, at=None, *, durable=False):
        self._store, self._at, self._durable = store, at, durable
        self.writes = 0
        self.folder = store.folder

    def read(self):
        return self._store.read()

    @contextmanager
    def write(self):
        self.writes += 1
        fatal = self.writes == self._at
        with self._store.write() as writer:
            yield writer
            if fatal and not self._durable:
                raise Killed
        if fatal:
            raise Killed


class SmallEngine:
    """What an engine that has just started on a store can do."""

    def __init__(self, store):
        self.service = JobService(store, Settings(workers=1))
        self.registry = self.service._registry
        self.registry.load()

    def entry(self, job_id):
        return self.registry.jobs[job_id]

    def running(self, job_id, end_ms=None, start_ms=None):
        """A started run of the datafeed of an open job, which steps by hand."""
        feed = self.registry.datafeeds[job_id]
        feed.run.state, feed.run.start_ms, feed.run.end_ms = "started", start_ms, end_ms
        with self.registry.store.write() as writer:
            self.registry.save_datafeed_run(writer, job_id, feed.run)
        return self.resumed(job_id)

    def resumed(self, job_id):
        """The run of a datafeed that was started before the process ended."""
        runtime = self.service._runtime
        running = RunningDatafeed(
            self.registry,
            self.entry(job_id),
            self.registry.datafeeds[job_id],
            node="n",
            ready=lambda: True,
            on_end=runtime.finish,
        )
        runtime.running[job_id] = running
        return running

    def look_back(self, job_id, end_ms):
        """Open a job, if it is not, and let its datafeed run up to a time; the job is closed then."""
        if self.entry(job_id).run.state == "closed":
            self.service.jobs.open(job_id)
        running = self.running(job_id, end_ms)
        while self.entry(job_id).run.state == "opened":
            running.step()

    def delete(self, job_id):
        self.service.jobs.delete(job_id, force=True, delete_user_annotations=True, task="t")

    def found(self, job_id):
        """Results without names and timings."""
        results = []
        for kind in (BUCKETS, RECORDS, INFLUENCERS):
            page = self.service.results.page(job_id, kind, ResultQuery(size=10_000, sort="timestamp"))
            for body in page[kind.key]:
                plain = json.loads(json.dumps(body).replace(f'"{job_id}"', '"job"'))
                plain.pop("processing_time_ms", None)
                results.append(plain)
        return sorted(results, key=lambda body: (body["timestamp"], json.dumps(body, sort_keys=True)))

    def learnt(self, job_id):
        """Everything learnt but the normaliser, which names documents by their ids, and these name the job."""
        plain, arrays = read_snapshot(load_analysis(self.registry, self.entry(job_id)).snapshot())
        del plain["normaliser"]
        return plain, {name: array.tobytes() for name, array in arrays.items()}

    def outcome(self, job_id):
        return self.found(job_id), self.learnt(job_id)

    def messages(self, job_id):
        """The texts of a job's notifications, oldest first."""
        with self.registry.store.read() as reader:
            return [hit["_source"]["message"] for hit in self._search(reader, ".ml-notifications-000002", job_id)]

    def annotations(self, job_id):
        with self.registry.store.read() as reader:
            return [hit["_source"] for hit in self._search(reader, ".ml-annotations-000001", job_id)]

    def _search(self, reader, index, job_id):
        body = {"query": {"term": {"job_id": job_id}}, "size": 10_000, "sort": [{"timestamp": "asc"}]}
        return search(reader, reader.resolve(index), body)["hits"]["hits"]
