"""Documents and searches through the official client, and the dialect's edges through plain HTTP."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import threading
import uuid
from typing import Any

import pytest
from elasticsearch import ApiError, BadRequestError, ConflictError, Elasticsearch, NotFoundError
from elasticsearch.helpers import BulkIndexError, bulk

from anomalyops_engine.jobs.runtime import MAX_BODY_BYTES


@pytest.fixture
def client(shared_engine):
    with shared_engine.client() as opened:
        yield opened


@pytest.fixture
def index(client: Elasticsearch) -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


class Answer:
    """Status, headers and body of a plain HTTP exchange."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {key.lower(): value for key, value in response.getheaders()}
        self.text = response.read().decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@pytest.fixture
def http_request(shared_engine):
    def send(method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(shared_engine.url.removeprefix("http://"), timeout=60)
        if isinstance(body, dict):
            body = json.dumps(body)
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        if body is not None:
            named.setdefault("content-type", "application/json")
        try:
            connection.request(method, path, body, named)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    return send


def test_bulk_reports_each_operation_and_does_the_good_ones(client, index):
    client.indices.create(index=index, mappings={"properties": {"n": {"type": "long"}, "t": {"type": "date"}}})
    operations = [
        {"index": {"_id": "1"}}, {"n": 1, "t": "2024-01-01"},
        {"index": {"_id": "2"}}, {"n": "many"},
        {"index": {"_id": "3"}}, {"t": "not a date"},
        {"create": {"_id": "1"}}, {"n": 5},
        {"update": {"_id": "1"}}, {"doc": {"extra": {"deep": True}}},
        {"update": {"_id": "absent"}}, {"doc": {"n": 1}},
        {"update": {"_id": "new"}}, {"doc": {"n": 7}, "doc_as_upsert": True},
        {"delete": {"_id": "absent"}},
        {"index": {}}, {"n": 9},
        {"index": {"_index": "UPPER"}}, {"n": 1},
    ]  # fmt: skip
    answer = client.bulk(index=index, operations=operations)
    outcomes = [(*item, *item.values()) for item in answer["items"]]
    assert answer["errors"] is True
    assert [(kind, item["status"]) for kind, item in outcomes] == [
        ("index", 201),
        ("index", 400),
        ("index", 400),
        ("create", 409),
        ("update", 200),
        ("update", 404),
        ("update", 201),
        ("delete", 404),
        ("index", 201),
        ("index", 400),
    ]
    errors = [item.get("error", {}) for _, item in outcomes]
    assert errors[1]["type"] == "document_parsing_exception"
    assert "[n]" in errors[1]["reason"]
    assert "many" in errors[1]["reason"]
    assert "not a date" in errors[2]["caused_by"]["reason"]
    assert errors[3]["type"] == "version_conflict_engine_exception"
    assert errors[5]["type"] == "document_missing_exception"
    assert errors[9]["type"] == "invalid_index_name_exception"
    assert client.get_source(index=index, id="1") == {"n": 1, "t": "2024-01-01", "extra": {"deep": True}}
    assert client.count(index=index)["count"] == 3


def test_operations_of_one_bulk_happen_in_order(client, index):
    operations = [
        {"index": {"_id": "a"}}, {"v": 1},
        {"index": {"_id": "a"}}, {"v": 2},
        {"delete": {"_id": "a"}},
        {"create": {"_id": "a"}}, {"v": 3},
        {"update": {"_id": "a"}}, {"doc": {"w": 4}},
    ]  # fmt: skip
    answer = client.bulk(index=index, operations=operations)
    results = [next(iter(item.values()))["result"] for item in answer["items"]]
    assert results == ["created", "updated", "deleted", "created", "updated"]
    assert client.get_source(index=index, id="a") == {"v": 3, "w": 4}


def test_the_bulk_helper_names_the_rejected_document(client, index):
    client.indices.create(index=index, mappings={"properties": {"ip": {"type": "ip"}}})
    with pytest.raises(BulkIndexError) as raised:
        bulk(client, ({"_index": index, "ip": f"10.0.0.{n}"} for n in (1, 2, 300)))
    assert "10.0.0.300" in str(raised.value.errors)
    assert client.count(index=index)["count"] == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"index":{}}\n{"a":1}', "must be terminated by a newline"),
        (b'{"index":{}}\n', "no source follows"),
        (b'{"indx":{}}\n{}\n', "[indx]"),
        (b'{"index":{"_idd":"1"}}\n{}\n', "_idd"),
        (b"[1]\n{}\n", "Malformed action/metadata line [1]"),
        (b'{"index":\n{}\n', "Malformed action/metadata line [1]"),
        (b"", "request body is required"),
        (b'{"delete":{}}\n', "id is missing"),
    ],
)
def test_a_malformed_bulk_request_is_refused_whole(http_request, index, body, reason):
    answer = http_request("POST", f"/{index}/_bulk", body, content_type="application/x-ndjson")
    assert answer.status == 400
    assert reason in answer.json["error"]["reason"]


