"""The configuration file of the engine: all that it says is obeyed or refused, with what would be accepted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomalyops.cli import engine as command
from anomalyops.cli.engine_file import _READERS, read_engine_file
from anomalyops.cli.main import invoke
from anomalyops.local.errors import LocalError

_DOCS = Path(__file__).resolve().parents[3] / "docs" / "engine.md"
# A value that each key takes, as it is written, and what is read.
_GOOD = {
    "data": ("d", Path("d")),
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": (9201, 9201),
    "allow_hosts": (["engine.example"], ["engine.example"]),
    "insecure": (True, True),
    "password_file": ("p", Path("p")),
    "tls.certificate": ("c", Path("c")),
    "tls.key": ("k", Path("k")),
    "metrics.port": (9114, 9114),
    "log.format": ("json", "json"),
    "log.level": ("info", "info"),
    "requests.memory": ("512mb", 512 << 20),
    "http.max_content_length": ("512kb", 512 << 10),
    "indices.query.bool.max_clause_count": (1024, 1024),
    "indices.query.bool.max_nested_depth": (20, 20),
    "search.max_buckets": (1000, 1000),
    "search.default_search_timeout": ("30s", 30_000),
    "search.default_allow_partial_results": (False, False),
    "database.memory": ("1.5gb", 1536 << 20),
    "database.threads": (2, 2),
    "ml.memory": ("1gb", 1 << 30),
    "ml.max_model_memory_limit": ("256MB", 256 << 20),
    "ml.threads": (3, 3),
}


def nested(values):
    body = {}
    for name, value in values.items():
        *groups, key = name.split(".")
        place = body
        for group in groups:
            place = place.setdefault(group, {})
        place[key] = value
    return body


def written(folder, body):
    file = folder / "engine.yaml"
    file.write_text(body if isinstance(body, str) else yaml.safe_dump(body))
    return file


def test_every_key_is_tried_here_and_documented():
    assert set(_GOOD) == set(_READERS)
    documented = re.search(r"```yaml\n(data:.*?)```", _DOCS.read_text(), re.DOTALL)
    assert documented is not None

    def names(body, prefix=""):
        for key, value in body.items():
            if isinstance(value, dict):
                yield from names(value, f"{prefix}{key}.")
            else:
                yield prefix + key

    assert set(names(yaml.safe_load(documented[1]))) == set(_READERS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(sorted(_GOOD))))
def test_what_is_written_is_what_is_read(tmp_path, names):
    file = written(tmp_path, nested({name: _GOOD[name][0] for name in names}))
    expected = {name: _GOOD[name][1] for name in names}
    paths = {name: tmp_path / value for name, value in expected.items() if isinstance(value, Path)}
    assert read_engine_file(file) == {**expected, **paths}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 70_000) | st.floats() | st.text(max_size=5) | st.just("1gb"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["port", "x", "tls"]), inner, max_size=2)
    ),
)
_KEYS = st.sampled_from(sorted({*_GOOD, "tls", "x", "tls.x", "database", "port.x"})) | st.text(min_size=1, max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_KEYS, _VALUES)
def test_nothing_is_passed_over(tmp_path, name, value):
    file = written(tmp_path, {name: value} if "." not in name else nested({name: value}))
    found, refusal = outcome(file)
    if refusal is None:
        # What is written is read; a group without keys says nothing.
        assert found or (name in {"tls", "database"} and not value)
        return
    assert refusal.startswith(str(file))
    assert any(words in refusal for words in ("must be", "accepted are [", "keys, which are ["))


def outcome(file):
    """What is read of a file, or why it is refused."""
    try:
        return read_engine_file(file), None
    except LocalError as error:
        return {}, str(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot: 9200", ":1: unknown key [prot]; accepted are [allow_hosts, data, database, host, "),
        ("tls:\n  cert: x", ":2: unknown key [tls.cert]; accepted are [certificate, key]"),
        ("tls: x", ":1: [tls] is a group of keys, which are [certificate, key]"),
        ("port: '9200'", ":1: [port] must be a whole number from 0 to 65535, found [9200]"),
        ("database: {memory: 2}", ":1: [database.memory] must be a size of 1mb and more with its unit"),
        ("log: {level: loud}", ":1: [log.level] must be one of [debug, info, warning, error], found [loud]"),
        ("port: 1\nport: 2", "the key 'port' is written twice"),
        ("- a", "a configuration is a mapping of keys, which are ["),
        ("a: [", "engine.yaml"),
        ("port: 1\n---\nport: 2", "has 2 YAML documents"),
    ],
)
def test_mistakes_name_the_line_and_what_is_accepted(tmp_path, capsys, text, words):
    file = written(tmp_path, text)
    assert invoke(["engine", "--config", str(file)]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert str(file) in error
    assert error.count("\n") == 1


def test_flags_win_over_the_file(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(command, "_serve", told.append)
    monkeypatch.setattr(command, "configure_logging", lambda *_: None)
    file = written(
        tmp_path, {"data": "here", "port": 1, "log": {"format": "json"}, "tls": {"certificate": "c", "key": "k"}}
    )
    assert invoke(["engine", "--config", str(file), "--port", "2", "--tls-key", "other"]) == 0
    (one,) = told
    assert (one["data"], one["port"], one["host"]) == (tmp_path / "here", 2, "127.0.0.1")
    assert (one["tls.certificate"], one["tls.key"]) == (tmp_path / "c", Path("other"))
    assert (one["log.format"], one["log.level"]) == ("json", "warning")


def test_a_folder_is_needed_and_halves_of_tls_are_refused(tmp_path, capsys):
    assert invoke(["engine"]) == 1
    assert "give --data DIR, or --config FILE" in capsys.readouterr().err
    file = written(tmp_path, {"data": "here", "tls": {"certificate": "c"}})
    assert invoke(["engine", "--config", str(file)]) == 1
    assert "[tls.certificate] and [tls.key]" in capsys.readouterr().err
