"""Where a ConfigMap of a filter list or calendar cannot be used, nothing changes on the server, and it says why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan import Event, ObservedCalendar, ObservedFilter
from anomalyops.reconciler import SharedObject
from anomalyops.reconciler.calendar_unit import CalendarUnit
from anomalyops.reconciler.filter_unit import FilterUnit
from anomalyops.resources import AnomalyCalendar, AnomalyFilter, SecretManifest, texts_among, with_texts
from laws import law

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
FILE = (
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:sale\nDTSTART:20260320T100000Z\nDURATION:PT2H\nEND:VEVENT\n"
    "END:VCALENDAR\n"
)
TEXTS = st.sampled_from([None, "", "web-1\nweb-2", "web-1\nb\x07d", FILE, FILE.replace("DURATION:PT2H\n", "")])
FILTERS = st.builds(
    lambda items, text: ObservedFilter(items=items, description=text, moment="m"),
    st.none() | st.frozensets(st.sampled_from(["web-1", "web-9"])),
    st.sampled_from(["", "theirs", '[anomalyops.io {"cluster": "c"}]']),
)
EVENT = Event.read({"description": "old", "start_time": 1_000_000_000_000, "end_time": 1_000_000_600_000})
CALENDARS = st.builds(
    lambda jobs, events: ObservedCalendar(job_ids=jobs, events=events if jobs is not None else {}, moment="m"),
    st.none() | st.frozensets(st.sampled_from(["web", "db"])),
    st.sampled_from([{}, {"e1": EVENT}]),
)


def unit_of(resource: AnomalyFilter | AnomalyCalendar, texts: list[str | None]) -> Any:
    known = {
        ("ConfigMap", "team", f"m{number}"): SecretManifest(
            name=f"m{number}", namespace="team", kind="ConfigMap", data={"text": text.encode()}
        )
        for number, text in enumerate(texts)
        if text is not None
    }
    whole, problems = with_texts(resource, texts_among(known, "team", absent="is not there"))
    kind = FilterUnit if isinstance(resource, AnomalyFilter) else CalendarUnit
    return kind(SharedObject(resource=whole, problems=problems), None, cluster="c", clock=lambda: NOW)  # type: ignore[arg-type]


def resource(model: Any, field: str, count: int, **spec: Any) -> Any:
    references = [{"configMapRef": {"name": f"m{number}", "key": "text"}} for number in range(count)]
    metadata = {"name": "shared", "namespace": "team"}
    value = {"apiVersion": "anomalyops.io/v1alpha1", "kind": model.KIND, "metadata": metadata}
    return model.from_object(value | {"spec": {field: references, **spec}})


@law(examples=150)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), observed=FILTERS, spec=st.sampled_from([{}, {"items": ["own"]}]))
def test_a_filter_is_changed_whole_or_not_at_all(texts: list[str | None], observed: Any, spec: Any) -> None:
    unit = unit_of(resource(AnomalyFilter, "itemsFrom", len(texts), **spec), texts)
    check(unit, observed, [text is None or not text or "\x07" in text for text in texts])


@law(examples=150)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), observed=CALENDARS)
def test_a_calendar_is_changed_whole_or_not_at_all(texts: list[str | None], observed: Any) -> None:
    event = {"description": "once", "start": "2026-03-11", "end": "2026-03-12"}
    unit = unit_of(resource(AnomalyCalendar, "ics", len(texts), events=[event], jobIds=["web"]), texts)
    check(unit, observed, [text != FILE for text in texts])


def check(unit: Any, observed: Any, bad: list[bool]) -> None:
    plan = unit.plan(observed)
    if any(bad):
        (obstacle,) = plan.obstacles
        assert plan.empty
        assert obstacle.message.startswith("nothing is changed on the server meanwhile: ")
        for number, spoiled in enumerate(bad):
            assert (f"[{number}].configMapRef: " in obstacle.message) is spoiled
    else:
        assert all(one.reason.value not in {"SourceNotFound", "SourceInvalid"} for one in plan.obstacles)
        assert unit.desired is not None


def test_a_deletion_needs_no_config_map() -> None:
    found = resource(AnomalyFilter, "itemsFrom", 1)
    going = found.model_copy(update={"metadata": found.metadata.model_copy(update={"deletion_timestamp": NOW})})
    unit = unit_of(going, [None])
    assert unit.plan(ObservedFilter(items=frozenset({"a"}), description="", moment="m")).obstacles == ()
