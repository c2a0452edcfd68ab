"""What a connection's credentials come from: all that is asked for is watched, and nothing else is."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.controllers.connection.secrets import credentials, sources
from anomalyops.controllers.sources import Source
from anomalyops.resources import ElasticsearchConnection

NAMES = st.sampled_from(["one", "two", "three"])
REFERENCES = st.builds(lambda name: {"name": name}, NAMES)
BASIC = st.builds(lambda name, user: {"name": name, **user}, NAMES, st.sampled_from([{}, {"username": "elastic"}]))
AUTH = st.one_of(
    st.builds(lambda reference: {"apiKeySecretRef": reference}, REFERENCES),
    st.builds(lambda reference: {"bearerSecretRef": reference}, REFERENCES),
    st.builds(lambda reference: {"basicSecretRef": reference}, BASIC),
)
ADDRESS = st.sampled_from([{"url": "https://es:9200"}, {"urls": ["https://es:9200"]}, {"eckRef": {"name": "logs"}}])
AUTHORITY = st.one_of(
    st.just({}),
    st.builds(lambda reference: {"caSecretRef": reference}, REFERENCES),
    st.builds(lambda reference: {"caConfigMapRef": reference}, REFERENCES),
)


@given(
    st.tuples(
        ADDRESS,
        st.one_of(st.just({}), st.builds(lambda auth: {"auth": auth}, AUTH)),
        AUTHORITY,
        st.one_of(st.just({}), st.builds(lambda reference: {"clientCertificateSecretRef": reference}, REFERENCES)),
    )
)
def test_what_is_asked_for_is_what_is_watched(parts: tuple[dict[str, Any], ...]) -> None:
    spec = {name: value for part in parts for name, value in part.items()}
    connection = ElasticsearchConnection.from_object(
        {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "ElasticsearchConnection",
            "metadata": {"name": "default", "namespace": "team-a"},
            "spec": spec,
        }
    )
    asked: set[Source] = set()

    def value(source: Source, _key: str) -> str:
        asked.add(source)
        return "text"

    found = credentials(connection, value)
    assert asked == sources(connection)
    assert (found is None) == (not asked)
    assert all(source.namespace == "team-a" for source in asked)
