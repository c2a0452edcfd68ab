"""`anomalyops mcp --http` as a process, through the client of the official SDK: who is let in, and what is offered."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from insight_world import END, RESULTS, START, influencer, plant
from mcp import ClientSession, McpError
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl

from engine_process import EngineProcess
from waiting import PATIENCE_S

OPERATOR = Path(__file__).resolve().parents[2] / "operator"
TOKEN = "a-token-of-some-length"
WINDOW = {"start": START, "end": END}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("mcp"))
    process.start()
    with process.client() as client:
        plant(client)
        for number in range(12):
            client.index(
                index=RESULTS, document=influencer("web-latency", 30, "host", f"edge{number}", 26), refresh=True
            )
    yield process.url
    process.kill()


class Serving:
    """A process that serves."""

    def __init__(self, url, *options, token=TOKEN):
        environment = os.environ | {"PYTHONPATH": str(OPERATOR)} | ({"ANOMALYOPS_MCP_TOKEN": token} if token else {})
        command = [sys.executable, "-m", "anomalyops.cli", "mcp", "--http", "--url", url, *options]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.told = []

    def __enter__(self):
        for line in self.process.stderr:
            self.told.append(line)
            if found := re.search(r"listening on (\S+)", line):
                self.url = found[1]
                return self
        raise AssertionError("".join(self.told))

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == -signal.SIGTERM  # after a proper end it dies of what it was ended by
        self.process.stderr.close()


@pytest.fixture(scope="module")
def reading(url):
    with Serving(url, "--port", "0") as serving:
        yield serving


@pytest.fixture(scope="module")
def writing(url):
    with Serving(url, "--port", "0", "--allow-writes") as serving:
        yield serving


def talk(serving, conversation, token=TOKEN):
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def run():
        async with (
            httpx.AsyncClient(headers=headers, timeout=PATIENCE_S) as client,
            streamable_http_client(serving.url, http_client=client) as (incoming, outgoing, _),
            ClientSession(incoming, outgoing) as session,
        ):
            await session.initialize()
            return await conversation(session)

    return asyncio.run(run())


def refused(*options, token=TOKEN):
    """What the command says when it does not start."""
    environment = os.environ | {"PYTHONPATH": str(OPERATOR)} | ({"ANOMALYOPS_MCP_TOKEN": token} if token else {})
    command = [sys.executable, "-m", "anomalyops.cli", "mcp", "--url", "http://127.0.0.1:9", *options]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_a_report_is_small_and_whole_where_it_is_asked_for(reading):
    async def conversation(session):
        small = (await session.call_tool("investigate", WINDOW)).structuredContent
        whole = (await session.call_tool("investigate", WINDOW | {"whole": True})).structuredContent
        listed = (await session.list_resources()).resources
        report = await session.read_resource(AnyUrl(small["report"]))
        return small, whole, listed, report.contents[0]

    small, whole, listed, report = talk(reading, conversation)
    assert small["rootCause"] == whole["rootCause"] == "db1"
    assert len(small["suspects"]) == 5
    assert small["suspectsInAll"] == len(whole["suspects"]) == 15
    assert "suspectsInAll" not in whole
    assert {str(one.uri) for one in listed} >= {"anomalyops://jobs", small["report"], whole["report"]}
    assert report.mimeType == "text/markdown"
    assert report.text.startswith("# Investigation of 2026-01-10 10:00 UTC")
    assert "edge3" in report.text


def test_jobs_are_resources(reading):
    async def conversation(session):
        every = await session.read_resource(AnyUrl("anomalyops://jobs"))
        one = await session.read_resource(AnyUrl("anomalyops://jobs/web-latency"))
        templates = await session.list_resource_templates()
        problems = []
        for uri in ("anomalyops://jobs/nobody", "anomalyops://reports/999", "anomalyops://secrets"):
            with pytest.raises(McpError) as problem:
                await session.read_resource(AnyUrl(uri))
            problems.append(str(problem.value))
        return json.loads(every.contents[0].text), json.loads(one.contents[0].text), templates, problems

    every, one, templates, problems = talk(reading, conversation)
    assert {job["job_id"]: job["indices"] for job in every}["web-latency"] == ["web-logs-*"]
    assert one["job"]["analysis_config"]["bucket_span"] == "5m"
    assert one["datafeed"]["indices"] == ["web-logs-*"]
    assert [str(each.uriTemplate) for each in templates.resourceTemplates] == [
        "anomalyops://jobs/{job_id}",
        "anomalyops://reports/{number}",
    ]
    assert "there is no job 'nobody'" in problems[0]
    assert "there is no report anomalyops://reports/999" in problems[1]
    assert "expected anomalyops://jobs" in problems[2]


def test_a_prompt_for_each_mode(reading):
    async def conversation(session):
        listed = (await session.list_prompts()).prompts
        filled = await session.get_prompt("investigate", {"start": "now-2h", "jobs": "web-{x}"})
        problems = []
        for name, values in (("investigate", {}), ("explain", {"job_id": "a", "b": "c"}), ("guess", {})):
            with pytest.raises(McpError) as problem:
                await session.get_prompt(name, values)
            problems.append(str(problem.value))
        known = {tool.name for tool in (await session.list_tools()).tools}
        return listed, filled.messages[0].content.text, problems, known

    listed, text, problems, known = talk(reading, conversation)
    assert [one.name for one in listed] == ["investigate", "explain", "troubleshoot", "manage"]
    assert "between now-2h and (not given)" in text
    assert "web-{x}" in text
    assert set(re.findall(r"ad_\w+", text)) <= known
    assert "start is needed" in problems[0]
    assert "there is no argument 'b'" in problems[1]
    assert "there is no prompt 'guess'" in problems[2]


def test_what_changes_something_is_not_offered_unless_it_is_allowed(reading, writing):
    async def conversation(session):
        names = {tool.name: tool for tool in (await session.list_tools()).tools}
        return names, await session.call_tool("ad_create_job", {"job_id": "new"})

    names, answer = talk(reading, conversation)
    assert all(tool.annotations.readOnlyHint for tool in names.values())
    assert answer.isError
    assert "start it with --allow-writes" in answer.content[0].text
    names, answer = talk(writing, conversation)
    assert names["ad_create_job"].annotations.destructiveHint
    assert "confirm" in names["ad_create_job"].inputSchema["properties"]
    assert "detectors: is needed" in answer.content[0].text


def test_a_change_is_shown_first_and_made_when_it_is_confirmed(writing):
    job = {"job_id": "made-by-mcp", "detectors": [{"function": "count"}]}

    async def conversation(session):
        plan = (await session.call_tool("ad_create_job", job)).structuredContent
        before = await session.call_tool("ad_get_job_datafeed_config", {"job_id": "made-by-mcp"})
        done = (await session.call_tool("ad_create_job", job | {"confirm": True})).structuredContent
        after = await session.call_tool("ad_get_job_datafeed_config", {"job_id": "made-by-mcp"})
        again = (await session.call_tool("ad_create_job", job | {"confirm": True})).structuredContent
        odd = await session.call_tool("ad_create_job", job | {"confirm": "yes"})
        return plan, before, done, after, again, odd

    plan, before, done, after, again, odd = talk(writing, conversation)
    assert (plan["done"], done["done"], again["done"]) == (False, True, False)
    assert plan["plan"] == done["plan"]
    assert "there is no job 'made-by-mcp'" in before.content[0].text
    assert after.structuredContent["rows"]
    assert "exists already" in json.dumps(again)
    assert "confirm: expected true or false" in odd.content[0].text


def test_only_who_bears_the_token_is_let_in(reading):
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": TOKEN}):
        answer = httpx.post(reading.url, json=body, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.text
    assert TOKEN not in "".join(reading.told)


def test_a_page_under_another_name_is_kept_out(url):
    """A name that leads to this machine, and a page's origin, are no reason to answer a browser."""
    with Serving(url, "--port", "0", token="") as serving:
        assert any("every program of this machine can use it" in line for line in serving.told)
        body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        accept = {"Accept": "application/json, text/event-stream"}
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            assert httpx.post(serving.url, json=body, headers=headers | accept).status_code in {403, 421}
        assert talk(serving, lambda session: session.list_prompts(), token=None).prompts


