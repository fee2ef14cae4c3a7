"""The settings of cost collection: keys, where AWS is asked, and what counts as an anomaly."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import ClassVar, Final, Literal

from rowcrew.bundled.costs.keys import Key, key_of, keys_of
from rowcrew.settings import readers
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.variables import Variable

Baseline = Literal["mean", "weekday"]
Credits = Literal["included", "excluded"]

_MOST_HISTORY_DAYS: Final = 30


def _percent(value: str) -> Decimal:
    try:
        found = Decimal(value.removesuffix("%").strip())
    except InvalidOperation:
        found = Decimal(-1)
    if not 0 < found <= 10_000:
        raise ValueError("give a percentage above zero, such as 50")
    return found


def _history(value: str) -> int:
    found = readers.count(value)
    if found > _MOST_HISTORY_DAYS:
        raise ValueError(f"give 1 to {_MOST_HISTORY_DAYS}: the mean looks no further back")
    return found


def _baseline(value: str) -> Baseline:
    match value:
        case "mean" | "weekday":
            return value
    raise ValueError("give mean or weekday")


def _credits(value: str) -> Credits:
    match value:
        case "included" | "excluded":
            return value
    raise ValueError("give included or excluded")


class CostSettings(FamilySettings, frozen=True, kw_only=True):
    """Keys, where AWS is asked, and what counts as an anomaly."""

    key: Key | None = None
    previous_keys: tuple[Key, ...] = ()
    threshold_percent: Decimal = Decimal(50)
    history_days: int = 7
    baseline: Baseline = "mean"
    credits: Credits = "included"
    cost_explorer_url: str | None = None
    sts_url: str | None = None

    variables: ClassVar[tuple[Variable, ...]] = (
        Variable(
            ("ENCRYPTION_KEY",),
            "key",
            key_of,
            "unset",
            "seals the credentials of cloud accounts: 64 hex digits, base64 of 32 bytes, or 32 characters",
            is_secret=True,
        ),
        Variable(
            ("ENCRYPTION_KEY_PREVIOUS",),
            "previous_keys",
            keys_of,
            "unset",
            "keys that still open what they sealed, while `rowcrew accounts rotate-key` is due",
            is_secret=True,
        ),
        Variable(
            ("COST_ANOMALY_PERCENT",),
            "threshold_percent",
            _percent,
            "50",
            "a day's cost is an anomaly if it deviates from its baseline by more",
        ),
        Variable(
            ("COST_ANOMALY_HISTORY",),
            "history_days",
            _history,
            "7",
            "days that a service must have been known for before its days are judged",
        ),
        Variable(
            ("COST_ANOMALY_BASELINE",),
            "baseline",
            _baseline,
            "mean",
            "`mean` of the 30 days before, or `weekday`: the mean of the same weekday among them",
        ),
        Variable(
            ("COST_CREDITS",),
            "credits",
            _credits,
            "included",
            "`included` as on the bill, or `excluded`: costs before credits and refunds, which may hide them",
        ),
        Variable(
            ("AWS_ENDPOINT_URL_COST_EXPLORER",),
            "cost_explorer_url",
            readers.endpoint,
            "unset",
            "address of a Cost Explorer in place of AWS's, for tests; AWS_ENDPOINT_URL does not count",
        ),
        Variable(
            ("AWS_ENDPOINT_URL_STS",),
            "sts_url",
            readers.endpoint,
            "unset",
            "address of an STS in place of AWS's, for tests",
        ),
    )

    def disagreement(self) -> str | None:
        if self.previous_keys and self.key is None:
            return "ENCRYPTION_KEY, ENCRYPTION_KEY_PREVIOUS: only the previous is set; set both"
        return None
