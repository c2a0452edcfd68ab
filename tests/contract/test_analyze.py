"""`_analyze`: by the field of an index, by an index's limit, and each step by itself."""

from __future__ import annotations

import uuid

import pytest
from elasticsearch import BadRequestError


@pytest.fixture
def client(shared_engine):
    with shared_engine.client() as opened:
        yield opened


@pytest.fixture
def index(client):
    name = f"analyze-{uuid.uuid4().hex[:8]}"
    fields = {
        "plain": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "spaced": {"type": "text", "analyzer": "whitespace"},
        "size": {"type": "long"},
    }
    client.indices.create(index=name, mappings={"properties": fields}, settings={"analyze.max_token_count": 3})
    return name


def _terms(answer):
    return [token["token"] for token in answer["tokens"]]


def test_a_field_is_analyzed_as_its_index_does(client, index):
    asked = {
        field: _terms(client.indices.analyze(index=index, field=field, text="Foo-Bar 1.5!"))
        for field in ("plain", "spaced", "plain.raw", "not_mapped")
    }
    assert asked == {
        "plain": ["foo", "bar", "1.5"],
        "spaced": ["Foo-Bar", "1.5!"],
        "plain.raw": ["Foo-Bar 1.5!"],
        "not_mapped": ["foo", "bar", "1.5"],
    }
    with pytest.raises(BadRequestError, match=r"\[size\], Analysis requests are only supported on tokenized fields"):
        client.indices.analyze(index=index, field="size", text="1")
    with pytest.raises(BadRequestError, match="requires an index"):
        client.indices.analyze(field="plain", text="a")


def test_an_index_limits_how_many_tokens_are_made(client, index):
    assert _terms(client.indices.analyze(index=index, text="one two three")) == ["one", "two", "three"]
    for explain in (False, True):
        with pytest.raises(BadRequestError, match=r"exceeded the allowed maximum of \[3\]"):
            client.indices.analyze(index=index, text=["one two", "three four"], explain=explain)
    assert len(client.indices.analyze(text="word " * 200)["tokens"]) == 200


def test_the_steps_of_an_analyzer_are_shown_one_by_one(client):
    detail = client.indices.analyze(
        text="<b>The Größe</b> 12",
        char_filter=[{"type": "pattern_replace", "pattern": "<[^>]*>", "replacement": ""}],
        tokenizer="standard",
        filter=["lowercase", {"type": "stop", "stopwords": ["the"]}],
        explain=True,
    )["detail"]
    assert detail["custom_analyzer"] is True
    assert detail["charfilters"] == [{"name": "__anonymous__pattern_replace", "filtered_text": ["The Größe 12"]}]
    assert [token["token"] for token in detail["tokenizer"]["tokens"]] == ["The", "Größe", "12"]
    assert [token["type"] for token in detail["tokenizer"]["tokens"]] == ["<ALPHANUM>", "<ALPHANUM>", "<NUM>"]
    lower, stopped = detail["tokenfilters"]
    assert (lower["name"], stopped["name"]) == ("lowercase", "__anonymous__stop")
    assert [token["token"] for token in lower["tokens"]] == ["the", "größe", "12"]
    first = stopped["tokens"][0]
    assert (first["token"], first["start_offset"], first["position"]) == ("größe", 7, 1)
    assert first["bytes"] == "[67 72 c3 b6 c3 9f 65]"


def test_an_analyzer_with_a_name_is_one_step_of_which_attributes_are_chosen(client):
    named = client.indices.analyze(analyzer="standard", text="One", explain=True, attributes=["BYTES"])["detail"]
    token = {"token": "one", "start_offset": 0, "end_offset": 3, "type": "<ALPHANUM>", "position": 0}
    assert named == {
        "custom_analyzer": False,
        "analyzer": {"name": "standard", "tokens": [{**token, "bytes": "[6f 6e 65]"}]},
    }