@pytest.mark.parametrize(
    ("options", "token", "words"),
    [
        (["--http", "--host", "0.0.0.0"], "", ["ANOMALYOPS_MCP_TOKEN or --token-file", "--cert and --key"]),
        (["--http", "--host", "0.0.0.0"], TOKEN, ["TLS (--cert and --key) must be given"]),
        (["--http", "--host", "example.org"], "", ["others than this machine would reach it"]),
        (["--http"], "short", ["the token must have at least 16 characters"]),
        (["--http", "--cert", "a.pem"], TOKEN, ["--cert and --key belong together"]),
        (["--http", "--port", "0", "--cert", "no.pem", "--key", "no.pem"], TOKEN, ["--cert, --key:"]),
        (["--http", "--token-file", "/no/such/file"], "", ["--token-file /no/such/file: cannot be read"]),
        (["--port", "99"], "", ["say something about --http alone"]),
    ],
)
def test_what_is_not_safe_does_not_start_and_says_why(options, token, words):
    said = refused(*options, token=token)
    assert all(word in said for word in words), said


def test_beyond_this_machine_with_token_and_tls(url, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            *subject,
            "-keyout",
            key,
            "-out",
            cert,
        ],
        check=True,
        capture_output=True,
    )
    options = ("--host", "0.0.0.0", "--port", "0", "--cert", str(cert), "--key", str(key))
    with Serving(url, *options) as serving:
        where = serving.url.replace("0.0.0.0", "127.0.0.1")
        assert where.startswith("https://")
        trusted = ssl.create_default_context(cafile=str(cert))
        begin = {
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {"protocolVersion": "2025-03-26", "capabilities": {},
                       "clientInfo": {"name": "test", "version": "1"}},
        }  # fmt: skip
        headers = {"Accept": "application/json, text/event-stream"}
        assert httpx.post(where, json=begin, headers=headers, verify=trusted).status_code == 401
        headers["Authorization"] = f"Bearer {TOKEN}"
        answer = httpx.post(where, json=begin, headers=headers, verify=trusted)
        assert answer.status_code == 200
        assert '"anomalyops"' in answer.text
