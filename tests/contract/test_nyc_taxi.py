"""Real input from file to anomaly: the taxi passengers of New York City, with the incidents that people labelled."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from anomalyops.cli.main import invoke

ROOT = Path(__file__).resolve().parents[2]
NAB = Path(os.environ.get("ANOMALYOPS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "nab"
SERIES = "realKnownCause/nyc_taxi.csv"


@pytest.fixture(scope="module")
def windows():
    if not (NAB / SERIES).exists():
        pytest.skip(f"the labelled series are not at {NAB}; set ANOMALYOPS_SHARED_DATA to the folder that holds nab/")
    labelled = json.loads((NAB / "windows.json").read_text())[SERIES]
    return [tuple(datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in window) for window in labelled]


@pytest.fixture
def manifests(shared_engine, tmp_path):
    folder = tmp_path / "nyc-taxi"
    shutil.copytree(ROOT / "manifests" / "samples" / "nyc-taxi", folder)
    connection = yaml.safe_load((folder / "connection.yaml").read_text())
    connection["spec"]["url"] = shared_engine.url
    (folder / "connection.yaml").write_text(yaml.safe_dump(connection))
    return folder


def test_the_labelled_incidents_are_found_and_little_else(windows, manifests, shared_engine, capsys):
    assert invoke([
        "ingest", str(NAB / SERIES), "--index", "nyc-taxi", "--time-field", "timestamp", "--url", shared_engine.url,
    ]) == 0  # fmt: skip
    assert invoke(["apply", "-f", str(manifests)]) == 0
    capsys.readouterr()
    assert invoke([
        "anomalies", "-f", str(manifests), "--min-score", "50", "--limit", "1000", "--output", "json",
    ]) == 0  # fmt: skip
    anomalies = json.loads(capsys.readouterr().out)["anomalies"]

    moments = [datetime.fromisoformat(anomaly["timestamp"]) for anomaly in anomalies]
    found = [window for window in windows if any(window[0] <= moment <= window[1] for moment in moments)]
    outside = [moment for moment in moments if not any(start <= moment <= end for start, end in windows)]
    assert len(found) >= 4, f"found {len(found)} of {len(windows)} labelled incidents"
    assert len(outside) < 20, f"{len(outside)} records outside of the labelled incidents: {outside}"
