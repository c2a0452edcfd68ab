"""Which suspect is the cause, over generated appearances; and generated incidents with known causes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_insight.investigating.blocks import markdown
from anomalyops_insight.investigating.calls import complaints
from anomalyops_insight.investigating.investigation import Incident, Investigation
from anomalyops_insight.investigating.onset import Onset
from anomalyops_insight.investigating.protocol import fault_class
from anomalyops_insight.investigating.ranking import Appearance, Complaint, rank
from anomalyops_insight.investigating.report import report, summary
from anomalyops_insight.tools.correlation import Fingerprint

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("a", "b", "c", "d")


def seen(entity, job, first, score, last=None, field="service"):
    end = first if last is None else last
    return Appearance(entity, field, job, BEGIN + timedelta(minutes=first), BEGIN + timedelta(minutes=end), score)


appearances = st.lists(
    st.builds(
        lambda entity, job, first, lasts, score, field: seen(entity, job, first, score, first + lasts, field),
        st.sampled_from(NAMES),
        st.sampled_from(("j1", "j2", "j3")),
        st.integers(0, 120),
        st.integers(0, 60),
        st.floats(1, 100),
        st.sampled_from(("service", "host")),
    ),
    min_size=1,
    max_size=12,
)
blames = st.lists(st.builds(Complaint, st.sampled_from(NAMES), st.sampled_from(NAMES), st.floats(1, 100)), max_size=6)


@given(appearances=appearances, blames=blames, order=st.randoms(use_true_random=False))
def test_the_order_of_what_was_read_does_not_matter(appearances, blames, order):
    first = rank(appearances, blames)
    shuffled, mixed = list(appearances), list(blames)
    order.shuffle(shuffled)
    order.shuffle(mixed)
    again = rank(shuffled, mixed)
    assert [one.entity for one in again] == [one.entity for one in first]
    assert [one.score for one in again] == pytest.approx([one.score for one in first])


@given(appearances=appearances, blames=blames)
def test_likelihoods_are_shares_and_parts_lie_between_nought_and_one(appearances, blames):
    found = rank(appearances, blames)
    assert {one.entity for one in found} == {one.entity for one in appearances}
    assert sum(one.likelihood for one in found) == pytest.approx(1)
    assert [one.likelihood for one in found] == sorted((one.likelihood for one in found), reverse=True)
    assert all(0 <= value <= 1 for one in found for value in one.parts.values())


@given(appearances=appearances, blames=blames, days=st.integers(-3000, 3000))
def test_when_it_was_does_not_matter(appearances, blames, days):
    shift = timedelta(days=days)
    moved = [Appearance(a.entity, a.field, a.job_id, a.first + shift, a.last + shift, a.max_score) for a in appearances]
    assert [one.entity for one in rank(moved, blames)] == [one.entity for one in rank(appearances, blames)]


def test_nothing_has_no_suspects():
    assert rank([]) == ()


def test_low_scores_of_many_jobs_beat_one_high_score():
    many = [seen("db", f"job-{n}", 0, 35, 30) for n in range(5)]
    assert rank([*many, seen("web", "job-x", 0, 99, 30)])[0].entity == "db"


def test_of_equals_the_earlier_is_the_cause():
    found = rank(
        [seen(name, f"{name}{job}", first, 80, 90) for name, first in (("late", 40), ("first", 0)) for job in "xy"]
    )
    assert [one.entity for one in found] == ["first", "late"]
    assert found[0].onset == BEGIN


def test_who_is_complained_about_comes_before_who_complains():
    both = [seen(name, f"{name}-{job}", 0, 80, 60) for name in ("caller", "target") for job in "xyz"]
    chain = [Complaint("edge", "caller", 70), Complaint("caller", "target", 70)]
    found = rank([*both, seen("edge", "edge-x", 0, 80, 60)], chain)
    assert found[0].entity == "target"
    assert found[0].likelihood > 2 * found[1].likelihood


def test_a_zone_under_several_services_comes_before_each():
    services = [seen(f"s{n}", f"{job}-s{n}", 0, 80, 60) for n in range(4) for job in ("cpu", "latency")]
    zone = [seen("zone-a", f"{job}-s{n}", 0, 70, 60, field="zone") for n in range(4) for job in ("cpu", "latency")]
    blamed = [Complaint("edge", f"s{n}", 60) for n in range(4)]
    assert rank([*services, *zone, seen("edge", "edge-x", 5, 60, 60)], blamed)[0].entity == "zone-a"


def test_complaints_are_read_from_records_that_are_split_by_target():
    row = {f"{kind}_field_{part}": None for kind in ("partition", "by", "over") for part in ("name", "value")}
    row |= {"partition_field_name": "service.name", "partition_field_value": "web", "max_score": 70.0}
    called = row | {"by_field_name": "span.destination.service.resource", "by_field_value": "db"}
    assert complaints([row, called, row | {"by_field_name": "target_zone", "by_field_value": "z"}]) == [
        Complaint("web", "db", 70.0), Complaint("web", "z", 70.0),
    ]  # fmt: skip


def test_the_kind_of_fault_is_what_weighs_most_in_the_suspects_jobs():
    def one(job, fault, score):
        return Fingerprint(
            job_id=job, function="mean", field_name=None, by_field_name=None, anomalies=1, max_score=score,
            sustained=False, mean_actual=None, mean_typical=None, first=BEGIN, last=BEGIN, fault_class=fault,
        )  # fmt: skip

    suspect = rank([seen("db", "j1", 0, 90), seen("db", "j2", 0, 50)])[0]
    known = [one("j1", "resource", 60), one("j2", "network", 50), one("j3", "security", 99)]
    assert fault_class(suspect, known) == "resource"
    assert fault_class(suspect, []) == "unknown"


@given(
    appearances=appearances,
    blames=blames,
    calls=st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES))),
)
def test_parts_are_shares_whatever_is_known_of_calls(appearances, blames, calls):
    found = rank(appearances, blames, calls=calls)
    assert all(0 <= value <= 1 for one in found for value in one.parts.values())
    assert sum(one.likelihood for one in found) == pytest.approx(1)


@given(appearances=appearances, blames=blames, caller=st.sampled_from(NAMES), target=st.sampled_from(NAMES))
def test_who_calls_what_broke_is_no_likelier_than_who_calls_nothing_that_did(appearances, blames, caller, target):
    alone = {one.entity: one for one in rank(appearances, blames, calls={caller: set()})}
    calling = {one.entity: one for one in rank(appearances, blames, calls={caller: {target}})}
    if caller in alone:
        assert calling[caller].parts["origin"] <= alone[caller].parts["origin"]


def test_of_two_that_nobody_complains_about_the_one_that_is_called_is_the_cause():
    both = [seen(name, f"{name}-{job}", 0, 80, 60) for name in ("caller", "target") for job in "xy"]
    assert rank(both, calls={"caller": {"target"}, "target": {"other"}})[0].entity == "target"
    assert rank(both, calls={"target": {"caller"}, "caller": {"other"}})[0].entity == "caller"


def test_a_fault_goes_through_a_service_that_nobody_watches():
    both = [seen(name, f"{name}-{job}", 0, 80, 60) for name in ("caller", "target") for job in "xy"]
    assert rank(both, calls={"caller": {"unseen"}, "unseen": {"target"}, "target": {"x"}})[0].entity == "target"


def test_onsets_of_the_source_decide_within_a_bucket():
    def one(name, minutes):
        at = BEGIN + timedelta(minutes=minutes)
        onset = Onset(at, at - timedelta(seconds=10), at + timedelta(seconds=10))
        return [replace(seen(name, f"{name}-{job}", 0, 80, 60), onset=onset) for job in "xy"]

    found = rank([*one("late", 4), *one("first", 1)], tolerance=timedelta(minutes=6), clock=timedelta())
    assert [one.entity for one in found] == ["first", "late"]
    assert found[0].likelihood > 2 * found[1].likelihood
    assert found[0].within == (BEGIN + timedelta(seconds=50), BEGIN + timedelta(seconds=70))


def test_a_blip_weighs_less_than_what_lasts():
    blip = [seen("blip", f"b-{job}", 0, 99, 0) for job in "xyz"]
    lasting = [seen("lasting", f"l-{job}", 5, 60, 65) for job in "xyz"]
    assert rank([*blip, *lasting])[0].entity == "lasting"


@given(appearances=appearances, blames=blames, which=st.sampled_from(NAMES))
def test_a_sustained_shift_weighs_no_less_than_a_spike(appearances, blames, which):
    plain = {one.entity: one.parts for one in rank(appearances, blames)}
    shifted = [replace(one, sustained=one.entity == which) for one in appearances]
    held = {one.entity: one.parts for one in rank(shifted, blames)}
    if which in plain:
        for part in ("breadth", "strength"):
            assert held[which][part] >= plain[which][part] - 1e-9


def test_of_two_alike_the_sustained_one_is_the_cause():
    spike, shift = seen("spike", "j1", 0, 80), replace(seen("shift", "j2", 0, 80), sustained=True)
    long = seen("long", "j3", 0, 30, last=60)
    assert next(one.entity for one in rank([spike, shift, long])) == "shift"


CALLS = st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)), max_size=4)


@given(appearances=appearances, blames=blames, calls=CALLS, pair=st.permutations(NAMES))
def test_who_is_called_explains_no_less_for_it(appearances, blames, calls, pair):
    caller, called, *_ = pair
    more = dict(calls) | {caller: {*calls.get(caller, ()), called}}
    without = {one.entity: one.parts["explains"] for one in rank(appearances, blames, calls=calls)}
    with_it = {one.entity: one.parts["explains"] for one in rank(appearances, blames, calls=more)}
    if called in without:
        assert with_it[called] >= without[called] - 1e-9


def test_a_caller_that_follows_is_explained_without_a_complaint():
    back, front, other = seen("back", "j1", 0, 60, 60), seen("front", "j2", 0, 60, 60), seen("other", "j3", 0, 60, 60)
    assert {one.parts["explains"] for one in rank([back, front, other])} == {0}
    found = {one.entity: one.parts["explains"] for one in rank([back, front, other], calls={"front": {"back"}})}
    assert found["back"] > 0.3
    assert found["front"] == found["other"] == 0


def test_a_zone_explains_what_follows_from_its_services():
    """Three services of a zone, one of them with a caller that follows: the zone explains more than any of them."""
    jobs = {"shop": "j1", "stock": "j2", "mail": "j3"}
    found = [seen(name, f"{job}-{n}", 0, 60, 60) for name, job in jobs.items() for n in range(3)]
    found += [seen("zone", f"{job}-{n}", 0, 60, 60, field="zone") for job in jobs.values() for n in range(3)]
    found.append(seen("web", "j4", 0, 60, 60))
    explains = {one.entity: one.parts["explains"] for one in rank(found, calls={"web": {"shop"}})}
    assert explains["zone"] > explains["shop"] > explains["web"]


@given(times=st.lists(st.integers(0, 240), min_size=1, max_size=8), lasts=st.integers(0, 10))
def test_time_between_anomalies_is_not_anomalous(times, lasts):
    """An entity that is anomalous now and then is so for the sum of these times, however far they are apart."""
    short = [seen("blips", f"b{n}", first, 60, first + lasts) for n, first in enumerate(times)]
    found = {one.entity: one.parts["persistence"] for one in rank([*short, seen("long", "l", 0, 60, 400)])}
    assert found["blips"] <= 2 * (lasts + 1) * len(times) / 401 + 1e-9


@given(others=st.lists(st.tuples(st.integers(-30, 90), st.floats(25, 80)), max_size=60))
def test_false_alarms_of_others_take_nothing_from_what_lasts(others):
    cause = [seen("cause", f"c-{job}", 0, 60, 60) for job in "xyz"]
    alarms = [seen(f"s{n}", f"s{n}", first, score) for n, (first, score) in enumerate(others)]
    found = rank([*cause, *alarms])
    assert found[0].entity == "cause"
    assert found[0].parts["persistence"] == 1
    assert all(one.parts["persistence"] <= 2 / 61 + 1e-9 for one in found[1:])


def test_a_sustained_shift_is_persistent():
    found = rank([replace(seen("shift", "j1", 0, 80), sustained=True), seen("long", "j2", 0, 80, 60)])
    assert {one.parts["persistence"] for one in found} == {1}


def test_what_calls_it_through_a_service_that_nobody_watches_is_explained_by_it():
    calls = {"front": {"unseen"}, "unseen": {"back"}}
    found = {one.entity: one.parts for one in rank([seen(n, n, 0, 60, 60) for n in ("back", "front")], calls=calls)}
    assert found["back"]["explains"] > 0.3 > found["front"]["explains"]


def test_of_an_only_suspect_it_is_not_said_how_sure_it_is():
    """One hundred per cent of one suspect says nothing."""
    window = Incident(BEGIN, BEGIN + timedelta(hours=2))
    alone = Investigation(window, suspects=rank([seen("db", "j", 0, 90)]))
    two = Investigation(window, suspects=rank([seen("db", "j", 0, 90), seen("web", "k", 30, 40)]))
    assert "db (service) is the most likely cause (the only suspect)" in summary(alone)
    assert "% sure" in summary(two)
    assert "it is the only suspect" in markdown(report(alone))
    assert "100%;" not in markdown(report(alone))
    assert "the runner-up is web" in markdown(report(two))
