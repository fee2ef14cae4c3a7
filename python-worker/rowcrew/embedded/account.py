"""Whom PostgreSQL runs as: ourselves, or an account of its own when we are root.

In: nothing but who we are. Out: an `Account`, or None for ourselves; with it commands are run and files
given. Called by the owner of a server and by its watcher, who must come to the same answer.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rowcrew.embedded.errors import EmbeddedPostgresError


@dataclass(frozen=True)
class Account:
    """Whom PostgreSQL runs as when we are root: it refuses to run as root itself."""

    name: str
    user: int
    group: int

    @classmethod
    def named(cls, name: str) -> Account | None:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return cls(name, entry.pw_uid, entry.pw_gid)
        return None


def server_account() -> Account | None:
    """The account to run PostgreSQL as: None (ourselves) unless we are root."""
    if os.geteuid() != 0:
        return None
    account = Account.named("rowcrew-pg") or _create_account("rowcrew-pg") or Account.named("nobody")
    if account is None:
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is neither useradd nor an account `nobody`: "
            "run as an ordinary user, or set DATABASE_URL to a server of your own"
        )
    return account


def run_as(
    account: Account | None, command: list[str], *, directory: Path, output: IO[str] | int
) -> subprocess.CompletedProcess[bytes]:
    """Run a command as this account in this directory; both its outputs go to `output`."""
    become: dict[str, Any] = {}
    if account:
        become = {"user": account.user, "group": account.group, "extra_groups": []}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=directory,
        check=False,
        **become,
    )


def give(account: Account | None, ours: Path) -> None:
    """Make the account the owner of a file or directory of ours."""
    if account:
        os.chown(ours, account.user, account.group)


def _create_account(name: str) -> Account | None:
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run([useradd, *options, name], capture_output=True, check=False)
    return Account.named(name)
