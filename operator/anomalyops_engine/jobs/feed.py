"""A running datafeed: its lookback, its real time, and the one step that both are made of.

A step searches whole buckets, has them analysed, and commits results, counts, position and what the model learnt from
in one transaction, so that a kill at any moment loses at most a step that the next start repeats identically.
A bucket is analysed once, when it is complete: its end is not after `end` of a bounded run, or not after
now - query_delay. At the end of a lookback, and where searches are more frequent than buckets, interim results tell
what is known of the one that is not complete.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Final

from anomalyops_engine.config.units import SECOND_MS, iso_time
from anomalyops_engine.jobs.audit import Audit, wall_clock_ms
from anomalyops_engine.jobs.committing import Commits
from anomalyops_engine.jobs.delayed_data import check_delayed_data
from anomalyops_engine.jobs.extractor import Extractor
from anomalyops_engine.jobs.interim import interim_results, replace_interim
from anomalyops_engine.jobs.itinerary import CHECKED_BUCKETS, Itinerary, Leg
from anomalyops_engine.jobs.registry import DatafeedEntry, DatafeedRun, JobEntry, JobRun, Registry
from anomalyops_engine.jobs.stepping import Step, analyse_buckets, persist_if_due, write_step
from anomalyops_engine.query import QueryError
from anomalyops_engine.refusals import MlError
from anomalyops_engine.scoring import SnapshotError
from anomalyops_engine.store import DatabaseError, Reader, StoreError

_log = logging.getLogger(__name__)

_FIRST_CHUNK: Final = 64
# A step that takes about this long keeps progress visible and lets a stop through soon.
_STEP_SECONDS: Final = 0.4
# The data of the next buckets may be denser than those of the last.
_MOST_GROWTH: Final = 8
_NO_DATA_SEARCHES: Final = 10
_PAUSE_SECONDS: Final = 0.25
_GIVE_WAY_SECONDS: Final = 0.005
_WARM_UP_POLL_SECONDS: Final = 0.05

EXTRACTION_ERRORS: Final = (QueryError, StoreError, DatabaseError, MlError)


class RunningDatafeed:
    """Drives one started datafeed; `step` is what the scheduler calls."""

    def __init__(
        self,
        registry: Registry,
        job: JobEntry,
        feed: DatafeedEntry,
        *,
        node: str,
        ready: Callable[[], bool],
        on_end: Callable[[RunningDatafeed, str | None], None],
    ) -> None:
        """Prepare to run.

        Args:
            registry: where job and datafeed are kept.
            job: the job that is fed.
            feed: the datafeed, in state `started`.
            node: name of the node, for notifications.
            ready: tells whether the learners can work; steps wait for it, without holding the job.
            on_end: called with the job's lock held when the run ends by itself, with the reason if it failed.
        """
        self._registry = registry
        self.job = job
        self.feed = feed
        self.audit = Audit(node)
        self._ready = ready
        self._on_end = on_end
        self._extractor = Extractor(feed.config, job.config, lambda: registry.visibility_of(feed))
        self._span_ms = job.config.bucket_span_ms
        self._delay_ms = feed.config.query_delay.ms
        self._frequency_ms = feed.config.frequency_ms(self._span_ms)
        self._itinerary = Itinerary(registry.store, self._extractor, span_ms=self._span_ms, delay_ms=self._delay_ms)
        self._chunk = _FIRST_CHUNK
        self.cancelled = False

    def announce(self, run: DatafeedRun) -> None:
        """Note the start of a run, in the audit and in the run itself. The caller writes both."""
        now_ms = wall_clock_ms()
        start_ms = max(run.start_ms or 0, self.job.run.position_ms or 0)
        if run.end_ms is None and start_ms >= now_ms - self._delay_ms:
            run.real_time = True
            self.audit.note(self.job.job_id, "Datafeed started in real-time")
            return
        if run.end_ms is not None and run.end_ms <= start_ms:
            return  # all of it is analysed: like Elasticsearch, say nothing
        run.looks_back = True
        shown_end = iso_time(run.end_ms) if run.end_ms is not None else "real-time"
        self.audit.note(
            self.job.job_id,
            f"Datafeed started (from: {iso_time(start_ms)} to: {shown_end}) with frequency [{self._frequency_ms}ms]",
        )

    def note_unreadable_times(self, reader: Reader) -> int:
        """Note documents that are dated outside all times that can be analysed, and return how many there are."""
        count = self._extractor.unreadable_times(reader)
        if count:
            self.audit.note(
                self.job.job_id,
                f"{count} documents are not analysed: their [{self._extractor.time_field}] is before the year 1 or "
                "after the year 9999",
                "warning",
            )
        return count

    def step(self) -> float | None:
        """Do one step.

        Returns:
            Seconds until the next; None when the run is over.
        """
        if self._registry.upgrade_mode:
            return None if self.cancelled else _PAUSE_SECONDS
        if not self._ready():
            return None if self.cancelled else _WARM_UP_POLL_SECONDS
        if self.job.lock.wanted:
            return _GIVE_WAY_SECONDS
        with self.job.lock.hold():
            if self.cancelled or self.job.run.state != "opened":
                return None
            try:
                return self._advance()
            except SnapshotError as error:
                _log.exception("the model of job [%s] cannot be restored", self.job.job_id)
                self._on_end(self, str(error))
                return None
            except EXTRACTION_ERRORS as error:
                return self._trouble(error, "extracting data")
            except Exception as error:
                if self.feed.run.trouble != _reason(error):  # the same failure is logged once, not at every search
                    _log.exception("analysis of job [%s] failed", self.job.job_id)
                return self._trouble(error, "submitting data for analysis")

    # --- one step ---

    def _advance(self) -> float | None:
        now_ms = wall_clock_ms()
        leg = self._analyse_legs(now_ms)
        if leg.end_ms < leg.limit_ms:
            return 0.0
        return self._reached(now_ms)

    def _analyse_legs(self, now_ms: int) -> Leg:
        """Analyse a leg, or as many of the longest ones as a step has time for, and return the last.

        Each is committed while the next one is analysed; all are when this ends.
        """
        job, until = self.job, time.monotonic() + _STEP_SECONDS
        run, feed_run, analysed = job.run, self.feed.run, False
        try:
            with Commits() as commits:
                while True:
                    leg = self._itinerary.next_leg(feed_run, run, now_ms=now_ms, buckets=self._chunk)
                    if leg.start_ms is None or leg.end_ms == leg.start_ms:
                        break
                    run, feed_run, analysed = deepcopy(run), deepcopy(feed_run), True
                    longest = self._chunk == CHECKED_BUCKETS
                    commit = self._analyse(leg, leg.start_ms, run, feed_run)
                    if not longest or leg.end_ms >= leg.limit_ms or self._is_over(until):
                        commits.now(commit)
                        break
                    commits.behind(commit)
        except BaseException:
            # The model in memory is ahead of the store: forget it, the next step restores the committed one. What was
            # noted of buckets that are not committed will be noted again.
            job.analysis = None
            self.audit = self.audit.fresh()
            raise
        if analysed:
            persist_if_due(self._registry, job, self.audit)
        if leg.start_ms is None or leg.end_ms == leg.start_ms:
            self._note_nothing(leg)
        return leg

    def _is_over(self, until: float) -> bool:
        return self.cancelled or self.job.lock.wanted or time.monotonic() >= until

    def _analyse(self, leg: Leg, start_ms: int, run: JobRun, feed_run: DatafeedRun) -> Callable[[], None]:
        """Analyse a leg, bring copies of the runs up to date with it, and return what commits it."""
        first_ms = max(start_ms, feed_run.start_ms or start_ms)
        step = analyse_buckets(
            self._registry,
            self.job,
            run,
            self._extractor,
            start_ms=start_ms,
            end_ms=leg.end_ms,
            first_ms=first_ms,
            audit=self.audit,
        )
        elapsed_s = step.elapsed_ms / SECOND_MS
        leg.note_gap(self.audit, self.job.job_id, self._span_ms)
        self._count_search(feed_run, step.results.processed_records, (first_ms, leg.end_ms), elapsed_s)
        self._resize(elapsed_s)
        audit, self.audit = self.audit, self.audit.fresh()
        return partial(self._commit, step, run, feed_run, audit)

    def _commit(self, step: Step, run: JobRun, feed_run: DatafeedRun, audit: Audit) -> None:
        with self._registry.store.write() as writer:
            write_step(writer, self._registry, self.job, run, step)
            self._registry.save_datafeed_run(writer, self.feed.datafeed_id, feed_run)
            audit.write(writer)
        self._registry.tally.add(step.results)
        self.job.run, self.feed.run = run, feed_run

    def _count_search(
        self, feed_run: DatafeedRun, records: int, interval_ms: tuple[int, int], elapsed_s: float
    ) -> None:
        feed_run.search_start_ms, feed_run.search_end_ms = interval_ms
        feed_run.timing.add(
            buckets=(interval_ms[1] - interval_ms[0]) // self._span_ms,
            elapsed_ms=elapsed_s * SECOND_MS,
            latest_ms=interval_ms[1],
        )
        self._note_recovery(feed_run)
        if records:
            if feed_run.empty_searches >= _NO_DATA_SEARCHES:
                self.audit.note(self.job.job_id, "Datafeed has started retrieving data again")
            feed_run.found_data, feed_run.empty_searches = True, 0
        elif feed_run.real_time:
            self._count_empty(feed_run)

    def _note_recovery(self, feed_run: DatafeedRun) -> None:
        if feed_run.trouble is not None:
            feed_run.trouble = None
            self.audit.note(self.job.job_id, "Datafeed has recovered data extraction and analysis")

    def _count_empty(self, feed_run: DatafeedRun) -> None:
        feed_run.empty_searches += 1
        if feed_run.empty_searches == _NO_DATA_SEARCHES:
            self.audit.note(self.job.job_id, "Datafeed has been retrieving no data for a while", "warning")

    def _resize(self, elapsed_s: float) -> None:
        if elapsed_s < _STEP_SECONDS / 2:
            growth = min(int(_STEP_SECONDS / max(elapsed_s, 1e-3)), _MOST_GROWTH)
            self._chunk = min(self._chunk * growth, CHECKED_BUCKETS)
        elif elapsed_s > _STEP_SECONDS * 2:
            self._chunk = max(self._chunk // 2, 1)

    # --- interim results ---

    def write_interim(self, now_ms: int) -> None:
        """Write interim results of the bucket that is not complete, from what can be read of it (needs the job's lock).

        Raises:
            SnapshotError: the model cannot be restored.
        """
        job, feed_run = self.job, self.feed.run
        reach_ms, position_ms = self._itinerary.reach(feed_run, now_ms), job.run.position_ms
        if position_ms is None or not position_ms < reach_ms <= position_ms + self._span_ms:
            return
        first_ms = max(position_ms, feed_run.start_ms or position_ms)
        results = interim_results(
            self._registry,
            job,
            self._extractor,
            start_ms=position_ms,
            end_ms=position_ms + self._span_ms,
            first_ms=first_ms,
            reach_ms=reach_ms,
        )
        if results.processed_records:
            replace_interim(self._registry, job, results)

    # --- what follows a step ---

    def _note_nothing(self, leg: Leg) -> None:
        """Note a search that found no complete bucket to analyse; without one there is nothing to note."""
        if leg.start_ms is not None and leg.searched is None:
            return
        feed_run = deepcopy(self.feed.run)
        self._note_recovery(feed_run)
        if feed_run.real_time:
            self._count_empty(feed_run)
        feed_run.timing.search_count += 1
        feed_run.found_data = feed_run.found_data or leg.found
        if leg.searched is not None:
            feed_run.search_start_ms, feed_run.search_end_ms = leg.searched
        self._save_feed(feed_run)

    def _reached(self, now_ms: int) -> float | None:
        """Every complete bucket is analysed: finish a bounded run, or wait for the next real-time search."""
        feed_run = self.feed.run
        if feed_run.end_ms is not None and feed_run.end_ms <= now_ms:
            self.write_interim(now_ms)
            self._note_lookback_end(feed_run)
            self._on_end(self, None)
            return None
        looked_back = not feed_run.real_time
        if looked_back:
            self._enter_real_time(feed_run)
        limit = self.feed.config.max_empty_searches
        never_any = self.job.run.counts.latest_record_timestamp is None
        if limit is not None and never_any and self.feed.run.empty_searches >= limit:
            self._on_end(self, None)
            return None
        self._look_for_delayed_data(now_ms)
        if looked_back or self._frequency_ms < self._span_ms:
            self.write_interim(now_ms)
        return self._until_next_search(now_ms)

    def _note_lookback_end(self, feed_run: DatafeedRun) -> None:
        if not feed_run.looks_back:
            return
        if feed_run.found_data:
            self.audit.note(self.job.job_id, "Datafeed lookback completed")
        else:
            self.audit.note(self.job.job_id, "Datafeed lookback retrieved no data", "warning")

    def _enter_real_time(self, feed_run: DatafeedRun) -> None:
        if feed_run.end_ms is None:  # a run with an end says so when it came to it
            self.audit.note(self.job.job_id, "Datafeed lookback completed")
        self.audit.note(self.job.job_id, "Datafeed continued in real-time")
        changed = deepcopy(feed_run)
        changed.real_time = True
        self._save_feed(changed)

    def _until_next_search(self, now_ms: int) -> float:
        # Searches happen query_delay after each multiple of the frequency, when those buckets are complete.
        tick = (now_ms - self._delay_ms) // self._frequency_ms + 1
        due_ms = tick * self._frequency_ms + self._delay_ms
        end_ms = self.feed.run.end_ms
        if end_ms is not None:
            due_ms = min(due_ms, max(end_ms, now_ms))
        return max(due_ms - now_ms, 1) / SECOND_MS

    def _look_for_delayed_data(self, now_ms: int) -> None:
        feed_run = deepcopy(self.feed.run)
        found = check_delayed_data(
            self._registry.store, self.job, self.feed.config, feed_run, self._extractor, now_ms=now_ms
        )
        if found is None:
            return
        feed_run.checked_ms = now_ms
        if found.missing and found.missing != feed_run.missing:
            self.audit.note(self.job.job_id, found.message, "warning")
            self.audit.annotate(
                self.job.job_id,
                found.message,
                event="delayed_data",
                timestamp_ms=found.start_ms,
                end_ms=found.end_ms,
                key=f"delayed_data_{self.job.job_id}_{found.start_ms}",
            )
        feed_run.missing = found.missing
        self._save_feed(feed_run)

    def _trouble(self, error: Exception, doing: str) -> float | None:
        """Note an error: a real-time run tries again at its next search, a bounded one ends."""
        reason = _reason(error)
        feed_run = deepcopy(self.feed.run)
        if feed_run.trouble != reason:
            feed_run.trouble = reason
            self.audit.note(self.job.job_id, f"Datafeed is encountering errors {doing}: {reason}", "error")
        if feed_run.end_ms is not None:
            feed_run.failure = reason
        try:
            self._save_feed(feed_run)
            if feed_run.end_ms is not None:
                self._on_end(self, None)
                return None
        except StoreError:
            # The store is what fails: nothing can be written down now, the next search tries again.
            _log.exception("datafeed [%s] cannot record its state", self.feed.datafeed_id)
            return _PAUSE_SECONDS
        return max(self._until_next_search(wall_clock_ms()), _PAUSE_SECONDS)

    def _save_feed(self, feed_run: DatafeedRun) -> None:
        with self._registry.store.write() as writer:
            self._registry.save_datafeed_run(writer, self.feed.datafeed_id, feed_run)
            self.audit.write(writer)
        self.feed.run = feed_run


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
