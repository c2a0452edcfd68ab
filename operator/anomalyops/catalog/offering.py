"""The catalogue for a page that knows no Python: bodies of the server's API, with words where a user's names go.

A page puts in the names by replacing words in a text, and comes to what `rendering.render` makes of the same choices.
"""

from __future__ import annotations

import json
from typing import Any, Final

from anomalyops.catalog.entries import Entry, Family, families
from anomalyops.catalog.rendering import Choices, render
from anomalyops.catalog.suitability import accepted_types

INDEX_WORD: Final = "anomalyops-index"


def field_word(place: int) -> str:
    """What stands for a field, by its place among those of the entry; none is the beginning of another."""
    return f"anomalyops.field.{place}.name"


def generate_offers() -> str:
    """The whole catalogue as JSON: types that each kind of field may have, families, and jobs with their bodies."""
    offers = {
        "index_word": INDEX_WORD,
        "accepted": {kind.value: sorted(types) for kind, types in accepted_types().items()},
        "families": [_family(family) for family in families()],
    }
    return json.dumps(offers, indent=1) + "\n"


def _family(family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "title": family.title,
        "about": family.about,
        "jobs": [_job(entry) for entry in family.entries],
    }


def _job(entry: Entry) -> dict[str, Any]:
    words = {one.name: field_word(place) for place, one in enumerate(entry.fields)}
    job, feed = render(entry, Choices(indices=(INDEX_WORD,), fields=words))
    fields = [
        {"name": one.name, "kind": one.kind.value, "about": one.about, "word": words[one.name]} for one in entry.fields
    ]
    bodies = {"job": job.spec.server_body(), "feed": feed.spec.server_body()}
    return {"name": entry.name, "title": entry.title, "finds": entry.finds, "fields": fields, **bodies}
