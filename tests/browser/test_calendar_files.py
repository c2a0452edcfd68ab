"""A calendar's file says to the page what it says to the operator."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from generated_ics import calendar

from anomalyops.resources.ics import IcsError, read_ics
from anomalyops.resources.recurrence import RecurrenceError

CONSOLE = Path(__file__).parents[2] / "console"
FROM, TO = 1_751_328_000_000, 1_798_761_600_000  # July 2025 to the end of 2026
CASES = 600
HEAD = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:A\n"
FOOT = "END:VEVENT\nEND:VCALENDAR\n"
START = "DTSTART:20260101T000000Z\nDTEND:20260101T010000Z\n"
REFUSED = (
    "",
    "hello",
    "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
    HEAD + START,
    HEAD + FOOT,
    HEAD.replace("SUMMARY:A\n", "") + START + FOOT,
    HEAD + "DTSTART:20260101T000000Z\n" + FOOT,
    HEAD + "DTSTART:20260101T000000Z\nDTEND;VALUE=DATE:20260102\n" + FOOT,
    HEAD + "DTSTART:20260101T000000Z\nDTEND:20251231T000000Z\n" + FOOT,
    HEAD + "DTSTART:20260101T000000Z\nDURATION:-PT1H\n" + FOOT,
    HEAD + "DTSTART:18000101T000000Z\nDURATION:PT1H\n" + FOOT,
    HEAD + "DTSTART:20261301T000000Z\nDURATION:PT1H\n" + FOOT,
    HEAD + START + "EXRULE:FREQ=DAILY\n" + FOOT,
    HEAD + START + "RRULE:FREQ=HOURLY\n" + FOOT,
    HEAD + START + "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY\n" + FOOT,
    HEAD + START + "RRULE:FREQ=DAILY;COUNT=0\n" + FOOT,
    HEAD + START + "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260202\n" + FOOT,
    HEAD + START + "RRULE:FREQ=DAILY;UNTIL=20260231\n" + FOOT,
    HEAD + START + "RRULE:FREQ=WEEKLY;BYDAY=1MO\n" + FOOT,
    HEAD + START + "RRULE:FREQ=WEEKLY;BYMONTHDAY=1\n" + FOOT,
    HEAD + START + "RRULE:FREQ=MONTHLY;BYDAY=XX\n" + FOOT,
    HEAD + START + "RRULE:FREQ=DAILY;BYHOUR=25\n" + FOOT,
    HEAD + START + "RRULE:FREQ=DAILY;COLOUR=RED\n" + FOOT,
    HEAD + START + "RDATE;VALUE=PERIOD:20260101T000000Z/PT1H\n" + FOOT,
    HEAD + START + "RECURRENCE-ID;RANGE=THISANDFUTURE:20260101T000000Z\n" + FOOT,
)


def of_the_page(cases: list[dict[str, object]]) -> list[dict]:
    """What the page reads in files."""
    node = shutil.which("node")
    if node is None or not (CONSOLE / "node_modules" / ".ready").exists():
        pytest.skip("Node and console/node_modules are needed: `make test-browser` installs the latter")
    subprocess.run([node, "build.mjs", "--tests"], cwd=CONSOLE, check=True, capture_output=True)
    script = "import * as all from './.tests/ics.cases.mjs'; process.stdout.write(all.icsCases());"
    command = [node, "--input-type=module", "--eval", script]
    run = subprocess.run(command, cwd=CONSOLE, check=True, capture_output=True, input=json.dumps(cases).encode())
    return json.loads(run.stdout)


def of_the_operator(text: str, zone: str) -> list[list[list[object]]]:
    """What the operator reads in a file, event by event."""
    return [
        [[event.summary, start, end] for start, end in event.recurrence.between(FROM, TO, most=10**6)]
        for event in read_ics(text, zone)
    ]


def test_the_page_reads_in_a_file_what_the_operator_does():
    source = random.Random(12)
    zones = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe")
    cases = [{"text": calendar(source), "zone": source.choice(zones), "from": FROM, "to": TO} for _ in range(CASES)]
    found = 0
    for case, read in zip(cases, of_the_page(cases), strict=True):
        wanted = of_the_operator(str(case["text"]), str(case["zone"]))
        assert read == {"found": wanted, "skipped": []}, case["text"]
        found += sum(len(events) for events in wanted)
    assert found > 10 * CASES


def test_what_the_operator_refuses_the_page_does_not_take_either():
    cases = [{"text": text, "zone": "UTC", "from": FROM, "to": TO} for text in REFUSED]
    for case, read in zip(cases, of_the_page(cases), strict=True):
        with pytest.raises((IcsError, RecurrenceError)) as refusal:
            of_the_operator(str(case["text"]), "UTC")
        said = read["refused"] if "refused" in read else " ".join(read["skipped"])
        assert said, case["text"]
        assert read.get("found", []) == []
        if str(refusal.value).startswith("event "):
            assert said.partition(": ")[0] == str(refusal.value).partition(": ")[0]
