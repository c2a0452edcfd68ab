"""ES|QL over planted documents, through the official client."""

from __future__ import annotations

import warnings

import pytest
from elasticsearch import ApiError
from raw_http import RawConnection
from refused import refusal

# Queries without a LIMIT are answered with a warning, which has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore::elasticsearch.ElasticsearchWarning")
_JSON = {"Content-Type": "application/json"}
# hour, host, status, bytes, tags
ROWS = (
    (0, "web-1", 200, 100, ["a"]),
    (0, "web-1", 500, 300, ["a", "b"]),
    (1, "web-2", 200, 50, []),
    (1, "web-1", 404, None, ["c"]),
    (2, "db-1", 200, 1000, ["b", "a"]),
    (26, "db-1", 500, 2000, None),
)


@pytest.fixture(scope="module")
def client(shared_engine):
    with shared_engine.client() as client:
        client.indices.create(
            index="esql-logs",
            mappings={
                "properties": {
                    "@timestamp": {"type": "date"},
                    "host": {"type": "keyword"},
                    "status": {"type": "integer"},
                    "bytes": {"type": "long"},
                    "load": {"type": "double"},
                    "tags": {"type": "keyword"},
                    "message": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
                    "address": {"type": "ip"},
                }
            },
        )
        for number, (hour, host, status, size, tags) in enumerate(ROWS):
            day, hour_of_day = divmod(hour, 24)
            document = {
                "@timestamp": f"2024-01-0{1 + day}T{hour_of_day:02}:00:00Z",
                "host": host,
                "status": status,
                "bytes": size,
                "load": number / 4,
                "tags": tags,
                "message": f"GET /item/{number} took {number * 10}ms",
                "address": f"10.0.0.{number + 1}",
            }
            client.index(index="esql-logs", id=str(number), document=document)
        client.indices.refresh(index="esql-logs")
        yield client


def _ask(client, query, **options):
    found = client.esql.query(query=query, **options).body
    assert found["is_partial"] is False
    return found


def _rows(client, query, **options):
    return _ask(client, query, **options)["values"]


