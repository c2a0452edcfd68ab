"""Documents as columns: the same as one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.query import search
from anomalyops_engine.store import Frame, Store

FRAME_MAPPINGS = {
    "properties": {
        "name": {"type": "keyword"},
        "who": {"type": "keyword"},
        "time": {"type": "date"},
        "n": {"type": "long"},
        "x": {"type": "double"},
        "final": {"type": "boolean"},
    }
}
TEXTS = st.text(max_size=4)


@settings(max_examples=25)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2**53), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
        min_size=1,
        max_size=5,
    ),
    name=TEXTS,
    lists=st.booleans(),
    dynamic=st.booleans(),
)
def test_a_frame_is_what_its_documents_one_by_one_would_be(tmp_path_factory, rows, name, lists, dynamic):
    """Whatever the texts hold, also where a column has become one of lists and where the mapping has to grow."""
    numbers, floats, texts = zip(*rows, strict=True)
    fields = {
        "name": name,
        "time": np.array(numbers, dtype=np.int64),
        "n": 3,
        "x": np.array(floats),
        "final": False,
        "who": list(texts),
        "none": [],
        **({"100%": "new"} if dynamic else {}),
    }
    frame = Frame([f"id{number}" for number in range(len(rows))], fields)
    assert frame.documents() == [
        {**fields, "time": time, "x": x, "who": text} for time, x, text in zip(numbers, floats, texts, strict=True)
    ]
    store = Store.open(tmp_path_factory.mktemp("frames"))
    shown = []
    with store.write() as writer:
        for index in ("framed", "single"):
            writer.create_index(index, mappings=FRAME_MAPPINGS)
            if lists:
                writer.append(index, [{"x": [1.0, 2.0]}], ids=["list"])
        writer.append_frame("framed", frame)
        writer.append("single", frame.documents(), ids=frame.ids)
        assert writer.index("framed").mapping == writer.index("single").mapping
        for index in ("framed", "single"):
            body = {"size": 20, "sort": ["time", "x"], "docvalue_fields": ["*"]}
            hits = search(writer, writer.resolve(index), body)["hits"]["hits"]
            shown.append([(hit["_id"], hit["_source"], hit.get("fields"), hit["sort"]) for hit in hits])
    store.close()
    assert sorted(shown[0], key=repr) == sorted(shown[1], key=repr)


def test_a_frame_makes_the_index_that_is_not_there(tmp_path):
    store = Store.open(tmp_path / "data")
    with store.write() as writer:
        writer.append_frame("new", Frame(["1", "2"], {"n": np.array([1, 2]), "k": "x"}))
        hits = search(writer, writer.resolve("new"), {"sort": ["n"]})["hits"]["hits"]
    store.close()
    assert [(hit["_id"], hit["_source"]) for hit in hits] == [("1", {"n": 1, "k": "x"}), ("2", {"n": 2, "k": "x"})]
