"""`anomalyops engine` with a configuration file: a process that does what the file says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from elasticsearch import BadRequestError, Elasticsearch

from ports import free_port
from waiting import PATIENCE_S, until

_OPERATOR = Path(__file__).resolve().parents[2] / "operator"


@pytest.fixture
def configured(tmp_path):
    port = free_port()
    (tmp_path / "engine.yaml").write_text(
        f"data: data\nport: 0\nmetrics: {{port: {port}}}\nlog: {{format: json, level: info}}\n"
        "database: {memory: 300mb, threads: 1}\nml: {memory: 700mb, max_model_memory_limit: 20mb, threads: 1}\n"
        "requests: {memory: 300mb}\n"
    )
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "anomalyops.cli.main", "engine", "--config", str(tmp_path / "engine.yaml")],
        env={**os.environ, "PYTHONPATH": str(_OPERATOR)},
        stdout=log,
        stderr=log,
    )
    log.close()
    ready = tmp_path / "data" / "engine.json"
    until(lambda: ready.exists() or process.poll() is not None, "the start of the engine")
    assert ready.exists(), (tmp_path / "log").read_text()
    yield json.loads(ready.read_text())["url"], f"http://127.0.0.1:{port}/metrics", tmp_path / "log", process
    process.kill()
    process.wait()


def test_the_file_is_obeyed(configured):
    url, metrics, log, process = configured
    with Elasticsearch(url, request_timeout=60) as client:
        limits = client.ml.info()["limits"]
        assert limits["max_model_memory_limit"] == "20mb"
        assert limits["total_ml_memory"] == "700mb"
        assert limits["total_ml_processors"] == 1
        with pytest.raises(BadRequestError, match="20mb"):
            client.ml.put_job(
                job_id="large",
                analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
                analysis_limits={"model_memory_limit": "21mb"},
                data_description={"time_field": "time"},
            )
        client.index(index="a", document={"x": 1})
    with urllib.request.urlopen(metrics) as answer:
        text = answer.read().decode()
    assert "anomalyops_engine_in_flight_limit_bytes 3.145728e+08" in text
    assert 'anomalyops_engine_requests_total{class="write",status="201"} 1.0' in text
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert any(f"listening on {url}" in line["message"] for line in lines)
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
