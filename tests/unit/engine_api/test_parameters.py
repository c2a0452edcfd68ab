"""Every query parameter that the official client can send is read, harmless, or refused by its name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match

sys.path.insert(0, str(Path(__file__).parent))

from client_specification import ClientCall, client_calls

from anomalyops_engine.api.app import create_app
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.parameters import COMMON, READERS
from anomalyops_engine.jobs import JobService
from anomalyops_engine.store import Store


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The endpoint of each client call that the engine serves."""
    store = Store.open(tmp_path_factory.mktemp("data"))
    endpoints = create_app(store, JobService(store)).state.endpoints
    store.close()
    routes = [(endpoint.route(), endpoint) for endpoint in endpoints]

    def find(call: ClientCall, method: str):
        scope = {"type": "http", "path": call.path, "method": method}
        return next((endpoint for route, endpoint in routes if route.matches(scope)[0] == Match.FULL), None)

    found = {}
    for call in client_calls():
        for method in call.methods:
            endpoint = find(call, method)
            if endpoint is not None and endpoint.parameters is not None:
                found[call.name, call.path, method] = (call, endpoint)
    return found


def test_the_calls_of_the_client_were_read(served):
    names = {name for name, _, _ in served}
    assert len(names) > 45
    assert {"search", "bulk", "update", "indices.get_alias", "cluster.health", "ml.put_job", "ml.get_records"} <= names


def test_no_parameter_of_the_client_is_unknown(served):
    gaps = {
        (name, parameter)
        for (name, _, _), (call, endpoint) in served.items()
        for parameter in call.parameters - COMMON
        if parameter not in endpoint.parameters.read | endpoint.parameters.idle | endpoint.parameters.missing
    }
    assert not gaps


def test_every_served_parameter_has_a_reader_and_one_meaning(served):
    for _, endpoint in served.values():
        known = endpoint.parameters
        assert known.read | known.idle | COMMON <= READERS.keys()
        assert not known.read & known.idle
        assert not known.missing & (known.read | known.idle)


@given(st.data(), st.text(max_size=12))
def test_any_value_is_read_or_refused_by_name(served, data, value):
    _, endpoint = data.draw(st.sampled_from(sorted(served.values(), key=lambda pair: pair[0].name)))
    names = st.sampled_from(sorted(endpoint.parameters.read | endpoint.parameters.idle | COMMON)) | st.text(max_size=9)
    name = data.draw(names)
    error = _refusal(endpoint, name, value)
    if error is not None:
        assert error.status in {400, 501, 503}
        assert name in error.reason or value in error.reason or error.status == 503


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("batched_reduce_size", "1", "batchedReduceSize must be >= 2"),
        ("search_type", "query_and_fetch", "one of [query_then_fetch, dfs_query_then_fetch]"),
        ("expand_wildcards", "open,shut", "one of [open, closed, hidden, none, all]"),
        ("timeout", "5", "as a time value"),
        ("format", "yaml", "[format=yaml] is not supported"),
        ("size", "ten", "Failed to parse int parameter [size] with value [ten]"),
        ("ignore_unavailable", "yes", "only [true] or [false]"),
        ("scroll", "1", "as a time value"),
        ("terminate_after", "5", "[terminate_after] of [/x] is not supported"),
        ("fron", "1", "unrecognized parameter: [fron] -> did you mean [from]?"),
    ],
)
def test_what_a_search_refuses(served, name, value, says):
    endpoint = next(endpoint for key, (_, endpoint) in served.items() if key[:2] == ("search", "/_search"))
    error = _refusal(endpoint, name, value)
    assert error is not None
    assert says in error.reason


def _refusal(endpoint, name, value):
    try:
        endpoint.parameters.check("/x", {name: value})
    except ApiError as error:
        return error
    return None
