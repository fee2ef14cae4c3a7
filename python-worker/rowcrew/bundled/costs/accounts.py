"""The table "cloudAccounts": whose costs are collected, and the way into each account.

In: a psycopg connection, whose transaction the caller ends. Out: rows, without what opens an account; and the
credentials of one, for the moment in which they are used. Called by the handler and the command line.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import kwargs_row

from rowcrew import RowcrewError, SettingsError
from rowcrew.bundled.costs.credentials import Credentials
from rowcrew.bundled.costs.keys import Key
from rowcrew.bundled.costs.sealing import CannotOpen, seal, unseal
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


class WayIn(msgspec.Struct, frozen=True, kw_only=True):
    """How an account is entered: with an access key, by a role, or by a role with that key."""

    credentials: Credentials | None = None
    role_arn: str | None = None
    external_id: str | None = None


class Rotation(msgspec.Struct, frozen=True):
    """What became of the sealed credentials: sealed anew, as they should be, and those no key opens."""

    resealed: list[str]
    current: list[str]
    unopened: list[str]


def list_accounts(connection: Connection, ids: Collection[str] | None = None) -> list[CloudAccount]:
    """The accounts by id: all, or those of these ids."""
    with connection.cursor(row_factory=kwargs_row(_account)) as cursor:
        return cursor.execute(SQL["accounts"], {"ids": None if ids is None else list(ids)}).fetchall()


def add_account(connection: Connection, id: str, way_in: WayIn, *, replace: bool = False) -> None:
    """Add an account; `replace` gives one that is there another way in.

    Raises:
        RowcrewError: there is one of this id, or, to replace, there is none.
        SettingsError: it has credentials, and ENCRYPTION_KEY is not set.
    """
    parameters = {"id": id, "role_arn": way_in.role_arn, "external_id": way_in.external_id}
    sealed = {"key_id": None, "credentials": None}
    if way_in.credentials is not None:
        sealed = _sealed(required_key(CostSettings.read()), way_in.credentials, id)
    statement = SQL["replace_account" if replace else "add_account"]
    if connection.execute(statement, parameters | sealed).fetchone() is None:
        raise RowcrewError(
            f"there is no account {id} to replace" if replace else f"there is an account {id} already"
        )


def disable_account(connection: Connection, id: str) -> None:
    """Collect an account no more. Its costs stay.

    Raises:
        RowcrewError: there is none of this id.
    """
    if connection.execute(SQL["disable_account"], {"id": id}).fetchone() is None:
        raise RowcrewError(f"there is no account {id}; `rowcrew accounts list` shows those there are")


def rotate_keys(connection: Connection, settings: CostSettings) -> Rotation:
    """Seal with the key of now whatever a previous key sealed."""
    key = required_key(settings)
    rotation = Rotation([], [], [])
    for id, key_id, sealed in connection.execute(SQL["sealed_credentials"]).fetchall():
        try:
            credentials = _opened(settings, id, key_id, sealed)
        except CannotOpen:
            rotation.unopened.append(id)
            continue
        if key_id == key.id:
            rotation.current.append(id)
        else:
            connection.execute(SQL["reseal"], {"id": id, **_sealed(key, credentials, id)})
            rotation.resealed.append(id)
    return rotation


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
    return _opened(settings, account.id, *row)


def required_key(settings: CostSettings) -> Key:
    """The key of now.

    Raises:
        SettingsError: ENCRYPTION_KEY is not set.
    """
    if settings.key is None:
        raise SettingsError(
            ["ENCRYPTION_KEY is not set: give 64 hex digits, as `openssl rand -hex 32` makes them"]
        )
    return settings.key


def known_keys(settings: CostSettings) -> dict[str, Key]:
    """The keys that are set, by their ids."""
    keys: Sequence[Key] = [*([settings.key] if settings.key else []), *settings.previous_keys]
    return {key.id: key for key in keys}


def _opened(settings: CostSettings, id: str, key_id: str, sealed: bytes) -> Credentials:
    key = known_keys(settings).get(key_id)
    if key is None:
        there = settings.key.id if settings.key else "not set"
        raise CannotOpen(
            f"the credentials of {id} were sealed with the key {key_id}; ENCRYPTION_KEY is {there}:"
            " set the right one, or name the old one in ENCRYPTION_KEY_PREVIOUS"
        )
    return msgspec.json.decode(unseal(key, bytes(sealed), id), type=Credentials)


def _sealed(key: Key, credentials: Credentials, id: str) -> dict[str, Any]:
    return {"key_id": key.id, "credentials": seal(key, msgspec.json.encode(credentials), id)}


def _account(**columns: Any) -> CloudAccount:
    return msgspec.convert(columns, CloudAccount)
