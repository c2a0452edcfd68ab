"""What sentences ask for, and which fields they mean."""

from __future__ import annotations

import pytest

from anomalyops.drafting.draft import Wishes, drafts
from anomalyops.drafting.errors import DraftError
from anomalyops.drafting.fields import Held
from anomalyops.drafting.sentence import read

NGINX = Held(
    types={
        "@timestamp": "date", "host": "text", "host.keyword": "keyword", "user.name": "keyword", "status": "long",
        "bytes": "long", "url.path": "keyword", "client.ip": "ip", "response_time": "double", "service": "keyword",
        "message": "text", "system.cpu.pct": "double", "geo.location": "geo_point", "country": "keyword",
        "dns.question.name": "keyword",
    },
    examples={},
)  # fmt: skip
SAMPLED = Held(
    types=dict(NGINX.types),
    examples={name: [1] for name in NGINX.types} | {"status": [200, 500]},
    documents=1,
)


def detector(sentence, held=SAMPLED, **wishes):
    made = drafts(sentence, read(sentence), held, Wishes(index="logs-nginx", **wishes))[0]
    one = made.job.spec.analysis_config.detectors[0]
    names = {"by": one.by_field_name, "over": one.over_field_name, "partition": one.partition_field_name}
    return str(one.function), one.field_name, {kind: name for kind, name in names.items() if name}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("unusual error rates per host on nginx logs", ("high_count", None, {"by": "host.keyword"})),
        ("too many requests per client ip", ("high_count", None, {"by": "client.ip"})),
        ("spike in count", ("high_count", None, {})),
        ("drop in traffic per service", ("low_count", None, {"by": "service"})),
        ("unusual request rates", ("count", None, {})),
        ("high cpu per host", ("high_mean", "system.cpu.pct", {"by": "host.keyword"})),
        ("unusually large response time", ("high_mean", "response_time", {})),
        ("unusually large downloads by user", ("high_sum", "bytes", {"by": "user.name"})),
        ("slow response time per service", ("high_mean", "response_time", {"by": "service"})),
        ("median response time per url path", ("median", "response_time", {"by": "url.path"})),
        ("total bytes sent per host compared to other hosts", ("sum", "bytes", {"over": "host.keyword"})),
        ("rare user names", ("rare", None, {"by": "user.name"})),
        ("rare logins", ("rare", None, {"by": "user.name"})),
        ("rare user names compared to other countries", ("rare", None, {"by": "user.name", "over": "country"})),
        ("rare user names per service", ("rare", None, {"by": "user.name", "partition": "service"})),
        (
            "rare user names per service compared to other countries",
            ("rare", None, {"by": "user.name", "over": "country", "partition": "service"}),
        ),
        ("unusual countries", ("rare", None, {"by": "country"})),
        ("number of distinct url paths per client", ("distinct_count", "url.path", {"by": "client.ip"})),
        ("dns exfiltration per client ip", ("high_info_content", "dns.question.name", {"by": "client.ip"})),
        ("unusual time of day per user", ("time_of_day", None, {"by": "user.name"})),
        ("unusual locations per user", ("lat_long", "geo.location", {"by": "user.name"})),
        ("unusual log messages per service", ("count", None, {"by": "mlcategory", "partition": "service"})),
        ("rare log messages", ("rare", None, {"by": "mlcategory"})),
        ("too many errors per host and service", ("high_count", None, {"by": "host.keyword", "partition": "service"})),
        ("high cpu separately for each service", ("high_mean", "system.cpu.pct", {"partition": "service"})),
    ],
)
def test_words_become_functions_and_fields(sentence, expected):
    assert detector(sentence) == expected


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("", "say what is to be found"),
        ("please", "does not say what is unusual|no number"),
        ("high voltage", "no number of logs-nginx is called like 'voltage' .it has bytes"),
        ("too many requests per warehouse", "is called like 'warehouse' .it has"),
        ("rare spaceships", "is called like 'spaceships' .it has"),
        ("too many requests per host and service and country and user", "at most two things"),
    ],
)
def test_what_cannot_be_is_a_sentence_with_what_there_is(sentence, words):
    with pytest.raises(DraftError, match=words):
        detector(sentence)


def test_defaults_are_those_of_the_guide_and_what_is_said_goes_before_them():
    made = drafts("high cpu per host", read("high cpu per host"), SAMPLED, Wishes(index="logs-*"))[0]
    assert made.job.spec.analysis_config.bucket_span == "15m"
    assert made.job.spec.data_description.time_field == "@timestamp"
    assert made.job.spec.analysis_config.influencers == ["host.keyword"]
    assert made.feed.spec.query_delay == "60s"
    assert made.job.name == "high-cpu-per-host"
    hourly = drafts("high cpu per host every hour", read("high cpu per host every hour"), SAMPLED, Wishes(index="l"))[0]
    assert hourly.job.spec.analysis_config.bucket_span == "1h"
    wishes = Wishes(index="l", function="low_median", field="bytes", by="country", bucket_span="5m", name="mine")
    assert detector("high cpu", function="low_median", field="bytes", by="country") == (
        "low_median", "bytes", {"by": "country"},
    )  # fmt: skip
    assert drafts("high cpu", read("high cpu"), SAMPLED, wishes)[0].job.name == "mine"


def test_failures_are_told_by_what_the_sample_holds():
    held = Held(
        types={"@timestamp": "date", "level": "keyword"},
        examples={"@timestamp": [1, 2], "level": ["error", "info"]},
        documents=2,
    )
    made = drafts("too many errors", read("too many errors"), held, Wishes(index="l"))[0]
    assert made.feed.spec.query == {"terms": {"level": ["error"]}}
    quiet = Held(types=held.types, examples={"@timestamp": [1], "level": ["info"]}, documents=1)
    with pytest.raises(DraftError, match="no field of l tells failures from the rest"):
        drafts("too many errors", read("too many errors"), quiet, Wishes(index="l"))
