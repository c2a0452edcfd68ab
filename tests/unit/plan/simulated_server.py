"""A server with one job and one datafeed that keeps the `_ml` contract's rules to the letter.

It refuses what the real one refuses, fills in what the real one fills in, replaces what the real one replaces,
and counts which buckets were analysed, so that a skipped or a doubled one is seen.
"""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field, replace
from typing import Any

from anomalyops.plan import (
    CloseJob,
    CreateDatafeed,
    CreateJob,
    CreatePair,
    DatafeedState,
    DeleteDatafeed,
    DeleteJob,
    JobState,
    Joint,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    OpenJob,
    ResetJob,
    StartDatafeed,
    Step,
    StopDatafeed,
    UpdateDatafeed,
    UpdateJob,
    UpdateSnapshot,
)
from anomalyops.plan.pair.detectors import generated_description
from anomalyops.resources import parse_memory, parse_time

MB = 1024 * 1024
SPAN = 900_000  # ms of a bucket
EPOCH = 1_700_000_100_000 // SPAN * SPAN  # time of bucket 0

JOB_KEYS = {
    "job_id",
    "description",
    "groups",
    "analysis_config",
    "analysis_limits",
    "data_description",
    "model_plot_config",
    "model_snapshot_retention_days",
    "daily_model_snapshot_retention_after_days",
    "results_retention_days",
    "renormalization_window_days",
    "background_persist_interval",
    "custom_settings",
    "allow_lazy_open",
    "results_index_name",
}
JOB_UPDATE_KEYS = {
    "job_id",
    "allow_lazy_open",
    "analysis_limits",
    "background_persist_interval",
    "categorization_filters",
    "custom_settings",
    "daily_model_snapshot_retention_after_days",
    "description",
    "detectors",
    "groups",
    "model_plot_config",
    "model_prune_window",
    "model_snapshot_retention_days",
    "per_partition_categorization",
    "renormalization_window_days",
    "results_retention_days",
}
IN_ANALYSIS_CONFIG = {"categorization_filters", "model_prune_window", "per_partition_categorization"}
FEED_KEYS = {
    "datafeed_id",
    "job_id",
    "indices",
    "query",
    "aggregations",
    "aggs",
    "script_fields",
    "runtime_mappings",
    "query_delay",
    "frequency",
    "scroll_size",
    "chunking_config",
    "delayed_data_check_config",
    "max_empty_searches",
    "indices_options",
}
FULL_NAMES = {"avg": "mean", "nzc": "non_zero_count", "dc": "distinct_count"}


