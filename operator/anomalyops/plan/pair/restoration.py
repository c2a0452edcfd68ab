"""The way back: a configuration that was deleted for one that the server then refused is created again.

Model and results are gone; that the server refused is written into the mark, so that nothing is lost for the same
manifests a second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.steps import Step
from anomalyops.plan.pair.changes import nothing_processed
from anomalyops.plan.pair.comparison import compare_job
from anomalyops.plan.pair.fields import FEED_FILLED_IN, JOB_FILLED_IN
from anomalyops.plan.pair.marker import Marker, read_marker, settings_with
from anomalyops.plan.pair.steps import CreateDatafeed, CreateJob, DeleteJob, UpdateJob
from anomalyops.plan.pair.values import Observed

_LONGEST = 500  # characters of the server's words that the mark keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """How to bring a job and its datafeed back.

    Attributes:
        job_id: The job.
        job: Its configuration before the plan.
        datafeed: The configuration of its datafeed before the plan, None when it had none.
        marker: The mark of the restored job.
        resume: The id of its datafeed, where that ran and nothing but the mark tells so.
        wanted: The fingerprint of what the manifests ask for.
        loses_model: Whether the plan deletes or resets the job.
    """

    job_id: str
    job: JsonObject
    datafeed: JsonObject | None
    marker: Marker
    resume: str
    wanted: str
    loses_model: bool

    def steps(self, observed: Observed, words: str) -> tuple[Step, ...]:
        """The steps from what the server has now.

        Args:
            observed: The server's side after the refusal.
            words: What the server said.
        """
        return tuple(self._steps(observed, self.message(words)))

    def message(self, words: str) -> str:
        """What happened, in words."""
        lost = "the model and its results are gone; " if self.loses_model else ""
        return (
            f"the server refused this configuration after what was there was given up for it ({words[:_LONGEST]}): "
            f"{lost}the configuration before it is in force again; change the manifest to try again"
        )

    def _steps(self, observed: Observed, message: str) -> Iterator[Step]:
        why = "the server refused the new configuration"
        job, had_feed = observed.job, self.datafeed is not None
        if job is not None and self._is_new(observed):
            yield DeleteJob(job_id=self.job_id, reason=f"{why}; this job has learned nothing")
            job = None
        if job is None:
            yield CreateJob(job_id=self.job_id, body=self._job_body(message), reason=f"bring it back: {why}")
        else:
            marker = read_marker(job.config) or self.marker
            settings = settings_with(job.config.get("custom_settings"), self._marked(marker, message))
            yield UpdateJob(job_id=self.job_id, body={"custom_settings": settings}, reason="note what was refused")
        if self.datafeed is not None and had_feed and (job is None or observed.datafeed is None):
            body = {key: value for key, value in self.datafeed.items() if key not in FEED_FILLED_IN}
            datafeed_id = str(self.datafeed["datafeed_id"])
            yield CreateDatafeed(
                datafeed_id=datafeed_id, body={**body, "job_id": self.job_id}, reason=f"bring it back: {why}"
            )

    def _is_new(self, observed: Observed) -> bool:
        """Whether the server's job is the one that was created for the refused configuration."""
        if observed.job is None or not nothing_processed(observed.job):
            return False
        differences = compare_job(self._plain_body(), observed.job.config)
        return any(found.field_class is FieldClass.IMMUTABLE for found in differences)

    def _marked(self, marker: Marker, message: str) -> Marker:
        return replace(marker, refused=self.wanted, refusal=message, resume=self.resume or marker.resume)

    def _job_body(self, message: str) -> dict[str, Any]:
        body = self._plain_body()
        settings = settings_with(body.get("custom_settings"), self._marked(self.marker, message))
        return {**body, "custom_settings": settings}

    def _plain_body(self) -> dict[str, Any]:
        """The configuration as it is sent: without what only the server fills in, and names as they are given."""
        body = {key: value for key, value in self.job.items() if key not in JOB_FILLED_IN}
        if "results_index_name" in body:
            body["results_index_name"] = str(body["results_index_name"]).removeprefix("custom-")
        return body
