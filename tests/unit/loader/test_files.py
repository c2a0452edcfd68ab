"""Compression and encoding are found in the bytes of a file, whatever its name says."""

import bz2
import gzip
import lzma

import pytest
import zstandard
from reading import read

from anomalyops.loader import LoadError
from anomalyops.loader.files import detect_encoding
from anomalyops.loader.loading import FileOptions

TEXT = "t,stadt,v\n2024-01-01,München,1\n2024-01-02,Köln … Süd,2\n"


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst", "a.csv.bz2", "a.csv.xz"])
def test_compressed_files(tmp_path, compress, name):
    path = tmp_path / name
    path.write_bytes(compress(TEXT.encode()))
    assert [document["stadt"] for document in read(path).documents] == ["München", "Köln … Süd"]


def test_several_compressed_members_are_read_on(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode()) + gzip.compress(b"2024-01-03,Bonn,3\n"))
    assert [document["v"] for document in read(path).documents] == [1, 2, 3]
    path.write_bytes(zstandard.compress(TEXT.encode()) + zstandard.compress(b"2024-01-03,Bonn,3\n"))
    assert [document["v"] for document in read(path).documents] == [1, 2, 3]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_file_is_named(tmp_path, compress):
    path = tmp_path / "a.csv"
    path.write_bytes(compress((TEXT + "2024-01-03,Bonn,3\n" * 50_000).encode())[:-30])
    with pytest.raises(LoadError, match=r"a\.csv: the file is damaged"):
        read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_are_recognised(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode(encoding))
    found = read(path)
    assert [document["stadt"] for document in found.documents] == ["München", "Köln … Süd"]
    assert list(found.documents[0]) == ["t", "stadt", "v"]
    if encoding == "cp1252":
        assert any("line 2 is not UTF-8; read as cp1252" in note for note in found.source.notes)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("café à la crème\n" * 20, "cp1252"),
        ("L\u2019été dernier, François a déjà préféré le café. Où êtes-vous? Garçon, ça va\n", "cp1252"),
        ("Müller, Größe, Straße, über, Äpfel\n" * 3, "cp1252"),
        ("São Paulo\nBrasília\nGoiânia\nMaceió\n", "cp1252"),
        ("München\n", "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy\nčeština je těžká řeč\n", "cp1250"),
        ("Zażółć gęślą jaźń\nwąż idzie przez łąkę\n", "cp1250"),
        ("Привет как дела это русский текст\n", "cp1251"),
    ],
)
def test_code_pages_of_one_byte_are_told_apart_by_what_they_make_of_the_text(tmp_path, text, encoding):
    path = tmp_path / "a.csv"
    rows = [f"2024-01-01T00:00:00Z;{line}" for line in text.splitlines()]
    path.write_bytes("\n".join(["t;name", *rows, ""]).encode(encoding))
    assert [document["name"] for document in read(path).documents] == text.splitlines()


def test_an_encoding_that_is_named_is_used(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("t,v,s\n2024-01-01,1,東京\n".encode("shift_jis"))
    assert read(path, options=FileOptions(encoding="shift_jis")).documents[0]["s"] == "東京"
    for name, says in (("shiftjis2", "not known"), ("base64", "no encoding of text")):
        with pytest.raises(LoadError, match=says):
            read(path, options=FileOptions(encoding=name))


def test_few_bad_lines_among_good_ones_are_rejected_by_line(tmp_path):
    lines = [f"2024-01-01,Köln {n},{n}".encode() for n in range(100)]
    lines[40] = b"2024-01-01,K\xf6ln,40"
    path = tmp_path / "a.csv"
    path.write_bytes(b"t,stadt,v\n" + b"\n".join(lines))
    found = read(path)
    assert found.reasons == [(42, "bytes that are no text in the encoding of the file")]
    assert len(found.documents) == 99


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(LoadError, match=r"a\.csv: (the file is empty|there is no row)"):
        read(path)


def test_what_is_not_there_or_not_known(tmp_path):
    with pytest.raises(LoadError, match="No such file"):
        detect_encoding(tmp_path / "no.csv")
    (tmp_path / "a.xls").write_text("x")
    with pytest.raises(LoadError, match="--format says it: csv, json, parquet"):
        read(tmp_path / "a.xls")
    (tmp_path / "access.log").write_text("x")
    with pytest.raises(LoadError, match="--format says what: apache, nginx, syslog"):
        read(tmp_path / "access.log")
