"""From what the server reports to status and conditions. Pure: values in, values out, times as arguments."""

from anomalyops.health.connection import (
    EngineFacts,
    ServerFacts,
    connection_status,
    engine_missing,
    unreachable_datafeed,
    unreachable_job,
    while_starting,
)
from anomalyops.health.datafeed import datafeed_status
from anomalyops.health.failures import Failure, FailureKind, PlanState, kind_of
from anomalyops.health.investigations import (
    Findings,
    failed_investigation,
    finished_investigation,
    hindered_investigation,
    kept_investigation,
    running_investigation,
    waiting_investigation,
)
from anomalyops.health.job import job_status
from anomalyops.health.job_sets import job_set_status, job_set_trouble
from anomalyops.health.messages import Annotation, Messages, Notification
from anomalyops.health.notices import Notice, transitions
from anomalyops.health.requests import failed_request, held_status, request_status, told_of, unreachable_request
from anomalyops.health.shared import shared_status, unreachable_shared

__all__ = [
    "Annotation",
    "EngineFacts",
    "Failure",
    "FailureKind",
    "Findings",
    "Messages",
    "Notice",
    "Notification",
    "PlanState",
    "ServerFacts",
    "connection_status",
    "datafeed_status",
    "engine_missing",
    "failed_investigation",
    "failed_request",
    "finished_investigation",
    "held_status",
    "hindered_investigation",
    "job_set_status",
    "job_set_trouble",
    "job_status",
    "kept_investigation",
    "kind_of",
    "request_status",
    "running_investigation",
    "shared_status",
    "told_of",
    "transitions",
    "unreachable_datafeed",
    "unreachable_job",
    "unreachable_request",
    "unreachable_shared",
    "waiting_investigation",
    "while_starting",
]
