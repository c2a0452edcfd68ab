"""What a job and its datafeed must fulfil together.

Admission sees one object at a time, so these rules are checked where both manifests are at hand; elsewhere the
server refuses, and its words become a condition. Source: Elasticsearch's `DatafeedJobValidator`.
"""

from __future__ import annotations

from collections.abc import Iterator

from anomalyops.resources.aggregations import Histogram, find_histogram
from anomalyops.resources.analysis import DEFAULT_BUCKET_SPAN
from anomalyops.resources.datafeed import Datafeed
from anomalyops.resources.durations import duration_nanos
from anomalyops.resources.job import DEFAULT_TIME_FIELD, AnomalyJob
from anomalyops.resources.problems import Fault

_LONGEST_CHECK_WINDOW = 10_000  # bucket spans


def pair_faults(job: AnomalyJob, datafeed: Datafeed) -> Iterator[Fault]:
    """What is wrong with the datafeed for this job, each with the path of the datafeed's field to change."""
    analysis, feed = job.spec.analysis_config, datafeed.spec
    span = analysis.bucket_span or DEFAULT_BUCKET_SPAN
    if analysis.latency is not None and duration_nanos(analysis.latency) > 0:
        yield _fault(
            "jobRef", f"the job {job.name} has latency '{analysis.latency}': a job with a datafeed cannot, remove it"
        )
    time_field = job.spec.data_description.time_field or DEFAULT_TIME_FIELD
    if time_field in (feed.runtime_mappings or {}):
        yield _fault("runtimeMappings", f"the job's time field '{time_field}' cannot be a runtime field")
    yield from _check_window(datafeed, span)
    if feed.aggregations:
        if analysis.summary_count_field_name is None:
            yield _fault(
                "aggregations",
                f"the job {job.name} must set analysisConfig.summaryCountFieldName for a datafeed with "
                "aggregations: "
                "write doc_count",
            )
        yield from _intervals(find_histogram(feed.aggregations), span, feed.frequency)


def _fault(field: str, message: str) -> Fault:
    return Fault(path=("spec", *field.split(".")), message=message)


def _check_window(datafeed: Datafeed, span: str) -> Iterator[Fault]:
    config = datafeed.spec.delayed_data_check_config
    if config is None or not config.enabled or config.check_window is None:
        return
    window, bucket = duration_nanos(config.check_window), duration_nanos(span)
    if window < bucket:
        message = f"checkWindow '{config.check_window}' must not be shorter than the job's bucketSpan '{span}'"
        yield _fault("delayedDataCheckConfig.checkWindow", message)
    elif window >= _LONGEST_CHECK_WINDOW * bucket:
        message = f"checkWindow '{config.check_window}' must be less than 10000 times the job's bucketSpan '{span}'"
        yield _fault("delayedDataCheckConfig.checkWindow", message)


def _intervals(histogram: Histogram, span: str, frequency: str | None) -> Iterator[Fault]:
    interval, bucket = histogram.interval, duration_nanos(span)
    if interval is None:
        return
    if interval <= 0:
        yield _fault("aggregations", "the aggregation interval must be greater than 0")
        return
    if interval > bucket or bucket % interval:
        message = f"the interval of {histogram.name} must be a divisor of the job's bucketSpan '{span}'"
        yield _fault("aggregations", message)
    elif frequency is not None and duration_nanos(frequency) % interval:
        message = f"frequency '{frequency}' must be a multiple of the interval of the aggregation {histogram.name}"
        yield _fault("frequency", message)
