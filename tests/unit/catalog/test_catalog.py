"""The entries of the catalogue: complete, valid, and as valid under any names of fields."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.catalog.entries import FieldKind, entries, families, find, texts
from anomalyops.catalog.rendering import Choices, render
from anomalyops.catalog.suitability import names_to_look_up, unsuited
from anomalyops.cli.main import invoke
from anomalyops.resources import parse_manifests
from laws import law

EACH = pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
TYPES = {
    FieldKind.TIME: ("date", "date_nanos"),
    FieldKind.NUMBER: ("long", "double", "scaled_float"),
    FieldKind.VALUE: ("keyword", "ip", "long", "boolean"),
    FieldKind.TEXT: ("text", "match_only_text"),
}
UNFIT = {
    FieldKind.TIME: "keyword",
    FieldKind.NUMBER: "keyword",
    FieldKind.VALUE: "text",
    FieldKind.TEXT: "long",
}
# None is the beginning of another one, up to a dot: no results index could hold both.
NAMES = st.from_regex(r"[a-z]{3,8}(\.[a-z]{3,8}){0,2}_x", fullmatch=True)


DOCS = Path(__file__).parents[3] / "docs" / "catalog.md"


def test_the_documentation_lists_all_of_them():
    rows = [line for line in DOCS.read_text().splitlines() if re.match(r"\| `[a-z]", line)]
    assert rows == [f"| `{entry.name}` | {entry.finds} |" for entry in entries()]


def test_names_are_given_once_and_each_family_has_its_own():
    names = [entry.name for entry in entries()] + [family.name for family in families()]
    assert len(set(names)) == len(names)


@EACH
def test_every_field_of_the_analysis_is_declared(entry):
    job, feed = render(entry, Choices(indices=("logs-*",)))
    declared = {field.name for field in entry.fields}
    detected = job.spec.analysis_config.fields - {"mlcategory", "doc_count", "visitors"}
    queried = {name for clause in _filters(feed) for terms in clause.values() for name in terms}
    aggregated = {value["field"] for value in _objects(feed.spec.aggregations or {}) if "field" in value}
    assert detected | queried | aggregated | {entry.time_field} == declared


def _filters(feed):
    return (feed.spec.query or {"bool": {"filter": []}})["bool"]["filter"]


def _objects(value):
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _objects(part)


@EACH
def test_what_is_written_reads_back_as_it_was(entry, capsys):
    assert invoke(["catalog", "render", entry.name, "--index", "a-*", "--index", "b-*", "--namespace", "shop"]) == 0
    job, feed = parse_manifests(capsys.readouterr().out)
    assert (job, feed) == render(entry, Choices(indices=("a-*", "b-*"), namespace="shop"))
    assert feed.spec.indices == ["a-*", "b-*"]
    assert feed.spec.job_ref.name == job.name == entry.name


@law(examples=100)
@given(entry=st.sampled_from(entries()), data=st.data())
def test_other_names_of_fields_change_names_and_nothing_else(entry, data):
    own = [field.name for field in entry.fields]
    called = data.draw(st.lists(NAMES, min_size=len(own), max_size=len(own), unique=True))
    choices = Choices(indices=("x",), fields=dict(zip(own, called, strict=True)))
    job, feed = render(entry, choices)
    plain = render(entry, Choices(indices=("x",)))
    left = set(own) & set(texts([job.manifest(), feed.manifest()]))
    assert not left - {job.name}
    back = dict(zip(called, own, strict=True))
    for one, before in zip((job, feed), plain, strict=True):
        text = json.dumps(one.manifest())
        for name in sorted(called, key=len, reverse=True):
            text = re.sub(rf"(?<![a-z_.]){re.escape(name)}(?![a-z_.])", back[name], text)
        assert _without_order(json.loads(text)) == _without_order(before.manifest())


def _without_order(manifest):
    """The link names fields in the order of their names."""
    urls = manifest["spec"].get("customSettings", {}).get("custom_urls", [])
    for url in urls:
        url["url_value"] = sorted(re.split(r"query:'| and |'\)\)", url["url_value"]))
    return manifest


@EACH
def test_links_name_values_that_every_record_has(entry):
    job, _ = render(entry, Choices(indices=("logs-*",), data_view="my-view"))
    (link,) = job.spec.custom_settings["custom_urls"]
    tokens = set(re.findall(r"\$([^$]+)\$", link["url_value"])) - {"earliest", "latest"}
    for detector in job.spec.analysis_config.detectors:
        assert tokens <= set(detector.split_fields)
    assert "index:'my-view'" in link["url_value"]


def test_filters_stand_beside_the_query_of_the_entry():
    (entry,) = find(["auth-failed-logons"])
    _, feed = render(entry, Choices(indices=("x",), filters={"host.os.type": "linux"}))
    assert _filters(feed) == [
        {"term": {"event.category": "authentication"}},
        {"term": {"event.outcome": "failure"}},
        {"term": {"host.os.type": "linux"}},
    ]


@law(examples=100)
@given(entry=st.sampled_from(entries()), data=st.data())
def test_a_field_that_does_not_fit_is_the_one_that_is_named(entry, data):
    choices = Choices(indices=("x",))
    types = {field.name: frozenset({data.draw(st.sampled_from(TYPES[field.kind]))}) for field in entry.fields}
    assert list(unsuited(entry, choices, types)) == []
    broken = data.draw(st.sampled_from(entry.fields))
    wrong = dict(types)
    if data.draw(st.booleans()):
        del wrong[broken.name]
        says = f"{broken.name} is not mapped"
    else:
        also = data.draw(st.sampled_from([frozenset(), types[broken.name]]))  # in some of the indices alone
        wrong[broken.name] = also | {UNFIT[broken.kind]}
        says = f"{broken.name} is "
    (line,) = unsuited(entry, choices, wrong)
    assert line.startswith(says)
    assert f"--field {broken.name}=" in line
    assert broken.name in names_to_look_up(entry, choices)


def test_the_keyword_beside_a_text_is_advised():
    (entry,) = find(["network-rare-country"])
    types = {field.name: frozenset({TYPES[field.kind][0]}) for field in entry.fields}
    types["source.ip"] = frozenset({"text"})
    types["source.ip.keyword"] = frozenset({"keyword"})
    (line,) = unsuited(entry, Choices(indices=("x",)), types)
    assert line.endswith("write --field source.ip=source.ip.keyword")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "the catalogue has no such job or family"),
        (["web", "--field", "hots=x"], "--field hots=...: these jobs do not read it; they read @timestamp"),
        (["web", "--field", "source.ip"], "--field source.ip: write NAME=VALUE"),
        (["web", "--filter", "a=1", "--filter", "a=2"], "a is there already"),
        (["web-busy-clients", "--field", "source.ip=@timestamp"], "cannot both be @timestamp"),
        (["web", "--data-view", "it's"], "--data-view it's"),
        (["web", "--prefix", "Big_"], "metadata.name"),
        (["web", "--end", "soon"], "spec.end"),
    ],
)
def test_what_cannot_be_made_is_said(arguments, says, capsys):
    assert invoke(["catalog", "render", *arguments, "--index", "x"]) == 1
    assert says in capsys.readouterr().err


def test_list_and_show_tell_what_there_is(capsys):
    assert invoke(["catalog", "list", "-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == [entry.name for entry in entries()]
    assert invoke(["catalog", "list"]) == 0
    table = capsys.readouterr().out
    assert all(entry.name in table for entry in entries())
    assert invoke(["catalog", "show", "web", "-o", "yaml"]) == 0
    assert [one["family"] for one in yaml.safe_load(capsys.readouterr().out)] == ["web"] * 5
    assert invoke(["catalog", "show", "system-disk"]) == 0
    assert "max(system.filesystem.used.pct) by system.filesystem.mount_point" in capsys.readouterr().out


def test_files_are_written_all_or_none(tmp_path, capsys):
    command = ["catalog", "render", "system", "--index", "metrics-*", "--prefix", "eu-", "--output-dir", str(tmp_path)]
    assert invoke(command) == 0
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == sorted(f"eu-{entry.name}.yaml" for entry in find(["system"]))
    (tmp_path / files[0]).write_text("mine")
    (tmp_path / files[1]).unlink()
    assert invoke(command) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert not (tmp_path / files[1]).exists()
    assert invoke([*command, "--overwrite"]) == 0
    assert (tmp_path / files[0]).read_text() != "mine"
