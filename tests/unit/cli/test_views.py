"""What the commands print: plans, statuses, anomalies; plain text outside a terminal."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from anomalyops.cli.apply_view import PlainProgress, progress_view, unready_lines
from anomalyops.cli.findings_view import findings_document, findings_view
from anomalyops.cli.plan_view import plan_document, plan_markdown, plan_text
from anomalyops.cli.status_view import document, json_path, print_tables, tables
from anomalyops.local.applying import Applied
from anomalyops.local.findings import Anomaly, Influencer, ModelPlot
from anomalyops.local.inspecting import Planned
from anomalyops.local.progress import Progress, Verdict
from anomalyops.plan import Obstacle, Plan, Subject
from anomalyops.plan.pair import steps
from anomalyops.reconciler import Pair
from anomalyops.resources import AnomalyJob, AnomalyJobStatus, Condition, Reason

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
JOB = AnomalyJob.from_object(
    {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": "AnomalyJob",
        "metadata": {"name": "web"},
        "spec": {
            "analysisConfig": {"bucketSpan": "1h", "detectors": [{"function": "count"}]},
            "dataDescription": {"timeField": "time"},
        },
    }
)


def printed(*renderables, width=120):
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    console.print(*renderables, sep="\n")
    return console.file.getvalue()


def planned(*found, obstacles=()):
    return Planned(resources=(JOB,), plan=Plan(steps=found, obstacles=obstacles))


CREATE = steps.CreateJob(job_id="web", body={}, reason="the server has no such job")
DELETE = steps.DeleteJob(job_id="web", reason="replacePolicy is Recreate")
UPDATE = steps.UpdateJob(job_id="web", body={}, reason="memory limit 10mb to 20mb")


def test_a_plan_shows_markers_reasons_and_a_summary():
    text = printed(plan_text([planned(DELETE, CREATE, UPDATE, steps.OpenJob(job_id="web", reason="Opened"))]))
    assert text.splitlines()[:5] == [
        "AnomalyJob/web",
        "  - delete job web (loses the model and its results)  replacePolicy is Recreate",
        "  + create job web  the server has no such job",
        "  ~ update job web  memory limit 10mb to 20mb",
        "  > open job web  Opened",
    ]
    assert "Plan: 1 to create, 1 to change, 1 to destroy, 1 to open, close, start or stop." in text


def test_a_plan_as_markdown_shows_what_changes_and_counts_the_rest():
    text = plan_markdown([planned(DELETE, CREATE), planned(), planned()])
    assert text.splitlines()[2] == "Plan: 1 to create, 0 to change, 1 to destroy, 0 to open, close, start or stop."
    assert "**Loses models and their results:** AnomalyJob/web\n" in text
    assert text.count("#### ") == 1
    assert "\n```diff\n- delete job web (loses" in text
    assert text.endswith("Nothing to do for 2 of 3.\n")
    assert "Nothing to do: the server is as the files say." in plan_markdown([planned()])


def test_nothing_in_a_plan_ends_its_block_of_markdown():
    obstacle = Obstacle(reason=Reason.REJECTED, message="no\n```\n# ````", subject=Subject.JOB)
    lines = plan_markdown([planned(obstacles=(obstacle,))]).splitlines()
    fence = "`" * 5
    assert lines[lines.index(f"{fence}diff") + 2] == fence
    assert sum(line.startswith("`") for line in lines) == 2


def test_obstacles_are_shown_and_an_empty_plan_says_so():
    obstacle = Obstacle(reason=Reason.IMMUTABLE_FIELD_CHANGED, message="bucket_span 1h to 2h", subject=Subject.JOB)
    text = printed(plan_text([planned(obstacles=(obstacle,))]))
    assert "! job: ImmutableFieldChanged  bucket_span 1h to 2h" in text
    assert "Nothing can be done." in text
    assert "Nothing to do: the server is as the files say." in printed(plan_text([planned()]))


def test_a_plan_names_what_could_not_be_asked():
    made = Planned(resources=(JOB,), plan=Plan(steps=(DELETE, CREATE), unchecked=("preview: no such endpoint",)))
    assert "  ? not asked of the server: preview: no such endpoint" in printed(plan_text([made]))
    assert plan_document([made])["plans"][0]["unchecked"] == ["preview: no such endpoint"]


def test_a_plan_as_json_names_resources_and_steps():
    value = json.loads(json.dumps(plan_document([planned(DELETE, CREATE)])))
    assert (value["empty"], value["destructive"]) == (False, True)
    assert value["plans"][0]["resources"] == [
        {"kind": "AnomalyJob", "namespace": "default", "name": "web", "serverId": "web"}
    ]
    assert [step["verb"] for step in value["plans"][0]["steps"]] == ["delete job", "create job"]


def with_status(ready):
    condition = Condition(type="Ready", status=ready, reason="Because", message="so", last_transition_time=NOW)
    status = AnomalyJobStatus(job_state="opened", conditions=[condition])
    return JOB.model_copy(update={"status": status})


def test_the_status_table_has_the_printer_columns_of_the_crd():
    header, row = printed(tables([with_status("False")])).splitlines()
    assert header.split()[0] == "NAME"
    assert {"STATE", "READY", "SYNCED", "REASON"} <= set(header.split())
    assert row.split()[0] == "anomalyjob/web"
    assert "opened" in row
    assert "Because" in row


def test_in_a_narrow_terminal_lines_run_on_and_nothing_is_cut_off():
    console = Console(file=io.StringIO(), width=40)
    print_tables(console, [with_status("True")])
    assert len(console.file.getvalue().splitlines()) == 2
    assert console.file.getvalue().rstrip().endswith("Because")


def test_status_as_json_is_a_list_of_objects_with_status():
    value = document([with_status("True")])
    assert value["kind"] == "List"
    assert value["items"][0]["metadata"]["name"] == "web"
    assert value["items"][0]["status"]["conditions"][0]["reason"] == "Because"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".a.b", 1),
        (".a.c", None),
        (".x.y", None),
        ('.list[?(@.type=="R")].status', "yes"),
        ('.list[?(@.type=="S")].status', None),
        (".list[0].type", "Q"),
        (".list[7].type", None),
    ],
)
def test_json_paths_of_printer_columns(path, found):
    value = {"a": {"b": 1}, "list": [{"type": "Q"}, {"type": "R", "status": "yes"}]}
    assert json_path(value, path) == found


def test_a_json_path_that_is_not_understood_is_an_error():
    with pytest.raises(ValueError, match=r"\.\.a"):
        json_path({}, "..a")


ANOMALY = Anomaly(
    job="codes",
    timestamp=NOW,
    score=97.96,
    fields={"response": "404"},
    function="count",
    actual=(101.0,),
    typical=(1.5763,),
    influencers={},
    detector_index=0,
    bucket_span=3600,
    series={},
)
INFLUENCER = Influencer(job="codes", timestamp=NOW, score=12.5, field="ip", value="10.0.0.1")


def plot_of(anomaly):
    hours = range(49)
    start = NOW.timestamp() - 24 * 3600
    return ModelPlot(
        anomaly=anomaly,
        times=[start + hour * 3600 for hour in hours],
        actual=[101.0 if hour == 24 else 1.0 for hour in hours],
        lower=[0.0 for _ in hours],
        upper=[4.0 for _ in hours],
        anomalies=frozenset({24}),
    )


def test_anomalies_influencers_and_the_plot():
    text = printed(findings_view([ANOMALY], [INFLUENCER], [plot_of(ANOMALY)], width=120))
    row = next(line for line in text.splitlines() if "codes" in line)
    assert row.split() == ["2026-01-01", "12:00", "codes", "404", "count", "101", "1.58", "98.0", "critical"]
    assert "10.0.0.1" in text
    assert "codes: count of 404 around 2026-01-01 12:00 UTC" in text
    assert text.count("●") == 2  # one in the plot, one in its legend
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("actual", "typical", "shown"),
    [
        (126.4, 126.0, "126.4 126"),
        (1234567.5, 1234567.25, "1,234,568 1,234,567"),
        (0.12345, 0.12349, "0.1235 0.1235"),
        (5.0, 5.0, "5 5"),
        (101.0, 1.5763, "101 1.58"),
        (1e-9, 2e-9, "1e-09 2e-09"),
    ],
)
def test_as_many_digits_as_tell_actual_from_typical(actual, typical, shown):
    row = printed(findings_view([replace(ANOMALY, actual=(actual,), typical=(typical,))], [], [], width=120))
    first, second = row.splitlines()[2].split()[5:7]
    assert (first != second) == (actual != typical)
    if actual > 1:
        assert f"{first} {second}" == shown


def test_seconds_are_shown_where_times_have_them():
    times = [NOW, NOW.replace(second=40)]
    shown = printed(findings_view([replace(ANOMALY, timestamp=time) for time in times], [], [], width=120))
    assert "12:00:00" in shown
    assert "12:00:40" in shown
    assert "12:00:00" not in printed(findings_view([ANOMALY], [], [], width=120))


def test_a_narrow_terminal_does_without_the_function():
    text = printed(findings_view([ANOMALY], [], [plot_of(ANOMALY)], width=80), width=80)
    assert "FUNCTION" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_score_has_the_colour_of_its_severity():
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system="truecolor")
    console.print(findings_view([ANOMALY], [], [], width=120))
    assert "38;2;254;80;80m 98.0" in console.file.getvalue()


def test_no_anomaly_is_said_in_words():
    assert printed(findings_view([], [], [], width=80)) == "No anomalies of that score.\n"


def test_findings_as_json():
    assert findings_document([ANOMALY], [INFLUENCER]) == {
        "anomalies": [
            {
                "job": "codes",
                "timestamp": "2026-01-01T12:00:00Z",
                "recordScore": 97.96,
                "entity": "404",
                "actual": 101.0,
                "typical": 1.5763,
            }
        ],
        "influencers": [
            {
                "job": "codes",
                "timestamp": "2026-01-01T12:00:00Z",
                "influencerScore": 12.5,
                "field": "ip",
                "value": "10.0.0.1",
            }
        ],
    }


def progress(verdict, message="", processed=0, fraction=None):
    return Progress(
        pair=Pair(job=JOB), verdict=verdict, message=message, processed=processed, reached=NOW, fraction=fraction
    )


def test_plain_progress_says_each_thing_once():
    console = Console(file=io.StringIO(), width=120)
    view = PlainProgress(console)
    view.step(Pair(job=JOB), CREATE)
    for _ in range(3):
        view.progress(progress(Verdict.WORKING, "Datafeed: LookbackRunning: half way"))
    view.progress(progress(Verdict.READY, processed=1_234))
    assert console.file.getvalue().splitlines() == [
        "web: + create job web  the server has no such job",
        "web: Datafeed: LookbackRunning: half way",
        "web: ready: 1,234 records, data until 2026-01-01 12:00",
    ]


def test_live_progress_shows_a_bar_for_each_pair():
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with progress_view(console) as view:
        view.step(Pair(job=JOB), CREATE)
        view.progress(progress(Verdict.WORKING, fraction=0.5, processed=10))
        view.progress(progress(Verdict.READY, processed=20))
    assert "create job" in console.file.getvalue()
    assert "ready: 20 records" in console.file.getvalue()


def test_what_is_not_ready_is_listed_with_the_reason():
    applied = [
        Applied(progress=progress(Verdict.READY), steps=()),
        Applied(progress=progress(Verdict.STUCK, "AnomalyJob: Rejected: no"), steps=()),
        Applied(progress=progress(Verdict.WORKING, "Datafeed: Starting"), steps=()),
    ]
    assert [line.plain for line in unready_lines(applied, "10m")] == [
        "web: AnomalyJob: Rejected: no",
        "web: Datafeed: Starting (not ready after 10m)",
    ]
