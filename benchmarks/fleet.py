"""Insight over a fleet: how long `troubleshoot --all` and `investigate` take over hundreds of jobs, and what they ask.

    python -m benchmarks.fleet [--jobs 500]

Jobs with datafeeds are created on an engine of its own, and their results are planted: an hour in which every job has
an anomalous entity and one host has something to do with all of them. Times are of whole processes, as a person waits
for them; requests are counted by another run in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from anomalyops_insight.investigating import Incident, investigate
from anomalyops_insight.troubleshooting import troubleshoot
from engine_process import EngineProcess
from fleet_world import BEGIN, plant, requests


def seconds(*arguments: str) -> float:
    """How long a command takes as a process, the best of three."""
    command = [sys.executable, "-m", "anomalyops.cli", *arguments]
    times = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, check=False)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    jobs = parser.parse_args().jobs
    process = EngineProcess(Path(tempfile.mkdtemp()))
    process.start()
    with contextlib.ExitStack() as stack, process.client() as client:
        stack.callback(process.kill)
        plant(client, jobs)
        window = (BEGIN, BEGIN + timedelta(hours=1))
        times = ("--start", window[0].isoformat(), "--end", window[1].isoformat())
        told = {
            "troubleshoot --all": (("troubleshoot", "--all"), troubleshoot("*", datetime.now(UTC))),
            "investigate": (("investigate", *times), investigate(Incident(*window))),
            "investigate --service s7": (
                ("investigate", *times, "--service", "s7"), investigate(Incident(*window, service="s7")),
            ),
        }  # fmt: skip
        print(f"{jobs} jobs, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        for name, (command, program) in told.items():
            took = seconds(*command, "--url", process.url)
            asked = asyncio.run(requests(process.url, program))
            print(f"{name:26} {took:5.1f} s   {asked.total()} requests: {dict(asked)}")


if __name__ == "__main__":
    main()
