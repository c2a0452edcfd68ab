"""How soon each view of the console shows something useful, and how long a swim lane takes to be drawn again.

An engine in a process of its own serves the page; a Chromium without a window looks at it, with an empty cache each
time. "Useful" is said of each view by what must be in it; the time runs from the browser's own start of the
navigation to the second frame after it is there. Two sets of data: a year of hourly documents with a job that has
learned them, and jobs with results that are written in bulk. Redrawing is what the browser's trace says the main
thread works for each move over the lanes; the page draws 200 cells at most, so 500 are drawn by its own component
alone, which esbuild bundles (`make console/node_modules/.ready`).

Run: python -m benchmarks.console [--results 1000000] [--jobs 100] [--repeat 3]
"""

from __future__ import annotations

import argparse
import http.server
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from playwright.sync_api import Browser, Page, sync_playwright

_ROOT = Path(__file__).resolve().parents[1]
_SERVE = "import sys; from pathlib import Path; from anomalyops_engine.server import serve; "
_SERVE += "serve(Path(sys.argv[1]), '127.0.0.1', 0)"
_HOUR_MS = 3_600_000
_START_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
_HOURS = 365 * 24
_YEAR = "from=2025-01-01T00:00Z&to=2026-01-01T00:00Z"
_HOSTS = [f"host-{number:02}" for number in range(50)]
_BATCH = 10_000
_REDRAWS = 30
_READING_S = 60


@dataclass(frozen=True)
class View:
    """A view, its address, and the expression that is true once it shows something useful."""

    name: str
    fragment: str
    useful: str
    mark_ms: int


def _there(selector: str, count: int = 1) -> str:
    return f"document.querySelectorAll({json.dumps(selector)}).length >= {count}"


# A canvas is 300 wide until it is drawn for the first time.
_LANES = "[...document.querySelectorAll('.lanes canvas')].filter((one) => one.width !== 300).length >= 2"
_EXPLORED = f"{_LANES} && {_there('.records tbody tr')}"
_SHOWN = _there("table.fields tbody button:not([disabled])")


def _views(jobs: int) -> list[View]:
    one, many = 1000, 2000
    return [
        View("data", "#/data?index=year", f"{_SHOWN} && {_there('.histogram canvas')}", one),
        View("wizard", "#/new?index=year&span=1h&name=new", _there(".preview canvas"), one),
        View("series", "#/series?job=year", f"{_there('.chart canvas')} && {_there('td .score')}", one),
        View("explorer", "#/explorer?jobs=year", f"{_there('.lanes canvas')} && {_there('.records tbody tr')}", one),
        View("job", "#/jobs?job=year", _there("main table tbody tr"), one),
        View(f"jobs, {jobs}", "#/jobs", _there("main table tbody tr", min(jobs, 20)), many),
        View("explorer by job", f"#/explorer?{_YEAR}&by=job&lanes=50", _EXPLORED, many),
        View("explorer by host", f"#/explorer?{_YEAR}&by=host&lanes=50", _EXPLORED, many),
        View("explorer of one", f"#/explorer?jobs=many-000&{_YEAR}&by=host&lanes=50", _EXPLORED, many),
    ]


@contextmanager
def _engine(folder: Path) -> Iterator[str]:
    environment = {**os.environ, "PYTHONPATH": str(_ROOT / "operator")}
    process = subprocess.Popen([sys.executable, "-c", _SERVE, str(folder)], env=environment, stdout=subprocess.DEVNULL)
    try:
        while not (folder / "engine.json").exists():
            if process.poll() is not None:
                raise RuntimeError("the engine did not start")
            time.sleep(0.05)
        yield json.loads((folder / "engine.json").read_text())["url"]
    finally:
        process.terminate()
        process.wait()


def _write_year(client: Elasticsearch) -> None:
    """Write a document an hour, and let a job with model plot learn them; one hour is far too loud."""
    source = random.Random(1)
    mappings = {"properties": {"time": {"type": "date"}, "host": {"type": "keyword"}, "load": {"type": "double"}}}
    client.indices.create(index="year", mappings=mappings)
    operations: list[dict[str, Any]] = []
    for hour in range(_HOURS):
        load = 50 + 30 * math.sin(hour * math.tau / 24) + source.gauss(0, 3) + (400 if hour == _HOURS - 400 else 0)
        at = _START_MS + hour * _HOUR_MS
        operations += [{"index": {}}, {"time": at, "host": source.choice(_HOSTS), "load": round(load, 2)}]
    client.bulk(index="year", operations=operations, refresh=True)
    client.ml.put_job(
        job_id="year",
        analysis_config={
            "bucket_span": "1h",
            "detectors": [{"function": "mean", "field_name": "load"}],
            "influencers": ["host"],
        },
        data_description={"time_field": "time"},
        model_plot_config={"enabled": True},
    )
    client.ml.put_datafeed(datafeed_id="year", job_id="year", indices=["year"])
    client.ml.open_job(job_id="year")
    client.ml.start_datafeed(datafeed_id="year", end=_START_MS + _HOURS * _HOUR_MS)
    while client.ml.get_job_stats(job_id="year")["jobs"][0]["state"] != "closed":
        time.sleep(0.1)


