"""Categories of messages: the analyzer's preview, their results, and jobs that count and find them."""

from __future__ import annotations

import pytest
from elasticsearch import ApiError, BadRequestError, NotFoundError

INDEX = ".ml-anomalies-shared"


@pytest.fixture(scope="module")
def client(shared_engine):
    with shared_engine.client() as client:
        yield client


# --- the analyzer's preview ---


def test_the_preview_shows_tokens_with_their_places(client):
    text = "[a] [2017-12-13T10:46:30,816][INFO ] node-0 created, took [12]ms"
    body = {"tokenizer": "ml_standard", "char_filter": ["first_line_with_letters"], "text": f"\n{text}\nmore"}
    found = client.indices.analyze(**body)["tokens"]
    assert [(t["token"], t["start_offset"] - 1, t["position"]) for t in found] == [
        ("INFO", text.index("INFO"), 5),
        ("node-0", text.index("node-0"), 6),
        ("created", text.index("created"), 7),
        ("took", text.index("took"), 8),
        ("ms", text.index("ms"), 10),
    ]


def test_without_an_analyzer_words_are_in_lower_case(client):
    found = client.indices.analyze(text=["Hello World", "again"])["tokens"]
    assert [(t["token"], t["start_offset"], t["position"]) for t in found] == [
        ("hello", 0, 0),
        ("world", 6, 1),
        ("again", 12, 102),
    ]


def test_a_part_that_is_not_there_is_refused_by_name(client):
    with pytest.raises(BadRequestError, match="icu_tokenizer"):
        client.indices.analyze(tokenizer="icu_tokenizer", text="x")


def test_options_that_are_not_served_say_so(client):
    with pytest.raises(ApiError) as refused:
        client.indices.analyze(tokenizer="ml_standard", text="x", explain=True)
    assert refused.value.status_code == 501


# --- reading categories ---


@pytest.fixture(scope="module")
def written(client):
    client.ml.put_job(
        job_id="read-categories", analysis_config={"detectors": [{"function": "count"}]}, data_description={}
    )
    for number, partition in ((1, "v1"), (2, "v2"), (3, "v1")):
        document = {
            "job_id": "read-categories",
            "category_id": number,
            "partition_field_name": "p",
            "partition_field_value": partition,
        }
        client.index(index=INDEX, id=f"category-{number}", document=document)
    client.index(index=INDEX, id="foreign", document={"job_id": "another", "category_id": 1})
    yield client
    client.delete_by_query(index=INDEX, query={"exists": {"field": "category_id"}})


def shown(answer):
    return answer["count"], [category["category_id"] for category in answer["categories"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (3, [1, 2, 3])),
        ({"size": 1}, (3, [1])),
        ({"from_": 2, "size": 2}, (3, [3])),
        ({"page": {"from": 1, "size": 1}}, (3, [2])),
        ({"category_id": "2"}, (1, [2])),
        ({"partition_field_value": "v1"}, (2, [1, 3])),
        ({"partition_field_value": "v3"}, (0, [])),
    ],
)
def test_categories_come_in_order_of_their_numbers(written, options, expected):
    assert shown(written.ml.get_categories(job_id="read-categories", **options)) == expected


@pytest.mark.parametrize("options", [{"from_": 0}, {"size": 1}, {"page": {"size": 1}}])
def test_a_page_of_one_category_is_refused(written, options):
    with pytest.raises(BadRequestError, match="category_id"):
        written.ml.get_categories(job_id="read-categories", category_id="1", **options)


def test_an_unknown_job_is_missing(client):
    with pytest.raises(NotFoundError):
        client.ml.get_categories(job_id="no-such-job")
