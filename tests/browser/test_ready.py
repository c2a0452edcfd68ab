"""Ready-made jobs in a real browser: recognised by the fields of an index, chosen, taken as manifests and run."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
import yaml
from axe import broken_rules
from test_wizards import INDEX, anomalyops, gone

WEB = "web-access"
JOBS = ("web-status-code-rate", "web-scanning-clients")
START_MS = 1_772_323_200_000


@pytest.fixture(scope="module")
def web(engine):
    """Four days of requests, with fields of the Elastic Common Schema, one of them mapped as dynamic mapping does."""
    with engine.client() as client:
        names = {"source.ip": "ip", "url.path": "keyword"}
        client.indices.create(
            index=WEB,
            mappings={
                "properties": {name: {"type": kind} for name, kind in {**names, "@timestamp": "date"}.items()}
                | {
                    "http.response.status_code": {
                        "type": "text",
                        "fields": {"keyword": {"type": "keyword"}},
                    }
                }
            },
        )
        operations = []
        for minute in range(0, 4 * 24 * 60, 5):
            operations += [
                {"index": {}},
                {
                    "@timestamp": START_MS + minute * 60_000,
                    "source.ip": f"10.0.0.{minute % 7}",
                    "url.path": f"/{minute % 5}",
                    "http.response.status_code": "404" if minute % 60 == 0 else "200",
                },
            ]
        client.bulk(index=WEB, operations=operations, refresh=True)


def address(**params: str) -> str:
    return f"#/new?{urlencode({'kind': 'ready', **params})}"


def test_a_wizard_recognises_data_and_leads_to_ready_made_jobs_that_run(reader, engine, web, tmp_path):
    page = reader.go(f"#/new?index={WEB}")
    page.get_by_text("This looks like web servers").wait_for()
    page.get_by_role("link", name="ready-made jobs").click()
    family = page.get_by_role("region", name="Web servers", exact=True)
    family.get_by_text("Reads @timestamp, source.ip, http.response.status_code.keyword, of 1,152 documents.").wait_for()
    assert "Recognised: Web servers." in page.locator("main").inner_text()
    for name in JOBS:
        family.get_by_role("checkbox", name=name).check()
    page.get_by_label("Begin ids with").fill("shop-")
    page.get_by_label("Begin ids with").press("Enter")
    page.get_by_role("textbox", name="End").fill("now")
    page.get_by_role("textbox", name="End").press("Enter")
    page.get_by_text("end: ").first.wait_for()
    for name in JOBS:
        page.get_by_role("region", name=f"Checks of shop-{name}").wait_for()
    reader.settle()
    assert broken_rules(page) == []
    with page.expect_download() as found:
        page.get_by_role("button", name="Download shop-ready.yaml").click()
    file = tmp_path / "shop-ready.yaml"
    found.value.save_as(file)
    kinds = [one["kind"] for one in yaml.safe_load_all(file.read_text())]
    assert kinds == ["AnomalyJob", "Datafeed"] * 2
    planned = anomalyops("plan", "-f", str(file), "--url", engine.url)
    assert planned.returncode == 2, planned.stderr
    assert "shop-web-scanning-clients" in planned.stdout
    try:
        page.get_by_role("button", name="Create and start the 2 jobs").click()
        for name in JOBS:
            page.get_by_text(f"The job shop-{name} runs.").wait_for()
        page.get_by_text(re.compile(r"^Datafeed stopped: [\d,]+ documents, [\d,]{2,} buckets")).nth(1).wait_for(
            timeout=120_000
        )
    finally:
        for name in JOBS:
            gone(engine, f"shop-{name}")


def test_data_with_other_names_are_read_by_the_names_that_one_gives(reader):
    page = reader.go(address(index=INDEX))
    page.get_by_text(re.compile("^(All|The rest) of the catalogue")).click()
    family = page.get_by_role("region", name="Web servers", exact=True)
    family.get_by_text("Lacks source.ip (Who sent it); http.response.status_code (What was answered)").wait_for()
    assert family.get_by_role("checkbox", name="web-status-code-rate").is_disabled()
    family.get_by_text("Fields of Web servers").click()
    for field, called in (("http.response.status_code", "response.keyword"), ("source.ip", "clientip")):
        family.get_by_label(field).select_option(called)
        page.wait_for_function("called => location.hash.includes(called)", arg=called)
    page.get_by_text(re.compile("^Recognised: .*Web servers")).wait_for()
    page.reload()  # all that was said stands in the address
    page.get_by_text(re.compile("^Recognised: .*Web servers")).wait_for()
    family.get_by_role("checkbox", name="web-status-code-rate").check()
    page.get_by_text("partitionFieldName: response.keyword").wait_for()
    assert "clientip" in page.get_by_role("region", name="Manifest").inner_text()
    assert "source.ip" not in page.get_by_role("region", name="Manifest").inner_text()


def test_ready_made_jobs_of_an_index_that_is_not_there_are_a_sentence(reader):
    page = reader.go(address(index="nothing-there"))
    page.get_by_role("alert").wait_for()
    assert "no such index" in page.get_by_role("alert").inner_text()
    reader.problems[:] = [text for text in reader.problems if "40" not in text]
