"""`anomalyops kibana` against a small fake of the Agent Builder API, made after its documentation."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler

import pytest
from elasticsearch import Elasticsearch
from insight_world import END, START, plant
from quiet_server import QuietServer

from anomalyops.cli.main import invoke
from anomalyops_insight.kibana import skills, tool_definitions
from captures import check
from engine_process import EngineProcess

ID = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?")


class Fake(BaseHTTPRequestHandler):
    """Tools and skills by space; checks what the documentation asks of requests."""

    def answer(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or "null")
        server.calls.append(f"{self.command} {self.path}")
        match = re.fullmatch(r"(?:/s/([^/]+))?/api/agent_builder/(tools|skills)(?:/([^/]+))?", self.path)
        if self.headers.get("authorization") != "ApiKey a2V5":
            return self.say(401, {"statusCode": 401, "message": "Unauthorized"})
        if match is None or (match[2] == "skills" and not server.has_skills):
            return self.say(404, {"statusCode": 404, "message": "Not Found"})
        if self.command != "GET" and "kbn-xsrf" not in self.headers:
            return self.say(400, {"message": "Request must contain a kbn-xsrf header."})
        kept = server.kept.setdefault((match[1] or "default", match[2]), {})
        return self.say(*self.done(match[2], match[3], kept, body))

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def done(self, kind, name, kept, body):
        if self.command == "GET" and name is None:
            return 200, {"results": list(kept.values())}
        if self.command == "POST":
            name = body["id"]
            fields = {"tools": {"id", "type", "description", "tags", "configuration"},
                      "skills": {"id", "name", "description", "content", "tool_ids"}}[kind]  # fmt: skip
            if not ID.fullmatch(name) or set(body) != fields or name in kept:
                return 400, {"message": f"{name} cannot be created"}
        elif name not in kept:
            return 404, {"message": f"{name} not found"}
        if self.command == "DELETE":
            del kept[name]
            return 200, {"success": True}
        if body is not None and kind == "skills":
            known = self.server.kept.get(
                (self.path.split("/")[2] if self.path.startswith("/s/") else "default", "tools"), {}
            )
            if len(body["tool_ids"]) > 5 or not set(body["tool_ids"]) <= set(known):
                return 400, {"message": "tool_ids: at most 5, and they must exist"}
        if body is not None:
            if self.command == "PUT" and {"id", "type"} & set(body):
                return 400, {"message": "[request body.id]: Additional properties are not allowed"}
            kept[name] = {"id": name, "readonly": False, **kept.get(name, {}), **body}
        return 200, kept[name]

    def say(self, status, body):
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("ANOMALYOPS_API_KEY", "a2V5")
    with QuietServer(("127.0.0.1", 0), Fake) as fake:
        fake.kept, fake.calls, fake.has_skills = {}, [], True
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        yield fake
        fake.shutdown()


@pytest.fixture
def kibana(server, capsys):
    def command(verb, *arguments):
        server.calls.clear()
        url = f"http://127.0.0.1:{server.server_port}"
        code = invoke(["kibana", verb, "--kibana-url", url, *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err, [one for one in server.calls if not one.startswith("GET")]

    return command


def test_what_is_registered_twice_is_written_once(server, kibana):
    code, said, written = kibana("register")
    assert code == 0, said
    assert len(written) == len(tool_definitions()) + len(skills())
    assert "+ tool ad_query_anomaly_records" in said
    assert kibana("register")[::2] == (0, [])
    assert kibana("status")[::2] == (0, [])
    kept = server.kept["default", "skills"]
    assert set(kept) == {"anomalyops-investigate", "anomalyops-explain", "anomalyops-troubleshoot"}
    assert all(1 <= len(one["tool_ids"]) <= 5 for one in kept.values())


def test_the_page_shows_what_is_printed(server, capsys):
    def run(arguments):
        capsys.readouterr()
        invoke(arguments)
        said = capsys.readouterr()
        return said.out + said.err

    check("docs/mcp.md", run, f"http://127.0.0.1:{server.server_port}", only="kibana register")


def test_what_was_changed_or_taken_away_comes_back_and_what_is_no_more_goes(server, kibana):
    kibana("register")
    tools = server.kept["default", "tools"]
    tools["ad_query_anomaly_records"]["configuration"]["query"] = "FROM x"
    del tools["ad_rca_correlation"]
    tools["ad_old"] = {"id": "ad_old", "tags": ["anomalyops"]}
    assert kibana("status")[::2] == (2, [])
    code, _, written = kibana("register")
    assert code == 0
    assert written == [
        "PUT /api/agent_builder/tools/ad_query_anomaly_records",
        "POST /api/agent_builder/tools",
        "DELETE /api/agent_builder/tools/ad_old",
    ]


def test_what_others_made_stays(server, kibana):
    other = {"id": "ad_query_anomaly_records", "tags": [], "description": "mine"}
    server.kept["default", "tools"] = {"ad_query_anomaly_records": dict(other), "mine": {"id": "mine", "tags": ["x"]}}
    code, said, _ = kibana("register")
    assert code == 3
    assert "! tool ad_query_anomaly_records  is somebody else's" in said
    assert kibana("unregister")[0] == 0
    assert server.kept["default", "tools"] == {"ad_query_anomaly_records": other, "mine": {"id": "mine", "tags": ["x"]}}
    assert server.kept["default", "skills"] == {}
    assert kibana("unregister")[::2] == (0, [])


def test_spaces_and_kibanas_without_skills(server, kibana):
    server.has_skills = False
    code, said, _ = kibana("register", "--space", "ops")
    assert code == 0
    assert "no skills" in said
    assert set(server.kept) == {("ops", "tools")}


def test_mistakes_are_a_sentence(server, kibana, monkeypatch):
    monkeypatch.setenv("ANOMALYOPS_API_KEY", "b3RoZXI=")
    code, said, _ = kibana("register")
    assert code == 1
    assert "Unauthorized (401)" in said
    assert "Traceback" not in said
    assert invoke(["kibana", "status", "--kibana-url", "http://127.0.0.1:1"]) == 1
    assert invoke(["kibana", "status", "--kibana-url", "nowhere"]) == 1


def test_the_statements_are_answered_with_their_parameters(tmp_path):
    """Each as Kibana asks it: its text as it was registered, its parameters by name."""
    engine = EngineProcess(tmp_path)
    engine.start()
    try:
        with engine.client() as client:
            plant(client)
        given = {"start": START, "end": END, "job_id_prefix": "", "entity_value": "db1", "min_score": 25.0}
        found = {}
        with Elasticsearch(engine.url, request_timeout=60) as client:
            for tool in tool_definitions():
                defaults = {name: one.get("defaultValue") for name, one in tool.params.items()}
                values = {name: given.get(name, default) for name, default in defaults.items()}
                values = {name: "web-latency" if value is None else value for name, value in values.items()}
                answer = client.esql.query(query=tool.query, params=[{name: value} for name, value in values.items()])
                found[tool.id] = len(answer["values"])
        assert found["ad_query_anomaly_records"] == 4
        assert found["ad_rca_multi_job_entities"] == 2
    finally:
        engine.kill()
