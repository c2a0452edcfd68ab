"""How long searches and ES|QL over many documents take, beside the same questions asked of DuckDB directly.

The documents are those of `benchmarks.ingest`, multiplied inside the database, each time an hour later. Both sides ask
the same open store in the same process, by turns. Time of the processor, of all threads, says the same where others use
the machine too.

Run: python -m benchmarks.searches [--documents 10000000] [--repeat 5] [--only "date_histogram"]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.ingest import _bodies

from anomalyops_engine.api.bulk import run_bulk
from anomalyops_engine.api.bulk_body import Defaults, parse_bulk
from anomalyops_engine.query import search
from anomalyops_engine.query.esql.answer import answer
from anomalyops_engine.query.esql.parameters import read_parameters
from anomalyops_engine.query.esql.planning import Surroundings
from anomalyops_engine.store import Index, Store

_SEED = 20_000
_HOUR_MS = 3_600_000
_START_MS = 1_767_225_600_000


def _fill(store: Store, documents: int) -> None:
    for body in _bodies(min(_SEED, documents), 5_000):
        run_bulk(store, parse_bulk(body, Defaults("logs")))
    copies = documents // _SEED
    with store.write() as writer:
        index = writer.index("logs")
        moment = index.mapping.fields["@timestamp"].column
        writer.connection.execute(
            f"INSERT INTO {index.table} BY NAME SELECT * EXCLUDE (copy) "
            f"REPLACE (_id || '-' || copy AS _id, _seq_no + copy * {_SEED} AS _seq_no, "
            f"{moment} + copy * {_HOUR_MS} AS {moment}) FROM {index.table}, range(1, {copies}) AS times(copy)"
        )


def _questions(index: Index, documents: int) -> dict[str, tuple[dict[str, Any] | str, str]]:
    """Return questions by what they are: a search or a statement, and the same as SQL."""
    fields = {name: leaf.column for name, leaf in index.mapping.fields.items()}
    at, host, ip, url, status, took, size = (
        fields[name] for name in ("@timestamp", "host", "clientip", "url", "status", "took", "bytes")
    )
    span = max(1, documents // _SEED) * _HOUR_MS
    first, last = _START_MS + span // 4, _START_MS + 3 * span // 4
    day = _START_MS + 24 * _HOUR_MS
    last = first + 5
    part = {"range": {"@timestamp": {"gte": first, "lt": last, "format": "epoch_millis"}}}
    bad = {"terms": {"status": [404, 500]}}
    table = index.table
    within = f"{at} >= {first} AND {at} < {last}"
    failing = f"{status} IN (404, 500)"
    by_hour = {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h"}}

    def aggs(query: dict[str, Any] | None, **named: Any) -> dict[str, Any]:
        body: dict[str, Any] = {"size": 0, "track_total_hits": False, "aggs": named}
        return body if query is None else {**body, "query": query}

    return {
        "range + terms, date_histogram": (
            aggs({"bool": {"filter": [part, bad]}}, t=by_hour),
            f"SELECT {at} // {_HOUR_MS}, count(*) FROM {table} WHERE {within} AND {failing} GROUP BY 1 ORDER BY 1",
        ),
        "terms of many values": (
            aggs(None, ip={"terms": {"field": "clientip.keyword", "size": 10}}),
            f"SELECT {ip}, count(*) FROM {table} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
        ),
        "terms of few values, avg": (
            aggs(None, h={"terms": {"field": "host.keyword"}, "aggs": {"took": {"avg": {"field": "took"}}}}),
            f"SELECT {host}, count(*), avg({took}) FROM {table} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
        ),
        "date_histogram > terms": (
            aggs(part, t={**by_hour, "aggs": {"h": {"terms": {"field": "host.keyword"}}}}),
            f"SELECT {at} // {_HOUR_MS}, {host}, count(*) FROM {table} WHERE {within} GROUP BY 1, 2 ORDER BY 1, 3 DESC",
        ),
        "cardinality": (
            aggs(None, ip={"cardinality": {"field": "clientip.keyword"}}),
            f"SELECT approx_count_distinct({ip}) FROM {table}",
        ),
        "percentiles": (
            aggs(None, took={"percentiles": {"field": "took"}}),
            f"SELECT approx_quantile({took}, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]) FROM {table}",
        ),
        "stats": (
            aggs(None, b={"stats": {"field": "bytes"}}),
            f"SELECT count({size}), min({size}), max({size}), avg({size}), sum({size}) FROM {table}",
        ),
        "newest ten by filter": (
            {"size": 10, "query": bad, "sort": [{"@timestamp": "desc"}], "track_total_hits": False},
            f"SELECT _id, _source FROM {table} WHERE {failing} ORDER BY {at} DESC LIMIT 10",
        ),
        "page behind a hit": (
            {
                "size": 10,
                "query": bad,
                "sort": [{"@timestamp": "desc"}, {"_shard_doc": "desc"}],
                "search_after": [last, documents // 2],
                "track_total_hits": False,
            },
            f"SELECT _id, _source FROM {table} WHERE {failing} AND {at} <= {last} AND ({at} < {last} "
            f"OR _seq_no < {documents // 2}) ORDER BY {at} DESC, _seq_no DESC LIMIT 10",
        ),
        "first ten by a text": (
            {"size": 10, "sort": [{"url.keyword": "asc"}, {"_doc": "asc"}], "track_total_hits": False},
            f"SELECT _id, _source FROM {table} ORDER BY {url}, _seq_no LIMIT 10",
        ),
        "ten documents": (
            {"size": 10, "track_total_hits": False},
            f"SELECT _id, _source FROM {table} ORDER BY _seq_no LIMIT 10",
        ),
        "count by wildcard": (
            {"size": 0, "query": {"wildcard": {"url.keyword": "*/item/1?"}}, "track_total_hits": True},
            f"SELECT count(*) FROM {table} WHERE regexp_full_match({url}, '.*/item/1.')",
        ),
        "ES|QL STATS over one day": (
            f'FROM logs | WHERE @timestamp >= "{_iso(_START_MS)}" AND @timestamp < "{_iso(day)}" '
            "| STATS n = COUNT(*), a = AVG(took) BY host | SORT n DESC",
            f"SELECT {host}, count(*) AS n, avg({took}) FROM {table} WHERE {at} >= {_START_MS} AND {at} < {day} "
            "GROUP BY 1 ORDER BY n DESC",
        ),
        "ES|QL STATS BY two keys": (
            "FROM logs | STATS n = COUNT(*) BY host, status | SORT n DESC | LIMIT 10",
            f"SELECT {host}, {status}, count(*) AS n FROM {table} GROUP BY 1, 2 ORDER BY n DESC LIMIT 10",
        ),
        "ES|QL newest ten": (
            "FROM logs | WHERE status == 500 | SORT @timestamp DESC | KEEP @timestamp, url, took | LIMIT 10",
            f"SELECT {at}, {url}, {took} FROM {table} WHERE {status} = 500 ORDER BY {at} DESC LIMIT 10",
        ),
    }


def _iso(moment_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment_ms // 1000))


def _asked(store: Store, question: dict[str, Any] | str) -> None:
    with store.read() as reader:
        if isinstance(question, str):
            around = Surroundings(reader.resolve, None, time.time_ns() // 1_000_000, ("", "", ""))
            answer(reader.connection, question, read_parameters(None), around)
        else:
            search(reader, reader.resolve("logs"), question)


def _directly(store: Store, statement: str) -> None:
    with store.read() as reader:
        reader.connection.execute(statement).fetchall()


def _took(ask: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that something took, and those of the processor."""
    began, used = time.perf_counter(), time.process_time()
    ask()
    return time.perf_counter() - began, time.process_time() - used


