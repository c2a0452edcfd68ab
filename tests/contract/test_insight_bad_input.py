"""What every command says of a server that cannot answer, and of what nobody could answer: a sentence and an exit code.

The law is a table, commands by faults. A fault that an engine can be brought to is brought about; the others stand in a
door before it (`faulty_server`), in the words of the servers that have them.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from faulty_server import ELASTIC, Answer, always, below, door, refusal, unrouted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from insight_world import END, START, plant
from mcp import types

from anomalyops.cli.investigator import investigator
from anomalyops.cli.main import invoke
from anomalyops.controllers.investigations.investigator import Inquiry, InquiryError
from anomalyops.elastic import GatewayError
from anomalyops.local.connections import connection_at, open_gateway
from anomalyops.local.managing import managing_tools
from anomalyops_insight.server import Endpoint, Server
from anomalyops_insight.serving.mcp_server import tool_server
from anomalyops_insight.serving.offered import offered
from anomalyops_insight.toolset import all_tools
from engine_process import EngineProcess

PASSWORD = "a long way"
TLS = Path(__file__).parents[1] / "unit" / "reconciler" / "tls"
WINDOW = ("--start", START, "--end", END)
GIVEN = {
    "job_id": "web-latency", "job_id_pattern": "web-latency", "index": "web-logs-*", "entity_value": "db1",
    "category_id": "1",
    "job": '{"analysis_config":{"detectors":[{"function":"count"}]},"data_description":{"time_field":"@timestamp"}}',
    "detectors": '[{"function":"count"}]', "action": "_stop", "model_memory_limit": "64mb", "query_delay": "90s",
    "snapshot_id": "s1", "calendar_id": "c", "description": "d", "start_time": "2026-01-01", "end_time": "2026-01-02",
}  # fmt: skip
TRYING = {"ad_validate_job_spec", "ad_estimate_memory_requirement", "ad_preview_datafeed_with_latency"}  # on the server
SOURCES = {"ad_rca_source_evidence": "--job-id", "ad_ts_ingest_latency_estimate": "--job-id"}
MANIFEST = """apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata: {name: bt}
spec:
  analysisConfig: {bucketSpan: 5m, detectors: [{function: count}]}
  dataDescription: {timeField: "@timestamp"}
