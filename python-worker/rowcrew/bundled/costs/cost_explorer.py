"""Cost Explorer of one account: what its services cost, page by page, with every priced call counted.

In: credentials, or a role to assume. Out: costs by day and service, or by usage type. Throttling and outages
are waited for; what another attempt would meet as well is told at once. Called by `collecting`; the first
call imports boto3.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from rowcrew.bundled.costs.accounts import CloudAccount
from rowcrew.bundled.costs.credentials import Credentials
from rowcrew.bundled.costs.refusals import (
    EXPIRED,
    AccountFailed,
    PagesChanged,
    Unavailable,
    code_of,
    explained,
)
from rowcrew.bundled.costs.settings import CostSettings
from rowcrew.context import RunStopped

A = TypeVar("A")

METRIC: Final = "UnblendedCost"
CALL_PRICE_USD: Final = Decimal("0.01")
_REGION: Final = "us-east-1"
_LOOK_SECONDS: Final = 0.2
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
_ROLE_SECONDS: Final = 900
_NO_NAME: Final = "(none)"
_NO_CREDITS: Final = {"Not": {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Credit", "Refund"]}}}


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How often to ask, and how long to wait in between: random, in a range that doubles up to its end."""

    attempts: int = 6
    first_seconds: float = 1.0
    longest_seconds: float = 30.0


PATIENCE: Final = Patience()


class Cost(msgspec.Struct, frozen=True):
    """What one service, or one usage type of it, cost on one day."""

    day: date
    name: str
    amount: Decimal
    currency: str
    estimated: bool


class CostExplorer:
    """Cost Explorer as one account is allowed to ask it.

    Args:
        credentials: the account's own; None = those of the worker, wherever boto3 finds them.
        cancelled: whether to stop waiting.

    Attributes:
        calls: the calls that were answered so far, each of which AWS charges for.
    """

    def __init__(
        self,
        account: CloudAccount,
        *,
        credentials: Credentials | None,
        settings: CostSettings,
        cancelled: Callable[[], bool],
        patience: Patience | None = None,
    ) -> None:
        self.calls = 0
        self._account = account
        self._credentials = credentials
        self._settings = settings
        self._cancelled = cancelled
        self._patience = patience or PATIENCE
        self._client: Any = None

    def by_service(self, first: date, last: date) -> list[Cost]:
        """What each service cost on each of these days.

        Raises:
            AccountFailed: AWS refuses, or it answers what cannot be.
            Unavailable: throttling or an outage has lasted longer than our patience.
            RunStopped: the run was cancelled.
        """
        return self._all_pages("SERVICE", first, last)

    def by_usage_type(self, service: str, first: date, last: date) -> list[Cost]:
        """What each usage type of a service cost on each of these days. Raises what `by_service` does."""
        only = {"Dimensions": {"Key": "SERVICE", "Values": [service]}}
        return self._all_pages("USAGE_TYPE", first, last, only)

    def _all_pages(self, key: str, first: date, last: date, *filters: dict[str, Any]) -> list[Cost]:
        if self._settings.credits == "excluded":
            filters = (*filters, _NO_CREDITS)
        question = {
            "TimePeriod": {"Start": first.isoformat(), "End": (last + timedelta(days=1)).isoformat()},
            "Granularity": "DAILY",
            "Metrics": [METRIC],
            "GroupBy": [{"Type": "DIMENSION", "Key": key}],
            **_filter(filters),
        }

        def asked_from_the_start() -> list[Cost]:
            costs = [cost for page in self._pages(question) for cost in _costs(page)]
            _require_sense(costs, first, last)
            return costs

        return self._patiently(asked_from_the_start, PagesChanged)

    def _pages(self, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
        tokens: set[str] = set()
        while True:
            page = self._patiently(partial(self._asked, question), Unavailable)
            yield page
            token = page.get("NextPageToken")
            if not token:
                return
            if token in tokens:
                raise AccountFailed("the pages of Cost Explorer go round in a circle")
            tokens.add(token)
            question = question | {"NextPageToken": token}

    def _asked(self, question: dict[str, Any]) -> dict[str, Any]:
        with explained():
            try:
                if self._client is None:
                    self._client = self._opened()
                page: dict[str, Any] = self._client.get_cost_and_usage(**question)
            except Exception as error:
                if self._account.role_arn and code_of(error) in EXPIRED:
                    self._client = None
                    raise Unavailable("the session of the role has expired") from error
                raise
        self.calls += 1
        return page

    def _opened(self) -> Any:
        session = _session(self._entered())
        return session.client("ce", endpoint_url=self._settings.cost_explorer_url, config=_config())

    def _entered(self) -> dict[str, str]:
        """The credentials to ask with: as they are, or those of the role."""
        given = self._credentials
        own = (
            {}
            if given is None
            else {"aws_access_key_id": given.access_key_id, "aws_secret_access_key": given.secret_access_key}
        )
        if self._account.role_arn is None:
            return own
        client = _session(own).client("sts", endpoint_url=self._settings.sts_url, config=_config())
        external = {"ExternalId": self._account.external_id} if self._account.external_id else {}
        answer = client.assume_role(
            RoleArn=self._account.role_arn,
            RoleSessionName="rowcrew-costs",
            DurationSeconds=_ROLE_SECONDS,
            **external,
        )["Credentials"]
        return {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }

    def _patiently(self, ask: Callable[[], A], while_raising: type[AccountFailed]) -> A:
        wait = wait_random_exponential(
            multiplier=self._patience.first_seconds, max=self._patience.longest_seconds
        )
        return Retrying(
            retry=retry_if_exception_type(while_raising),
            wait=wait,
            stop=stop_after_attempt(self._patience.attempts),
            sleep=self._wait,
            reraise=True,
        )(ask)

    def _wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if self._cancelled():
                raise RunStopped
            time.sleep(min(left, _LOOK_SECONDS))


def _filter(filters: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The option of the question; AWS takes no `And` of one."""
    if not filters:
        return {}
    return {"Filter": filters[0] if len(filters) == 1 else {"And": list(filters)}}


def _costs(page: dict[str, Any]) -> Iterator[Cost]:
    """The costs on one page.

    Raises:
        AccountFailed: there is something on it that no cost can be.
    """
    try:
        for period in page["ResultsByTime"]:
            day = date.fromisoformat(period["TimePeriod"]["Start"])
            for group in period["Groups"]:
                [name] = group["Keys"]
                cost = group["Metrics"][METRIC]
                amount = Decimal(cost["Amount"])
                if not amount.is_finite():
                    raise ValueError(cost["Amount"])  # noqa: TRY301
                yield Cost(day, name or _NO_NAME, amount, cost["Unit"], bool(period.get("Estimated")))
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise AccountFailed(f"Cost Explorer's answer cannot be read: {error!r}") from error


def _require_sense(costs: list[Cost], first: date, last: date) -> None:
    """Refuse days that nobody asked for, and one name twice on a day, which would count once or twice."""
    seen: set[tuple[date, str]] = set()
    for cost in costs:
        if not first <= cost.day <= last:
            raise AccountFailed(f"Cost Explorer was asked for {first} to {last}, and answers {cost.day}")
        if (cost.day, cost.name) in seen:
            raise AccountFailed(f"Cost Explorer names {cost.name} twice on {cost.day}")
        seen.add((cost.day, cost.name))


def _session(credentials: dict[str, str]) -> Any:
    import boto3

    return boto3.Session(region_name=_REGION, **credentials)


def _config() -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": 1},  # tenacity knows whether the run was cancelled
        ignore_configured_endpoint_urls=True,  # AWS_ENDPOINT_URL is that of a bucket
    )
