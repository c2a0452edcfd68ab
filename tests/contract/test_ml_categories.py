"""Categories of messages: the analyzer's preview, their results, and jobs that count and find them."""

from __future__ import annotations

import time

import pytest
from elasticsearch import ApiError, BadRequestError, NotFoundError

from waiting import PATIENCE_S

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
        client.indices.analyze(normalizer="lowercase", text="x")
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


# --- jobs ---

HOUR_MS = 3_600_000
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOURS = 24 * 21
BURST = 24 * 20 + 3
STATEMENTS = (
    "User {} logged in from 10.0.0.{}",
    "Connection from 10.1.{1}.7 closed after {1} ms",
    "Flushing table t{1} of shard {1}",
)


def logs(client, index, **fields):
    """Messages of three statements an hour; in one hour a burst of the second, in the next a statement never seen."""
    mappings = {"time": {"type": "date"}, "message": {"type": "text"}, "host": {"type": "keyword"}}
    client.indices.create(index=index, mappings={"properties": mappings})
    operations = []

    def add(hour, number, message):
        time = START_MS + hour * HOUR_MS + number * 60_000
        operations.extend([{"index": {}}, {"time": time, "message": message, "host": f"h{number % 2}", **fields}])

    for hour in range(HOURS):
        for number in range(12):
            statement = STATEMENTS[number % 3]
            add(
                hour, number, statement.format(("ann", "bob", "müller")[(hour + number) % 3], (hour * 7 + number) % 250)
            )
        for number in range(40 if hour == BURST else 0):
            add(hour, number, STATEMENTS[1].format("", number))
    add(BURST + 1, 5, "Out of memory: killed worker 17")
    client.bulk(index=index, operations=operations, refresh=True)


def run(client, job_id, index, **analysis):
    config = {
        "bucket_span": "1h",
        "categorization_field_name": "message",
        "detectors": [{"function": "count", "by_field_name": "mlcategory"}],
        "influencers": ["mlcategory", "host"],
        **analysis,
    }
    client.ml.put_job(job_id=job_id, analysis_config=config, data_description={"time_field": "time"})
    client.ml.put_datafeed(datafeed_id=job_id, job_id=job_id, indices=[index])
    client.ml.open_job(job_id=job_id)
    client.ml.start_datafeed(datafeed_id=job_id, start=START_MS, end=START_MS + HOURS * HOUR_MS)
    deadline = time.monotonic() + PATIENCE_S
    while client.ml.get_job_stats(job_id=job_id)["jobs"][0]["state"] != "closed":
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def analysed(client):
    logs(client, "statements")
    run(client, "categories", "statements")
    return client


def test_each_statement_is_a_category(analysed):
    answer = analysed.ml.get_categories(job_id="categories")
    assert answer["count"] == 4
    first, second, *_ = answer["categories"]
    assert first["terms"] == "User logged in from"
    assert first["regex"] == ".*?User.+?logged.+?in.+?from.*"
    assert first["num_matches"] == 4 * HOURS
    assert second["num_matches"] == 4 * HOURS + 40
    assert len(first["examples"]) == 4
    assert first["mlcategory"] == "1"
    assert first["result_type"] == "category_definition"
    longest = max(len(STATEMENTS[0].format("müller", n)) for n in range(250))
    assert first["max_matching_length"] == longest * 11 // 10


def test_the_burst_of_a_category_is_found(analysed):
    at = START_MS + BURST * HOUR_MS
    (record,) = analysed.ml.get_records(job_id="categories", start=at, end=at + 1)["records"]
    assert record["record_score"] > 75
    assert record["by_field_name"] == "mlcategory"
    assert record["by_field_value"] == "2"
    assert record["mlcategory"] == ["2"]
    assert record["actual"] == [44.0]
    assert {"influencer_field_name": "mlcategory", "influencer_field_values": ["2"]} in record["influencers"]
    values = {
        i["influencer_field_value"] for i in analysed.ml.get_influencers(job_id="categories", start=at)["influencers"]
    }
    assert "2" in values


def test_a_statement_never_seen_is_a_rare_category(analysed):
    (fourth,) = analysed.ml.get_categories(job_id="categories", category_id="4")["categories"]
    assert fourth["examples"] == ["Out of memory: killed worker 17"]
    assert fourth["num_matches"] == 1
    size = analysed.ml.get_job_stats(job_id="categories")["jobs"][0]["model_size_stats"]
    assert size["total_category_count"] == 4
    assert size["rare_category_count"] == 1
    assert size["frequent_category_count"] == 3
    assert size["categorized_doc_count"] == 12 * HOURS + 41
    assert size["categorization_status"] == "ok"


