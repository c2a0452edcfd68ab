"""What counts as a difference, and what is of one server or one run."""

from __future__ import annotations

import pytest

from judge.cases import Answer, Request
from judge.verdicts import Kind, compare

_SEARCH = Request("POST", "/i/_search", {"query": {"match_all": {}}})


def _hits(*hits, total=None):
    found = {"total": {"value": len(hits) if total is None else total, "relation": "eq"}, "hits": list(hits)}
    return Answer(200, {"took": 3, "timed_out": False, "hits": found})


def _hit(identifier, sort=None, **more):
    return {"_index": "i", "_id": identifier, **({"sort": sort} if sort else {}), **more}


def _error(status, kind, root=None, reason="no"):
    return Answer(status, {"error": {"type": kind, "root_cause": [{"type": root or kind}], "reason": reason}})


def _kind(theirs, ours, request=_SEARCH):
    return compare(request, theirs, ours).kind


def test_the_time_taken_and_the_order_that_nobody_asked_for_do_not_count():
    ours = _hits(_hit("2"), _hit("1"))
    ours.body["took"] = 99
    assert _kind(_hits(_hit("1"), _hit("2")), ours) is Kind.SAME


def test_the_order_that_was_asked_for_counts_and_ties_do_not():
    first = _hits(_hit("1", [5]), _hit("2", [5]), _hit("3", [6]))
    assert _kind(first, _hits(_hit("2", [5]), _hit("1", [5]), _hit("3", [6]))) is Kind.SAME
    assert _kind(first, _hits(_hit("3", [6]), _hit("1", [5]), _hit("2", [5]))) is Kind.DATA


def test_which_of_many_equal_hits_a_page_ends_with_does_not_count():
    page = Request("POST", "/i/_search", {"size": 2, "sort": ["n"]})
    assert (
        _kind(_hits(_hit("1", [4]), _hit("2", [5]), total=9), _hits(_hit("1", [4]), _hit("7", [5]), total=9), page)
        is Kind.SAME
    )
    assert (
        _kind(_hits(_hit("1", [4]), _hit("2", [5]), total=9), _hits(_hit("8", [4]), _hit("7", [5]), total=9), page)
        is Kind.DATA
    )


@pytest.mark.parametrize(
    ("theirs", "ours", "kind"),
    [
        (_hits(), Answer(501, {"error": {"reason": "no"}}), Kind.DECLINED),
        (_hits(), Answer(500, {"error": {"reason": "no"}}), Kind.CRASH),
        (_hits(), _error(400, "parsing_exception"), Kind.REFUSES),
        (_error(400, "parsing_exception"), _hits(), Kind.ACCEPTS),
        (_error(400, "parsing_exception"), _error(400, "parsing_exception", reason="other words"), Kind.SAME),
        (_error(400, "parsing_exception"), _error(404, "parsing_exception"), Kind.ERROR),
        (
            _error(400, "search_phase_execution_exception", "parse_exception"),
            _error(400, "parse_exception"),
            Kind.ERROR,
        ),
        (_error(400, "x", reason="unknown query [percolate]"), _hits(), Kind.ABSENT),
        (_hits(_hit("1")), _hits(_hit("1", extra=1)), Kind.SHAPE),
        (_hits(_hit("1", v=1.0)), _hits(_hit("1", v=1.0 + 1e-12)), Kind.SAME),
        (_hits(_hit("1", v=1.0)), _hits(_hit("1", v=1.001)), Kind.DATA),
        (_hits(_hit("1", v=1)), _hits(_hit("1", v=True)), Kind.SHAPE),
        (_hits(_hit("1", v="1")), _hits(_hit("1", v=1)), Kind.SHAPE),
    ],
)
def test_answers_relate_by_status_type_shape_and_data(theirs, ours, kind):
    assert _kind(theirs, ours) is kind


def test_a_document_keeps_every_key_whatever_it_is_called():
    theirs = _hits(_hit("1", _source={"took": 1, "uuid": "a", "_seq_no": 4}))
    assert _kind(theirs, _hits(_hit("1", _source={"took": 2, "uuid": "a", "_seq_no": 4}))) is Kind.DATA
    assert _kind(theirs, _hits(_hit("1", _source={"took": 1, "uuid": "a"}))) is Kind.SHAPE


def test_relevance_is_held_apart():
    verdict = compare(_SEARCH, _hits(_hit("1", _score=0.3)), _hits(_hit("1", _score=1.0)))
    assert (verdict.kind, verdict.relevance) == (Kind.SAME, False)
    assert _kind(_hits(_hit("1", _score=0.3)), _hits(_hit("1", _score=None))) is Kind.SHAPE
