"""A browser over a console over an engine with the demo's data; skipped where there is no Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from engine_process import EngineProcess
from waiting import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))  # tests have no packages; what they share lies beside them

from shop import crowd, learn, load

_OPERATOR = Path(__file__).resolve().parents[2] / "operator"
PICTURE = {"width": 960, "height": 720}
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable() -> str | None:
    """Return the browser of this machine; the one that CHROMIUM names before others."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for path in map(shutil.which, NAMES) if path), None)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine that holds what `anomalyops demo` leaves: three jobs over sixty days of web logs."""
    if executable() is None:
        pytest.skip(
            "no Chromium on this machine: install it (Debian: apt-get install chromium), or name it in CHROMIUM"
        )
    folder = tmp_path_factory.mktemp("demo") / "kept"
    command = [sys.executable, "-m", "anomalyops.cli.main", "demo", "--keep", str(folder), "--output", "json"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(_OPERATOR)}, check=True, capture_output=True)
    process = EngineProcess(folder / "data")
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="session")
def shop(engine: EngineProcess) -> None:
    """The shop's requests and jobs, beside the demo's."""
    with engine.client() as client:
        load(client)


@pytest.fixture(scope="session")
def crowded(engine: EngineProcess) -> list[str]:
    """Seven hosts, each with one loud hour, which the job `shop_crowd` has found; their names in order."""
    with engine.client() as client:
        names = crowd(client)
        learn(client, "shop_crowd", [{"function": "count", "partition_field_name": "host"}], index="crowd")
    return names


@pytest.fixture(scope="session")
def browser(engine: EngineProcess) -> Iterator[Any]:
    """A Chromium without a window."""
    with sync_playwright() as started:
        # In a container there is no namespace left for Chromium's own sandbox.
        launched = started.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        yield launched
        launched.close()


_QUIET = """() => new Promise((done) => {
    let timer;
    const again = () => { clearTimeout(timer); timer = setTimeout(done, 500); };
    new MutationObserver(again).observe(document.body, { subtree: true, childList: true, attributes: true });
    again();
})"""


class Reader:
    """Somebody who looks at a page, and whatever went wrong meanwhile."""

    def __init__(self, page: Any, base: str) -> None:
        self.page = page
        self.problems: list[str] = []
        self.base = base
        self._asking: list[Any] = []
        self._asked_or_answered = 0
        page.on("console", lambda told: self.problems.append(told.text) if told.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("requestfailed", self._failed)
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)

    def go(self, fragment: str) -> Any:
        """Open a view and return the page once it shows it."""
        self.page.goto(f"{self.base}/_console/{fragment}")
        self.page.locator("main").wait_for()
        return self.page

    def settle(self) -> None:
        """Wait until the page asks for nothing any more, and nothing of it changes."""
        before = -1
        while self._asking or self._asked_or_answered != before:
            before = self._asked_or_answered
            self.page.evaluate(_QUIET)

    def box(self, found: Any) -> dict[str, float]:
        """Where something stands, once nothing moves it: charts and lanes are made anew when answers arrive."""
        while True:
            found.wait_for()
            self.settle()
            box = found.bounding_box()
            if box is not None:
                return box

    def drag(
        self, found: Any, first: tuple[float, float], last: tuple[float, float], steps: int = 4
    ) -> dict[str, float]:
        """Drag over something, from one place in it to another: shares of its width, and pixels below its top.

        Returns: where it stood.
        """
        box = self.box(found)
        (x, y), (to_x, to_y) = ((box["x"] + box["width"] * share, box["y"] + below) for share, below in (first, last))
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(to_x, to_y, steps=steps)
        self.page.mouse.up()
        return box

    def keep(self, name: str, at: Any = None) -> None:
        """Keep a picture of what is shown, in the folder that SCREENSHOTS names; smaller than what tests look at.

        Args: name: of the file; at: what is to be in the middle of it.
        """
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            before = self.page.viewport_size
            self.page.set_viewport_size(PICTURE)
            self.settle()
            if at is not None:
                at.evaluate("one => one.scrollIntoView({ block: 'center' })")
            self.page.screenshot(path=Path(folder) / f"{name}.png")
            self.page.set_viewport_size(before)

    def _failed(self, request: Any) -> None:
        self._answered(request)
        if request.failure != "net::ERR_ABORTED":  # what nobody waits for any more is given up
            self.problems.append(f"{request.url}: {request.failure}")

    def _asked(self, request: Any) -> None:
        self._asking.append(request)
        self._asked_or_answered += 1
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.problems.append(f"asked elsewhere: {request.url}")

    def _answered(self, request: Any) -> None:
        self._asked_or_answered += 1
        if request in self._asking:
            self._asking.remove(request)


@pytest.fixture
def options() -> dict[str, Any]:
    """How the page is looked at; tests change it."""
    return {"viewport": {"width": 1300, "height": 1000}, "locale": "en-GB", "timezone_id": "UTC"}


@pytest.fixture
def reader(browser: Any, engine: EngineProcess, options: dict[str, Any]) -> Iterator[Reader]:
    """A reader, who must have met no error when the test ends."""
    context = browser.new_context(**options)
    context.set_default_timeout(1000 * PATIENCE_S)
    one = Reader(context.new_page(), engine.url)
    yield one
    # A handler that still waits for its answer would fail in the test that comes next.
    one.page.unroute_all(behavior="ignoreErrors")
    context.close()
    assert one.problems == []
