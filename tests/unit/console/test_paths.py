"""The console passes on what its page asks, and nothing that could be read as anything else."""

from __future__ import annotations

import posixpath
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_console.paths import Access, access, only_adds

READ = [
    ("GET", b"/"),
    ("GET", b"/_ml/anomaly_detectors"),
    ("GET", b"/_ml/anomaly_detectors/a/_stats"),
    ("GET", b"/_ml/datafeeds/_stats"),
    ("POST", b"/.ml-anomalies-*/_search"),
    ("POST", b"/logs%2Ca/_search"),
    ("POST", b"/_all/_search"),
    ("GET", b"/logs/_mapping"),
    ("POST", b"/_query"),
    ("POST", b"/_text_structure/find_structure"),
    ("GET", b"/_tasks/_xA-node%3A12"),
]
WRITE = [
    ("POST", b"/_ml/anomaly_detectors/a/_open"),
    ("PUT", b"/_ml/anomaly_detectors/a"),
    ("DELETE", b"/_ml/datafeeds/a"),
    ("DELETE", b"/_ml/anomaly_detectors/a/_forecast/b"),
    ("POST", b"/_ml/anomaly_detectors/a/model_snapshots/1/_revert"),
    ("POST", b"/_ml/anomaly_detectors/a/model_snapshots/1/_update"),
    ("PUT", b"/_ml/calendars/a"),
    ("PUT", b"/logs"),
    ("POST", b"/logs/_bulk"),
    ("POST", b"/_ml/calendars/a/events"),
    ("DELETE", b"/_ml/calendars/a"),
    ("DELETE", b"/_ml/calendars/a/events/_aXb-2"),
    ("PUT", b"/_ml/calendars/a/jobs/_all"),
    ("DELETE", b"/_ml/calendars/a/jobs/web"),
    ("PUT", b"/_ml/filters/a"),
    ("POST", b"/_ml/filters/a/_update"),
    ("DELETE", b"/_ml/filters/a"),
    ("POST", b"/.ml-annotations-write/_doc"),
    ("PUT", b"/.ml-annotations-000002/_doc/a"),
    ("POST", b"/_ml/anomaly_detectors/a/_update"),
    ("DELETE", b"/.ml-annotations-write/_doc/a"),
]
NEITHER = [
    ("GET", b"/_cluster/settings"),
    ("PUT", b"/_cluster/settings"),
    ("GET", b"/_tasks"),
    ("POST", b"/_tasks/node%3A12/_cancel"),
    ("GET", b"/_security/api_key"),
    ("PUT", b"/_security/user/elastic/_password"),
    ("POST", b"/_bulk"),
    ("POST", b"/.logs/_bulk"),
    ("POST", b"/logs%2Cothers/_bulk"),
    ("POST", b"/logs*/_bulk"),
    ("PUT", b"/.logs"),
    ("PUT", b"/_all"),
    ("PUT", b"/logs%2Cothers"),
    ("PUT", b"/logs*"),
    ("POST", b"/logs/_doc"),
    ("PUT", b"/logs/_doc/a"),
    ("POST", b"/logs/_update/a"),
    ("POST", b"/logs/_update"),
    ("PUT", b"/.ml-annotations-*/_doc/a"),
    ("PUT", b"/.ml-annotations-000001,logs/_doc/a"),
    ("DELETE", b"/.ml-annotations-/_doc/a"),
    ("POST", b"/.ml-annotations-000001/_doc"),
    ("DELETE", b"/logs"),
    ("POST", b"/logs/_delete_by_query"),
    ("POST", b"/_ml/anomaly_detectors/a%2f_open"),
    ("GET", b"/_ml/anomaly_detectors/../../_nodes"),
    ("GET", b"/_ml/anomaly_detectors/%2e%2e"),
    ("GET", b"/_ml/anomaly_detectors/_validate"),
    ("GET", b"//_ml/anomaly_detectors"),
    ("GET", b"/_ml/anomaly_detectors/"),
    ("GET", b"/_ml%5canomaly_detectors"),
    ("GET", b"/_ml/anomaly_detectors/a%0d%0aX: y"),
    ("GET", b"/_ml/anomaly_detectors/%ff"),
    ("POST", b"/_security/_search"),
    ("PATCH", b"/_ml/anomaly_detectors/a"),
    ("get", b"/_ml/anomaly_detectors"),
    ("GET", b""),
]


