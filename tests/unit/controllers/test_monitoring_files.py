"""The alerts and the board that the chart holds: every expression is PromQL over numbers that are there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client import Metric

from anomalyops.cli.investigator import investigator
from anomalyops.controllers.composition import Controllers
from anomalyops.controllers.instruments import Instruments
from anomalyops.controllers.metrics import OperatorCollector
from anomalyops.watching.listing import scopes
from anomalyops.watching.options import Options
from anomalyops.watching.scopes import Scopes

ROOT = Path(__file__).parent.parent.parent.parent
FILES = ROOT / "charts" / "anomalyops" / "files" / "monitoring"
RULES = [rule for group in yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
BOARD = json.loads((FILES / "board.json").read_text())
DURATION = re.compile(r"\$__rate_interval|\$__interval")


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"].replace("ANOMALY_SCORE", "75")
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], DURATION.sub("5m", target["expr"]).replace("$namespace", ".*")


@pytest.fixture(scope="module")
def served() -> set[str]:
    """Every name that a scrape may show."""
    instruments = Instruments()
    controllers = Controllers(
        None,  # type: ignore[arg-type]
        Options(metrics_port=1),
        cluster="c",
        instance="i",
        instruments=instruments,
        investigator=investigator,
    )
    listings = Scopes(
        None,  # type: ignore[arg-type]
        controllers.work,
        scopes(["anomalyjobs"], []),
        relist=1.0,
        watch_anew=lambda: None,
    )
    collector = OperatorCollector(controllers.work, controllers.connections, listings)
    instruments.called("GET", "ok", 1.0)
    instruments.reconciled("pair", "done", 1.0)
    measured = list(instruments.registry.collect())
    return {name for family in [*collector.collect(), *measured] for name in _names(family)}


def _names(family: Metric) -> set[str]:
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
    return {family.name + end for end in ends}


@pytest.mark.parametrize(("where", "text"), list(expressions()), ids=lambda value: value[:40])
def test_expressions_are_promql_over_what_is_served(served: set[str], where: str, text: str) -> None:
    promql_parser.parse(text)
    named = set(re.findall(r"\banomalyops_\w+", text))
    assert named, where
    assert named <= served


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbooks.md").read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]


def test_alerts_say_what_happened_to_whom() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        shown = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        kept = re.search(r"by \(([\w, ]+)\)", rule["expr"])
        assert kept is None or shown <= set(kept[1].split(", "))


def test_the_work_is_measured_in_a_registry_of_its_own() -> None:
    assert Instruments().registry is not Instruments().registry
