"""Laws of the configuration records, for every row of their tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from generated_configs import DATAFEED_BODIES, JOB_BODIES, NOW_MS, VALUES, any_json
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from anomalyops_engine.config import (
    Datafeed,
    Detector,
    Job,
    create_datafeed,
    create_job,
    update_datafeed,
    update_job,
)
from anomalyops_engine.config.analysis_config import AnalysisConfig
from anomalyops_engine.config.calendars import Calendar, ScheduledEvent, create_calendar, create_events
from anomalyops_engine.config.filters import Filter, create_filter, update_filter
from anomalyops_engine.config.records import Change, Nested, Record
from anomalyops_engine.jobs.search_check import SEARCH_CHECK
from anomalyops_engine.refusals import MlError

RECORDS = tuple(VALUES)
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def law(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=_QUIET)


T = TypeVar("T")


def attempt(call: Callable[[], T]) -> T | None:
    """What a call gives, None when it is refused as a client's fault or as not supported."""
    try:
        return call()
    except MlError as refusal:
        status = refusal.status
    assert status in {400, 501}
    return None


def make_job(body: Any) -> Job:
    job = attempt(lambda: create_job(body, job_id="job", now_ms=NOW_MS)[0])
    assume(job is not None)
    assert job is not None
    return job


def make_datafeed(body: Any) -> Datafeed:
    datafeed = attempt(lambda: create_datafeed(body, datafeed_id="feed", search=SEARCH_CHECK))
    assume(datafeed is not None)
    assert datafeed is not None
    return datafeed


def change_job(job: Job, change: Any) -> Job:
    return update_job(job, change, opened=False, model_bytes=0).job


def change_datafeed(datafeed: Datafeed, change: Any) -> Datafeed:
    return update_datafeed(datafeed, change, search=SEARCH_CHECK)


def test_every_row_of_every_record_has_values_here() -> None:
    assert set(RECORDS) == set(_subclasses(Record))
    for record in RECORDS:
        assert set(VALUES[record]) == {row.name for row in record.ROWS if not row.server}, record.__name__


def _subclasses(record: type[Record]) -> set[type[Record]]:
    # The decorator makes a second class of each, which alone has rows.
    found = {kind for child in record.__subclasses__() for kind in {child, *_subclasses(child)}}
    return {kind for kind in found if kind.ROWS}


@given(JOB_BODIES)
@law(50)
def test_a_job_is_what_it_is_rendered_as(body: dict[str, Any]) -> None:
    job = make_job(body)
    stored = json.loads(json.dumps(job.render()))
    assert Job.load(stored) == job
    assert Job.load(stored).render() == stored


@given(DATAFEED_BODIES)
@law(50)
def test_a_datafeed_is_what_it_is_rendered_as(body: dict[str, Any]) -> None:
    datafeed = make_datafeed(body)
    stored = json.loads(json.dumps(datafeed.render()))
    assert Datafeed.load(stored) == datafeed
    assert Datafeed.load(stored).render() == stored


@given(JOB_BODIES)
@law(50)
def test_an_exported_job_makes_the_same_job_elsewhere(body: dict[str, Any]) -> None:
    job = make_job(body)
    assert make_job(job.export()) == job


@given(DATAFEED_BODIES)
@law(50)
def test_an_exported_datafeed_makes_the_same_datafeed_elsewhere(body: dict[str, Any]) -> None:
    datafeed = make_datafeed(body)
    assert make_datafeed({**datafeed.export(), "job_id": datafeed.job_id}) == datafeed


