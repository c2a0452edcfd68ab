"""A console that has no credentials: the browser is asked for those of who looks."""

from __future__ import annotations

import pytest
from beside import console_beside

from engine_process import EngineProcess

PASSWORD = "correct-horse"


@pytest.fixture
def options(options):
    return {**options, "http_credentials": {"username": "elastic", "password": PASSWORD}}


def test_who_looks_says_who_he_is_to_the_browser(reader, tmp_path):
    guarded = EngineProcess(tmp_path, f"password={PASSWORD!r}")
    guarded.start()
    try:
        with console_beside(guarded.url, "--login") as reader.base:
            page = reader.go("#/jobs")
            page.get_by_text("no anomaly detection jobs yet").wait_for()
            reader.settle()
            page.goto("about:blank")
    finally:
        guarded.kill()
