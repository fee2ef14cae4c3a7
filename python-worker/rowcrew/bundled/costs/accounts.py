"""The table "cloudAccounts": whose costs are collected, and the way into each account.

In: a psycopg connection, whose transaction the caller ends. Out: rows, without what opens an account; and the
credentials of one, for the moment in which they are used. Called by the handler and the command line, which
changes accounts by `admin`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import kwargs_row

from rowcrew.bundled.costs.credentials import Credentials
from rowcrew.bundled.costs.keys import Key
from rowcrew.bundled.costs.sealing import CannotOpen, unseal
from rowcrew.bundled.costs.settings import CostSettings
from rowcrew.bundled.costs.statements import SQL

Connection = psycopg.Connection[Any]


class CloudAccount(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of "cloudAccounts" without its credentials.

    Attributes:
        key_id: of the key that sealed its credentials; None if it has none of its own.
        role_arn: the role to assume, with its credentials or else with those of the worker.
        collected_at, problem: when a collection last succeeded, and why the last one did not.
    """

    id: str
    provider: str
    active: bool
    key_id: str | None
    role_arn: str | None
    external_id: str | None
    created_at: datetime
    collected_at: datetime | None
    problem: str | None


def list_accounts(connection: Connection, ids: Collection[str] | None = None) -> list[CloudAccount]:
    """The accounts by id: all, or those of these ids."""
    with connection.cursor(row_factory=kwargs_row(_account)) as cursor:
        return cursor.execute(SQL["accounts"], {"ids": None if ids is None else list(ids)}).fetchall()


def credentials_of_account(
    connection: Connection, account: CloudAccount, settings: CostSettings
) -> Credentials | None:
    """The credentials of an account; None if it is entered with those of the worker.

    Raises:
        CannotOpen: no key that is set opens them.
    """
    row = connection.execute(SQL["account_credentials"], {"id": account.id}).fetchone()
    if row is None or row[0] is None:
        return None
    return opened_credentials(settings, account.id, *row)


def known_keys(settings: CostSettings) -> dict[str, Key]:
    """The keys that are set, by their ids."""
    keys: Sequence[Key] = [*([settings.key] if settings.key else []), *settings.previous_keys]
    return {key.id: key for key in keys}


def opened_credentials(settings: CostSettings, id: str, key_id: str, sealed: bytes) -> Credentials:
    """Credentials as they stand in the table, opened with the key that sealed them.

    Raises:
        CannotOpen: no key that is set opens them.
    """
    key = known_keys(settings).get(key_id)
    if key is None:
        there = settings.key.id if settings.key else "not set"
        raise CannotOpen(
            f"the credentials of {id} were sealed with the key {key_id}; ENCRYPTION_KEY is {there}:"
            " set the right one, or name the old one in ENCRYPTION_KEY_PREVIOUS"
        )
    return msgspec.json.decode(unseal(key, bytes(sealed), id), type=Credentials)


def _account(**columns: Any) -> CloudAccount:
    return msgspec.convert(columns, CloudAccount)
