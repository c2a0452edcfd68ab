"""Remote clusters of datafeeds, over planted answers of a server."""

from __future__ import annotations

import pytest

from anomalyops_insight.programs import Call
from anomalyops_insight.query.rows import Rows
from anomalyops_insight.tools import find

FEED = {"datafeed_id": "f", "job_id": "j", "indices": ["eu:logs-*", "us:logs-*", "local", "eu:more"]}
JOB = {"job_id": "j", "analysis_config": {"bucket_span": "5m", "detectors": []}}
INFO = {"eu": {"connected": True, "num_nodes_connected": 3, "skip_unavailable": False}}


def test_each_cluster_is_told_with_whether_it_is_connected():
    program = find("ad_ts_ccs_diagnostics").run({"job_id_pattern": "j"})
    next(program)
    asked = program.send(Rows(({"document": JOB}, {"document": FEED})))
    assert asked == Call("GET", "/_remote/info")
    with pytest.raises(StopIteration) as end:
        program.send(INFO)
    rows = end.value.value.rows
    assert [(row.cluster, row.connected, row.nodes_connected, row.indices) for row in rows] == [
        ("eu", True, 3, ("eu:logs-*", "eu:more")),
        ("us", False, None, ("us:logs-*",)),
    ]
    assert rows[1].error == "no remote cluster has that name"
