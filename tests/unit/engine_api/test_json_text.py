"""What is no JSON is refused as Elasticsearch refuses it, and what is JSON is read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.json_text import MOST_DEPTH, MalformedJsonError, parse_document, parse_json, parse_object


@pytest.mark.parametrize(
    ("text", "type_", "cause"),
    [
        (b'{"a":1', "document_parsing_exception", "x_content_e_o_f_exception"),
        (b'{"a":01}', "document_parsing_exception", "x_content_parse_exception"),
        (b'{"a":NaN}', "document_parsing_exception", "x_content_parse_exception"),
        (b'{"a":1}}', "document_parsing_exception", "x_content_parse_exception"),
        (b'{"a":1,"a":2}', "document_parsing_exception", "x_content_parse_exception"),
        (b'{"a":1}{"b":2}', "illegal_argument_exception", None),
        ('{"a":"\u00e9"} [1]'.encode(), "illegal_argument_exception", None),
        (b"[]", "document_parsing_exception", None),
        (b"5", "document_parsing_exception", None),
        (b"null", "document_parsing_exception", None),
    ],
)
def test_a_text_that_is_no_document_is_refused_as_such(text, type_, cause):
    with pytest.raises(ApiError) as refused:
        parse_document(text)
    assert refused.value.status == 400
    assert refused.value.type == type_
    assert (refused.value.caused_by or {}).get("type") == cause


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        (b'{"query":', "x_content_e_o_f_exception"),
        (b'{"size":01}', "x_content_parse_exception"),
        (b'{"query":{"term":{"a":1,"a":2}}}', "x_content_parse_exception"),
        (b'{"a":[{"b":1 ,\n"b" :2}]}', "x_content_parse_exception"),
        (b"[1]", "parsing_exception"),
    ],
)
def test_a_body_that_is_no_object_is_refused(text, type_):
    with pytest.raises(ApiError) as refused:
        parse_object(text)
    assert (refused.value.status, refused.value.type) == (400, type_)


def test_a_byte_order_mark_is_passed_over():
    assert parse_document(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('aé"{', max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.text("ab", max_size=1), _VALUES, max_size=2), st.data())
def test_a_text_with_one_character_changed_is_read_or_refused(value, data):
    text = json.dumps(value, ensure_ascii=False)
    assert parse_document(text.encode()) == value
    where = data.draw(st.integers(0, len(text)))
    changed = text[:where] + data.draw(st.sampled_from([*'{}[]",:1 x', ""])) + text[where + 1 :]
    try:
        expected = json.loads(changed, object_pairs_hook=once)
    except ValueError:
        with pytest.raises(MalformedJsonError) as refused:
            parse_json(changed.encode())
        assert refused.value.status == 400
    else:
        assert parse_json(changed.encode()) == expected


def once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("twice")
    return dict(pairs)


@pytest.mark.parametrize("deep", ["objects", "arrays", "both"])
@given(beyond=st.integers(-30, 60), brackets=st.text("{[\"'a", max_size=5))
@settings(max_examples=20)
def test_json_is_as_deep_as_it_may_be_and_no_deeper(deep, beyond, brackets):
    # Brackets in texts and side by side add nothing to the depth.
    levels = MOST_DEPTH + beyond
    text = json.dumps([brackets * 300, *([{}] * 1200)])
    for level in range(levels - 2):
        text = f'{{"a":{text}}}' if deep == "objects" or (deep == "both" and level % 2) else f"[{text}]"
    if beyond <= 0:
        parse_json(text.encode())
    else:
        with pytest.raises(MalformedJsonError, match=r"nesting depth \(1001\) exceeds the maximum allowed \(1000"):
            parse_json(text.encode())
