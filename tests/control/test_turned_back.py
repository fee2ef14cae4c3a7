"""What a worker says when the database has lost what it had committed."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest

from rig.clock import MovedClock
from rig.logins import Login
from rowcrew.control.care.turned_back import MOST_COMPLETED, REMEMBERED_SECONDS, LatelyCompleted
from rowcrew.control.run import Run
from rowcrew.model.outcome import Completed, Errored, Released
from rowcrew.table import worker as statements
from rowcrew.table.link import Link
from rowcrew.table.worker import Server
from tests.control.site import Site

pytestmark = pytest.mark.anyio

SERVERS = {
    "promoted": Server("7", "2"),
    "another": Server("8", "1"),
    "the same": Server("7", "1"),
    "unknown": None,
}
# What a row shows when its end, its reservation or all of it is lost.
SHOWS: dict[str, LiteralString] = {
    "unended": "UPDATE jobs SET status = 'processing', \"finishedAt\" = NULL WHERE id = %s",
    "unbegun": 'UPDATE jobs SET status = \'queued\', "leaseId" = NULL, "finishedAt" = NULL WHERE id = %s',
    "gone": "DELETE FROM jobs WHERE id = %s",
}
LOST = "The database has lost what it had committed"


async def completed(site: Site) -> Run:
    run = await site.start()
    await site.finish(run, Completed())
    return run


async def looks(site: Site, monkeypatch: pytest.MonkeyPatch, answers: str) -> None:
    """Look after a new connection, to this server."""

    async def who(_link: Link) -> Server:
        found = SERVERS[answers]
        if found is None:
            raise psycopg.errors.InsufficientPrivilege("permission denied for function pg_control_system")
        return found

    monkeypatch.setattr(statements, "server", who)
    await site.links.chores.close()
    await site.links.chores.open()
    await site.organs.turned_back.once()


@pytest.mark.parametrize("answers", SERVERS)
@pytest.mark.parametrize("shows", SHOWS)
async def test_completed_jobs_that_are_so_no_longer_are_told_once_where_no_hand_can_have_done_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, shows: str, answers: str
) -> None:
    await looks(site, monkeypatch, "the same")
    runs = [await completed(site) for _ in range(3)]
    site.table.write_past_triggers(SHOWS[shows], runs[0].job.id)
    await looks(site, monkeypatch, answers)
    has_moved = answers in ("promoted", "another")
    assert (LOST in site.said) == (shows == "unended" or has_moved)
    if LOST in site.said:
        again, gone = (0, 1) if shows == "gone" else (1, 0)
        said = f"of the last 3 completed jobs 1 are so no longer. {again} of them run again; {gone}"
        assert said in site.said
        (event,) = site.table.rows("SELECT detail FROM events WHERE kind = 'server.went_back'")
        assert [event["detail"][name] for name in ("again", "gone", "completed")] == [again, gone, 3]
    await looks(site, monkeypatch, answers)
    assert site.said.count(LOST) <= 1


async def test_an_end_that_is_lost_and_given_back_before_the_look_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await looks(site, monkeypatch, "the same")
    run = await completed(site)
    site.table.write_past_triggers(
        'UPDATE jobs SET status = \'processing\', "finishedAt" = NULL, "workerId" = %s WHERE id = %s',
        site.organs.identity.worker_id,
        run.job.id,
    )
    await site.organs.heartbeat.check(nothing_in_flight=True)
    await site.road.recorder.once()
    assert site.table.outcomes(run.job.id) == ["released"]
    await looks(site, monkeypatch, "unknown")
    assert LOST in site.said


async def test_what_a_hand_requeues_is_not_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await looks(site, monkeypatch, "the same")
    requeued = await completed(site)
    site.table.set_status(requeued.job.id, "queued")
    await looks(site, monkeypatch, "the same")
    assert LOST not in site.said


@pytest.mark.parametrize("meanwhile", ["quiet", "an outage"])
async def test_what_a_hand_deleted_long_before_a_fail_over_is_not_told_as_lost_in_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    await looks(site, monkeypatch, "the same")
    run = await completed(site)
    await site.organs.turned_back.once()
    site.table.write_past_triggers(SHOWS["gone"], run.job.id)
    if meanwhile == "an outage":
        await site.links.chores.close()
    site.clock.move(2 * REMEMBERED_SECONDS)
    await site.organs.turned_back.once()
    await looks(site, monkeypatch, "promoted")
    assert (LOST in site.said) == (meanwhile == "an outage")


async def test_a_fail_over_that_loses_nothing_is_told_as_such(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await looks(site, monkeypatch, "the same")
    await completed(site)
    for outcome in (Errored("broken"), Released("stopped")):
        await site.finish(await site.start("limited"), outcome)
    await looks(site, monkeypatch, "promoted")
    assert LOST not in site.said
    assert "Another server answers (timeline 2 follows 1: a stand-by was promoted)" in site.said


async def test_nothing_is_asked_while_no_connection_was_opened(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await looks(site, monkeypatch, "the same")
    monkeypatch.delattr(statements, "server")
    monkeypatch.delattr(statements, "turned_back")
    await site.organs.turned_back.once()


async def test_the_server_tells_an_ordinary_role_which_one_it_is(site: Site, login: Login) -> None:
    link = Link(login("worker"), purpose="test")
    try:
        assert await statements.server(link) == await statements.server(site.links.chores)
        assert (await statements.server(link)).timeline == "1"
    finally:
        await link.close()


def test_what_is_remembered_is_bounded_by_number_and_by_time() -> None:
    clock = MovedClock()
    lately = LatelyCompleted(clock)
    lately.add([(id, "lease") for id in range(2 * MOST_COMPLETED)])
    assert [id for id, _ in lately.all()] == list(range(MOST_COMPLETED, 2 * MOST_COMPLETED))
    lately.add([(1, "lease")])
    assert len(lately.all()) == 1
    clock.move(10 * REMEMBERED_SECONDS)
    assert len(lately.all()) == 1  # an outage may last long
    lately.add([(2, "lease")])
    assert lately.all() == [(2, "lease")]
