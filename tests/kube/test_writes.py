"""What the operator writes to the Kubernetes API: each write is one that somebody reads."""

from __future__ import annotations

import re
from collections import Counter

from kube_harness.kubectl import Kubectl, Manifest
from kube_harness.processes import wait_until
from kube_harness.world import World

PAIRS = 10
SAMPLE = re.compile(r"apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)")


def writes(admin: Kubectl) -> Counter[str]:
    """Requests that the operator makes and kubectl does not: patches of its kinds, creations and patches of Events."""
    found: Counter[str] = Counter()
    for sample in SAMPLE.finditer(admin("get", "--raw", "/metrics")):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"]))
        ours = labels["group"] == "anomalyops.io" and labels["verb"] == "PATCH"
        event = labels["group"] == "events.k8s.io" and labels["verb"] in {"POST", "PATCH"}
        if ours or event:
            found["/".join(filter(None, (labels["resource"], labels["subresource"])))] += int(float(sample["count"]))
    return found


def pair(world: World, number: int) -> list[Manifest]:
    job = world.job(jobId=f"{world.job_id}-{number}")
    feed = world.datafeed(datafeedId=f"{world.datafeed_id}-{number}", jobRef={"name": f"job-{number}"})
    job["metadata"]["name"], feed["metadata"]["name"] = f"job-{number}", f"feed-{number}"
    return [job, feed]


def test_a_new_pair_costs_few_writes(world: World) -> None:
    """Two finalizers, two statuses and an Event; what the server tells later comes with the next looks."""
    world.apply(world.connection(observeInterval="5m", resyncInterval="10m"))
    world.wait_ready("elasticsearchconnection/default")
    before = writes(world.kubectl)
    world.apply(*(manifest for number in range(PAIRS) for manifest in pair(world, number)))
    names = [f"{kind}-{number}" for number in range(PAIRS) for kind in ("anomalyjob/job", "datafeed/feed")]
    world.wait_ready(*names)
    last: Counter[str] = Counter()

    def quiet() -> bool:
        nonlocal last
        now = writes(world.kubectl)
        still, last = now == last, now
        return still

    wait_until(quiet, what="no more writes", interval=3)
    each = {name: round(count / PAIRS, 1) for name, count in (last - before).items()}
    assert each["anomalyjobs"] == each["datafeeds"] == 1.0, each
    # A pair whose Datafeed comes more than a second after its job takes two plans.
    assert sum(each.values()) <= 5.4, each
