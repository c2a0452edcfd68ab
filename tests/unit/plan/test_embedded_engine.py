"""An embedded engine's objects: whole, safe, changed where the wish changes and nowhere else."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anomalyops.plan.embedded import (
    SECRETS_ANNOTATION,
    Change,
    EngineSettings,
    Found,
    engine_objects,
    host_names,
    plan_engine,
    pod_trouble,
    rolled_out,
    stuck_pod,
    volume_claim,
    volume_grows,
)
from anomalyops.resources import API_VERSION, ElasticsearchConnection, parse_quantity

SETTINGS = EngineSettings(image="registry.example/anomalyops-engine:1", operator_namespace="anomalyops-system")

labels = st.dictionaries(st.sampled_from(["disk", "zone", "pool"]), st.sampled_from(["ssd", "a", "b"]), max_size=2)
sizes = st.sampled_from(["1Gi", "10Gi", "10240Mi", "500M", "2Ti"])
selectors = st.builds(lambda labels: {"matchLabels": labels}, labels)
tolerations = st.one_of(
    st.fixed_dictionaries({"key": st.sampled_from(["dedicated", "gpu"]), "value": st.sampled_from(["ml", "x"])}),
    st.fixed_dictionaries({"operator": st.just("Exists")}, optional={"effect": st.sampled_from(["NoExecute"])}),
)
FIELDS = {
    "image": st.sampled_from(["a/engine:1", "b/engine@sha256:00"]),
    "imagePullSecrets": st.lists(st.sampled_from(["one", "two"]), unique=True),
    "resources": st.fixed_dictionaries(
        {},
        optional={
            "requests": st.fixed_dictionaries(
                {}, optional={"cpu": st.sampled_from(["1", "250m"]), "memory": st.sampled_from(["256Mi", "1Gi"])}
            ),
            "limits": st.fixed_dictionaries(
                {}, optional={"cpu": st.sampled_from(["2", "0.5"]), "memory": st.sampled_from(["1Gi", "1024Mi", "4Gi"])}
            ),
        },
    ),
    "nodeSelector": labels,
    "tolerations": st.lists(tolerations, max_size=3),
    "clients": st.lists(
        st.one_of(
            st.fixed_dictionaries({"podSelector": selectors}, optional={"namespaceSelector": selectors}),
            st.fixed_dictionaries({"namespaceSelector": selectors}),
        ),
        max_size=2,
    ),
    "metrics": st.fixed_dictionaries(
        {}, optional={"clients": st.lists(st.fixed_dictionaries({"namespaceSelector": selectors}), max_size=2)}
    ),
}
storages = st.fixed_dictionaries(
    {}, optional={"size": sizes, "className": st.sampled_from(["fast", "slow"]), "whenDeleted": st.just("Delete")}
)
specs = st.fixed_dictionaries({}, optional=FIELDS | {"storage": storages})


def connection(embedded: dict[str, Any], *, name: str = "default", uid: str = "u-1") -> ElasticsearchConnection:
    metadata = {"name": name, "namespace": "team", "uid": uid, "generation": 1}
    kind = ElasticsearchConnection.KIND
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": {"embedded": embedded}}
    return ElasticsearchConnection.from_object(manifest)


def objects(embedded: dict[str, Any], *, secrets: str = "s-1", **more: Any) -> tuple[dict[str, Any], ...]:
    return engine_objects(connection(embedded, **more), SETTINGS, secrets=secrets)


def canonical(value: Any, path: tuple[str, ...] = ()) -> Any:
    """What an API server makes of a value: canonical quantities, defaults beside ours, empty lists left out."""
    if isinstance(value, dict):
        kept = {key: canonical(below, (*path, key)) for key, below in value.items()}
        return {key: below for key, below in kept.items() if below != []} | {"x-defaulted": True}
    if isinstance(value, list):
        return [canonical(one, path) for one in value]
    if "resources" in path and isinstance(value, str):
        number = parse_quantity(value)
        return str(int(number)) if number == int(number) else f"{int(number * 1000)}m"
    return value


def applied(changes: tuple[Change, ...], before: Found | None = None) -> Found:
    """The objects as they are there after all changes."""
    there = dict(before.objects) if before is not None else {}
    there |= {change.manifest["kind"]: canonical(change.manifest) for change in changes}
    return Found(objects=there)


def planned(embedded: dict[str, Any], found: Found, **more: Any) -> tuple[tuple[Change, ...], Any]:
    secrets = more.pop("secrets", "s-1")
    made = connection(embedded, **more)
    plan = plan_engine(made, engine_objects(made, SETTINGS, secrets=secrets), found)
    assert plan.growth is None or plan.refused is None
    return plan.changes, plan.refused


NOTHING = Found(objects={})


@given(specs)
def test_everything_is_made_once_and_then_nothing_is_planned(embedded: dict[str, Any]) -> None:
    changes, refused = planned(embedded, NOTHING)
    assert [change.manifest["kind"] for change in changes] == ["Service", "NetworkPolicy", "StatefulSet"]
    assert refused is None
    assert planned(embedded, applied(changes)) == ((), None)


@given(specs)
def test_the_objects_hold_together(embedded: dict[str, Any]) -> None:
    service, policy, stateful_set = objects(embedded)
    pod = stateful_set["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert ("metrics" in ports) is ("metrics" in embedded)
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert stateful_set["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert {one["targetPort"]: one["port"] for one in service["spec"]["ports"]} == ports
    allowed = {one["port"] for rule in policy["spec"]["ingress"] for one in rule["ports"]}
    assert allowed <= set(ports.values())
    volumes = {one["name"] for one in (*pod["spec"]["volumes"], *[{"name": "data"}])}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert all(one["metadata"]["ownerReferences"][0]["uid"] == "u-1" for one in (service, policy, stateful_set))
    assert json.loads(json.dumps([service, policy, stateful_set])) == [service, policy, stateful_set]


@given(specs)
def test_the_pod_is_restricted(embedded: dict[str, Any]) -> None:
    """As the restricted Pod Security Standard has it, and no token of the Kubernetes API."""
    pod = objects(embedded)[2]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    items = next(one["secret"]["items"] for one in pod["volumes"] if "secret" in one)
    assert [one["key"] for one in items] == ["password", "tls.crt", "tls.key"]  # never the authority's key


@given(specs)
def test_the_engine_reaches_nobody_and_not_everybody_reaches_it(embedded: dict[str, Any]) -> None:
    spec = objects(embedded)[1]["spec"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    assert "egress" not in spec
    rule, *others = spec["ingress"]
    clients = embedded.get("clients")
    assert len(rule["from"]) == 1 + (1 if clients is None else len(clients))
    readers = embedded.get("metrics", {"clients": []}).get("clients")
    assert [len(one["from"]) for one in others] == ([1] if readers is None else [len(readers)] if readers else [])
    for one in spec["ingress"]:
        assert len(one["ports"]) == 1
        assert one["from"]  # without peers it would let in everybody
        assert {} not in one["from"]


WHERE = {
    "image": (r"StatefulSet", r"spec\.template\.spec\.containers\.image"),
    "imagePullSecrets": (r"StatefulSet", r"spec\.template\.spec\.imagePullSecrets.*|fields that .*"),
    "resources": (r"StatefulSet", r"spec\.template\.spec\.containers\.resources\..*|fields that .*"),
    "nodeSelector": (r"StatefulSet", r"spec\.template\.spec\.nodeSelector.*|fields that .*"),
    "tolerations": (r"StatefulSet", r"spec\.template\.spec\.tolerations.*|fields that .*"),
    "clients": (r"NetworkPolicy", r"spec\.ingress.*|fields that .*"),
}
_ALL = {"Service", "NetworkPolicy", "StatefulSet"}


@given(specs, st.data())
@pytest.mark.parametrize("field", list(WHERE))
def test_a_changed_field_changes_what_it_is_about_and_nothing_else(
    field: str, embedded: dict[str, Any], data: st.DataObject
) -> None:
    changed = {**embedded, field: data.draw(FIELDS[field])}
    if data.draw(st.booleans()):
        embedded, changed = changed, embedded  # taken away again
    assume(meant(embedded, field) != meant(changed, field))
    found = applied(planned(embedded, NOTHING)[0])
    (change,), refused = planned(changed, found)
    kind, paths = WHERE[field]
    assert refused is None
    assert change.manifest["kind"] == kind
    assert all(re.fullmatch(paths, path) for path in change.fields), change.fields
    assert planned(changed, applied((change,), found)) == ((), None)


def meant(embedded: dict[str, Any], field: str) -> Any:
    return [canonical(one) for one in objects({field: embedded[field]} if field in embedded else {})]


@given(specs)
def test_other_secrets_restart_the_pod(embedded: dict[str, Any]) -> None:
    found = applied(planned(embedded, NOTHING)[0])
    (change,), _ = planned(embedded, found, secrets="s-2")
    assert change.fields == (f"spec.template.metadata.annotations.{SECRETS_ANNOTATION}",)


@given(specs, FIELDS["metrics"], FIELDS["metrics"])
def test_metrics_come_and_go_with_their_port(
    embedded: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
) -> None:
    """In all three objects at once; who may read them is the NetworkPolicy's alone."""
    without = {name: value for name, value in embedded.items() if name != "metrics"}
    bare = applied(planned(without, NOTHING)[0])
    changes, _ = planned({**without, "metrics": one}, bare)
    kinds = {change.manifest["kind"] for change in changes}
    assert kinds == (_ALL if one.get("clients") != [] else _ALL - {"NetworkPolicy"})
    found = applied(changes, bare)
    assert {change.manifest["kind"] for change in planned({**without, "metrics": other}, found)[0]} <= {"NetworkPolicy"}
    back, _ = planned(without, found)
    assert {change.manifest["kind"] for change in back} == kinds
    assert planned(without, applied(back, found)) == ((), None)
    (service,) = (change.manifest for change in changes if change.manifest["kind"] == "Service")
    assert service["metadata"]["annotations"]["prometheus.io/port"] == str(service["spec"]["ports"][1]["port"])


