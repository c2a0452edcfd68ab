"""Files on disk: which are read, what they hold, and what is refused with which words."""

import io

import pytest

from anomalyops.local.connections import login, only_connection, targets
from anomalyops.local.errors import LocalError
from anomalyops.local.manifests import read_manifests
from anomalyops.local.pairs import pairs
from anomalyops.resources import ManifestError

CONNECTION = """
apiVersion: anomalyops.io/v1alpha1
kind: ElasticsearchConnection
metadata: {name: default}
spec: {url: "http://127.0.0.1:9200"}
"""
JOB = """
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata: {name: web}
spec:
  analysisConfig:
    bucketSpan: 1h
    detectors: [{function: count}]
  dataDescription: {timeField: time}
"""
FEED = """
apiVersion: anomalyops.io/v1alpha1
kind: Datafeed
metadata: {name: web-feed}
spec: {jobRef: {name: web}, indices: [logs]}
"""
SECURE = """
apiVersion: anomalyops.io/v1alpha1
kind: ElasticsearchConnection
metadata: {name: default}
spec:
  url: "https://es:9200"
  auth: {basicSecretRef: {name: login}}
  caSecretRef: {name: authority}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
data: {password: aHVudGVyMg==}
stringData: {username: ann}
---
apiVersion: v1
kind: Secret
metadata: {name: authority}
stringData: {ca.crt: PEM}
"""
NOBODY = login(url=None, ca_pem=None, environ={})


def read(tmp_path, **files):
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_yaml", ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_manifests([str(tmp_path)])


def test_folders_are_read_recursively_and_other_objects_left_alone(tmp_path):
    (tmp_path / "README.md").write_text("not a manifest")
    kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n"
    manifests = read(tmp_path, a_yaml=JOB, deep__er__b_yaml=FEED + "---" + CONNECTION, kustomization_yaml=kustomization)
    assert [job.name for job in manifests.jobs] == ["web"]
    assert [feed.name for feed in manifests.datafeeds] == ["web-feed"]
    assert list(manifests.connections) == [("default", "default")]


