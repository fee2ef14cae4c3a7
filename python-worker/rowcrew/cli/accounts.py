"""`rowcrew accounts add|list|disable|rotate-key`: the cloud accounts whose costs are collected.

In: an id, and credentials from a file, standard input, a prompt or the environment; never from the command
line, which other users of the machine can read. Out: rows of "cloudAccounts" without what opens an account.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import psycopg
from cyclopts import App, Parameter

from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.asking import explained
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import columns, print_document, print_documents
from rowcrew.cli.tables import print_table
from rowcrew.model.counting import counted
from rowcrew.table.opening import opened

if TYPE_CHECKING:
    from rowcrew.bundled.costs.accounts import CloudAccount
    from rowcrew.bundled.costs.credentials import Credentials

LIST_COLUMNS: Final = ("account", "state", "way in", "key", "collected", "problem")

accounts = App(name="accounts", help="The cloud accounts whose costs are collected.")

Id = Annotated[str, Parameter(name="ID", help="Name of the account, as you call it: letters, digits, . _ -")]


@accounts.command
def add(
    id: Id,
    /,
    *,
    credentials: Annotated[
        Path | None,
        Parameter(allow_leading_hyphen=True, help="File with the access key, or - for standard input."),
    ] = None,
    from_env: Annotated[
        bool, Parameter(help="Take AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment.")
    ] = False,
    role_arn: Annotated[str | None, Parameter(help="Role to assume.")] = None,
    external_id: Annotated[str | None, Parameter(help="What the role's trust asks for.")] = None,
    replace: Annotated[
        bool, Parameter(help="Give an account that is there another way in, and collect it again.")
    ] = False,
) -> None:
    """Add an AWS account, whose costs are collected from then on.

    The access key comes from a file as AWS prints it or an editor wrote it,
    from standard input, from the environment, or from a prompt; the command
    line would show it to everybody on this machine. It is stored sealed with
    ENCRYPTION_KEY. With a role and no key the worker's own credentials assume
    the role.
    """
    from rowcrew.bundled.costs.admin import WayIn, add_account

    _require_form(id, role_arn, external_id)
    key = _credentials(credentials, from_env=from_env, is_needed=role_arn is None)
    way_in = WayIn(credentials=key, role_arn=role_arn, external_id=external_id)
    with connected("accounts add") as connection:
        add_account(connection, id, way_in, replace=replace)
    done = "replaced" if replace else "added"
    print(f"{id}: {done}; `rowcrew enqueue cost_collection` collects it now")


@accounts.default
@accounts.command(name="list")
def list_accounts(*, json: AsJson = False) -> None:
    """List the accounts: whether and how they are collected, with which key, and what went wrong last.

    The key is current, previous, or unknown: then no variable that is set
    here has it.
    """
    from rowcrew.bundled.costs import accounts as costs

    with connected("accounts list") as connection:
        rows = costs.list_accounts(connection)
    if json:
        print_documents(rows)
    elif rows:
        keys = _key_names()
        print_table([_summary(row, keys) for row in rows], LIST_COLUMNS, shrink=("way in",), below="problem")
    else:
        print("There are no accounts yet; add one with `rowcrew accounts add`.", file=sys.stderr)


@accounts.command
def disable(id: Id, /) -> None:
    """Collect an account no more. Its costs and anomalies stay."""
    from rowcrew.bundled.costs.admin import disable_account

    with connected("accounts disable") as connection:
        disable_account(connection, id)
    print(f"{id}: disabled")


@accounts.command(name="rotate-key")
def rotate_key(*, json: AsJson = False) -> int:
    """Seal all credentials with ENCRYPTION_KEY that another key of ENCRYPTION_KEY_PREVIOUS sealed.

    First give all workers both: the new key as ENCRYPTION_KEY, the old one as
    ENCRYPTION_KEY_PREVIOUS. Then run this, then take the old one away. Exit
    code 1 if there are credentials that neither opens; they stay as they are.
    """
    from rowcrew.bundled.costs.admin import rotate_keys
    from rowcrew.bundled.costs.settings import CostSettings

    with connected("accounts rotate-key") as connection:
        rotation = rotate_keys(connection, CostSettings.read())
    if json:
        print_document(rotation)
    else:
        print(
            f"{counted(len(rotation.resealed), 'account')} sealed anew, "
            f"{len(rotation.current)} had the current key already."
        )
        for id in rotation.unopened:
            print(f"❌ {id}: no key that is set opens its credentials; add it anew with --replace")
    return FAILURE if rotation.unopened else SUCCESS


def _credentials(file: Path | None, *, from_env: bool, is_needed: bool) -> Credentials | None:
    """The access key from where it was said to be; from a prompt, where a person sits and one is needed."""
    from rowcrew.bundled.costs.credentials import credentials_of

    if file is not None and from_env:
        raise UsageError("give --credentials or --from-env, not both")
    if file is not None:
        return credentials_of(sys.stdin.read() if str(file) == "-" else file.read_text())
    if from_env:
        return _of_environment()
    if not is_needed:
        return None
    if not sys.stdin.isatty():
        raise UsageError("give --credentials FILE (- is standard input), --from-env or --role-arn")
    lines = (f"accessKeyId={input('Access key id: ')}", f"secretAccessKey={getpass('Secret access key: ')}")
    return credentials_of("\n".join(lines))


def _of_environment() -> Credentials:
    from rowcrew.bundled.costs.credentials import Credentials
    from rowcrew.bundled.files.settings import FileSettings

    given = FileSettings.readable()
    if given.aws_access_key_id is None or given.aws_secret_access_key is None:
        raise UsageError("--from-env needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and not both are set")
    return Credentials(given.aws_access_key_id, str(given.aws_secret_access_key))


def _require_form(id: str, role_arn: str | None, external_id: str | None) -> None:
    import re

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", id):
        raise UsageError(f"{id!r} cannot be the name of an account: 1 to 100 letters, digits, . _ -")
    if role_arn is not None and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", role_arn):
        raise UsageError(f"{role_arn!r} is no role: give it as arn:aws:iam::123456789012:role/NAME")
    if external_id is not None and role_arn is None:
        raise UsageError("--external-id goes with --role-arn")


def _key_names() -> dict[str, str]:
    """What the keys that are set are called, by their ids."""
    from rowcrew.bundled.costs.accounts import known_keys
    from rowcrew.bundled.costs.settings import CostSettings

    settings = CostSettings.readable()
    names = dict.fromkeys(known_keys(settings), "previous")
    return names if settings.key is None else names | {settings.key.id: "current"}


def _summary(row: CloudAccount, keys: dict[str, str]) -> dict[str, Any]:
    ways = [*(["access key"] if row.key_id else []), *([row.role_arn] if row.role_arn else [])]
    return {
        **columns(row),
        "account": row.id,
        "state": "active" if row.active else "disabled",
        "way in": ", ".join(ways),
        "key": None if row.key_id is None else keys.get(row.key_id, "unknown"),
        "collected": row.collected_at,
    }


@contextmanager
def connected(purpose: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose transaction commits with the block; what the database refuses is told in a sentence.

    Raises:
        RowcrewError: no connection, no right to, or the family's tables are missing.
    """
    address = read_settings().require_database_url()
    try:
        with opened(address, name=purpose) as connection:
            yield connection
    except psycopg.Error as error:
        raise explained(error, address) from error
