"""People and places for the tests of the embedded PostgreSQL."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rig.memory import temporary_files_in_memory
from rowcrew import embedded
from tests.embedded.owners import Owner, Person, an_ordinary_user, copy_for_everybody, python_for

StartOwner = Callable[..., Owner]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every account may enter; pytest's own is closed to others."""
    with public_directory() as directory:
        yield directory


@contextmanager
def public_directory() -> Iterator[Path]:
    with temporary_files_in_memory():
        directory = Path(tempfile.mkdtemp(prefix="rct-")).resolve()
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def ordinary_user() -> Iterator[Person]:
    if os.geteuid() != 0:
        pytest.skip("only root can make another user")
    for user in an_ordinary_user():
        if (python := python_for(user)) is None:
            pytest.skip("there is no Python 3.11 that an ordinary user can execute")
        with public_directory() as directory:
            yield Person(user, python, *copy_for_everybody(directory))


@pytest.fixture(params=["ourselves", "ordinary user"])
def person(request: pytest.FixtureRequest) -> Person:
    """Each test that asks for a person runs twice when we are root: as root and as an ordinary user."""
    if request.param == "ordinary user":
        user: Person = request.getfixturevalue("ordinary_user")
        return user
    return Person(None, sys.executable, Path(embedded.__file__).parents[2], embedded.find_binaries())


@pytest.fixture
def start_owner(person: Person, place: Path) -> Iterator[StartOwner]:
    """Start a process that owns a server; those left at the end are ended."""
    owners: list[Owner] = []
    temporary_directory = person.makes(place / "temporary")

    def start_owner(home: Path | None = None, *, first: str = "") -> Owner:
        owners.append(Owner(person, home, temporary_directory, first))
        return owners[-1]

    yield start_owner
    for owner in owners:
        owner.end()
