"""What scheduled events, scopes of rules and changes of clocks do to results and models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from anomalyops_engine.config import Job
from anomalyops_engine.scoring import Event, ItemSet, JobAnalysis, Results, Schedule, StepInputs

HOUR = 3_600_000
START = 1_704_067_200_000
BUCKETS = 240
# An example analyses ten days: a failing one is small enough as it comes.
SOON = (Phase.explicit, Phase.reuse, Phase.generate)
HOSTS = ("a", "b", "c")
DETECTORS: tuple[dict[str, Any], ...] = (
    {"function": "mean", "field_name": "value", "partition_field_name": "host"},
    {"function": "mean", "field_name": "value"},
    {"function": "max", "field_name": "value", "over_field_name": "host"},
)
OTHERS: tuple[dict[str, Any], ...] = (
    {"function": "metric", "field_name": "value", "by_field_name": "host"},
    {"function": "rare", "by_field_name": "host"},
    {"function": "time_of_day", "by_field_name": "host"},
    {"function": "count", "by_field_name": "host", "exclude_frequent": "by"},
)


def event(first: int, buckets: int, **options: Any) -> Event:
    begin = START + first * HOUR
    return Event(description=f"event {first}", start_ms=begin, end_ms=begin + buckets * HOUR, **options)


def documents(seed: int, buckets: int = BUCKETS, *, hosts: Sequence[str] = HOSTS, peaks: float = 0.1) -> dict[str, Any]:
    """Two documents a host and bucket, host c late, and a peak of host b now and then."""
    rng = np.random.default_rng(seed)
    bucket = np.repeat(np.arange(buckets), 2 * len(hosts))
    host = np.tile(np.repeat(hosts, 2), buckets)
    value = rng.normal(100, 5, len(bucket))
    value[(rng.random(buckets) < peaks)[bucket] & (host == "b")] += 200.0
    kept = (host != "c") | (bucket >= buckets // 3)
    time = START + bucket * HOUR + rng.integers(0, HOUR, len(bucket))
    return {"time": time[kept], "host": host[kept], "value": value[kept]}


def without(columns: dict[str, Any], events: list[Event]) -> dict[str, Any]:
    inside = np.zeros(len(columns["time"]), dtype=np.bool_)
    for one in events:
        inside |= (columns["time"] >= one.start_ms) & (columns["time"] < one.end_ms)
    return {name: column[~inside] for name, column in columns.items()}


def learnt(analysis: JobAnalysis) -> list[Any]:
    """What the models know, in a form that compares."""
    found = []
    for detection in analysis.detections:
        plain, arrays = detection.pack()
        found.append((plain, {name: array.tobytes() for name, array in arrays.items() if name != "last_data"}))
    return found


def judgement(record: dict[str, Any]) -> tuple[Any, ...]:
    """What a record says of its bucket alone: scores are relative to the job's history."""
    return record["timestamp"], record["detector_index"], record["probability"], record.get("partition_field_value")


def judged(results: Results) -> list[tuple[Any, ...]]:
    return [judgement(record) for record in results.records]


def run(
    bench: Any, job: Job, events: Sequence[Event] = (), *, size: int = BUCKETS, **options: Any
) -> tuple[Results, JobAnalysis]:
    analysis = JobAnalysis(job, **options)
    return go_on(bench, analysis, events, size=size), analysis


def go_on(
    bench: Any,
    analysis: JobAnalysis,
    events: Sequence[Event],
    *,
    first: int = 0,
    end: int = BUCKETS,
    size: int = BUCKETS,
) -> Results:
    merged: Results | None = None
    for left in range(first, end, size):
        step = bench.analyse(
            None, min(size, end - left), analysis=analysis, first=left, schedule=Schedule(events, HOUR)
        )
        if merged is None:
            merged = step
        else:
            for kind, results in step.found.items():
                merged.found.setdefault(kind, []).extend(results)
            merged.frames += step.frames
    assert merged is not None
    return merged


