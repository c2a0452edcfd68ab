"""`geo_centroid`: the mean of points, in searches and in the rows of datafeeds."""

import random
import uuid

import pytest
from elasticsearch import ApiError
from elasticsearch.helpers import bulk

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000


@pytest.fixture
def places(client):
    """An index with documents that have none, one or several points; returns its name and the points by document."""
    name = f"places-{uuid.uuid4().hex[:8]}"
    fields = {"time": {"type": "date"}, "place": {"type": "geo_point"}, "host": {"type": "keyword"}}
    client.indices.create(index=name, mappings={"properties": fields})
    source = random.Random(7)
    points = [
        [(source.uniform(-80, 80), source.uniform(-170, 170)) for _ in range(source.randrange(4))] for _ in range(60)
    ]
    actions = []
    for number, own in enumerate(points):
        shown = [{"lat": lat, "lon": lon} for lat, lon in own]
        place = {} if not shown else {"place": shown[0] if len(shown) == 1 else shown}
        actions.append({"_index": name, "time": START_MS + number * HOUR_MS // 4, "host": f"h{number % 3}", **place})
    bulk(client, actions, refresh=True)
    return name, points


def mean(points):
    flat = [point for own in points for point in own]
    return [sum(part) / len(flat) for part in zip(*flat, strict=True)], len(flat)


def test_a_search_has_the_middle_of_all_points(client, places):
    index, points = places
    aggs = {"middle": {"geo_centroid": {"field": "place"}}}
    hosts = {"hosts": {"terms": {"field": "host"}, "aggs": aggs}}
    answer = client.search(index=index, size=0, aggs={**aggs, **hosts})["aggregations"]
    parts = [(answer["middle"], points)]
    parts += [(bucket["middle"], points[int(bucket["key"][1]) :: 3]) for bucket in answer["hosts"]["buckets"]]
    for found, own in parts:
        (lat, lon), count = mean(own)
        assert found["count"] == count
        assert [found["location"]["lat"], found["location"]["lon"]] == pytest.approx([lat, lon])


def test_without_points_there_is_no_place(client, places):
    aggs = {"middle": {"geo_centroid": {"field": "place"}}}
    answer = client.search(index=places[0], size=0, query={"match_none": {}}, aggs=aggs)
    assert answer["aggregations"]["middle"] == {"count": 0}


def test_only_points_have_a_middle(client, places):
    with pytest.raises(ApiError) as caught:
        client.search(index=places[0], size=0, aggs={"a": {"geo_centroid": {"field": "host"}}})
    assert caught.value.status_code == 400
    assert "Field [host] of type [keyword] is not supported for aggregation [geo_centroid]" in str(caught.value.body)


def test_a_datafeed_gives_it_to_lat_long(client, places):
    index, points = places
    inner = {"time": {"max": {"field": "time"}}, "middle": {"geo_centroid": {"field": "place"}}}
    aggs = {"hours": {"date_histogram": {"field": "time", "fixed_interval": "1h"}, "aggregations": inner}}
    job = {
        "analysis_config": {
            "bucket_span": "1h",
            "summary_count_field_name": "doc_count",
            "detectors": [{"function": "lat_long", "field_name": "middle"}],
        },
        "data_description": {"time_field": "time"},
    }
    rows = client.ml.preview_datafeed(job_config=job, datafeed_config={"indices": index, "aggregations": aggs}).body
    assert len(rows) == 15
    for number, row in enumerate(rows):
        own = points[4 * number : 4 * number + 4]
        if any(own):
            assert [float(part) for part in row["middle"].split(",")] == pytest.approx(mean(own)[0])
        else:
            assert "middle" not in row
