"""Which privileges grant what, in Elasticsearch's order, and laws of implying."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.app import create_app
from anomalyops_engine.jobs import JobService
from anomalyops_engine.security.actions import action_of
from anomalyops_engine.security.errors import SecurityError
from anomalyops_engine.security.passwords import hashed_password, hashed_secret, is_password, is_secret
from anomalyops_engine.security.privileges import CLUSTER, INDEX, granting, is_cluster_action
from anomalyops_engine.security.roles import RESERVED, Role, parse_role
from anomalyops_engine.store import Store

_ACTIONS = st.sampled_from(
    [pattern.replace("*", "x") for table in (CLUSTER, INDEX) for one in table.values() for pattern in one.patterns]
)


@pytest.mark.parametrize(
    ("action", "names"),
    [
        ("cluster:monitor/main", ["monitor", "manage", "all"]),
        ("cluster:admin/xpack/ml/job/put", ["manage_ml", "manage", "all"]),
        ("indices:admin/index_template/put", ["manage_index_templates", "manage", "all"]),
        ("indices:data/read/search", ["read", "all"]),
        ("indices:data/write/index", ["create_doc", "create", "index", "write", "all"]),
        ("indices:data/write/delete/byquery", ["delete", "write", "all"]),
        ("indices:admin/create", ["create_index", "manage", "all"]),
    ],
)
def test_privileges_that_grant_an_action_are_told_as_elasticsearch_tells_them(action, names):
    assert granting(action) == names


@given(st.sampled_from([CLUSTER, INDEX]), st.data(), _ACTIONS)
def test_what_implies_another_grants_all_that_it_grants(table, data, action):
    one, other = (table[data.draw(st.sampled_from(sorted(table)))] for _ in range(2))
    if one.implies(other) and other.grants(action):
        assert one.grants(action)
    assert one.implies(one)


def test_every_endpoint_asks_for_an_action_that_some_privilege_short_of_all_grants(tmp_path):
    store = Store.open(tmp_path)
    endpoints = create_app(store, JobService(store)).state.endpoints
    store.close()
    for endpoint in endpoints:
        for method in endpoint.methods.split():
            action = action_of(method, endpoint.path)
            assert len(granting(action.name)) > 1 or action.name.startswith("cluster:admin/xpack/security/user/"), (
                endpoint
            )
            assert action.on_path == ("{index" in endpoint.path)
            if action.on_path:
                assert not is_cluster_action(action.name) or endpoint.path.startswith("/_cluster"), endpoint


def test_roles_read_what_they_show():
    for name, role in RESERVED.items():
        shown = {**role.show(), "run_as": [], "metadata": {}}
        again = parse_role(shown)
        assert (again.cluster, again.indices, again.applications) == (role.cluster, role.indices, role.applications), (
            name
        )


_WORDS = ["cluster", "indices", "names", "privileges", "query", "applications", "metadata", "x"]
_BODIES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=4) | st.integers(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=3),
)


@given(_BODIES)
def test_whatever_is_sent_as_a_role_is_one_or_is_refused(body):
    with contextlib.suppress(SecurityError):
        assert isinstance(parse_role(body), Role)


@given(st.text(max_size=20), st.text(max_size=20))
def test_secrets_are_told_apart(one, other):
    assert is_secret(other, hashed_secret(one)) == (one == other)
    assert one not in hashed_secret(one) or len(one) < 3


def test_passwords_are_told_apart():
    kept = hashed_password("a long way")
    assert is_password("a long way", kept)
    assert not is_password("a long wa", kept)
    assert kept != hashed_password("a long way")