def _overlaid(record: type[Record], stored: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return stored JSON with an update laid over it, as the table says where each of its keys belongs."""
    result = dict(stored)
    for row in record.ROWS:
        if row.change is Change.WITHIN:
            assert isinstance(row.read, Nested)
            result[row.name] = _overlaid(row.read.record, stored[row.name], change)
        elif row.name == "detectors" and "detectors" in change:
            result["detectors"] = [dict(detector) for detector in stored["detectors"]]
            for item in change["detectors"]:
                where = result["detectors"][item["detector_index"]]
                result["detectors"][item["detector_index"]] = _overlaid(Detector, where, item)
        elif row.change is not Change.NEVER and row.update_name in change:
            result[row.name] = change[row.update_name]
    return result


def _changes(record: type[Record]) -> st.SearchStrategy[dict[str, Any]]:
    values = {name: _values_of(record, name) for name in record.updatable() if name != "detectors"}
    return st.fixed_dictionaries({}, optional=values)


def _values_of(record: type[Record], name: str) -> st.SearchStrategy[Any]:
    row = record.updatable()[name]
    return next(VALUES[kind][row.name] for kind in RECORDS if row in kind.ROWS)


_DETECTOR_CHANGES = st.lists(
    st.fixed_dictionaries(
        {"detector_index": st.just(0)},
        optional={
            "description": VALUES[Detector]["detector_description"],
            "custom_rules": VALUES[Detector]["custom_rules"],
        },
    ),
    max_size=2,
)


@given(JOB_BODIES, _changes(Job), st.none() | _DETECTOR_CHANGES)
@law(60)
def test_an_updated_job_is_the_job_of_the_updated_body(
    body: dict[str, Any], change: dict[str, Any], detectors: list[dict[str, Any]] | None
) -> None:
    job = make_job(body)
    assume(job.analysis_config.detectors[0].function not in {"lat_long", "metric", "rare", "freq_rare"})
    if detectors is not None:
        change = {**change, "detectors": detectors}
    changed = attempt(lambda: change_job(job, change))
    assert changed is None or changed == Job.load(_overlaid(Job, job.render(), change))


@given(DATAFEED_BODIES, _changes(Datafeed))
@law(60)
def test_an_updated_datafeed_is_the_datafeed_of_the_updated_body(body: dict[str, Any], change: dict[str, Any]) -> None:
    datafeed = make_datafeed(body)
    assert change_datafeed(datafeed, change) == Datafeed.load(_overlaid(Datafeed, datafeed.render(), change))


@pytest.mark.parametrize("name", sorted(set(Job.updatable()) - {"detectors"}))
@given(data=st.data())
@law(10)
def test_an_update_of_a_job_changes_the_field_that_it_names_and_no_other(name: str, data: st.DataObject) -> None:
    job = make_job(data.draw(JOB_BODIES))
    value = data.draw(_values_of(Job, name))
    changed = attempt(lambda: change_job(job, {name: value}))
    if changed is not None:
        assert change_job(changed, {name: value}) == changed
        assert _without(changed, name) == _without(job, name)


def _without(job: Job, name: str) -> dict[str, Any]:
    shown = job.render()
    field = Job.updatable()[name].name
    shown.pop(field, None)
    shown["analysis_config"].pop(field, None)
    return shown


_FIXED = {row.name for record in (Job, AnalysisConfig) for row in record.ROWS} - {
    *(row.name for row in Job.updatable().values()),
    "job_id",
}


@pytest.mark.parametrize("name", sorted(_FIXED))
def test_what_is_fixed_at_creation_is_unknown_to_updates(name: str) -> None:
    body = {"analysis_config": {"detectors": [{"function": "count"}]}, "data_description": {}}
    job, _ = create_job(body, job_id="job", now_ms=NOW_MS)
    with pytest.raises(MlError, match=rf"\[job_update\] unknown field \[{name}\]"):
        change_job(job, {name: None})


_LOOSE = any_json(*RECORDS)


def _spoilt(body: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from([*body, "x"]), _LOOSE, max_size=2).map(body.__or__)


@given(_LOOSE | JOB_BODIES.flatmap(_spoilt))
@law(100)
def test_any_json_is_a_job_or_a_refusal(body: Any) -> None:
    job = make_job(body)
    assert Job.load(json.loads(json.dumps(job.render()))) == job


@given(_LOOSE | DATAFEED_BODIES.flatmap(_spoilt))
@example({"job_id": "j", "indices": ["logs"], "indices_options": {"ignore_throttled": []}})
@law(100)
def test_any_json_is_a_datafeed_or_a_refusal(body: Any) -> None:
    datafeed = make_datafeed(body)
    job = make_job(
        {
            "analysis_config": {"detectors": [{"function": "count"}], "summary_count_field_name": "doc_count"},
            "data_description": {},
        }
    )
    attempt(lambda: datafeed.check_with(job))
    assert datafeed.frequency_ms(300_000) > 0


@given(_LOOSE)
@law(100)
def test_any_json_is_a_detector_or_a_refusal(body: Any) -> None:
    attempt(lambda: Detector.parse(body))


@given(JOB_BODIES, _LOOSE | st.dictionaries(st.sampled_from(sorted(Job.updatable())), _LOOSE, max_size=3))
@law(100)
def test_any_json_is_an_update_of_a_job_or_a_refusal(body: Any, change: Any) -> None:
    job = make_job(body)
    changed = attempt(lambda: change_job(job, change))
    assert changed is None or Job.load(json.loads(json.dumps(changed.render()))) == changed


@given(DATAFEED_BODIES, _LOOSE | st.dictionaries(st.sampled_from(sorted(Datafeed.updatable())), _LOOSE, max_size=3))
@law(100)
def test_any_json_is_an_update_of_a_datafeed_or_a_refusal(body: Any, change: Any) -> None:
    datafeed = make_datafeed(body)
    changed = attempt(lambda: change_datafeed(datafeed, change))
    assert changed is None or Datafeed.load(json.loads(json.dumps(changed.render()))) == changed


def _bodies(record: type[Record]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=VALUES[record])


@given(_LOOSE | _bodies(Filter).flatmap(_spoilt))
@law(100)
def test_any_json_is_a_filter_or_a_refusal(body: Any) -> None:
    made = attempt(lambda: create_filter(body, filter_id="known"))
    assert made is None or Filter.load(json.loads(json.dumps(made.render()))) == made


_FILTER_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "description": VALUES[Filter]["description"],
        "add_items": VALUES[Filter]["items"],
        "remove_items": VALUES[Filter]["items"],
    },
)


@given(_bodies(Filter), _FILTER_CHANGES | _LOOSE | _FILTER_CHANGES.flatmap(_spoilt))
@law(100)
def test_any_json_is_an_update_of_a_filter_or_a_refusal(body: Any, change: Any) -> None:
    present = create_filter(body, filter_id="known")
    update = attempt(lambda: update_filter(present, change))
    if update is not None:
        assert set(update.filter.items) == {*present.items, *update.added}.difference(update.removed)
        assert list(update.filter.items) == sorted(update.filter.items)


@given(_LOOSE | _bodies(Calendar).flatmap(_spoilt))
@law(100)
def test_any_json_is_a_calendar_or_a_refusal(body: Any) -> None:
    made = attempt(lambda: create_calendar(body, calendar_id="days"))
    assert made is None or Calendar.load(json.loads(json.dumps(made.render()))) == made


@given(
    _LOOSE | st.lists(_bodies(ScheduledEvent).flatmap(_spoilt) | _LOOSE, max_size=3).map(lambda one: {"events": one})
)
@law(100)
def test_any_json_is_events_or_a_refusal(body: Any) -> None:
    for made in attempt(lambda: create_events(body, calendar_id="days")) or ():
        assert ScheduledEvent.load(json.loads(json.dumps(made.render()))) == made
        assert made.start_ms < made.end_ms
