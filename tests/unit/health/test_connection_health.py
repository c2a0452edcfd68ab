"""What an ElasticsearchConnection's status says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from kstatus_reading import kstatus
from looks import LATER, NOW, connection, told

from anomalyops.health import (
    EngineFacts,
    Failure,
    FailureKind,
    ServerFacts,
    connection_status,
    engine_missing,
    while_starting,
)

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


ENGINE = EngineFacts(name="c-engine", volume_claim="data-c-engine-0", made=True, ready=True, certificate_ends=LATER)
UNREACHABLE = Failure(kind=FailureKind.CONNECTION, message="refused")
FORBIDDEN = Failure(kind=FailureKind.ENGINE_FORBIDDEN, message="allow it with: ...")
STORAGE = Failure(kind=FailureKind.ENGINE_STORAGE_FIXED, message="set it back")


def embedded(**more):
    return connection(url=None, embedded=more)


def test_an_engine_that_answers_is_told_with_its_objects():
    status = connection_status(None, embedded(), FACTS, NOW, engine=ENGINE)
    assert told(status) == ("True", "Connected")
    assert status.embedded.manifest() == {
        "statefulSet": "c-engine",
        "secret": "c-engine",
        "volumeClaim": "data-c-engine-0",
        "volumeDeletion": "Retain: it stays when the connection is deleted",
        "certificateExpiry": LATER.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    going = connection_status(None, embedded(storage={"whenDeleted": "Delete"}), FACTS, NOW, engine=ENGINE)
    assert going.embedded.volume_deletion == "Delete: it is deleted with the connection"


def test_what_is_refused_of_an_engine_that_answers_is_told_though_it_answers():
    status = connection_status(None, embedded(), FACTS, NOW, engine=replace(ENGINE, failure=STORAGE))
    assert told(status) == ("False", "EngineStorageFixed")
    assert status.reachable
    assert kstatus(embedded(), status) == "Failed"


def test_what_the_server_says_comes_before_what_is_refused_of_its_engine():
    facts = ServerFacts(version="8.19.3", upgrade_mode=True)
    status = connection_status(None, embedded(), facts, NOW, engine=replace(ENGINE, failure=STORAGE))
    assert told(status) == ("False", "UpgradeMode")


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("ready", [True, False])
def test_no_answer_means_that_it_starts_where_its_pod_is_not_ready(kind, ready):
    starts = {FailureKind.CONNECTION, FailureKind.TIMEOUT, FailureKind.TLS, FailureKind.UNAUTHORIZED}
    failure = Failure(kind=kind, message="why")
    found = while_starting(failure, replace(ENGINE, ready=ready))
    assert found.kind is (FailureKind.ENGINE_STARTING if kind in starts and not ready else kind)
    assert "why" in found.message
    assert while_starting(failure, None) == failure


def test_an_engine_is_asked_once_it_was_made_and_whatever_becomes_of_the_right_to_change_it():
    made = connection_status(None, embedded(), FACTS, NOW, engine=ENGINE)
    assert engine_missing(None, None).kind is FailureKind.ENGINE_STARTING
    assert engine_missing(replace(ENGINE, made=False, failure=FORBIDDEN), None) == FORBIDDEN
    assert engine_missing(ENGINE, None) is None
    assert engine_missing(None, made) is None
    assert engine_missing(replace(ENGINE, made=False, failure=FORBIDDEN), made) is None
    later = connection_status(made, embedded(), UNREACHABLE, LATER, engine=replace(ENGINE, made=False))
    assert later.embedded == made.embedded  # what was made is still there


def test_what_the_pod_waits_for_is_told_in_place_of_no_answer():
    waiting = replace(ENGINE, ready=False, trouble="ImagePullBackOff: no such image")
    found = while_starting(UNREACHABLE, waiting)
    assert found.message == "pod c-engine-0 of the embedded engine is not ready: ImagePullBackOff: no such image"


@pytest.mark.parametrize(
    ("days", "licence", "said"),
    [
        (None, "basic", False),
        (31, "trial (active)", False),
        (29, "trial (active)", True),
        (1, "platinum (active)", True),
    ],
)
def test_a_licence_that_ends_soon_is_spoken_of(days, licence, said):
    """And by its moment, so that the status is the same at each look."""
    ends = None if days is None else round((NOW + timedelta(days=days)).timestamp() * 1000)
    facts = replace(FACTS, licence=licence, licence_expires_ms=ends)
    first = connection_status(None, connection(), facts, NOW)
    (ready,) = [one for one in first.conditions if one.type == "Ready"]
    assert (f"; its licence {licence} ends at 20" in ready.message) is said
    assert ready.status == "True"
    if said:
        assert connection_status(first, connection(), facts, LATER) == first
