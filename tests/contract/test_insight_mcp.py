"""`anomalyops mcp` as a process, through the client of the official SDK."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from insight_world import END, START, plant
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from anomalyops_insight.toolset import all_tools
from engine_process import EngineProcess

OPERATOR = Path(__file__).resolve().parents[2] / "operator"
WINDOW = {"start": START, "end": END}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("mcp"))
    process.start()
    with process.client() as client:
        plant(client)
    yield process.url
    process.kill()


def talk(url, conversation):
    """What a conversation with the server gives."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "anomalyops.cli", "mcp", "--url", url], env={"PYTHONPATH": str(OPERATOR)}
    )

    async def run():
        async with stdio_client(command) as (incoming, outgoing), ClientSession(incoming, outgoing) as session:
            begun = await session.initialize()
            return begun, await conversation(session)

    return asyncio.run(run())


def call(url, name, **values):
    async def conversation(session):
        return await session.call_tool(name, values)

    return talk(url, conversation)[1]


def test_only_what_reads_is_offered(url):
    begun, listed = talk(url, lambda session: session.list_tools())
    assert "changes nothing" in begun.instructions
    names = [tool.name for tool in listed.tools]
    assert names == ["investigate", "explain", "troubleshoot", *(tool.name for tool in all_tools())]
    assert all(tool.annotations.readOnlyHint for tool in listed.tools)
    records = next(tool for tool in listed.tools if tool.name == "ad_query_anomaly_records")
    assert records.inputSchema["properties"]["min_score"]["default"] == 25
    assert records.inputSchema["additionalProperties"] is False


def test_a_conversation_about_an_incident(url):
    async def conversation(session):
        found = await session.call_tool("investigate", WINDOW | {"service": "checkout"})
        entities = await session.call_tool("ad_rca_multi_job_entities", WINDOW)
        worst = await session.call_tool("explain", {"job_id": "web-latency"})
        sick = await session.call_tool("troubleshoot", {"job_id_pattern": "db-cpu"})
        return found, entities, worst, sick

    _, answers = talk(url, conversation)
    found, entities, worst, sick = (answer.structuredContent for answer in answers)
    assert not any(answer.isError for answer in answers)
    assert json.loads(answers[0].content[0].text) == found
    assert (found["rootCause"], found["faultClass"]) == ("db1", "resource")
    assert [row["influencer_field_value"] for row in entities["rows"]] == ["db1", "checkout"]
    assert "16.2 times higher than typical" in worst["verdict"]
    assert sick["jobs"][0]["job"] == "db-cpu"


def test_as_much_as_is_asked_for(url):
    found = call(url, "ad_rca_source_evidence", index="web-logs-1", limit=100).structuredContent
    assert (len(found["rows"]), found["complete"]) == (61, True)


def test_empty_answers_say_why(url):
    empty = call(url, "ad_query_anomaly_records", min_score=99).structuredContent
    assert (empty["rows"], empty["empty"]["reason"]) == ([], "nothing_above_threshold")


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("ad_delete_everything", {}, "there is no tool 'ad_delete_everything'"),
        ("ad_open_job", {"job_id": "db-cpu"}, "ad_open_job changes something, and this server only reads"),
        ("ad_query_anomaly_records", {"min_score": 200}, "min_score: Input should be less than or equal to 100"),
        ("explain", {"job_id": "nobody"}, "there is no job 'nobody'"),
        ("investigate", {"start": "soon", "end": "now"}, "start: Value error, expected an ISO 8601 time"),
    ],
)
def test_mistakes_are_told(url, name, values, words):
    answer = call(url, name, **values)
    assert answer.isError
    assert words in answer.content[0].text