def test_from_gives_every_field_by_name_with_its_type(client):
    found = _ask(client, "FROM esql-logs METADATA _id, _index | SORT _id | LIMIT 1")
    assert found["columns"] == [
        {"name": "@timestamp", "type": "date"},
        {"name": "address", "type": "ip"},
        {"name": "bytes", "type": "long"},
        {"name": "host", "type": "keyword"},
        {"name": "load", "type": "double"},
        {"name": "message", "type": "text"},
        {"name": "message.raw", "type": "keyword"},
        {"name": "status", "type": "integer"},
        {"name": "tags", "type": "keyword"},
        {"name": "_id", "type": "keyword"},
        {"name": "_index", "type": "keyword"},
    ]
    text = "GET /item/0 took 0ms"
    assert found["values"] == [
        ["2024-01-01T00:00:00.000Z", "10.0.0.1", 100, "web-1", 0.0, text, text, 200, "a", "0", "esql-logs"]
    ]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("WHERE status >= 400 | SORT _id | KEEP _id", [["1"], ["3"], ["5"]]),
        ("WHERE status != 200 AND NOT host == \"web-1\" | KEEP _id", [["5"]]),
        ("WHERE bytes IS NULL | KEEP _id", [["3"]]),
        ("WHERE bytes > 1e3 OR bytes < 60.5 | SORT _id | KEEP _id", [["2"], ["5"]]),
        ("WHERE host IN (\"web-2\", \"db-1\") | SORT _id | KEEP _id", [["2"], ["4"], ["5"]]),
        ("WHERE host LIKE \"web-?\" | STATS COUNT(*)", [[4]]),
        ("WHERE host RLIKE \"(web|db)-1\" | STATS COUNT(*)", [[5]]),
        ("WHERE @timestamp >= \"2024-01-01T01:00:00Z\" AND @timestamp < \"2024-01-02\" | STATS COUNT(*)", [[3]]),
        ("WHERE @timestamp > \"2024-01-02\"::datetime + 1 hour | KEEP _id", [["5"]]),
        ("WHERE tags == \"a\" | KEEP _id", [["0"]]),
        ("WHERE MV_CONTAINS(tags, \"a\") | SORT _id | KEEP _id", [["0"], ["1"], ["4"]]),
        ("WHERE address == \"10.0.0.5\" | KEEP _id", [["4"]]),
        ("WHERE CIDR_MATCH(address, \"10.0.0.4/30\") | SORT _id | KEEP _id", [["3"], ["4"], ["5"]]),
        ("SORT bytes DESC NULLS LAST, _id | LIMIT 2 | KEEP _id", [["5"], ["4"]]),
        ("SORT bytes DESC | LIMIT 2 | KEEP bytes, _id", [[None, "3"], [2000, "5"]]),
        ("SORT _id | LIMIT 5 | SORT _id DESC | LIMIT 1 | KEEP _id", [["4"]]),
        ("SORT _id | KEEP tags | LIMIT 2", [["a"], [["a", "b"]]]),
        ("WHERE _id == \"4\" | MV_EXPAND tags | SORT tags | KEEP tags", [["a"], ["b"]]),
        ("WHERE _id == \"0\" | RENAME host AS h, status AS s | EVAL s2 = s / 7, s3 = s / 7.0, r = s % 7 | KEEP s*",
         [[200, 28, 200 / 7.0]]),
        ("WHERE _id == \"1\" | EVAL x = CASE(status >= 500, \"bad\", status >= 400, \"odd\", \"good\") | KEEP x",
         [["bad"]]),
        ("WHERE _id == \"0\" | EVAL m = CONCAT(host, \":\", status::keyword) | KEEP m", [["web-1:200"]]),
        ("STATS n = COUNT(*), b = SUM(bytes), m = MAX(status), lo = MIN(@timestamp)",
         [[6, 3450, 500, "2024-01-01T00:00:00.000Z"]]),
        ("STATS a = AVG(bytes), c = COUNT(bytes), d = COUNT_DISTINCT(host), p = PERCENTILE(bytes, 50), e = MEDIAN(bytes)",
         [[690.0, 5, 3, 300.0, 300.0]]),
        ("STATS n = COUNT(*), t = COUNT(tags) BY host | SORT host", [[2, 2, "db-1"], [3, 4, "web-1"], [1, 0, "web-2"]]),
        ("STATS n = COUNT(*) BY tags | SORT tags", [[3, "a"], [2, "b"], [1, "c"], [2, None]]),
        ("STATS n = COUNT(*) BY host, bad = status >= 400 | SORT host, bad",
         [[1, "db-1", False], [1, "db-1", True], [1, "web-1", False], [2, "web-1", True], [1, "web-2", False]]),
        ("STATS n = COUNT(*) BY h = DATE_TRUNC(1 hour, @timestamp) | SORT h | LIMIT 2",
         [[2, "2024-01-01T00:00:00.000Z"], [2, "2024-01-01T01:00:00.000Z"]]),
        ("STATS n = COUNT(*) BY BUCKET(@timestamp, 1 day) | SORT n",
         [[1, "2024-01-02T00:00:00.000Z"], [5, "2024-01-01T00:00:00.000Z"]]),
        ("STATS n = COUNT(*) BY b = BUCKET(bytes, 1000.) | SORT b", [[3, 0.0], [1, 1000.0], [1, 2000.0], [1, None]]),
        ("STATS r = 100.0 * COUNT(*) WHERE status >= 400 / COUNT(*)", None),
        ("STATS bad = COUNT(*) WHERE status >= 400, all = COUNT(*) | EVAL share = bad / all::double", [[3, 6, 0.5]]),
        ("STATS v = VALUES(host), t = TOP(bytes, 2, \"desc\")", [[["db-1", "web-1", "web-2"], [2000, 1000]]]),
        ("STATS s = ROUND(STD_DEV(load), 4), v = VARIANCE(load) * 16", [[0.4270, 2.9166666666666665]]),
        ("STATS n = COUNT(*) BY host | WHERE n > 1 | SORT n DESC | EVAL n2 = n * 2 | DROP n",
         [["web-1", 6], ["db-1", 4]]),
        ("INLINESTATS m = MAX(bytes) BY host | WHERE bytes == m | SORT _id | KEEP _id, m",
         [["1", 300], ["2", 50], ["5", 2000]]),
        ("WHERE status > 1000 | STATS n = COUNT(*), s = SUM(bytes), m = MAX(bytes)", [[0, None, None]]),
        ("WHERE status > 1000 | STATS n = COUNT(*) BY host", []),
        ("STATS double = 2 * k, whole = MAX(bytes) BY k = BUCKET(status, 100.) | SORT k | LIMIT 1", [[400.0, 1000, 200.0]]),
        ("EVAL low = CONCAT(\"2024-01-01\", \"T00:00:00Z\"), high = \"2024-01-03\"::date | STATS n = COUNT(*) BY b = BUCKET(@timestamp, 2, low, high) | SORT b", [[5, "2024-01-01T00:00:00.000Z"], [1, "2024-01-02T00:00:00.000Z"]]),
        ("EVAL span = \"1 day\", next = @timestamp + span::date_period | WHERE _id == \"0\" | KEEP next", [["2024-01-02T00:00:00.000Z"]]),
        ("WHERE message : \"ITEM\" | STATS n = COUNT(*)", [[6]]),
        ("WHERE MATCH(message, \"30ms 40ms\") | SORT _id | KEEP _id", [["3"], ["4"]]),
        ("WHERE MATCH(message, \"get 40ms\", {\"operator\": \"AND\"}) OR host : \"web-2\" | SORT _id | KEEP _id", [["2"], ["4"]]),
        ("WHERE MATCH_PHRASE(message, \"took 30ms\") | KEEP _id", [["3"]]),
        ("WHERE NOT QSTR(\"host:web* AND status:[200 TO 300}\") | SORT _id | KEEP _id", [["1"], ["3"], ["4"], ["5"]]),
        ("WHERE KQL(\"host: web-1 and status >= 400\") AND bytes IS NOT NULL | KEEP _id", [["1"]]),
        ("EVAL hit = status : 500 | STATS n = COUNT(*) WHERE hit, m = COUNT(*) WHERE tags : \"b\"", [[2, 2]]),
        ("WHERE _id == \"4\" | DISSECT message \"%{verb} /%{?what}/%{item} took %{took}ms\" | KEEP verb, item, took", [["GET", "4", "40"]]),
        ("GROK message \"%{WORD:verb} %{URIPATH:path} took %{INT:took:int}ms\" | STATS s = SUM(took), p = MAX(path) BY verb", [[150, "/item/5", "GET"]]),
        ("SORT _id | LIMIT 1 | DISSECT host \"%{kind}_%{number}\" | KEEP kind, number", [[None, None]]),
    ],
)  # fmt: skip
def test_commands_do_what_they_say(client, query, rows):
    whole = f"FROM esql-logs METADATA _id | {query}"
    if rows is None:
        assert refusal(client.esql.query, query=whole)[0] == 400
    else:
        assert _rows(client, whole) == rows


