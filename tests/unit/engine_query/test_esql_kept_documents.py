"""Documents that lie in no index, as rows."""

from __future__ import annotations

import duckdb
import pytest

from anomalyops_engine.query import UnsupportedQueryError
from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.kept_documents import KeptDocuments
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Surroundings

DOCUMENTS = {
    "one": {"job_id": "a", "n": 1, "at": 0, "in": {"x": [{"f": "p"}, {"f": "q"}], "hidden": {"y": 1}}, "flag": True},
    "two": {"job_id": "b", "n": 2.5, "flag": "no", "in": {"x": []}},
}


def _ask(documents, text):
    kept = KeptDocuments(".kept", documents, dates={"at"}, opaque={"in.hidden"})
    around = Surroundings(
        lambda name: None, None, 0, ("1", "2", "3"), kept=lambda name: kept if name == ".kept" else None
    )
    return answer(duckdb.connect(), text, Parameters(), around)


def test_fields_have_the_types_of_their_values():
    found = _ask(DOCUMENTS, "FROM .kept METADATA _id, _index | SORT _id")
    assert found.columns == (
        ("at", "date"),
        ("flag", "keyword"),
        ("in.x.f", "keyword"),
        ("job_id", "keyword"),
        ("n", "double"),
        ("_id", "keyword"),
        ("_index", "keyword"),
    )
    assert found.rows == [
        ["1970-01-01T00:00:00.000Z", "true", ["p", "q"], "a", 1.0, "one", ".kept"],
        [None, "no", None, "b", 2.5, "two", ".kept"],
    ]


def test_without_documents_there_are_no_rows():
    assert _ask({}, "FROM .kept").rows == []
    assert _ask({}, 'FROM .kept | WHERE job_id == "a" | STATS n = COUNT(*)').rows == [[0]]


def test_what_only_an_index_has_is_refused_by_name():
    with pytest.raises(UnsupportedQueryError, match="_version"):
        _ask(DOCUMENTS, "FROM .kept METADATA _version")