@pytest.fixture(scope="module")
def bench(new_bench: Any) -> Iterator[Any]:
    with new_bench() as bench:
        yield bench


# Within the time after the detectors have begun and before the end, apart from each other.
stretches = st.lists(st.tuples(st.integers(0, 18), st.integers(1, 8)), min_size=1, max_size=4).map(
    lambda found: [(10 + 12 * place, length) for place, length in dict(found).items()]
)


@settings(max_examples=12, deadline=None, phases=SOON)
@given(seed=st.integers(0, 50), found=stretches, plotted=st.booleans(), silent=st.booleans())
def test_an_event_leaves_the_models_as_if_its_buckets_had_not_been(
    bench: Any, seed: int, found: list[tuple[int, int]], plotted: bool, silent: bool
) -> None:
    events = [event(first, length, skip_result=silent) for first, length in found]
    columns = documents(seed)
    job = bench.job(*DETECTORS, *OTHERS[:3], model_plot_config={"enabled": plotted})
    bench.load(**columns)
    results, analysis = run(bench, job, events)
    bench.load(**without(columns, events))
    never_seen, other = run(bench, job)
    assert learnt(analysis) == learnt(other)

    inside = {START + (first + k) * HOUR for first, length in found for k in range(length)}
    records = [record for record in results.records if record["timestamp"] in inside]
    assert not (silent and records)
    after = [record for record in results.records if record["timestamp"] not in inside]
    assert [judgement(record) for record in after] == judged(never_seen)
    for bucket in results.buckets:
        assert bool(bucket.get("scheduled_events")) == (bucket["timestamp"] in inside)
        assert not (silent and bucket["timestamp"] in inside and bucket["anomaly_score"])
    assert len(results.buckets) == BUCKETS
    shown = {plot["timestamp"] for plot in results.model_plot}
    late = {time for time in inside if time >= START + 60 * HOUR}
    assert late <= shown if plotted else not shown


def test_an_event_that_skips_only_results_is_learnt(bench: Any) -> None:
    bench.load(**documents(1))
    job = bench.job(*DETECTORS)
    plain, usual = run(bench, job)
    results, analysis = run(bench, job, [event(100, 50, skip_update=False)])
    assert learnt(analysis) == learnt(usual)
    inside = range(START + 100 * HOUR, START + 150 * HOUR)
    assert any(record["timestamp"] in inside for record in plain.records)
    assert not any(record["timestamp"] in inside for record in results.records)


def test_an_event_that_skips_only_learning_has_its_results(bench: Any) -> None:
    columns = documents(2)
    times = columns["time"]
    columns["value"][(times >= START + 150 * HOUR) & (times < START + 160 * HOUR)] += 300.0
    bench.load(**columns)
    results, _ = run(bench, bench.job(*DETECTORS), [event(150, 10, skip_result=False)])
    found = {record["timestamp"] for record in results.records if record["detector_index"] == 0}
    # Nothing gets used to it: the last bucket is as surprising as the first.
    assert found >= set(range(START + 150 * HOUR, START + 160 * HOUR, HOUR))


def test_what_happens_in_an_event_changes_nothing_also_where_no_data_mean_zero(bench: Any) -> None:
    job = bench.job({"function": "count", "partition_field_name": "host"}, {"function": "count"})
    events = [event(60, 12), event(160, 30)]
    columns = documents(3)
    bench.load(**columns)
    one, first = run(bench, job, events)
    kept = without(columns, events)
    bench.load(**kept)
    two, second = run(bench, job, events)
    assert learnt(first) == learnt(second)
    assert one.records == two.records