def test_a_document_that_is_no_json_fails_alone(http_request, index):
    body = b'{"index":{}}\n{"a":1}\n{"index":{}}\n{"a":\n{"index":{}}\n[1]\n'
    items = http_request("POST", f"/{index}/_bulk", body).json["items"]
    assert [item["index"]["status"] for item in items] == [201, 400, 400]
    assert items[1]["index"]["error"]["caused_by"]["type"] == "x_content_e_o_f_exception"


def test_single_documents(client, index):
    created = client.index(index=index, id="a/b c", document={"v": 1})
    assert (created["result"], created["_version"], created.meta.status) == ("created", 1, 201)
    assert client.index(index=index, id="a/b c", document={"v": 2})["result"] == "updated"
    assert client.get(index=index, id="a/b c")["_source"] == {"v": 2}
    assert len(client.index(index=index, document={"v": 3})["_id"]) > 10
    with pytest.raises(ConflictError):
        client.create(index=index, id="a/b c", document={})
    with pytest.raises(NotFoundError):
        client.get(index=index, id="absent")
    with pytest.raises(NotFoundError):
        client.delete(index=index, id="absent")
    with pytest.raises(BadRequestError, match="document_parsing_exception"):
        client.index(index=index, document={"v": "x"})
    assert client.update(index=index, id="a/b c", doc={"v": 2})["result"] == "noop"
    assert client.delete_by_query(index=index, query={"match_all": {}})["deleted"] == 2


def test_an_id_of_more_than_512_bytes_is_refused_of_a_single_document_too(http_request, index):
    for length, accepted in ((512, True), (513, False)):
        answer = http_request("PUT", f"/{index}/_doc/{'x' * length}", b'{"v": 1}')
        assert answer.status == (201 if accepted else 400)
        assert accepted or "must be no longer than 512 bytes but was: 513" in answer.text


def test_indices_are_created_shown_and_deleted(client, index):
    client.indices.create(
        index=index,
        settings={"number_of_shards": 3},
        mappings={"properties": {"a": {"properties": {"b": {"type": "keyword"}}}}},
        aliases={f"{index}-alias": {}},
    )
    shown = client.indices.get(index=f"{index}-al*")[index]
    assert shown["mappings"] == {"properties": {"a": {"properties": {"b": {"type": "keyword"}}}}}
    assert shown["settings"]["index"]["number_of_shards"] in {3, "3"}
    assert list(shown["aliases"]) == [f"{index}-alias"]
    client.indices.put_mapping(index=index, properties={"c": {"type": "double"}})
    with pytest.raises(BadRequestError, match="cannot be changed from type"):
        client.indices.put_mapping(index=index, properties={"c": {"type": "long"}})
    with pytest.raises(BadRequestError, match="does not exist"):
        client.indices.put_mapping(index=index, properties={"d": {"type": "dubble"}})
    assert client.indices.refresh(index=index)["_shards"]["failed"] == 0
    with pytest.raises(BadRequestError, match="matches an alias"):
        client.indices.delete(index=f"{index}-alias")
    with pytest.raises(BadRequestError, match="Wildcard expressions"):
        client.indices.delete(index="*")
    client.indices.delete(index=index)
    for call in (client.indices.delete, client.indices.get, client.indices.get_mapping, client.indices.refresh):
        with pytest.raises(NotFoundError, match="index_not_found_exception"):
            call(index=index)
    assert client.count(index=index, ignore_unavailable=True)["count"] == 0


