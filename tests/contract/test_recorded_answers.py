"""What Elasticsearch answered to the smallest cases of every difference found, and to ordinary use."""

from __future__ import annotations

import pytest

from judge.differences import PAGE, page
from judge.recorded import difference, known_differences, load_all
from judge.report import request_line
from judge.stages import stages

_RECORDED = load_all()
_KNOWN = {case: group for group in known_differences() for case in group.cases}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    with stages(tmp_path_factory.mktemp("engines")) as found:
        yield found


@pytest.mark.parametrize("recorded", _RECORDED, ids=lambda recorded: recorded.id)
def test_the_engine_answers_as_elasticsearch_did(verdicts, recorded):
    found = difference(verdicts(recorded))
    asked = "\n".join(map(request_line, (*recorded.case.setup, *recorded.case.steps)))
    if recorded.id in _KNOWN:
        assert found is not None, f"agrees now: take it off the list with `make judge-prune`\n{asked}"
    else:
        assert found is None, f"{found.kind}: {found.where or found.label}\n{asked}"


def test_every_known_difference_is_a_recorded_case_and_has_a_reason():
    recorded = {one.id for one in _RECORDED}
    listed = [case for group in known_differences() for case in group.cases]
    assert set(listed) <= recorded
    assert len(listed) == len(set(listed))
    assert all(group.reason and group.title for group in known_differences())


def test_the_page_of_differences_says_what_the_list_says():
    assert PAGE.read_text() == page(), "run `make generate`"
