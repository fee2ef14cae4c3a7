"""The PostgreSQL versions that this machine's system brings, for what the embedded one cannot show.

In: a program `initdb` of the system. Out: an installation that `EmbeddedPostgres` takes as its `binaries`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

SYSTEM: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))

# The embedded server asks initdb for a locale provider that only PostgreSQL 17 and newer have.
_INITDB: Final = """#!/bin/sh
for argument; do
    shift
    case $argument in
        --locale* | --builtin-locale*) ;;
        *) set -- "$@" "$argument" ;;
    esac
done
exec {initdb} "$@" --locale=C.UTF-8
"""


def linked(initdb: Path, home: Path) -> Path:
    """An installation in a new folder `home`, with the programs beside this one."""
    programs = home / "bin"
    programs.mkdir(parents=True)
    for program in initdb.parent.iterdir():
        (programs / program.name).symlink_to(program)
    (programs / "initdb").unlink()
    (programs / "initdb").write_text(_INITDB.format(initdb=initdb))
    (programs / "initdb").chmod(0o755)
    return home
