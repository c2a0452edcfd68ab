"""The console's copy of the catalogue is the catalogue."""

from __future__ import annotations

from pathlib import Path

from anomalyops.catalog.entries import entries
from anomalyops.catalog.offering import field_word, generate_offers

FILE = Path(__file__).parents[3] / "console" / "src" / "shape" / "wizard" / "catalog.json"


def test_the_copy_of_the_page_is_what_generate_writes():
    assert FILE.read_text(encoding="utf-8") == generate_offers(), "run `make generate`"


def test_no_word_for_a_field_is_in_another():
    words = [field_word(place) for place in range(max(len(entry.fields) for entry in entries()) + 10)]
    assert not [(one, other) for one in words for other in words if one != other and one in other]