def test_a_filtered_alias_shows_only_its_part(client, index):
    bulk(client, ({"_index": index, "job_id": f"j{n % 2}", "n": n} for n in range(10)))
    client.indices.put_alias(index=index, name=f"{index}-j1", filter={"term": {"job_id.keyword": "j1"}})
    assert client.count(index=f"{index}-j1")["count"] == 5
    found = client.search(index=f"{index}-j1", aggs={"n": {"max": {"field": "n"}}}, query={"range": {"n": {"lt": 8}}})
    assert (found["hits"]["total"]["value"], found["aggregations"]["n"]["value"]) == (4, 7.0)


def test_every_answer_carries_the_product_and_the_asked_media_type(http_request, index):
    for method, path in (("GET", "/"), ("GET", f"/{index}/_search"), ("PATCH", "/x"), ("GET", "/_nope")):
        assert http_request(method, path).headers["x-elastic-product"] == "Elasticsearch"
    for major in ("8", "9"):
        kind = f"application/vnd.elasticsearch+json; compatible-with={major}"
        answer = http_request("GET", "/", accept=kind)
        assert answer.headers["content-type"].replace(" ", "") == kind.replace(" ", "")
    assert http_request("GET", "/").headers["content-type"] == "application/json"
    assert http_request("POST", "/_search", b"a=1", content_type="application/x-www-form-urlencoded").status == 406


def test_head_answers_with_a_status_and_no_body(http_request, client, index):
    client.indices.create(index=index)
    for path, status in (("/", 200), (f"/{index}", 200), ("/absent-index", 404), (f"/{index}/_doc/1", 404)):
        answer = http_request("HEAD", path)
        assert (answer.status, answer.text) == (status, "")
    for path in ("/_search", f"/{index}/_mapping", "/_settings", "/_alias", "/_cluster/health"):
        assert http_request("HEAD", path).status == 405
    assert http_request("HEAD", "/_index_template/absent").status == 404


def test_a_block_closes_an_index_until_its_setting_is_taken_back(http_request, client, index):
    client.indices.create(index=index)
    assert client.indices.add_block(index=index, block="write")["indices"] == [{"name": index, "blocked": True}]
    assert http_request("POST", f"/{index}/_doc", b"{}").status == 403
    client.indices.put_settings(index=index, settings={"index.blocks.write": None})
    assert http_request("POST", f"/{index}/_doc", b"{}").status == 201
    assert http_request("PUT", f"/{index}/_block/nothing").status == 400


def test_gzip_bodies_are_read_and_broken_ones_refused(http_request, index):
    body = gzip.compress(b'{"index":{"_id":"1"}}\n{"a":1}\n' * 3)
    assert http_request("POST", f"/{index}/_bulk", body, content_encoding="gzip").status == 200
    assert http_request("GET", f"/{index}/_count").json["count"] == 1
    assert http_request("POST", f"/{index}/_search", b"no gzip", content_encoding="gzip").status == 400
    assert http_request("POST", f"/{index}/_search", b"x", content_encoding="br").status == 400


@pytest.mark.ours("it refuses by name what it lacks, and answers at once")
def test_a_body_that_is_too_large_is_413_even_when_it_is_small_on_the_wire(http_request, index):
    bomb = gzip.compress(b" " * (MAX_BODY_BYTES + 10))
    answer = http_request("POST", f"/{index}/_bulk", bomb, content_encoding="gzip")
    assert (answer.status, answer.json["error"]["type"]) == (413, "content_too_long_exception")


@pytest.mark.parametrize("body", ['{"query": }', '{"query": {"match_all": {}}', "[]", "nonsense"])
def test_malformed_json_is_400_with_its_position(http_request, body):
    answer = http_request("POST", "/_search", body)
    assert answer.status == 400
    if body != "[]":
        assert re.match(r"\[1:\d+\] ", answer.json["error"]["reason"])


def test_filter_path_and_pretty_shape_the_answer(http_request, client, index):
    bulk(client, ({"_index": index, "_id": str(n), "n": n} for n in range(2)))
    path = f"/{index}/_search?sort=n&filter_path=hits.hits._id,hits.total.value,-hits.total.relation"
    assert http_request("GET", path).json == {"hits": {"total": {"value": 2}, "hits": [{"_id": "0"}, {"_id": "1"}]}}
    assert http_request("GET", f"/{index}/_search?filter_path=**._id").json["hits"]["hits"][0] == {"_id": "0"}
    assert http_request("GET", "/?pretty").text.startswith('{\n  "name"')
    assert http_request("GET", "/_ml/info?filter_path=defaults.datafeeds").json.keys() == {"defaults"}


