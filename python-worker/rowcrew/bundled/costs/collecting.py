"""Collects one account: asks AWS, keeps the days, judges the last of them, explains what stands out.

In: an account, the days, a connection with no transaction open. Out: what was collected. Each step commits
by itself; done twice it leaves the same rows. No transaction is open while AWS is asked. Called by `handler`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec
import psycopg
import structlog

from rowcrew.bundled.costs.accounts import CloudAccount, credentials_of_account
from rowcrew.bundled.costs.anomaly import Finding, History, Rule, Verdict, judged
from rowcrew.bundled.costs.cost_explorer import Cost, CostExplorer
from rowcrew.bundled.costs.explaining import usage_shares
from rowcrew.bundled.costs.kept import (
    ANOMALY_DETECTED,
    FoundAnomaly,
    Why,
    histories,
    keep_anomalies,
    keep_costs,
    known_anomalies,
    text,
)
from rowcrew.bundled.costs.refusals import AccountFailed
from rowcrew.bundled.costs.settings import CostSettings
from rowcrew.bundled.costs.statements import SQL

JUDGED_DAYS: Final = 4
MOST_EXPLAINED: Final = 20


class Anomaly(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An anomaly as the job's result names it; `new` = nobody knew of it before."""

    account_id: str
    service: str
    day: date
    amount: str
    baseline: str
    currency: str
    deviation_percent: str
    severity: str
    new: bool


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What one account gave; the counts of services and of what was not judged are those of the last day."""

    services: int
    calls: int
    new_services: int
    short_histories: int
    anomalies: list[Anomaly]


class Collecting:
    """One collection of one account, from the first day to the last."""

    def __init__(
        self,
        account: CloudAccount,
        *,
        first: date,
        last: date,
        connection: psycopg.Connection[Any],
        settings: CostSettings,
        cancelled: Callable[[], bool],
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._account = account
        self._first = first
        self._last = last
        self._first_judged = max(first, last - timedelta(days=JUDGED_DAYS - 1))
        self._connection = connection
        self._settings = settings
        self._rule = Rule(
            threshold_percent=settings.threshold_percent,
            history_days=settings.history_days,
            baseline=settings.baseline,
        )
        self._cancelled = cancelled
        self._log = log.bind(account_id=account.id)

    def run(self) -> Collected:
        """Collect.

        Raises:
            AccountFailed: its costs cannot be had, now or at all.
            CannotOpen: no key opens its credentials.
            RunStopped: the run was cancelled.
        """
        credentials = credentials_of_account(self._connection, self._account, self._settings)
        self._connection.commit()
        explorer = CostExplorer(
            self._account, credentials=credentials, settings=self._settings, cancelled=self._cancelled
        )
        costs = explorer.by_service(self._first, self._last)
        keep_costs(self._connection, self._account.id, costs)
        self._connection.commit()
        found, skipped = self._judged(costs)
        found = self._explained(found, explorer)
        new = self._keep(found)
        return Collected(
            services=sum(cost.day == self._last for cost in costs),
            calls=explorer.calls,
            new_services=skipped[Verdict.NEW_SERVICE],
            short_histories=skipped[Verdict.SHORT_HISTORY],
            anomalies=[_told(self._account.id, one, (one.service, one.day) in new) for one in found],
        )

    def _judged(self, costs: Sequence[Cost]) -> tuple[list[FoundAnomaly], Counter[Verdict]]:
        """The anomalies of the last days, the gravest first, and how many days were not judged."""
        past = histories(self._connection, self._account.id, self._first_judged, self._last)
        self._connection.commit()
        found: list[FoundAnomaly] = []
        skipped: Counter[Verdict] = Counter()
        for cost in costs:
            if cost.day < self._first_judged:
                continue
            history = past.get((cost.name, cost.currency))
            if history is None:  # another collection has been told in the meantime that it cost nothing
                continue
            match judged(cost.day, cost.amount, history, self._rule):
                case Finding() as finding:
                    found.append(self._found(cost, finding, history))
                case Verdict() as verdict if cost.day == self._last:
                    skipped[verdict] += 1
        found.sort(key=lambda one: (-abs(one.finding.deviation_percent), one.service, one.day))
        return found, skipped

    def _found(self, cost: Cost, finding: Finding, history: History) -> FoundAnomaly:
        compared = "mean of the 30 days before"
        if self._rule.baseline == "weekday":
            compared = "mean of the same weekday in the 30 days before"
        why = Why(
            rule=f"more than {text(self._rule.threshold_percent)} % from the {compared}",
            low=text(finding.low),
            high=text(finding.high),
            days={day.isoformat(): text(amount) for day, amount in history.before(cost.day).items()},
        )
        return FoundAnomaly(
            service=cost.name,
            day=cost.day,
            amount=cost.amount,
            currency=cost.currency,
            finding=finding,
            why=why,
        )

    def _explained(self, found: list[FoundAnomaly], explorer: CostExplorer) -> list[FoundAnomaly]:
        """The anomalies with their usage types, as far as those are not known: each of them costs a call."""
        known = known_anomalies(self._connection, self._account.id, self._first_judged, self._last)
        self._connection.commit()
        explained: list[FoundAnomaly] = []
        asked = 0
        for one in found:
            before = known.get((one.service, one.day))
            if before is not None and before.is_explained and before.amount == one.amount:
                explained.append(one)
                continue
            asked += 1
            explained.append(self._with_usage(one, explorer) if asked <= MOST_EXPLAINED else one)
        return explained

    def _with_usage(self, one: FoundAnomaly, explorer: CostExplorer) -> FoundAnomaly:
        try:
            shares = usage_shares(explorer, one.service, one.day)
        except AccountFailed as error:
            self._log.warning("costs.anomaly_unexplained", service=one.service, error=str(error))
            return one
        return msgspec.structs.replace(one, why=msgspec.structs.replace(one.why, usage_types=shares))

    def _keep(self, found: Sequence[FoundAnomaly]) -> set[tuple[str, date]]:
        new = keep_anomalies(self._connection, self._account.id, self._first_judged, self._last, found)
        self._connection.execute(SQL["note_collected"], {"account_id": self._account.id})
        self._connection.commit()
        for one in found:
            if (one.service, one.day) in new:
                self._log.warning(
                    ANOMALY_DETECTED,
                    service=one.service,
                    day=one.day.isoformat(),
                    amount=text(one.amount),
                    baseline=text(one.finding.baseline),
                    severity=one.finding.severity,
                )
        return new


def _told(account_id: str, one: FoundAnomaly, is_new: bool) -> Anomaly:
    return Anomaly(
        account_id=account_id,
        service=one.service,
        day=one.day,
        amount=text(one.amount),
        baseline=text(one.finding.baseline),
        currency=one.currency,
        deviation_percent=text(one.finding.deviation_percent),
        severity=one.finding.severity,
        new=is_new,
    )
