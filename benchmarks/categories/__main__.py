"""Print how well and how fast messages are grouped.

`python -m benchmarks.categories [--seeds N] [--logs FILE.csv ...]`

Grouping accuracy, the share of messages whose whole group is the true one, of generated logs of ten formats with known
statements (2,000 messages a seed): all messages in one bucket, 100 messages a bucket, and one message a bucket, where
nothing is known of what comes later. `--logs` does the same with labelled logs: CSV with the columns Content and
EventId, as the LogPAI collections have them. Nothing is tuned for any of them.

Then messages a second of processor time on one core: of all formats mixed, and with a new word in each;
the first time, and when all shapes are known.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from benchmarks.categories.accuracy import grouping_accuracy
from benchmarks.categories.formats import FORMATS

from anomalyops_engine.analyzers.analyzer import Analyzer, categorization_analyzer
from anomalyops_engine.categories.categorization import Categorization, Messages
from anomalyops_engine.config.categorization import DEFAULT_ANALYZER

Labelled = list[tuple[str, object]]
_COUNT = 2_000
_SPEED_COUNT = 400_000
_BUCKETS = 20


def _found(lines: Labelled, analyzer: Analyzer, bucket: int) -> list[int]:
    categorization = Categorization(analyzer, examples_limit=4)
    found: list[int] = []
    for begin in range(0, len(lines), bucket):
        texts = [text for text, _ in lines[begin : begin + bucket]]
        found += categorization.categorize(Messages.of(texts))[0].tolist()
    return found


def _accuracy(name: str, logs: Sequence[Labelled], analyzer: Analyzer) -> list[float]:
    row = []
    for bucket in (1 << 30, 100, 1):
        scores = [grouping_accuracy(_found(lines, analyzer, bucket), [true for _, true in lines]) for lines in logs]
        row.append(float(np.mean(scores)))
    print(f"{name:<28}" + "".join(f"{score:>10.3f}" for score in row), flush=True)
    return row


def accuracy(analyzer: Analyzer, seeds: int, files: Sequence[Path]) -> None:
    """Print the table of grouping accuracy."""
    print(f"{'grouping accuracy':<28}{'at once':>10}{'by 100':>10}{'one by one':>10}")
    rows = [
        _accuracy(form.name, [list(form.lines(_COUNT, seed)) for seed in range(seeds)], analyzer) for form in FORMATS
    ]
    print(f"{'mean of 10':<28}" + "".join(f"{score:>10.3f}" for score in np.mean(rows, axis=0)))
    labelled = [_accuracy(file.stem[:27], [_read(file)], analyzer) for file in files]
    if labelled:
        print(f"{'mean of the files':<28}" + "".join(f"{score:>10.3f}" for score in np.mean(labelled, axis=0)))


def _read(file: Path) -> Labelled:
    with file.open(encoding="utf-8", errors="replace", newline="") as stream:
        return [(row["Content"], row["EventId"]) for row in csv.DictReader(stream)]


def speed(analyzer: Analyzer) -> None:
    """Print messages a second."""
    each = _SPEED_COUNT // len(FORMATS)
    mixed = [text for form in FORMATS for text, _ in form.lines(each, 0)]
    np.random.default_rng(0).shuffle(mixed)
    names = np.random.default_rng(1).integers(0, 26, size=(_SPEED_COUNT, 8)) + ord("a")
    fresh = [f"user {bytes(name.tolist()).decode()} logged in from 10.0.0.1" for name in names[: _SPEED_COUNT // 10]]
    print(f"\n{'messages a second':<28}{'messages':>10}{'bytes each':>12}{'a second':>12}{'categories':>12}")
    _measure("ten formats", mixed, analyzer)
    _measure("a new name in each", fresh, analyzer)


def _measure(name: str, texts: Sequence[str], analyzer: Analyzer) -> None:
    Categorization(analyzer, examples_limit=4).categorize(Messages.of(texts[:10]))  # compiles
    bucket = np.arange(len(texts)) * _BUCKETS // len(texts)
    nothing = np.zeros(len(texts), dtype=np.int64)
    messages = Messages(bucket, pa.array(texts, pa.large_string()), nothing, ("",))
    categorization = Categorization(analyzer, examples_limit=4)
    size = sum(map(len, texts)) / len(texts)
    for title in (name, f"{name}, known"):
        took = _seconds(lambda: categorization.categorize(messages))
        total = categorization.stats().total
        print(f"{title:<28}{len(texts):>10,}{size:>12.0f}{len(texts) / took:>12,.0f}{total:>12}", flush=True)


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="logs of each format (default 3)")
    parser.add_argument("--logs", type=Path, nargs="*", default=[], metavar="FILE.csv", help="labelled logs")
    given = parser.parse_args()
    analyzer = categorization_analyzer(DEFAULT_ANALYZER)
    accuracy(analyzer, given.seeds, given.logs)
    speed(analyzer)


if __name__ == "__main__":
    main()
