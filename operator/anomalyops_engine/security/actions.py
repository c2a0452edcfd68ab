"""Which action, in Elasticsearch's names, a request on a path asks for.

A path that is in no row is still guarded: reading it takes `monitor`, anything else `manage`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple


class Action(NamedTuple):
    """An action; `on_path` when the indices that it is about are named in the path."""

    name: str
    on_path: bool


# Method pattern, path pattern (a part in braces is `{}`), action; the first row that fits counts.
_ROWS: Final = tuple(
    (re.compile(method), re.compile(path), action)
    for method, path, action in (
        ("", r"/", "cluster:monitor/main"),
        ("", r"/_xpack/usage", "cluster:monitor/xpack/usage"),
        ("", r"/_xpack", "cluster:monitor/xpack/info"),
        ("", r"/_license", "cluster:monitor/xpack/license/get"),
        ("", r"(/_cluster/health.*|/_cat/health)", "cluster:monitor/health"),
        ("", r"/_health_report.*", "cluster:monitor/health_api"),
        ("", r"/_prometheus/metrics", "cluster:monitor/nodes/stats"),
        ("PUT", r"/_cluster/settings", "cluster:admin/settings/update"),
        ("", r"/_cluster/settings", "cluster:monitor/settings"),
        ("", r"/_nodes(/.*)?/stats.*", "cluster:monitor/nodes/stats"),
        ("", r"/_nodes.*", "cluster:monitor/nodes/info"),
        ("", r"/_tasks.*/_cancel", "cluster:admin/tasks/cancel"),
        ("", r"/(_cat/)?_?tasks", "cluster:monitor/tasks/lists"),
        ("", r"/_tasks/\{\}", "cluster:monitor/task/get"),
        ("", r"/_remote/info", "cluster:monitor/remote/info"),
        ("", r"/_text_structure/find_structure", "cluster:monitor/text_structure/findstructure"),
        # machine learning
        ("", r"/_ml/info", "cluster:monitor/xpack/ml/info/get"),
        ("", r"/_ml/set_upgrade_mode", "cluster:admin/xpack/ml/upgrade_mode"),
        ("GET|POST", r"/_ml/anomaly_detectors/\{\}/results/(?P<kind>\w+).*", "cluster:monitor/xpack/ml/job/results/{kind}/get"),
        ("GET", r"/_ml/anomaly_detectors/\{\}/model_snapshots/\{\}/_upgrade/_stats", "cluster:monitor/xpack/ml/job/model_snapshots/upgrade/stats/get"),
        ("", r"/_ml/anomaly_detectors/\{\}/model_snapshots/\{\}/_(?P<verb>\w+)", "cluster:admin/xpack/ml/job/model_snapshots/{verb}"),
        ("GET|POST", r"/_ml/anomaly_detectors/\{\}/model_snapshots.*", "cluster:monitor/xpack/ml/job/model_snapshots/get"),
        ("DELETE", r"/_ml/anomaly_detectors/\{\}/model_snapshots.*", "cluster:admin/xpack/ml/job/model_snapshots/delete"),
        ("GET", r"/_ml/anomaly_detectors.*/_stats", "cluster:monitor/xpack/ml/job/stats/get"),
        ("GET", r"/_ml/anomaly_detectors.*", "cluster:monitor/xpack/ml/job/get"),
        ("PUT", r"/_ml/anomaly_detectors/\{\}", "cluster:admin/xpack/ml/job/put"),
        ("DELETE", r"/_ml/anomaly_detectors/\{\}", "cluster:admin/xpack/ml/job/delete"),
        ("", r"/_ml/anomaly_detectors.*/_(?P<verb>\w+)(/.*)?", "cluster:admin/xpack/ml/job/{verb}"),
        ("", r"/_ml/datafeeds.*/_preview", "cluster:admin/xpack/ml/datafeeds/preview"),
        ("GET", r"/_ml/datafeeds.*/_stats", "cluster:monitor/xpack/ml/datafeeds/stats/get"),
        ("GET", r"/_ml/datafeeds.*", "cluster:monitor/xpack/ml/datafeeds/get"),
        ("PUT", r"/_ml/datafeeds/\{\}", "cluster:admin/xpack/ml/datafeeds/put"),
        ("DELETE", r"/_ml/datafeeds/\{\}", "cluster:admin/xpack/ml/datafeeds/delete"),
        ("", r"/_ml/datafeeds/\{\}/_(?P<verb>\w+)", "cluster:admin/xpack/ml/datafeed/{verb}"),
        ("GET", r"/_ml/calendars.*/events", "cluster:monitor/xpack/ml/calendars/events/get"),
        ("GET|POST", r"/_ml/calendars(/(\{\})?)?", "cluster:monitor/xpack/ml/calendars/get"),
        ("GET", r"/_ml/filters.*", "cluster:admin/xpack/ml/filters/get"),
        ("GET|HEAD", r"/_ml/(?P<kind>\w+).*", "cluster:monitor/xpack/ml/{kind}/get"),
        ("", r"/_ml/(?P<kind>\w+).*", "cluster:admin/xpack/ml/{kind}/manage"),
        ("", r"/_cat/ml/(?P<kind>\w+).*", "cluster:monitor/xpack/ml/{kind}/stats/get"),
        # security
        ("GET", r"/_security/_authenticate", "cluster:admin/xpack/security/user/authenticate"),
        ("", r"/_security/user.*/_has_privileges", "cluster:admin/xpack/security/user/has_privileges"),
        # Whose keys are asked for decides; the endpoint itself looks.
        ("", r"/_security/api_key(/_bulk_update|/\{\})?", "cluster:admin/xpack/security/user/authenticate"),
        # Everybody may change his own password; the endpoint itself looks.
        ("", r"/_security/user/_password", "cluster:admin/xpack/security/user/authenticate"),
        ("", r"/_security/user/\{\}/_password", "cluster:admin/xpack/security/user/change_password"),
        ("", r"/_security/user/\{\}/_(enable|disable)", "cluster:admin/xpack/security/user/set_enabled"),
        ("GET", r"/_security/(?P<kind>\w+).*", "cluster:admin/xpack/security/{kind}/get"),
        ("DELETE", r"/_security/(?P<kind>\w+).*", "cluster:admin/xpack/security/{kind}/delete"),
        ("", r"/_security/(?P<kind>\w+).*", "cluster:admin/xpack/security/{kind}/put"),
        # templates and pipelines
        ("GET|HEAD", r"/_(?P<kind>index_template|template).*", "indices:admin/{kind}/get"),
        ("DELETE", r"/_(?P<kind>index_template|template).*", "indices:admin/{kind}/delete"),
        ("", r"/_(?P<kind>index_template|template).*", "indices:admin/{kind}/put"),
        ("GET|HEAD", r"/_component_template.*", "cluster:admin/component_template/get"),
        ("DELETE", r"/_component_template.*", "cluster:admin/component_template/delete"),
        ("", r"/_component_template.*", "cluster:admin/component_template/put"),
        # documents
        ("GET|HEAD", r"/\{\}/_(doc|source)/\{\}", "indices:data/read/get"),
        ("PUT|POST", r"/\{\}/_doc(/\{\})?", "indices:data/write/index"),
        ("DELETE", r"/\{\}/_doc/\{\}", "indices:data/write/delete"),
        ("", r"/\{\}/_create/\{\}", "indices:data/write/index:op_type/create"),
        ("", r"/\{\}/_update/\{\}", "indices:data/write/update"),
        ("", r"(/\{\})?/_bulk", "indices:data/write/bulk"),
        ("", r"/\{\}/_delete_by_query.*", "indices:data/write/delete/byquery"),
        ("", r"/\{\}/_update_by_query.*", "indices:data/write/update/byquery"),
        ("", r"/_reindex.*", "indices:data/write/reindex"),
        # searches
        ("", r"(/\{\})?/(_search|_count)|/_cat/count(/\{\})?", "indices:data/read/search"),
        ("DELETE", r"/_search/scroll.*", "indices:data/read/scroll/clear"),
        ("", r"/_search/scroll.*", "indices:data/read/scroll"),
        ("POST", r"/\{\}/_pit", "indices:data/read/open_point_in_time"),
        ("DELETE", r"/_pit", "indices:data/read/close_point_in_time"),
        ("", r"(/\{\})?/_async_search.*", "indices:data/read/async_search/submit"),
        ("", r"/_query.*", "indices:data/read/esql"),
        ("", r"(/\{\})?/_(?P<kind>mget|msearch|field_caps|explain|termvectors|mtermvectors|terms_enum|rank_eval|eql|sql)(/.*)?", "indices:data/read/{kind}"),
        ("", r"(/\{\})?/_validate/query", "indices:admin/validate/query"),
        # indices
        ("GET|HEAD", r"/\{\}", "indices:admin/get"),
        ("PUT", r"/\{\}", "indices:admin/create"),
        ("DELETE", r"/\{\}", "indices:admin/delete"),
        ("GET|HEAD", r"(/\{\})?/_alias(/.*)?|/_cat/aliases.*", "indices:admin/aliases/get"),
        ("", r"(/\{\})?/_alias(es)?(/.*)?", "indices:admin/aliases"),
        ("GET|HEAD", r"(/\{\})?/_mappings?/field/.*", "indices:admin/mappings/fields/get"),
        ("GET|HEAD", r"(/\{\})?/_mappings?(/.*)?", "indices:admin/mappings/get"),
        ("", r"/\{\}/_mappings?(/.*)?", "indices:admin/mapping/put"),
        ("GET|HEAD", r"(/\{\})?/_settings(/.*)?", "indices:monitor/settings/get"),
        ("", r"(/\{\})?/_settings", "indices:admin/settings/update"),
        ("", r"/\{\}/_block/.*", "indices:admin/block/add"),
        ("", r"(/\{\})?/_stats(/.*)?|/_cat/(indices|shards|segments|recovery)(/.*)?", "indices:monitor/stats"),
        ("GET|HEAD", r"/_data_stream.*", "indices:admin/data_stream/get"),
        ("PUT", r"/_data_stream.*", "indices:admin/data_stream/create"),
        ("DELETE", r"/_data_stream.*", "indices:admin/data_stream/delete"),
        ("", r"/_resolve/.*", "indices:admin/resolve/index"),
        ("", r"(/\{\})?/_(?P<kind>refresh|flush|forcemerge|open|close|rollover|cache|analyze)(/.*)?", "indices:admin/{kind}"),
        # whatever else there is
        ("GET|HEAD", r"/\{\}/_(?P<kind>\w+).*", "indices:monitor/{kind}"),
        ("", r"/\{\}/_(?P<kind>\w+).*", "indices:admin/{kind}"),
        ("GET|HEAD", r"/_(?P<kind>\w+).*", "cluster:monitor/{kind}"),
        ("", r"/_(?P<kind>\w+).*", "cluster:admin/{kind}"),
        ("", r"/.*", "cluster:admin/unknown"),
    )
)  # fmt: skip


@cache
def action_of(method: str, template: str) -> Action:
    """Return the action of a method on a path.

    Args:
        method: the HTTP method.
        template: the path as its route has it, with its parameters in braces.
    """
    path = re.sub(r"\{[^}]*\}", "{}", template)
    for methods, paths, action in _ROWS:
        found = paths.fullmatch(path)
        if found is not None and (not methods.pattern or methods.fullmatch(method)):
            return Action(action.format(**found.groupdict()), "{index" in template)
    raise AssertionError(path)  # the last row takes every path
