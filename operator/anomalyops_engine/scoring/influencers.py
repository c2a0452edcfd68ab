"""Which influencer values are behind an anomaly: would it be one without their documents?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from anomalyops_engine.features.extract import Stretch
from anomalyops_engine.features.influence import values_without
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.scoring.detection import Anomaly

EXPLAINS = 0.5
"""A value influences an anomaly when at least this share of the deviation vanishes without its documents."""
MOST_VALUES = 10
"""Values of one influencer field kept for an anomaly."""


def attribute(
    stretch: Stretch, detector: ResolvedDetector, fields: Sequence[str], anomalies: Sequence[Anomaly]
) -> None:
    """Fill the `influences` of a detector's anomalies."""
    for part in detector.parts or (detector,):
        own = [anomaly for anomaly in anomalies if anomaly.detector.function is part.function]
        _attribute(stretch, part, fields, own)


def _attribute(
    stretch: Stretch, detector: ResolvedDetector, fields: Sequence[str], anomalies: Sequence[Anomaly]
) -> None:
    """Fill the `influences` of the anomalies of one function.

    A field that splits the detector influences by its own value. For any other the counterfactual is computed in the
    database, for the anomalous buckets alone. Nothing influences a dip of a count: taking documents away
    only deepens it.
    """
    own = {*detector.split_fields, *([detector.over] if detector.over else [])}
    for name in fields:
        if name in own:
            for anomaly in anomalies:
                value = anomaly.split(name)
                if value is not None:
                    anomaly.influences[name] = {value: 1.0}
            continue
        found = values_without(stretch, detector, name, {(a.bucket, a.key) for a in anomalies})
        for anomaly in anomalies:
            shares = {
                value: _explained(anomaly, rest)
                for value, rest in found.get((anomaly.bucket, anomaly.key), {}).items()
                if value is not None
            }
            chosen = sorted(
                ((value, share) for value, share in shares.items() if share >= EXPLAINS),
                key=lambda item: (-item[1], item[0]),
            )
            anomaly.influences[name] = dict(chosen[:MOST_VALUES])


def _explained(anomaly: Anomaly, without: float) -> float:
    """The share of an anomaly's deviation, 0 to 1, that vanishes when the value is `without` instead."""
    if anomaly.events is not None:
        return round(1.0 - without / anomaly.events, 9) if anomaly.events > 0 and not math.isnan(without) else 1.0
    deviation = anomaly.actual - anomaly.typical
    if deviation == 0.0:
        return 0.0
    if math.isnan(without):
        return 1.0
    rest = (without - anomaly.typical) / deviation
    # Sums come from the database in any order: digits that depend on it are cut off.
    return round(min(max(1.0 - rest, 0.0), 1.0), 9)
