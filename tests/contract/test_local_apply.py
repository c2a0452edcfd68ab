"""plan, apply, status, delete from files against a real engine: what the server has, and what is said."""

import json
import math
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from anomalyops.cli.main import invoke

HOURS = 24 * 10
START_MS = 1_700_006_400_000  # 2023-11-15T00:00:00Z

JOB = {
    "apiVersion": "anomalyops.io/v1alpha1",
    "kind": "AnomalyJob",
    "metadata": {"name": "requests"},
    "spec": {
        "analysisConfig": {
            "bucketSpan": "1h",
            "detectors": [{"function": "sum", "fieldName": "requests"}],
        },
        "analysisLimits": {"modelMemoryLimit": "12mb"},
        "dataDescription": {"timeField": "time"},
        "modelPlotConfig": {"enabled": True},
    },
}
FEED = {
    "apiVersion": "anomalyops.io/v1alpha1",
    "kind": "Datafeed",
    "metadata": {"name": "requests-feed"},
    "spec": {"jobRef": {"name": "requests"}, "indices": ["requests"], "end": "2023-11-25T00:00:00Z"},
}


@pytest.fixture
def files(engine, tmp_path):
    """An engine with ten days of data, and a folder with manifests of one job and its datafeed."""
    with engine.client() as client:
        mapping = {"properties": {"time": {"type": "date"}, "requests": {"type": "long"}}}
        client.indices.create(index="requests", mappings=mapping)
        operations = []
        for hour in range(HOURS):
            value = round(100 + 80 * math.sin(hour / 24 * 2 * math.pi))
            document = {"time": START_MS + hour * 3_600_000, "requests": 2_000 if hour == 200 else value}
            operations += [{"index": {}}, document]
        assert not client.bulk(index="requests", operations=operations, refresh=True)["errors"]
    folder = tmp_path / "manifests"
    folder.mkdir()
    return Files(folder, engine.url)


class Files:
    """Manifests on disk, and the commands on them."""

    def __init__(self, folder, url, *, create=False):
        self.folder = folder
        if create:
            folder.mkdir()
        self.url = url
        self.write(JOB, FEED)

    def write(self, *resources):
        (self.folder / "resources.yaml").write_text(yaml.safe_dump_all(resources))

    def run(self, command, *options):
        return invoke([command, "-f", str(self.folder), "--url", self.url, *options])


def changed(resource, **spec):
    return resource | {"spec": resource["spec"] | spec}


@pytest.mark.parametrize(
    ("job", "feed", "says"),
    [
        ({"dataDescription": {"timeField": "when"}}, {}, "has the time field when"),
        ({"analysisConfig": {"detectors": [{"function": "sum", "fieldName": "request"}]}}, {}, "has request, which"),
        ({}, {"indices": ["request"]}, "no such index [request]"),
        ({}, {"query": {"no_query": {}}}, "no_query"),
    ],
)
def test_a_plan_fails_where_apply_would(files, capsys, job, feed, says):
    files.write(changed(JOB, **job), changed(FEED, **feed))
    assert files.run("plan") == 3
    told = capsys.readouterr().out
    assert says in told.replace("\n", " ")
    assert "not asked of the server" not in told
    assert files.run("plan", "--output", "json") == 3
    plans = json.loads(capsys.readouterr().out)["plans"]
    assert says in plans[0]["obstacles"][0]["message"]
    files.write(JOB, FEED)
    assert files.run("plan") == 2


@pytest.mark.parametrize(
    ("job", "feed", "says"),
    [
        # Refused at creation.
        ({}, {"query": {"no_such_query": {}}}, "no_such_query"),
        # Created, and its datafeed cannot be started.
        ({}, {"indices": ["request"]}, "no such index [request]"),
    ],
)
def test_after_a_failed_apply_the_status_says_why(files, capsys, job, feed, says):
    files.write(changed(JOB, **job), changed(FEED, **feed))
    assert files.run("apply", "--timeout", "3s") == 3
    capsys.readouterr()
    assert files.run("status") == 0
    captured = capsys.readouterr()
    assert says in captured.err.replace("\n", " ")
    files.write(JOB, FEED)
    assert files.run("apply", "--timeout", "10m") == 0
    capsys.readouterr()
    assert files.run("status") == 0
    assert capsys.readouterr().err == ""


