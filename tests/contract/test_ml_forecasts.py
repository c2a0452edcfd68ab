"""Forecasts: asked for, refused in words, made, counted, deleted, expired, cut off; and the tutorial's walk."""

import json
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from elasticsearch import ApiError, BadRequestError, ConflictError, NotFoundError
from elasticsearch.helpers import bulk

from anomalyops.cli.main import invoke
from anomalyops.demo import weblogs
from waiting import until

HOUR_MS = 3_600_000
START_MS = 1_704_067_200_000  # a Monday
DAYS = 21
HOSTS = 80
WEBLOGS = Path(__file__).parents[2] / "manifests" / "samples" / "weblogs"


def load(client, index="load", hosts=4):
    """Three weeks of one value an hour and host, with a day in it."""
    client.indices.create(
        index=index,
        mappings={"properties": {"time": {"type": "date"}, "host": {"type": "keyword"}, "cpu": {"type": "double"}}},
    )
    bulk(
        client,
        (
            {
                "_index": index,
                "time": START_MS + hour * HOUR_MS,
                "host": f"web-{host}",
                "cpu": 50 + 20 * (8 <= hour % 24 < 18) + (hour * 7 + host * 3) % 5,
            }
            for hour in range(DAYS * 24)
            for host in range(hosts)
        ),
        chunk_size=5_000,
    )
    client.indices.refresh(index=index)


def create(client, job_id, *detectors, index="load", end_ms=START_MS + DAYS * 24 * HOUR_MS):
    """Make a job, have it learn, and open it again."""
    client.ml.put_job(
        job_id=job_id,
        analysis_config={"bucket_span": "1h", "detectors": list(detectors)},
        data_description={"time_field": "time"},
        datafeed_config={"indices": [index], "datafeed_id": job_id},
    )
    client.ml.open_job(job_id=job_id)
    client.ml.start_datafeed(datafeed_id=job_id, end=end_ms)
    until(lambda: stats(client, job_id)["state"] == "closed")  # the first run compiles the learners
    client.ml.open_job(job_id=job_id)


def stats(client, job_id):
    return client.ml.get_job_stats(job_id=job_id)["jobs"][0]


def request_of(client, job_id, forecast_id):
    return client.get(index=f".ml-anomalies-{job_id}", id=f"{job_id}_model_forecast_request_stats_{forecast_id}")[
        "_source"
    ]


def finished(client, job_id, forecast_id):
    until(lambda: request_of(client, job_id, forecast_id)["forecast_status"] in {"finished", "failed"})
    request = request_of(client, job_id, forecast_id)
    assert request["forecast_status"] == "finished", request
    return request


def all_of(*terms):
    return {"bool": {"filter": [{"term": term} for term in terms]}}


def path_of(client, job_id, forecast_id):
    hits = client.search(
        index=f".ml-anomalies-{job_id}",
        size=10_000,
        query={
            "bool": {"filter": [{"term": {"result_type": "model_forecast"}}, {"term": {"forecast_id": forecast_id}}]}
        },
        sort=["timestamp"],
    )["hits"]["hits"]
    return [hit["_source"] for hit in hits]


CPU = {"function": "mean", "field_name": "cpu", "partition_field_name": "host"}


@pytest.fixture(scope="module")
def client(shared_engine):
    with shared_engine.client() as client:
        load(client)
        create(client, "cpu", CPU)
        yield client


def test_a_forecast_is_made_beside_the_job(client):
    before = stats(client, "cpu")
    answer = client.ml.forecast(job_id="cpu", duration="2d")
    assert answer["acknowledged"] is True
    forecast_id = answer["forecast_id"]
    request = finished(client, "cpu", forecast_id)
    end_ms = START_MS + DAYS * 24 * HOUR_MS
    assert request["forecast_progress"] == 1.0
    assert request["processed_record_count"] == 4 * 48
    assert request["forecast_start_timestamp"] == request["timestamp"] == end_ms
    assert request["forecast_end_timestamp"] == end_ms + 48 * HOUR_MS
    assert request["forecast_expiry_timestamp"] == request["forecast_create_timestamp"] + 14 * 24 * HOUR_MS
    assert request["forecast_memory_bytes"] > 0
    path = path_of(client, "cpu", forecast_id)
    assert len(path) == 4 * 48
    assert {(each["partition_field_name"], each["partition_field_value"]) for each in path} == {
        ("host", f"web-{host}") for host in range(4)
    }
    for each in path:
        assert each["job_id"] == "cpu"
        assert each["bucket_span"] == 3600
        assert each["detector_index"] == 0
        assert each["model_feature"] == "'arithmetic mean value by person'"
        assert each["forecast_lower"] <= each["forecast_prediction"] <= each["forecast_upper"]
        hour = (each["timestamp"] - START_MS) // HOUR_MS % 24
        assert each["forecast_prediction"] == pytest.approx(52 + 20 * (8 <= hour < 18), abs=3)
    after = stats(client, "cpu")
    assert after["state"] == "opened"
    assert after["data_counts"] == before["data_counts"]
    told = after["forecasts_stats"]
    assert told["total"] == before["forecasts_stats"]["total"] + 1
    assert told["forecasted_jobs"] == 1
    assert told["status"]["finished"] >= 1
    for name in ("memory_bytes", "records", "processing_time_ms"):
        assert told[name]["min"] <= told[name]["avg"] <= told[name]["max"] <= told[name]["total"]


