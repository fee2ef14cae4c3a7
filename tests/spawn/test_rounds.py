"""Rounds by hand, against a real table, with launchers that start nothing: who is counted, and when."""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any

import pytest

from rowcrew import settings
from rowcrew.log import Log
from rowcrew.spawn.launchers.process import Ended
from rowcrew.spawn.rounds import Checked
from rowcrew.spawn.spawner import Spawner as WholeSpawner
from rowcrew.spawn.spawner import Wishes
from rowcrew.table import operator, worker
from rowcrew.table import spawn as table
from tests.conftest import Connect
from tests.contract.hands import insert, reserve
from tests.spawn.by_hand import Spawner, crowd, register, rows

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("ai")]


async def test_the_pause_that_counting_asks_for_is_part_of_the_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def wait(event: asyncio.Event, seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            whole.close()

    async def check(**_: bool) -> Checked:
        return Checked(counted_seconds=0.1)

    values = settings.read({"DATABASE_URL": "postgresql://", "SPAWNER_CHECK_INTERVAL": "5"})
    whole = WholeSpawner(settings=values, wishes=Wishes(), log=Log("text", io.StringIO()))
    monkeypatch.setattr(whole, "check", check)
    monkeypatch.setattr("rowcrew.spawn.spawner._for", wait)
    await whole.run()
    assert waited == [2.0, 3.0]


async def test_nothing_ready_starts_nothing(spawner: Spawner, connect: Connect) -> None:
    insert(connect(), queue="ai", runAt="2999-01-01")
    assert (await spawner.once()).started == 0
    assert rows(connect) == []


async def test_the_row_is_there_before_the_worker_and_says_how_it_was_started(
    spawner: Spawner, connect: Connect
) -> None:
    crowd(connect, 1)
    spawner.launcher.before_start = lambda: seen.extend(rows(connect, '"launchHandle"'))
    seen: list[tuple[Any, ...]] = []
    await spawner.once()
    assert seen == [(None,)]
    ((launcher, handle, registered, queues),) = rows(
        connect, 'launcher, "launchHandle", "registeredAt", queues'
    )
    assert (launcher, handle, registered, queues) == ("process", "0:0:1:0", None, ["ai"])
    (launch,) = spawner.launcher.launches
    assert launch.arguments == ("worker", "--queue", "ai", "--ephemeral", "--concurrency", "1")
    assert launch.environment["ROWCREW_BOOT_ID"] == launch.boot_id


async def test_names_are_the_label_and_the_second_and_then_numbers(
    spawner: Spawner, connect: Connect
) -> None:
    crowd(connect)
    await spawner.once()
    first, *others = [name for (name,) in rows(connect)]
    assert first.startswith("ai_")
    assert first.removeprefix("ai_").isdecimal()
    assert others == [f"{first}_2", f"{first}_3"]
    assert f"🚀 Spawned worker {others[1]} for AI (PID: 3, Total: 3)" in spawner.said


async def test_launched_workers_count_as_live_until_they_are_given_up(
    spawner: Spawner, connect: Connect
) -> None:
    crowd(connect)
    assert (await spawner.once()).started == 3
    assert (await spawner.once()).started == 0
    assert connect().execute("SELECT get_active_worker_count('ai')").fetchone() == (3,)
    connect().execute("""UPDATE workers SET "launchedAt" = now() - interval '121 s'""")
    assert connect().execute("SELECT get_active_worker_count('ai')").fetchone() == (0,)
    assert (await spawner.once()).started == 0  # they rest: a round of launches has failed
    assert set(rows(connect, '"stopReason", "errorMessage"')) == {
        ("error", "it did not register within 120 seconds")
    }
    assert "launched and never came" in spawner.said
    connect().execute("""UPDATE workers SET "stoppedAt" = now() - interval '6 s'""")
    assert (await spawner.once()).started == 3


async def test_failed_rounds_rest_longer_and_longer_until_a_worker_comes(
    spawner: Spawner, connect: Connect
) -> None:
    crowd(connect)
    spawner.launcher.fails = True
    for failures, since in ((1, 6), (2, 11)):
        checked = await spawner.once()
        assert (checked.started, checked.failed) == (0, 3)
        (standing,) = await table.standings(spawner.link, queues=["ai"])
        assert standing.failures == failures
        assert (await spawner.once()).failed == 0  # it rests
        connect().execute("""UPDATE workers SET "stoppedAt" = now() - %s * interval '1 s'""", [since])
    spawner.launcher.fails = False
    assert (await spawner.once()).started == 3
    await register(spawner, spawner.launcher.launches[0])
    (standing,) = await table.standings(spawner.link, queues=["ai"])
    assert standing.failures == 0


async def test_workers_that_come_and_die_make_their_queue_rest_too(
    spawner: Spawner, connect: Connect
) -> None:
    connect().execute("""UPDATE queues SET "maxConcurrent" = 1""")
    crowd(connect)
    for failures in (1, 2):
        await spawner.once()
        await register(spawner, spawner.launcher.launches[-1])
        connect().execute(
            """UPDATE workers SET "lostAt" = now(), "stopReason" = 'lost' WHERE "lostAt" IS NULL"""
        )
        (standing,) = await table.standings(spawner.link, queues=["ai"])
        assert standing.failures == failures
        (failed,) = await operator.failed_launches(spawner.link)
        assert (failed.queue, failed.launches) == ("ai", failures)
        assert (await spawner.once()).started == 0
        connect().execute("""UPDATE workers SET "lostAt" = now() - interval '1 min'""")


async def test_a_worker_that_dies_after_it_has_worked_is_no_failed_launch(
    spawner: Spawner, connect: Connect
) -> None:
    connect().execute("""UPDATE queues SET "maxConcurrent" = 1""")
    crowd(connect)
    await spawner.once()
    await register(spawner, spawner.launcher.launches[-1])
    connect().execute("""UPDATE workers SET "lostAt" = now(), "stopReason" = 'lost', beats = 2""")
    (standing,) = await table.standings(spawner.link, queues=["ai"])
    assert standing.failures == 0
    assert await operator.failed_launches(spawner.link) == []
    assert (await spawner.once()).started == 1


async def test_after_a_failed_start_no_other_of_its_round_is_tried(
    spawner: Spawner, connect: Connect
) -> None:
    crowd(connect)
    tried: list[int] = []

    def fail_the_first() -> None:
        spawner.launcher.fails = not tried
        tried.append(1)

    spawner.launcher.before_start = fail_the_first
    checked = await spawner.once()
    assert (checked.started, checked.failed, len(tried)) == (0, 3, 1)
    assert {reason for (reason,) in rows(connect, '"errorMessage"')} == {
        "no room",
        "not started: the round had ended before its turn",
    }


async def test_a_failed_start_ends_the_round_of_its_queue_alone(spawner: Spawner, connect: Connect) -> None:
    connect().execute("""INSERT INTO queues (queue, launcher) VALUES ('other', 'nowhere')""")
    crowd(connect, 1, "other")
    crowd(connect)
    checked = await spawner.once()
    assert (checked.started, checked.failed) == (3, 1)
    assert "did not start: no launcher is called 'nowhere'" in spawner.said


async def test_no_other_worker_declares_one_lost_that_is_on_its_way(
    spawner: Spawner, connect: Connect
) -> None:
    crowd(connect, 1)
    await spawner.once()
    connect().execute("""UPDATE workers SET "heartbeatAt" = now() - interval '1 hour'""")
    assert await worker.observe(spawner.link, 0) == []


async def test_the_cooldown_holds_for_all_spawners_together(
    spawner: Spawner, other: Spawner, connect: Connect
) -> None:
    connect().execute("""UPDATE queues SET "cooldownSeconds" = 600""")
    crowd(connect, 1)
    assert (await spawner.once()).started == 1
    crowd(connect, 2)
    checked = await other.once()
    assert checked.started == 0
    assert 0 < (checked.again_seconds or 0) <= 600
    connect().execute("""UPDATE queues SET "spawnedAt" = now() - interval '601 s'""")
    assert (await other.once()).started == 2


async def test_a_clock_that_was_set_back_stops_no_starts(spawner: Spawner, connect: Connect) -> None:
    connect().execute("""UPDATE queues SET "cooldownSeconds" = 10, "spawnedAt" = now() + interval '2 h'""")
    crowd(connect, 1)
    assert (await spawner.once()).started == 1


async def test_a_queue_without_a_row_gets_a_worker_too(spawner: Spawner, connect: Connect) -> None:
    crowd(connect, 4, "unknown")
    assert (await spawner.once()).started == 1


async def test_what_is_paused_or_throttled_gets_no_worker(spawner: Spawner, connect: Connect) -> None:
    crowd(connect)
    connect().execute("""UPDATE queues SET paused = true""")
    assert (await spawner.once()).started == 0
    connect().execute("""UPDATE queues SET paused = false, "rateLimit" = 2, "ratePeriodSeconds" = 3600""")
    connect().execute("""INSERT INTO starts VALUES ('queue ai', now(), 2, 2)""")
    checked = await spawner.once()
    assert [decision.reason for decision in checked.decisions] == ["its rate is used up"]


async def test_keys_whose_rate_is_used_up_bring_no_worker(spawner: Spawner, connect: Connect) -> None:
    for key in ("a", "a", "b"):
        insert(connect(), queue="ai", concurrencyKey=key)
    connect().execute("""INSERT INTO limits (key, "rateLimit", "ratePeriodSeconds") VALUES ('a', 1, 3600)""")
    connect().execute("""INSERT INTO starts VALUES ('key a', now(), 1, 1)""")
    assert (await spawner.once()).started == 1


async def test_jobs_that_a_dead_worker_left_bring_one_that_rescues_them(
    spawner: Spawner, connect: Connect
) -> None:
    id = insert(connect(), queue="ai")
    connect().execute(
        """INSERT INTO workers ("bootId", name, queues, types, slots, "lostAt", "stopReason")
           VALUES (gen_random_uuid(), 'gone', '{ai}', '{noop}', 1, now(), 'lost')"""
    )
    (gone,) = connect().execute("SELECT id FROM workers").fetchone() or ()
    reserve(connect(), id, gone)
    assert (await spawner.once()).started == 1


async def test_counts_of_live_workers_agree_with_the_function(spawner: Spawner, connect: Connect) -> None:
    for columns in (
        "DEFAULT, DEFAULT, NULL, NULL",
        "now() - interval '31 s', DEFAULT, NULL, NULL",
        "DEFAULT, 'drain', NULL, NULL",
        "DEFAULT, NULL, now(), NULL",
        "DEFAULT, 'terminate', now(), NULL",
        "DEFAULT, NULL, now() - interval '121 s', NULL",
        "DEFAULT, NULL, now() - interval '121 s', now()",
        "now() - interval '1 h', NULL, now() - interval '119 s', NULL",
    ):
        for queues in ("{ai}", "{}", "{ai,mails}"):
            connect().execute(
                f"""INSERT INTO workers ("bootId", queues, "heartbeatAt", asked, "launchedAt", "registeredAt")
                    VALUES (gen_random_uuid(), '{queues}', {columns})""".encode()
            )
    (standing,) = await table.standings(spawner.link, queues=["ai"])
    assert connect().execute("SELECT get_active_worker_count('ai')").fetchone() == (standing.live,)
    assert standing.live == 4 * 3


async def test_a_queue_keeps_its_own_interval_unless_something_happens(
    spawner: Spawner, connect: Connect
) -> None:
    connect().execute("""UPDATE queues SET "checkIntervalSeconds" = 3600""")
    await spawner.once()
    crowd(connect, 1)
    checked = await spawner.rounds.once(woken=False)
    assert (checked.started, checked.decisions[0].reason) == (0, "it is checked every 1 h")
    assert (await spawner.rounds.once(woken=True)).started == 1


async def test_only_the_queues_that_were_named(database_url: str, connect: Connect) -> None:
    crowd(connect)
    crowd(connect, 1, "mails")
    spawner = Spawner(database_url, queues=["mails"])
    assert (await spawner.once()).started == 1
    assert rows(connect, "queues") == [(["mails"],)]
    await spawner.link.close()


async def test_a_row_cannot_name_a_program(spawner: Spawner, connect: Connect) -> None:
    connect().execute("""UPDATE queues SET launcher = 'command', "launchCommand" = 'fleet'""")
    crowd(connect, 1)
    assert (await spawner.once()).failed == 1
    assert "LAUNCH_COMMANDS of this spawner has no command 'fleet'" in spawner.said


async def test_nothing_is_kept_of_processes_that_have_ended(spawner: Spawner, connect: Connect) -> None:
    crowd(connect, 1)
    await spawner.once()
    (launch,) = spawner.launcher.launches
    assert len(spawner.starts.launched) == 1
    spawner.places.processes._ended.append(Ended(launch.boot_id, launch.name, "ai", 1))
    await spawner.care.once()
    assert spawner.starts.launched == {}
    assert rows(connect, '"stopReason"') == [("error",)]


async def test_starts_that_take_long_do_not_put_off_the_next_check(
    spawner: Spawner, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long it took to count says when to count again."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    spawner.launcher.before_start = lambda: now.append(now.pop() + 60)
    crowd(connect)
    checked = await spawner.once()
    assert (checked.started, checked.counted_seconds, now) == (3, 0.0, [180.0])