---
apiVersion: anomalyops.io/v1alpha1
kind: Datafeed
metadata: {name: bt}
spec: {jobRef: {name: bt}, indices: ["web-logs-*"]}
"""


def tool_commands(tools):
    """A command of each tool, with what it needs."""
    for tool in tools:
        needed = [name for name, field in tool.parameters.model_fields.items() if field.is_required()]
        values = GIVEN | ({"job_id": "log-categories"} if "categor" in tool.name else {})
        given_values = [word for name in needed for word in (f"--{name.replace('_', '-')}", values[name])]
        source = [SOURCES[tool.name], "web-latency"] if tool.name in SOURCES else []
        yield ["tool", tool.name, *given_values, *source]


READING = [
    ["investigate", *WINDOW],
    ["explain", "web-latency"],
    ["explain", "web-latency", "--at", "2026-01-10T10:15:00Z"],
    ["troubleshoot", "--all"],
    ["troubleshoot", "db-cpu"],
    ["new", "unusual rates per host", "--index", "web-logs-*"],
    ["backtest", "-f", "MANIFEST"],
    *tool_commands(all_tools()),
]
MANAGING = [[*command, "--yes"] for command in tool_commands(managing_tools())]
KIBANA = [["kibana", verb] for verb in ("status", "register", "unregister")]

FEW = [*(one for one in READING if one[1] in {*WINDOW, "--all", "-f", "web-latency", "ad_get_jobs"}), MANAGING[0]]
FEW += [one for one in READING if one[1] in {"ad_validate_ml_tool_permissions", "ad_rca_source_evidence"}]

PAGE = "<!DOCTYPE html><html><head><title>nginx</title></head><body>Welcome</body></html>"
NOT_FOUND = {"statusCode": 404, "error": "Not Found", "message": "Not Found"}
STRANGERS = {
    "a page": Answer(200, PAGE, "text/html"),
    "a page that is not found": Answer(404, PAGE, "text/html"),
    "redirects without end": Answer(302, "", "text/html", {"location": "/login"}),
    "Kibana": Answer(404, NOT_FOUND, headers={"kbn-name": "kibana"}),
    "other JSON": Answer(200, {"hello": "world"}),
    "other JSON that is not found": Answer(404, {"detail": "Not Found"}),
    "broken JSON": Answer(200, "{nope", headers=ELASTIC),
    "a proxy without a server": Answer(503, PAGE, "text/html"),
}
GONE = "api_not_available_exception"
NOT_LICENSED = "current license is non-compliant for [ml]"
WITHOUT_ML = {
    "switched off": lambda method, path: unrouted(400, method, path),
    "not routed": lambda method, path: unrouted(404, method, path),
    "not licensed": lambda *_: refusal(403, "security_exception", NOT_LICENSED, **{"license.expired.feature": "ml"}),
    "serverless": lambda method, path: refusal(
        410, GONE, f"Request for uri [{path}] with method [{method}] exists but"
    ),
}
WITHOUT_ESQL = {
    "400": lambda method, path: unrouted(400, method, path),
    "404": lambda method, path: unrouted(404, method, path),
    "405": lambda *_: Answer(405, {"error": "Incorrect HTTP method for uri [/_query]", "status": 405}, headers=ELASTIC),
    "410": lambda *_: refusal(410, "api_not_available_exception", "Request for uri [/_query] is not available"),
    "501": lambda *_: refusal(501, "not_implemented_exception", "[POST /_query] is not supported"),
    "403": lambda *_: refusal(403, "security_exception", "action [indices:data/read/esql] is unauthorized"),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("engine"))
    process.start()
    with process.client() as client:
        plant(client)
    yield process.url
    process.kill()


@pytest.fixture
def run(tmp_path, capfd, monkeypatch):
    manifest = tmp_path / "job.yaml"
    manifest.write_text(MANIFEST)
    monkeypatch.setenv("COLUMNS", "140")

    def command(arguments, url):
        words = [str(manifest) if word == "MANIFEST" else word for word in arguments]
        option = "--kibana-url" if words[0] == "kibana" else "--url"
        capfd.readouterr()
        code = invoke([words[0], *([words[1]] if words[0] in {"tool", "kibana"} else []), option, url,
                       *words[2 if words[0] in {"tool", "kibana"} else 1:]])  # fmt: skip
        said = capfd.readouterr()
        return code, said.out, said.err

    return command


def the_error(error):
    """The one line of an error, after lines of progress."""
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, error
    assert error.rstrip().endswith(lines[0]), error
    sentence = lines[0]
    for ugly in ("Traceback", "ANOMALYOPS_DEBUG", "<html", "<!DOCTYPE", "{'root", "message=''", "ssl:"):
        assert ugly not in sentence, sentence
    assert len(sentence) < 800, sentence
    return sentence


def assert_refused(outcome, *words):
    code, _, error = outcome
    assert code == 1, outcome
    sentence = the_error(error)
    assert any(word in sentence for word in words), sentence


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_not_elasticsearch_is_named_and_is_never_an_answer(engine, run, name):
    every = name == "a page that is not found"  # which looks most like an answer
    with door(engine, always(STRANGERS[name])) as url:
        for command in [*READING, *MANAGING] if every else FEW:
            outcome = run(command, url)
            assert_refused(outcome, "Elasticsearch", "it redirects without end", "an HTML page (503)", "answered 503")
            assert outcome[1] == "" or command in MANAGING
            assert url in outcome[2], outcome


@pytest.mark.parametrize("name", [name for name in STRANGERS if name != "Kibana"])
def test_what_is_not_kibana_is_named(engine, run, name):
    with door(engine, always(STRANGERS[name])) as url:
        for command in KIBANA:
            assert_refused(run(command, url), "Kibana", "it redirects without end", "an HTML page (503)")


def test_kibana_and_elasticsearch_are_told_apart(engine, run):
    for command in KIBANA:
        assert_refused(run(command, engine), "is Elasticsearch: give the URL of its Kibana")
    with door(engine, always(STRANGERS["Kibana"])) as url:
        for command in (["explain", "web-latency"], ["tool", "ad_get_jobs"], MANAGING[0], ["new", "rates"]):
            assert_refused(run(command, url), "this is Kibana: give the URL of its Elasticsearch")


@pytest.mark.parametrize("name", WITHOUT_ML)
def test_a_server_without_machine_learning(engine, run, name):
    """What is in indices can be read; what only machine learning tells says that there is none."""
    answered = set()
    with door(engine, below("/_ml", WITHOUT_ML[name])) as url:
        for command in [*READING, *MANAGING] if name == "switched off" else [*FEW, *MANAGING[1:3], READING[5]]:
            if command[0] == "backtest" and name != "switched off":
                continue
            code, out, error = run(command, url)
            if code == 1:
                sentence = the_error(error)
                assert "this server has no machine learning" in sentence or "license is non-compliant" in sentence
                assert "privilege" not in error, error
            else:
                assert out, command
                answered.add(" ".join(command[:2]))
                assert "privilege to read" not in out, out
    assert answered >= {"investigate --start", "tool ad_rca_source_evidence"}
    refused = {" ".join(command[:2]) for command in MANAGING}
    refused |= {"explain web-latency", "troubleshoot --all", "new unusual rates per host", "tool ad_validate_job_spec"}
    assert not answered & refused


def test_a_server_that_never_had_machine_learning_says_so_where_nothing_is_found(tmp_path, run):
    process = EngineProcess(tmp_path)
    process.start()
    try:
        with door(process.url, below("/_ml", WITHOUT_ML["switched off"])) as url:
            for command in (["investigate", *WINDOW], ["tool", "ad_query_anomaly_records"]):
                code, out, _ = run(command, url)
                assert code == 3
                assert "this server has no machine learning" in out
            assert_refused(run(["tool", "ad_get_jobs"], url), "this server has no machine learning")
    finally:
        process.kill()


ASKING = [command for command in READING if command[0] not in {"new", "backtest"}]


@pytest.mark.parametrize("name", WITHOUT_ESQL)
def test_a_server_without_esql_gives_the_same_answers(engine, run, name):
    told = {}
    with door(engine, below("/_query", WITHOUT_ESQL[name])) as url:
        for command in ASKING if name == "400" else ASKING[:7]:
            told[tuple(command)] = run(command, url)[:2]
    for command, (code, out) in told.items():
        known, wanted, _ = run(list(command), engine)
        moment = re.compile(r"\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d")
        assert (code, moment.sub("", out)) == (known, moment.sub("", wanted)), command


def test_urls_that_lead_nowhere(engine, run):
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(TLS / "localhost.pem", TLS / "localhost.key")
    port = engine.rsplit(":", 1)[1]
    commands = [*READING[:7], READING[7], MANAGING[0], KIBANA[0]]
    with ExitStack() as stack:
        shut = stack.enter_context(door(engine, lambda *_: None, secure))
        urls = {
            "http://127.0.0.1:1": ("Connect call failed",),
            "http://no-such-host.invalid:9200": ("not known", "not resolve", "failure in name resolution"),
            f"https://127.0.0.1:{port}": ("does not speak TLS there: write http://",),
            shut: ("is not trusted",),
            shut.replace("https", "http"): ("Connection reset by peer", "Server disconnected"),
            "ftp://127.0.0.1": ("the URL is not accepted: write http(s)://host[:port]",),
            "localhost:9200": ("the URL is not accepted: write http(s)://host[:port]",),
            "http://127.0.0.1:99999": ("Could not parse URL",),
            "": ("--url", "--kibana-url", "the URL is not accepted"),
        }
        for url, words in urls.items():
            for command in commands:
                assert_refused(run(command, url), *words)


def test_a_key_that_only_reads_reads_and_changes_nothing(tmp_path, run, monkeypatch):
    process = EngineProcess(tmp_path, f"password={PASSWORD!r}")
    process.start()
    try:
        with process.client() as client:
            elastic = client.options(basic_auth=("elastic", PASSWORD))
            plant(elastic)
            reads = {"names": ["*"], "privileges": ["read", "view_index_metadata"]}
            role = {"reader": {"cluster": ["monitor_ml"], "indices": [reads]}}
            key = elastic.security.create_api_key(name="reader", role_descriptors=role)["encoded"]
        monkeypatch.setenv("ANOMALYOPS_API_KEY", key)
        for command in READING:
            if command[0] in {"new", "backtest"} or command[1] in TRYING:
                continue
            code, out, error = run(command, process.url)
            assert code in {0, 2, 3}, (command, error)
            assert "privilege to read" not in out, (command, out)
        changed = 0
        for command in MANAGING:
            code, out, error = run(command, process.url)
            if code == 1:
                changed += 1
                assert "unauthorized" in the_error(error), error
            else:
                assert code in {0, 3}, (command, out, error)
                assert not re.search(r"^done$", error, re.MULTILINE), (command, error)
        assert changed >= 4
        monkeypatch.setenv("ANOMALYOPS_API_KEY", "bm90OmFrZXk=")
        for command in [*READING[:6], *MANAGING[:2], READING[7]]:
            assert_refused(run(command, process.url), "(401)", "answered 401")
    finally:
        process.kill()


FUTURE = (("now+1h", "now+2h"), ("2199-01-01", "2199-01-02"))


@pytest.mark.parametrize(("start", "end"), FUTURE)
def test_a_window_in_the_future_is_called_one(engine, run, start, end):
    over = ["--start", start, "--end", end]
    for command in (["investigate"], ["tool", "ad_query_anomaly_records"], ["tool", "ad_query_anomaly_timeline"],
                    ["tool", "ad_rca_source_evidence", "--job-id", "web-latency"]):  # fmt: skip
        code, out, _ = run([*command, *over], engine)
        assert code == 3
        assert "lies in the future" in out.replace("\n", " ")
    assert_refused(run(["explain", "web-latency", "--at", start], engine), "lies in the future")


def test_a_window_without_data_says_from_when_to_when_there_are(engine, run):
    over = ["--start", "1999-01-01", "--end", "1999-01-02"]
    for command in (["investigate"], ["tool", "ad_query_anomaly_records"], ["tool", "ad_rca_correlation"],
                    ["tool", "ad_rca_source_evidence", "--job-id", "web-latency"]):  # fmt: skip
        code, out, _ = run([*command, *over], engine)
        assert code == 3
        assert "what there is reaches from 2026-01-10" in out.replace("\n", " ")
    new = ["new", "unusual rates per host", "--index", "web-logs-*", *over]
    assert_refused(run(new, engine), "they reach from 2026-01-10")
    assert_refused(run(["backtest", "-f", "MANIFEST", *over], engine), "has no documents")
    ahead = ["--start", "2199-01-01", "--end", "2199-01-02"]
    assert_refused(run(["backtest", "-f", "MANIFEST", *ahead], engine), "lies in the future")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ad_rca_source_evidence", "--job-id", "web-latency", "--entity-field", "hosst", "--entity-value", "h1"],
         "no index of web-logs-* has the field hosst (it has host"),
        (["ad_rca_source_evidence", "--index", "web-logs-1", "--time-field", "nope"], "has the field nope"),
        (["ad_rca_source_evidence", "--index", "web-logs-1", "--time-field", "host"], "a date is needed"),
        (["ad_ts_ingest_latency_estimate", "--job-id", "web-latency", "--ingest-field", "nope"], "has the field nope"),
        (["ad_ts_ingest_latency_estimate", "--index", "web-logs-1", "--ingest-field", "host"], "host is keyword"),
        (["ad_query_influencers", "--influencer-field", "nope"], "influencers are named by host, service"),
        (["ad_rca_correlation", "--entity-field", "nope"], "influencers are named by host, service"),
        (["ad_get_jobs", "--group", "nope"], "no job is of group 'nope'; there are web"),
        (["ad_estimate_memory_requirement", "--job-id", "db-cpu"], "no document of db-metrics"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_named_with_what_does(engine, run, arguments, words):
    code, out, _ = run(["tool", *arguments], engine)
    assert code == 3
    assert words in out.replace("\n", " ")


def test_an_unknown_job_is_said_with_those_that_are(engine, run):
    of_a_job = [tool for tool in all_tools() if "job_id" in tool.parameters.model_fields]
    for tool in of_a_job:
        needed = ["--category-id", "1"] if "category_id" in tool.parameters.model_fields else []
        needed = [] if tool.name == "ad_get_categories" else needed
        outcome = run(["tool", tool.name, "--job-id", "web-latensy", *needed], engine)
        if tool.name == "ad_get_categories":
            assert outcome[0] == 3
        else:
            assert_refused(outcome, "there is no job 'web-latensy'; there are web-latency")
    for command in ("explain", "troubleshoot"):
        assert_refused(run([command, "web-latensy"], engine), "there is no job 'web-latensy'; there are web-latency")
    for tool in managing_tools():
        if "job_id" in tool.parameters.model_fields and tool.name != "ad_create_job":
            command = next(one for one in MANAGING if one[1] == tool.name)
            code, out, _ = run(["nobody" if word == "web-latency" else word for word in command], engine)
            assert (code, "there is no job nobody" in out) == (3, True), out


ODD = st.one_of(
    st.sampled_from(["", ",", "***", "*", "-x", "_all", "a b", "a/b", "web-latency,", ",web-latency", "w*b*l*y", "?",
                     "..", "%2e%2e", "ü", "x" * 5000, '"', "a|b", "web-latency,nobody", "\\", "<", "#", "a,,b"]),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=12),
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pattern=ODD)
def test_odd_patterns_are_answered_or_refused_and_never_change_several_jobs(engine, run, pattern):
    commands = [["explain", "--record=x", "--", pattern], ["troubleshoot", "--", pattern],
                ["investigate", *WINDOW, f"--jobs={pattern}"],
                ["tool", "ad_query_anomaly_records", f"--job-id-pattern={pattern}"],
                ["tool", "ad_get_job_datafeed_config", f"--job-id={pattern}"]]  # fmt: skip
    for command in commands:
        code, out, error = run(command, engine)
        if code == 1:
            the_error(error)
        else:
            assert code in {0, 2, 3}, (command, code)
            assert out.strip(), command
    code, out, error = run(["tool", "ad_manage_datafeed", f"--job-id={pattern}", "--action=_stop", "--yes"], engine)
    if code == 1:
        assert "one id is meant" in the_error(error)
    else:
        assert re.fullmatch(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9])?", pattern), pattern


async def _called(url, name, values):
    async with Server(Endpoint(urls=(url,))) as server:
        tools = tool_server(server)
        parameters = types.CallToolRequestParams(name=name, arguments=values)
        handler = tools.request_handlers[types.CallToolRequest]
        return (await handler(types.CallToolRequest(method="tools/call", params=parameters))).root


@pytest.mark.parametrize("name", STRANGERS)
def test_assistants_are_told_too(engine, name):
    with door(engine, always(STRANGERS[name])) as url:
        for one in offered()[:12]:
            needed = {field: GIVEN.get(field, START) for field, facts in one.parameters.model_fields.items()
                      if facts.is_required()}  # fmt: skip
            needed |= {"end": END} if one.name == "investigate" else {}
            needed |= {"job_id": "web-latency"} if one.name in SOURCES else {}
            told = asyncio.run(_called(url, one.name, needed))
            assert told.isError, (one.name, told)
            assert url in told.content[0].text
            assert "<html" not in told.content[0].text


@pytest.mark.parametrize("name", STRANGERS)
def test_an_investigation_of_a_cluster_fails_with_the_same_words(engine, name):
    inquiry = Inquiry(start=datetime(2026, 1, 10, 10, tzinfo=UTC), end=datetime(2026, 1, 10, 12, tzinfo=UTC), jobs="*",
                      min_score=25)  # fmt: skip

    async def asked(url):
        async with open_gateway(connection_at(url), None) as gateway:
            return await investigator(inquiry, gateway.rest)

    with door(engine, always(STRANGERS[name])) as url, pytest.raises((GatewayError, InquiryError)) as failed:
        asyncio.run(asked(url))
    assert re.search("Elasticsearch|redirects without end|an HTML page", str(failed.value))
    assert "<html" not in str(failed.value)


def test_errors_are_json_where_json_is_asked_for(run):
    code, out, _ = run(["explain", "web-latency", "-o", "json"], "http://127.0.0.1:1")
    assert code == 1
    assert "cannot be reached" in json.loads(out)["errors"][0]["message"]