class MlError(Exception):
    """What the server answers instead of doing it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status


def refuse_unless(fine: bool, status: int, reason: str) -> None:
    if not fine:
        raise MlError(status, reason)


@dataclass
class Run:
    """A running datafeed: the next bucket, and where it ends (None: real time)."""

    next_bucket: int
    end: int | None


@dataclass
class Server:
    """The server. `now` is the number of buckets that the source data has so far."""

    now: int = 8
    job: dict[str, Any] | None = None
    job_state: JobState = JobState.CLOSED
    blocked: str | None = None
    model_bytes: int = 0
    used_persist_interval: str | None = None  # what the running job process was opened with
    analysed: list[int] = field(default_factory=list)
    explanation: str = ""
    feed: dict[str, Any] | None = None
    feed_state: DatafeedState = DatafeedState.STOPPED
    run: Run | None = None
    searches: int = 0
    completed: bool | None = None  # what the messages say about the last bounded run
    silent: bool = False  # its messages cannot be read
    empty: bool = False  # the indices hold nothing
    upgrade_mode: bool = False
    refuses: str = ""  # "job", "update" or "datafeed": what it does not create or change any more
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    lost: int = 0  # how many models were lost: resets and deletions of a job that had learned

    def copy(self) -> Server:
        """The same server, to go another way with."""
        return pickle.loads(pickle.dumps(self))

    # -- looking ----------------------------------------------------------------------------------------------

    def observe(self) -> Observed:
        counts: dict[str, Any] = {"processed_record_count": len(self.analysed)}
        if self.analysed:
            counts["latest_record_timestamp"] = EPOCH + self.analysed[-1] * SPAN
        job = feed = None
        if self.job is not None:
            job = ObservedJob(
                config=copy.deepcopy(self.job),
                state=self.job_state,
                blocked=self.blocked,
                model_bytes=self.model_bytes,
                assignment_explanation=self.explanation,
                stats={"data_counts": counts},
                snapshots=tuple(copy.deepcopy(self.snapshots)),
            )
        if self.feed is not None:
            stats: dict[str, Any] = {"timing_stats": {"search_count": self.searches}}
            if self.run is not None:
                stats["running_state"] = {"real_time_configured": self.run.end is None}
            said = None if self.silent else self.completed
            feed = ObservedDatafeed(config=copy.deepcopy(self.feed), state=self.feed_state, stats=stats, completed=said)
        return Observed(job=job, datafeed=feed, upgrade_mode=self.upgrade_mode, now_ms=EPOCH + self.now * SPAN)

    # -- doing ------------------------------------------------------------------------------------------------

    def execute(self, step: Step) -> None:
        refuse_unless(not self.upgrade_mode, 429, "upgrade mode")
        match step:
            case CreateJob():
                self._create_job(step.job_id, dict(step.body))
            case UpdateJob():
                self._update_job(step.job_id, dict(step.body))
            case UpdateSnapshot():
                self._update_snapshot(step.job_id, step.snapshot_id, dict(step.body))
            case OpenJob():
                self._open(step.job_id)
            case CloseJob():
                self._close(step.job_id, step.force)
            case ResetJob():
                self._reset(step.job_id)
            case DeleteJob():
                self._delete_job(step.job_id)
            case CreateDatafeed():
                self._create_feed(step.datafeed_id, dict(step.body))
            case UpdateDatafeed():
                self._update_feed(step.datafeed_id, dict(step.body))
            case StartDatafeed():
                self._start(step.datafeed_id, step.start, step.end)
            case StopDatafeed():
                self._stop(step.datafeed_id, step.force)
            case DeleteDatafeed():
                self._delete_feed(step.datafeed_id)
            case _:
                raise AssertionError(step)

    def execute_joined(self, call: Step | Joint, *, stops: int | None = None) -> None:
        """One call, which may do several steps; `stops` after so many things that it does.

        A datafeed that comes with its job and is refused takes the job back.
        """
        if not isinstance(call, CreatePair):
            assert isinstance(call, Step)
            return self.execute(call)
        parts = copy.deepcopy(call.body)
        feed = parts.pop("datafeed_config")
        assert feed.pop("job_id") == call.job.job_id
        if stops == 0:
            return None
        self.execute(replace(call.job, body=parts))
        if stops == 1:
            return None
        try:
            datafeed_id = feed.pop("datafeed_id")
            self.execute(replace(call.datafeed, datafeed_id=datafeed_id, body={**feed, "job_id": call.job.job_id}))
        except MlError:
            if stops != 2:
                self._delete_job(call.job.job_id)
                raise

    def tick(self) -> None:
        """Time passes: a bucket of data arrives, and a running datafeed reads what is there."""
        self.now += 1
        if self.job_state is JobState.OPENING:
            self.job_state = JobState.OPENED
        if self.job_state is JobState.CLOSING:
            self.job_state = JobState.CLOSED
        if self.feed_state is DatafeedState.STARTING and self.job_state is JobState.OPENED:
            self.feed_state = DatafeedState.STARTED
        if self.feed_state is DatafeedState.STOPPING:
            self._stopped()
        if self.feed_state is DatafeedState.STARTED and self.job_state is JobState.OPENED and self.run is not None:
            self._search(self.run)

    def _search(self, run: Run) -> None:
        self.searches += 1
        limit = self.now if run.end is None else min(self.now, run.end)
        if not self.empty:
            self.analysed += range(run.next_bucket, limit)
            run.next_bucket = max(run.next_bucket, limit)
            self.model_bytes = max(self.model_bytes, min(len(self.analysed), 300) * MB)
        bounded_end = run.end is not None and (run.next_bucket >= run.end or self.empty)
        most = (self.feed or {}).get("max_empty_searches") or -1
        gave_up = run.end is None and not self.analysed and 0 < most <= self.searches
        self.completed = self.completed or bounded_end
        if bounded_end or gave_up:
            self.feed_state, self.run = DatafeedState.STOPPED, None
            self.job_state = JobState.CLOSED

    def fail(self) -> None:
        """The job's process dies; the server force-stops the datafeed."""
        self.job_state, self.explanation = JobState.FAILED, "the process died"
        self.feed_state, self.run = DatafeedState.STOPPED, None

    # -- jobs -------------------------------------------------------------------------------------------------

    def _the_job(self, job_id: str) -> dict[str, Any]:
        refuse_unless(self.job is not None and self.job["job_id"] == job_id, 404, f"No known job with id '{job_id}'")
        assert self.job is not None
        return self.job

    def _create_job(self, job_id: str, body: dict[str, Any]) -> None:
        refuse_unless(self.refuses != "job", 400, "no such jobs here")
        refuse_unless(self.job is None, 400, "The Id is already used")
        refuse_unless(set(body) <= JOB_KEYS, 400, f"unknown field {set(body) - JOB_KEYS}")
        self.job = filled_job(job_id, copy.deepcopy(body))
        self.job_state, self.blocked, self.model_bytes, self.analysed = JobState.CLOSED, None, 0, []

    def _update_job(self, job_id: str, body: dict[str, Any]) -> None:
        job = self._the_job(job_id)
        refuse_unless(self.refuses != "update" or set(body) == {"custom_settings"}, 400, "no such updates here")
        refuse_unless(bool(body), 400, "an empty update says nothing")
        refuse_unless(set(body) <= JOB_UPDATE_KEYS, 400, f"[job_update] unknown field {set(body) - JOB_UPDATE_KEYS}")
        for key, value in copy.deepcopy(body).items():
            if key == "analysis_limits":
                self._update_limits(job, value)
            elif key == "detectors":
                self._update_detectors(job, value)
            elif key in IN_ANALYSIS_CONFIG:
                self._update_analysis(job, key, value)
            elif key == "model_plot_config":
                job[key] = {"annotations_enabled": value.get("enabled", False), **value}
            else:
                job[key] = value

    def _update_limits(self, job: dict[str, Any], limits: dict[str, Any]) -> None:
        if "model_memory_limit" in limits:
            open_ = self.job_state is JobState.OPENED
            refuse_unless(not open_, 400, "Cannot update analysis_limits while the job is open")
            # Only the state "opened" is refused by the server; the plan promises more.
            assert self.job_state is JobState.CLOSED, f"law 1: memory limit changed on a job that is {self.job_state}"
            wanted = parse_memory(limits["model_memory_limit"]) // MB
            used = self.model_bytes // MB
            refuse_unless(wanted >= used, 400, f"cannot be decreased below current usage [{used}mb], had [{wanted}mb]")
        job["analysis_limits"] = filled_limits(limits)

    def _update_detectors(self, job: dict[str, Any], updates: list[dict[str, Any]]) -> None:
        detectors = job["analysis_config"]["detectors"]
        for update in updates:
            unknown = set(update) - {"detector_index", "description", "custom_rules"}
            refuse_unless(not unknown, 400, f"unknown field {unknown}")
            refuse_unless(update["detector_index"] < len(detectors), 400, "Supplied detector_index is >= the number")
            detector = detectors[update["detector_index"]]
            if "description" in update:
                detector["detector_description"] = update["description"]
            if "custom_rules" in update:
                detector["custom_rules"] = filled_rules(update["custom_rules"])

    def _update_analysis(self, job: dict[str, Any], key: str, value: Any) -> None:
        config = job["analysis_config"]
        if key == "per_partition_categorization":
            old = (config.get(key) or {}).get("enabled", False)
            refuse_unless(value.get("enabled", old) == old, 400, "enabled cannot be updated")
        if key == "categorization_filters":
            refuse_unless("categorization_analyzer" not in config, 400, "cannot be used with categorization_analyzer")
        config[key] = value

    def _update_snapshot(self, job_id: str, snapshot_id: str, body: dict[str, Any]) -> None:
        self._the_job(job_id)
        refuse_unless(bool(body), 400, "an empty update says nothing")
        refuse_unless(set(body) <= {"retain", "description"}, 400, "unknown field")
        found = next((one for one in self.snapshots if one["snapshot_id"] == snapshot_id), None)
        refuse_unless(found is not None, 404, f"No model snapshot with id [{snapshot_id}] exists for job [{job_id}]")
        assert found is not None
        found.update(body)

    def take_snapshot(self) -> None:
        """The model is stored, as it is now and then while a job reads."""
        if self.analysed:
            number = 1 + max((int(one["snapshot_id"]) for one in self.snapshots), default=0)
            latest = EPOCH + self.analysed[-1] * SPAN
            self.snapshots.append({"snapshot_id": str(number), "latest_record_time_stamp": latest, "timestamp": number})

    def expire(self) -> None:
        """The oldest snapshot that nobody retains is deleted; never the newest, which the job is opened with."""
        old = [one for one in self.snapshots[:-1] if not one.get("retain")]
        if old:
            self.snapshots.remove(old[0])

    def _open(self, job_id: str) -> None:
        job = self._the_job(job_id)
        refuse_unless(self.job_state is JobState.CLOSED, 409, "because it has already been opened")
        refuse_unless(self.blocked is None, 409, f"because it is executing [{self.blocked}]")
        job.pop("finished_time", None)
        lazy = job.get("allow_lazy_open") and self.now % 2
        self.job_state = JobState.OPENING if lazy else JobState.OPENED
        self.used_persist_interval = job.get("background_persist_interval")
        self.explanation = ""

    def _close(self, job_id: str, force: bool) -> None:
        self._the_job(job_id)
        assert self.feed_state is DatafeedState.STOPPED, "law 1: a job is closed while its datafeed runs"
        if self.job_state is JobState.FAILED:
            refuse_unless(force, 409, "cannot close job because it failed, use force close")
        else:
            assert not force, "force loses what the model learned since it was stored"
        self.job_state, self.explanation = JobState.CLOSED, ""

    def _reset(self, job_id: str) -> None:
        self._the_job(job_id)
        refuse_unless(self.job_state is JobState.CLOSED, 409, "Can only reset a job when it is closed.")
        self._lose()

    def _lose(self) -> None:
        self.lost += bool(self.analysed or self.model_bytes)
        self.model_bytes, self.analysed, self.snapshots = 0, [], []

    def _delete_job(self, job_id: str) -> None:
        self._the_job(job_id)
        refuse_unless(self.job_state is JobState.CLOSED, 409, f"because the job is {self.job_state}")
        if self.feed is not None:  # goes with its job
            self._delete_feed(self.feed["datafeed_id"])
        self._lose()
        self.job = None

    # -- datafeeds --------------------------------------------------------------------------------------------

    def _the_feed(self, datafeed_id: str) -> dict[str, Any]:
        found = self.feed is not None and self.feed["datafeed_id"] == datafeed_id
        refuse_unless(found, 404, f"No datafeed with id [{datafeed_id}] exists")
        assert self.feed is not None
        return self.feed

    def _create_feed(self, datafeed_id: str, body: dict[str, Any]) -> None:
        refuse_unless(self.refuses != "datafeed", 400, "no such datafeeds here")
        refuse_unless(set(body) <= FEED_KEYS, 400, f"unknown field {set(body) - FEED_KEYS}")
        self._the_job(body["job_id"])
        refuse_unless(self.feed is None, 409, "A datafeed already exists for job")
        refuse_unless(not {"aggs", "aggregations"} <= set(body), 400, "Found two aggregation definitions")
        self.feed = filled_feed(datafeed_id, copy.deepcopy(body))
        self.feed_state, self.run, self.searches = DatafeedState.STOPPED, None, 0

    def _update_feed(self, datafeed_id: str, body: dict[str, Any]) -> None:
        feed = self._the_feed(datafeed_id)
        refuse_unless(self.refuses != "datafeed", 400, "no such datafeeds here")
        stopped = self.feed_state is DatafeedState.STOPPED
        refuse_unless(stopped, 409, f"Cannot update datafeed while its status is {self.feed_state}")
        refuse_unless(set(body) <= FEED_KEYS, 400, f"unknown field {set(body) - FEED_KEYS}")
        refuse_unless(not {"aggs", "aggregations"} <= set(body), 400, "Found two aggregation definitions")
        known = {key: value for key, value in feed.items() if key not in body}
        self.feed = filled_feed(datafeed_id, {**known, **copy.deepcopy(body)})

    def _start(self, datafeed_id: str, start: str | None, end: str | None) -> None:
        self._the_feed(datafeed_id)
        refuse_unless(self.feed_state is DatafeedState.STOPPED, 409, "it has already been started")
        self.completed = False
        ready = self.job_state in (JobState.OPENED, JobState.OPENING)
        refuse_unless(ready, 409, f"cannot start datafeed because job is {self.job_state}")
        first = 0 if start is None else max(0, bucket_of(start))
        last = None if end is None else bucket_of(end)
        refuse_unless(last is None or start is None or first < last, 400, "start must be earlier than end")
        assert start is None or not self.analysed, "a start after the first run skips or repeats nothing; leave it out"
        if self.analysed:
            first = max(first, self.analysed[-1] + 1)
        self.run = Run(next_bucket=first, end=last)
        lazy = self.job_state is JobState.OPENING
        self.feed_state = DatafeedState.STARTING if lazy else DatafeedState.STARTED

    def _stop(self, datafeed_id: str, force: bool) -> None:
        self._the_feed(datafeed_id)
        assert not force or self.job_state is JobState.FAILED, "force isolates a datafeed that could be stopped"
        self._stopped()

    def _stopped(self) -> None:
        bounded = self.run is not None and self.run.end is not None
        self.feed_state, self.run = DatafeedState.STOPPED, None
        if bounded and self.job_state is JobState.OPENED:
            self.job_state = JobState.CLOSING  # the server closes it by itself, after a while

    def _delete_feed(self, datafeed_id: str) -> None:
        self._the_feed(datafeed_id)
        stopped = self.feed_state is DatafeedState.STOPPED
        refuse_unless(stopped, 409, f"Cannot delete datafeed while its status is {self.feed_state}")
        self.feed = None


