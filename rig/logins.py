"""Logins that are members of the shipped roles, made as an operator makes them: psql and one CREATE ROLE.

A pytest plugin, loaded by tests/conftest.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from rowcrew.embedded import EmbeddedPostgres

ROLES: Final = ("producer", "worker", "reader")
PASSWORD: Final = "canary-of-the-login-7f3a"  # also looked for wherever it must not be

Login = Callable[[str], str]
As = Callable[[str], psycopg.Connection[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def roles_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `rowcrew roles` prints."""
    file = tmp_path_factory.mktemp("roles") / "roles.sql"
    with file.open("wb") as output:
        subprocess.run([sys.executable, "-m", "rowcrew.cli", "roles"], stdout=output, check=True)
    return file


@contextmanager
def logins(server: EmbeddedPostgres, roles_file: Path, url: str, tcp_url: str) -> Iterator[Login]:
    """Make the roles and a login of each for one database; they go with the block."""
    for _ in range(2):  # again after every upgrade, says the file
        server.run("psql", "-v", "ON_ERROR_STOP=1", "-f", str(roles_file), url=url)
    with psycopg.connect(url, autocommit=True) as owner:
        for role in ROLES:
            owner.execute(f"CREATE ROLE a_{role} LOGIN PASSWORD '{PASSWORD}' IN ROLE rowcrew_{role}")

        def login(role: str) -> str:
            return re.sub(r"//[^@]*@", f"//a_{role}:{PASSWORD}@", tcp_url)

        yield login
        for role in ROLES:
            owner.execute(f"DROP OWNED BY a_{role}, rowcrew_{role}")
            owner.execute(f"DROP ROLE a_{role}, rowcrew_{role}")


@pytest.fixture
def login(
    server: EmbeddedPostgres, roles_file: Path, database_url: str, tcp_database_url: str
) -> Iterator[Login]:
    """The address of this test's database for a login with only that role; by TCP, with a password."""
    with logins(server, roles_file, database_url, tcp_database_url) as login:
        yield login


@pytest.fixture
def as_role(login: Login) -> Iterator[As]:
    """A connection, in autocommit, of a login with only that role."""
    with ExitStack() as opened:

        def as_role(role: str) -> psycopg.Connection[tuple[Any, ...]]:
            return opened.enter_context(psycopg.connect(login(role), autocommit=True))

        yield as_role
