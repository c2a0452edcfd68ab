"""The console tells what a score is made of in the words of `anomalyops explain`."""

from __future__ import annotations

import re
from pathlib import Path

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
