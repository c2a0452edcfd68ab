"""Wizards in a real browser: from an index to a manifest that the operator takes, and to a job that runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe import broken_rules
from beside import console_beside

from waiting import until

_OPERATOR = Path(__file__).parents[2] / "operator"
INDEX = "kibana_sample_data_logs"


_FIGURES = '[{"function":"count","field":""},{"function":"mean","field":"bytes"}]'
FORMS = (
    {"index": ""},
    {"kind": "multi", "split": "response.keyword", "metrics": _FIGURES, "name": "low_request_rate"},
    {"kind": "categorization", "split": "response.keyword"},
    {"kind": "advanced", "name": "a", "job": '{"analysis_konfig": 1}', "feed": "["},
)


def address(**params: str) -> str:
    return f"#/new?{urlencode({'index': INDEX, **params})}"


def checks(page):
    """The messages of a form, once they are there."""
    page.get_by_role("list", name="Checks").wait_for()
    return page.get_by_role("list", name="Checks").inner_text()


def manifest(page) -> str:
    return page.get_by_role("region", name="Manifest").locator("pre").inner_text()


def anomalyops(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "anomalyops.cli.main", *arguments],
        env={**os.environ, "PYTHONPATH": str(_OPERATOR)},
        capture_output=True,
        text=True,
        check=False,
    )


def gone(engine, name):
    """Take a job of a test away, wherever the test ended."""
    with engine.client() as client:
        client.options(ignore_status=404).ml.stop_datafeed(datafeed_id=f"datafeed-{name}", force=True)
        client.options(ignore_status=404).ml.delete_datafeed(datafeed_id=f"datafeed-{name}", force=True)
        client.options(ignore_status=404).ml.delete_job(job_id=name, force=True)


def test_an_index_becomes_a_single_metric_job_step_by_step(reader, engine, tmp_path):
    page = reader.go("#/jobs")
    page.get_by_role("link", name="New job").click()
    page.get_by_text("Name an index").wait_for()
    index = page.get_by_label("Index")
    index.fill(INDEX)
    index.press("Enter")
    page.get_by_text(re.compile(r"^[\d,]+ documents, from ")).wait_for()
    assert page.get_by_label("Time field").input_value() == "timestamp"
    page.get_by_label("Function").select_option("high_mean")
    page.get_by_text("Choose the field whose mean is looked at.").wait_for()
    page.get_by_label("Field", exact=True).select_option("bytes")
    page.locator(".preview canvas").wait_for()
    assert "mean of bytes" in page.get_by_role("region", name="Preview").inner_text()
    assert "Error" not in checks(page)
    page.get_by_role("button", name=re.compile("^Take ")).click()
    page.wait_for_function("() => location.hash.includes('span=')")
    span = page.get_by_label("Bucket span").input_value()
    page.get_by_label("Job id").fill("bytes_sent")
    page.get_by_label("Job id").press("Enter")
    page.get_by_label("Description").fill("Yes: {large} # downloads")
    page.get_by_label("Description").press("Enter")
    page.get_by_text("jobId: bytes_sent").wait_for()
    page.get_by_text('description: "Yes:').first.wait_for()
    reader.keep("wizard")
    with page.expect_download() as found:
        page.get_by_role("button", name="Download bytes-sent.yaml").click()
    file = tmp_path / "bytes-sent.yaml"
    found.value.save_as(file)
    assert file.read_text() == manifest(page)
    planned = anomalyops("plan", "-f", str(file), "--url", engine.url)
    assert planned.returncode == 2, planned.stderr
    assert "bytes_sent" in planned.stdout
    assert span in file.read_text()
    assert re.search(r"modelMemoryLimit: \d+mb", file.read_text())
    page.reload()  # the whole form stands in the address
    page.get_by_text("jobId: bytes_sent").wait_for()
    assert page.get_by_label("Bucket span").input_value() == span


def test_the_result_of_a_wizard_runs_and_its_results_arrive(reader, engine):
    name = "wizard-runs"
    try:
        page = reader.go(address(name=name, timeField="timestamp", span="1h"))
        page.get_by_role("textbox", name="End").fill("now")
        page.get_by_role("textbox", name="End").press("Enter")
        page.get_by_text("end: ").first.wait_for()
        page.get_by_role("button", name="Create and start the job").click()
        page.get_by_text(f"The job {name} runs.").wait_for()
        page.get_by_text(re.compile(r"^Datafeed stopped: [\d,]{5,} documents, [\d,]{4,} buckets")).wait_for(
            timeout=120_000
        )
        page.get_by_role("link", name="View its series").click()
        page.locator(".chart canvas").wait_for()
        assert f"job={name}" in page.url
    finally:
        gone(engine, name)


def trials(engine) -> list[str]:
    with engine.client() as client:
        return [one["job_id"] for one in client.ml.get_jobs(job_id="trial-*", allow_no_match=True)["jobs"]]


def test_a_trial_says_what_a_job_would_have_found_and_leaves_nothing(reader, engine):
    page = reader.go(
        address(name="tried", timeField="timestamp", span="1h", metrics='[{"function":"low_count","field":""}]')
    )
    trial = page.get_by_role("region", name="Trial")
    trial.get_by_role("button", name="Try it").click()
    trial.get_by_text("The trial is over").wait_for()
    said = trial.inner_text()
    assert re.search(r"Alarms from 50\s+[1-9]", said), said
    assert trial.get_by_role("table", name=re.compile("^The worst")).get_by_text("low_count").count() > 0
    assert trials(engine) == []
    reader.settle()
    assert broken_rules(page) == []


def test_a_trial_that_is_left_is_taken_away(reader, engine):
    here = address(name="left", timeField="timestamp", span="10s")  # long enough to be left
    page = reader.go(here)
    for leave in ("view", "stop", "page"):
        page.get_by_role("button", name="Try it").click()
        until(lambda: trials(engine))
        if leave == "view":
            page.get_by_role("link", name="Jobs", exact=True).click()
        elif leave == "stop":
            page.get_by_role("button", name="Stop the trial").click()
        else:
            page.goto("about:blank")
        until(lambda: trials(engine) == [])
        reader.go(here)
    reader.problems.clear()  # calls that nobody waited for any more


def test_a_trial_that_was_cut_off_is_told_and_taken_away(reader, engine):
    with engine.client() as client:
        client.ml.put_job(
            job_id="trial-cut-off",
            analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
            data_description={},
            custom_settings={"anomalyops_trial": True},
        )
        client.ml.put_job(
            job_id="trial-of-somebody",
            analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
            data_description={},
        )
    try:
        page = reader.go(address(name="tried", timeField="timestamp", span="1h"))
        page.get_by_text("trials of pages that were cut off").wait_for()
        page.get_by_role("button", name="Delete it").click()
        page.get_by_text("trials of pages that were cut off").wait_for(state="hidden")
        assert trials(engine) == ["trial-of-somebody"]
    finally:
        gone(engine, "trial-of-somebody")
        gone(engine, "trial-cut-off")


def test_a_failure_in_the_middle_says_what_stands_and_takes_it_back(reader, engine):
    name = "wizard-fails"
    # The job can be made and opened; that its datafeed cannot be started nobody knows before.
    reader.page.route("**/_start", lambda route: route.fulfill(status=409, json={"error": {"reason": "no room <b>"}}))
    page = reader.go(address(name=name, timeField="timestamp", span="1h"))
    page.get_by_role("button", name="Create and start the job").click()
    said = page.get_by_role("region", name="Running job")
    said.get_by_text("Not done: The datafeed is started.").wait_for()
    assert "no room <b>" in said.inner_text()
    assert said.get_by_role("listitem").count() == 3
    with engine.client() as client:
        assert client.ml.get_job_stats(job_id=name)["jobs"][0]["state"] == "opened"
        said.get_by_role("button", name="Take it back").click()
        said.get_by_text("nothing of it is left").wait_for()
        assert client.options(ignore_status=404).ml.get_jobs(job_id=name).meta.status == 404
        assert client.options(ignore_status=404).ml.get_datafeeds(datafeed_id=f"datafeed-{name}").meta.status == 404
    assert [text for text in reader.problems if "409" not in text] == []
    reader.problems.clear()


def test_a_console_that_only_reads_says_so_and_changes_nothing(reader, engine):
    with console_beside(engine.url) as url:
        reader.base = url
        page = reader.go(address(name="wizard-reads", timeField="timestamp", span="1h"))
        for name in ("Trial", "Running job"):
            page.get_by_role("region", name=name).get_by_text("This console only reads").wait_for()
        assert page.get_by_role("button", name="Try it").count() == 0
        assert page.get_by_role("button", name="Create and start the job").count() == 0
        assert "kind: AnomalyJob" in manifest(page)
        page.goto("about:blank")


def test_what_is_wrong_is_said_where_it_is(reader):
    page = reader.go(address(name="low_request_rate", span="30s", query="{]"))
    page.get_by_text("The query is no JSON object").wait_for()
    page.get_by_label("Query", exact=True).fill("")
    page.get_by_label("Query", exact=True).press("Enter")
    said = checks(page)
    assert "Error: The server has a job low_request_rate already." in said
    assert "Warning: The data fill buckets of" in said
    assert page.get_by_role("button", name="Create and start the job").is_disabled()
    page.get_by_label("Begin").fill("soon")
    page.get_by_label("Begin").press("Enter")
    page.get_by_text("“soon” is no time").wait_for()
    page.get_by_label("Begin").fill("2001-01-01")
    page.get_by_label("Begin").press("Enter")
    page.get_by_role("textbox", name="End").fill("2001-02-01")
    page.get_by_role("textbox", name="End").press("Enter")
    page.get_by_text("No document is in this time").first.wait_for()


@pytest.mark.parametrize(
    ("index", "said"), [("nothing-there", "no such index"), ("nothing-*", "there is no index"), ("_nodes", "cannot be")]
)
def test_an_index_that_is_not_there_is_a_sentence(reader, index, said):
    page = reader.go(f"#/new?index={index}")
    page.get_by_role("alert").wait_for()
    assert said in page.get_by_role("alert").inner_text()
    reader.problems[:] = [text for text in reader.problems if "40" not in text]


def test_a_server_that_is_gone_is_a_sentence(reader):
    page = reader.go("#/new")
    page.route("**/_field_caps*", lambda route: route.abort("connectionrefused"))
    page.get_by_label("Index").fill(INDEX)
    page.get_by_label("Index").press("Enter")
    page.get_by_text("The server does not answer.").wait_for()
    reader.problems.clear()


KINDS = (
    {"kind": "multi", "split": "response.keyword", "metrics": _FIGURES, "influencers": '["response.keyword"]'},
    {"kind": "population", "population": "clientip", "metrics": '[{"function":"high_sum","field":"bytes"}]'},
    {"kind": "categorization", "field": "message"},
    {
        "kind": "rare",
        "field": "geo.src",
        "population": "clientip",
        "detector": "freq_rare",
        "split": "response.keyword",
    },
    {"kind": "geo", "population": "clientip"},
)


def test_every_kind_ends_in_a_manifest_that_the_operator_takes(reader, engine, tmp_path):
    for number, form in enumerate(KINDS):
        page = reader.go(address(**form, name=f"kind_{number}", span="1h"))
        page.get_by_text(f"jobId: kind_{number}").wait_for()
        page.locator(".preview canvas").wait_for()
        reader.settle()  # what was said of the form before is said no more
        assert "Error" not in checks(page), form
        (tmp_path / f"{number}.yaml").write_text(manifest(page))
    planned = anomalyops("plan", "-f", str(tmp_path), "--url", engine.url)
    assert planned.returncode == 2, planned.stderr
    assert all(f"kind_{number}" in planned.stdout for number in range(len(KINDS)))


def test_categories_are_shown_with_examples_and_their_field_is_judged(reader):
    page = reader.go(address(kind="categorization", field="message"))
    table = page.get_by_role("region", name="Categories of a sample")
    table.get_by_role("row").nth(1).wait_for()
    assert "HTTP" in table.inner_text()
    said = page.get_by_role("region", name="Categories", exact=True)
    assert "have a text of at least three words there." in said.inner_text()
    page.get_by_label("Field with messages").select_option("geo.src")
    page.get_by_text("this is no field of messages").wait_for()


def test_rare_is_said_in_plain_words(reader):
    page = reader.go(address(kind="rare"))
    page.get_by_text("Choose the field whose values may be rare.").wait_for()
    page.get_by_label("Rare values of").select_option("geo.src")
    page.get_by_text("Finds values of geo.src that are rarely seen.").wait_for()
    assert "geo.src" in page.get_by_role("list", name="Influencers").inner_text()
    page.get_by_label("Compared within the population of").select_option("clientip")
    page.get_by_text("Finds values of clientip that show values of geo.src which few others show.").wait_for()
    page.get_by_label("Look for", exact=True).select_option("freq_rare")
    page.get_by_text("Finds values of clientip that often show").wait_for()
    page.get_by_label("For each value apart of").select_option("response.keyword")
    page.get_by_text("which few others show, for each response.keyword apart.").wait_for()


def test_the_advanced_wizard_names_the_field_that_is_wrong(reader):
    page = reader.go(address(kind="single", name="by_hand"))
    page.get_by_label("Kind of job").select_option("advanced")
    job = page.get_by_role("textbox", name="Job", exact=True)
    text = job.input_value()
    job.fill(text.replace("bucket_span", "bucket_spam"))
    job.blur()
    page.get_by_text(
        "job.analysis_config.bucket_spam: there is no such field: did you mean bucket_span?"
    ).first.wait_for()
    job.fill(text.removeprefix("{"))
    job.blur()
    page.get_by_text("no JSON object").first.wait_for()
    job.fill(text)
    job.blur()
    adding = page.get_by_role("form", name="Add a detector")
    adding.locator("[name=function]").select_option("rare")
    adding.locator("[name=by_field_name]").select_option("geo.src")
    adding.get_by_role("button").click()
    page.get_by_text("byFieldName: geo.src").wait_for()
    job.fill(job.input_value().replace('"rare"', '"raer"'))
    job.blur()
    page.get_by_text("The server would not take this job:").wait_for()
    assert "raer" in checks(page)
    reader.problems[:] = [text for text in reader.problems if "400" not in text]


def test_a_copy_of_a_job_is_changed_in_the_wizard_of_its_kind(reader, engine):
    with engine.client() as client:
        client.ml.put_job(
            job_id="copied",
            analysis_config={
                "bucket_span": "2h",
                "detectors": [{"function": "high_sum", "field_name": "bytes", "over_field_name": "clientip"}],
                "influencers": ["clientip"],
            },
            data_description={"time_field": "timestamp"},
        )
        client.ml.put_datafeed(datafeed_id="datafeed-copied", job_id="copied", indices=[INDEX], query_delay="90s")
    try:
        page = reader.go("#/new?clone=copied")
        page.get_by_label("Kind of job").wait_for()
        assert page.get_by_label("Kind of job").input_value() == "population"
        assert page.get_by_label("Population").input_value() == "clientip"
        assert page.get_by_label("Query delay").input_value() == "90s"
        page.get_by_text("name: copied-copy").first.wait_for()
    finally:
        gone(engine, "copied")


def test_what_a_wizard_cannot_say_of_a_job_is_copied_as_json(reader):
    page = reader.go("#/jobs")
    page.get_by_role("checkbox", name=re.compile("url_scanning")).check()
    page.get_by_role("button", name="Clone…").click()
    page.get_by_label("Kind of job").wait_for()
    assert page.get_by_label("Kind of job").input_value() == "advanced"
    page.get_by_text("jobId: url_scanning-copy").wait_for()
    assert "detectorDescription" in manifest(page)
    assert "anomalyops.io/name" not in manifest(page)


def test_a_job_that_reads_no_index_is_left_to_the_command_line(reader, engine):
    with engine.client() as client:
        client.ml.put_job(
            job_id="posted-to",
            analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
            data_description={"time_field": "time"},
        )
    try:
        page = reader.go("#/new?clone=posted-to")
        page.get_by_text("The job posted-to has no datafeed").wait_for()
        page.get_by_text("anomalyops export --url URL --job posted-to").wait_for()
        assert broken_rules(page) == []
    finally:
        gone(engine, "posted-to")


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"])
@pytest.mark.parametrize("form", FORMS, ids=["empty", "multi", "categorization", "advanced"])
def test_a_wizard_breaks_no_rule_of_accessibility(reader, form):
    page = reader.go(address(**form))
    reader.settle()
    for summary in page.locator("summary").all():
        summary.click()
    assert broken_rules(page) == []
