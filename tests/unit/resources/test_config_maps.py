"""What resources read from ConfigMaps: as if it had been written into the manifest, or a problem that names it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan import expanded
from anomalyops.resources import (
    AnomalyCalendar,
    AnomalyFilter,
    Reason,
    SecretManifest,
    texts_among,
    with_texts,
)
from anomalyops.resources.filter import read_items
from laws import law

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
ABSENT = "is not there"


def resource(model, **spec):
    return model.from_object(
        {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": model.KIND,
            "metadata": {"name": "shared", "namespace": "team"},
            "spec": spec,
        }
    )


def config_maps(**texts):
    """ConfigMaps of one key each, `text`."""
    found = {}
    for name, text in texts.items():
        data = {"text": text if isinstance(text, bytes) else text.encode()}
        found["ConfigMap", "team", name] = SecretManifest(name=name, namespace="team", kind="ConfigMap", data=data)
    return found


def read(one, known):
    return with_texts(one, texts_among(known, "team", absent=ABSENT))


def reference(name, key="text"):
    return {"configMapRef": {"name": name, "key": key}}


# -- items ---------------------------------------------------------------------------------------------------------

CHARACTERS = st.characters(exclude_categories=("Cc", "Cs"))
ITEMS = st.text(CHARACTERS, min_size=1, max_size=20).filter(
    lambda text: text == text.strip() and text[0] not in "#\ufeff"
)
BETWEEN = st.lists(st.sampled_from(["", "  ", "# a comment", "\t# another", "#"]), max_size=3)


@st.composite
def written_lists(draw):
    """Items, and texts in which they stand one a line, among blank lines and comments."""
    lists = draw(st.lists(st.lists(ITEMS, min_size=1, max_size=5), min_size=1, max_size=4))
    texts = []
    for items in lists:
        lines = []
        for item in items:
            lines += [*draw(BETWEEN), draw(st.sampled_from(["", " ", "\t"])) + item + draw(st.sampled_from(["", "  "]))]
        end = draw(st.sampled_from(["\n", "\r\n"]))
        texts.append(draw(st.sampled_from(["", "\ufeff"])) + end.join(lines) + draw(st.sampled_from(["", end])))
    return lists, texts


@law(examples=150)
@given(written=written_lists(), inline=st.none() | st.lists(ITEMS, max_size=3, unique=True))
def test_items_of_config_maps_are_those_of_the_manifest(written, inline):
    lists, texts = written
    names = [f"m{number}" for number in range(len(texts))]
    spec = {"itemsFrom": [reference(name) for name in names]} | ({} if inline is None else {"items": inline})
    found, problems = read(resource(AnomalyFilter, **spec), config_maps(**dict(zip(names, texts, strict=True))))
    assert problems == ()
    together = list(dict.fromkeys([*(inline or []), *(item for items in lists for item in items)]))
    assert found.spec.items == together
    assert found == resource(AnomalyFilter, items=together).model_copy(update={"spec": found.spec})
    assert found.config_maps == frozenset()


@law(examples=200)
@given(value=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass")))
def test_any_value_gives_items_or_one_problem_that_names_it(value):
    found, problems = read(resource(AnomalyFilter, itemsFrom=[reference("m")]), config_maps(m=value))
    if problems:
        (problem,) = problems
        assert (problem.field, problem.reason, problem.waiting) == (
            "spec.itemsFrom[0].configMapRef",
            Reason.SOURCE_INVALID,
            False,
        )
        assert "m" in problem.message
        assert "text" in problem.message
    else:
        assert found.spec.items
        resource(AnomalyFilter, items=found.spec.items)  # the manifest would accept them


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\nb\x00c\n", "key text: line 2 holds the control character U+0000"),
        ("a\n\n" + "x" * 1025, "key text: line 3 has 1,025 characters: an item has at most 1,024"),
        ("# all gone\n\n", "key text: no item in this text: write one a line"),
        ("", "no item in this text"),
        ("\n".join(f"host-{number}" for number in range(10_001)), "there are 10,001 items in all"),
        (b"\xff\xfe", "the value of 'text' is not text"),
    ],
)
def test_what_is_no_list_is_said_with_its_line(text, says):
    _, (problem,) = read(resource(AnomalyFilter, itemsFrom=[reference("loud")]), config_maps(loud=text))
    assert says in problem.message
    assert problem.reason is Reason.SOURCE_INVALID


def test_a_line_is_an_item_whatever_it_holds():
    assert list(read_items("  30.156.16.164 \n*.example.com\nhost # 7\n")) == [
        "30.156.16.164",
        "*.example.com",
        "host # 7",
    ]


# -- files ---------------------------------------------------------------------------------------------------------

RULES = ["", "RRULE:FREQ=DAILY;COUNT=5", "RRULE:FREQ=WEEKLY;BYDAY=MO,SU", "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1"]
STARTS = [
    "DTSTART:20260301T020000Z",
    "DTSTART;VALUE=DATE:20260315",
    "DTSTART;TZID=Europe/Berlin:20260320T233000",
    "DTSTART:20260310T100000",
]


@st.composite
def files(draw):
    """The text of a calendar."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for number in range(draw(st.integers(1, 4))):
        start = draw(st.sampled_from(STARTS))
        length = "DURATION:P1D" if "VALUE=DATE" in start else draw(st.sampled_from(["DURATION:PT2H", "DURATION:P1D"]))
        lines += ["BEGIN:VEVENT", f"UID:{number}", f"SUMMARY:{draw(st.sampled_from(['backup', 'sale', 'Wartung ü']))}"]
        lines += [start, length, *filter(None, [draw(st.sampled_from(RULES))]), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR"]) + "\r\n"


@law(examples=80)
@given(
    text=files(),
    other=files(),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Auckland"]),
    effects=st.sampled_from([{}, {"skipResult": False}, {"forceTimeShift": 3600}]),
)
def test_events_of_config_maps_are_those_of_the_same_file_in_the_manifest(text, other, zone, effects):
    more = {"timeZone": zone, "events": [{"description": "once", "start": "2026-03-11", "end": "2026-03-12"}]}
    referred = resource(AnomalyCalendar, ics=[reference("m") | effects, {"inline": other}], **more)
    written = resource(AnomalyCalendar, ics=[{"inline": text} | effects, {"inline": other}], **more)
    found, problems = read(referred, config_maps(m="\ufeff" + text))
    assert problems == ()
    assert expanded(found.spec, NOW) == expanded(written.spec, NOW)
    assert expanded(found.spec, NOW).problems == ()


@law(examples=150)
@given(text=files(), data=st.data())
def test_any_file_gives_events_or_one_problem_that_names_it(text, data):
    lines = text.split("\r\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "twice", "cut", "other"]))
        if change == "drop":
            lines[at : at + 1] = []
        elif change == "twice":
            lines.insert(at, lines[at])
        elif change == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        else:
            lines[at] = data.draw(st.text(max_size=30))
        lines = lines or [""]
    spoiled = "\r\n".join(lines).encode(errors="surrogatepass")
    found, problems = read(resource(AnomalyCalendar, ics=[reference("m")]), config_maps(m=spoiled))
    if problems:
        (problem,) = problems
        assert (problem.field, problem.reason) == ("spec.ics[0].configMapRef", Reason.SOURCE_INVALID)
        assert "m" in problem.message
    else:
        assert expanded(found.spec, NOW).events is not None


def test_the_marks_of_the_operator_are_refused_in_a_file():
    text = "\n".join(
        [
            *("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "SUMMARY:[anomalyops.io x", "DTSTART:20260320T100000Z"),
            *("DURATION:PT2H", "END:VEVENT", "END:VCALENDAR"),
        ]
    )
    _, (problem,) = read(resource(AnomalyCalendar, ics=[reference("m")]), config_maps(m=text))
    assert "must not begin as the operator's mark does" in problem.message


# -- both ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "field", "good"),
    [(AnomalyFilter, "itemsFrom", "a"), (AnomalyCalendar, "ics", None)],
)
def test_every_problem_is_told(model, field, good):
    known = config_maps(empty="", good=good or "no calendar")
    one = resource(model, **{field: [reference("gone"), reference("empty"), reference("good", key="other")]})
    _, problems = read(one, known)
    assert [str(problem).partition(": ")[0] for problem in problems] == [
        f"spec.{field}[{number}].configMapRef" for number in range(3)
    ]
    assert [problem.reason for problem in problems] == [
        Reason.SOURCE_NOT_FOUND,
        Reason.SOURCE_INVALID,
        Reason.SOURCE_INVALID,
    ]
    assert problems[0].message == "ConfigMap team/gone is not there"
    assert problems[2].message == "ConfigMap team/good has no key 'other'; its keys: text"
