"""Parquet and Arrow files bring their own types."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from reading import read

from anomalyops.loader import LoadError

TABLE = pa.table(
    {
        "t": pa.array([datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), None], pa.timestamp("ms", tz="UTC")),
        "v": [1.5, float("nan")],
        "n": [2**62, None],
        "d": pa.array([Decimal("1.25"), Decimal("7.00")], pa.decimal128(10, 2)),
        "tags": [["a", "b"], []],
        "inner": [{"x": 1}, {"x": 2}],
    }
)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather"])
def test_columnar_files(tmp_path, name):
    path = tmp_path / name
    if name == "a.parquet":
        pq.write_table(TABLE, path)
    elif name == "a.feather":
        feather.write_feather(TABLE, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, TABLE.schema) as writer:
            writer.write_table(TABLE)
    found = read(path)
    assert found.documents == [
        {"t": "2024-05-06T07:08:09Z", "v": 1.5, "n": 2**62, "d": 1.25, "tags": ["a", "b"], "inner": {"x": 1}}
    ]
    assert found.reasons == [(2, "t: no value")]
    assert found.types == {"t": "date", "v": "double", "n": "long", "d": "double", "tags": "keyword", "inner.x": "long"}


def test_what_is_no_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_text("no parquet")
    with pytest.raises(LoadError, match=r"a\.parquet: "):
        read(path)
