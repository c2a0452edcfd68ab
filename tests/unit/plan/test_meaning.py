"""Texts that mean the same are equal; texts that do not are not."""

from __future__ import annotations

import pytest

from anomalyops.plan import compare_datafeed, compare_job
from anomalyops.plan.core import meaning

SAME = [
    (meaning.memory, "1gb", "1024mb"),
    (meaning.memory, 1024, "1gb"),
    (meaning.memory, "1536kb", "1mb"),
    (meaning.duration, "60m", "1h"),
    (meaning.duration, "3600s", "1h"),
    (meaning.duration, "0s", None),
    (meaning.function_name, "avg", "mean"),
    (meaning.function_name, "high_nzc", "high_non_zero_count"),
    (meaning.function_name, "DC", "distinct_count"),
    (meaning.exclude_frequent, "NONE", None),
    (meaning.exclude_frequent, "All", "all"),
    (meaning.unordered, "logs", ["logs"]),
    (meaning.unordered, ["b", "a"], ["a", "b"]),
    (meaning.unordered, [], None),
    (meaning.results_index, "web", "custom-web"),
    (meaning.results_index, None, "shared"),
    (meaning.expand_wildcards, "all", ["open", "closed", "hidden"]),
    (meaning.expand_wildcards, ["closed", "open"], ["open", "closed"]),
    (meaning.expand_wildcards, "open,closed", ["closed", "open"]),
    (meaning.expand_wildcards, ["none"], []),
    (meaning.empty_searches, -1, None),
    (meaning.query, {"match_all": {}}, {"match_all": {"boost": 1.0}}),
    (meaning.query, None, {"match_all": {"boost": 1}}),
    (meaning.aggregations, {"b": {"aggs": {"m": {"max": {}}}}}, {"b": {"aggregations": {"m": {"max": {}}}}}),
    (
        meaning.script_fields,
        {"a": {"script": "1"}},
        {"a": {"script": {"source": "1", "lang": "painless"}, "ignore_failure": False}},
    ),
    (meaning.moment, "1420070400", "2015-01-01T00:00:00Z"),
    (meaning.moment, "1420070400000", 1420070400),
    (
        meaning.rules,
        [{"scope": {"host": {"filter_id": "safe"}}}],
        [{"actions": ["skip_result"], "scope": {"host": {"filter_id": "safe", "filter_type": "include"}}}],
    ),
    (meaning.flag, False, None),
    (meaning.flag_on, True, None),
    (meaning.as_given, {}, None),
]
DIFFERENT = [
    (meaning.memory, "1gb", "1023mb"),
    (meaning.duration, "1h", "61m"),
    (meaning.function_name, "high_mean", "mean"),
    (meaning.query, {"term": {"a": 1}}, {"term": {"a": 2}}),
    (meaning.query, {"match_all": {"boost": 2}}, {"match_all": {}}),
    (meaning.moment, "1420070400", "14200704000"),
    (meaning.aggregations, {"aggs": {"max": {"field": "a"}}}, {"aggregations": {"max": {"field": "a"}}}),
    (meaning.duration, "soon", "later"),
    (meaning.memory, "much", "1gb"),
    (meaning.flag_on, False, None),
]


@pytest.mark.parametrize(("of", "one", "other"), SAME)
def test_same(of, one, other):
    assert of(one) == of(other)


@pytest.mark.parametrize(("of", "one", "other"), DIFFERENT)
def test_different(of, one, other):
    assert of(one) != of(other)


def test_an_alias_at_the_top_is_the_same_key():
    assert compare_datafeed({"indexes": "a", "aggs": {"x": {}}}, {"indices": ["a"], "aggregations": {"x": {}}}) == ()


def test_categorization_filters_are_found_in_the_analyzer_that_the_server_made_of_them():
    analyzer = {"char_filter": ["first_line_with_letters", {"type": "pattern_replace", "pattern": "a.*"}]}
    server = {"analysis_config": {"detectors": [], "categorization_analyzer": analyzer}}
    assert compare_job({"analysis_config": {"categorization_filters": ["a.*"]}}, server) == ()
    (difference,) = compare_job({"analysis_config": {"categorization_filters": ["b.*"]}}, server)
    assert difference.field_class == "immutable"


def test_a_detector_is_compared_whole():
    """A by field that only the server has makes it another detector; a description does not."""
    server = {
        "analysis_config": {
            "detectors": [{"function": "count", "by_field_name": "host", "detector_description": "generated"}]
        }
    }
    (difference,) = compare_job({"analysis_config": {"detectors": [{"function": "count"}]}}, server)
    assert str(difference) == "analysisConfig.detectors[0].byFieldName host -> (not set)"


def test_long_values_are_cut_in_words():
    (difference,) = compare_datafeed({"query": {"terms": {"a": list(range(500))}}}, {"query": {"match_all": {}}})
    assert len(str(difference)) < 250


def test_the_users_own_settings_keep_their_names():
    (difference,) = compare_job({"custom_settings": {"my_team": "a"}}, {})
    assert str(difference) == "customSettings.my_team (not set) -> a"