def test_standard_input(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stdin", io.StringIO(JOB))
    assert [job.name for job in read_manifests(["-"], namespace="shop").jobs] == ["web"]


def test_the_namespace_option_is_for_resources_that_name_none(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(JOB + "---" + JOB.replace("{name: web}", "{name: web, namespace: own}"))
    assert [job.namespace for job in read_manifests([str(path)], namespace="shop").jobs] == ["shop", "own"]


def test_a_missing_path_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(LocalError, match=r"nowhere\.yaml: no such file or folder"):
        read_manifests([str(tmp_path / "nowhere.yaml")])
    with pytest.raises(LocalError, match=r"no file that ends in \.yaml, \.yml, \.json"):
        read_manifests([str(tmp_path)])


def test_the_same_resource_twice_names_both_files(tmp_path):
    with pytest.raises(LocalError, match=r"AnomalyJob/web .* is in .*a\.yaml and again in .*b\.yaml"):
        read(tmp_path, a_yaml=JOB, b_yaml=JOB)


def test_problems_of_all_files_are_told_at_once(tmp_path):
    with pytest.raises(ManifestError) as caught:
        read(tmp_path, a_yaml=JOB.replace("1h", "1 hour"), b_yaml=FEED.replace("indices", "indexes"))
    assert "a.yaml" in str(caught.value)
    assert "b.yaml" in str(caught.value)


def test_a_job_and_its_datafeed_are_a_pair_wherever_they_stand(tmp_path):
    manifests = read(tmp_path, a_yaml=FEED, b_yaml=JOB, c_yaml=FEED.replace("web", "other"))
    found = pairs(manifests)
    assert [(p.job_name, p.job is not None, p.datafeed is not None) for p in found] == [
        ("web", True, True),
        ("other", False, True),
    ]


def test_two_datafeeds_of_one_job_are_refused(tmp_path):
    with pytest.raises(LocalError, match=r"'web' is the job of Datafeed/web-feed already; a job has one datafeed"):
        pairs(read(tmp_path, a_yaml=JOB, b_yaml=FEED, c_yaml=FEED.replace("web-feed", "web-more")))


def test_two_resources_with_one_id_on_a_server_are_refused(tmp_path):
    other = JOB.replace("{name: web}", "{name: other}").replace("spec:\n", "spec:\n  jobId: web\n")
    manifests = read(tmp_path, a_yaml=JOB, b_yaml=other, c_yaml=CONNECTION)
    with pytest.raises(LocalError, match=r"AnomalyJob/other .* AnomalyJob/web .* claim the same id .*'web'"):
        targets(manifests, NOBODY)


def test_the_connection_is_the_one_that_the_job_names_or_default(tmp_path):
    named = JOB.replace("{name: web}", "{name: far}").replace("spec:\n", "spec:\n  connectionRef: {name: east}\n")
    east = CONNECTION.replace("default", "east").replace("9200", "9201")
    found = targets(read(tmp_path, a_yaml=JOB, b_yaml=named, c_yaml=CONNECTION, d_yaml=east), NOBODY)
    assert {t.connection.name: [p.job_name for p in t.pairs] for t in found} == {"default": ["web"], "east": ["far"]}


def test_no_connection_says_what_to_do(tmp_path):
    manifests = read(tmp_path, a_yaml=JOB)
    with pytest.raises(LocalError, match=r"AnomalyJob/web: no ElasticsearchConnection 'default'.*or give --url"):
        targets(manifests, NOBODY)
    with pytest.raises(LocalError, match=r"which server\? Give --url; .* none"):
        only_connection(manifests, NOBODY)


def test_the_url_option_takes_all_pairs_and_credentials_come_from_the_environment(tmp_path):
    environ = {"ANOMALYOPS_USERNAME": "ann", "ANOMALYOPS_PASSWORD": "hunter2"}
    (target,) = targets(
        read(tmp_path, a_yaml=JOB, b_yaml=CONNECTION),
        login(url="http://other:9200", ca_pem="PEM", environ=environ),
    )
    assert target.connection.spec.addresses == ("http://other:9200",)
    assert target.credentials is not None
    assert (target.credentials.username, target.credentials.password, target.credentials.ca_pem) == (
        "ann",
        "hunter2",
        "PEM",
    )


def test_an_api_key_goes_first_and_half_a_login_is_refused():
    both = {"ANOMALYOPS_API_KEY": "key", "ANOMALYOPS_USERNAME": "ann"}
    credentials = login(url=None, ca_pem=None, environ=both).credentials
    assert credentials is not None
    assert (credentials.api_key, credentials.username) == ("key", None)
    with pytest.raises(LocalError, match="belong together"):
        login(url=None, ca_pem=None, environ={"ANOMALYOPS_PASSWORD": "x"})


def test_secrets_of_the_files_are_used_and_never_shown(tmp_path):
    manifests = read(tmp_path, a_yaml=JOB, b_yaml=SECURE)
    (target,) = targets(manifests, NOBODY)
    assert target.credentials is not None
    assert (target.credentials.username, target.credentials.password) == ("ann", "hunter2")
    assert target.credentials.ca_pem == "PEM"
    assert "hunter2" not in repr(target) + repr(manifests)


def test_a_secret_that_is_missing_or_lacks_its_key_is_named(tmp_path):
    without = SECURE.split("---", maxsplit=1)[0]
    with pytest.raises(LocalError, match=r"ElasticsearchConnection/default: Secret 'authority' .* --ca"):
        targets(read(tmp_path, a_yaml=JOB, b_yaml=without), NOBODY)
    lacking = SECURE.replace("password:", "pass:")
    with pytest.raises(LocalError, match=r"Secret 'login' has no 'password'; it has: "):
        targets(read(tmp_path, a_yaml=JOB, b_yaml=lacking), NOBODY)


def test_an_engine_that_runs_in_a_cluster_is_reached_by_url(tmp_path):
    connection = SECURE.split("---", maxsplit=1)[0].partition("spec:")[0] + "spec:\n  embedded: {}\n"
    manifests = read(tmp_path, a_yaml=JOB, b_yaml=connection)
    with pytest.raises(LocalError, match=r"its engine runs in a cluster \(spec\.embedded\): give --url"):
        targets(manifests, NOBODY)
    (target,) = targets(manifests, login(url="https://127.0.0.1:9200", ca_pem=None, environ={}))
    assert target.connection.spec.addresses == ("https://127.0.0.1:9200",)


def test_the_environment_stands_in_for_a_secret_that_is_not_in_the_files(tmp_path):
    text = SECURE.split("---", maxsplit=1)[0].replace("  caSecretRef: {name: authority}\n", "")
    manifests = read(tmp_path, a_yaml=JOB, b_yaml=text)
    with pytest.raises(LocalError, match=r"Secret 'login' is not in the files; add it, or set ANOMALYOPS_API_KEY"):
        targets(manifests, NOBODY)
    (target,) = targets(manifests, login(url=None, ca_pem=None, environ={"ANOMALYOPS_API_KEY": "key"}))
    assert target.credentials is not None
    assert target.credentials.api_key == "key"