@pytest.mark.parametrize(
    ("method", "path", "status", "names"),
    [
        ("GET", "/_search?frm=1", 400, "[frm]"),
        ("GET", "/_count?size=1", 400, "[size]"),
        ("GET", "/?x=1&y=2", 400, "[x], [y]"),
        ("GET", "/_search?terminate_after=1", 501, "[terminate_after]"),
        ("GET", "/_search?size=ten", 400, "[ten]"),
        ("GET", "/_search?track_total_hits=maybe", 400, "[maybe]"),
        ("GET", "/_cat/segments", 501, "/_cat/segments"),
        ("POST", "/_sql", 501, "/_sql"),
        ("GET", "/some-index/_termvectors", 501, "_termvectors"),
        ("PATCH", "/some-index", 501, "PATCH"),
    ],
)
def test_what_is_unknown_or_missing_is_named_and_never_ignored(http_request, method, path, status, names):
    answer = http_request(method, path)
    assert answer.status == status
    assert names in answer.json["error"]["root_cause"][0]["reason"]
    assert answer.json["status"] == status
    assert answer.json["error"]["root_cause"][0]["type"] == answer.json["error"]["type"]


@pytest.mark.parametrize(
    ("body", "status", "names"),
    [
        ({"query": {"script": {}}}, 501, "script"),
        ({"query": {"termm": {}}}, 400, "termm"),
        ({"aggs": {"a": {"geohex_grid": {}}}}, 501, "geohex_grid"),
        ({"highlight": {}}, 501, "highlight"),
        ({"qery": {}}, 400, "qery"),
        ({"size": -1}, 400, "size"),
        ({"size": 10_001}, 400, "Result window is too large"),
        ({"sort": [{"_script": {}}]}, 501, "_script"),
    ],
)
def test_a_search_body_is_read_strictly(http_request, client, index, body, status, names):
    client.indices.create(index=index)
    answer = http_request("POST", f"/{index}/_search", body)
    assert answer.status == status
    assert names in answer.json["error"]["root_cause"][0]["reason"]


def test_readers_and_writers_at_once(client, index):
    client.indices.create(index=index)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            for part in range(4):
                documents = ({"_index": index, f"f{number}": part, "n": n} for n in range(50))
                bulk(client, documents)
                client.search(index=index, size=0, aggs={"n": {"histogram": {"field": "n", "interval": 10}}})
        except ApiError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert client.count(index=index)["count"] == 6 * 4 * 50


# -- field capabilities ------------------------------------------------------------------------------------------------


@pytest.fixture
def two_indices(client, index):
    """Two indices that agree about one field, differ about another, and one of which lacks a third."""
    names = (f"{index}-a", f"{index}-b")
    shared = {"@timestamp": {"type": "date"}, "site": {"properties": {"name": {"type": "keyword"}}}}
    text = {"type": "text", "fields": {"raw": {"type": "keyword"}}}
    client.indices.create(index=names[0], mappings={"properties": {**shared, "size": {"type": "long"}, "note": text}})
    client.indices.create(index=names[1], mappings={"properties": {**shared, "size": {"type": "keyword"}}})
    yield names
    client.indices.delete(index=",".join(names))


def test_field_capabilities_say_which_types_a_field_has_and_where_they_differ(client, two_indices):
    first, second = two_indices
    answer = client.field_caps(index=f"{first[:-2]}-*", fields=["@timestamp", "size", "nothing"])
    assert answer["indices"] == [first, second]
    assert set(answer["fields"]) == {"@timestamp", "size"}
    date = {"type": "date", "metadata_field": False, "searchable": True, "aggregatable": True}
    assert answer["fields"]["@timestamp"] == {"date": date}
    assert {kind: found["indices"] for kind, found in answer["fields"]["size"].items()} == {
        "long": [first],
        "keyword": [second],
    }