def test_what_fails_for_a_row_is_told(client):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert (
            _rows(client, "FROM esql-logs METADATA _id | WHERE tags == host OR _id == tags | KEEP _id | LIMIT 5") == []
        )
    texts = [str(each.message) for each in told]
    assert any(text.startswith("Line 1:37: evaluation of [tags == host] failed, treating result as") for text in texts)
    assert any("single-value function encountered multi-value" in text for text in texts)


def test_columns_of_stats_are_named_by_their_text(client):
    found = _ask(client, "FROM esql-logs | STATS COUNT(*), MAX(bytes) BY host, DATE_TRUNC(1 day, @timestamp)")
    assert [column["name"] for column in found["columns"]] == [
        "COUNT(*)", "MAX(bytes)", "host", "DATE_TRUNC(1 day, @timestamp)",
    ]  # fmt: skip
    assert [column["type"] for column in found["columns"]] == ["long", "long", "keyword", "date"]


def test_parameters_are_values_and_names(client):
    query = "FROM esql-logs METADATA _id | WHERE host == ? AND status >= ? | SORT _id | KEEP _id"
    assert _rows(client, query, params=["web-1", 400]) == [["1"], ["3"]]
    named = "FROM esql-logs METADATA _id | WHERE host == ?host AND ?field == ?status | KEEP _id"
    given = [{"host": "web-1"}, {"field": {"identifier": "status"}}, {"status": 404}]
    assert _rows(client, named, params=given) == [["3"]]
    hostile = '" OR true OR host == "'
    assert _rows(client, "FROM esql-logs | WHERE host == ?h", params=[{"h": hostile}]) == []


