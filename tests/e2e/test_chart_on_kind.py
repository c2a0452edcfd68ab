"""The chart on a kind cluster: a pod of the image, under the restricted profile, makes a job run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NAMESPACE = "anomalyops-system"

ENGINE = """
apiVersion: v1
kind: Pod
metadata: {name: engine, labels: {app: engine}}
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 65532, fsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: engine
      image: anomalyops-engine:e2e
      ports: [{containerPort: 9200}]
      readinessProbe: {httpGet: {path: /, port: 9200}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: engine}
spec: {selector: {app: engine}, ports: [{port: 9200}]}
"""

RESOURCES = """
apiVersion: anomalyops.io/v1alpha1
kind: ElasticsearchConnection
metadata: {name: default}
spec: {url: "http://engine:9200", observeInterval: 2s}
---
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata: {name: requests}
spec:
  analysisConfig: {bucketSpan: 15m, detectors: [{function: count}]}
  dataDescription: {timeField: "@timestamp"}
---
apiVersion: anomalyops.io/v1alpha1
kind: Datafeed
metadata: {name: requests}
spec: {jobRef: {name: requests}, indices: [requests]}
"""


@pytest.mark.timeout(2400)
def test_the_chart_makes_a_job_run(kind_cluster: str, run: Callable[..., str]) -> None:
    kubectl = ["kubectl", "--context", kind_cluster, "-n", NAMESPACE]
    image = ["--set", "image.repository=anomalyops", "--set", "image.tag=e2e"]
    chart = str(ROOT / "charts" / "anomalyops")
    release = ["helm", "--kube-context", kind_cluster, "-n", NAMESPACE, "install", "anomalyops", chart]
    run(*release, "--create-namespace", "--wait", "--timeout", "5m", *image)
    run(
        "kubectl",
        "--context",
        kind_cluster,
        "label",
        "namespace",
        NAMESPACE,
        "pod-security.kubernetes.io/enforce=restricted",
    )

    run(*kubectl, "apply", "-f", "-", stdin=ENGINE)
    run(*kubectl, "wait", "--for=condition=Ready", "--timeout=180s", "pod/engine")
    mapping = {"mappings": {"properties": {"@timestamp": {"type": "date"}}}}
    code = (
        "import urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:9200/requests', method='PUT', "
        f"headers={{'Content-Type': 'application/json'}}, data={json.dumps(mapping)!r}.encode()))"
    )
    run(*kubectl, "exec", "engine", "--", "python", "-c", code)

    run(*kubectl, "apply", "-f", "-", stdin=RESOURCES)
    names = ["elasticsearchconnection/default", "anomalyjob/requests", "datafeed/requests"]
    run(*kubectl, "wait", "--for=condition=Ready", "--timeout=120s", *names)

    run(*kubectl, "delete", "anomalyjob/requests", "datafeed/requests", "--timeout=60s")
    run("helm", "--kube-context", kind_cluster, "-n", NAMESPACE, "uninstall", "anomalyops", "--wait")
    crds = run("kubectl", "--context", kind_cluster, "get", "crd", "-o", "name")
    assert "anomalyjobs.anomalyops.io" in crds
