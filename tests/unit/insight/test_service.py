"""Which jobs have to do with a service: each for a reason that holds, whatever else there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_insight.investigating.service import Named, choose, names_service, required
from anomalyops_insight.tools.configuration import Configured


def config(job_id, query=None, groups=()):
    return Configured({"job_id": job_id, "groups": list(groups)}, {"datafeed_id": f"f-{job_id}", "query": query})


@pytest.mark.parametrize(
    ("field", "is_one"),
    [
        ("service", True), ("service.name", True), ("Service_Name", True), ("serviceName", True), ("app", True),
        ("service.name.keyword", True), ("kubernetes.labels.app", True), ("application", True), ("svc.service", True),
        ("service.target.name", False), ("destination.service.name", False), ("service.version", False),
        ("host", False), ("service.node.name", False), ("microservice", False), ("upstream_service", False),
    ],
)  # fmt: skip
def test_fields_of_services(field, is_one):
    assert names_service(field) is is_one


TERM = {"term": {"service.name": "shop"}}


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (TERM, [("service.name", "shop")]),
        ({"term": {"service.name": {"value": "shop"}}}, [("service.name", "shop")]),
        ({"match_phrase": {"service.name": {"query": "shop"}}}, [("service.name", "shop")]),
        ({"terms": {"service.name": ["a", "shop"]}}, [("service.name", "a"), ("service.name", "shop")]),
        ({"bool": {"filter": [TERM], "must_not": [{"term": {"host": "h"}}]}}, [("service.name", "shop")]),
        ({"bool": {"must_not": [TERM]}}, []),
        ({"bool": {"must_not": {"bool": {"filter": TERM}}}}, []),
        ({"constant_score": {"filter": TERM}}, [("service.name", "shop")]),
        (
            {"query_string": {"query": 'service.name:"my shop" AND NOT host:h1 -app:x level:error'}},
            [("service.name", "my shop"), ("level", "error")],
        ),
        ({"range": {"status": {"gte": 500}}}, []),
        ({"match_all": {}}, []),
        (None, []),
    ],
)
def test_what_a_query_asks_for(query, pairs):
    assert list(required(query)) == pairs


def test_jobs_and_their_reasons():
    named = [
        Named("latency", "service.name", "shop", 80),
        Named("latency", "host", "h1", 60),
        Named("disk", "host", "h1", 90),
        Named("other-disk", "host", "h2", 90),
        Named("calls", "service.target.name", "shop", 40),
        Named("stock-errors", "service.name", "stock", 70),
        Named("stock-errors", "host", "h3", 50),
        Named("h3-memory", "host", "h3", 50),
        Named("base-errors", "service.name", "base", 70),
        Named("mail-errors", "service.name", "mail", 99),
    ]
    configs = {
        "logs": config("logs", TERM),
        "grouped": config("grouped", groups=["web", "shop"]),
        "excluding": config("excluding", {"bool": {"must_not": TERM}}),
    }
    jobs = {one.job_id for one in named} | set(configs)
    found = choose("shop", jobs, configs, named, {"shop": {"stock"}, "stock": {"base"}, "mail": {"smtp"}})
    assert found.jobs == {
        "base-errors": "its results name base (service.name), which stock calls",
        "calls": "its results complain about shop (service.target.name)",
        "disk": "its results name h1 (host), as those of latency do",
        "grouped": "it is of the group shop",
        "h3-memory": "its results name h3 (host), as those of stock-errors do",
        "latency": "its results name shop (service.name)",
        "logs": "its datafeed reads only documents with service.name = shop",
        "stock-errors": "its results name stock (service.name), which shop calls",
    }
    assert found.leaves_out("service.name", "mail")
    assert not found.leaves_out("service.name", "base")
    assert not found.leaves_out("host", "mail")
    unknown = choose("shop", jobs, configs, named, {})
    assert not unknown.leaves_out("service.name", "mail")  # nothing is known of whom it calls
    wrong = choose("shp", jobs, configs, named, {})
    assert (wrong.jobs, wrong.services) == ({}, ("base", "mail", "shop", "stock"))


FIELDS = ("service.name", "app", "service.target.name", "host", "zone", "mlcategory")
SERVICES = st.sampled_from(["a", "b", "c", "d"])
NAMED = st.builds(
    Named,
    st.sampled_from([f"job{n}" for n in range(6)]),
    st.sampled_from(FIELDS),
    SERVICES,
    st.sampled_from([25.0, 60.0, 99.0]),
)
CALLS = st.dictionaries(SERVICES, st.sets(SERVICES), max_size=4)


@given(st.lists(NAMED, max_size=12), CALLS, st.randoms(use_true_random=False))
def test_each_choice_has_a_reason_that_holds(named, calls, random):
    jobs = {one.job_id for one in named}
    found = choose("a", jobs, {}, named, calls)
    by_job = {job: [one for one in named if one.job_id == job] for job in jobs}
    assert set(found.jobs) <= jobs
    for job, why in found.jobs.items():
        assert any(f"{one.value} ({one.field})" in why for one in by_job[job])
    for job, those in by_job.items():  # whoever names the service is chosen
        if any(one.value == "a" and names_service(one.field) for one in those):
            assert job in found.jobs
    shuffled = list(named)
    random.shuffle(shuffled)
    assert set(choose("a", jobs, {}, shuffled, calls).jobs) == set(found.jobs)
    with_more = [*named, Named("stranger", "host", "nobody", 99)]
    assert choose("a", jobs | {"stranger"}, {}, with_more, calls).jobs == found.jobs
