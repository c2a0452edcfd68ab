"""Keys of embedded engines: they fit each other, last, are made anew in time, and say nothing of themselves."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops.controllers.embedded.keys import (
    AUTHORITY_LIFE,
    AUTHORITY_MARGIN,
    CERTIFICATE_LIFE,
    CERTIFICATE_MARGIN,
    Keys,
    keys,
)

NOW = datetime.now(UTC).replace(microsecond=0)
NAMES = ("default-engine.team.svc", "default-engine")


def again(had: Keys, now: datetime = NOW, names: tuple[str, ...] = NAMES) -> Keys:
    return keys(had.authority, had.engine, names, now)


@pytest.fixture(scope="module")
def fresh() -> Keys:
    return keys(None, None, NAMES, NOW)


def test_all_of_it_is_made_once(fresh: Keys) -> None:
    assert fresh.made == ("the authority", "the certificate", "the password")
    same = again(fresh)
    assert same.made == ()
    assert (same.authority, same.engine, same.mark) == (fresh.authority, fresh.engine, fresh.mark)
    assert same.due == fresh.ends - CERTIFICATE_MARGIN


def answers(server: Keys, trusted: bytes, folder: Path, name: str = NAMES[0]) -> bool:
    """Whether a client that trusts these authorities believes the engine."""
    pem = folder / "server.pem"
    pem.write_bytes(server.engine["tls.key"] + server.engine["tls.crt"])
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    asking = ssl.create_default_context(cadata=trusted.decode())
    asking.verify_flags |= ssl.VERIFY_X509_STRICT  # which newer Pythons ask for by themselves
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            serving.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        asking.wrap_socket(ours, server_hostname=name).close()
    except ssl.SSLCertVerificationError:
        return False
    finally:
        ours.close()
        thread.join()
    return True


def test_clients_believe_it_and_nobody_elses(fresh: Keys, tmp_path: Path) -> None:
    other = keys(None, None, NAMES, NOW)
    assert answers(fresh, fresh.engine["ca.crt"], tmp_path)
    assert answers(fresh, fresh.engine["ca.crt"], tmp_path, "localhost")
    assert not answers(fresh, fresh.engine["ca.crt"], tmp_path, "elsewhere")
    assert not answers(other, fresh.engine["ca.crt"], tmp_path)


def test_a_certificate_is_renewed_before_it_ends_and_is_believed_by_who_trusted_the_one_before(
    fresh: Keys, tmp_path: Path
) -> None:
    due = NOW + CERTIFICATE_LIFE - CERTIFICATE_MARGIN
    assert again(fresh, due - timedelta(seconds=2)).made == ()
    renewed = again(fresh, due)
    assert renewed.made == ("the certificate",)
    assert renewed.mark != fresh.mark
    assert renewed.engine["password"] == fresh.engine["password"]
    assert renewed.engine["ca.crt"] == fresh.engine["ca.crt"]
    early = again(fresh, NOW, names=(*NAMES, "another"))  # valid now
    assert answers(early, fresh.engine["ca.crt"], tmp_path)


def test_an_authority_is_renewed_long_before_it_ends_and_the_one_before_stays_trusted(
    fresh: Keys, tmp_path: Path
) -> None:
    late = NOW + AUTHORITY_LIFE - AUTHORITY_MARGIN
    renewed = again(fresh, late)
    assert renewed.made == ("the authority", "the certificate")
    assert renewed.engine["ca.crt"].endswith(fresh.engine["ca.crt"])
    assert renewed.engine["ca.crt"].count(b"BEGIN CERTIFICATE") == 2
    assert answers(fresh, renewed.engine["ca.crt"], tmp_path)  # until it has restarted
    much_later = again(renewed, NOW + AUTHORITY_LIFE + timedelta(days=1))
    assert much_later.engine["ca.crt"].count(b"BEGIN CERTIFICATE") == 1


@settings(max_examples=25)
@given(
    of_authority=st.booleans(),
    key=st.sampled_from(["tls.crt", "tls.key", "password"]),
    value=st.one_of(st.none(), st.binary(max_size=5), st.just(b"\xff\xfe\xff\xfe\xff\xfe"), st.just(b"with\nlines\n")),
)
def test_whatever_is_broken_is_made_anew_and_then_lasts(
    fresh: Keys, of_authority: bool, key: str, value: bytes | None
) -> None:
    parts = {"authority": dict(fresh.authority), "engine": dict(fresh.engine)}
    broken = parts["authority" if of_authority and key != "password" else "engine"]
    if value is None:
        del broken[key]
    else:
        broken[key] = value
    healed = keys(parts["authority"], parts["engine"], NAMES, NOW)
    assert healed.made
    assert healed.mark != fresh.mark
    assert again(healed).made == ()


def test_a_certificate_of_another_authority_or_key_is_not_taken(fresh: Keys) -> None:
    other = keys(None, None, NAMES, NOW)
    assert keys(fresh.authority, {**fresh.engine, "tls.key": other.engine["tls.key"]}, NAMES, NOW).made
    assert keys(other.authority, fresh.engine, NAMES, NOW).made == ("the certificate",)
    assert again(fresh, names=("renamed",)).made == ("the certificate",)


def test_a_password_of_a_person_is_kept_and_restarts_the_engine(fresh: Keys) -> None:
    rotated = keys(fresh.authority, {**fresh.engine, "password": b"correct horse"}, NAMES, NOW)
    assert rotated.made == ()
    assert rotated.engine["password"] == b"correct horse"
    assert rotated.mark != fresh.mark


def test_nothing_of_it_is_said(fresh: Keys) -> None:
    said = f"{fresh!r} {fresh} {fresh.made} {fresh.mark}"
    for secret in (fresh.engine["password"], fresh.engine["tls.key"], fresh.authority["tls.key"]):
        assert secret.decode()[:20] not in said
