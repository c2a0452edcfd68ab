"""The job of the sample orders: customers who spend far more in an hour than others."""

from __future__ import annotations

import numpy as np
from benchmarks.samples.sample import DAY_S, HOUR_S, Columns, Data, Incident, Sample, joined, moment

_DAYS = 31
_ORDERS = 4675
_FIRST = ("Eddie", "Mary", "Gwen", "Diane", "Oliver", "Abd", "Rabbia", "Elyssa", "Yasmine", "Wagdi", "Selena", "Sonya")
_LAST = ("Underwood", "Bailey", "Butler", "Chandler", "Rios", "Sutton", "Baker", "Garza", "Mccarthy", "Shaw", "Boone")


def _orders(rng: np.random.Generator) -> Data:
    """Orders of two articles on average by day; two customers order for thousands in one hour."""
    hour = np.clip(rng.normal(12, 4.5, _ORDERS), 0, 23.99)
    time = rng.integers(0, _DAYS, _ORDERS) * DAY_S + hour * HOUR_S
    names = [f"{first} {last}" for first in _FIRST for last in _LAST]
    who = rng.integers(0, len(names), _ORDERS)
    price = np.round(rng.gamma(2.6, 29.0, _ORDERS) + 7, 2)
    columns: Columns = {
        "time": time,
        "customer_full_name.keyword": np.array(names)[who],
        "category.keyword": rng.choice(["Men's Clothing", "Women's Clothing", "Women's Shoes"], _ORDERS),
        "taxful_total_price": price,
    }
    incidents, parts = [], [columns]
    for share, total in ((0.55, 2250.0), (0.8, 1600.0)):
        at, name = moment(rng, _DAYS, share, float(rng.integers(9, 18))), names[int(rng.integers(len(names)))]
        parts.append(
            {
                "time": np.array([at + 900.0]),
                "customer_full_name.keyword": np.array([name]),
                "category.keyword": np.array(["Men's Clothing"]),
                "taxful_total_price": np.array([total]),
            }
        )
        incidents.append(Incident(at, at + HOUR_S, name))
    return Data(joined(*parts), tuple(incidents))


SAMPLES = (
    Sample(
        "high_sum_total_sales (sample orders)",
        {
            "bucket_span": "1h",
            "detectors": [
                {
                    "function": "high_sum",
                    "field_name": "taxful_total_price",
                    "over_field_name": "customer_full_name.keyword",
                }
            ],
            "influencers": ["customer_full_name.keyword", "category.keyword"],
        },
        _DAYS,
        5,
        _orders,
    ),
)
