"""What the pages about insight show is what their commands print, over the planted incident."""

from __future__ import annotations

import pytest
from insight_world import plant, plant_steps

from anomalyops.cli.main import invoke
from captures import check
from engine_process import EngineProcess

OWNED = """
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata: {name: checkout}
spec:
  state: Closed
  analysisConfig: {bucketSpan: 1h, detectors: [{function: count}]}
  dataDescription: {timeField: "@timestamp"}
---
apiVersion: anomalyops.io/v1alpha1
kind: Datafeed
metadata: {name: checkout}
spec: {jobRef: {name: checkout}, indices: [db-metrics], state: Stopped}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("captures"))
    process.start()
    with process.client() as client:
        plant(client)
        plant_steps(client)
        client.ml.put_job(
            job_id="web-rate",
            analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
            data_description={"time_field": "@timestamp"},
            analysis_limits={"model_memory_limit": "64mb"},
        )
        client.ml.put_datafeed(datafeed_id="datafeed-web-rate", job_id="web-rate", indices=["db-metrics"])
        client.ml.open_job(job_id="web-rate")
        client.ml.start_datafeed(datafeed_id="datafeed-web-rate", start="0")
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "checkout.yaml").write_text(OWNED)
    (folder / ".anomalyops-owner").write_text("shop\n")
    assert invoke(["apply", "-f", str(folder), "--url", process.url]) == 0
    yield process.url
    process.kill()


@pytest.fixture
def run(url, capsys):
    def command(arguments: list[str]) -> str:
        capsys.readouterr()
        at = [] if "--url" in arguments else ["--url", url]
        code = invoke([*arguments, *at])
        said = capsys.readouterr()
        return said.err if code == 1 else said.out

    return command


@pytest.mark.parametrize(
    ("page", "only"),
    [
        ("docs/investigate.md", ""),
        ("docs/tools.md", ""),
        ("docs/mcp.md", "0.0.0.0"),
    ],
)
def test_a_page_shows_what_is_printed(url, run, page, only):
    check(page, run, url, only=only)
