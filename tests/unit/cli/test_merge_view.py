"""What a merge changes in a cluster: found field by field, and shown."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.cli.merge_view import merge_document, merge_markdown, merge_text
from anomalyops.cluster.affected import ConfigMapsAround, affected
from anomalyops.cluster.merging import ABSENT, Action, field_changes, merged
from anomalyops.cluster.planning import MergePlan, UnitPlan, presumed_server, wanted_resources
from anomalyops.local.manifests import read_manifests
from anomalyops.resources import KINDS, SecretManifest, resource_from_object

API = "anomalyops.io/v1alpha1"


def resource(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> Any:
    return resource_from_object(
        {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": "shop", **metadata}, "spec": spec}
    )


def job(name: str = "web", limit: str = "32mb", **metadata: Any) -> Any:
    spec = {
        "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
        "analysisLimits": {"modelMemoryLimit": limit},
        "dataDescription": {"timeField": "@timestamp"},
    }
    return resource("AnomalyJob", name, spec, **metadata)


scalars = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.text("ab.", max_size=2))
values = st.recursive(
    scalars,
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.text("ab.[", max_size=2), below)),
    max_leaves=12,
)


@given(values, values)
def test_fields_differ_where_values_do_and_each_is_told_once(before: Any, after: Any) -> None:
    changes = list(field_changes("spec", before, after))
    assert bool(changes) == (json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True))
    paths = [one.path for one in changes]
    assert len(set(paths)) == len(paths)
    for change in changes:
        assert not (change.before is ABSENT and change.after is ABSENT)
        assert type(change.before) is not type(change.after) or change.before != change.after
    reverse = {(one.path, repr(one.after), repr(one.before)) for one in field_changes("spec", after, before)}
    assert reverse == {(one.path, repr(one.before), repr(one.after)) for one in changes}


def test_a_manifest_that_says_nothing_else_changes_nothing() -> None:
    live = job(uid="u1", labels={"tracked-by": "argocd"}, resourceVersion="7")
    assert merged([job()], [live]).empty
    written = copy.deepcopy(live.manifest())
    written["spec"]["deletionPolicy"] = "Retain"  # the default
    assert merged([resource_from_object(written)], [live]).empty


def test_only_what_nothing_else_made_is_pruned_and_only_with_the_labels() -> None:
    owner = {"apiVersion": API, "kind": "AnomalyJobSet", "name": "hosts", "uid": "s1"}
    mine, other = job("mine", labels={"team": "web"}, uid="u1"), job("other", uid="u2")
    made = job("made", labels={"team": "web"}, uid="u3", ownerReferences=[owner])
    live = [mine, other, made]
    assert merged([], live).empty
    gone = [one.resource.name for one in merged([], live, prune=True).changes]
    assert gone == ["mine", "other"]
    labelled = merged([], live, prune=True, labels={"team": "web"})
    assert [(one.resource.name, one.action) for one in labelled.changes] == [("mine", Action.REMOVED)]
    assert [one.name for one in labelled.bystanders] == ["other", "made"]


def test_a_calendar_is_affected_by_a_label_of_a_job_alone() -> None:
    selector = {"jobSelector": {"matchLabels": {"team": "web"}}}
    calendar = resource("AnomalyCalendar", "holidays", selector, uid="c1")
    live, unlike = job(uid="u1"), job("unlike", uid="u2")
    merge = merged([job(labels={"team": "web"}), calendar], [live, unlike, calendar])
    (field,) = merge.changes[0].fields
    assert (field.path, field.before, field.after) == ("metadata.labels.team", ABSENT, "web")
    pair, shared = affected(merge)
    assert pair.changes[0].resource.name == "web"
    assert (shared.changes, shared.after.jobs) == ((), frozenset({"web"}))


def test_a_filter_is_affected_by_a_config_map_alone() -> None:
    reference = {"configMapRef": {"name": "loud", "key": "items"}}
    hosts = resource("AnomalyFilter", "hosts", {"itemsFrom": [reference]}, uid="f1")
    other = resource("AnomalyFilter", "other", {"items": ["a"]}, uid="f2")
    merge = merged([], [hosts, other])

    def config_map(text: str) -> dict[tuple[str, str, str], SecretManifest]:
        found = SecretManifest(name="loud", namespace="shop", kind="ConfigMap", data={"items": text.encode()})
        return {("ConfigMap", "shop", "loud"): found}

    equal = ConfigMapsAround(before=config_map("a\nb"), after=config_map("# loud ones\na\nb"))
    assert affected(merge, equal) == []
    (unit,) = affected(merge, ConfigMapsAround(before=config_map("a"), after=config_map("a\nb")))
    assert (unit.changes, unit.after.resource.spec.items, unit.after.problems) == ((), ["a", "b"], ())
    (unit,) = affected(merge, ConfigMapsAround(before=config_map("a"), after=config_map("a\x07")))
    assert "line 1 holds the control character" in str(unit.after.problems[0])


def test_what_was_never_carried_out_is_not_presumed_to_be_there() -> None:
    (unit,) = affected(merged([job(limit="64mb")], [job(uid="u1")]))
    assert presumed_server(unit.before, "c1").job is None


def test_text_markdown_and_json_tell_the_same() -> None:
    merge = merged([job(limit="64mb"), job("new")], [job(uid="u1"), job("old", uid="u2")], prune=True)
    units = tuple(
        UnitPlan(resources=(one.resource,), changes=(one,))
        for one in merge.changes
        if one.action is not Action.UNCHANGED
    )
    found = MergePlan(namespaces=("shop",), merge=merge, units=units, unreadable=("AnomalyJob/odd: not valid",))
    text, markdown, document = merge_text(found).plain, merge_markdown(found), merge_document(found)
    for told in (text, markdown):
        assert "~   spec.analysisLimits.modelMemoryLimit: 32mb -> 64mb" in told
        assert "+ AnomalyJob/new is created in the cluster" in told
        assert "- AnomalyJob/old is removed in the cluster" in told
        assert "In the cluster: 1 created, 1 changed, 1 removed, 0 unchanged. On the server: nothing to do." in told
        assert "? AnomalyJob/odd: not valid" in told
    assert [(one["name"], one["action"]) for one in document["changes"]] == [
        ("new", "created"),
        ("old", "removed"),
        ("web", "changed"),
    ]
    assert document["changes"][2]["fields"] == [
        {"path": "spec.analysisLimits.modelMemoryLimit", "before": "32mb", "after": "64mb"}
    ]
    assert not document["empty"]


SPECS: dict[str, dict[str, Any]] = {
    "AnomalyJob": job().manifest()["spec"],
    "Datafeed": {"jobRef": {"name": "web"}, "indices": ["logs"]},
    "AnomalyJobSet": {"terms": {"indices": ["logs"], "field": "host"}, "template": {"job": job().manifest()["spec"]}},
    "AnomalyCalendar": {},
    "AnomalyFilter": {"items": ["a"]},
    "AnomalyForecast": {"jobRef": {"name": "web"}, "duration": "1d"},
    "ModelSnapshotRevert": {"jobRef": {"name": "web"}, "snapshotId": "empty"},
    "Investigation": {"since": "2h"},
    "ElasticsearchConnection": {"url": "http://127.0.0.1:9200"},
}


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_what_the_files_hold_is_not_pruned_whatever_its_kind(kind: str, tmp_path: Path) -> None:
    live = resource(kind, "one", SPECS[kind], uid="u1")
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(resource(kind, "one", SPECS[kind]).manifest()))
    found = wanted_resources(read_manifests([str(tmp_path)]))
    assert [(one.KIND, one.name) for one in found] == [(kind, "one")]
    assert merged(found, [live], prune=True).empty
    (gone,) = merged([], [live], prune=True).changes
    assert gone.action is Action.REMOVED
