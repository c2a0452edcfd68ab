"""The steps of a plan: small, typed, each with its reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call to the server. `reason` says why, for people."""

    reason: str
    verb: ClassVar[str] = ""
    destructive: ClassVar[bool] = False  # loses a learned model or results


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStep(Step):
    """A step on an anomaly detection job."""

    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatafeedStep(Step):
    """A step on a datafeed."""

    datafeed_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateJob(JobStep):
    """`PUT _ml/anomaly_detectors/{job_id}`; `body` holds the owner marker in `custom_settings`."""

    verb: ClassVar[str] = "create job"
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateJob(JobStep):
    """`POST _ml/anomaly_detectors/{job_id}/_update`; `body` has the update shape, replaced objects whole."""

    verb: ClassVar[str] = "update job"
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob(JobStep):
    """`POST _ml/anomaly_detectors/{job_id}/_open`."""

    verb: ClassVar[str] = "open job"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseJob(JobStep):
    """`POST _ml/anomaly_detectors/{job_id}/_close`, then wait until `_stats` says closed."""

    verb: ClassVar[str] = "close job"
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetJob(JobStep):
    """`POST _ml/anomaly_detectors/{job_id}/_reset`: forgets model and results, keeps the configuration."""

    verb: ClassVar[str] = "reset job"
    destructive: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJob(JobStep):
    """`DELETE _ml/anomaly_detectors/{job_id}`: configuration, model and results."""

    verb: ClassVar[str] = "delete job"
    destructive: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDatafeed(DatafeedStep):
    """`PUT _ml/datafeeds/{datafeed_id}`; `body` holds `job_id`."""

    verb: ClassVar[str] = "create datafeed"
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDatafeed(DatafeedStep):
    """`POST _ml/datafeeds/{datafeed_id}/_update`; only on a stopped datafeed."""

    verb: ClassVar[str] = "update datafeed"
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDatafeed(DatafeedStep):
    """`POST _ml/datafeeds/{datafeed_id}/_start`. Without `start` it goes on after the last processed record."""

    verb: ClassVar[str] = "start datafeed"
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopDatafeed(DatafeedStep):
    """`POST _ml/datafeeds/{datafeed_id}/_stop`, then wait until `_stats` says stopped."""

    verb: ClassVar[str] = "stop datafeed"
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDatafeed(DatafeedStep):
    """`DELETE _ml/datafeeds/{datafeed_id}`: the configuration only; model and results belong to the job."""

    verb: ClassVar[str] = "delete datafeed"
