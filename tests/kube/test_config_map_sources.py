"""AnomalyFilters and AnomalyCalendars that read ConfigMaps: followed as they change, and never half."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from kube_harness.kubectl import TIMEOUT, Manifest
from kube_harness.processes import wait_until
from kube_harness.world import ACCOUNT, World

DAY = 24 * 3600


def config_map(world: World, name: str, **data: str) -> Manifest:
    metadata = {"name": name, "namespace": world.namespace}
    texts = {key.replace("_", "."): text for key, text in data.items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": texts}


def allow(world: World) -> None:
    role = "anomalyops-config-map-reader"
    world.kubectl(
        "create", "rolebinding", role, "-n", world.namespace, f"--clusterrole={role}", f"--serviceaccount={ACCOUNT}"
    )


def reading(*names: str, key: str = "items.txt") -> list[dict[str, Any]]:
    return [{"configMapRef": {"name": name, "key": key}} for name in names]


def from_config_map(world: World, *items: str, **spec: Any) -> Manifest:
    manifest = world.filter(*items, itemsFrom=reading("loud"), **spec)
    if not items:
        del manifest["spec"]["items"]
    return manifest


def items(world: World) -> list[str] | None:
    status, answer = world.engine.request("GET", f"/_ml/filters/{world.filter_id}")
    found: list[str] | None = answer["filters"][0].get("items", []) if status == 200 else None
    return found


def wait_for_items(world: World, *wanted: str) -> None:
    wait_until(lambda: items(world) == sorted(wanted), what=f"the items {wanted}")


def stays(world: World, wanted: list[str] | None) -> None:
    """Longer than a full look at the server."""
    end = time.monotonic() + 4  # meant: nothing else happens meanwhile
    while time.monotonic() < end:
        assert items(world) == wanted
        time.sleep(0.3)


def test_the_items_of_a_config_map_are_followed(world: World) -> None:
    world.apply(world.connection(), from_config_map(world))
    refused = world.condition("anomalyfilter", "Stalled", status="True", reason="SourceForbidden")
    assert f"may not read ConfigMap {world.namespace}/loud" in refused["message"]
    _, _, command = refused["message"].partition("allow it with: kubectl ")
    world.kubectl(*command.split())  # the command in the message is enough
    waits = world.condition("anomalyfilter", "Reconciling", status="True", reason="SourceNotFound")
    assert f"spec.itemsFrom[0].configMapRef: ConfigMap {world.namespace}/loud does not exist" in waits["message"]
    assert items(world) is None

    world.apply(config_map(world, "loud", other="a"))
    wrong = world.condition("anomalyfilter", "Stalled", status="True", reason="SourceInvalid")
    assert "has no key 'items.txt'; its keys: other" in wrong["message"]
    assert items(world) is None

    world.apply(config_map(world, "loud", items_txt="# by team web\nweb-1\n\n web-2 \n"))
    world.wait_ready("anomalyfilter/hosts")
    wait_for_items(world, "web-1", "web-2")
    shown = world.kubectl.get("anomalyfilter", "hosts", world.namespace)
    assert "items" not in shown["spec"]  # nothing is written into the manifest
    assert shown["status"]["itemCount"] == 2

    world.apply(config_map(world, "loud", items_txt="web-2\nweb-3\n"))
    wait_for_items(world, "web-2", "web-3")

    world.apply(config_map(world, "loud", items_txt="web-4\nweb\x07-5\n"))
    bad = world.condition("anomalyfilter", "Stalled", status="True", reason="SourceInvalid")
    assert "ConfigMap loud, key items.txt: line 2 holds the control character U+0007" in bad["message"]
    stays(world, ["web-2", "web-3"])

    world.kubectl("delete", "configmap", "loud", "-n", world.namespace)
    world.condition("anomalyfilter", "Reconciling", status="True", reason="SourceNotFound")
    world.engine.call("POST", f"/_ml/filters/{world.filter_id}/_update", {"add_items": ["by-hand"]})
    stays(world, ["by-hand", "web-2", "web-3"])  # what is wanted is not known

    world.apply(config_map(world, "loud", items_txt="web-6"), from_config_map(world, "own"))
    wait_for_items(world, "own", "web-6")
    world.wait_ready("anomalyfilter/hosts")

    world.kubectl("delete", "configmap", "loud", "-n", world.namespace)
    world.condition("anomalyfilter", "Reconciling", status="True", reason="SourceNotFound")
    world.apply(from_config_map(world, "own", deletionPolicy="Delete"))
    world.kubectl("delete", "anomalyfilter/hosts", "-n", world.namespace, TIMEOUT)  # without its ConfigMap
    assert items(world) is None


def test_a_config_map_of_a_megabyte_is_followed(world: World, tmp_path: Path) -> None:
    def write(text: str) -> None:
        """As plain `kubectl apply` cannot, which keeps a copy in an annotation."""
        file = tmp_path / "loud.json"
        file.write_text(json.dumps(config_map(world, "loud", items_txt=text)), encoding="utf-8")
        world.kubectl("apply", "--server-side", "-f", file)

    allow(world)
    many = [f"{'host-' * 18}{number:05}" for number in range(9_000)]
    world.apply(world.connection())
    write("\n".join(many[:-1]))
    world.apply(from_config_map(world))
    world.wait_ready("anomalyfilter/hosts")
    assert items(world) == many[:-1]
    write("\n".join(many))
    wait_for_items(world, *many)


def events(world: World) -> list[str]:
    status, answer = world.engine.request("GET", f"/_ml/calendars/{world.calendar_id}/events?size=1000")
    found = answer["events"] if status == 200 else []
    return sorted(one["description"] for one in found if not one["description"].startswith("[anomalyops.io"))


def file_of(*events: tuple[str, str]) -> str:
    """A file that begins yesterday at two in Berlin, with its time zone as calendars write it."""
    day = time.strftime("%Y%m%d", time.gmtime(time.time() - DAY))
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//team//EN"]
    for number, (summary, rule) in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", f"SUMMARY:{summary}", f"DTSTART;TZID=Europe/Berlin:{day}T020000"]
        lines += ["DURATION:PT2H", *([f"RRULE:{rule}"] if rule else []), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def test_the_events_of_a_config_map_are_followed(world: World) -> None:
    allow(world)
    calendar = world.calendar(ics=reading("team", key="team.ics"), jobIds=["_all"])
    del calendar["spec"]["events"]
    file = config_map(world, "team", team_ics=file_of(("Backup", "FREQ=DAILY;COUNT=5")))
    world.apply(world.connection(), calendar, file)
    world.wait_ready("anomalycalendar/holidays")
    assert events(world) == ["Backup"] * 5

    world.apply(config_map(world, "team", team_ics=file_of(("Backup", "FREQ=DAILY;COUNT=3"), ("Sale", ""))))
    wait_until(lambda: events(world) == ["Backup"] * 3 + ["Sale"], what="the other events")

    bad = file_of(("Fair", ""), ("Backup", "FREQ=SECONDLY"))
    world.apply(config_map(world, "team", team_ics=bad))
    refused = world.condition("anomalycalendar", "Stalled", status="True", reason="SourceInvalid")
    assert "spec.ics[0].configMapRef: ConfigMap team, key team.ics: event Backup: RRULE" in refused["message"]
    assert events(world) == ["Backup"] * 3 + ["Sale"]  # neither the one nor the other

    world.apply(config_map(world, "team", team_ics=file_of(("Fair", ""))))
    wait_until(lambda: events(world) == ["Fair"], what="the good file")
    world.wait_ready("anomalycalendar/holidays")


def test_more_config_maps_than_a_client_has_connections(world: World) -> None:
    """Each is watched for itself, and other requests go on."""
    allow(world)
    world.apply(world.connection())
    manifests, count = [], 130
    for number in range(count):
        one = from_config_map(world, filterId=f"{world.namespace}-{number}", deletionPolicy="Delete")
        one["metadata"]["name"] = f"many-{number}"
        one["spec"]["itemsFrom"] = reading(f"many-{number}")
        manifests += [config_map(world, f"many-{number}", items_txt=f"item-{number}"), one]
    world.apply(*manifests)
    world.wait_ready(*(f"anomalyfilter/many-{number}" for number in (0, 99, 100, count - 1)))
    world.apply(*(config_map(world, f"many-{number}", items_txt=f"changed-{number}") for number in range(count)))

    def changed() -> bool:
        found = world.engine.call("GET", f"/_ml/filters/{world.namespace}-*?size=1000")["filters"]
        return sum(one["items"][0].startswith("changed-") for one in found) == count

    wait_until(changed, what="all of them changed")
    world.kubectl("delete", "anomalyfilters", "--all", "-n", world.namespace, TIMEOUT)
