"""The pages of clients as programs: the files a page shows, and a driver that obeys a test.

In: a client's name and an empty folder. Out: the built program, which takes an address last; or what this
machine lacks for it. A page's files are its blocks marked `<!-- part of: FILE -->`, in their order.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rig.npm import NODE_IS_THERE, npm_installed
from tests.docs.pages import ROOT, blocks

CLIENTS = ("django", "sqlalchemy", "rails", "prisma", "sequelize", "pgx", "pq", "java")
PAGES = ROOT / "docs" / "guides" / "clients"
DRIVERS = Path(__file__).parent / "drivers"
LANGUAGES = ("python", "ruby", "js", "prisma", "go", "java")
GO_LIBRARIES = Path("/usr/share/gocode")
JDBC = Path("/usr/share/java/postgresql.jar")


class Program(NamedTuple):
    """A command that obeys, and one that tells of the page's traps. Both take an address last."""

    folder: Path
    command: list[str]
    traps: list[str]


def page_of(client: str) -> str:
    return "go" if client in ("pgx", "pq") else client


def write_files(page: str, folder: Path) -> None:
    """Write what the page shows."""
    for block in blocks(*LANGUAGES):
        name = block.marked("part of")
        if name is not None and block.page == PAGES / f"{page}.md":
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as written:
                written.write(block.text)


def missing(client: str) -> str | None:
    """What the client needs and this machine does not have."""
    there: dict[str, tuple[bool, str]] = {
        "rails": (_ruby_has("active_record", "pg"), "ruby-activerecord and ruby-pg"),
        "prisma": (NODE_IS_THERE, "nodejs and npm"),
        "sequelize": (NODE_IS_THERE, "nodejs and npm"),
        "go": (
            shutil.which("go") is not None and (GO_LIBRARIES / "src/github.com/jackc/pgx/v4").exists(),
            "golang-go, golang-github-lib-pq-dev and golang-github-jackc-pgx-v4-dev",
        ),
        "java": (
            shutil.which("javac") is not None and JDBC.exists(),
            "default-jdk-headless and libpostgresql-jdbc-java",
        ),
    }
    is_there, packages = there.get(page_of(client), (True, ""))
    return None if is_there else f"NOT TESTED: it needs Debian's {packages}"


def _ruby_has(*libraries: str) -> bool:
    if shutil.which("ruby") is None:
        return False
    requires = [word for library in libraries for word in ("-r", library)]
    return subprocess.run(["ruby", *requires, "-e", ""], capture_output=True).returncode == 0


def built(client: str, folder: Path) -> Program:
    """The client's program, built in that folder."""
    write_files(page_of(client), folder)
    for file in DRIVERS.iterdir():
        if file.name.lower().startswith((page_of(client), "python")):
            shutil.copy(file, folder)
    build: dict[str, Callable[[Path], Program]] = {
        "rails": lambda folder: Program(folder, ["ruby", "rails_driver.rb"], ["ruby", "rails_traps.rb"]),
        "prisma": _prisma,
        "sequelize": _sequelize,
        "pgx": lambda folder: _go(folder, "pgx"),
        "pq": lambda folder: _go(folder, "postgres"),
        "java": _java,
    }
    return build[client](folder) if client in build else _python(folder, client)


def _python(folder: Path, client: str) -> Program:
    traps = [sys.executable, f"{client}_traps.py"]
    return Program(folder, [sys.executable, "python_driver.py", client], traps)


def _sequelize(folder: Path) -> Program:
    _lend_modules(folder, npm_installed(ROOT / "tests" / "producers" / "node"))
    return Program(folder, ["node", "sequelize_driver.mjs"], ["node", "sequelize_traps.mjs"])


def _prisma(folder: Path) -> Program:
    installed = npm_installed(Path(__file__).parent / "prisma")
    schema = folder / "schema.prisma"
    _lend_modules(folder, installed)
    mark = installed / "generated"
    with (installed / "installing").open("w") as only_one:
        fcntl.flock(only_one, fcntl.LOCK_EX)
        digest = hashlib.sha256(schema.read_bytes()).hexdigest()
        if not mark.exists() or mark.read_text() != digest:
            generate(schema)
            mark.write_text(digest)
    return Program(folder, ["node", "prisma_driver.mjs"], ["node", "prisma_traps.mjs"])


def generate(schema: Path) -> None:
    """Make Prisma's client from a schema that lies beside the modules.

    Its program wants an engine for migrations, which no package holds, although it then does not use it.
    """
    environment = os.environ | {"PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true", "CHECKPOINT_DISABLE": "1"}
    command = ["node_modules/.bin/prisma", "generate", "--schema", schema.name]
    _run(command, cwd=schema.parent, environment=environment)


def _lend_modules(folder: Path, installed: Path) -> None:
    (folder / "node_modules").symlink_to(installed / "node_modules")


def _go(folder: Path, driver: str) -> Program:
    """In the way of before modules, because Debian's libraries are sources in one folder."""
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(GO_LIBRARIES),
        "GOFLAGS": "",
        "GOCACHE": str(ROOT / ".state" / "go"),
        "CGO_ENABLED": "0",
    }
    _run(["go", "build", "-o", "program", "."], cwd=folder, environment=environment)
    return Program(folder, ["./program", driver], ["./program", driver, "traps"])


def _java(folder: Path) -> Program:
    sources = [file.name for file in folder.glob("*.java")]
    _run(["javac", "-cp", str(JDBC), "-d", "classes", *sources], cwd=folder)
    java = ["java", "-cp", f"classes:{JDBC}"]
    return Program(folder, [*java, "JavaDriver"], [*java, "JavaTraps"])


def _run(command: list[str], *, cwd: Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
