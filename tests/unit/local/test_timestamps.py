"""Time formats of files: what is recognised, what it becomes, what is refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops.local import timestamps
from anomalyops.local.timestamps import TimeFormatError

MOMENTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1))


@pytest.mark.parametrize(
    ("samples", "name", "first"),
    [
        (["2014-07-01 00:00:00", "2014-07-01 00:30:00"], "iso", "2014-07-01T00:00:00Z"),
        (["2014-07-01T00:00:00.123Z"], "iso", "2014-07-01T00:00:00.123Z"),
        (["2014-07-01T02:00:00+02:00"], "iso", "2014-07-01T02:00:00+02:00"),
        (["2014-07-01 02:00:00+02:00"], "iso", "2014-07-01T00:00:00Z"),
        (["2014-07-01"], "iso", "2014-07-01"),
        (["1404172800", "1404174600"], "epoch", 1404172800000),
        (["1404172800.25"], "epoch", 1404172800250),
        ([1404172800123], "epoch_ms", 1404172800123),
        (["13/07/2014 10:00:00"], "%d/%m/%Y %H:%M:%S", "2014-07-13T10:00:00Z"),
        (["07/13/2014 10:00:00"], "%m/%d/%Y %H:%M:%S", "2014-07-13T10:00:00Z"),
        (["13/Jul/2014:10:00:00 +0200"], "%d/%b/%Y:%H:%M:%S %z", "2014-07-13T08:00:00Z"),
    ],
)
def test_formats_are_recognised(samples, name, first):
    found = timestamps.detect(samples)
    assert found.name == name
    assert found.convert(samples[0]) == first


def test_day_and_month_that_cannot_be_told_apart_are_said_to_be_so():
    with pytest.raises(TimeFormatError, match=r"'%d/%m/%Y %H:%M:%S' or '%m/%d/%Y %H:%M:%S'.*say which"):
        timestamps.detect(["01/02/2014 10:00:00", "03/04/2014 10:00:00"])


def test_one_day_above_twelve_decides_for_the_column():
    assert timestamps.detect(["01/02/2014 10:00:00", "13/04/2014 10:00:00"]).name == "%d/%m/%Y %H:%M:%S"


@pytest.mark.parametrize("samples", [["yesterday"], ["12"], ["2014-07-01 00:00:00", "soon"]])
def test_unknown_formats_name_the_value_and_what_is_accepted(samples):
    with pytest.raises(TimeFormatError, match=r"(?s)no known time format; accepted: iso"):
        timestamps.detect(samples)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("dd/MM/yyyy HH:mm:ss", "13/07/2014 10:20:30"),
        ("yyyy-MM-dd'T'HH:mm:ss", "2014-07-13T10:20:30"),
        ("%d/%m/%Y %H:%M:%S", "13/07/2014 10:20:30"),
        ("EEE MMM dd HH:mm:ss yyyy", "Sun Jul 13 10:20:30 2014"),
    ],
)
def test_patterns_of_java_and_of_strptime_read_the_same(pattern, text):
    assert timestamps.named(pattern).convert(text) == "2014-07-13T10:20:30Z"


def test_an_unknown_letter_of_a_pattern_is_named():
    with pytest.raises(TimeFormatError, match="'qq' is not known"):
        timestamps.named("qq/MM/yyyy")


@pytest.mark.parametrize("value", ["2014-02-30 00:00:00", "2014-07-01 25:00:00", "", "x"])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(TimeFormatError, match=repr(value)):
        timestamps.ISO.convert(value)


@settings(max_examples=60)
@given(MOMENTS)
def test_every_format_gives_back_the_moment(moment):
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    seconds = int(moment.timestamp())
    texts = {
        f"{moment:%Y-%m-%d %H:%M:%S}": timestamps.ISO,
        f"{moment:%Y-%m-%dT%H:%M:%SZ}": timestamps.ISO,
        f"{moment:%d.%m.%Y %H:%M:%S}": timestamps.named("%d.%m.%Y %H:%M:%S"),
    }
    for text, fmt in texts.items():
        assert datetime.fromisoformat(str(fmt.convert(text))) == moment
    assert timestamps.EPOCH.convert(str(seconds)) == seconds * 1000
