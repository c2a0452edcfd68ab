"""The samples are what they say, and the jobs of the tutorial find exactly what was planted."""

import numpy as np
import pytest
from benchmarks.samples.__main__ import SAMPLES
from benchmarks.samples.sample import outcome

from anomalyops_engine.config import create_job

TUTORIAL = [sample for sample in SAMPLES if "(sample" in sample.name]
NAMES = {"ids": lambda sample: sample.name}


@pytest.mark.parametrize("sample", SAMPLES, **NAMES)
def test_a_seed_is_always_the_same_and_another_one_is_not(sample):
    one, again, other = (sample.make(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert {name: list(values) for name, values in one.columns.items()} == {
        name: list(values) for name, values in again.columns.items()
    }
    assert list(one.columns["time"]) != list(other.columns["time"]) or sample.name in {
        "visitor_rate_ecs",  # readings at regular times
        "max_disk_utilization_ecs",
        "high_mean_cpu_iowait_ecs",
    }


@pytest.mark.parametrize("sample", SAMPLES, **NAMES)
def test_documents_have_the_fields_of_the_job_and_incidents_lie_within_them(sample):
    data = sample.make(np.random.default_rng(3))
    body = {"analysis_config": sample.analysis, "data_description": {"time_field": "time"}}
    job, _ = create_job(body, job_id="sample", now_ms=0)
    assert {*job.analysis_config.fields, "time"} - {"mlcategory"} <= set(data.columns)
    assert len({len(values) for values in data.columns.values()}) == 1
    for incident in data.incidents:
        assert sample.learnt * 86_400 <= incident.start_s < incident.end_s <= sample.days * 86_400


@pytest.mark.parametrize("sample", TUTORIAL, **NAMES)
def test_exactly_what_was_planted_is_critical(sample):
    assert outcome(sample, seed=0).exact