# An identifier that a server makes is of Base64 for URLs, of which one in 64 begins with `_` and one with `-`.
NAMED_BY_THE_SERVER = [
    ("GET", "/_tasks/{}", Access.READ),
    ("DELETE", "/_ml/anomaly_detectors/a/_forecast/{}", Access.WRITE),
    ("DELETE", "/_ml/calendars/a/events/{}", Access.WRITE),
    ("PUT", "/.ml-annotations-000001/_doc/{}", Access.WRITE),
    ("DELETE", "/.ml-annotations-000001/_doc/{}", Access.WRITE),
]


@pytest.mark.parametrize(("method", "path", "kind"), NAMED_BY_THE_SERVER)
@pytest.mark.parametrize("first", ["_", "-", "a", "0"])
def test_what_a_server_names_may_begin_with_any_letter_of_its_alphabet(method, path, kind, first):
    assert access(method, path.format(f"{first}Xb-_2").encode()) is kind


@pytest.mark.parametrize(("method", "path"), READ)
def test_what_the_page_reads_is_passed_on(method, path):
    assert access(method, path) is Access.READ


@pytest.mark.parametrize(("method", "path"), WRITE)
def test_what_the_page_changes_is_known_as_that(method, path):
    assert access(method, path) is Access.WRITE


@pytest.mark.parametrize(("method", "path"), NEITHER)
def test_nothing_else_is(method, path):
    assert access(method, path) is None


PIECES = [
    "_ml",
    "anomaly_detectors",
    "datafeeds",
    "_search",
    "_stats",
    "_open",
    "a",
    "",
    ".",
    "..",
    "/",
    "\\",
    "_nodes",
]
PIECES += ["_tasks", "_cancel"]
PIECES += ["_doc", "_query", "*", "%", "%2f", "é", "\n", "?", "#", ";", "results", "_all", "_bulk", "_mapping"]


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    names=st.lists(st.lists(st.sampled_from(PIECES), max_size=3).map("".join), max_size=6),
    safe=st.sampled_from(["", "/", "%", "/%\\"]),
)
def test_what_is_passed_on_can_be_read_in_one_way(method, names, safe):
    path = "/" + "/".join(quote(name, safe=safe) for name in names)
    kind = access(method, path.encode())
    if kind is None:
        return
    decoded = [unquote(part) for part in path[1:].split("/")]
    # However a server or a proxy between reads it: decoded first, normalised first, or with other slashes.
    for reading in ("/" + "/".join(decoded), posixpath.normpath("/" + "/".join(decoded)), path.replace("\\", "/")):
        assert len([part for part in reading.split("/") if part]) == len([part for part in decoded if part])
    assert not {"..", "."} & set(decoded)
    if decoded[0].startswith("_"):
        assert decoded[0] in {"_ml", "_security", "_resolve", "_query", "_all", "_tasks"}
    if kind is Access.READ:
        assert method in {"GET", "POST"}
        assert decoded[-1] not in {"_open", "_close", "_doc", "_bulk", "_reset", "_start", "_stop"}


DOCUMENT = b'{"index":{"_index":".security"}}'
CREATE = b'{"create":{}}'


@pytest.mark.parametrize(
    ("lines", "adds"),
    [
        ([CREATE, DOCUMENT], True),
        ([CREATE, DOCUMENT, CREATE, CREATE], True),
        ([DOCUMENT, DOCUMENT], False),
        ([CREATE, CREATE, DOCUMENT, CREATE], False),
        ([b'{"delete":{"_id":"a"}}'], False),
        ([CREATE], False),
        ([CREATE, DOCUMENT, b'{"delete":{"_id":"a"}}'], False),
        ([b'{"create":{"_index":"b"}}', DOCUMENT], False),
        ([CREATE, b"", DOCUMENT, CREATE], False),
        ([CREATE + b"\r", DOCUMENT], False),
    ],
)
def test_a_bulk_request_adds_documents_or_is_none_of_the_page(lines, adds):
    for path in (b"/logs/_bulk", b"/logs/%5Fbulk", b"/logs/_b%75lk"):
        assert access("POST", path) is Access.WRITE
        assert only_adds(path, b"\n".join(lines) + b"\n") is adds
        assert not only_adds(path, b"\n".join(lines))
    assert only_adds(b"/logs/_search", b"\n".join(lines))
