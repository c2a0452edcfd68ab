"""What many series say together counts as far as the job's past vouches for it."""

import math

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.scoring.normaliser import Crowds, Normaliser, absolute_score, bucket_surprise, pooled_surprise

SURPRISES = st.lists(st.floats(2.5, 12), min_size=1, max_size=30)


@given(SURPRISES, st.integers(0, 100_000))
def test_a_clear_anomaly_is_as_clear_in_its_bucket_whatever_the_past(surprises, buckets):
    alone = max(surprises) - 0.5 * math.log10(len(surprises))
    assert bucket_surprise(surprises, len(surprises), Crowds(buckets)) >= alone


@given(SURPRISES, st.integers(0, 100_000))
def test_a_crowd_is_worth_no_more_than_its_independent_members_and_the_past(surprises, buckets):
    found = bucket_surprise(surprises, len(surprises), Crowds(buckets))
    alone = max(surprises) - 0.5 * math.log10(len(surprises))
    assert found <= max(alone, pooled_surprise(surprises, len(surprises)))
    assert found <= max(alone, 1.5 * math.log10(2.0 * (buckets + 1)))


def test_many_mild_records_are_critical_only_where_that_is_rare():
    mild = [2.8] * 8
    assert absolute_score(pooled_surprise(mild, 12)) > 90
    assert absolute_score(bucket_surprise(mild, 12, Crowds(100))) < 25
    assert absolute_score(bucket_surprise(mild, 12, Crowds(10_000))) >= 75
    often = Crowds(10_000)
    for _ in range(20):
        bucket_surprise(mild, 12, often)
    assert absolute_score(bucket_surprise(mild, 12, often)) < 50


def test_what_is_known_of_crowds_is_kept():
    normaliser = Normaliser(0)
    normaliser.crowds.buckets = 5
    normaliser.crowds.worth(7.0)
    assert Normaliser.unpack(0, normaliser.pack()).crowds == normaliser.crowds
