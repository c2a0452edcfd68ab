"""Nobody gets to a console from elsewhere unasked, under any name, or in clear text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.cli.main import invoke
from anomalyops_console.reach import Reach, UnsafeReachError, check_reach

ADDRESSES = {"127.0.0.1": True, "::1": True, "127.8.0.1": True, "0.0.0.0": False, "::": False, "10.1.2.3": False}
SERVER = ["console", "--port", "0", "--url", "http://127.0.0.1:9"]
BEYOND = ["--host", "0.0.0.0"]


@given(
    st.sampled_from(sorted(ADDRESSES)),
    st.booleans(),
    st.sampled_from([frozenset(), frozenset({"console.example"})]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_what_may_listen_where(address, login, names, front, tls, credentials):
    reach = Reach(allowed_hosts=names, login=login, tls_in_front=front)
    sound = not (login and credentials) and not (front and tls)
    safe = login and bool(names) and (tls or front)
    try:
        check_reach(address, reach, tls=tls, credentials=credentials)
    except UnsafeReachError:
        assert not (sound and (safe or ADDRESSES[address]))
    else:
        assert sound
        assert safe or ADDRESSES[address]


@pytest.fixture
def alone(monkeypatch):
    """Without credentials of whoever runs the tests."""
    for name in ("API_KEY", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"ANOMALYOPS_{name}", raising=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (BEYOND, ["0.0.0.0, which other machines reach", "--login", "--allow-host", "--tls-cert", "--tls-in-front"]),
        ([*BEYOND, "--login", "--allow-host", "a"], ["without TLS (give"]),
        ([*BEYOND, "--login", "--tls-in-front"], ["without the names that it is asked under"]),
        ([*BEYOND, "--allow-host", "a", "--tls-in-front"], ["without asking who looks"]),
        (["--tls-cert", "a.pem"], ["--tls-cert and --tls-key belong together"]),
        (["--tls-key", "a.pem"], ["--tls-cert and --tls-key belong together"]),
        (["--tls-cert", __file__, "--tls-key", __file__], ["no certificate and its key without a password"]),
        (["--url", "https://127.0.0.1:9", "--ca", __file__], ["https://127.0.0.1:9: the CA is not a PEM certificate"]),
        (["--tls-cert", "none.pem", "--tls-key", "none.pem"], ["--tls-cert none.pem", "No such file"]),
    ],
)
def test_what_is_not_safe_does_not_start_and_says_why(capsys, alone, arguments, words):
    assert invoke([*SERVER, *arguments]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert all(word in error for word in words), error


def test_credentials_of_its_own_are_not_passed_over_in_silence(capsys, alone, monkeypatch):
    monkeypatch.setenv("ANOMALYOPS_API_KEY", "aWQ6a2V5LXRoYXQtaXMtc2VjcmV0")
    assert invoke([*SERVER, "--login"]) == 1
    error = capsys.readouterr().err
    assert "take these away" in error
    assert "aWQ6" not in error
