"""AWS for a whole session of tests, because moto starts slowly; every other place is a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.amazon import Amazon, amazon
from tests.launchers.places import ALL, Place, place_named


@pytest.fixture(scope="session")
def running_amazon() -> Iterator[Amazon]:
    with amazon() as aws:
        yield aws


@pytest.fixture
def aws(running_amazon: Amazon, monkeypatch: pytest.MonkeyPatch) -> Amazon:
    """AWS, with credentials for it in this process, and nothing that an earlier test ordered."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    running_amazon.failures = []
    running_amazon.trouble_at.clear()
    return running_amazon


@pytest.fixture(params=ALL)
def place(request: pytest.FixtureRequest, aws: Amazon, tmp_path: Path) -> Iterator[Place]:
    with place_named(request.param, aws, tmp_path) as place:
        yield place