def claim_of(storage: dict[str, Any], *, capacity: str | None = None, **status: Any) -> dict[str, Any]:
    size, class_name = storage.get("size", "10Gi"), storage.get("className", "usual")
    spec = {"resources": {"requests": {"storage": size}}, "storageClassName": class_name}
    status |= {"capacity": {"storage": capacity or size}}
    return {"metadata": {"name": "data-default-engine-0"}, "spec": spec, "status": status}


@given(specs, st.lists(storages, min_size=1, max_size=4))
def test_a_volume_grows_and_never_shrinks_and_all_else_is_done(
    embedded: dict[str, Any], wishes: list[dict[str, Any]]
) -> None:
    """Over any wishes one after another: it is as large as the largest of its class, and nothing is lost."""
    first = embedded.get("storage", {})
    found = applied(planned(embedded, NOTHING)[0])
    claim = claim_of(first)
    for number, wish in enumerate(wishes):
        there = Found(objects={**found.objects, "PersistentVolumeClaim": claim})
        made = connection({**embedded, "storage": wish})
        plan = plan_engine(made, engine_objects(made, SETTINGS, secrets=f"s-{number + 2}"), there)
        (change,) = plan.changes  # the restart goes on, and is no matter of the volume
        template = change.manifest["spec"]["volumeClaimTemplates"][0]["spec"]
        assert parse_quantity(template["resources"]["requests"]["storage"]) == volume_of(first)[0]
        assert template.get("storageClassName") == first.get("className")
        (wanted, class_name), has = volume_of(wish), volume_of({"size": asked(claim)})[0]
        same_class = class_name == first.get("className")
        assert (plan.refused is not None) is (not same_class or wanted < has)
        assert (plan.growth is not None) is (same_class and wanted > has)
        if plan.refused is not None:
            assert "it can neither become smaller nor change its class. Set it back" in plan.refused.message
            assert str(wish.get("size", "10Gi")) in plan.refused.message
        if plan.growth is not None:
            assert plan.growth.claim == volume_claim(made)
            claim["spec"] |= plan.growth.patch["spec"]
        found = applied(plan.changes, there)
        again = plan_engine(made, engine_objects(made, SETTINGS, secrets=f"s-{number + 2}"), found_with(found, claim))
        assert (again.changes, again.growth, again.refused) == ((), None, plan.refused)


