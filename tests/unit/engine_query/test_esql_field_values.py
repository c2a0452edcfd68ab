"""Law: what ES|QL reads of a field is what its doc values are, as the same document's hit shows them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import search
from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Surroundings
from anomalyops_engine.store import Store
from laws import law

_VALUES = {
    "boolean": st.booleans(),
    "long": st.integers(-3, 3),
    "integer": st.integers(-3, 3),
    "double": st.sampled_from([-1.5, 0.25, 2.0]),
    "keyword": st.sampled_from(["a", "b", "ab", ""]),
    "ip": st.sampled_from(["10.0.0.1", "::1", "10.0.0.2"]),
    "date": st.sampled_from(["2024-02-29", "2024-03-01T12:00:00.5Z", "1969-12-31"]),
}
_DOCUMENTS = st.lists(
    st.fixed_dictionaries({}, optional={kind: st.lists(one, max_size=5) for kind, one in _VALUES.items()}),
    min_size=1,
    max_size=4,
)


@law(examples=25)
@given(_DOCUMENTS)
def test_esql_reads_of_a_field_what_its_doc_values_are(documents):
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        try:
            with store.write() as writer:
                writer.create_index("i", mappings={"properties": {kind: {"type": kind} for kind in _VALUES}})
                writer.append("i", documents, ids=[str(number) for number in range(len(documents))])
            with store.read() as reader:
                indices = reader.resolve("i")
                body = {"docvalue_fields": list(_VALUES), "_source": False, "sort": "_doc"}
                hits = [hit.get("fields", {}) for hit in search(reader, indices, body)["hits"]["hits"]]
                around = Surroundings(lambda name: indices, None, 0, ("1", "2", "3"))
                statement = f"FROM i METADATA _id | SORT _id | KEEP {', '.join(_VALUES)}"
                rows = answer(reader.connection.cursor(), statement, Parameters(), around).rows
        finally:
            store.close()
    for hit, row in zip(hits, rows, strict=True):
        read = {kind: value for kind, value in zip(_VALUES, row, strict=True) if value is not None}
        assert {kind: value if isinstance(value, list) else [value] for kind, value in read.items()} == hit