# -- what the server fills in -------------------------------------------------------------------------------------


def bucket_of(time: str) -> int:
    return (parse_time(time) - EPOCH) // SPAN


def filled_limits(limits: dict[str, Any]) -> dict[str, Any]:
    memory = limits.get("model_memory_limit", "1024mb")
    return {
        "model_memory_limit": f"{parse_memory(memory) // MB}mb",
        "categorization_examples_limit": limits.get("categorization_examples_limit", 4),
    }


def filled_rules(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "actions": ["skip_result"],
            **rule,
            **(
                {"scope": {name: {"filter_type": "include", **part} for name, part in rule["scope"].items()}}
                if "scope" in rule
                else {}
            ),
        }
        for rule in rules
    ]


def filled_job(job_id: str, body: dict[str, Any]) -> dict[str, Any]:
    analysis = body["analysis_config"]
    detectors = []
    for index, given in enumerate(analysis["detectors"]):
        detector = {"detector_description": generated_description(given), **given, "detector_index": index}
        detector["function"] = FULL_NAMES.get(given["function"], given["function"])
        if not detector.get("use_null"):
            detector.pop("use_null", None)  # printed only when true
        if "custom_rules" in detector:
            detector["custom_rules"] = filled_rules(detector["custom_rules"])
        detectors.append(detector)
    config = {"bucket_span": "5m", "influencers": [], "model_prune_window": "30d", **analysis, "detectors": detectors}
    if "categorization_field_name" in config and "categorization_analyzer" not in config:
        patterns = config.pop("categorization_filters", [])
        config["categorization_analyzer"] = {
            "char_filter": [
                "first_line_with_letters",
                *({"type": "pattern_replace", "pattern": pattern} for pattern in patterns),
            ],
            "tokenizer": "ml_standard",
        }
    description = {"time_field": "time", "time_format": "epoch_ms", **body.get("data_description", {})}
    description.pop("format", None)
    filled = {
        "job_type": "anomaly_detector",
        "job_version": "12.0.0",
        "create_time": 1,
        "model_snapshot_retention_days": 10,
        "daily_model_snapshot_retention_after_days": 1,
        "allow_lazy_open": False,
        **body,
        "job_id": job_id,
        "analysis_config": config,
        "analysis_limits": filled_limits(body.get("analysis_limits", {})),
        "data_description": description,
    }
    name = body.get("results_index_name", "shared")
    filled["results_index_name"] = name if name == "shared" or name.startswith("custom-") else f"custom-{name}"
    if "model_plot_config" in filled:
        plot = filled["model_plot_config"]
        filled["model_plot_config"] = {"annotations_enabled": plot.get("enabled", False), **plot}
    if not filled.get("groups"):
        filled.pop("groups", None)
    return filled