def asked(claim: dict[str, Any]) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])


def found_with(found: Found, claim: dict[str, Any]) -> Found:
    return Found(objects={**found.objects, "PersistentVolumeClaim": claim})


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (None, ""),
        (claim_of({"size": "20Gi"}), ""),
        (claim_of({"size": "20Gi"}, capacity="20480Mi"), ""),
        (claim_of({"size": "20Gi"}, capacity="10Gi"), "its volume grows from 10Gi to 20Gi"),
        (
            claim_of(
                {"size": "20Gi"},
                capacity="10Gi",
                conditions=[{"type": "FileSystemResizePending", "status": "True", "message": "waits for a restart"}],
            ),
            "its volume grows from 10Gi to 20Gi (waits for a restart)",
        ),
    ],
)
def test_what_a_growing_volume_waits_for_is_said(claim: Any, words: str) -> None:
    assert volume_grows(claim) == words


def stateful_set(**status: Any) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "status": {"observedGeneration": 2, "updateRevision": "new", **status}}


def pod_of(revision: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"controller-revision-hash": revision}, **more.pop("metadata", {})}, **more}


@pytest.mark.parametrize(
    ("sets", "pod", "stuck"),
    [
        (
            {},
            pod_of("old", status={"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
            True,
        ),
        ({}, pod_of("old", status={"conditions": [{"type": "PodScheduled", "status": "False", "reason": "No"}]}), True),
        (
            {},
            pod_of("new", status={"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
            False,
        ),
        ({}, pod_of("old", status={"containerStatuses": [{"state": {"running": {}}}]}), False),  # opening its data
        (
            {},
            pod_of("old", status={"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}),
            False,
        ),
        (
            {},
            pod_of(
                "old",
                metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"},
                status={"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            ),
            False,
        ),
        (
            {"observedGeneration": 1},
            pod_of("old", status={"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}),
            False,
        ),
    ],
)
def test_a_pod_gives_way_to_the_newest_template_where_no_process_runs_in_it(
    sets: dict[str, Any], pod: dict[str, Any], stuck: bool
) -> None:
    assert bool(stuck_pod(stateful_set(**sets), pod)) is stuck
    assert not stuck_pod(None, pod)
    assert not stuck_pod(stateful_set(**sets), None)


def volume_of(storage: dict[str, Any]) -> tuple[Any, Any]:
    return parse_quantity(storage.get("size", "10Gi")), storage.get("className")


@given(specs, st.data())
def test_hand_edits_are_healed(embedded: dict[str, Any], data: st.DataObject) -> None:
    """Whatever single value is changed by hand, exactly its object is applied again."""
    found = applied(planned(embedded, NOTHING)[0])
    wanted = {one["kind"]: one for one in objects(embedded)}
    kind = data.draw(st.sampled_from(sorted(wanted)))
    path = data.draw(st.sampled_from(list(leaves(wanted[kind]))))
    assume(path[0] in {"spec"} and "volumeClaimTemplates" not in path)
    edited = copy.deepcopy(dict(found.of(kind) or {}))
    target = edited
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = "by hand"
    changes, refused = planned(embedded, Found(objects={**found.objects, kind: edited}))
    assert [change.manifest["kind"] for change in changes] == [kind]
    assert refused is None


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in below:
        yield from leaves(one, (*path, step))
    if not isinstance(value, dict | list):
        yield path


@given(specs)
def test_what_others_add_stays(embedded: dict[str, Any]) -> None:
    found = applied(planned(embedded, NOTHING)[0])
    edited = copy.deepcopy(dict(found.of("Service") or {}))
    edited["metadata"]["labels"]["team"] = "blue"
    edited["metadata"]["annotations"]["noted"] = "yes"
    assert planned(embedded, Found(objects={**found.objects, "Service": edited})) == ((), None)


@given(specs, st.sampled_from(["Service", "NetworkPolicy", "StatefulSet"]), st.booleans())
def test_a_name_that_is_taken_is_left_alone(embedded: dict[str, Any], kind: str, earlier: bool) -> None:
    """What another made is never touched; what an earlier connection of the name had, goes by itself."""
    theirs = applied(planned(embedded, NOTHING, uid="u-0")[0]).of(kind) or {}
    if not earlier:
        theirs = {**theirs, "metadata": {**theirs["metadata"], "ownerReferences": []}}
    changes, refused = planned(embedded, Found(objects={kind: theirs}))
    assert changes == ()
    assert refused is not None
    assert refused.taken
    assert refused.passing is earlier
    assert f"{kind} team/default-engine" in refused.message


def test_the_names_are_those_that_the_connection_resolves_to() -> None:
    made = connection({})
    spec = made.resolved()
    assert spec.url == f"https://{host_names(made)[0]}:9200"
    assert spec.auth is not None
    assert made.sources == frozenset({("Secret", "default-engine")})
    assert volume_claim(made) == "data-default-engine-0"


@pytest.mark.parametrize(
    ("status", "rolled"),
    [
        ({}, False),
        ({"observedGeneration": 2, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "a"}, True),
        ({"observedGeneration": 1, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "a"}, False),
        ({"observedGeneration": 2, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "b"}, False),
        ({"observedGeneration": 2, "readyReplicas": 0, "currentRevision": "a", "updateRevision": "a"}, False),
    ],
)
def test_it_is_rolled_out_when_the_newest_pod_is_ready(status: dict[str, Any], rolled: bool) -> None:
    assert rolled_out({"metadata": {"generation": 2}, "status": status}) is rolled
    assert not rolled_out(None)


WAITING = {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no volume"}


@pytest.mark.parametrize(
    ("pod", "trouble"),
    [
        (None, ""),
        ({}, ""),
        ({"status": WAITING}, "ImagePullBackOff: no such image"),
        ({"status": {"conditions": [UNSCHEDULED]}}, "Unschedulable: no volume"),
        ({"status": {"conditions": [{**UNSCHEDULED, "status": "True"}]}}, ""),
        ({"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}}, ""),
        ({"status": {"containerStatuses": [{"state": {"running": {"startedAt": "now"}}}]}}, ""),
    ],
)
def test_what_a_pod_waits_for_is_said_in_the_words_of_kubernetes(pod: dict[str, Any] | None, trouble: str) -> None:
    assert pod_trouble(pod) == trouble