def _results(job: str, count: int, source: random.Random) -> Iterator[str]:
    """Yield results of a job all over the year: four tenths buckets, four influencers, two records."""
    for number in range(count):
        at = _START_MS + source.randrange(_HOURS) * _HOUR_MS
        score = round(100 * source.random() ** 4, 3)
        common = f'"job_id":"{job}","timestamp":{at},"bucket_span":3600,"is_interim":false'
        kind, host = number % 10, source.choice(_HOSTS)
        if kind < 4:
            yield f'{{{common},"result_type":"bucket","anomaly_score":{score},"event_count":9}}'
        elif kind < 8:
            named = f'"influencer_field_name":"host","influencer_field_value":"{host}"'
            yield f'{{{common},"result_type":"influencer","influencer_score":{score},{named}}}'
        else:
            found = '"function":"mean","function_description":"mean","field_name":"load","actual":[9.0],"typical":[1.0]'
            part = f'"partition_field_name":"host","partition_field_value":"{host}"'
            by = f'"influencers":[{{"influencer_field_name":"host","influencer_field_values":["{host}"]}}]'
            scores = f'"record_score":{score},"initial_record_score":{score},"probability":0.001'
            yield f'{{{common},"result_type":"record","detector_index":0,{scores},{found},{part},{by}}}'