@settings(max_examples=10, deadline=None, phases=SOON)
@given(seed=st.integers(0, 50), size=st.integers(9, 90), found=stretches, options=st.tuples(*[st.booleans()] * 3))
def test_results_do_not_depend_on_where_time_is_cut(
    bench: Any, seed: int, size: int, found: list[tuple[int, int]], options: tuple[bool, bool, bool]
) -> None:
    silent, held, plotted = options
    events = [event(*one, skip_result=silent, skip_update=held, shift_s=3600) for one in found]
    bench.load(**documents(seed))
    job = bench.job(*DETECTORS, *OTHERS, model_plot_config={"enabled": plotted})
    whole, first = run(bench, job, events)
    cut, second = run(bench, job, events, size=size)
    assert learnt(first) == learnt(second)
    assert judged(whole) == judged(cut)
    assert {one.id: one.body for one in whole.all() if one.body["result_type"] == "model_plot"} == {
        one.id: one.body for one in cut.all() if one.body["result_type"] == "model_plot"
    }


def test_the_journal_knows_the_events_of_its_time(bench: Any) -> None:
    bench.load(**documents(4))
    job = bench.job(*DETECTORS, *OTHERS, model_plot_config={"enabled": True})
    events = [event(50, 20), event(90, 5, skip_result=False, shift_s=-3600), event(150, 30, skip_update=False)]
    results, analysis = run(bench, job, events)
    again = JobAnalysis(job)
    again.replay(StepInputs.unpack(results.inputs.pack()))
    assert again.snapshot() == analysis.snapshot()


def scoped(filter_type: str, *actions: str, **rule: Any) -> dict[str, Any]:
    scope = {"host": {"filter_id": "listed", "filter_type": filter_type}}
    return {"custom_rules": [{"actions": list(actions), "scope": scope, **rule}]}


def listed(*items: str) -> dict[str, ItemSet]:
    return {"listed": ItemSet(items)}


@pytest.mark.parametrize("detector", [DETECTORS[0], DETECTORS[2]])
@pytest.mark.parametrize(("filter_type", "items"), [("include", ["b"]), ("include", ["*b*"]), ("exclude", ["a", "c*"])])
def test_a_rule_holds_for_the_series_in_its_scope(
    bench: Any, detector: dict[str, Any], filter_type: str, items: list[str]
) -> None:
    # A population has many members, and what one of them does often is its habit.
    kind = "over" if "over_field_name" in detector else "partition"
    bench.load(**documents(5, hosts=[*HOSTS, *"defghijklm"], peaks=0.02) if kind == "over" else documents(5))

    def hosts(job: Job, filters: Any) -> set[str]:
        results, _ = run(bench, job, filters=filters)
        return {record[f"{kind}_field_value"] for record in results.records}

    assert "b" in hosts(bench.job(detector), {})
    skipping = bench.job(detector | scoped(filter_type, "skip_result"))
    assert "b" not in hosts(skipping, listed(*items))
    # Beside conditions a scope narrows: both have to hold.
    never = {"applies_to": "actual", "operator": "lt", "value": 0}
    narrow = bench.job(detector | scoped(filter_type, "skip_result", conditions=[never]))
    assert hosts(narrow, listed(*items)) == hosts(bench.job(detector), {})


@settings(max_examples=10, deadline=None, phases=SOON)
@given(
    seed=st.integers(0, 50),
    at=st.integers(1, BUCKETS - 1),
    before=st.lists(st.sampled_from(["a", "b", "c", "a*", "*"]), max_size=3),
    after=st.lists(st.sampled_from(["a", "b", "c", "b*", "*c"]), max_size=3),
)
def test_a_filter_that_changes_holds_from_the_next_bucket_on(
    bench: Any, seed: int, at: int, before: list[str], after: list[str]
) -> None:
    bench.load(**documents(seed))
    job = bench.job(*(detector | scoped("include", "skip_result") for detector in (DETECTORS[0], DETECTORS[2])))

    def later(results: Results) -> list[Any]:
        return [judgement(record) for record in results.records if record["timestamp"] >= START + at * HOUR]

    running = JobAnalysis(job, listed(*before))
    go_on(bench, running, [], end=at)
    state = running.snapshot()
    running.configure(job, listed(*after))
    changed = go_on(bench, running, [], first=at)
    from_the_start, _ = run(bench, job, filters=listed(*after))
    assert later(changed) == later(from_the_start)
    restored = JobAnalysis.restore(job, state, listed(*after))
    assert go_on(bench, restored, [], first=at).records == changed.records
    assert restored.snapshot() == running.snapshot()


