"""The catalogue of functions: it holds what the API knows, it is the only one, and an entry is all it takes."""

import ast
import inspect
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import anomalyops_engine
from anomalyops_engine.config import create_job
from anomalyops_engine.features.measures import MEASURES
from anomalyops_engine.functions import FUNCTIONS, NAMES, Family, Use, canonical_name, find_function, supported_names
from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.refusals import MlError
from anomalyops_engine.scoring import JobAnalysis, UnsupportedAnalysis

HOUR = 3_600_000
START = 1_704_067_200_000
SIDED = ["count", "non_zero_count", "distinct_count", "info_content", "mean", "avg", "median", "varp", "sum"]
SIDED += ["non_null_sum"]
PLAIN = ["min", "max", "metric", "lat_long", "rare", "freq_rare", "time_of_day", "time_of_week"]


def test_every_function_of_the_api_is_there_and_no_other():
    assert {f"{side}{name}" for name in SIDED for side in ("", "low_", "high_")} | set(PLAIN) == NAMES


def test_short_names_are_read_as_the_long_ones_and_synonyms_stay():
    assert canonical_name("high_dc") == "high_distinct_count"
    assert canonical_name("nzc") == "non_zero_count"
    assert canonical_name("low_avg") == "low_avg"
    assert find_function("low_avg").function is find_function("mean").function
    assert find_function("fr") is None


def _words_outside_the_catalogue():
    root = Path(inspect.getfile(anomalyops_engine)).parent
    for path in root.rglob("*.py"):
        if path.parent.name == "functions":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value, path.relative_to(root)


def test_no_other_table_names_functions():
    """Names that also stand for something else (an aggregation, an aggregate of the database) cannot be told apart."""
    others = {"count", "min", "max", "sum", "mean", "avg", "median", "percentiles", "rare"}
    telling = {name for name in NAMES if find_function(name).function.name not in others}
    telling |= {name for name in NAMES if name.startswith(("low_", "high_"))}
    # A job's body, as a client would send it.
    warm_up = {(name, Path("jobs/warm_up.py")) for name in ("distinct_count", "time_of_day")}
    assert {(word, path) for word, path in _words_outside_the_catalogue() if word in telling} <= warm_up


def test_every_function_with_a_learner_has_a_measured_feature():
    for function in FUNCTIONS:
        if function.family is None:
            assert function.over_family is None
            continue
        measure = MEASURES[function.feature]
        assert set(measure.columns) == {column.name for column in function.feature.columns}


def body_of(name, **fields):
    function = find_function(name).function
    detector = {"function": name, **fields}
    for field, use in (("field_name", function.field_name), ("by_field_name", function.by)):
        if use is Use.REQUIRED:
            detector.setdefault(field, "value" if field == "field_name" else "host")
    if function.over is Use.REQUIRED:
        detector.setdefault("over_field_name", "client")
    return {
        "analysis_config": {"bucket_span": "1h", "detectors": [detector], "influencers": ["client"]},
        "data_description": {"time_field": "time"},
    }


@pytest.fixture(scope="module")
def connection():
    """Five hundred hours of a client each of four, and in one hour many more and larger ones of a fifth."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(20, 500)
    time = np.concatenate([START + b * HOUR + np.arange(n) * 1000 for b, n in enumerate(counts)])
    client, value = rng.choice(["a", "b", "c", "d"], len(time)), rng.normal(100, 10, len(time))
    burst = 400
    extra = START + 450 * HOUR + np.arange(burst) * 1000
    loud = np.concatenate(
        [rng.uniform(-50_000, -40_000, burst // 2 - 60), rng.uniform(40_000, 50_000, burst // 2 + 60)]
    )
    with duckdb.connect() as connection:
        documents = pa.table(
            {
                "time": np.concatenate([time, extra]).astype(np.int64),
                "client": pa.array([*client, *["evil"] * burst]),
                "value": np.concatenate([value, loud]),
                "host": pa.array(["h"] * (len(time) + burst)),
            }
        )
        connection.register("drawn", documents)
        connection.execute("CREATE TABLE documents AS SELECT * FROM drawn")
        yield connection


SERIES = [name for name in supported_names() if find_function(name).function.family is Family.SERIES]


@pytest.mark.parametrize("name", [name for name in SERIES if not name.startswith("low_")])
def test_a_function_goes_from_configuration_to_influencers(connection, name):
    job, _ = create_job(body_of(name), job_id="job", now_ms=0)
    documents = Documents(Table("documents"), {name: name for name in ("time", "client", "value", "host")})
    analysis = JobAnalysis(job)
    results = analysis.analyse(connection, documents, start_ms=START, end_ms=START + 500 * HOUR)
    if name == "min":
        assert results.records[-1]["actual"][0] < -40_000
    worst = max(results.records, key=lambda record: record["record_score"])
    assert worst["timestamp"] == START + 450 * HOUR
    assert worst["function"] == name
    function = find_function(name).function
    assert worst["function_description"] in (function.parts or (function.description,))
    assert worst["influencers"] == [{"influencer_field_name": "client", "influencer_field_values": ["evil"]}]


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("fields", [{}, {"over_field_name": "client"}], ids=["alone", "over"])
def test_what_has_no_learner_is_refused_by_name_and_all_else_can_be_analysed(name, fields):
    function = find_function(name).function
    family = function.over_family if fields or function.over is Use.REQUIRED else function.family
    if fields and function.over is Use.FORBIDDEN:
        with pytest.raises(MlError):
            create_job(body_of(name, **fields), job_id="job", now_ms=0)
        return
    job, _ = create_job(body_of(name, **fields), job_id="job", now_ms=0)
    if family is None:
        with pytest.raises(UnsupportedAnalysis, match=rf"function \[{name}\]"):
            JobAnalysis(job)
    else:
        JobAnalysis(job)


def test_every_analysable_function_has_a_name_in_model_plots():
    words = {
        name: find_function(name).function.model_feature(find_function(name).side) for name in ("mean", "low_mean")
    }
    assert words == {"mean": "'arithmetic mean value by person'", "low_mean": "'low mean value by person'"}
    assert find_function("high_count").function.model_feature(find_function("high_count").side) == (
        "'high values of count per bucket by person'"
    )
    assert all(function.plotted or function.parts for function in FUNCTIONS if function.family is Family.SERIES)


def test_what_is_made_of_several_functions_has_a_column_of_each():
    for function in FUNCTIONS:
        if function.parts:
            assert function.parts == tuple(column.name for column in function.feature.columns)
            assert all(find_function(part).function.family is function.family for part in function.parts)
