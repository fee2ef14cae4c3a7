"""The locks hold what pyproject.toml asks for, and nothing that would tie them to a place."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PRODUCTION = ROOT / "python-worker" / "requirements.txt"
DEVELOPMENT = ROOT / "requirements" / "dev.txt"
LOCKS = [PRODUCTION, DEVELOPMENT, ROOT / "requirements" / "uv.txt"]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def asked_of(lock: Path) -> list[str]:
    core: list[str] = project()["project"]["dependencies"]
    extras: dict[str, list[str]] = project()["project"]["optional-dependencies"]
    if lock == PRODUCTION:
        return core + extras["fast"] + extras["sim"] + extras["reports"]
    group: list[str] = project()["dependency-groups"]["dev"]
    return [*core, *chain.from_iterable(extras.values()), *group]


def locked_in(lock: Path) -> dict[str, list[Version]]:
    """The versions of each package; several where Python versions need different ones."""
    found: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(Version(version))
    return found


@pytest.mark.parametrize("lock", [PRODUCTION, DEVELOPMENT], ids=lambda lock: lock.name)
def test_every_dependency_is_locked_at_a_version_that_satisfies_it(lock: Path) -> None:
    locked = locked_in(lock)
    for asked in map(Requirement, asked_of(lock)):
        versions = locked.get(canonicalize_name(asked.name))
        assert versions, f"{asked.name} is not in {lock.name}: run ./dev lock"
        assert all(version in asked.specifier for version in versions), (
            f"{asked} against {versions}: run ./dev lock"
        )


def test_the_locks_agree_on_versions() -> None:
    development = locked_in(DEVELOPMENT)
    for name, versions in locked_in(PRODUCTION).items():
        assert development[name] == versions, f"{name}: run ./dev lock"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_version_has_hashes(lock: Path) -> None:
    entries = re.split(r"^(?=[\w.-]+==)", lock.read_text(), flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_names_an_index_or_a_local_path(lock: Path) -> None:
    assert not re.search(
        r"https?:|file:|index-url|find-links|^\s*-[erc] |(^|\s)/", lock.read_text(), re.MULTILINE
    )


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_holds_a_broker(lock: Path) -> None:
    brokers = {"redis", "amqp", "kombu", "celery", "pika", "rq", "dramatiq"}
    assert not brokers & set(locked_in(lock))
