"""Who calls whom, and who complains about whom: jobs that are split by a caller and by a field of its target."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from anomalyops_insight.errors import BadRequestError, RefusedError
from anomalyops_insight.investigating.ranking import Complaint
from anomalyops_insight.programs import Program, ask, together
from anomalyops_insight.query import By, Count, Question, Sort, Window
from anomalyops_insight.query.names import index_expression
from anomalyops_insight.query.question import MOST_ROWS
from anomalyops_insight.query.rows import Row as Values
from anomalyops_insight.tools.configuration import Configured

_TARGET = re.compile(
    r"(?i)(?:^|[._-])(?:dest(?:ination)?|target|peer|upstream|remote|dependency|backend|server|callee)(?:$|[._-])"
)
NOT_ENTITIES = frozenset({"mlcategory", "bucket_time"})
SPLITS = ("partition", "by", "over")
_MOST_ASKED = 8


def is_target(name: str) -> bool:
    """Whether a field says whom something calls: `service.target.name`, `destination`, `peer`, `upstream`."""
    return _TARGET.search(name) is not None


def named_by(row: Values) -> list[tuple[str, str]]:
    """The fields and values that split a record's series."""
    pairs = ((row[f"{kind}_field_name"], row[f"{kind}_field_value"]) for kind in SPLITS)
    return [(name, value) for name, value in pairs if name and value and name not in NOT_ENTITIES]


def complaints(splits: Iterable[Values]) -> list[Complaint]:
    """Records of one entity about another: split by who it is, and by a field that says whom it called."""
    found = []
    for row in splits:
        pairs = named_by(row)
        about = [value for name, value in pairs if is_target(name)]
        by = [value for name, value in pairs if not is_target(name)]
        found += [Complaint(one, other, row["max_score"]) for one in by for other in about]
    return found


def calls(configs: Mapping[str, Configured], start: datetime, end: datetime) -> Program[dict[str, set[str]]]:
    """Whom each caller calls, from the sources of jobs that are split by both; anomalous or not.

    Args:
        configs: Jobs and their datafeeds.
        start: Of the incident: the window of the same length before it is read too.
        end: Of the incident.
    """
    asked: list[Question] = []
    for config in configs.values():
        asked += [question for question in _questions(config, start - (end - start), end) if question not in asked]
    answers = yield from together([_answered(question) for question in asked[:_MOST_ASKED]])
    found: dict[str, set[str]] = defaultdict(set)
    for row in (row for rows in answers for row in rows):
        if row["caller"] and row["target"] and row["caller"] != row["target"]:
            found[row["caller"]].add(row["target"])
    return dict(found)


def called_by(known: Mapping[str, Collection[str]], said: Iterable[Complaint]) -> dict[str, set[str]]:
    """Whom each entity calls: as sources say, and whom it complains about."""
    found: dict[str, set[str]] = defaultdict(set)
    for caller, targets in known.items():
        found[caller] |= set(targets)
    for one in said:
        if one.by != one.about:
            found[one.by].add(one.about)
    return dict(found)


def _questions(config: Configured, start: datetime, end: datetime) -> Iterable[Question]:
    """Which pairs of caller and target the documents of a job have."""
    if not config.indices:
        return
    for detector in config.detectors:
        fields = [detector[f"{kind}_field_name"] for kind in SPLITS if detector.get(f"{kind}_field_name")]
        targets = [name for name in fields if is_target(name)]
        callers = [name for name in fields if not is_target(name) and name not in NOT_ENTITIES]
        for caller in callers:
            for target in targets:
                yield Question(
                    index=index_expression(",".join(config.indices)),
                    window=Window(start, end, config.time_field),
                    clause=config.query,
                    groups=(By("caller", caller), By("target", target)),
                    measures=(Count("n"),),
                    sort=(Sort("n", descending=True), Sort("caller"), Sort("target")),
                    limit=MOST_ROWS,
                )


def _answered(question: Question) -> Program[tuple[Values, ...]]:
    """Its rows; none where the source cannot be read so."""
    try:
        return (yield from ask(question)).rows
    except (BadRequestError, RefusedError):
        return ()
