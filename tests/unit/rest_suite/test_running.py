"""The runner of REST tests: what a file means, which tests are left out, and when an answer is the expected one."""

import pytest
import yaml

from rest_suite.cases import cases_of
from rest_suite.running import Mismatch, Response, Run

APIS = {
    "get": {"url": {"paths": [{"path": "/{index}/_doc/{id}", "methods": ["GET"]}]}},
    "search": {
        "url": {
            "paths": [
                {"path": "/_search", "methods": ["GET", "POST"]},
                {"path": "/{index}/_search", "methods": ["GET", "POST"]},
            ]
        }
    },
}
FILE = """
setup:
  - do: {get: {index: a, id: 1}}
---
teardown:
  - do: {get: {index: a, id: 2}}
---
"one":
  - skip: {version: " - 6.99.99", reason: old}
  - match: {a.b: 1}
---
"of later":
  - skip: {version: "8.0.0 - ", reason: gone}
---
"with more":
  - skip: {features: [warnings, yaml]}
---
"with types":
  - do: {get: {index: a, type: t, id: 1}}
"""


def test_a_file_has_tests_with_its_setup_and_says_what_is_left_out():
    found = list(cases_of("get/10_basic.yml", list(yaml.safe_load_all(FILE))))
    assert [test.name for test in found] == [
        f"get/10_basic: {t}" for t in ("one", "of later", "with more", "with types")
    ]
    assert [test.skipped for test in found] == ["", "for another version", "the runner lacks yaml", "removed in 8.0"]
    assert [kind for kind, _ in found[0].steps] == ["do", "skip", "match"]
    assert len(found[0].teardown) == 1


class Client:
    """Answers what it is told, and remembers what it was asked."""

    def __init__(self, status=200, body=None, warnings=()):
        self.answer, self.asked = Response(status, body, warnings), []

    def call(self, api, arguments, headers):
        self.asked.append((api, arguments, headers))
        return self.answer


def run(body, status=200):
    told = Run(Client(status, body))
    told.step("do", {"search": {}})
    return told


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("match", {"a.0.b": 1}),
        ("match", {"a.0.b": 1.0}),
        ("match", {"c\\.d": "x"}),
        ("match", {"c\\.d": "/^ x $/"}),
        ("match", {"$body": {"a": [{"b": 1}], "c.d": "x", "e": 0, "f": False}}),
        ("match", {"nothing": None}),
        ("length", {"a": 1}),
        ("is_true", "a"),
        ("is_false", "f"),
        ("is_false", "nothing"),
        ("gt", {"a.0.b": 0}),
        ("lte", {"a.0.b": 1}),
        ("close_to", {"a.0.b": {"value": 1.1, "error": 0.2}}),
        ("contains", {"c\\.d": "x"}),
    ],
)
def test_what_holds_passes(kind, check):
    run({"a": [{"b": 1}], "c.d": "x", "e": 0, "f": False}).step(kind, check)


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("match", {"a.0.b": 2}),
        ("match", {"a.0": {}}),
        ("match", {"a": []}),
        ("match", {"c\\.d": "/^y$/"}),
        ("length", {"a": 2}),
        ("is_true", "nothing"),
        ("is_true", "e"),
        ("is_true", "f"),
        ("is_false", "a"),
        ("is_false", "c\\.d"),
        ("gt", {"a.0.b": 1}),
        ("lt", {"c\\.d": 1}),
        ("contains", {"a": 7}),
        ("no_such_check", {}),
    ],
)
def test_what_does_not_hold_fails(kind, check):
    with pytest.raises(Mismatch):
        run({"a": [{"b": 1}], "c.d": "x", "e": 0, "f": False}).step(kind, check)


@pytest.mark.parametrize(
    ("catch", "status", "kind"),
    [
        (None, 400, "status"),
        (None, 501, "501"),
        ("missing", 404, None),
        ("missing", 400, "status"),
        ("bad_request", 200, "status"),
        ("/no .x./", 400, None),
        ("/no .y./", 400, "text"),
        ("/no .x./", 501, "501"),
    ],
)
def test_an_error_is_expected_or_not(catch, status, kind):
    told = Run(Client(status, {"error": {"type": "t", "reason": "no [x] here"}}))
    step = {"search": {}} if catch is None else {"catch": catch, "search": {}}
    if kind is None:
        told.step("do", step)
        return
    with pytest.raises(Mismatch) as caught:
        told.step("do", step)
    assert caught.value.kind == kind


def test_what_was_stashed_is_sent_and_expected():
    told = run({"id": 7})
    told.step("set", {"id": "seen"})
    told.step("match", {"id": "$seen"})
    told.step("do", {"get": {"index": "a-${seen}", "id": "$seen"}})
    assert told.client.asked[-1][1] == {"index": "a-7", "id": 7}
