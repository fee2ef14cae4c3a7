"""What the options and variables of `rowcrew spawner` come to."""

from __future__ import annotations

from typing import Any

import pytest

from rowcrew.cli import main
from rowcrew.settings import Settings
from rowcrew.spawn import main as spawn
from rowcrew.spawn.spawner import Wishes


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, Wishes, bool]]:
    """What the spawner would run with."""
    found: list[tuple[Settings, Wishes, bool]] = []

    def run(settings: Settings, wishes: Wishes, *, once: bool) -> int:
        found.append((settings, wishes, once))
        return 0

    monkeypatch.setattr(spawn, "run_spawner", run)
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@somewhere/something")
    return found


@pytest.mark.parametrize(
    ("variables", "options", "seconds"),
    [
        ({}, [], 5),
        ({"SPAWNER_CHECK_INTERVAL": "7"}, [], 7),
        ({"SPAWNER_CHECK_INTERVAL": "7"}, ["--interval", "0.5"], 0.5),
    ],
)
def test_it_checks_every_five_seconds_unless_somebody_says_otherwise(
    started: list[tuple[Settings, Wishes, bool]],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    options: list[str],
    seconds: float,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["spawner", *options]) == 0
    [(settings, wishes, once)] = started
    assert settings.spawner_seconds == seconds
    assert (wishes.short, wishes.verbose, wishes.leave_workers, once) == (False, False, False, False)


@pytest.mark.parametrize(
    ("options", "wish"),
    [
        (["--summary", "short"], {"short": True}),
        (["--verbose"], {"verbose": True}),
        (["--leave-workers"], {"leave_workers": True}),
        (["--launcher", "command"], {"launcher": "command"}),
        (["--queue", "ai", "--queue", "upload"], {"queues": ["ai", "upload"]}),
    ],
)
def test_an_option_is_a_wish(
    started: list[tuple[Settings, Wishes, bool]], options: list[str], wish: dict[str, Any]
) -> None:
    assert main(["spawner", *options]) == 0
    [(_, wishes, _)] = started
    assert {name: getattr(wishes, name) for name in wish} == wish


def test_once_and_the_grace_of_its_workers_are_passed_on(
    started: list[tuple[Settings, Wishes, bool]],
) -> None:
    assert main(["spawner", "--once", "--shutdown-grace", "7"]) == 0
    [(settings, _, once)] = started
    assert (settings.shutdown_grace_seconds, once) == (7, True)
