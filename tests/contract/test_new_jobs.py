"""`anomalyops new` over the engine: sentences about planted documents become jobs that work."""

from __future__ import annotations

import asyncio
import json
import random
import re
import string

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops.cli.main import invoke
from anomalyops.drafting.draft import Wishes
from anomalyops.drafting.errors import DraftError
from anomalyops.drafting.sentence import read
from anomalyops.elastic import Endpoint, Gateway
from anomalyops.local.drafting import bodies, draft, held
from captures import check
from engine_process import EngineProcess

START = 1_767_225_600_000  # 2026-01-01
HOUR = 3_600_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """An engine of its own: what is refused beside others' jobs is no matter here."""
    process = EngineProcess(tmp_path_factory.mktemp("new-jobs"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def client(engine):
    with engine.client() as client:
        yield client


@pytest.fixture(scope="module")
def nginx(engine):
    """Two days of requests to three hosts, some of them failed."""
    with engine.client() as client:
        properties = {
            "@timestamp": {"type": "date"},
            "host": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
            "http": {"properties": {"response": {"properties": {"status_code": {"type": "long"}}}}},
            "user": {"properties": {"name": {"type": "keyword"}}},
            "latency_ms": {"type": "double"},
            "never": {"type": "keyword"},
        }
        client.indices.create(index="nginx-1", mappings={"properties": properties})
        operations = []
        for n in range(600):
            status = 500 if n % 20 == 0 else 200
            operations += [
                {"index": {}},
                {"@timestamp": START + n * 300_000, "host": f"h{n % 3}", "user": {"name": f"u{n % 7}"},
                 "http": {"response": {"status_code": status}}, "latency_ms": 3.0 + n % 5},
            ]  # fmt: skip
        client.bulk(index="nginx-1", operations=operations, refresh=True)
        yield "nginx-*"
        client.indices.delete(index="nginx-1")


@pytest.fixture
def run(engine, capsys):
    def command(*arguments, output=("-o", "json")):
        code = invoke(["new", *arguments, "--url", engine.url, *output])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if output else captured.out, captured.err

    return command


def test_the_example_of_the_guide(run, nginx, client):
    code, found, _ = run("unusual error rates per host on nginx logs", "--index", nginx)
    assert code == 0
    assert found["job"]["analysis_config"] == {
        "bucket_span": "15m",
        "detectors": [{"function": "high_count", "by_field_name": "host.keyword"}],
        "influencers": ["host.keyword"],
    }
    assert found["job"]["data_description"] == {"time_field": "@timestamp"}
    assert found["datafeed"]["query"] == {"range": {"http.response.status_code": {"gte": 400, "lt": 600}}}
    assert found["datafeed"]["query_delay"] == "60s"
    assert [row["@timestamp"] for row in found["preview"]] == [START, START + 20 * 300_000, START + 40 * 300_000]
    assert client.ml.get_jobs(job_id="_all")["count"] == 0  # nothing is created by looking


def test_the_page_shows_what_is_printed(nginx, engine, capsys):
    def run(arguments):
        capsys.readouterr()
        code = invoke(arguments)
        said = capsys.readouterr()
        return said.err if code == 1 else said.out

    check("docs/new.md", run, engine.url)


def test_what_is_shown_is_manifests_and_calls(run, nginx):
    code, text, _ = run("high latency per host", "--index", nginx, output=())
    assert code == 0
    manifests, calls = text.split("# The same as calls of the API")
    kinds = [document["kind"] for document in yaml.safe_load_all(manifests)]
    assert kinds == ["AnomalyJob", "Datafeed"]
    order = ["PUT _ml/anomaly_detectors/", "PUT _ml/datafeeds/", "/_open", "/_start"]
    assert [calls.index(call) for call in order] == sorted(calls.index(call) for call in order)


def test_a_file_is_written_once_confirmed_and_applied(run, nginx, client, tmp_path, monkeypatch, capsys, engine):
    file = tmp_path / "job.yaml"
    asked = ["rare user names per host", "--index", nginx, "--file", str(file), "--name", "new-users"]
    asked += ["--start", "2026-01-01", "--end", "2026-01-04"]
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    assert invoke(["new", *asked, "--url", engine.url]) == 3
    assert not file.exists()
    assert invoke(["new", *asked, "--url", engine.url, "--yes", "--apply"]) == 0
    capsys.readouterr()
    try:
        job = client.ml.get_jobs(job_id="new-users")["jobs"][0]
        detector = job["analysis_config"]["detectors"][0]
        assert (detector["function"], detector["by_field_name"], detector["partition_field_name"]) == (
            "rare", "user.name", "host.keyword",
        )  # fmt: skip
        assert client.ml.get_job_stats(job_id="new-users")["jobs"][0]["data_counts"]["processed_record_count"] == 600
        assert run(*asked, "--yes")[2].startswith(f"error: {file} is there already")
    finally:
        client.ml.delete_job(job_id="new-users", force=True)


def test_a_wizard_asks_and_asks_again(nginx, engine, tmp_path, monkeypatch, capsys):
    answers = iter([nginx, "high voltage", "", "high latency per host", "1h"])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
    file = tmp_path / "asked.yaml"
    assert invoke(["new", "--interactive", "--url", engine.url, "--file", str(file)]) == 0
    assert "That does not work: no number of nginx-* is called like 'voltage'" in capsys.readouterr().err
    job = next(yaml.safe_load_all(file.read_text()))
    assert job["spec"]["analysisConfig"]["bucketSpan"] == "1h"
    assert job["spec"]["analysisConfig"]["detectors"] == [
        {"function": "high_mean", "fieldName": "latency_ms", "byFieldName": "host.keyword"}
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["high voltage"], "no number of nginx-\\* is called like 'voltage'"),
        (["rare spaceships"], "it has"),
        (["too many requests", "--index", "nothing-here-*"], "there is no such index"),
        (["too many requests", "--by", "nowhere"], "--by nowhere: no index of nginx-\\* has this field"),
        (["too many requests", "--time-field", "host"], "--time-field host: it is text, and has to be a date"),
        (["too many requests", "--query", "{"], "--query: expected JSON"),
        (["too many requests", "--query", '{"term": {"host.keyword": "h9"}}'], "its datafeed gives no document"),
        (["too many requests", "--query", '{"turm": {}}'], "turm"),
        (["too many requests", "--bucket-span", "often"], "bucketSpan"),
        (["too many requests", "--function", "summ"], "there is no function summ: did you mean sum"),
        (["too many requests", "--apply"], "--apply needs --file"),
        ([], "say what is to be found"),
    ],
)
def test_what_cannot_be_is_said(run, nginx, arguments, words):
    index = [] if "--index" in arguments else ["--index", nginx]
    code, document, error = run(*arguments, *index)
    assert code == 1
    assert re.search(words, json.dumps(document) + error)
    assert "Traceback" not in error


