"""The command line as a whole: start-up, help, errors and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from anomalyops.cli.kubectl_completion import suggestions
from anomalyops.cli.main import invoke
from anomalyops.demo.scenario import MANIFESTS, demo_target, end_of
from anomalyops.demo.weblogs import generate
from anomalyops.resources import KINDS

ROOT = Path(__file__).resolve().parents[3]


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_help_names_every_command_and_the_exit_codes(capsys):
    assert invoke(["--help"]) == 0
    text = capsys.readouterr().out
    for command in ("plan", "apply", "status", "delete", "anomalies", "ingest", "demo", "engine", "run", "catalog"):
        assert f"  {command} " in text
    assert "Exit codes:" in text


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_starting_and_help_import_nothing_heavy(arguments):
    """Which is why they are there at once."""
    run = f"invoke({arguments!r});" if arguments else ""
    heavy = python(
        f"import sys; from anomalyops.cli.main import invoke; {run}"
        "print(sorted(set(sys.modules) & {'rich', 'pydantic', 'elasticsearch', 'kopf', 'kubernetes', 'yaml',"
        " 'numpy', 'duckdb', 'anomalyops_engine', 'asyncio'}))"
    )
    assert heavy.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan"], "error: Missing option '--filename' / '-f'. (see anomalyops plan --help)"),
        (["plan", "--bogus"], "error: No such option: --bogus"),
        (["conquer"], "error: No such command 'conquer'."),
        (["plan", "-f", "nowhere.yaml"], "error: nowhere.yaml: no such file or folder"),
        (["apply", "-f", str(MANIFESTS)], "no ElasticsearchConnection 'default' in namespace 'default'"),
        (["apply", "-f", str(MANIFESTS), "--timeout", "soon"], "error: --timeout 'soon'"),
        (["status", "-f", str(MANIFESTS), "--url", "es:9200"], "error: the URL is not accepted: write http(s)://"),
        (["status", "-f", str(MANIFESTS), "--url", "http://x", "--ca", "/nowhere"], "error: --ca /nowhere"),
    ],
)
def test_mistakes_are_one_line_without_a_traceback(capsys, arguments, words):
    assert invoke(arguments) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_errors_of_manifests_are_one_document_with_place_field_and_value(capsys, tmp_path):
    manifest = tmp_path / "job.yaml"
    manifest.write_text(
        "apiVersion: anomalyops.io/v1alpha1\nkind: AnomalyJob\nmetadata: {name: web}\n"
        "spec:\n  analysisConfig:\n    bucketSpan: 1 hour\n    detectors: [{function: summ}]\n  dataDescription: {}\n"
    )
    for output, load in (("json", json.loads), ("yaml", yaml.safe_load)):
        assert invoke(["plan", "-f", str(manifest), f"--output={output}"]) == 1
        captured = capsys.readouterr()
        errors = load(captured.out)["errors"]
        assert {error["field"] for error in errors} >= {
            "spec.analysisConfig.bucketSpan",
            "spec.analysisConfig.detectors[0].function",
        }
        assert {error["name"] for error in errors} == {"web"}
        assert captured.err.startswith("error: ")


@pytest.mark.parametrize("command", ["plan", "apply", "status", "delete"])
def test_a_wrong_command_line_is_one_document_too(capsys, command):
    assert invoke([command, "-o", "json"]) == 1
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert "--filename" in error["message"]
    assert invoke([command]) == 1
    assert not capsys.readouterr().out


def test_debug_shows_the_traceback(capsys, monkeypatch):
    monkeypatch.setenv("ANOMALYOPS_DEBUG", "1")
    assert invoke(["plan", "-f", "nowhere.yaml"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_crds_are_printed_and_written(capsys, tmp_path):
    assert invoke(["crds"]) == 0
    kinds = {document["spec"]["names"]["kind"] for document in yaml.safe_load_all(capsys.readouterr().out)}
    assert kinds == {kind.name for kind in KINDS}
    assert invoke(["crds", "--output-dir", str(tmp_path / "crds")]) == 0
    assert len(list((tmp_path / "crds").glob("*.yaml"))) == len(KINDS) + 1  # with a kustomization


def test_the_samples_are_the_manifests_of_the_demo():
    samples = ROOT / "manifests" / "samples" / "weblogs"
    for file in MANIFESTS.glob("*.yaml"):
        assert (samples / file.name).read_text() == file.read_text(), f"copy {file} to {samples}"
    listed = yaml.safe_load((samples / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == {file.name for file in samples.glob("*.yaml")} - {"kustomization.yaml"}


def test_the_demo_bounds_its_datafeeds_to_the_recording():
    documents = list(generate(seed=1))
    target = demo_target("http://127.0.0.1:9200", end_of(documents))
    ends = {pair.datafeed.spec.end for pair in target.pairs if pair.datafeed is not None}
    assert len(target.pairs) == 3
    (end,) = ends
    assert documents[-1]["timestamp"] < end
    assert end.endswith(":00:00Z")


def test_tab_completes_commands_options_and_their_values():
    assert suggestions(["plan", "--pr"]) == ["--prune"]
    assert suggestions(["-n", "shop", "status", "--all"]) == ["--all-namespaces"]
    assert suggestions(["status", "-A", "-o", "j"]) == ["json"]
    assert suggestions(["plan", "-o", ""]) == ["table", "text", "markdown", "json", "yaml"]
    assert suggestions(["plan", "-f", ""]) == []
    assert {"-f", "--filename", "--context"} <= set(suggestions(["plan", "-"]))
    assert suggestions(["no-such", "-"]) == []
