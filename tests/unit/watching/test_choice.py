"""Which connection an object uses: never another namespace's that does not say so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources import ConnectionReference, ElasticsearchConnection
from anomalyops.watching.choice import Known, chosen_connection, why_barred
from anomalyops.watching.options import ObjectKey

NAMESPACES = st.sampled_from(["system", "team-a", "team-b"])
NAMES = st.sampled_from(["default", "logs"])
ALLOWED = st.one_of(st.none(), st.lists(st.sampled_from(["system", "team-a", "team-b", "*"]), max_size=2, unique=True))
REFERENCES = st.one_of(
    st.none(),
    st.builds(lambda name, namespace: ConnectionReference(name=name, namespace=namespace), NAMES, NAMESPACES),
    st.builds(lambda name: ConnectionReference(name=name), NAMES),
)


def connection(key: ObjectKey, allowed: list[str] | None) -> ElasticsearchConnection:
    spec = {"url": "https://es:9200"} | ({} if allowed is None else {"allowedNamespaces": {"names": allowed}})
    made = ElasticsearchConnection.from_object(
        {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "ElasticsearchConnection",
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": spec,
        }
    )
    assert isinstance(made, ElasticsearchConnection)
    return made


@given(
    st.dictionaries(st.builds(ObjectKey, NAMESPACES, NAMES), ALLOWED),
    NAMESPACES,
    REFERENCES,
    st.sampled_from([None, ObjectKey("system", "default")]),
)
def test_nobody_uses_what_another_namespace_does_not_give(
    there: dict[ObjectKey, list[str] | None],
    namespace: str,
    reference: ConnectionReference | None,
    default: ObjectKey | None,
) -> None:
    made = {key: connection(key, allowed) for key, allowed in there.items()}
    found = chosen_connection(lambda key: Known(key in made, made.get(key)), namespace, reference, default)
    if (refusal := why_barred(found)) != "":
        assert found not in made
        assert f"does not allow namespace {namespace}" in refusal
        meant = ObjectKey(*found.name.split("/"))
        assert meant.namespace != namespace
        assert there[meant] is not None or meant != default, "the installation's serves everybody unless it says so"
        assert not {namespace, "*"} & set(there[meant] or ())
        return
    if reference is not None:
        assert found == ObjectKey(reference.namespace or namespace, reference.name)
    else:
        assert found in {ObjectKey(namespace, "default"), default}
    if found in there and found.namespace != namespace:
        allowed = there[found]
        assert {namespace, "*"} & set(allowed) if allowed is not None else found == default
