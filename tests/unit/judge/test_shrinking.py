"""Cases are made smaller as long as they differ in the same way, and put into classes by what is left."""

from __future__ import annotations

import json
from random import Random

import pytest

from judge.bench import Bench
from judge.cases import Answer, Case, Request
from judge.classes import classify
from judge.generate.families import AREAS, draw
from judge.recorded import Recorded, load_all, trimmed
from judge.shrink import shrink
from judge.verdicts import Kind


class Pretended:
    """A server that answers as a function of its documents and the request says."""

    def __init__(self, answer):
        self._answer = answer
        self.documents = []

    def reset(self):
        self.documents = []

    def ask(self, request):
        if request.lines is not None:
            self.documents += list(request.lines)[1::2]
            return Answer(200, {"errors": False})
        return self._answer(request, self.documents)


def _count(found):
    return Answer(200, {"count": found})


def _terms(query):
    """Return every `term` within a query."""
    if isinstance(query, dict):
        return ([query["term"]] if "term" in query else []) + [t for part in query.values() for t in _terms(part)]
    return [t for part in query for t in _terms(part)] if isinstance(query, list) else []


def _right(request, documents):
    return _count(sum(document in _terms(request.body) for document in documents))


def _wrong(request, documents):
    found = [document for document in documents if document in _terms(request.body)]
    return _count(sum("a" in document and document["a"] != 7 for document in found))


def _case(rng):
    documents = [{rng.choice("abc"): rng.randrange(10)} for _ in range(40)] + [{"a": 7}]
    lines = [line for document in documents for line in ({"index": {}}, document)]
    filters = [{"term": document} for document in rng.sample(documents, 8)] + [{"term": {"a": 7}}]
    query = {"bool": {"filter": filters, "must_not": [{"exists": {"field": "x"}}]}}
    setup = (Request("PUT", "/other"), Request("POST", "/i/_bulk", lines=lines))
    return Case("queries", "f", True, setup, (Request("POST", "/i/_count", {"query": query}),))


@pytest.mark.parametrize("seed", range(5))
def test_a_difference_is_shrunk_to_one_document_and_one_clause(seed):
    bench = Bench(Pretended(_right), Pretended(_wrong))
    case = _case(Random(seed))
    (verdict,) = bench.judge(case)
    assert verdict.kind is Kind.DATA
    smallest, shown = shrink(case, verdict, bench)
    assert [request.path for request in smallest.setup] == ["/i/_bulk"]
    assert len(smallest.setup[0].lines) == 2
    assert len(_terms(smallest.steps[0].body)) == 1
    assert shown.theirs.body["count"] != shown.ours.body["count"]


def test_equal_differences_are_one_class_with_the_smallest_case():
    bench = Bench(Pretended(_right), Pretended(_wrong))
    cases = [_case(Random(seed)) for seed in range(6)]
    found = [(case, verdict) for case in cases for verdict in bench.judge(case)]
    (one,) = classify(found, bench)
    assert (one.count, one.ordinary) == (6, 6)


@pytest.mark.parametrize("area", AREAS)
def test_the_same_seed_draws_the_same_cases_and_both_sorts(area):
    first, again = list(draw(area, 3, 40)), list(draw(area, 3, 40))
    assert first == again
    assert {case.ordinary for case in first} == {True, False}
    assert first != list(draw(area, 4, 40))
    assert not {case.family for case in first} & {case.family for case in draw(area, 3, 40, held_out=True)}


@pytest.mark.parametrize("area", AREAS)
def test_a_case_survives_being_written_and_read(area):
    for case in draw(area, 5, 30):
        read = Case.from_json(json.loads(json.dumps(case.to_json())))
        assert [request.payload() for request in read.steps] == [request.payload() for request in case.steps]
        assert read.to_json() == case.to_json()


def test_recorded_answers_hold_no_trace_of_a_run():
    error = {
        "type": "a",
        "reason": "r",
        "stack_trace": "x",
        "root_cause": [{"type": "b", "reason": "s", "index_uuid": "u"}],
    }
    assert trimmed(Answer(400, {"error": error})).body["error"]["root_cause"] == [{"type": "b", "reason": "s"}]
    assert trimmed(Answer(200, {"took": 5, "hits": {"hits": [{"_source": {"took": 5}}]}})).body["took"] == 0


def test_every_recorded_case_has_a_name_of_its_own():
    recorded = load_all()
    assert len({one.id for one in recorded}) == len(recorded)
    assert all(isinstance(one, Recorded) and any(one.answers) for one in recorded)
