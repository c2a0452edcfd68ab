"""The generated sample logs have the shape and the incidents that the sample jobs are meant for."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from anomalyops.demo import weblogs

END = date(2026, 11, 22)


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(weblogs.generate(seed=7, end=END))


def when(document: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(document[weblogs.TIME_FIELD])


def hours(documents: list[dict[str, Any]]) -> Counter[datetime]:
    return Counter(when(document).replace(minute=0, second=0, microsecond=0) for document in documents)


def test_same_seed_gives_the_same_documents_and_another_seed_others(documents: list[dict[str, Any]]) -> None:
    assert list(weblogs.generate(seed=7, end=END)) == documents
    assert list(weblogs.generate(seed=8, end=END)) != documents


@pytest.mark.parametrize("day", [date(2026, 11, 22) + timedelta(days=offset) for offset in range(8)])
def test_all_documents_lie_before_the_end_and_the_marker_is_a_wednesday(day: date) -> None:
    marker = weblogs.marker_before(day)
    assert marker.strftime("%A") == "Wednesday"
    over = marker + timedelta(days=weblogs.LAST_DAY + 1)
    assert timedelta(0) <= day - over < timedelta(days=7)


def test_documents_come_in_order_of_time_and_end_before_the_end(documents: list[dict[str, Any]]) -> None:
    moments = [when(document) for document in documents]
    assert moments == sorted(moments)
    assert moments[-1] < datetime(END.year, END.month, END.day, tzinfo=UTC)
    assert 13_900 <= len(documents) <= 14_300


def test_days_are_alike_and_nights_are_quiet(documents: list[dict[str, Any]]) -> None:
    days = Counter(when(document).date() for document in documents)
    marker = weblogs.marker_before(END)
    special = {marker + timedelta(days=offset) for offset in (-10, -7, 20, 31, 50)}
    assert all(229 <= count <= 231 for day, count in days.items() if day not in special)
    by_hour = Counter(when(document).hour for document in documents)
    assert by_hour[12] > 20 * by_hour[2]


def test_nothing_is_logged_during_the_outage(documents: list[dict[str, Any]]) -> None:
    outage = next(incident for incident in weblogs.planted(end=END) if incident.name == "outage")
    assert not [document for document in documents if outage.start <= when(document) < outage.end]
    counts = hours(documents)
    noon = outage.start.replace(hour=12, minute=0, second=0)
    assert counts[noon] == 0
    assert counts[noon - timedelta(hours=1)] <= 1  # the seconds before 11:00 belong to the hour before
    assert counts[noon - timedelta(days=1)] > 10


def test_the_scan_comes_from_one_client_and_asks_for_88_urls(documents: list[dict[str, Any]]) -> None:
    scan = next(incident for incident in weblogs.planted(end=END) if incident.name == "scan")
    seen = [document for document in documents if document["ip"] != document["clientip"]]
    assert len(seen) == 100
    assert {document["clientip"] for document in seen} == {weblogs.SCANNER}
    assert {document["response"] for document in seen} == {404}
    assert len({document["url"] for document in seen}) == 88
    assert all(scan.start <= when(document) < scan.end for document in seen)


def test_failed_responses_carry_no_bytes_and_messages_agree_with_fields(
    documents: list[dict[str, Any]],
) -> None:
    assert {document["bytes"] for document in documents if document["response"] == 503} == {0}
    for document in documents:
        assert f'HTTP/1.1" {document["response"]} {document["bytes"]} ' in document["message"]


def test_response_codes_have_the_usual_shares(documents: list[dict[str, Any]]) -> None:
    share = Counter(document["response"] for document in documents)
    assert share[200] / len(documents) == pytest.approx(0.912, abs=0.01)
    assert share[503] / len(documents) == pytest.approx(0.031, abs=0.006)


def test_every_field_is_in_the_mapping(documents: list[dict[str, Any]]) -> None:
    fields = {field for document in documents for field in document}
    assert fields <= set(weblogs.MAPPING["properties"])
