"""However its owner ends, an embedded server neither outlives it nor loses what must be kept."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from rig.waiting import eventually
from rowcrew.embedded.home import ABANDONED_SECONDS
from tests.embedded.conftest import StartOwner
from tests.embedded.owners import Person, await_end_of, processes_of

KILLED_BEFORE_ITS_WATCHER = """
import os, signal
from rowcrew.embedded import postgres
postgres.start_watcher = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


def grow_old(home: Path) -> None:
    long_ago = time.time() - 2 * ABANDONED_SECONDS
    os.utime(home, (long_ago, long_ago))


def test_a_temporary_server_leaves_nothing_when_its_owner_leaves(start_owner: StartOwner) -> None:
    owner = start_owner().started()
    assert owner.ask("SELECT 1") == "1"
    owner.leave()
    assert not owner.home.exists()
    assert processes_of(owner.home) == []


def test_a_temporary_server_leaves_nothing_when_its_owner_is_killed(start_owner: StartOwner) -> None:
    owner = start_owner().started()
    owner.kill()
    eventually(lambda: not owner.home.exists())
    await_end_of(owner.home)


@pytest.mark.parametrize("moment", ["data.new", "data/postmaster.pid"])
def test_a_temporary_server_leaves_nothing_when_its_owner_is_killed_while_starting_it(
    start_owner: StartOwner, place: Path, moment: str
) -> None:
    owner = start_owner()
    [reached] = eventually(lambda: list((place / "temporary").glob(f"rowcrew-*/{moment}")))
    owner.kill()
    home = Path(str(reached).removesuffix(f"/{moment}"))
    eventually(lambda: not home.exists())
    await_end_of(home)


def test_an_owner_killed_before_its_watcher_runs_leaves_an_empty_home_that_a_later_start_removes(
    start_owner: StartOwner, place: Path
) -> None:
    assert start_owner(first=KILLED_BEFORE_ITS_WATCHER).process.wait() == -signal.SIGKILL
    [home] = (place / "temporary").glob("rowcrew-*")
    assert {entry.name for entry in home.iterdir()} == {"start.lock", "users.lock"}
    start_owner().started()
    assert home.exists(), "somebody may be about to use it"
    grow_old(home)
    start_owner().started()
    assert not home.exists()


@pytest.mark.parametrize("locked", ["start.lock", "users.lock"])
def test_an_old_home_that_somebody_is_about_to_use_is_not_taken_for_abandoned(
    start_owner: StartOwner, person: Person, place: Path, locked: str
) -> None:
    home = person.makes(place / "temporary" / "rowcrew-old-but-locked")
    locks = {name: person.touches(home / name) for name in ("start.lock", "users.lock")}
    grow_old(home)
    with locks[locked].open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        start_owner().started()
        assert home.exists()
    start_owner().started()
    assert not home.exists()


def test_a_lasting_server_stops_when_its_owner_is_killed_and_keeps_its_rows(
    start_owner: StartOwner, person: Person, place: Path
) -> None:
    home = person.makes(place / "home")
    first = start_owner(home).started()
    first.ask("CREATE TABLE kept AS SELECT 42 AS value")
    first.kill()
    await_end_of(home)
    assert start_owner(home).started().ask("SELECT value FROM kept") == "42"


def test_a_server_whose_owner_and_watcher_were_both_killed_is_joined_by_the_next_start(
    start_owner: StartOwner, person: Person, place: Path
) -> None:
    home = person.makes(place / "home")
    first = start_owner(home).started()
    started = first.ask("SELECT pg_postmaster_start_time()")
    first.watcher().kill()
    first.kill()
    second = start_owner(home).started()
    assert second.ask("SELECT pg_postmaster_start_time()") == started
    second.leave()
    assert processes_of(home) == []


def test_an_owner_whose_watcher_was_killed_stops_the_server_itself(start_owner: StartOwner) -> None:
    owner = start_owner().started()
    owner.watcher().kill()
    owner.leave()
    assert not owner.home.exists()
    assert processes_of(owner.home) == []


def test_a_watcher_that_is_told_to_end_first_still_does_its_duty(start_owner: StartOwner) -> None:
    owner = start_owner().started()
    watcher = owner.watcher()
    watcher.terminate()  # as at the end of a session, or of a systemd unit
    owner.kill()
    eventually(lambda: not owner.home.exists())
    await_end_of(owner.home)


def test_the_server_stays_until_its_last_user_leaves(
    start_owner: StartOwner, person: Person, place: Path
) -> None:
    home = person.makes(place / "home")
    first, second = start_owner(home).started(), start_owner(home).started()
    first.leave()
    assert second.ask("SELECT 1") == "1"
    second.leave()
    assert processes_of(home) == []


def test_starters_at_the_same_time_share_one_server(
    start_owner: StartOwner, person: Person, place: Path
) -> None:
    home = person.makes(place / "home")
    owners = [owner.started() for owner in [start_owner(home) for _ in range(4)]]
    assert len({owner.ask("SELECT pg_postmaster_start_time()") for owner in owners}) == 1
