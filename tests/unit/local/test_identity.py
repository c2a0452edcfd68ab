"""Who a folder of manifests is: a file says so, a repository, or its path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.local.errors import LocalError
from anomalyops.local.identity import _normal, owner_of_folder
from anomalyops.local.manifests import read_manifests

JOB = """
apiVersion: anomalyops.io/v1alpha1
kind: AnomalyJob
metadata: {name: web}
spec:
  analysisConfig: {bucketSpan: 1h, detectors: [{function: count}]}
  dataDescription: {timeField: time}
"""
FEED = """
apiVersion: anomalyops.io/v1alpha1
kind: Datafeed
metadata: {name: web-feed}
spec: {jobRef: {name: web}, indices: [logs]}
"""


def repository(folder, url, remote="origin"):
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text(
        f'[core]\n\tbare = false\n[remote "{remote}"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
        '[branch "main"]\n\tremote = origin\n'
    )
    return folder


def test_a_folder_without_a_repository_is_its_path(tmp_path):
    assert owner_of_folder(tmp_path / "r1") == f"dir:{tmp_path}/r1"
    assert owner_of_folder(tmp_path / "r1") != owner_of_folder(tmp_path / "r2")


@pytest.mark.parametrize(
    "url",
    [
        "git@github.com:acme/jobs.git",
        "https://github.com/acme/jobs",
        "https://token:x-oauth@GitHub.com/acme/jobs.git",
        "ssh://git@github.com/acme/jobs.git",
    ],
)
def test_a_repository_is_the_same_by_any_protocol_and_in_any_checkout(tmp_path, url):
    one, other = repository(tmp_path / "a", url), repository(tmp_path / "b", "https://github.com/acme/jobs")
    (one / "prod").mkdir()
    assert owner_of_folder(one) == owner_of_folder(other) == "git:github.com/acme/jobs"
    assert owner_of_folder(one / "prod") == "git:github.com/acme/jobs//prod"


@given(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), st.from_regex(r"[A-Za-z0-9_%-]{1,20}", fullmatch=True))
def test_no_password_of_a_remote_is_ever_part_of_an_owner(user, password):
    assert _normal(f"https://{user}:{password}@git.example/acme/jobs.git") == "git.example/acme/jobs"
    assert _normal(f"https://{password}@git.example:8443/acme/jobs") == "git.example:8443/acme/jobs"


def test_a_worktree_is_its_repository(tmp_path):
    main = repository(tmp_path / "main", "git@github.com:acme/jobs.git")
    (main / ".git" / "worktrees" / "w").mkdir(parents=True)
    (main / ".git" / "worktrees" / "w" / "commondir").write_text("../..\n")
    tree = tmp_path / "w"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {main}/.git/worktrees/w\n")
    assert owner_of_folder(tree) == owner_of_folder(main)


def test_a_repository_without_a_remote_is_its_path(tmp_path):
    (tmp_path / ".git").mkdir()
    assert owner_of_folder(tmp_path) == f"dir:{tmp_path}"


def test_a_remote_of_another_name_will_do(tmp_path):
    assert owner_of_folder(repository(tmp_path / "r", "/srv/git/jobs.git", "upstream")) == "git:/srv/git/jobs"


def test_a_file_speaks_for_its_folder_and_all_below(tmp_path):
    repository(tmp_path / "r", "git@github.com:acme/jobs.git")
    (tmp_path / "r" / "team").mkdir()
    (tmp_path / "r" / ".anomalyops-owner").write_text("acme jobs\n")
    assert owner_of_folder(tmp_path / "r" / "team") == "acme jobs"


@pytest.mark.parametrize("text", ["", "\n", "a\nb", "x" * 300])
def test_a_file_that_names_nobody_is_an_error(tmp_path, text):
    (tmp_path / ".anomalyops-owner").write_text(text)
    with pytest.raises(LocalError, match=r"\.anomalyops-owner: an owner is one line"):
        owner_of_folder(tmp_path)


def test_a_file_and_its_folder_are_one_owner_and_an_option_overrides_both(tmp_path):
    (tmp_path / "all.yaml").write_text(f"{JOB}\n---\n{FEED}")
    for named in (tmp_path, tmp_path / "all.yaml"):
        read = read_manifests([str(named)])
        assert {resource.metadata.uid for resource in (*read.jobs, *read.datafeeds)} == {f"dir:{tmp_path}"}
    assert read_manifests([str(tmp_path)], owner="ours").jobs[0].metadata.uid == "ours"


def test_a_uid_in_a_file_says_nothing(tmp_path):
    """As `kubectl get -o yaml` writes it: the files are not the cluster."""
    (tmp_path / "all.yaml").write_text(JOB.replace("{name: web}", "{name: web, uid: abc}"))
    assert read_manifests([str(tmp_path)]).jobs[0].metadata.uid == f"dir:{tmp_path}"


def test_taking_over_leaves_what_a_manifest_says_itself(tmp_path):
    own = JOB.replace("spec:\n", "spec:\n  takeOverFrom: dir:/mine\n")
    (tmp_path / "a.yaml").write_text(own)
    (tmp_path / "b.yaml").write_text(JOB.replace("name: web", "name: other"))
    read = read_manifests([str(tmp_path)])
    read.take_over_from("dir:/theirs")
    assert [job.spec.take_over_from for job in read.jobs] == ["dir:/mine", "dir:/theirs"]
