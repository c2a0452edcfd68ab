"""Laws: a time of a file is one when there is such a moment, in every form, one by one as many at once."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anomalyops.loader.encoding import _iso_at_once
from anomalyops_reading import columns
from anomalyops_reading.columns import Evidence, text_kinds
from anomalyops_reading.timestamps import TimeError, TimeOptions, is_iso, named
from laws import law

_YEARS = st.sampled_from([0, 1, 1900, 1999, 2000, 2023, 2024, 9999])
_DATES = st.tuples(_YEARS, st.integers(0, 13), st.integers(0, 32))
_CLOCKS = st.tuples(st.integers(0, 24), st.integers(0, 60), st.integers(0, 60)).map(
    lambda parts: ":".join(f"{part:02}" for part in parts)
)
_ZONES = st.sampled_from(["", "Z", "+00:00", "-05:30", "+14:00", "+18:00", "+18:01", "-19:00", "+02:60", "+99:99"])
_DIGITS = str.maketrans({str(digit): chr(0x660 + digit) for digit in range(10)})


def _exists(year, month, day):
    try:
        return date(year, month, day) is not None
    except ValueError:
        return False


def _moment(text):
    """The moment that ISO-8601 says, None where there is none; offsets go to eighteen hours, as servers have it."""
    if re.search(r"[+-]\d\d:[6-9]\d$", text):
        return None  # Python counts sixty minutes as another hour
    try:
        found = datetime.fromisoformat(text.replace(" ", "T"))
    except ValueError:
        return None
    offset = found.utcoffset()
    return found if offset is None or abs(offset.total_seconds()) <= 18 * 3600 else None


@st.composite
def _texts(draw):
    year, month, day = draw(_DATES)
    text = f"{year:04}-{month:02}-{day:02}{draw(st.sampled_from('T '))}{draw(_CLOCKS)}{draw(_ZONES)}"
    return text.translate(_DIGITS) if draw(st.integers(0, 9)) == 0 else text


@law(examples=500)
@given(_texts())
@example("2023-02-31T00:00:00Z")
@example("2023-02-29 12:00:00")
@example("0000-01-01T00:00:00Z")
def test_a_time_of_the_usual_form_is_one_when_there_is_such_a_moment(text):
    iso = named("iso", TimeOptions())
    moment = _moment(text)
    assert is_iso(text) == (moment is not None)
    if moment is None:
        # The last second of a minute may be a leap second.
        if ":60" not in text:
            with pytest.raises(TimeError):
                iso.convert(text)
    else:
        assert datetime.fromisoformat(str(iso.convert(text))).replace(tzinfo=None) == moment.replace(tzinfo=None)


_WAYS = {
    "dd/MM/yyyy": "{d:02}/{m:02}/{y:04}",
    "M/d/yyyy H:mm:ss": "{m}/{d}/{y:04} 1:02:03",
    "yyyy/MM/dd": "{y:04}/{m:02}/{d:02}",
    "d.M.yyyy": "{d}.{m}.{y:04}",
    "yyyyMMdd": "{y:04}{m:02}{d:02}",
    "yyyyMMdd'T'HHmmss": "{y:04}{m:02}{d:02}T010203",
    "%Y-%m-%d": "{y:04}-{m:02}-{d:02}",
    "%d/%m/%Y %H:%M": "{d:02}/{m:02}/{y:04} 01:02",
}


@law(examples=500)
@given(_DATES, st.sampled_from(sorted(_WAYS)))
@example((2023, 2, 31), "dd/MM/yyyy")
def test_a_date_is_one_in_every_form_when_the_calendar_has_it(parts, way):
    year, month, day = parts
    text, form = _WAYS[way].format(y=year, m=month, d=day), named(way, TimeOptions())
    if _exists(year, month, day):
        assert str(form.convert(text)).startswith(f"{year:04}-{month:02}-{day:02}T")
    else:
        with pytest.raises(TimeError):
            form.convert(text)


@law(examples=200)
@given(_YEARS, st.integers(0, 367), st.sampled_from(["yyyy-DDD", "%Y-%j"]))
def test_a_day_of_the_year_is_one_when_the_year_has_it(year, number, way):
    form, text = named(way, TimeOptions()), f"{year:04}-{number:03}"
    days = 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365
    if year and 1 <= number <= days:
        assert date.fromisoformat(str(form.convert(text))[:10]).timetuple().tm_yday == number
    else:
        with pytest.raises(TimeError):
            form.convert(text)


@law(examples=100)
@given(st.integers(0, 24), st.sampled_from(["AM", "pm"]))
def test_an_hour_before_or_after_noon_is_one_of_twelve(hour, half):
    form, text = named("d/M/yyyy h:mm a", TimeOptions()), f"1/2/2024 {hour}:30 {half}"
    if hour <= 12:
        assert form.convert(text) == f"2024-02-01T{hour % 12 + 12 * (half == 'pm'):02}:30:00Z"
    else:
        with pytest.raises(TimeError):
            form.convert(text)


@law(examples=500)
@given(st.lists(_texts(), min_size=1, max_size=3))
@example(["2023-02-31T00:00:00Z"])
@example(["2024-02-30 00:00:00"])
@example(["2024-01-01T00:00:00Z".translate(_DIGITS)])
def test_many_times_at_once_are_what_each_of_them_is(texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "_KEPT", 4)
        found, each = Evidence(), Evidence()
        usual = [f"2024-01-0{day}T00:00:00Z" for day in range(1, 5)]
        found.add(usual, frozenset())
        found.add(texts, frozenset())
    for text in [*usual, *texts]:
        for kind in text_kinds(text):
            each.kinds[kind] = each.kinds.get(kind, 0) + 1
    assert found.kinds == each.kinds
    made = _iso_at_once(texts)
    if made is not None:
        assert made == [named("iso", TimeOptions()).convert(text) for text in texts]


@law(examples=200)
@given(st.lists(st.integers(-999, 10**6), min_size=1, max_size=4), st.booleans())
def test_digits_of_other_scripts_are_no_numbers_of_a_file(numbers, other):
    texts = [str(number).translate(_DIGITS) if other else str(number) for number in numbers]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "_KEPT", 4)
        found = Evidence()
        found.add(["1", "2", "3", "4"], frozenset())
        found.add(texts, frozenset())
    assert found.kinds["number"] == 4 + (0 if other else len(texts))