def test_the_life_of_a_job_from_files(files, engine, capsys):
    assert files.run("plan") == 2
    said = capsys.readouterr().out
    assert "+ create job requests" in said
    assert "> start datafeed requests-feed" in said
    assert "Plan: 2 to create" in said

    assert files.run("apply", "--timeout", "10m") == 0
    captured = capsys.readouterr()
    assert "requests: ready: 240 records, data until 2023-11-24 23:00" in captured.err
    assert "LookbackComplete" in captured.out
    assert "\x1b" not in captured.out + captured.err  # no control characters outside a terminal

    assert files.run("plan") == 0
    assert "Nothing to do: the server is as the files say." in capsys.readouterr().out

    assert files.run("status") == 0
    header, row, *_ = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["NAME", "JOB"]
    assert row.split()[:4] == ["anomalyjob/requests", "requests", "closed", "stopped"]

    assert files.run("status", "--output", "json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [item["kind"] for item in listed["items"]] == ["AnomalyJob", "Datafeed"]
    conditions = {c["type"]: c["status"] for c in listed["items"][1]["status"]["conditions"]}
    assert conditions["Ready"] == "True"

    assert invoke(["anomalies", "-f", str(files.folder), "--url", files.url]) == 0
    said = capsys.readouterr().out
    assert "2023-11-23 08:00" in said
    assert "2,000" in said
    assert "●" in said
    assert "highest; --limit shows more" not in said
    assert invoke(["anomalies", "--url", files.url, "--min-score", "0", "--limit", "1"]) == 0
    assert "These are the 1 highest; --limit shows more" in capsys.readouterr().out

    assert files.run("delete") == 0
    assert "kept job 'requests', closed, with its model and results" in capsys.readouterr().out
    with engine.client() as client:
        assert client.ml.get_jobs(job_id="requests")["count"] == 1
    assert files.run("delete", "--policy", "Delete") == 0
    assert "deleted job 'requests' with its model and results" in capsys.readouterr().out
    with engine.client() as client:
        assert client.ml.get_jobs(job_id="*")["count"] == 0


def test_a_change_is_planned_with_its_reason_and_applied(files, engine, capsys):
    assert files.run("apply") == 0
    limits = {"modelMemoryLimit": "20mb"}
    files.write(changed(JOB, analysisLimits=limits, description="Requests an hour"), FEED)
    capsys.readouterr()
    assert files.run("plan", "--output", "json") == 2
    planned = json.loads(capsys.readouterr().out)
    assert planned["empty"] is False
    assert planned["destructive"] is False
    (step,) = [step for step in planned["plans"][0]["steps"] if step["verb"] == "update job"]
    assert "20mb" in step["reason"]
    assert files.run("apply") == 0
    with engine.client() as client:
        job = client.ml.get_jobs(job_id="requests")["jobs"][0]
    assert job["analysis_limits"]["model_memory_limit"] == "20mb"
    assert job["description"] == "Requests an hour"
    assert files.run("plan") == 0


def test_an_immutable_change_is_refused_with_what_to_do(files, engine, capsys):
    assert files.run("apply") == 0
    config = JOB["spec"]["analysisConfig"] | {"bucketSpan": "2h"}
    files.write(changed(JOB, analysisConfig=config), FEED)
    capsys.readouterr()
    assert files.run("apply", "--timeout", "20s") == 3
    captured = capsys.readouterr()
    assert "ImmutableFieldChanged" in captured.err
    assert "bucket" in captured.err
    with engine.client() as client:
        assert client.ml.get_jobs(job_id="requests")["jobs"][0]["analysis_config"]["bucket_span"] == "1h"

    files.write(changed(JOB, analysisConfig=config, replacePolicy="Recreate"), FEED)
    assert files.run("plan") == 2
    assert "- delete job requests (loses the model and its results)" in capsys.readouterr().out


def test_a_datafeed_in_real_time_is_ready_when_it_runs(files, capsys):
    feed = changed(FEED)
    del feed["spec"]["end"]
    files.write(JOB, feed)
    assert files.run("apply", "--timeout", "10m") == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split()[2:4] == ["opened", "started"]
    assert files.run("delete", "--policy", "Delete") == 0


def test_a_datafeed_without_its_job_is_said_to_be_so(files, capsys):
    files.write(FEED)
    assert files.run("apply") == 3
    assert "AnomalyJob 'requests' is not in the files" in capsys.readouterr().err
    assert files.run("plan") == 2
    said = capsys.readouterr().out
    assert "WaitingForJob" in said
    assert "Nothing can be done yet." in said
    assert files.run("status") == 0
    assert "datafeed/requests-feed" in capsys.readouterr().out
    assert files.run("delete") == 0


@pytest.mark.parametrize("command", ["plan", "status", "apply", "delete"])
def test_every_result_is_one_yaml_or_json_document(files, capsys, command):
    for output, load in (("yaml", yaml.safe_load), ("json", json.loads)):
        assert files.run(command, "--output", output) in {0, 2}
        assert isinstance(load(capsys.readouterr().out), dict)


def test_what_the_server_refuses_is_shown_in_its_words(files, capsys):
    files.write(JOB, changed(FEED, query={"no_such_query": {}}))
    assert files.run("apply", "--timeout", "20s") == 3
    assert "Rejected" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_one_line(files, capsys):
    files.url = "http://127.0.0.1:9"
    for command in ("plan", "apply", "status", "delete"):
        assert files.run(command) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1


def test_deleting_says_what_was_left_alone_and_what_was_not_there(files, engine, capsys):
    """A job that was orphaned is nobody's: Delete leaves it alone and says so."""
    assert files.run("apply", "--timeout", "10m") == 0
    assert files.run("delete", "--policy", "Orphan") == 0
    assert "left job 'requests' as it was" in capsys.readouterr().out
    assert files.run("delete", "--policy", "Delete") == 0
    said = capsys.readouterr().out
    assert "left job 'requests' alone: it is managed by nobody" in said
    assert "left datafeed 'requests-feed' alone" in said
    with engine.client() as client:
        assert client.ml.get_jobs(job_id="requests")["count"] == 1
    assert files.run("apply", "--timeout", "10m") == 0
    assert files.run("delete", "--policy", "Delete") == 0
    capsys.readouterr()
    assert files.run("delete", "--policy", "Delete", "--output", "json") == 0
    results = [entry["result"] for entry in json.loads(capsys.readouterr().out)["resources"]]
    assert results == ["there is no job 'requests' on the server", "there is no datafeed 'requests-feed' on the server"]


def test_an_error_is_one_document_too(files, capsys):
    """Whoever reads stdout by a program finds the error there, and people find it on stderr."""
    files.url = "http://127.0.0.1:9"
    for command in ("plan", "apply", "status", "delete"):
        assert files.run(command, "--output", "json") == 1
        captured = capsys.readouterr()
        (error,) = json.loads(captured.out)["errors"]
        assert error["type"] == "Unreachable"
        assert error["message"].startswith("--url http://127.0.0.1:9: no connection")
        assert captured.err == f"error: {error['message']}\n"


def test_two_folders_with_the_same_names_do_not_take_each_others_jobs(files, capsys, tmp_path):
    """Whose a job is stands in the plan before anything is touched, and taking over is by name."""
    assert files.run("apply") == 0
    assert "job requests does not exist yet" in capsys.readouterr().err
    other = Files(tmp_path / "other", files.url, create=True)
    other.write(changed(JOB, replacePolicy="Recreate", analysisConfig=WIDER), FEED)
    with_model = len(counted(files))
    for command in ("plan", "apply"):
        assert other.run(command) != 0
        said = "".join(capsys.readouterr())
        assert f"managed by AnomalyJob default/requests of the files dir:{files.folder}" in said.replace("\n", "")
        assert "takeOverFrom" in said
    assert other.run("delete", "--policy", "Delete") == 0
    assert "not by these files" in capsys.readouterr().out
    assert len(counted(files)) == with_model, "the model and its results are where they were"
    assert files.run("plan") == 0
    assert "which is this one" in capsys.readouterr().out

    other.write(JOB, FEED)
    assert other.run("plan", "--take-over", "dir:/elsewhere") == 3
    assert "names dir:/elsewhere, who does not manage it" in capsys.readouterr().out
    assert other.run("apply", "--take-over", f"dir:{files.folder}") == 0
    assert "taken over from" in capsys.readouterr().err
    assert len(counted(files)) == with_model
    assert files.run("plan") == 3
    assert f"dir:{other.folder}" in capsys.readouterr().out
    assert files.run("plan", "--owner", f"dir:{other.folder}") == 0


WIDER = {"bucketSpan": "2h", "detectors": [{"function": "sum", "fieldName": "requests"}]}


def counted(files):
    with urllib.request.urlopen(f"{files.url}/_ml/anomaly_detectors/requests/results/buckets?size=10000") as answer:
        return json.load(answer)["buckets"]


def test_the_life_of_a_filter_from_files(files, engine, capsys):
    hosts = {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": "AnomalyFilter",
        "metadata": {"name": "known-hosts"},
        "spec": {"items": ["a", "b"], "deletionPolicy": "Delete"},
    }
    rule = {"scope": {"host": {"filterId": "known-hosts"}}}
    detector = {"function": "sum", "fieldName": "requests", "partitionFieldName": "host", "customRules": [rule]}
    job = changed(JOB, analysisConfig={"bucketSpan": "1h", "detectors": [detector]}, deletionPolicy="Delete")

    files.write(job)
    assert files.run("plan") == 2
    assert "… job: WaitingForFilter" in capsys.readouterr().out
    files.write(job, hosts)
    assert files.run("plan") == 2
    said = capsys.readouterr().out
    assert said.index("+ create filter known-hosts  it does not exist") < said.index("+ create job requests")

    assert files.run("apply", "--timeout", "10m") == 0
    captured = capsys.readouterr()
    assert "known-hosts: + create filter known-hosts" in captured.err
    assert "anomalyfilter/known-hosts" in captured.out
    with engine.client() as client:
        found = client.ml.get_filters(filter_id="known-hosts")["filters"][0]
        assert found["items"] == ["a", "b"]
        assert '"cluster": "local"' in found["description"]

        client.ml.update_filter(filter_id="known-hosts", add_items=["c"])
        assert files.run("plan", "--output", "json") == 2
        plans = json.loads(capsys.readouterr().out)["plans"]
        assert [step["reason"] for plan in plans for step in plan["steps"]] == ["remove c"]
        assert files.run("status") == 0
        captured = capsys.readouterr()
        assert "anomalyfilter/known-hosts" in captured.out
        assert "remove c" in captured.err
        assert files.run("apply", "--timeout", "10m") == 0
        assert client.ml.get_filters(filter_id="known-hosts")["filters"][0]["items"] == ["a", "b"]
        capsys.readouterr()
        assert files.run("plan") == 0

        assert files.run("delete") == 0
        assert "deleted filter 'known-hosts'" in capsys.readouterr().out
        assert client.ml.get_filters()["count"] == 0
        assert client.ml.get_jobs()["count"] == 0


def test_a_filter_and_a_calendar_read_config_maps_of_the_files(files, engine, capsys):
    def config_map(items, events):
        data = {"hosts.txt": items, "team.ics": f"BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}, "data": data}

    def event(summary, day):
        return f"BEGIN:VEVENT\nUID:{summary}\nSUMMARY:{summary}\nDTSTART;VALUE=DATE:{day}\nEND:VEVENT\n"

    def of(kind, name, **spec):
        value = {"apiVersion": "anomalyops.io/v1alpha1", "kind": kind, "metadata": {"name": name}}
        return value | {"spec": {"deletionPolicy": "Delete", **spec}}

    def reference(key):
        return [{"configMapRef": {"name": "shared", "key": key}}]

    day = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y%m%d")
    hosts = of("AnomalyFilter", "known-hosts", items=["c"], itemsFrom=reference("hosts.txt"))
    days = of("AnomalyCalendar", "days-off", jobIds=["_all"], ics=reference("team.ics"))
    files.write(hosts, days)
    assert files.run("plan") == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "SourceNotFound" in said
    assert "ConfigMap default/shared is not in the files: add it" in said
    files.write(hosts, days, config_map("a\nb\n", event("Sale", day)))
    assert files.run("apply", "--timeout", "10m") == 0
    with engine.client() as client:

        def there():
            found = client.ml.get_calendar_events(calendar_id="days-off")["events"]
            names = [one["description"] for one in found if not one["description"].startswith("[anomalyops.io")]
            return client.ml.get_filters(filter_id="known-hosts")["filters"][0]["items"], names

        assert there() == (["a", "b", "c"], ["Sale"])
        capsys.readouterr()
        assert files.run("plan") == 0
        files.write(hosts, days, config_map("a\nd\n", event("Fair", day)))
        assert files.run("plan") == 2
        files.write(hosts, days, config_map("a\nd\x01\n", event("Fair", day) + event("", day)))
        capsys.readouterr()
        assert files.run("apply", "--timeout", "5s") == 3
        said = " ".join(capsys.readouterr().err.split())
        assert "ConfigMap shared, key hosts.txt: line 2 holds the control character U+0001" in said
        assert "ConfigMap shared, key team.ics: event" in said
        assert there() == (["a", "b", "c"], ["Sale"])
        files.write(hosts, days)  # a deletion needs no ConfigMap
        assert files.run("delete") == 0
        assert client.ml.get_filters()["count"] == 0


def test_a_filter_in_use_is_not_deleted_and_why(files, engine, capsys):
    with engine.client() as client:
        hosts = {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "AnomalyFilter",
            "metadata": {"name": "known-hosts"},
            "spec": {"items": ["a"], "deletionPolicy": "Delete"},
        }
        files.write(hosts)
        assert files.run("apply") == 0
        rule = {"scope": {"host": {"filter_id": "known-hosts"}}}
        detector = {"function": "count", "partition_field_name": "host", "custom_rules": [rule]}
        client.ml.put_job(job_id="by-hand", analysis_config={"detectors": [detector]}, data_description={})
        capsys.readouterr()
        assert files.run("delete", "--timeout", "1s") == 3
        assert "currently used by jobs [by-hand]" in capsys.readouterr().out
        client.ml.delete_job(job_id="by-hand")
        assert files.run("delete", "--output", "json") == 0
        (entry,) = json.loads(capsys.readouterr().out)["resources"]
        assert (entry["kind"], entry["done"], entry["result"]) == (
            "AnomalyFilter",
            True,
            "deleted filter 'known-hosts'",
        )


def test_the_life_of_a_calendar_from_files_and_back(files, engine, capsys, tmp_path):
    holiday = {"description": "holiday", "start": "2023-11-20", "end": "2023-11-21", "skipModelUpdate": False}
    calendar = {
        "apiVersion": "anomalyops.io/v1alpha1",
        "kind": "AnomalyCalendar",
        "metadata": {"name": "days-off"},
        "spec": {
            "jobRefs": [{"name": "requests"}],
            "jobIds": ["others"],
            "events": [holiday],
            "deletionPolicy": "Delete",
        },
    }
    files.write(calendar)
    assert files.run("plan") == 2
    assert "… calendar: WaitingForJob" in capsys.readouterr().out
    job = changed(JOB, replacePolicy="Recreate", deletionPolicy="Delete")
    files.write(job, FEED, calendar)
    assert files.run("apply", "--timeout", "10m") == 0
    captured = capsys.readouterr()
    assert "days-off: + create calendar days-off" in captured.err
    assert "anomalycalendar/days-off" in captured.out
    with engine.client() as client:

        def members():
            return sorted(client.ml.get_calendars(calendar_id="days-off")["calendars"][0]["job_ids"])

        assert members() == ["others", "requests"]
        assert files.run("plan") == 0
        capsys.readouterr()

        # A job that is created anew stays in its calendar.
        other = {"bucketSpan": "2h", "detectors": [{"function": "count"}]}
        files.write(changed(job, analysisConfig=other), FEED, calendar)
        assert files.run("plan") == 2
        assert "~ add jobs to calendar days-off  job requests was in it" in capsys.readouterr().out
        assert files.run("apply", "--timeout", "10m") == 0
        assert members() == ["others", "requests"]
        capsys.readouterr()
        assert files.run("plan") == 0

        folder = tmp_path / "exported"
        assert invoke(["export", "--url", files.url, "--output-dir", str(folder)]) == 0
        assert "1 calendars" in capsys.readouterr().err
        (written,) = yaml.safe_load_all((folder / "anomalycalendar-days-off.yaml").read_text())
        times = {"start": "2023-11-20T00:00:00Z", "end": "2023-11-21T00:00:00Z"}
        assert written["spec"] == {"jobIds": ["others", "requests"], "events": [{**holiday, **times}]}

        assert files.run("delete") == 0
        assert "deleted calendar 'days-off'" in capsys.readouterr().out
        assert client.ml.get_calendars()["count"] == 0


def test_what_others_made_is_exported_and_taken_over_with_nothing_but_the_mark(engine, capsys, tmp_path):
    event = {"description": "holiday", "start_time": 1_700_000_000_000, "end_time": 1_700_000_001_000}
    folder = tmp_path / "exported"
    with engine.client() as client:
        client.ml.put_calendar(calendar_id="days_off", description="by hand", job_ids=["web"])
        client.ml.post_calendar_events(calendar_id="days_off", events=[event, event])
        client.ml.put_filter(filter_id="hosts", items=["b", "a"], description="by hand")
        assert invoke(["export", "--url", engine.url, "--output-dir", str(folder)]) == 0
        arguments = ["-f", str(folder), "--url", engine.url]
        capsys.readouterr()
        assert invoke(["plan", *arguments, "--output", "json"]) == 2
        plans = json.loads(capsys.readouterr().out)["plans"]
        verbs = [[step["verb"] for step in plan["steps"]] for plan in plans]
        # Of two equal events one is enough.
        assert sorted(verbs) == [["add events to calendar", "delete events of calendar"], ["update filter"]]
        assert all(set(step.get("body", {})) <= {"description"} for plan in plans for step in plan["steps"])
        assert invoke(["apply", *arguments]) == 0
        assert invoke(["plan", *arguments]) == 0
        assert client.ml.get_filters(filter_id="hosts")["filters"][0]["items"] == ["a", "b"]