def test_a_statement_never_seen_is_a_rare_value(analysed):
    run(analysed, "rare-categories", "statements", detectors=[{"function": "rare", "by_field_name": "mlcategory"}])
    records = analysed.ml.get_records(job_id="rare-categories", sort="record_score", desc=True)["records"]
    assert records[0]["by_field_value"] == "4"
    assert records[0]["timestamp"] == START_MS + (BURST + 1) * HOUR_MS


@pytest.mark.filterwarnings("ignore::elasticsearch.ElasticsearchWarning")
def test_messages_that_are_posted_are_placed_too(client):
    config = {
        "bucket_span": "1h",
        "categorization_field_name": "message",
        "categorization_filters": [r"\[statement:.*\]"],
        "detectors": [{"function": "count", "by_field_name": "mlcategory"}],
    }
    client.ml.put_job(job_id="posted", analysis_config=config, data_description={"time_field": "time"})
    client.ml.open_job(job_id="posted")
    client = client.options(request_timeout=300)  # the learners may have to be compiled first
    client.ml.post_data(
        job_id="posted",
        data=[
            {"time": START_MS + hour * HOUR_MS, "message": f"Node {hour} started [statement:{'x' * hour} failed]"}
            for hour in range(5)
        ],
    )
    client.ml.close_job(job_id="posted")
    (category,) = client.ml.get_categories(job_id="posted")["categories"]
    assert category["terms"] == "Node started"
    assert category["num_matches"] >= 4


def test_the_job_shows_its_analyzer_with_its_filters(client):
    config = {
        "categorization_field_name": "message",
        "categorization_filters": ["cat1.*", "cat2.*"],
        "detectors": [{"function": "count", "by_field_name": "mlcategory"}],
    }
    shown = client.ml.put_job(job_id="with-filters", analysis_config=config, data_description={})["analysis_config"]
    assert "categorization_filters" not in shown
    analyzer = shown["categorization_analyzer"]
    assert analyzer["tokenizer"] == "ml_standard"
    assert len(analyzer["filter"]) == 1
    assert analyzer["char_filter"][0] == "first_line_with_letters"
    assert [part["pattern"] for part in analyzer["char_filter"][1:]] == ["cat1.*", "cat2.*"]


def test_an_analyzer_that_is_not_supported_is_refused_by_name(client):
    config = {
        "categorization_field_name": "message",
        "categorization_analyzer": {"tokenizer": "icu_tokenizer"},
        "detectors": [{"function": "count", "by_field_name": "mlcategory"}],
    }
    with pytest.raises(ApiError) as refused:
        client.ml.put_job(job_id="foreign", analysis_config=config, data_description={})
    assert refused.value.status_code == 501
    assert "icu_tokenizer" in str(refused.value.body)


def test_each_partition_has_categories_of_its_own(analysed):
    detectors = [{"function": "count", "by_field_name": "mlcategory", "partition_field_name": "host"}]
    partitions = {"enabled": True, "stop_on_warn": True}
    run(analysed, "by-host", "statements", detectors=detectors, per_partition_categorization=partitions)
    found = [
        analysed.ml.get_categories(job_id="by-host", partition_field_value=host)["categories"] for host in ("h0", "h1")
    ]
    assert [len(mine) for mine in found] == [3, 4]
    assert {c["partition_field_name"] for mine in found for c in mine} == {"host"}
    assert sorted(c["category_id"] for mine in found for c in mine) == list(range(1, 8))
    query = {"bool": {"filter": [{"term": {"job_id": "by-host"}}, {"term": {"result_type": "categorizer_stats"}}]}}
    stats = analysed.search(index=INDEX, query=query, size=100)["hits"]["hits"]
    assert {hit["_source"]["partition_field_value"] for hit in stats} == {"h0", "h1"}


def test_a_field_that_says_nothing_is_a_warning(client):
    logs(client, "same", message="always the same words")
    run(client, "same", "same")
    assert client.ml.get_job_stats(job_id="same")["jobs"][0]["model_size_stats"]["categorization_status"] == "warn"
    query = {"bool": {"filter": [{"term": {"job_id": "same"}}, {"term": {"event": "categorization_status_change"}}]}}
    hits = client.search(index=".ml-annotations-read", query=query)["hits"]["hits"]
    assert [hit["_source"]["annotation"] for hit in hits] == ["Categorization status changed to 'warn'"]
