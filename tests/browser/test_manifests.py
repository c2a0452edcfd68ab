"""What a wizard writes is what the operator reads: manifests of generated forms, and YAML of anything."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from anomalyops.catalog.entries import entries
from anomalyops.catalog.rendering import Choices, render
from anomalyops.local.backtest_figures import Backtest, alarms_of
from anomalyops.resources import AnomalyJob, Datafeed

CONSOLE = Path(__file__).parents[2] / "console"


def written(cases: str, module: str = "manifests.cases") -> list[dict]:
    """What a function of a module of cases writes."""
    node = shutil.which("node")
    if node is None or not (CONSOLE / "node_modules" / ".ready").exists():
        pytest.skip("Node and console/node_modules are needed: `make test-browser` installs the latter")
    subprocess.run([node, "build.mjs", "--tests"], cwd=CONSOLE, check=True, capture_output=True)
    script = f"import * as all from './.tests/{module}.mjs'; process.stdout.write(all.{cases});"
    command = [node, "--input-type=module", "--eval", script]
    return json.loads(subprocess.run(command, cwd=CONSOLE, check=True, capture_output=True).stdout)


def test_the_operator_reads_in_a_manifest_what_the_calls_of_the_wizard_say():
    cases = written("manifestCases(400)")
    assert len(cases) == 400
    for case in cases:
        job, feed = yaml.safe_load_all(case["text"])
        read = AnomalyJob.from_object(job)
        assert read.server_id == case["name"]
        assert read.spec.server_body() == case["job"]
        fed = Datafeed.from_object(feed)
        assert fed.server_id == case["feedId"]
        assert fed.spec.job_ref.name == read.name
        assert fed.spec.server_body() == case["feed"]
        assert (fed.spec.start or "", fed.spec.end or "") == (case["start"], case["end"])


def test_a_ready_made_job_of_the_page_is_that_of_the_catalogue():
    for case in written("offerCases(300)", "catalog.cases"):
        entry = next(one for one in entries() if one.name == case["entry"])
        choices = {key: value or None for key, value in case["choices"].items() if key in {"start", "end"}}
        job, feed = render(
            entry,
            Choices(
                indices=tuple(case["choices"]["indices"]),
                prefix=case["choices"]["prefix"],
                fields=case["called"],
                **choices,
            ),
        )
        shown_job, shown_feed = (
            kind.from_object(one)
            for kind, one in zip((AnomalyJob, Datafeed), yaml.safe_load_all(case["text"]), strict=True)
        )
        assert shown_job.server_id == job.server_id
        assert shown_job.spec.server_body() == job.spec.server_body()
        assert shown_feed.spec.server_body() == feed.spec.server_body()
        assert (shown_feed.spec.start, shown_feed.spec.end) == (feed.spec.start, feed.spec.end)


def test_a_trial_of_the_page_counts_alarms_as_a_backtest_does():
    for case in written("alarmCases(400)", "trial.cases"):
        alarms = alarms_of([tuple(one) for one in case["buckets"]], case["spanS"])
        shown = [(one["fromMs"], one["toMs"], one["score"]) for one in case["alarms"]]
        assert shown == [(_ms(one.start), _ms(one.end), one.score) for one in alarms]
        counted = Backtest(
            job_id="a", start=_time(case["range"]["from"]), end=_time(case["range"]["to"]), documents=0, refused=0,
            buckets=0, alarms=alarms, anomalies=(), peak_bytes=0, memory_status="ok", estimate=None,
            span_seconds=case["spanS"], advised_span=None,
        )  # fmt: skip
        assert counted.alarms_a_week == pytest.approx(case["aWeek"])
        assert list(counted.by_week) == case["byWeek"]


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def test_yaml_says_what_was_meant_whatever_it_is():
    for case in written("yamlCases(2000)"):
        assert yaml.safe_load(case["text"]) == case["value"], case["text"]
