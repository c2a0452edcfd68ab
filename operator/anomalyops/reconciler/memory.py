"""The memory of a pair's job, as its manifest's policy has it: which limit is wanted, and whether more is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from anomalyops.elastic import Gateway, GatewayError
from anomalyops.elastic.source import Source
from anomalyops.plan import Desired, DesiredDatafeed, DesiredJob, JobState, Observed, ObservedJob
from anomalyops.plan.core.memory_policy import LIMITED, MemoryNeed, more_memory
from anomalyops.plan.core.sizing_policy import SizingRule, size_to_keep
from anomalyops.reconciler.estimating import estimate_memory
from anomalyops.reconciler.sizing import Sized, rule_of
from anomalyops.resources import AnomalyJob, MemoryStatus, SizingPolicy, format_memory, parse_memory
from anomalyops.resources.job import DEFAULT_TIME_FIELD

_DAYS = 7.0  # of data whose values are counted


class JobMemory(Sized):
    """What a manifest says about memory, in bytes, and what its status remembers."""

    __slots__ = ()

    @classmethod
    def of(cls, job: AnomalyJob | None) -> JobMemory:
        """Read them from a resource."""
        memory = job.spec.memory if job is not None else None
        if job is None or memory is None:
            return cls(rule=SizingRule())
        status = (job.status.memory if job.status is not None else None) or MemoryStatus()
        rule = rule_of(memory, memory.min, memory.max, parse_memory)
        recommended = None if status.recommended_limit is None else parse_memory(status.recommended_limit)
        return cls(rule=rule, raised=status.raised_time, recommended=recommended)

    def wanted(self, desired: Desired, job: ObservedJob | None, limit: int | None = None) -> Desired:
        """What the manifests ask for, with the memory limit that the policy has.

        Args:
            desired: What the manifests ask for as they are.
            job: The server's job, with its configuration.
            limit: A higher limit that it is to have now, in bytes.
        """
        asked = desired.job
        if self.rule.mode is not SizingPolicy.AUTO or not isinstance(asked, DesiredJob) or asked.body is None:
            return desired
        limits: Mapping[str, Any] = asked.body.get("analysis_limits") or {}
        given = limits.get("model_memory_limit")
        kept = size_to_keep(None if given is None else parse_memory(given), limit or _configured(job), self.rule)
        if kept is None or (given is not None and parse_memory(given) == kept):
            return desired
        body = {**asked.body, "analysis_limits": {**limits, "model_memory_limit": format_memory(kept)}}
        return replace(desired, job=replace(asked, body=body))

    def is_due(self, job: ObservedJob | None, now: datetime) -> bool:
        """Whether a look at the data would lead to something: a recommendation that is not there yet, or a raise."""
        if self.rule.mode is SizingPolicy.FIXED or job is None or job.state is not JobState.OPENED:
            return False
        size: Mapping[str, Any] = job.stats.get("model_size_stats") or {}
        limit, configured = int(size.get("model_bytes_memory_limit") or 0), _configured(job)
        # Numbers from before the last raise say nothing about the limit that it made.
        stale = configured is not None and configured > limit
        if self.raised is not None and int(size.get("log_time") or 0) < self.raised.timestamp() * 1000:
            stale = True
        if size.get("memory_status") not in LIMITED or not limit or stale:
            return False
        if self.rule.most is not None and limit >= self.rule.most:
            return False
        return self.recommended is None or self.recommended <= limit or self.may_raise(now)


async def needed_limit(gateway: Gateway, memory: JobMemory, desired: Desired, observed: Observed) -> int | None:
    """The higher limit that a job needs, in bytes; None when no higher one is allowed.

    What the data say is asked of the server; where it does not answer that, the limit grows by what is known.

    Raises:
        GatewayError: The server does not say what it allows.
    """
    job = observed.job
    if job is None:
        return None
    size: Mapping[str, Any] = job.stats.get("model_size_stats") or {}
    largest = await gateway.trial.largest_memory_limit()
    need = MemoryNeed(
        in_force=int(size.get("model_bytes_memory_limit") or 0),
        used=int(size.get("model_bytes") or 0),
        exceeded=int(size.get("model_bytes_exceeded") or 0),
        estimate=await _estimate(gateway, desired, job),
        largest=None if largest is None else parse_memory(largest),
    )
    return more_memory(need, memory.rule)


async def _estimate(gateway: Gateway, desired: Desired, job: ObservedJob) -> int | None:
    feed, asked = desired.datafeed, desired.job
    if not isinstance(feed, DesiredDatafeed) or not isinstance(asked, DesiredJob) or asked.body is None:
        return None
    time_field = (job.config.get("data_description") or {}).get("time_field") or DEFAULT_TIME_FIELD
    try:
        source = Source(gateway.rest, feed.body, time_field)
        return (await estimate_memory(gateway, source, asked.body["analysis_config"], days=_DAYS)).needed
    except GatewayError:
        return None


def _configured(job: ObservedJob | None) -> int | None:
    limit = None if job is None else (job.config.get("analysis_limits") or {}).get("model_memory_limit")
    return None if limit is None else parse_memory(limit)
