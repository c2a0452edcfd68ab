"""Index settings: each is honoured, has nothing to act on, or is refused by its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.store import IllegalSettingError, IndexBlockedError, StoreError, UnsupportedSettingError
from anomalyops_engine.store.settings import changed_settings, nested, read_settings, replicas

_NAMES = st.sampled_from(
    [
        "hidden",
        "blocks.write",
        "max_result_window",
        "number_of_replicas",
        "refresh_interval",
        "codec",
        "mapping.coerce",
        "sort.field",
        "lifecycle.name",
        "nonsense",
        "blocks.nonsense",
        "index.hidden",
        "mapping.total_fields.limit",
    ]
)
_TEXTS = st.sampled_from([True, False, 0, 1, 500, -1, "true", "5s", "abc", "best_compression", None, [], ["a"], {}])


@given(st.dictionaries(_NAMES, _TEXTS, max_size=4))
def test_settings_are_shown_as_given_or_refused_by_name(given_settings):
    names = "|".join(name.removeprefix("index.") for name in given_settings)
    try:
        read = read_settings(given_settings)
    except StoreError:
        with pytest.raises(StoreError, match=f"{names}|only \\[true\\] or \\[false\\]"):
            read_settings(given_settings)
        return
    assert all(isinstance(text, str) for text in read.values())
    assert read_settings({"index": nested(read)}) == read
    assert read_settings({f"index.{name}": text for name, text in read.items()}) == read


@pytest.mark.parametrize(
    ("given_settings", "error", "said"),
    [
        ({"foo": 1, "bar": 2}, IllegalSettingError, r"unknown setting \[index.bar\]"),
        ({"number_of_replicas": -1}, IllegalSettingError, r"\[index.number_of_replicas\] must be >= 0"),
        ({"codec": "nope"}, IllegalSettingError, r"\[index.codec\] must be one of \[default, best_compression"),
        ({"max_result_window": "abc"}, IllegalSettingError, r"Failed to parse value \[abc\] for setting"),
        ({"sort.field": "a"}, UnsupportedSettingError, r"\[index.sort.field\]"),
        ({"mode": "time_series"}, UnsupportedSettingError, r"\[index.mode\] of \[time_series\]"),
        ({"analysis": {"analyzer": {"a": {"type": "custom"}}}}, UnsupportedSettingError, "analysis"),
    ],
)
def test_what_is_not_honoured_is_named(given_settings, error, said):
    with pytest.raises(error, match=said):
        read_settings(given_settings)


def test_an_update_sets_back_with_null_and_names_what_cannot_change():
    assert changed_settings("i", "u", {"hidden": "true", "codec": "default"}, {"index": {"hidden": None}}) == {
        "codec": "default"
    }
    with pytest.raises(IllegalSettingError, match=r"Can't update non dynamic settings \[\[index.number_of_shards\]\]"):
        changed_settings("i", "u", {}, {"number_of_shards": 2})


@pytest.mark.parametrize(
    ("block", "closed"),
    [
        ("write", {"write"}),
        ("read_only", {"write", "mapping", "alias", "settings", "delete"}),
        ("metadata", {"mapping", "alias", "settings", "delete"}),
        ("read_only_allow_delete", {"write"}),
        ("read", set()),
    ],
)
def test_a_block_closes_what_it_is_for_and_can_be_taken_away(store, block, closed):
    with store.write() as writer:
        writer.append("i", [{"a": 1}])
        writer.put_settings("i", {"blocks": {block: True}})
    actions = {
        "write": lambda writer: writer.append("i", [{"a": 2}]),
        "mapping": lambda writer: writer.put_mapping("i", {"properties": {"b": {"type": "long"}}}),
        "alias": lambda writer: writer.put_alias("other", "i"),
        "settings": lambda writer: writer.put_settings("i", {"refresh_interval": "5s"}),
        "delete": lambda writer: writer.delete_index("i"),
    }
    for name, action in actions.items():
        if name in closed:
            with pytest.raises(IndexBlockedError, match=r"index \[i\] blocked by: \["), store.write() as writer:
                action(writer)
    with store.write() as writer:
        writer.put_settings("i", {"blocks": {block: None}})
        for action in actions.values():
            action(writer)


def test_limits_of_the_settings_hold_for_mappings_and_documents(store):
    fields = {"properties": {"a": {"type": "long"}, "b": {"type": "long"}}}
    with store.write() as writer:
        writer.create_index("i", settings={"mapping.total_fields.limit": 2}, mappings=fields)
        with pytest.raises(StoreError, match=r"Limit of total fields \[2\] has been exceeded"):
            writer.put_mapping("i", {"properties": {"c": {"type": "long"}}})
        with pytest.raises(StoreError, match=r"Limit of total fields \[2\] has been exceeded"):
            writer.append("i", [{"c": 1}])
        writer.put_settings("i", {"mapping.total_fields.limit": 3})
        writer.append("i", [{"c": 1}])


def test_settings_that_are_there_can_be_preserved():
    kept = changed_settings(
        "i", "u", {"max_result_window": "5"}, {"max_result_window": 9, "hidden": True}, preserve=True
    )
    assert kept == {"max_result_window": "5", "hidden": "true"}


@pytest.mark.parametrize(
    ("settings", "shown"),
    [({}, "1"), ({"number_of_replicas": "2"}, "2"), ({"auto_expand_replicas": "0-all"}, "0")],
)
def test_an_index_wants_a_replica_unless_it_says_otherwise(settings, shown):
    assert replicas(read_settings(settings)) == shown
    with pytest.raises(IllegalSettingError, match="auto_expand_replicas"):
        read_settings({**settings, "auto_expand_replicas": "many"})