def test_options_come_in_the_body_too(client):
    answer = client.perform_request(
        "POST",
        "/_ml/anomaly_detectors/cpu/_forecast",
        headers={"content-type": "application/json", "accept": "application/json"},
        body={"duration": "3h", "expires_in": "0", "max_model_memory": "2mb"},
    )
    request = finished(client, "cpu", answer["forecast_id"])
    assert request["processed_record_count"] == 12
    assert "forecast_expiry_timestamp" not in request


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"duration": "0s"}, "[duration] must be positive: [0s]"),
        ({"duration": "-1s"}, "[duration] must be positive: [-1]"),
        ({"duration": "3651d"}, "[duration] must be 3650d or less: [3651d]"),
        ({"duration": "5m"}, "[duration] must be greater or equal to the bucket span: [5m/1h]"),
        ({"expires_in": "-1s"}, "[expires_in] must be non-negative: [-1]"),
        ({"max_model_memory": "1000mb"}, "[max_model_memory] must be less than 500mb"),
        ({"max_model_memory": "500kb"}, "[max_model_memory] must be at least 1mb."),
        ({"duration": "soon"}, "failed to parse setting [duration] with value [soon] as a time value"),
    ],
)
def test_bad_options_are_refused(client, options, reason):
    with pytest.raises(BadRequestError) as refused:
        client.ml.forecast(job_id="cpu", **options)
    error = refused.value.body["error"]
    assert reason in error.get("caused_by", error)["reason"]


def test_a_job_that_is_not_open_or_not_there_is_refused(client):
    client.ml.put_job(
        job_id="shut",
        analysis_config={"detectors": [{"function": "count"}]},
        data_description={"time_field": "time"},
    )
    for job_id in ("shut", "nowhere"):
        with pytest.raises(ConflictError) as refused:
            client.ml.forecast(job_id=job_id)
        expected = f"Cannot perform requested action because job [{job_id}] is not open"
        assert refused.value.body["error"]["reason"] == expected
    client.ml.open_job(job_id="shut")
    with pytest.raises(BadRequestError) as refused:
        client.ml.forecast(job_id="shut")
    assert refused.value.body["error"]["reason"] == (
        "Cannot run forecast: Forecast cannot be executed as job requires data to have been processed and modeled"
    )


def test_what_cannot_be_forecast_is_refused_in_words(client):
    create(client, "population", {"function": "mean", "field_name": "cpu", "over_field_name": "host"})
    create(client, "young", CPU, end_ms=START_MS + 3 * HOUR_MS)
    for job_id, reason in (
        ("population", "Forecast is not supported for population analysis"),
        (
            "young",
            "Forecast cannot be executed as model is not yet established. Job requires more time to learn",
        ),
    ):
        with pytest.raises(BadRequestError) as refused:
            client.ml.forecast(job_id=job_id)
        assert refused.value.body["error"]["reason"] == f"Cannot run forecast: {reason}"
        assert stats(client, job_id)["forecasts_stats"] == {"total": 0, "forecasted_jobs": 0}


