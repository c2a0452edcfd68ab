"""Kinds of faults, by what a detector measures."""

from __future__ import annotations

import pytest

from anomalyops_insight.tools.faults import Fault, fault_of


@pytest.mark.parametrize(
    ("detector", "fault"),
    [
        ({"function": "mean", "field_name": "system.cpu.total.pct"}, Fault.RESOURCE),
        ({"function": "max", "field_name": "jvm.mem.heap_used"}, Fault.RESOURCE),
        ({"function": "high_sum", "field_name": "network.bytes"}, Fault.NETWORK),
        ({"function": "high_mean", "field_name": "tcp_retransmits"}, Fault.NETWORK),
        ({"function": "high_mean", "field_name": "transaction.duration.us"}, Fault.APPLICATION),
        ({"function": "count", "by_field_name": "mlcategory"}, Fault.APPLICATION),
        ({"function": "high_count", "job_id": "error-rate"}, Fault.APPLICATION),
        ({"function": "rare", "by_field_name": "user.name", "job_id": "x"}, Fault.SECURITY),
        ({"function": "high_info_content", "field_name": "dns.question.name"}, Fault.SECURITY),
        ({"function": "high_count", "job_id": "auth_logon_fails"}, Fault.SECURITY),
        ({"function": "low_count", "is_absent": True}, Fault.ABSENCE),
        ({"function": "count", "is_absent": True, "job_id": "cpu-events"}, Fault.ABSENCE),
        ({"function": "mean", "field_name": "temperature", "job_id": "greenhouse"}, Fault.UNKNOWN),
    ],
)
def test_a_detector_points_to_a_kind_of_fault(detector, fault):
    assert fault_of(**{"function": None} | detector) is fault
