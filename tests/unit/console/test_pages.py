"""The built page is that of its source, small, whole, and asks nobody else."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from starlette.requests import Request

from anomalyops_console.pages import STATIC, Pages

SOURCE = Path(__file__).parents[3] / "console"
FILES = ["index.html", "console.js", "console.css", "icon.svg", "LICENCES.txt"]


def ask(path, method="GET", *, writes=False):
    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}
    return Pages(writes=writes).answer(Request(scope | {"server": ("localhost", 80), "scheme": "http"}))


def test_the_page_was_built_from_this_source():
    files = sorted(str(path) for path in (SOURCE / "src").rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in [*sorted_like_the_build(files), str(SOURCE / "build.mjs"), str(SOURCE / "package-lock.json")]:
        digest.update(f"{Path(path).relative_to(SOURCE)}\0".encode() + Path(path).read_bytes() + b"\0")
    assert (STATIC / "SOURCE.sha256").read_text().strip() == digest.hexdigest(), "run `make generate`"


def sorted_like_the_build(files):
    """Folder by folder, as `build.mjs` reads them."""

    def inside(folder):
        entries = sorted(
            {Path(name).relative_to(folder).parts[0] for name in files if Path(name).is_relative_to(folder)}
        )
        found = []
        for entry in entries:
            path = folder / entry
            found += inside(path) if path.is_dir() else [str(path)]
        return sorted(found)

    return inside(SOURCE / "src")


def test_the_page_is_small():
    script = gzip.compress((STATIC / "console.js").read_bytes(), 9)
    assert len(script) < 300_000


def test_the_page_asks_nobody_else():
    for name in FILES[:3]:
        text = (STATIC / name).read_text()
        found = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'`)]*", text))
        # Names of XML's namespaces are no addresses.
        assert all("www.w3.org/" in address for address in found), found
    html = (STATIC / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon[a-z]+=|\bstyle=", html)


def test_the_licences_of_all_that_is_built_in_are_told():
    told = (STATIC / "LICENCES.txt").read_text()
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    for name, version in json.loads((SOURCE / "package.json").read_text())["dependencies"].items():
        assert f"{name} {version}\n" in told
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
        assert lock["packages"][f"node_modules/{name}"]["integrity"]


@pytest.mark.parametrize("name", ["", *FILES])
def test_every_answer_keeps_the_page_to_itself(name):
    answer = ask(f"/_console/{name}")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["../pages.py", "/pages.py", "SOURCE.sha256", "nothing", "static/console.js"])
def test_no_other_file_is_served(name):
    assert ask(f"/_console/{name}").status_code == 404


def test_the_address_without_its_slash_leads_there():
    answer = ask("/_console")
    assert (answer.status_code, answer.headers["location"]) == (308, "_console/")
    assert ask("/_console/", "POST").status_code == 405


@pytest.mark.parametrize(("writes", "told"), [(False, b'"no"'), (True, b'"yes"')])
def test_the_page_is_told_whether_it_may_change_anything(writes, told):
    assert b'<meta name="anomalyops-writes" content=' + told in ask("/_console/", writes=writes).body
