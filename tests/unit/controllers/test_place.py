"""Where a pair lives, as its objects tell it."""

from __future__ import annotations

import pytest

from anomalyops.controllers.pair.place import pinned, placed
from anomalyops.controllers.place import NOTE, Place, note
from anomalyops.reconciler import Pair
from anomalyops.resources import Resource
from anomalyops.watching.options import ObjectKey

HERE = Place(ObjectKey("team", "default"), "uuid-1")
THERE = Place(ObjectKey("team", "other"), "uuid-2")


def job(**metadata):
    return Resource.from_object(
        {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "AnomalyJob",
            "metadata": {"name": "web", "namespace": "team", "uid": "u-1", **metadata},
            "spec": {
                "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
                "dataDescription": {"timeField": "@timestamp"},
            },
        }
    )


@pytest.mark.parametrize("place", [HERE, Place(ObjectKey("team", "default"), "")])
def test_a_job_that_has_no_status_yet_tells_its_place(place):
    assert pinned(Pair(job=job())) is None
    held = job(annotations=note(job().metadata, place))
    assert pinned(Pair(job=held)) == place
    assert pinned(placed(Pair(job=held), place)) == place
    assert placed(Pair(job=held), place).job.status.placement == place.placement()


def test_a_status_tells_more_than_the_note_of_its_beginning():
    moved = placed(Pair(job=job(annotations=note(job().metadata, HERE))), THERE)
    assert pinned(moved) == THERE
    assert placed(moved, THERE).job is moved.job  # nothing to write


@pytest.mark.parametrize("text", ["", "u-1", "u-1 nowhere", "u-1 /x uuid"])
def test_a_note_that_cannot_be_read_says_nothing(text):
    assert pinned(Pair(job=job(annotations={NOTE: text}))) is None


def test_the_note_of_another_object_says_nothing():
    """As on a manifest that was copied from the cluster with all its annotations."""
    copied = job(uid="u-2", annotations=note(job().metadata, HERE))
    assert pinned(Pair(job=copied)) is None
