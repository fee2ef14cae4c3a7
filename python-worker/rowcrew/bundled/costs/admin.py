"""What an operator does to cloud accounts: add one, give it another way in, disable it, seal all anew.

In: a psycopg connection with an operator's rights, whose transaction the caller ends. Out: rows of
"cloudAccounts". Called by `rowcrew accounts`; a worker's role may do none of this, and no handler imports it.
"""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg

from rowcrew import RowcrewError, SettingsError
from rowcrew.bundled.costs.accounts import opened_credentials
from rowcrew.bundled.costs.credentials import Credentials
from rowcrew.bundled.costs.keys import Key
from rowcrew.bundled.costs.sealing import CannotOpen, seal
from rowcrew.bundled.costs.settings import CostSettings
from rowcrew.bundled.costs.statements import SQL

Connection = psycopg.Connection[Any]


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
    statement = SQL["operator/replace_account" if replace else "operator/add_account"]
    if connection.execute(statement, parameters | sealed).fetchone() is None:
        raise RowcrewError(
            f"there is no account {id} to replace" if replace else f"there is an account {id} already"
        )


def disable_account(connection: Connection, id: str) -> None:
    """Collect an account no more. Its costs stay.

    Raises:
        RowcrewError: there is none of this id.
    """
    if connection.execute(SQL["operator/disable_account"], {"id": id}).fetchone() is None:
        raise RowcrewError(f"there is no account {id}; `rowcrew accounts list` shows those there are")


def rotate_keys(connection: Connection, settings: CostSettings) -> Rotation:
    """Seal with the key of now whatever a previous key sealed."""
    key = required_key(settings)
    rotation = Rotation([], [], [])
    for id, key_id, sealed in connection.execute(SQL["operator/sealed_credentials"]).fetchall():
        try:
            credentials = opened_credentials(settings, id, key_id, sealed)
        except CannotOpen:
            rotation.unopened.append(id)
            continue
        if key_id == key.id:
            rotation.current.append(id)
        else:
            connection.execute(SQL["operator/reseal"], {"id": id, **_sealed(key, credentials, id)})
            rotation.resealed.append(id)
    return rotation


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


def _sealed(key: Key, credentials: Credentials, id: str) -> dict[str, Any]:
    return {"key_id": key.id, "credentials": seal(key, msgspec.json.encode(credentials), id)}
