"""The console tells what a score is made of, and whether a job is well, in the words of the command line."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # tests have no packages; what they share lies beside them

import diagnoses

ROOT = Path(__file__).parents[3]
COMMAND = (ROOT / "operator" / "anomalyops_insight" / "explaining" / "explanation.py").read_text()
PAGE = (ROOT / "console" / "src" / "shape" / "explanation.ts").read_text()


def test_each_factor_of_the_command_is_worded_the_same_in_the_page():
    factors = re.search(r"_FACTORS: [^=]*= \{(.*?)\}", COMMAND, re.DOTALL)[1]
    told = dict(re.findall(r'"(\w+)": "([^"]+)"', factors))
    shown = dict(re.findall(r'\["(\w+_impact)", "([^"]+)"\]', PAGE))
    assert {name.removesuffix("_factor"): words for name, words in told.items()} == shown


def test_each_penalty_of_the_command_is_worded_the_same_in_the_page():
    told = set(re.findall(r'"(\w+_penalty: [^"]+)"', COMMAND))
    assert told
    assert told == set(re.findall(r'"(\w+_penalty: [^"]+)"', PAGE))


def test_the_findings_that_the_page_is_held_to_are_those_of_the_command():
    recorded = diagnoses.RECORDED.read_text()
    assert recorded == diagnoses.text(), "run: PYTHONPATH=operator python tests/unit/console/diagnoses.py"
    levels = {finding["level"] for case in diagnoses.recorded() for finding in case["findings"]}
    assert levels == {"ok", "info", "warning", "critical"}
