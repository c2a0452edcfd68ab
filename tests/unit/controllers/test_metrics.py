"""The text that Prometheus reads."""

from __future__ import annotations

from anomalyops.controllers.metrics import Gauge, exposition


def test_gauges_are_written_as_prometheus_reads_them():
    labelled = Gauge(
        name="b", help="Things.", values=[({"kind": 'a "q" \\ b', "namespace": ""}, 0.0), ({"kind": "x"}, 2.5)]
    )
    assert exposition([Gauge(name="a_seconds", help="Time.", values=[({}, 1.0)]), labelled]).splitlines() == [
        "# HELP anomalyops_a_seconds Time.",
        "# TYPE anomalyops_a_seconds gauge",
        "anomalyops_a_seconds 1",
        "# HELP anomalyops_b Things.",
        "# TYPE anomalyops_b gauge",
        'anomalyops_b{kind="a \\"q\\" \\\\ b",namespace=""} 0',
        'anomalyops_b{kind="x"} 2.5',
    ]