def _write_results(client: Elasticsearch, jobs: int, results: int) -> None:
    source = random.Random(2)
    detector = {"function": "mean", "field_name": "load", "partition_field_name": "host"}
    batch: list[str] = []
    for number in range(jobs):
        name = f"many-{number:03}"
        client.ml.put_job(
            job_id=name,
            analysis_config={"bucket_span": "1h", "detectors": [detector], "influencers": ["host"]},
            data_description={"time_field": "time"},
        )
        for line in _results(name, results // jobs, source):
            batch += ['{"index":{}}', line]
            if len(batch) == 2 * _BATCH:
                _send(client, batch)
    _send(client, batch)
    client.indices.refresh(index=".ml-anomalies-*")


def _send(client: Elasticsearch, batch: list[str]) -> None:
    if batch:
        answer = client.bulk(index=".ml-anomalies-shared", operations=batch)
        assert not answer["errors"], answer["items"][0]
        batch.clear()


# In two frames' time what is there has been painted.
_WATCH = """(() => {
    const painted = () => { window.usefulMs = performance.now(); };
    const seen = () => requestAnimationFrame(() => requestAnimationFrame(painted));
    const look = () => { if (USEFUL) { watching.disconnect(); seen(); } };
    const watching = new MutationObserver(look);
    watching.observe(document, { subtree: true, childList: true, attributes: true });
})()"""


def _first_useful_paint(browser: Browser, url: str, view: View) -> float:
    context = browser.new_context(viewport={"width": 1300, "height": 1000}, timezone_id="UTC", locale="en-GB")
    try:
        page = context.new_page()
        page.add_init_script(_WATCH.replace("USEFUL", view.useful))
        page.goto(f"{url}/_console/{view.fragment}")
        page.wait_for_function("() => window.usefulMs !== undefined", timeout=1000 * _READING_S)
        return float(page.evaluate("window.usefulMs"))
    finally:
        context.close()


def _redraw_ms(browser: Browser, page: Page, canvas: Any) -> tuple[float, float]:
    """Return the work of the main thread for a move over lanes, and its longest task, as the trace has them."""
    canvas.focus()
    page.wait_for_timeout(500)
    moved = "before => document.activeElement.getAttribute('aria-label') !== before"
    browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline", "__metadata"])
    for _ in range(_REDRAWS):
        before = canvas.get_attribute("aria-label")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(moved, arg=before)
        page.wait_for_timeout(60)  # two frames at least, so that the moves lie apart
    events = json.loads(browser.stop_tracing())["traceEvents"]
    named = {(one["pid"], one["tid"]) for one in events if one.get("args", {}).get("name") == "CrRendererMain"}
    tasks = [one for one in events if one.get("ph") == "X" and (one["pid"], one["tid"]) in named]
    whole = [one["dur"] / 1000 for one in tasks if one["name"].endswith("RunTask")]
    assert whole, "the trace holds no task of the page"
    return sum(whole) / _REDRAWS, max(whole)


_COMPONENT = """
import { render } from "preact";
import { SwimLanes } from "./parts/lanes";
import { SharedContext } from "./parts/context";
const cells = 500, lanes = [];
for (let k = 0; k < 50; k++) {
  const scores = Float64Array.from({ length: cells }, (_, n) => ((k * 37 + n * 101) % 100) + 0.5);
  lanes.push({ label: `lane ${k}`, entity: undefined, scores, worst: 100 });
}
const range = { from: 0, to: cells * 3600000 };
const place = { view: "explorer", params: {} };
const selected = { range: undefined, picked: undefined };
const shared = { formats: { locale: "en-GB", zone: "UTC" }, now: 0, place, go: () => {} };
render(
  <SharedContext.Provider value={shared as any}>
    <SwimLanes title="50 by 500" lanes={{ range, cellMs: 3600000, lanes }} selected={selected} onSelect={() => {}} />
  </SharedContext.Provider>,
  document.body,
);
"""


@contextmanager
def _component(folder: Path) -> Iterator[str]:
    """Serve a page that holds nothing but lanes of 500 cells."""
    esbuild = _ROOT / "console" / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists():
        raise SystemExit("esbuild is not there: make console/node_modules/.ready")
    how = ["--bundle", "--minify", "--format=esm", "--loader=tsx", "--jsx=automatic", "--jsx-import-source=preact"]
    source = _ROOT / "console" / "src"
    built = subprocess.run([esbuild, *how], input=_COMPONENT, cwd=source, capture_output=True, text=True, check=True)
    (folder / "lanes.js").write_text(built.stdout)
    shutil.copy(source / "console.css", folder)
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>lanes</title>'
    scripts = '<link rel="stylesheet" href="console.css"><body><script type="module" src="lanes.js"></script>'
    (folder / "index.html").write_text(head + scripts)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(folder))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def _show_views(browser: Browser, url: str, views: list[View], repeat: int) -> None:
    print(f"{'first useful paint (ms)':26}{'median':>9}{'worst':>9}{'mark':>7}")
    for view in views:
        took = [_first_useful_paint(browser, url, view) for _ in range(repeat)]
        middle = statistics.median(took)
        said = "" if middle < view.mark_ms else "  too slow"
        print(f"{view.name:26}{middle:9.0f}{max(took):9.0f}{view.mark_ms:7}{said}", flush=True)


def _show_redraws(browser: Browser, url: str, folder: Path) -> None:
    print(f"\n{'redraw of lanes (ms)':26}{'a move':>9}{'a task':>9}{'mark':>7}")
    with _component(folder) as alone:
        page_of = {
            "50 by 200, in the page": f"{url}/_console/#/explorer?{_YEAR}&by=host&lanes=50&severity=0",
            "50 by 500, the component": alone,
        }
        for name, address in page_of.items():
            page = browser.new_page(viewport={"width": 1300, "height": 1000})
            page.goto(address)
            canvas = page.locator(".lanes canvas").last
            canvas.wait_for(timeout=1000 * _READING_S)
            page.wait_for_load_state("networkidle")
            work, longest = _redraw_ms(browser, page, canvas)
            said = "" if max(work, longest) < 50 else "  too slow"
            print(f"{name:26}{work:9.1f}{longest:9.1f}{50:7}{said}", flush=True)
            page.close()


def main() -> None:
    """Fill an engine, look at every view, print what it took beside the marks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("no Chromium on this machine: make chromium")
    with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as built, _engine(Path(kept)) as url:
        began = time.perf_counter()
        with Elasticsearch(url, request_timeout=120) as client:
            _write_year(client)
            _write_results(client, options.jobs, options.results)
        took = time.perf_counter() - began
        load = os.getloadavg()[0]
        print(f"{_HOURS:,} hours, {options.jobs} jobs, {options.results:,} results, made in {took:.0f} s")
        print(f"load of the machine before: {load:.1f} on {os.cpu_count()} cores\n")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
            views = _views(options.jobs)
            _first_useful_paint(browser, url, views[0])  # the engine's first answer is not what is measured
            _show_views(browser, url, views, options.repeat)
            _show_redraws(browser, url, Path(built))
            browser.close()


if __name__ == "__main__":
    main()
