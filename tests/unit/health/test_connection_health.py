"""What an ElasticsearchConnection's status says."""

from __future__ import annotations

import pytest
from kstatus_reading import kstatus
from looks import LATER, NOW, connection, told

from anomalyops.health import Failure, FailureKind, ServerFacts, connection_status

FACTS = ServerFacts(version="8.19.3", cluster_name="es", cluster_uuid="u", licence="trial (active)")


@pytest.mark.parametrize(
    ("checked", "ready", "typed", "reading"),
    [
        (FACTS, ("True", "Connected"), {}, "Current"),
        (
            ServerFacts(version="8.19.3", licence="basic (active)", licence_valid=False),
            ("False", "LicenseInvalid"),
            {"LicenseInvalid": "LicenseInvalid"},
            "Failed",
        ),
        (ServerFacts(version="8.19.3", ml_available=False), ("False", "MlUnavailable"), {}, "Failed"),
        (ServerFacts(version="8.19.3", upgrade_mode=True), ("False", "UpgradeMode"), {}, "InProgress"),
        (
            Failure(kind=FailureKind.CONNECTION, message="refused"),
            ("False", "Unreachable"),
            {"ConnectionUnavailable": "Unreachable"},
            "InProgress",
        ),
        (
            Failure(kind=FailureKind.UNAUTHORIZED, message="401"),
            ("False", "Unauthorized"),
            {"ConnectionUnavailable": "Unauthorized"},
            "Failed",
        ),
        (
            Failure(kind=FailureKind.SECRET_NOT_FOUND, message="no Secret es-key"),
            ("False", "SecretNotFound"),
            {"ConnectionUnavailable": "SecretNotFound"},
            "InProgress",
        ),
        (
            Failure(kind=FailureKind.NOT_SUPPORTED, message="eckRef is not supported yet"),
            ("False", "NotSupported"),
            {"ConnectionUnavailable": "NotSupported"},
            "Failed",
        ),
        (
            Failure(kind=FailureKind.LICENSE, message="non-compliant"),
            ("False", "LicenseInvalid"),
            {"LicenseInvalid": "LicenseInvalid"},
            "Failed",
        ),
    ],
)
def test_each_check(checked, ready, typed, reading):
    status = connection_status(None, connection(), checked, NOW)
    assert told(status) == ready
    for type_ in ("ConnectionUnavailable", "LicenseInvalid"):
        assert told(status, type_) == (("True", typed[type_]) if type_ in typed else None)
    assert kstatus(connection(), status) == reading


def test_facts_are_kept_while_the_server_is_away():
    known = connection_status(None, connection(), FACTS, NOW)
    away = connection_status(known, connection(), Failure(kind=FailureKind.CONNECTION, message="refused"), LATER)
    assert away.version == "8.19.3"
    assert away.reachable is False
    back = connection_status(away, connection(), FACTS, LATER)
    assert back.reachable is True
    assert told(back) == ("True", "Connected")


def test_the_same_answer_changes_nothing():
    known = connection_status(None, connection(), FACTS, NOW)
    assert known.last_check_time == NOW
    assert connection_status(known, connection(), FACTS, LATER) == known
    newer = ServerFacts(version="9.1.0", cluster_name="es", cluster_uuid="u", licence="trial (active)")
    assert connection_status(known, connection(), newer, LATER).last_check_time == LATER
