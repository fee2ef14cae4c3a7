"""The type `cost_collection`: what the services of cloud accounts cost on a day, and what stands out.

In: the payload of a job. Out: how many accounts, services and priced calls there were, which accounts failed
and why, and the anomalies. An account that fails stops no other. A run that was killed goes on behind the
last account it collected, and for the day it began with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
import psycopg

from rowcrew import RowcrewError
from rowcrew.bundled.costs.accounts import CloudAccount, list_accounts
from rowcrew.bundled.costs.collecting import Collecting
from rowcrew.bundled.costs.payload import CostCollection, day_of
from rowcrew.bundled.costs.settings import CostSettings
from rowcrew.bundled.costs.statements import SQL
from rowcrew.bundled.costs.tally import CollectionResult, FailedAccount, Tally, result_of
from rowcrew.context import Context, PermanentError
from rowcrew.crew import Crew

_MOST_TOLD: Final = 5
crew = Crew()


class CollectionFailed(RowcrewError):
    """Not one account could be collected."""


@crew.job("cost_collection", queue="cost_collection", executor="thread")
def cost_collection(payload: CostCollection, context: Context) -> CollectionResult:
    """Collect what cloud accounts cost by service, and find days that stand out."""
    with context.transaction() as connection:
        tally = _begun(payload, context, connection)
        accounts = _accounts(payload, connection)
        connection.commit()
        failed = _collect(accounts, tally, payload, connection, context)
    if failed and not tally.done:
        raise CollectionFailed(_summary(failed))
    context.checkpoint(None)  # somebody who requeues the job wants it all anew
    return result_of(tally, failed)


def _begun(payload: CostCollection, context: Context, connection: psycopg.Connection[Any]) -> Tally:
    """Where the last attempt left off, or the beginning.

    Raises:
        PermanentError: the day has not ended yet.
    """
    if context.job.checkpoint is not None:
        return msgspec.convert(context.job.checkpoint, Tally)
    ((yesterday,),) = connection.execute(SQL["yesterday"])
    day = day_of(payload, yesterday)
    if day > yesterday:
        raise PermanentError(f"the day {day} has not ended in UTC; the last day that has is {yesterday}")
    tally = Tally(date=day)
    context.checkpoint(tally)
    return tally


def _accounts(
    payload: CostCollection, connection: psycopg.Connection[Any]
) -> list[CloudAccount | FailedAccount]:
    """The accounts to collect; one that the payload names and that is not to be had is a failure."""
    if payload.accounts is None:
        return [account for account in list_accounts(connection) if account.active]
    there = {account.id: account for account in list_accounts(connection, payload.accounts)}
    return [_named(id, there.get(id)) for id in dict.fromkeys(payload.accounts)]


def _named(id: str, account: CloudAccount | None) -> CloudAccount | FailedAccount:
    if account is None:
        return FailedAccount(id, "there is no such account; `rowcrew accounts list` shows those there are")
    if not account.active:
        return FailedAccount(id, "it is disabled; `rowcrew accounts add --replace` takes it back")
    return account


def _collect(
    accounts: Sequence[CloudAccount | FailedAccount],
    tally: Tally,
    payload: CostCollection,
    connection: psycopg.Connection[Any],
    context: Context,
) -> list[FailedAccount]:
    """Collect all accounts that no earlier attempt has; those that failed."""
    settings = CostSettings.read()
    failed: list[FailedAccount] = []
    for place, account in enumerate(accounts, start=1):
        if isinstance(account, FailedAccount):
            failed.append(account)
            continue
        if account.id in tally.done:
            continue
        collecting = Collecting(
            account,
            first=tally.date - timedelta(days=payload.recollect_days),
            last=tally.date,
            connection=connection,
            settings=settings,
            cancelled=lambda: context.cancelled,
            log=context.log,
        )
        try:
            collected = collecting.run()
        except Exception as error:
            failed.append(_failed(account.id, error, connection, context))
            told = "failed"
        else:
            tally.add(account.id, collected)
            context.checkpoint(tally)
            told = "1 service" if collected.services == 1 else f"{collected.services} services"
        context.progress(place, len(accounts), f"Account {place} of {len(accounts)}: {told}")
    return failed


def _failed(
    account_id: str, error: Exception, connection: psycopg.Connection[Any], context: Context
) -> FailedAccount:
    """Note what one account failed by. A surprise is its own too; a database that fails is no account's.

    Raises:
        psycopg.Error: the database failed, not what it was given.
    """
    match error:
        case psycopg.DataError() | psycopg.IntegrityError():
            problem = f"what AWS answers cannot be stored: {type(error).__name__}"
        case psycopg.Error():
            raise error
        case RowcrewError():
            problem = str(error)
        case _:
            context.log.error("costs.account_failed", account_id=account_id, exc_info=error)
            problem = f"{type(error).__name__}; the worker's log tells where"
    connection.rollback()
    connection.execute(SQL["note_problem"], {"account_id": account_id, "problem": problem})
    connection.commit()
    return FailedAccount(account_id, problem)


def _summary(failed: Sequence[FailedAccount]) -> str:
    told = "; ".join(f"{one.account_id}: {one.error}" for one in failed[:_MOST_TOLD])
    more = f"; and {len(failed) - _MOST_TOLD} more" if len(failed) > _MOST_TOLD else ""
    return f"no account could be collected: {told}{more}"