def test_a_filter_of_the_query_dsl_narrows_the_documents(client):
    found = _rows(client, "FROM esql-logs | STATS COUNT(*)", filter={"term": {"host": "db-1"}})
    assert found == [[2]]


def test_columnar_and_dropped_null_columns(client):
    query = 'FROM esql-logs METADATA _id | WHERE _id >= "3" | SORT _id | KEEP _id, bytes | LIMIT 1'
    assert _rows(client, query, columnar=True) == [["3"], [None]]
    found = _ask(client, query, drop_null_columns=True)
    assert [column["name"] for column in found["all_columns"]] == ["_id", "bytes"]
    assert (found["columns"], found["values"]) == ([{"name": "_id", "type": "keyword"}], [["3"]])


def test_answers_as_text(client):
    query = 'ROW a = "x,y", b = 1.5, c = [1, 2], d = null | LIMIT 1'
    assert client.esql.query(query=query, format="csv").body == 'a,b,c,d\r\n"x,y",1.5,"[1, 2]",\r\n'
    assert client.esql.query(query=query, format="tsv").body == "a\tb\tc\td\nx,y\t1.5\t[1, 2]\t\n"
    table = client.esql.query(query='ROW a = "x" | LIMIT 1', format="txt").body
    assert table == "       a       \n---------------\nx              \n"


def test_an_implicit_limit_is_told_in_a_warning(client, shared_engine):
    raw = RawConnection(shared_engine.url)
    answered = raw.request("POST", "/_query", _JSON, b'{"query": "ROW a = 1"}')
    assert 'No limit defined, adding default limit of [1000]"' in answered.headers["warning"]
    told = raw.request("POST", "/_query", _JSON, b'{"query": "ROW a = 1 | LIMIT 5"}')
    assert "warning" not in told.headers
    client.bulk(index="esql-many", operations=[part for n in range(1100) for part in ({"index": {}}, {"n": n})])
    assert len(_rows(client, "FROM esql-many")) == 1000
    assert len(_rows(client, "FROM esql-many | LIMIT 1050")) == 1050


