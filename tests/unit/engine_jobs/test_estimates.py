"""The estimate of a job's memory, held against what the job then uses."""

import pyarrow as pa
import pytest

from anomalyops_engine.config import create_job
from anomalyops_engine.jobs.estimates import estimate_memory
from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.refusals import MlError
from anomalyops_engine.scoring import JobAnalysis
from anomalyops_engine.store import scratch


def used_bytes(body, hosts, clients):
    """What a job uses after buckets in which every host meets every client."""
    job, _ = create_job({"analysis_config": body, "data_description": {"time_field": "time"}}, job_id="j", now_ms=0)
    span_ms = job.bucket_span_ms
    pairs = [(host, client) for host in range(hosts) for client in range(clients)]
    rows = {
        "time": [(host + client) % span_ms for host, client in pairs],
        "host": [f"host-10.0.0.{host}" for host, _ in pairs],
        "client": [f"client-0.0.{client}" for _, client in pairs],
        "value": [float(host + client) for host, client in pairs],
    }
    documents = Documents(Table("rows"), {name: name for name in rows})
    with scratch() as connection:
        connection.register("rows", pa.table(rows))
        analysis = JobAnalysis(job)
        analysis.analyse(connection, documents, start_ms=0, end_ms=2 * span_ms)
        return analysis.model_size()["model_bytes"]


@pytest.mark.parametrize(
    "detectors",
    [
        [{"function": "count", "partition_field_name": "host"}],
        [{"function": "mean", "field_name": "value", "by_field_name": "client", "partition_field_name": "host"}],
        [{"function": "high_sum", "field_name": "value", "over_field_name": "client", "partition_field_name": "host"}],
        [{"function": "metric", "field_name": "value", "by_field_name": "host"}, {"function": "count"}],
    ],
    ids=lambda detectors: "+".join(detector["function"] for detector in detectors),
)
@pytest.mark.parametrize("span", ["15m", "1d"])
def test_an_estimate_is_within_half_again_of_what_is_used(detectors, span):
    hosts, clients = 300, 8
    body = {"bucket_span": span, "detectors": detectors}
    asked = {"analysis_config": body, "overall_cardinality": {"host": hosts, "client": clients}}
    estimate = int(estimate_memory(asked)["model_memory_estimate"][:-2]) << 20
    used = used_bytes(body, hosts, clients)
    # Limits are whole MiB: of small jobs that is more than half of what they use.
    assert used <= estimate <= max(1.5 * used, 1.1 * used + (1 << 20))


def test_what_an_estimate_needs_is_asked_for():
    body = {"detectors": [{"function": "count", "by_field_name": "host"}]}
    for asked, said in [
        ({}, "[analysis_config] must be specified"),
        ({"analysis_config": body}, "field [host]"),
        ({"analysis_config": body, "overall_cardinality": {"host": -1}}, "cannot be negative"),
    ]:
        with pytest.raises(MlError) as caught:
            estimate_memory(asked)
        assert caught.value.status == 400
        assert said in caught.value.reason
