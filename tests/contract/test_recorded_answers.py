"""What Elasticsearch answered to the smallest cases of every difference found, and to ordinary use."""

from __future__ import annotations

import pytest

from engine_process import EngineProcess
from judge.differences import PAGE, page
from judge.engine import EngineServer
from judge.recorded import Stage, difference, known_differences, load_all
from judge.report import request_line

_RECORDED = load_all()
_KNOWN = {case: group for group in known_differences() for case in group.cases}


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """A server without jobs, and one with: whoever had a job keeps the index of configurations."""
    engines = [EngineProcess(tmp_path_factory.mktemp(name)) for name in ("engine", "with-jobs")]
    for engine in engines:
        engine.start()
    yield [Stage(EngineServer(engine.url)) for engine in engines]
    for engine in engines:
        engine.kill()


@pytest.mark.parametrize("recorded", _RECORDED, ids=lambda recorded: recorded.id)
def test_the_engine_answers_as_elasticsearch_did(stages, recorded):
    requests = (*recorded.case.setup, *recorded.case.steps)
    stage = stages[any("_ml/" in request.path for request in requests)]
    found = difference(stage.verdicts(recorded))
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
