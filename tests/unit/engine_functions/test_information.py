"""The information content of texts: what repeats costs little, what looks random costs its length."""

import random
import string

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.features.counterfactuals import information, informations
from laws import law


def test_random_names_hold_more_than_as_many_usual_ones():
    rng = random.Random(1)
    usual = [f"host{k}.example.com" for k in range(30)]
    tunnel = ["".join(rng.choices(string.ascii_lowercase, k=16)) + ".example.com" for _ in range(30)]
    assert information(tunnel) > 3 * information(usual)


@law(examples=50)
@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=5), min_size=2, max_size=5), st.randoms())
def test_without_one_influencer_the_others_texts_remain(texts, rng):
    """In any order, and a text that another one has too stays."""
    shuffled = [rng.sample(own, len(own)) for own in texts]
    rest = [sorted({text for j, own in enumerate(texts) if j != k for text in own}) for k in range(len(texts))]
    assert informations([(own,) for own in shuffled]) == [information(others) for others in rest]
