"""What assistants are offered: small answers unless they ask for more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from anomalyops_insight.query.rows import Rows
from anomalyops_insight.serving.offered import MOST_ROWS, offered

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MADE = Rows(
    tuple(
        {
            "timestamp": NOW,
            "job_id": "j",
            "influencer_field_name": "host",
            "influencer_field_value": f"h{n}",
            "influencer_score": 50.0,
            "is_interim": False,
        }
        for n in range(80)
    )
)


@pytest.mark.parametrize(("values", "count", "complete"), [({}, MOST_ROWS, False), ({"limit": 100}, 80, True)])
def test_answers_are_cut_unless_a_limit_is_given(values, count, complete):
    tool = next(one for one in offered() if one.name == "ad_query_influencers")
    program = tool.program(values, NOW)
    question = next(program)
    assert question.limit == 100
    with pytest.raises(StopIteration) as end:
        program.send(MADE)
    assert (len(end.value.value["rows"]), end.value.value["complete"]) == (count, complete)