def test_field_capabilities_of_patterns_know_objects_subfields_and_what_is_unmapped(client, two_indices):
    first, second = two_indices
    fields = client.field_caps(index=f"{first[:-2]}-*", fields="*", include_unmapped=True)["fields"]
    ours = {name for name, found in fields.items() if not any(one["metadata_field"] for one in found.values())}
    assert ours == {"@timestamp", "site", "site.name", "size", "note", "note.raw"}
    assert {"_id", "_index", "_source"} <= set(fields)
    assert not fields["site"]["object"]["searchable"]
    assert not fields["note"]["text"]["aggregatable"]
    assert fields["note.raw"]["keyword"]["aggregatable"]
    assert fields["note"]["unmapped"]["indices"] == [second]
    asked_in_body = client.field_caps(index=first, body={"fields": ["site.*"]})
    assert set(asked_in_body["fields"]) == {"site", "site.name"}
    for options, expected in (
        ({"filters": "-metadata"}, ours),
        ({"filters": "-metadata,-parent,-multifield"}, {"@timestamp", "site.name", "size", "note"}),
        ({"types": "keyword,date"}, {"@timestamp", "site", "site.name", "size", "note.raw"}),
    ):
        assert set(client.field_caps(index=f"{first[:-2]}-*", fields="*", **options)["fields"]) == expected
    only = client.field_caps(index=first, fields="*", filters="+metadata")["fields"]
    assert all(name.startswith("_") for name in only)
    assert "_id" in only


def test_field_capabilities_refuse_what_they_cannot_answer(client, two_indices):
    with pytest.raises(NotFoundError):
        client.field_caps(index="no-such-index", fields="*")
    assert client.field_caps(index="no-such-*", fields="*")["indices"] == []
    with pytest.raises(BadRequestError, match="no fields specified"):
        client.field_caps(index=two_indices[0])
    with pytest.raises(BadRequestError, match="nope"):
        client.field_caps(index=two_indices[0], body={"fields": ["a"], "nope": 1})
    with pytest.raises(ApiError, match="runtime_mappings"):
        client.field_caps(index=two_indices[0], fields="*", runtime_mappings={"x": {"type": "long"}})
    with pytest.raises(BadRequestError, match=r"unknown query \[x\]"):
        client.field_caps(index=two_indices[0], fields="*", index_filter={"x": {"type": "long"}})


def test_field_capabilities_of_the_indices_with_a_matching_document_alone(client, index):
    for year in (2018, 2019, 2020):
        client.index(index=f"{index}-{year}", document={"@timestamp": f"{year}-05-01", f"of_{year}": year})
    client.indices.create(index=f"{index}-empty")
    for query, years in (
        ({"range": {"@timestamp": {"gte": "2019-01-01"}}}, [2019, 2020]),
        ({"exists": {"field": "of_2018"}}, [2018]),
        ({"match_none": {}}, []),
        ({"match_all": {}}, [2018, 2019, 2020]),
    ):
        found = client.field_caps(index=f"{index}-*", fields="of_*", index_filter=query)
        assert found["indices"] == [f"{index}-{year}" for year in years]
        assert sorted(found["fields"]) == [f"of_{year}" for year in years]


def test_field_capabilities_show_what_mappings_note_of_a_field(client, index):
    for name, unit in (("a", "ns"), ("b", "ms"), ("c", "ms")):
        noted = {"type": "long", "meta": {"unit": unit, "metric_type": "gauge"}}
        client.indices.create(index=f"{index}-{name}", mappings={"properties": {"latency": noted}})
    client.indices.create(index=f"{index}-d", mappings={"properties": {"latency": {"type": "long"}}})
    shown = client.field_caps(index=f"{index}-*", fields="latency")["fields"]["latency"]["long"]
    assert shown["meta"] == {"unit": ["ms", "ns"], "metric_type": ["gauge"]}
    assert "meta" not in client.field_caps(index=f"{index}-d", fields="latency")["fields"]["latency"]["long"]


def test_a_query_in_the_address(client):
    client.bulk(
        index="address-query",
        refresh=True,
        operations=[
            part
            for number, host in enumerate(("a", "b", "a"))
            for part in ({"index": {"_id": str(number)}}, {"host": host, "number": number})
        ],
    )
    found = client.search(index="address-query", q="host.keyword:a AND number:>0")
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["2"]
    assert client.count(index="address-query", q="a b", df="host", default_operator="AND")["count"] == 0
    assert client.count(index="address-query", q="host:(a OR b)")["count"] == 3
    assert client.delete_by_query(index="address-query", q="host:a", refresh=True)["deleted"] == 2
    with pytest.raises(ApiError) as caught:
        client.search(index="address-query", q="host:(a")
    assert caught.value.status_code == 400
    assert "Failed to parse query [host:(a]" in str(caught.value.body)
