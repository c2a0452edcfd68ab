"""Questions about a fleet are asked of all jobs at once: what is asked does not grow with their number."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from anomalyops_insight.explaining import explain
from anomalyops_insight.investigating import Incident, investigate
from anomalyops_insight.troubleshooting import troubleshoot
from engine_process import EngineProcess
from fleet_world import BEGIN, plant, requests

JOBS = 60


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("fleet"))
    process.start()
    with process.client() as client:
        plant(client, JOBS)
    yield process.url
    process.kill()


def asked(url, program):
    return asyncio.run(requests(url, program))


def test_a_health_report_of_a_fleet(url):
    few, all_of_them = (asked(url, troubleshoot(pattern, datetime.now(UTC))) for pattern in ("fleet-000*", "*"))
    assert few == all_of_them
    assert all_of_them.total() <= 6  # configurations, two states, messages, late data


def test_an_investigation_of_a_fleet(url):
    window = (BEGIN, BEGIN + timedelta(hours=1))
    most = ",".join(f"fleet-00{n}*" for n in range(4))
    some, all_of_them = (asked(url, investigate(Incident(*window, jobs=jobs))) for jobs in (most, "*"))
    assert max(some.total(), all_of_them.total()) <= 45  # other suspects have other series, and no more of them


def test_an_explanation_asks_no_reason_for_what_it_does_not_tell(url):
    assert asked(url, explain("fleet-0001")).total() <= 11
