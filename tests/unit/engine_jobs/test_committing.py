"""Commits behind the analysis of the next step: in order, without a gap, none left when the row ends."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.jobs.committing import Commits
from waiting import PATIENCE_S


class Lost(BaseException):
    """The process ended here."""


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 12), st.integers(0, 12))
def test_what_is_committed_has_no_gap(behind, failing, leaving):
    """Whatever fails, a commit or what is between them: the commits that are done are the first ones, in order."""
    done, running = [], threading.Lock()

    def commit(number):
        assert running.acquire(blocking=False), "two commits at once"
        if number == failing:
            running.release()
            raise Lost
        done.append(number)
        running.release()

    def row():
        with Commits() as commits:
            for number, late in enumerate(behind):
                if number == leaving:
                    raise KeyError(number)
                (commits.behind if late else commits.now)(lambda number=number: commit(number))

    fails, leaves = failing < len(behind), leaving < len(behind)
    if fails or leaves:
        with pytest.raises((Lost, KeyError)):
            row()
    else:
        row()
    assert done == list(range(len(done)))
    if not fails:
        assert len(done) == min(leaving, len(behind))
    else:
        assert len(done) == min(failing, leaving)


def test_a_commit_runs_while_the_next_step_is_made():
    meanwhile = threading.Event()
    with Commits() as commits:
        commits.behind(lambda: meanwhile.wait(PATIENCE_S) or pytest.fail("nothing else was done"))
        meanwhile.set()


def test_the_end_of_a_row_waits():
    done = []
    with Commits() as commits:
        commits.behind(lambda: (time.sleep(0.05), done.append(1)))
    assert done == [1]