def filled_feed(datafeed_id: str, body: dict[str, Any]) -> dict[str, Any]:
    if "aggs" in body:
        body["aggregations"] = body.pop("aggs")
    if isinstance(body["indices"], str):
        body["indices"] = [body["indices"]]
    for script_field in body.get("script_fields", {}).values():
        script_field.setdefault("ignore_failure", False)
        script_field["script"] = {"lang": "painless", **script_field["script"]}
    options = body.get("indices_options") or {}
    wildcards = options.get("expand_wildcards", ["open"])
    names = ["open", "closed", "hidden"] if "all" in wildcards else sorted(wildcards, reverse=True)
    aggregated = "aggregations" in body
    chunking = {"mode": "manual", "time_span": "900000000ms"} if aggregated else {"mode": "auto"}
    filled = {
        "query": {"match_all": {"boost": 1}},
        "query_delay": "61499ms",
        "scroll_size": 1000,
        "chunking_config": chunking,
        "delayed_data_check_config": {"enabled": True},
        **body,
        "datafeed_id": datafeed_id,
        "indices_options": {
            "ignore_unavailable": False,
            "allow_no_indices": True,
            "ignore_throttled": True,
            **options,
            "expand_wildcards": names,
        },
    }
    if filled["query"] == {"match_all": {}}:
        filled["query"] = {"match_all": {"boost": 1}}
    if filled.get("max_empty_searches") == -1:
        del filled["max_empty_searches"]
    return filled
