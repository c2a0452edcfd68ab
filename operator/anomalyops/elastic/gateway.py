"""The gateway to one Elasticsearch: every call that the operator makes, plain dicts and ids in and out.

It knows the server's manners, not the operator's resources: an id that exists already is a 400, a job that is
open already a 409; `_close` and `_stop` are done when the stats say so, not when they return; an `_open` that
ran out of time may still succeed; a delete right after a close may meet a version conflict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from anomalyops.elastic import messages, scores
from anomalyops.elastic.errors import (
    AlreadyOpened,
    AlreadyStarted,
    Forbidden,
    NotFound,
    Rejected,
    ServerError,
    Timeout,
    Unsupported,
)
from anomalyops.elastic.forecasts import Forecasts
from anomalyops.elastic.kibana import sync_saved_objects
from anomalyops.elastic.messages import MlMessage
from anomalyops.elastic.paths import quoted
from anomalyops.elastic.patience import Patience
from anomalyops.elastic.rest import Endpoint, Rest, Timed
from anomalyops.elastic.scores import LatestScores
from anomalyops.elastic.server import ServerInfo, server_info
from anomalyops.elastic.together import Together
from anomalyops.elastic.trial import Trial
from anomalyops.fencing import Guard, free

JsonDict = dict[str, Any]

_JOBS = "/_ml/anomaly_detectors"
_FEEDS = "/_ml/datafeeds"
_FILTERS = "/_ml/filters"
_CALENDARS = "/_ml/calendars"
_LONGEST = 2000  # characters of the names in a path; a server takes 4096 bytes for the whole line
_MOST = "10000"  # that a server tells of in one answer
# What is read of the stats of all jobs and all datafeeds. Left out are times and addresses, half of an answer.
JOB_STATS = (
    *("job_id", "state", "deleting", "assignment_explanation", "node.name"),
    *("data_counts", "model_size_stats"),
)
FEED_STATS = (
    *("datafeed_id", "state", "assignment_explanation", "node.name", "running_state"),
    *("timing_stats.job_id", "timing_stats.search_count", "timing_stats.total_search_time_ms"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPair:
    """One job and its datafeed as the server has them; None for what does not exist.

    `other_job` is the job whose datafeed has the id that this job's datafeed was expected to have.
    """

    job: JsonDict | None
    job_stats: JsonDict | None
    datafeed: JsonDict | None
    datafeed_stats: JsonDict | None
    other_job: JsonDict | None = None


class Gateway:
    """All calls to one server. Every failure is a `GatewayError`; every method may be used concurrently."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        state_timeout: float = 120.0,
        poll_interval: float = 0.1,
        timed: Timed | None = None,
        guard: Guard = free,
    ) -> None:
        """Prepares a connection; nothing is sent yet.

        Args:
            endpoint: Where and how.
            state_timeout: Seconds that opening, closing, starting, stopping, resetting or deleting may take.
            poll_interval: Seconds between the first looks at a state that is awaited; grows up to 1 s.
            timed: Is told of every call.
            guard: Says whether something may be changed now.

        Raises:
            ValueError: The CA is not PEM.
        """
        self.endpoint = endpoint
        self.rest = Rest(endpoint, timed=timed, guard=guard)
        self.trial = Trial(self.rest)
        self.forecasts = Forecasts(self.rest)
        self._patience = Patience(self.rest, state_timeout=state_timeout, poll_interval=poll_interval)
        # Every creation asks both; many creations at once ask together.
        self._identity = Together(partial(self.rest.read, "GET", "/"))
        self._ml_info = Together(partial(self.rest.read, "GET", "/_ml/info"))

    async def close(self) -> None:
        """Closes the connections."""
        await self.rest.close()

    # -- the server --------------------------------------------------------------------------------

    async def info(self) -> ServerInfo:
        """Version, licence and machine learning availability; see `server_info`."""
        return await server_info(self.rest)

    async def cluster_uuid(self) -> str:
        """The identity of the cluster that answers; empty when it has none."""
        return str((await self._identity.ask()).get("cluster_uuid", ""))

    async def upgrade_mode(self) -> bool:
        """Whether `set_upgrade_mode` is on."""
        return bool((await self._ml_info.ask()).get("upgrade_mode", False))

    async def sync_saved_objects(self) -> JsonDict:
        """Lets Kibana see jobs created through the API; see `anomalyops.elastic.kibana`."""
        return await sync_saved_objects(self.endpoint, guard=self.rest.guard)

    # -- bulk reads, one call each -----------------------------------------------------------------

    async def jobs(self) -> dict[str, JsonDict]:
        """Every job's configuration by id (the server answers at most 10,000)."""
        return _by_id(await self._list(f"{_JOBS}/_all"), "jobs", "job_id")

    async def datafeeds(self) -> dict[str, JsonDict]:
        """Every datafeed's configuration by id."""
        return _by_id(await self._list(f"{_FEEDS}/_all"), "datafeeds", "datafeed_id")

    async def job_stats(self) -> dict[str, JsonDict]:
        """Every job's state and counters by id: what is read of them, of thousands at a time."""
        return _by_id(await self._list(f"{_JOBS}/_all/_stats", "jobs", JOB_STATS), "jobs", "job_id")

    async def datafeed_stats(self) -> dict[str, JsonDict]:
        """Every datafeed's state and counters by id: what is read of them, of thousands at a time."""
        return _by_id(await self._list(f"{_FEEDS}/_all/_stats", "datafeeds", FEED_STATS), "datafeeds", "datafeed_id")

    async def filters(self) -> dict[str, JsonDict]:
        """Every filter list by id (the server answers at most 10,000)."""
        answer = await self.rest.read("GET", _FILTERS, query={"size": _MOST})
        return _by_id(dict(answer), "filters", "filter_id")

    async def calendars(self) -> dict[str, JsonDict]:
        """Every calendar by id, without its events."""
        answer = await self.rest.read("GET", _CALENDARS, query={"size": _MOST})
        return _by_id(dict(answer), "calendars", "calendar_id")

    async def events(self) -> dict[str, list[JsonDict]]:
        """The events of every calendar by its id: one call; one a calendar where there are too many for that."""
        answer = await self.rest.read("GET", f"{_CALENDARS}/_all/events", query={"size": _MOST})
        listed = answer.get("events", [])
        found: dict[str, list[JsonDict]] = {}
        if int(answer.get("count", 0)) > len(listed):
            for calendar_id in await self.calendars():
                found[calendar_id] = await self.events_of(calendar_id)
            return found
        for event in listed:
            found.setdefault(str(event["calendar_id"]), []).append(event)
        return found

    async def ml_messages_since(self, since_ms: int, known: Collection[str] = ()) -> list[MlMessage]:
        """What the ML plugin said about jobs since a time, oldest first: problems and news of datafeeds.

        One call. Where they do not fit in one page, page by page: all problems, then the news.

        Args:
            since_ms: Milliseconds since the epoch, inclusive.
            known: Ids of messages that need not be sent again.
        """
        first = messages.page(await self._search_messages(messages.search_body(since_ms, known=known)))
        if first.rest is None:
            return first.messages
        found = {message.id: message for message in first.messages}
        for sort in (messages.Sort.PROBLEMS, messages.Sort.NEWS):
            rest: messages.Rest | None = None
            for _ in range(messages.PAGES):
                body = messages.search_body(since_ms, sort, known=known, rest=rest)
                answer = messages.page(await self._search_messages(body), rest)
                found.update((message.id, message) for message in answer.messages)
                rest = answer.rest
                if rest is None:
                    break
        return sorted(found.values(), key=lambda message: message.timestamp)

    async def latest_scores(self, spans: Collection[int], now_ms: int) -> dict[str, LatestScores]:
        """How anomalous the latest finished bucket of each job is, by job id: one search.

        Args:
            spans: The bucket spans of the jobs, in seconds.
            now_ms: The present, in milliseconds since the epoch: what is long ago is not the latest news.
        """
        return scores.parse(await self._search_hidden(scores.INDICES, scores.search_body(spans, now_ms)))

    async def anomalous_buckets(
        self, job_ids: Collection[str], min_score: float, since_ms: int
    ) -> dict[str, list[tuple[int, float]]]:
        """The finished buckets of jobs that were found with a score, by job id: when each begins, and that score.

        A page of a search at a time, the latest first; one page, where a page holds them all.

        Args:
            job_ids: The jobs.
            min_score: The least score, 0 to 100.
            since_ms: Milliseconds since the epoch, inclusive.
        """
        found: dict[str, list[tuple[int, float]]] = {}
        after: list[Any] | None = None
        for _ in range(scores.PAGES):
            body = scores.anomalous_body(job_ids, min_score, since_ms, after)
            rows, after = scores.parse_anomalous(await self._search_hidden(scores.INDICES, body))
            for job_id, at, score in rows:
                found.setdefault(job_id, []).append((at, score))
            if after is None:
                break
        return found

    async def lookback_completed(self, job_id: str) -> bool | None:
        """Whether the last bounded run of a job's datafeed came to its end; None when the server does not say.

        It may be said a second or so after the datafeed has stopped.
        """
        try:
            return messages.run_completed(messages.parse(await self._search_messages(messages.run_search_body(job_id))))
        except (Forbidden, NotFound, Rejected, Unsupported):
            return None

    async def job_messages(self, job_id: str, most: int) -> list[MlMessage]:
        """The latest messages of one job, oldest first: notifications and annotations."""
        body = {
            "size": most,
            "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
            "query": {"bool": {"filter": [{"term": {"job_id": job_id}}]}},
        }
        return messages.page(await self._search_messages(body)).messages

    async def _search_messages(self, body: JsonDict) -> JsonDict:
        return await self._search_hidden(messages.INDICES, body)

    async def _search_hidden(self, indices: str, body: JsonDict) -> JsonDict:
        hidden = {"ignore_unavailable": "true", "allow_no_indices": "true", "expand_wildcards": "open,hidden"}
        return await self.rest.read("POST", f"/{indices}/_search", query=hidden, body=body)

    async def _list(self, path: str, key: str = "", parts: Sequence[str] = ()) -> JsonDict:
        """All items of a listing under `key`; of each the parts alone, where some are named."""
        chosen = {"filter_path": ",".join(("count", *(f"{key}.{part}" for part in parts)))} if parts else {}
        return dict(await self.rest.read("GET", path, query={"allow_no_match": "true", **chosen}))

    async def values_of(
        self, indices: Sequence[str], field: str, query: Mapping[str, Any] | None, *, most: int
    ) -> tuple[str, ...]:
        """The values that a field has in indices, the most frequent ones: one search.

        Args:
            indices: Where to look; what does not exist is an error, and not empty.
            field: A field that can be aggregated.
            query: Query DSL that says which documents count; None for all.
            most: How many values are wanted at most.

        Raises:
            ServerError: Not all shards have answered.
        """
        path = f"/{quote(','.join(indices), safe=',*:-.')}/_search"
        body: JsonDict = {"size": 0, "aggs": {"values": {"terms": {"field": field, "size": most}}}}
        if query is not None:
            body["query"] = query
        strict = {"ignore_unavailable": "false", "allow_no_indices": "false"}
        answer = await self.rest.read("POST", path, query=strict, body=body)
        failed = int(answer.get("_shards", {}).get("failed", 0))
        if failed or answer.get("timed_out"):
            raise ServerError(f"{failed or 'some'} shards have not answered", call=f"POST {path}", status=200)
        buckets = answer["aggregations"]["values"]["buckets"]
        return tuple(sorted(str(one.get("key_as_string", one["key"])) for one in buckets))

    # -- reads of one pair -------------------------------------------------------------------------

    async def pair(self, job_id: str, datafeed_id: str | None, *, missing: bool = False) -> ServerPair:
        """A job, its datafeed (whatever its id) and the stats of both: three calls.

        One more where the datafeed has another id, two more where the expected one belongs to another job.

        Args:
            job_id: The job.
            datafeed_id: The id that the job's datafeed is expected to have, None for no expectation.
            missing: The job is expected to be missing: one call where it is, which tells nothing of another job whose
                datafeed has the id.
        """
        expected = self.datafeed_stats_of(datafeed_id) if datafeed_id is not None else _nothing()
        if missing:
            job = await self.job(job_id)
            if job is None:
                expected.close()
                return ServerPair(job=None, job_stats=None, datafeed=None, datafeed_stats=None)
            feed_stats = await expected
        else:
            job, feed_stats = await asyncio.gather(self.job(job_id), expected)
        feed: JsonDict | None = job.get("datafeed_config") if job is not None else None
        elsewhere = feed_stats is not None and (feed is None or feed["datafeed_id"] != datafeed_id)
        other_job = await self._job_of_datafeed(datafeed_id, job_id) if datafeed_id and elsewhere else None
        if feed is not None and (feed_stats is None or feed["datafeed_id"] != datafeed_id):
            feed_stats = await self.datafeed_stats_of(str(feed["datafeed_id"]))
        # The job's stats come last: a lookback that is seen to have stopped has closed its job and counted everything.
        job_stats = await self.job_stats_of(job_id) if job is not None else None
        if job_stats is None or feed is None or feed_stats is None:
            known = job if job_stats is not None else None
            return ServerPair(job=known, job_stats=job_stats, datafeed=None, datafeed_stats=None, other_job=other_job)
        return ServerPair(job=job, job_stats=job_stats, datafeed=feed, datafeed_stats=feed_stats, other_job=other_job)

    async def running_pair(self, job: JsonDict, datafeed: JsonDict | None) -> ServerPair | None:
        """A job and its datafeed whose configurations are known, with the stats of both: two calls.

        Args:
            job: The job's configuration.
            datafeed: That of its datafeed, None for none.

        Returns:
            None where one of them is missing.
        """
        feed_stats = None
        if datafeed is not None:
            feed_stats = await self.datafeed_stats_of(str(datafeed["datafeed_id"]))
            if feed_stats is None:
                return None
        job_stats = await self.job_stats_of(str(job["job_id"]))  # last, as above
        if job_stats is None:
            return None
        return ServerPair(job=job, job_stats=job_stats, datafeed=datafeed, datafeed_stats=feed_stats)

    async def _job_of_datafeed(self, datafeed_id: str, expected: str) -> JsonDict | None:
        """The job that a datafeed belongs to, None where it is the expected one or the datafeed went meanwhile."""
        config = await self.datafeed(datafeed_id)
        if config is None or config["job_id"] == expected:
            return None
        return await self.job(str(config["job_id"]))

    async def job(self, job_id: str) -> JsonDict | None:
        """One job's configuration with its datafeed embedded as `datafeed_config`."""
        return await self._one(f"{_JOBS}/{quoted(job_id)}", "jobs")

    async def job_stats_of(self, job_id: str) -> JsonDict | None:
        """One job's state and counters."""
        return await self._one(f"{_JOBS}/{quoted(job_id)}/_stats", "jobs")

    async def datafeed(self, datafeed_id: str) -> JsonDict | None:
        """One datafeed's configuration."""
        return await self._one(f"{_FEEDS}/{quoted(datafeed_id)}", "datafeeds")

    async def datafeed_stats_of(self, datafeed_id: str) -> JsonDict | None:
        """One datafeed's state and counters."""
        return await self._one(f"{_FEEDS}/{quoted(datafeed_id)}/_stats", "datafeeds")

    async def _one(self, path: str, key: str) -> JsonDict | None:
        try:
            found = (await self.rest.read("GET", path)).get(key, [])
        except NotFound:
            return None
        return dict(found[0]) if found else None

    async def filter(self, filter_id: str) -> JsonDict | None:
        """One filter list, None for no such filter."""
        return await self._one(f"{_FILTERS}/{quoted(filter_id)}", "filters")

    async def calendar(self, calendar_id: str) -> JsonDict | None:
        """One calendar without its events, None for no such calendar."""
        return await self._one(f"{_CALENDARS}/{quoted(calendar_id)}", "calendars")

    async def events_of(self, calendar_id: str) -> list[JsonDict]:
        """The events of a calendar; none where there is no such calendar."""
        path = f"{_CALENDARS}/{quoted(calendar_id)}/events"
        try:
            return list((await self.rest.read("GET", path, query={"size": _MOST})).get("events", []))
        except NotFound:
            return []

    # -- model snapshots ---------------------------------------------------------------------------

    async def snapshots_of(self, job_id: str) -> list[JsonDict]:
        """The model snapshots of a job, the newest first; none where there is no such job."""
        query = {"sort": "timestamp", "desc": "true", "size": _MOST}
        try:
            answer = await self.rest.read("GET", f"{_JOBS}/{quoted(job_id)}/model_snapshots", query=query)
        except NotFound:
            return []
        return list(answer.get("model_snapshots", []))

    async def update_snapshot(self, job_id: str, snapshot_id: str, body: Mapping[str, Any]) -> None:
        """`POST _ml/anomaly_detectors/{job_id}/model_snapshots/{snapshot_id}/_update`."""
        path = f"{_JOBS}/{quoted(job_id)}/model_snapshots/{quoted(snapshot_id)}/_update"
        await self.rest.write("POST", path, body=body)

    async def revert_job(self, job_id: str, snapshot_id: str, *, delete_intervening_results: bool) -> None:
        """`POST _ml/anomaly_detectors/{job_id}/model_snapshots/{snapshot_id}/_revert`; waits for the end of it."""
        path = f"{_JOBS}/{quoted(job_id)}/model_snapshots/{quoted(snapshot_id)}/_revert"
        body = {"delete_intervening_results": delete_intervening_results}
        await self._patience.lifecycle(path, body=body, query={})

    # -- forecasts ---------------------------------------------------------------------------------

    async def create_forecast(self, job_id: str, options: Mapping[str, str]) -> str:
        """`POST _ml/anomaly_detectors/{job_id}/_forecast`; the forecast's id."""
        return await self.forecasts.create(job_id, options)

    async def delete_forecast(self, job_id: str, forecast_id: str) -> None:
        """`DELETE _ml/anomaly_detectors/{job_id}/_forecast/{forecast_id}`; no such forecast is success."""
        await self.forecasts.delete(job_id, forecast_id)

    # -- changes of jobs ---------------------------------------------------------------------------

    async def create_job(self, job_id: str, body: Mapping[str, Any]) -> JsonDict:
        """`PUT _ml/anomaly_detectors/{job_id}`; the configuration as the server has it."""
        return await self.rest.write("PUT", f"{_JOBS}/{quoted(job_id)}", body=body)

    async def update_job(self, job_id: str, body: Mapping[str, Any]) -> JsonDict:
        """`POST _ml/anomaly_detectors/{job_id}/_update`, again on a concurrent internal write; all of the result."""
        return await self._patience.through_version_conflicts(
            lambda: self.rest.write("POST", f"{_JOBS}/{quoted(job_id)}/_update", body=body)
        )

    async def open_job(self, job_id: str) -> None:
        """Opens a job. Done when it is open, or lazily waiting for capacity; open already is success.

        Raises:
            Timeout: Not open in time; the server may still get there.
        """
        try:
            await self._patience.lifecycle(f"{_JOBS}/{quoted(job_id)}/_open")
        except AlreadyOpened:
            return
        except Timeout:
            stats = await self.job_stats_of(job_id)
            if stats is None or stats.get("state") not in ("opened", "opening"):
                raise

    async def close_job(self, job_id: str, *, force: bool = False) -> None:
        """Closes a job and waits until its stats say so. No such job is success.

        Raises:
            Conflict: It has failed and `force` is not given, or its datafeed could not be stopped.
            Timeout: Still not closed in time; the server goes on.
        """
        path = f"{_JOBS}/{quoted(job_id)}/_close"

        async def ask() -> bool:
            await self._patience.request_state(path, force=force)
            return False

        await self._patience.until(ask, self._job_closed(job_id), f"POST {path}")

    async def reset_job(self, job_id: str) -> None:
        """Forgets a closed job's model and results; waits for the end of it."""
        await self._patience.lifecycle(f"{_JOBS}/{quoted(job_id)}/_reset", query={"wait_for_completion": "true"})

    async def delete_job(self, job_id: str) -> None:
        """Deletes a closed job with its stopped datafeed; waits for the end of it. No such job is success."""

        async def delete() -> None:
            await self.rest.write(
                "DELETE",
                f"{_JOBS}/{quoted(job_id)}",
                query={"wait_for_completion": "true"},
                seconds=self._patience.answer_seconds,
            )

        try:
            await self._patience.through_version_conflicts(delete)
        except NotFound:
            return

    # -- changes of datafeeds ----------------------------------------------------------------------

    async def create_datafeed(self, datafeed_id: str, body: Mapping[str, Any]) -> JsonDict:
        """`PUT _ml/datafeeds/{datafeed_id}`; the configuration as the server has it."""
        return await self.rest.write("PUT", f"{_FEEDS}/{quoted(datafeed_id)}", body=body)

    async def update_datafeed(self, datafeed_id: str, body: Mapping[str, Any]) -> JsonDict:
        """`POST _ml/datafeeds/{datafeed_id}/_update` of a stopped datafeed; all of the result."""
        return await self._patience.through_version_conflicts(
            lambda: self.rest.write("POST", f"{_FEEDS}/{quoted(datafeed_id)}/_update", body=body)
        )

    async def start_datafeed(self, datafeed_id: str, *, start: str | None = None, end: str | None = None) -> None:
        """Starts a datafeed; started already is success.

        Args:
            datafeed_id: The datafeed.
            start: First record's time, ISO-8601 or epoch; None goes on after the last processed record.
            end: Time at which a lookback ends; None for real time.
        """
        times = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
        try:
            await self._patience.lifecycle(f"{_FEEDS}/{quoted(datafeed_id)}/_start", body=times)
        except AlreadyStarted:
            return

    async def stop_datafeed(self, datafeed_id: str, *, force: bool = False) -> None:
        """Stops a datafeed and waits until the server says so: in its answer, unless it was forced, or in the stats.

        No such datafeed is success.

        Raises:
            Timeout: Still not stopped in time; the server goes on.
        """
        path = f"{_FEEDS}/{quoted(datafeed_id)}/_stop"

        async def ask() -> bool:
            answer = await self._patience.request_state(path, force=force)
            # The server answers when the datafeed has ended; a forced stop is answered before that.
            return not force and answer.get("stopped") is True

        await self._patience.until(ask, self._feed_stopped(datafeed_id), f"POST {path}")

    async def delete_datafeed(self, datafeed_id: str) -> None:
        """Deletes a stopped datafeed. No such datafeed is success."""
        try:
            await self._patience.through_version_conflicts(
                lambda: self.rest.write("DELETE", f"{_FEEDS}/{quoted(datafeed_id)}")
            )
        except NotFound:
            return

    # -- changes of filter lists -------------------------------------------------------------------

    async def create_filter(self, filter_id: str, body: Mapping[str, Any]) -> None:
        """`PUT _ml/filters/{filter_id}`."""
        await self.rest.write("PUT", f"{_FILTERS}/{quoted(filter_id)}", body=body)

    async def update_filter(self, filter_id: str, body: Mapping[str, Any]) -> None:
        """`POST _ml/filters/{filter_id}/_update`; sent again on a concurrent internal write."""
        await self._patience.through_version_conflicts(
            lambda: self.rest.write("POST", f"{_FILTERS}/{quoted(filter_id)}/_update", body=body)
        )

    async def delete_filter(self, filter_id: str) -> None:
        """Deletes a filter list. No such filter is success.

        Raises:
            Conflict: A job uses it.
        """
        try:
            await self.rest.write("DELETE", f"{_FILTERS}/{quoted(filter_id)}")
        except NotFound:
            return

    # -- changes of calendars ----------------------------------------------------------------------

    async def create_calendar(self, calendar_id: str, body: Mapping[str, Any]) -> None:
        """`PUT _ml/calendars/{calendar_id}`."""
        await self.rest.write("PUT", f"{_CALENDARS}/{quoted(calendar_id)}", body=body)

    async def delete_calendar(self, calendar_id: str) -> None:
        """Deletes a calendar with its events. No such calendar is success."""
        try:
            await self.rest.write("DELETE", f"{_CALENDARS}/{quoted(calendar_id)}")
        except NotFound:
            return

    async def add_calendar_jobs(self, calendar_id: str, job_ids: Sequence[str]) -> None:
        """`PUT _ml/calendars/{calendar_id}/jobs/{job_id}`, in as many calls as the length of a path asks for."""
        await self._calendar_jobs("PUT", calendar_id, job_ids)

    async def remove_calendar_jobs(self, calendar_id: str, job_ids: Sequence[str]) -> None:
        """`DELETE _ml/calendars/{calendar_id}/jobs/{job_id}`, likewise."""
        await self._calendar_jobs("DELETE", calendar_id, job_ids)

    async def _calendar_jobs(self, method: str, calendar_id: str, job_ids: Sequence[str]) -> None:
        for names in _in_paths(job_ids):
            path = f"{_CALENDARS}/{quoted(calendar_id)}/jobs/{quote(','.join(names), safe=',')}"
            await self._patience.through_version_conflicts(partial(self.rest.write, method, path))

    async def post_events(self, calendar_id: str, events: Sequence[Mapping[str, Any]]) -> None:
        """`POST _ml/calendars/{calendar_id}/events`."""
        path = f"{_CALENDARS}/{quoted(calendar_id)}/events"
        await self.rest.write("POST", path, body={"events": [dict(event) for event in events]})

    async def delete_events(self, calendar_id: str, event_ids: Sequence[str]) -> None:
        """Deletes events, each by a call of its own: there is no other. One that is gone is success."""
        for event_id in event_ids:
            try:
                await self.rest.write("DELETE", f"{_CALENDARS}/{quoted(calendar_id)}/events/{quoted(event_id)}")
            except NotFound:
                continue

    # -- states that are awaited -------------------------------------------------------------------

    def _job_closed(self, job_id: str) -> Callable[[], Awaitable[str | None]]:
        async def look() -> str | None:
            stats = await self.job_stats_of(job_id)
            state = "closed" if stats is None else str(stats.get("state"))
            return None if state == "closed" else f"job {job_id!r} is still {state}"

        return look

    def _feed_stopped(self, datafeed_id: str) -> Callable[[], Awaitable[str | None]]:
        async def look() -> str | None:
            stats = await self.datafeed_stats_of(datafeed_id)
            state = "stopped" if stats is None else str(stats.get("state"))
            return None if state == "stopped" else f"datafeed {datafeed_id!r} is still {state}"

        return look


async def _nothing() -> None:
    return None


def _in_paths(names: Sequence[str]) -> Iterator[list[str]]:
    """Names in portions that fit in a path each."""
    portion: list[str] = []
    for name in names:
        if portion and sum(len(one) + 1 for one in (*portion, name)) > _LONGEST:
            yield portion
            portion = []
        portion.append(name)
    if portion:
        yield portion


def _by_id(answer: JsonDict, key: str, id_field: str) -> dict[str, JsonDict]:
    return {str(item[id_field]): item for item in answer.get(key, [])}
