"""Whatever is sent, an answer comes that a client can read, and no failure of the engine."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from elasticsearch.helpers import bulk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_http import RawConnection
from request_corpus import BODIES, BODILESS, LINES

from anomalyops_engine.api.app import create_app
from anomalyops_engine.api.parameters import READERS, boolean, duration, integer, number
from anomalyops_engine.jobs import JobService
from anomalyops_engine.store import Store
from hostile_searches import DOCUMENTS, TYPES, aggregations, queries
from hostile_statements import damaged, statements
from laws import law

_WORDS = ("size", "query", "@timestamp", "time", "host", "law-a", "law-*", "_all", "*", "1", "true", "", "a.b", ".ml-*")
_NASTY = (
    '"',
    "'; DROP TABLE x; --",
    "\u0000",
    "\u2028",
    "%",
    "../../etc/passwd",
    "é",
    "🦆",
    "a" * 600,
    "-1",
    "1e400",
    "now-1d/d",
)
_TEXT = st.sampled_from(_WORDS) | st.sampled_from(_NASTY) | st.text(max_size=8)
_KEYS = st.sampled_from(
    (
        *("query", "bool", "must", "filter", "term", "terms", "range", "match", "exists", "field", "gte", "lt", "sort"),
        *("aggs", "date_histogram", "fixed_interval", "histogram", "interval", "avg", "cardinality", "size", "from"),
        *(
            "_source",
            "mappings",
            "properties",
            "type",
            "settings",
            "aliases",
            "doc",
            "script",
            "actions",
            "add",
            "index",
        ),
        *("analysis_config", "bucket_span", "detectors", "function", "field_name", "data_description", "time_field"),
        *(
            "job_id",
            "indices",
            "datafeed_config",
            "start",
            "end",
            "timeout",
            "description",
            "groups",
            "chunking_config",
        ),
        *("host", "time", "value", "alias", "page", "timestamp", "top_n", "order", "format", "missing", "ranges"),
    )
)
_NUMBERS = st.integers(-(2**65), 2**65) | st.floats(allow_nan=False) | st.sampled_from((0, 1, -1, 2**31, 2**63, 1e308))
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | _TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def engine(shared_engine):
    with shared_engine.client() as client:
        client.indices.create(
            index="law-a",
            mappings={
                "properties": {"time": {"type": "date"}, "host": {"type": "keyword"}, "value": {"type": "double"}}
            },
        )
        bulk(client, ({"_index": "law-a", "time": 60_000 * n, "host": f"h{n % 3}", "value": n} for n in range(50)))
        client.indices.create(index="docs-1", mappings={"properties": TYPES})
        for document in DOCUMENTS:
            client.index(index="docs-1", document=document)
        client.ml.put_job(
            job_id="law-job",
            analysis_config={"bucket_span": "1m", "detectors": [{"function": "count"}]},
            data_description={"time_field": "time"},
            datafeed_config={"datafeed_id": "law-feed", "indices": ["law-a"]},
        )
    return shared_engine


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory):
    """All endpoints: method, path, and the names of its query parameters."""
    store = Store.open(tmp_path_factory.mktemp("data"))
    found = []
    for endpoint in create_app(store, JobService(store)).state.endpoints:
        known = endpoint.parameters
        names = sorted(known.read | known.idle | known.missing) if known is not None else []
        found += [(method, endpoint.path, names) for method in endpoint.methods.split()]
    store.close()
    return sorted(found)


_PARTS = {
    "index": ("law-a", "law-*", "_all", "*,-law-a", "nothing", ".ml-anomalies-shared"),
    "name": ("law-alias", "*", "nothing"),
    "id": ("1", "x/y"),
    "job_id": ("law-job", "_all", "nothing", "law-*"),
    "calendar_id": ("law-days", "_all", "*", "nothing"),
    "event_id": ("nothing",),
    "filter_id": ("law-filter", "_all", "nothing"),
    "node_id": ("_local", "ml:true", "nothing"),
    "datafeed_id": ("law-feed", "_all", "nothing"),
    "timestamp": ("0", "2024-01-01T00:00:00Z"),
    "snapshot_id": ("1", "_all", "nothing"),
    "forecast_id": ("1", "_all", "nothing"),
    "category_id": ("1", "nothing"),
    "task_id": ("a:1",),
    "scroll_id": ("nothing", "_all"),
    "fields": ("host", "*", "nothing"),
    "metrics": ("docs", "store,docs", "_all", "nothing"),
    # Blocks that exist would close the indices to the requests that follow.
    "block": ("read_only_allow_delete", "nothing"),
    "node_or_metric": ("_local", "os,process", "nothing"),
    "path": ("x",),
    "key_id": ("nothing",),
    "indicator": ("disk", "ml", "ilm", "nothing"),
    "username": ("elastic", "law-user", "nothing"),
}


@st.composite
def requests(draw, endpoints):
    """A request to one of the endpoints: a good one of which something is changed, or anything at all."""
    method, template, names = draw(st.sampled_from(endpoints))
    path = ""
    for segment in template.split("/")[1:]:
        if not segment.startswith("{"):
            path += f"/{segment}"
            continue
        usual = _PARTS[segment.strip("{}").split(":")[0]]
        part = draw(st.sampled_from(usual) | st.sampled_from(usual) | st.sampled_from(usual) | _TEXT)
        path += f"/{quote(part, safe='*,.-_')}"
    parameters = {name: draw(_value(name)) for name in draw(st.lists(st.sampled_from(names or ["pretty"]), max_size=2))}
    if draw(st.integers(0, 9)) == 0:
        parameters[draw(_TEXT)] = draw(_TEXT)
    if parameters:
        path += "?" + "&".join(f"{quote(name)}={quote(value)}" for name, value in parameters.items())
    return method, path or "/", draw(body_of(method, template))


# What is searched for, by the end of a path.
_SEARCHED = (
    "_search",
    "_async_search",
    "_msearch",
    "_count",
    "_delete_by_query",
    "_validate/query",
    "/_explain/{id:path}",
)
_SORTS = st.sampled_from(("_doc", "_score", "long", {"date": "desc"}, [{"keyword": {"order": "asc"}}, "double"]))


# What refers to itself is put together before the first case: in the middle of one, a part would be drawn otherwise.
for strategy in (queries, aggregations, statements, _JSON):
    strategy.validate()


@st.composite
def search_bodies(draw, template):
    """A search of what only generated ones have: every clause and every option of every aggregation."""
    body = {"query": draw(queries)} if draw(st.booleans()) or not template.endswith("search") else {}
    if template.endswith("search"):
        if draw(st.booleans()):
            body["aggs"] = {name: draw(aggregations) for name in draw(st.sampled_from((("a",), ("a", "b"), ("b",))))}
        if draw(st.booleans()):
            body["sort"] = draw(_SORTS)
        body["size"] = draw(st.sampled_from((0, 1, 10)))
    return body


@st.composite
def body_of(draw, method, template):
    """A body for an endpoint: a good one of which something is changed, one of its own grammar, or anything at all."""
    chance = draw(st.integers(0, 9))
    if template.endswith(_SEARCHED) and not template.startswith("/_ml/") and chance < 6:
        if template.endswith("_msearch"):
            return in_lines(
                [line for _ in range(draw(st.integers(1, 3))) for line in ({}, draw(search_bodies(template)))]
            )
        return json.dumps(draw(search_bodies(template))).encode()
    if template.endswith("/_query") and chance < 7:
        return json.dumps({"query": draw(statements | damaged())}).encode()
    lines = next((lines for end, lines in LINES if template.endswith(end)), None)
    if lines is not None:
        given = draw(changed(lines))
        return in_lines(given if isinstance(given, list | tuple) else [given])
    good = next((bodies for end, bodies in BODIES if template.endswith(end)), ())
    if method in {"GET", "HEAD", "DELETE"} and not (good and method == "GET"):
        return b""
    if not good or chance == 9:
        return json.dumps(draw(_JSON)).encode() if draw(st.booleans()) else draw(st.binary(max_size=60))
    body = draw(changed(draw(st.sampled_from(good))))
    return b"" if body is None else json.dumps(body).encode()


def in_lines(values):
    """Return values as NDJSON."""
    return b"\n".join(json.dumps(value).encode() for value in values) + b"\n"


def test_every_endpoint_has_bodies_to_be_changed(endpoints):
    known = [end for end, _ in (*BODIES, *LINES)]
    lacking = [
        f"{method} {path}"
        for method, path, _ in endpoints
        if method in {"POST", "PUT"} and not path.endswith((*known, *BODILESS))
    ]
    assert lacking == []


_GOOD = {
    boolean: ("true", "false", ""),
    integer: ("0", "1", "10", "9999"),
    number: ("0", "50", "1.5"),
    duration: ("1s", "0", "100ms", "1d"),
}
_TEXTS = (
    "timestamp",
    "host:desc,time",
    "host",
    "true",
    "0",
    "now",
    "2024-01-01T00:00:00Z",
    "1700000000000",
    "1h",
    "open",
    "all",
)


def _value(name):
    """Values of a query parameter: mostly ones that it can have."""
    good = st.sampled_from(_GOOD.get(READERS.get(name), _TEXTS))
    return good | good | good | st.sampled_from(_TEXTS) | _TEXT


@st.composite
def changed(draw, value):
    """A JSON value of which up to three parts are replaced, taken out or added."""
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, 3)))):
        value = _change(draw, value)
    return value


def _change(draw, value):
    inner = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list | tuple)
        else []
    )
    if not inner or draw(st.integers(0, 5)) == 0:
        return draw(_JSON)
    key, part = draw(st.sampled_from(inner))
    action = draw(st.sampled_from(("go on", "go on", "go on", "go on", "take out", "add", "twice")))
    copy = dict(value) if isinstance(value, dict) else list(value)
    if action == "go on":
        copy[key] = _change(draw, part)
    elif action == "take out":
        del copy[key]
    elif isinstance(copy, dict):
        copy[draw(_KEYS | _TEXT)] = part if action == "twice" else draw(_JSON)
    else:
        copy.append(part if action == "twice" else draw(_JSON))
    return copy


_DANGEROUS = ("_start", "set_upgrade_mode")  # what would keep the engine busy, or change what others see


@law(examples=200)
@given(st.data())
def test_any_request_to_an_endpoint_is_answered(engine, endpoints, data):
    method, path, body = data.draw(requests(endpoints))
    if any(word in path for word in _DANGEROUS):
        return
    headers = {"Content-Type": "application/json"} if body else {}
    with RawConnection(engine.url) as connection:
        answer = connection.request(method, path, headers, body)
        assert answer.headers["x-elastic-product"] == "Elasticsearch"
        assert answer.status < 500 or answer.status in {501, 503}, answer.text
        if method != "HEAD" and not answer.headers["content-type"].startswith("text/plain"):
            json.loads(answer.text)
        # Documents may hold any word; what is said of failures, inside good answers too, holds none of the database's.
        said = answer.text if answer.status >= 400 or not answer.text.startswith("{") else failures(answer.text)
        for word in ("duckdb", "SELECT", "Traceback", "Binder", "Conversion Error"):
            assert word not in said or word in path or word.encode() in body
        assert connection.request("GET", "/").status == 200
        if method in {"DELETE", "PUT", "POST"} and any(word in path for word in _CLOSING):
            restore(connection)


def failures(answer):
    """What a JSON answer says of failures, at any depth outside of documents."""
    found = []

    def keep(members):
        known = dict(members)
        found.extend(json.dumps(known[key]) for key in ("error", "failures", "failure", "reason") if known.get(key))
        return known

    json.loads(answer, object_pairs_hook=keep)
    return "\n".join(found)


# What may take the indices away from the requests that follow, or close them.
_CLOSING = ("_settings", "_close", "_block", "law-*", "docs-*", "_all", "*", "_password", "_disable", "_open")


def restore(connection):
    """Let indices be read and written again, and settings be as they were."""
    blocks = dict.fromkeys(("read", "write", "metadata", "read_only", "read_only_allow_delete"))
    settings_of_all = json.dumps({"index.blocks": blocks, "index.default_pipeline": None}).encode()
    sent = {"Content-Type": "application/json"}
    connection.request("PUT", "/_all/_settings?expand_wildcards=all", sent, settings_of_all)
    connection.request("POST", "/_all/_open?expand_wildcards=all")
    connection.request("PUT", "/_cluster/settings", sent, b'{"persistent":{"*":null},"transient":{"*":null}}')


def said_twice(value):
    """Texts of a JSON value in each of which one object names a field twice."""
    if isinstance(value, dict):
        members = [f"{json.dumps(key)}:{json.dumps(part)}" for key, part in value.items()]
        if members:
            yield "{" + ",".join([*members, members[0]]) + "}"
    elif isinstance(value, list | tuple):
        members = [json.dumps(part) for part in value]
    else:
        return
    for place, part in enumerate(value.values() if isinstance(value, dict) else value):
        for text in said_twice(part):
            name = f"{json.dumps(list(value)[place])}:" if isinstance(value, dict) else ""
            texts = [*members[:place], name + text, *members[place + 1 :]]
            yield ("{%s}" if isinstance(value, dict) else "[%s]") % ",".join(texts)


def test_a_body_that_names_a_field_twice_is_refused_everywhere(engine, endpoints):
    asked, passed_over = 0, []
    with RawConnection(engine.url) as connection:
        for method, template, _ in endpoints:
            good = next((bodies for end, bodies in BODIES if template.endswith(end)), ())
            if not good or method not in {"POST", "PUT"}:
                continue
            if template.endswith(("/_data", "/_pit")) or template.startswith("/_security/"):
                continue  # refused before it is read: the job is not open, no time is given, there is no security
            path = template
            for name, values in _PARTS.items():
                path = path.replace(f"{{{name}}}", values[0]).replace(f"{{{name}:path}}", values[0])
            for text in {text for body in good for text in said_twice(body)}:
                answer = connection.request(method, path, {"Content-Type": "application/json"}, text.encode())
                told = ("uplicate field", "Failed to parse", "does not support having a body", '"valid":false')
                if not any(one in answer.text for one in told):
                    passed_over.append((method, path, text, answer.status, answer.text))
                asked += 1
    assert asked > 200
    assert passed_over == []


def test_a_body_that_nobody_reads_is_refused(engine, endpoints):
    # What reads its body says that it does not know what stands there, or takes any document.
    kept = 0
    with RawConnection(engine.url) as connection:
        for method, template, _ in endpoints:
            path = template
            for name, values in _PARTS.items():
                path = path.replace(f"{{{name}}}", values[0]).replace(f"{{{name}:path}}", values[0])
                path = path.replace(f"{{{name}:index}}", values[0])
            answer = connection.request(method, path, {"Content-Type": "application/json"}, b'{"nobody_knows":1}')
            if method != "HEAD" and answer.status < 400 and not template.endswith(_ANY_BODY):
                assert "nobody_knows" in answer.text, (method, template, answer.status, answer.text[:200])
            kept += "does not support having a body" in answer.text
        assert kept > 60
        assert connection.request("HEAD", "/law-a").status == 200


# Documents, and what says of a query that it is none.
_ANY_BODY = ("/_doc", "/_doc/{id:path}", "/_create/{id:path}", "/_validate/query")


def test_no_request_was_a_bug_of_the_engine(engine):
    log = engine.log()
    assert "Traceback" not in log, log[-4000:]
    assert "request failed" not in log, log[-4000:]


_TOKENS = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "get", "BREW")) | _TOKENS,
    st.sampled_from(("/", "/_search", "*", "//", "/%00", "/%ff", "/law-a/_doc/%2e%2e", "http://other/")) | _TOKENS,
    st.lists(
        st.tuples(
            st.sampled_from(("Content-Length", "Transfer-Encoding", "Expect", "Accept", "X", "Host")) | _TOKENS, _TOKENS
        ),
        max_size=3,
    ),
    st.binary(max_size=30),
)
def test_any_bytes_get_an_answer_or_a_closed_connection(engine, method, target, headers, body):
    with RawConnection(engine.url, 2) as connection:  # meant: no answer is one too
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        connection.send(f"{method} {target} HTTP/1.1\r\nHost: {connection.host}\r\n{head}\r\n".encode("latin-1") + body)
        try:
            answer = connection.answer(head=method == "HEAD")
        except (ConnectionError, TimeoutError):
            answer = None  # the engine waits for the rest of the request, or has closed
        if answer is not None and answer.status != 100:
            assert answer.status < 500 or answer.status in {501, 503}, answer.text
            assert answer.headers["x-elastic-product"] == "Elasticsearch"
    with RawConnection(engine.url) as connection:
        assert connection.request("GET", "/").status == 200