@pytest.mark.parametrize("detector", [DETECTORS[0], DETECTORS[2]])
def test_what_a_scope_takes_from_learning_is_not_learnt(bench: Any, detector: dict[str, Any]) -> None:
    """The series in scope has learnt nothing; the others have learnt what they always do."""
    columns = documents(6)
    job = bench.job(detector | scoped("include", "skip_model_update"))
    bench.load(**columns)
    _, analysis = run(bench, job, filters=listed("b"))
    kept = columns["host"] != "b"
    bench.load(**{name: column[kept] for name, column in columns.items()})
    _, other = run(bench, job, filters=listed("b"))
    if "over_field_name" in detector:
        return  # how many members there are is known of all of them
    mine, theirs = analysis.detections[0], other.detections[0]
    plain, arrays = mine.pack()
    rows = [row for row, key in enumerate(plain["keys"]) if key != ["b"]]
    for name, array in theirs.pack()[1].items():
        assert np.array_equal(arrays[name][rows], array, equal_nan=array.dtype.kind == "f")


def daily(days: int, change: int, hours: int, *, members: int = 1) -> dict[str, Any]:
    """Hours of days with a peak at noon; from day `change` on, the peak comes some hours later."""
    rng = np.random.default_rng(8)
    bucket = np.repeat(np.arange(24 * days), members)
    hour = (bucket - np.where(bucket >= 24 * change, hours, 0)) % 24
    value = 100 + 80 * np.exp(-(((hour - 12) / 2.5) ** 2)) + rng.normal(0, 1, len(bucket))
    host = np.tile([f"h{k}" for k in range(members)], 24 * days)
    return {"time": START + bucket * HOUR + 1, "host": host, "value": value}


@pytest.mark.parametrize("members", [1, 12])
def test_a_change_of_clocks_that_is_announced_is_no_anomaly(bench: Any, members: int) -> None:
    days, change = 30, 26
    split = {"over_field_name": "host"} if members > 1 else {}
    detector = {"function": "mean", "field_name": "value", **split}
    bench.load(**daily(days, change, 2, members=members))
    announced = [event(24 * change, 1, skip_result=False, skip_update=False, shift_s=-7200)]

    def surprises(job: Job, events: list[Event]) -> float:
        analysis = JobAnalysis(job)
        results = go_on(bench, analysis, events, end=24 * days)
        begin = START + 24 * change * HOUR
        return sum(-np.log10(one["probability"]) for one in results.records if one["timestamp"] >= begin)

    job = bench.job(detector)
    assert surprises(job, []) > 5.0
    assert surprises(job, announced) < 0.2 * surprises(job, [])
    # A rule says the same of its detector.
    at = (START + 24 * change * HOUR) // 1000
    conditions = [{"applies_to": "time", "operator": "gte", "value": at}]
    rule = {
        "actions": ["force_time_shift"],
        "conditions": conditions,
        "params": {"force_time_shift": {"time_shift_amount": -7200}},
    }
    assert surprises(bench.job(detector | {"custom_rules": [rule]}), []) == surprises(job, announced)


def test_usual_times_move_with_announced_clocks(bench: Any) -> None:
    rng = np.random.default_rng(9)
    days, change = 40, 32
    day = np.repeat(np.arange(days), 6)
    hour = np.where(day >= change, 15.0, 9.0) + rng.normal(0, 0.2, len(day))
    time = np.sort(START + day * 24 * HOUR + (hour * HOUR).astype(np.int64))
    bench.load(time=time)
    job = bench.job({"function": "time_of_day"})

    def records(events: list[Event]) -> int:
        results = go_on(bench, JobAnalysis(job), events, end=24 * days)
        return sum(record["timestamp"] >= START + change * 24 * HOUR for record in results.records)

    announced = [event(24 * change, 1, skip_result=False, skip_update=False, shift_s=-6 * 3600)]
    assert records([]) > records(announced) == 0