def _medians(took: list[tuple[float, float]]) -> tuple[float, float]:
    elapsed, used = zip(*took, strict=True)
    return statistics.median(elapsed) * 1000, statistics.median(used) * 1000


def main() -> None:
    """Fill a store, ask both by turns, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", action="append", help="part of the name of a question")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        print(f"{options.documents:,} documents made in {_took(lambda: _fill(store, options.documents))[0]:.0f} s")
        with store.read() as reader:
            index = reader.index("logs")
        heading = f"milliseconds, medians of {options.repeat}"
        print(f"{heading:34}{'engine':>9}{'DuckDB':>9}{'ratio':>8}{'processor':>12}{'ratio':>8}")
        for name, (question, statement) in _questions(index, options.documents).items():
            if options.only and not any(part in name for part in options.only):
                continue
            engine, direct = [], []
            for _ in range(options.repeat + 1):
                engine.append(_took(lambda: _asked(store, question)))  # noqa: B023 (called at once)
                direct.append(_took(lambda: _directly(store, statement)))  # noqa: B023
            (ours, used), (theirs, needed) = _medians(engine[1:]), _medians(direct[1:])
            figures = f"{ours:9.1f}{theirs:9.1f}{ours / theirs:8.2f}{used:12.1f}{used / needed:8.2f}"
            print(f"{name:34}{figures}", flush=True)
        store.close()


if __name__ == "__main__":
    main()