NOUNS = (
    "host",
    "user",
    "service",
    "latency",
    "bytes",
    "cpu",
    "status",
    "url",
    "country",
    "message",
    "warehouse",
    "level",
)
TYPES = ("keyword", "long", "double", "ip", "text", "boolean", "date", "geo_point")
HOW = ("unusual {0}", "rare {0}", "high {0}", "low {0}", "too many requests", "too many errors",
       "number of distinct {0}",
       "unusual log messages", "drop in traffic", "unusual time of day", "total {0}", "unusual locations")  # fmt: skip
BY = ("", " per {1}", " compared to other {1}", " per {1} compared to other {2}", " per {1} and {2}", " every hour")


@st.composite
def worlds(draw):
    """A sentence, a mapping, and which of its fields documents have."""
    names = draw(st.lists(st.sampled_from(NOUNS), min_size=1, max_size=6, unique=True))
    mapping = {name + draw(st.sampled_from(("", "_name", ".value"))): draw(st.sampled_from(TYPES)) for name in names}
    used = {name for name in mapping if draw(st.booleans())}
    words = [draw(st.sampled_from(NOUNS)) for _ in range(3)]
    return (draw(st.sampled_from(HOW)) + draw(st.sampled_from(BY))).format(*words), mapping, used


def value_of(kind, seed):
    at = random.Random(seed)
    return {
        "keyword": at.choice(["error", "info", "500", "200"]), "long": at.randint(1, 600), "double": at.random(),
        "ip": f"10.0.0.{at.randint(1, 9)}", "text": at.choice(string.ascii_letters), "boolean": at.random() < 0.5,
        "date": START + at.randint(0, 10) * HOUR, "geo_point": {"lat": 1.5, "lon": at.randint(0, 90)},
    }[kind]  # fmt: skip


@given(world=worlds())
@settings(max_examples=40, deadline=None)
def test_any_sentence_over_any_mapping_is_a_job_that_works_or_a_sentence_why_not(engine, world):
    sentence, mapping, used = world
    index = f"drafted-{abs(hash((sentence, tuple(mapping.items()), tuple(sorted(used)))))}"
    with engine.client() as client:
        properties = {name: {"type": kind} for name, kind in mapping.items()} | {"@timestamp": {"type": "date"}}
        client.indices.create(index=index, mappings={"properties": properties})
        try:
            operations = []
            for n in range(20):
                document = {name: value_of(kind, n) for name, kind in mapping.items() if name in used}
                operations += [{"index": {}}, {"@timestamp": START + n * HOUR} | document]
            client.bulk(index=index, operations=operations, refresh=True)
            made = asyncio.run(_made(engine.url, sentence, index))
            if isinstance(made, DraftError):
                assert len(str(made)) > 20
                return
            assert made.rows
            job, feed = bodies(made.draft)
            client.ml.put_job(job_id=index, **job)  # the server takes what was only tried
            client.ml.put_datafeed(datafeed_id=index, **feed | {"job_id": index})
            assert client.ml.preview_datafeed(datafeed_id=index).body
        finally:
            if client.ml.get_jobs(job_id=f"{index}*", allow_no_match=True)["count"]:
                client.ml.delete_job(job_id=index, force=True)
            client.indices.delete(index=index)


async def _made(url, sentence, index):
    gateway = Gateway(Endpoint(urls=(url,)))
    try:
        return await draft(gateway, sentence, read(sentence), await held(gateway, index), Wishes(index=index))
    except DraftError as error:
        return error
    finally:
        await gateway.close()
