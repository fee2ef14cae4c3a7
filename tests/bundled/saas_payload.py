"""The model that the tests of `model_run` and `monte_carlo` start from, and one with every kind of line."""

from __future__ import annotations

from typing import Any

import msgspec

from rowcrew.bundled.model_run.payload import ModelRun

REFERENCE: dict[str, Any] = {
    "modelId": "reference",
    "startMonth": "2027-01",
    "months": 24,
    "currency": "USD",
    "openingCash": 600_000,
    "revenue": [{"name": "Pro", "startCustomers": 500, "newCustomers": 40, "churnRate": 0.03, "arpa": 100}],
    "cogsPct": 0.2,
    "cacPerNewCustomer": 400,
    "opex": [{"name": "Rent and tools", "monthly": 90_000}],
    "discountRateAnnual": 0.12,
    "scenarios": {
        "base": [],
        "downside": [{"path": "revenue.0.churnRate", "op": "multiply", "value": 1.5}],
    },
}
FULL: dict[str, Any] = REFERENCE | {
    "modelId": "full",
    "months": 48,
    "openingCash": 350_000,
    "revenue": [
        {
            "name": "Pro",
            "startCustomers": 500,
            "newCustomers": 40,
            "newCustomersGrowth": 0.05,
            "churnRate": 0.03,
            "arpa": 99.9,
            "arpaGrowth": 0.002,
        },
        {"name": "Basic", "newCustomers": 100, "churnRate": 0.07, "arpa": 19},
        {"name": "Old", "startCustomers": 80, "newCustomersGrowth": 0.5, "churnRate": 0.1, "arpa": 45},
    ],
    "fixedRevenue": [{"name": "Support", "monthly": 5_000, "growth": -0.02, "from": 3}],
    "opex": [
        {"name": "Rent", "monthly": 12_000, "growth": 0.001},
        {"name": "Grant", "monthly": -1_500, "from": 7},
    ],
    "headcount": [
        {"role": "Engineer", "count": 3, "annualSalary": 110_000, "loadPct": 0.23},
        {"role": "Sales", "count": 1.5, "annualSalary": 70_000, "from": 10, "loadPct": 0.2},
    ],
    "taxRate": 0.21,
    "dso": 45,
    "dpo": 30,
    "funding": [
        {"month": 6, "amount": 250_000},
        {"month": 6, "amount": 1_000},
        {"month": 30, "amount": -40_000},
    ],
    "scenarios": {"base": []},
}


def model(given: dict[str, Any], **changes: Any) -> ModelRun:
    return msgspec.json.decode(msgspec.json.encode(given | changes), type=ModelRun)
