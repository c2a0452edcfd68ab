"""The alerts and the board that the chart holds: every expression is PromQL over numbers that are there."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard, VariableType
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


# -- the board, by Grafana's own schema ----------------------------------------------------------------------------


def unknown_to_grafana(board: Any) -> list[str]:
    """What of a board is lost when the models made of Grafana's schema read it: keys that no panel or query has."""
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(copy.deepcopy(board))))
    return list(_lost(board, read, ""))


def _lost(wanted: Any, found: Any, where: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            if key in found:
                yield from _lost(value, found[key], f"{where}.{key}")
            else:
                yield f"{where}.{key}"
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _lost(one, other, f"{where}[{number}]")
    elif wanted != found:
        yield where


def test_the_board_is_by_grafanas_schema() -> None:
    assert unknown_to_grafana(BOARD) == []


def _panel_keys() -> Iterator[tuple[int, tuple[str, ...]]]:
    for number, panel in enumerate(BOARD["panels"]):
        yield from ((number, (key,)) for key in panel if key != "type")  # without it, nothing could be read
        for part in ("options", "fieldConfig", "gridPos"):
            yield from ((number, (part, key)) for key in panel.get(part, {}))


@pytest.mark.parametrize(("number", "path"), list(_panel_keys()), ids=str)
def test_a_key_that_is_misspelt_would_be_found(number: int, path: tuple[str, ...]) -> None:
    spoiled = copy.deepcopy(BOARD)
    within = spoiled["panels"][number]
    for key in path[:-1]:
        within = within[key]
    within[f"{path[-1]}X"] = within.pop(path[-1])
    assert unknown_to_grafana(spoiled) != []


def test_the_boards_panels_have_ids_places_and_thresholds_as_grafana_documents_them() -> None:
    """https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/."""
    assert BOARD["schemaVersion"] >= 36
    assert 1 <= len(BOARD["uid"]) <= 40
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert find_spec(f"grafana_foundation_sdk.models.{panel['type']}") is not None, panel["type"]
        at = panel["gridPos"]
        assert at["w"] > 0
        assert at["h"] > 0
        assert 0 <= at["x"] <= 24 - at["w"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        values = [step["value"] for step in steps]
        assert values[:1] in ([], [None])  # the first is minus infinity
        assert values[1:] == sorted(values[1:])
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    known = {variable["name"] for variable in BOARD["templating"]["list"]}
    assert all(variable["type"] in {kind.value for kind in VariableType} for variable in BOARD["templating"]["list"])
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(BOARD)))
    assert {name for name in used if not name.startswith("__")} <= known