def test_forecasts_are_deleted_by_name_and_all_together(client):
    create(client, "deleting", CPU)
    with pytest.raises(NotFoundError) as missing:
        client.ml.delete_forecast(job_id="deleting", forecast_id="nothing")
    assert missing.value.body["error"]["reason"] == "No forecast(s) [nothing] exists for job [deleting]"
    for job_id in ("deleting", "nowhere"):
        assert client.ml.delete_forecast(job_id=job_id)["acknowledged"]
        assert client.ml.delete_forecast(job_id=job_id, forecast_id="_all", allow_no_forecasts=True)["acknowledged"]
        with pytest.raises(NotFoundError):
            client.ml.delete_forecast(job_id=job_id, forecast_id="_all", allow_no_forecasts=False)
    made = [client.ml.forecast(job_id="deleting", duration="5h")["forecast_id"] for _ in range(2)]
    for forecast_id in made:
        finished(client, "deleting", forecast_id)
    assert client.ml.delete_forecast(job_id="deleting", forecast_id=made[0])["acknowledged"]
    assert not path_of(client, "deleting", made[0])
    assert len(path_of(client, "deleting", made[1])) == 20
    assert stats(client, "deleting")["forecasts_stats"]["total"] == 1
    assert client.ml.delete_forecast(job_id="deleting", timeout="10s")["acknowledged"]
    assert stats(client, "deleting")["forecasts_stats"] == {"total": 0, "forecasted_jobs": 0}


def test_a_forecast_goes_when_it_expires_and_with_its_job(client):
    create(client, "ending", CPU)
    finished(client, "ending", client.ml.forecast(job_id="ending", duration="5h", expires_in="10s")["forecast_id"])
    until(lambda: stats(client, "ending")["forecasts_stats"]["total"] == 0)
    everything = {"bool": {"filter": [{"term": {"job_id": "ending"}}, {"exists": {"field": "forecast_id"}}]}}
    assert client.count(index=".ml-anomalies-ending", query=everything)["count"] == 0
    finished(client, "ending", client.ml.forecast(job_id="ending", duration="5h")["forecast_id"])
    client.ml.close_job(job_id="ending")
    client.ml.reset_job(job_id="ending")
    assert stats(client, "ending")["forecasts_stats"] == {"total": 0, "forecasted_jobs": 0}
    assert client.count(index=".ml-anomalies-ending", query=everything)["count"] == 0


def test_three_run_at_once_and_a_kill_ends_them_as_failed(engine):
    with engine.client() as client:
        load(client, hosts=HOSTS)
        create(client, "long", CPU)
        # The models take more than 1mb: one of them reads copies in files.
        options = [{}, {}, {"max_model_memory": "1mb"}]
        made = [client.ml.forecast(job_id="long", duration="3650d", **each)["forecast_id"] for each in options]
        assert any((engine.data / "forecasts").iterdir())
        with pytest.raises(BadRequestError) as refused:
            client.ml.forecast(job_id="long")
        assert "Forecast cannot be executed due to queue limit" in refused.value.body["error"]["reason"]
        with pytest.raises(ConflictError) as busy:
            client.ml.delete_forecast(job_id="long", forecast_id=made[0])
        assert busy.value.body["error"]["reason"] == (
            f"Forecast(s) [{made[0]}] for job [long] needs to be either FAILED or FINISHED to be deleted"
        )
        until(lambda: stats(client, "long")["forecasts_stats"]["status"].get("started") == 3)
        seen = []
        for _ in range(20):
            seen.append(request_of(client, "long", made[0])["forecast_progress"])
            time.sleep(0.05)
        assert all(earlier <= later < 1 for earlier, later in pairwise(seen))
    engine.kill()
    engine.start()
    assert not (engine.data / "forecasts").exists()
    with engine.client() as client:
        assert stats(client, "long")["forecasts_stats"]["status"] == {"failed": 3}
        for forecast_id in made:
            request = request_of(client, "long", forecast_id)
            assert request["forecast_status"] == "failed"
            assert request["forecast_messages"][-1] == "Forecast failed: the engine ended before the forecast did"
        finished(client, "long", client.ml.forecast(job_id="long", duration="1d")["forecast_id"])
        assert client.ml.delete_forecast(job_id="long")["acknowledged"]
        assert client.count(index=".ml-anomalies-long", query={"exists": {"field": "forecast_id"}})["count"] == 0