@pytest.mark.parametrize(
    ("query", "kind", "reason"),
    [
        ("FROM esql-logs | WHERE hosts == 1", "verification_exception",
         "Found 1 problem\nline 1:24: Unknown column [hosts], did you mean [host]?"),
        ("FROM esql-logs | EVAL x = LENGHT(host)", "verification_exception",
         "Found 1 problem\nline 1:27: Unknown function [LENGHT], did you mean [length]?"),
        ("FROM esql-logs\n| WHERE status == \"x\"", "verification_exception",
         "Found 1 problem\nline 2:9: first argument of [status == \"x\"] is [numeric] so second argument must also be [numeric] "
         "but was [keyword]"),
        ("FROM esql-missing", "verification_exception", "Found 1 problem\nline 1:1: Unknown index [esql-missing]"),
        ("FROM esql-logs | WHERE host", "verification_exception",
         "Found 1 problem\nline 1:24: Condition expression needs to be boolean, found [KEYWORD]"),
        ("FROM esql-logs | EVAL x = ABS(1, 2)", "parsing_exception", "line 1:27: error building [abs]: expects exactly one argument"),
        ("FROM esql-logs | WHERE AVG(bytes) > 1", "verification_exception",
         "Found 1 problem\nline 1:24: aggregate function [AVG(bytes)] not allowed outside STATS command"),
        ("FROM esql-logs | STATS bytes", "verification_exception",
         "Found 1 problem\nline 1:24: column [bytes] must appear in the STATS BY clause or be used in an aggregate function"),
        ("FROM esql-logs | KEEP nope", "verification_exception", "Found 1 problem\nline 1:23: Unknown column [nope]"),
        ("FROM esql-logs | DROP *", "parsing_exception", "line 1:23: Removing all fields is not allowed [*]"),
        ("FROM esql-logs | WHERE host == \"x", "parsing_exception", "line 1:32: token recognition error at: '\"x'"),
        ("FROM esql-logs | STATS n = COUNT(*) | WHERE n : 1", "verification_exception",
         "Found 1 problem\nline 1:45: [:] operator cannot be used after STATS"),
        ("FROM esql-logs | EVAL h = host | WHERE h : \"a\"", "verification_exception",
         "Found 1 problem\nline 1:40: [:] operator cannot operate on [h], which is not a field from an index mapping"),
        ("FROM esql-logs | WHERE KQL(host)", "verification_exception",
         "Found 1 problem\nline 1:24: argument of [KQL(host)] must be a constant, received [host]"),
        ("FROM esql-logs | DISSECT host \"nothing\"", "parsing_exception", "line 1:31: Invalid pattern for dissect: [nothing]"),
        ("FROM esql-logs | GROK host \"%{NOPE:x}\"", "parsing_exception",
         "line 1:28: Invalid GROK pattern [%{NOPE:x}]: [Unable to find pattern [NOPE] in Grok's pattern dictionary]"),
        ("FROM esql-logs | GROK status \"%{INT:x}\"", "verification_exception",
         "Found 1 problem\nline 1:23: Grok only supports KEYWORD or TEXT values, found expression [status] type [INTEGER]"),
        ("FROM esql-logs | WHERE a == ?", "parsing_exception", "line 1:29: Not enough actual parameters 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(client, query, kind, reason):
    assert refusal(client.esql.query, query=query) == (400, kind, reason)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("FROM esql-logs | ENRICH policy", "ENRICH"),
        ("FROM esql-logs | LOOKUP JOIN other ON host", "LOOKUP JOIN"),
        ("FROM esql-logs | FORK (WHERE true) (WHERE false)", "FORK"),
        ("FROM esql-logs | CHANGE_POINT bytes", "CHANGE_POINT"),
        ("FROM esql-logs METADATA _score", "_score"),
        ("FROM esql-logs | STATS COUNT(*) BY TBUCKET(1 hour)", "TBUCKET"),
        ('FROM esql-logs | GROK host "%{HTTPD_COMMONLOG}"', "HTTPD_COMMONLOG"),
        ('ROW a = TO_GEOSHAPE("POINT(1 2)")', "TO_GEOSHAPE"),
    ],
)
def test_what_is_not_served_is_refused_by_name(client, query, named):
    status, kind, reason = refusal(client.esql.query, query=query)
    assert (status, kind) == (501, "not_implemented_exception")
    assert named in reason


def test_a_request_needs_a_query_and_knows_its_fields(client, shared_engine):
    raw = RawConnection(shared_engine.url)
    assert raw.request("POST", "/_query", _JSON, b"{}").status == 400
    answered = raw.request("POST", "/_query", _JSON, b'{"query": "ROW a = 1", "colour": 1}')
    assert answered.status == 400
    assert "[esql/query] unknown field [colour]" in answered.text
    assert raw.request("POST", "/_query", _JSON, b'{"query": "ROW a = 1", "profile": true}').status == 501


def test_an_asynchronous_query_ends_with_its_request(client):
    found = client.esql.async_query(query="ROW a = 1 | LIMIT 1").body
    assert (found["is_running"], found["values"]) == (False, [[1]])
    assert "id" not in found
    assert refusal(client.esql.async_query, query="ROW a = 1", keep_on_completion=True)[0] == 501
    with pytest.raises(ApiError) as caught:
        client.esql.async_query_get(id="nothing")
    assert caught.value.status_code == 404


def test_indices_of_results_and_states_answer(client):
    client.ml.put_job(
        job_id="esql-job",
        analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
        data_description={"time_field": "@timestamp"},
    )
    client.ml.put_datafeed(datafeed_id="esql-feed", job_id="esql-job", indices=["esql-logs", "esql-many"])
    for hour, score in ((1, 30.0), (2, 80.0)):
        document = {
            "job_id": "esql-job",
            "result_type": "record",
            "timestamp": f"2024-01-01T0{hour}:00:00Z",
            "record_score": score,
            "detector_index": 0,
            "bucket_span": 3600,
        }
        client.index(index=".ml-anomalies-shared", id=f"esql-{hour}", document=document, refresh=True)
    query = """FROM .ml-anomalies-*
        | WHERE job_id == ?job AND result_type == "record" AND record_score >= 50
        | STATS worst = MAX(record_score), n = COUNT(*) BY job_id, hour = DATE_TRUNC(1 hour, timestamp)"""
    found = _rows(client, query, params=[{"job": "esql-job"}])
    assert found == [[80.0, 1, "esql-job", "2024-01-01T02:00:00.000Z"]]
    configured = """FROM .ml-config METADATA _id | WHERE job_id == "esql-job"
        | KEEP _id, job_type, analysis_config.bucket_span, analysis_config.detectors.function, indices | SORT _id"""
    assert _rows(client, configured) == [
        ["anomaly_detector-esql-job", "anomaly_detector", "1h", "count", None],
        ["datafeed-esql-feed", None, None, None, ["esql-logs", "esql-many"]],
    ]
    assert _rows(client, 'FROM .ml-config | WHERE job_id == "esql-job" AND create_time > "2020" | STATS COUNT(*)') == [
        [1]
    ]
    notes = _rows(client, 'FROM .ml-notifications-* | WHERE job_id == "esql-job" | SORT timestamp | KEEP message')
    assert ["Job created"] in notes
    client.delete_by_query(index=".ml-anomalies-shared", query={"term": {"job_id": "esql-job"}}, refresh=True)


def test_a_field_of_several_types_is_used_as_one_of_them(client):
    client.index(index="esql-kinds-a", id="a", document={"code": "7", "when": "2024-01-01"}, refresh=True)
    client.index(index="esql-kinds-b", id="b", document={"code": [7, 8], "when": 1}, refresh=True)
    status, kind, reason = refusal(client.esql.query, query="FROM esql-kinds-* | WHERE code == 7")
    assert (status, kind) == (400, "verification_exception")
    assert (
        "Cannot use field [code] due to ambiguities being mapped as [2] incompatible types: [text] in [esql-kinds-a]"
        in reason
    )
    found = _ask(client, "FROM esql-kinds-* METADATA _id | SORT _id | KEEP _id, code")
    assert found["columns"][1] == {"name": "code", "type": "unsupported"}
    assert found["values"] == [["a", None], ["b", None]]
    query = "FROM esql-kinds-* METADATA _id | EVAL c = code::long, s = TO_STRING(code) | SORT _id | KEEP _id, c, s"
    assert _rows(client, query) == [["a", 7, "7"], ["b", [7, 8], ["7", "8"]]]
    query = "FROM esql-kinds-* | WHERE MV_MIN(code::long) == 7 | STATS n = COUNT(*), m = MAX(TO_LONG(code))"
    assert _rows(client, query) == [[2, 8]]


def test_a_closed_index_is_not_read(client):
    for name in ("esql-shut-a", "esql-shut-b"):
        client.index(index=name, document={"n": 1}, refresh=True)
    client.indices.close(index="esql-shut-b")
    assert _rows(client, "FROM esql-shut-* | STATS COUNT(*)") == [[1]]
    assert refusal(client.esql.query, query="FROM esql-shut-b")[:2] == (400, "index_closed_exception")


def test_sources_are_objects_also_when_the_answer_is_cut_down(client):
    query = 'FROM esql-logs METADATA _source, _id | WHERE _id == "0" | KEEP _source | LIMIT 1'
    assert _rows(client, query)[0][0]["host"] == "web-1"
    cut = client.perform_request(
        "POST",
        "/_query",
        params={"filter_path": "values"},
        headers={"content-type": "application/json", "accept": "application/json"},
        body={"query": query},
    ).body
    assert list(cut) == ["values"]
    assert cut["values"][0][0]["bytes"] == 100
    assert client.esql.query(query=query, format="csv").body.startswith("_source\r\n")
