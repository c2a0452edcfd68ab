"""What `_stats` says of the health of jobs and datafeeds, upgrade mode, and the settings of the cluster."""

import pytest
from elasticsearch import ApiError

JOB = {
    "analysis_config": {"bucket_span": "1h", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "time"},
}


@pytest.fixture
def client(engine):
    with engine.client() as client:
        yield client


def test_a_sound_job_and_its_datafeed_are_green(client):
    client.indices.create(index="logs", mappings={"properties": {"time": {"type": "date"}}})
    client.ml.put_job(job_id="j", **JOB, datafeed_config={"datafeed_id": "d", "indices": ["logs"]})

    def health():
        job = client.ml.get_job_stats(job_id="j")["jobs"][0]["health"]
        return job, client.ml.get_datafeed_stats(datafeed_id="d")["datafeeds"][0]["health"]

    assert health() == ({"status": "green"}, {"status": "green"})
    client.ml.open_job(job_id="j")
    client.ml.start_datafeed(datafeed_id="d", start="0")
    assert health() == ({"status": "green"}, {"status": "green"})


def test_in_upgrade_mode_nothing_runs_and_states_stay(client):
    client.indices.create(index="logs", mappings={"properties": {"time": {"type": "date"}}})
    client.ml.put_job(job_id="j", **JOB, datafeed_config={"datafeed_id": "d", "indices": ["logs"]})
    client.ml.open_job(job_id="j")
    client.ml.start_datafeed(datafeed_id="d")
    why = "persistent task cannot be assigned while upgrade mode is enabled."

    def seen():
        job = client.ml.get_job_stats(job_id="j")["jobs"][0]
        feed = client.ml.get_datafeed_stats(datafeed_id="d")["datafeeds"][0]
        accept = {"accept": "application/json"}
        runs = client.perform_request("GET", "/_tasks?actions=xpack/ml/*", headers=accept)["nodes"]
        return job["state"], job["assignment_explanation"], feed["state"], feed["assignment_explanation"], bool(runs)

    assert seen() == ("opened", "", "started", "", True)
    for _ in range(2):
        assert client.ml.set_upgrade_mode(enabled=True).body == {"acknowledged": True}
        assert seen() == ("opened", why, "started", why, False)
    client.ml.set_upgrade_mode(enabled=False)
    assert seen() == ("opened", "", "started", "", True)


def test_the_largest_memory_limit_is_a_setting(engine):
    with engine.client() as client:

        def limits():
            info = client.ml.info()
            return info["defaults"]["anomaly_detectors"]["model_memory_limit"], info["limits"].get(
                "max_model_memory_limit"
            )

        assert limits() == ("1gb", None)
        name = "xpack.ml.max_model_memory_limit"
        put = client.cluster.put_settings(persistent={name: "512mb"})
        assert put.body == {
            "acknowledged": True,
            "persistent": {"xpack": {"ml": {"max_model_memory_limit": "512mb"}}},
            "transient": {},
        }
        assert limits() == ("512mb", "512mb")
        with pytest.raises(ApiError):
            client.ml.put_job(job_id="j", **JOB, analysis_limits={"model_memory_limit": "1gb"})
    engine.kill()
    engine.start()
    with engine.client() as client:
        assert client.cluster.get_settings(flat_settings=True)["persistent"] == {name: "512mb"}
        assert client.ml.info()["limits"]["max_model_memory_limit"] == "512mb"
        client.cluster.put_settings(persistent={name: None}, transient={"logger.org.elasticsearch": "TRACE"})
        assert "max_model_memory_limit" not in client.ml.info()["limits"]
        assert client.cluster.get_settings().body == {
            "persistent": {},
            "transient": {"logger": {"org": {"elasticsearch": "TRACE"}}},
        }
        for settings, status in (
            ({"cluster.routing.allocation.enable": "all"}, 501),
            ({name: "much"}, 400),
            ({"logger.a": "LOUD"}, 400),
        ):
            with pytest.raises(ApiError) as caught:
                client.cluster.put_settings(persistent=settings)
            assert caught.value.status_code == status
        with pytest.raises(ApiError):
            client.cluster.put_settings(persistent={name: "1gb", "no.such": 1})
        assert client.cluster.get_settings()["persistent"] == {}