def test_the_walk_of_the_tutorial(shared_engine):
    """Reset the job, analyse half of the sample data, forecast a week, analyse the rest, compare."""
    manifest = list(yaml.safe_load_all((WEBLOGS / "low-request-rate.yaml").read_text()))
    assert manifest[0]["spec"]["analysisConfig"]["detectors"][0]["function"] == "low_count"
    with shared_engine.client() as client:
        client.indices.create(index=weblogs.INDEX, mappings=weblogs.MAPPING)
        documents = list(weblogs.generate())
        bulk(client, ({"_index": weblogs.INDEX, **document} for document in documents), chunk_size=5_000)
        client.indices.refresh(index=weblogs.INDEX)
        client.ml.put_job(
            job_id="low_request_rate",
            analysis_config={"bucket_span": "1h", "detectors": [{"function": "low_count"}]},
            data_description={"time_field": weblogs.TIME_FIELD},
            model_plot_config={"enabled": True},
            datafeed_config={"indices": [weblogs.INDEX], "datafeed_id": "low_request_rate"},
        )
        times = [document[weblogs.TIME_FIELD] for document in documents]
        first, last = (datetime.fromisoformat(moment).timestamp() * 1000 for moment in (min(times), max(times)))
        middle_ms, end_ms = int((first + last) / 2) // HOUR_MS * HOUR_MS, int(last) // HOUR_MS * HOUR_MS
        run(client, end_ms, "low_request_rate")
        client.ml.reset_job(job_id="low_request_rate")
        run(client, middle_ms, "low_request_rate")
        client.ml.open_job(job_id="low_request_rate")
        forecast_id = client.ml.forecast(job_id="low_request_rate", duration="7d")["forecast_id"]
        finished(client, "low_request_rate", forecast_id)
        client.ml.close_job(job_id="low_request_rate")
        run(client, end_ms, "low_request_rate")
        path = path_of(client, "low_request_rate", forecast_id)
        assert [each["timestamp"] for each in path] == [middle_ms + hour * HOUR_MS for hour in range(7 * 24)]
        came = {
            hit["_source"]["timestamp"]: hit["_source"]["actual"]
            for hit in client.search(
                index=".ml-anomalies-low_request_rate",
                size=10_000,
                query={"bool": {"filter": [{"term": {"result_type": "model_plot"}}, {"exists": {"field": "actual"}}]}},
            )["hits"]["hits"]
        }
        since = [(each, came[each["timestamp"]]) for each in path if each["timestamp"] in came]
        assert len(since) > 160
        inside = [each["forecast_lower"] <= actual <= each["forecast_upper"] for each, actual in since]
        assert sum(inside) / len(inside) > 0.9
        assert sum(abs(each["forecast_prediction"] - actual) for each, actual in since) / len(since) < 3


def run(client, end_ms, job_id):
    """Open a job and have it analyse its data up to a time."""
    client.ml.open_job(job_id=job_id)
    client.ml.start_datafeed(datafeed_id=job_id, end=end_ms)
    until(lambda: stats(client, job_id)["state"] == "closed")


def test_the_command_forecasts_a_closed_job_and_shows_it_again_later(shared_engine, capsys):
    """The same from the command line: half of the data, a forecast, more data, the forecast with what came."""

    def command(*arguments):
        code = invoke(["forecast", "typed", "--url", shared_engine.url, *arguments])
        written = capsys.readouterr()
        return code, written.out, written.err

    middle_ms = START_MS + 14 * 24 * HOUR_MS
    with shared_engine.client() as client:
        load(client, index="typed")
        client.ml.put_job(
            job_id="typed",
            analysis_config={"bucket_span": "1h", "detectors": [CPU]},
            data_description={"time_field": "time"},
            model_plot_config={"enabled": True},
            datafeed_config={"indices": ["typed"], "datafeed_id": "typed"},
        )
        run(client, middle_ms, "typed")
        code, out, err = command("--duration", "1w", "--series", "web-2", "-o", "json")
        assert code == 0, err
        made = json.loads(out)
        assert [each["fields"] for each in made["series"]] == [{"host": "web-2"}]
        assert len(made["series"][0]["points"]) == 7 * 24
        assert stats(client, "typed")["state"] == "closed"
        run(client, START_MS + DAYS * 24 * HOUR_MS, "typed")
        code, out, err = command("--forecast-id", made["forecastId"])
        assert code == 0, err
        assert "168 of 168 buckets have come since" in out
        assert "within the bounds" in out
        code, out, err = command("--forecast-id", made["forecastId"], "-o", "csv")
        assert code == 0, err
        assert len(out.splitlines()) == 1 + 4 * 7 * 24
        assert command("--forecast-id", "gone")[0] == 1
        code, _, err = command("--duration", "5m")
        assert code == 1
        assert "[duration] must be greater or equal to the bucket span" in err
        assert stats(client, "typed")["state"] == "closed"


def test_unknown_parameters_are_refused(client):
    with pytest.raises(ApiError) as refused:
        client.perform_request(
            "POST",
            "/_ml/anomaly_detectors/cpu/_forecast",
            headers={"content-type": "application/json", "accept": "application/json"},
            body={"forecast_alias": "x"},
        )
    assert "unknown field [forecast_alias]" in refused.value.body["error"]["reason"]
