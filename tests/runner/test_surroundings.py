"""The state of the process that runs leave behind, and how it is put back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rowcrew.runner.surroundings import Surroundings


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Surroundings]:
    """Of a clock that stands still after its first look, and put back at the end in any case."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)
    before = Surroundings(iter(range(100)).__next__)
    yield before
    before.restore()


def test_what_a_run_has_changed_is_put_back(surroundings: Surroundings, tmp_path: Path) -> None:
    os.chdir("/")
    umask = os.umask(0o777)
    os.environ.update(TZ="Asia/Kathmandu", LEFT="behind")
    time.tzset()
    handler = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    surroundings.restore()
    assert Path.cwd() == tmp_path
    assert os.umask(umask) == umask
    assert (os.environ["TZ"], os.environ.get("LEFT"), time.tzname[0]) == ("UTC", None, "UTC")
    assert signal.getsignal(signal.SIGUSR1) is handler


ALARMS = """
import signal
from rowcrew.runner.surroundings import Surroundings
surroundings = Surroundings(iter(range(100)).__next__)
signal.signal(signal.SIGALRM, lambda *_: None)
signal.alarm(600)
surroundings.restore()
print(signal.getsignal(signal.SIGALRM) is signal.SIG_DFL, signal.alarm(0))
signal.alarm(600)
of_the_crew = Surroundings(iter(range(100)).__next__)
of_the_crew.restore()
print(signal.alarm(0) > 0)
"""


def test_an_alarm_of_a_run_ends_with_its_handler_and_one_of_the_crew_stays() -> None:
    program = [sys.executable, "-c", ALARMS]  # pytest sets an alarm of its own
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "0", "True"]


def test_an_environment_that_a_run_has_replaced_is_put_back(
    surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.environ
    monkeypatch.setattr(os, "environ", {"LEFT": "behind"})
    surroundings.restore()
    assert os.environ is before


def test_a_directory_that_was_removed_does_not_stop_the_runner(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    surroundings = Surroundings(iter(range(100)).__next__)
    os.chdir("/")
    home.rmdir()
    surroundings.restore()
    assert Path.cwd() == Path("/")


def test_the_process_is_looked_at_no_more_often_than_a_thousand_times_a_second(tmp_path: Path) -> None:
    now = [10.0]
    surroundings = Surroundings(lambda: now[0])
    surroundings.restore()
    here = Path.cwd()
    os.chdir(tmp_path)
    surroundings.restore()
    assert Path.cwd() == tmp_path
    now[0] += 0.001
    surroundings.restore()
    assert Path.cwd() == here
