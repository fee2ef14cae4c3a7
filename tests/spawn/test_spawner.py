"""Whole spawners and real workers: they come when jobs wait, never too many, and are gone afterwards."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import is_gone
from rig.wrong_clock import needs_faketime, wrong_by
from rowcrew.embedded import EmbeddedPostgres
from tests.conftest import Connect
from tests.limits.log_of_runs import most_at_once, seen, watch
from tests.spawn.conftest import StartSpawner, pids, set_queue


def launched(table: Table) -> int:
    return int(table.rows("SELECT count(*) AS n FROM workers WHERE launcher IS NOT NULL")[0]["n"])


def there(table: Table) -> int:
    return int(
        table.rows("SELECT count(*) AS n FROM worker_status WHERE state IN ('live', 'launching')")[0]["n"]
    )


def hold(table: Table, gate: Gate, jobs: int, queue: str = "ai") -> list[int]:
    return [table.enqueue("hold", {"gate": str(gate.path)}, queue=queue) for _ in range(jobs)]


def test_empty_queues_have_no_workers(start_spawner: StartSpawner, table: Table) -> None:
    set_queue(table)
    table.enqueue("noop", queue="ai", runAt="2999-01-01")
    spawner = start_spawner(SPAWNER_CHECK_INTERVAL=0.2)
    spawner.said("spawner.status")
    table.enqueue("noop", queue="ai", runAt="2999-01-01")  # wakes it up, and changes nothing
    assert spawner.stop() == 0
    assert launched(table) == 0


def test_a_crowd_gets_as_many_workers_as_allowed_and_afterwards_there_are_none(
    start_spawner: StartSpawner, table: Table, gate: Gate
) -> None:
    set_queue(table)
    ids = hold(table, gate, 5)
    spawner = start_spawner()
    eventually(lambda: table.count("processing") == 3, 60)
    assert there(table) == 3
    assert len({row["workerId"] for row in table.rows("SELECT * FROM jobs WHERE status = 'processing'")}) == 3
    gate.open()
    for id in ids:
        assert table.until(id, seconds=60)["status"] == "completed"
    eventually(lambda: there(table) == 0, 60)
    eventually(lambda: spawner.children() == [])
    assert {row["stopReason"] for row in table.rows("SELECT * FROM workers")} == {"idle_timeout"}
    assert spawner.stop() == 0


def test_two_spawners_together_start_no_more_than_one_and_one_outlives_the_other(
    start_spawner: StartSpawner, table: Table, gate: Gate
) -> None:
    set_queue(table)
    hold(table, gate, 5)
    first, second = start_spawner(), start_spawner("--verbose")
    eventually(lambda: table.count("processing") == 3, 60)
    first.kill()
    second.said("spawner.checked", times=len(second.heard("spawner.checked")) + 2)
    assert launched(table) == 3
    gate.open()
    table.drained()
    assert second.stop() == 0


def test_after_kill_9_the_next_spawner_counts_the_workers_that_run(
    start_spawner: StartSpawner, table: Table, gate: Gate
) -> None:
    set_queue(table)
    hold(table, gate, 3)
    first = start_spawner()
    eventually(lambda: table.count("processing") == 3, 60)
    first.kill()
    assert len(pids(table)) == 3
    hold(table, gate, 2)
    second = start_spawner("--verbose")
    second.said("spawner.checked", times=2, queue="ai", start=0)
    assert launched(table) == 3
    gate.open()
    table.drained()
    assert second.stop() == 0


def test_one_check_starts_what_is_wanted_and_exits(start_spawner: StartSpawner, table: Table) -> None:
    set_queue(table)
    id = table.enqueue("noop", queue="ai")
    spawner = start_spawner("--once")
    assert spawner.exited() == 0
    assert table.until(id, seconds=60)["status"] == "completed"
    eventually(lambda: there(table) == 0, 60)


def test_one_check_whose_worker_did_not_start_has_done_its_work(
    start_spawner: StartSpawner, table: Table
) -> None:
    set_queue(table)
    table.rows("""UPDATE queues SET launcher = 'nowhere'""")
    table.enqueue("noop", queue="ai")
    spawner = start_spawner("--once")
    assert spawner.exited() == 0
    assert [line["label"] for line in spawner.heard("worker.not_spawned")] == ["AI"]


@pytest.mark.parametrize("options", [(), ("--once",)])
def test_sigterm_ends_it_while_the_database_does_not_answer(
    start_spawner: StartSpawner, options: Sequence[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        spawner = start_spawner(*options, url=f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d")
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            assert spawner.stop() == 0


def test_sigterm_ends_its_workers_too_and_their_jobs_go_back(
    start_spawner: StartSpawner, table: Table, gate: Gate
) -> None:
    set_queue(table)
    (id,) = hold(table, gate, 1)
    spawner = start_spawner(SHUTDOWN_GRACE=1, CANCEL_GRACE=1)
    table.until(id, "processing", seconds=60)
    (pid,) = pids(table)
    assert spawner.stop() == 0
    assert is_gone(pid)
    row = table.row(id)
    assert (row["status"], row["attempts"]) == ("queued", 0)
    assert [row["stopReason"] for row in table.rows("SELECT * FROM workers")] == ["signal"]


def test_workers_may_be_left_to_the_next_spawner(
    start_spawner: StartSpawner, table: Table, gate: Gate
) -> None:
    set_queue(table)
    (id,) = hold(table, gate, 1)
    spawner = start_spawner("--leave-workers")
    table.until(id, "processing", seconds=60)
    assert spawner.stop() == 0
    assert not is_gone(pids(table)[0])
    next_one = start_spawner("--verbose")
    next_one.said("spawner.checked", times=2, queue="ai", start=0)
    gate.open()
    assert table.until(id)["attempts"] == 1
    assert launched(table) == 1
    assert next_one.stop() == 0


def test_a_killed_worker_s_job_runs_again_at_once(
    start_spawner: StartSpawner, table: Table, gate: Gate
) -> None:
    """Its parent sees it die: nobody has to miss its heartbeat first."""
    set_queue(table, limit=1)
    (id,) = hold(table, gate, 1)
    spawner = start_spawner()
    table.until(id, "processing", seconds=60)
    first = table.row(id)["workerId"]
    os.kill(pids(table)[0], signal.SIGKILL)
    spawner.said("worker.died")
    spawner.said("job.rescued", job_id=id)
    gate.open()
    assert table.until(id, seconds=60)["status"] == "completed"
    assert table.rows('SELECT id FROM workers WHERE "lostAt" IS NOT NULL') == [{"id": first}]
    assert spawner.stop() == 0


def test_a_worker_that_cannot_start_is_told_and_rests(start_spawner: StartSpawner, table: Table) -> None:
    set_queue(table)
    table.enqueue("noop", queue="ai")
    spawner = start_spawner("--verbose", ROWCREW_MODULES="no_such_crew:crew")
    line = spawner.said("worker.never_came", seconds=60)
    assert "ended before it registered, exit code 1" in line["reason"]
    (row,) = table.rows("SELECT * FROM workers")
    assert (row["stopReason"], row["registeredAt"]) == ("error", None)
    assert row["errorMessage"] == line["reason"]
    rests = "1 round of launches failed"
    eventually(lambda: [one for one in spawner.heard("spawner.checked") if one["reason"].startswith(rests)])
    assert spawner.stop() == 0


def test_a_verbose_spawner_says_of_jobs_that_may_not_start_why(
    start_spawner: StartSpawner, table: Table
) -> None:
    set_queue(table)
    set_queue(table, "empty")
    table.enqueue("noop", queue="ai", concurrencyKey="mona")
    table.rows("""UPDATE queues SET paused = true, "maxConcurrentPerKey" = 0""")
    spawner = start_spawner("--verbose")
    spawner.said("spawner.checked", queue="ai", start=0, reason="it is paused")
    table.rows("UPDATE queues SET paused = false")
    spawner.said("spawner.checked", queue="ai", start=0, reason="the keys of what waits are full")
    assert {line["queue"] for line in spawner.heard("spawner.checked")} == {"ai"}
    assert spawner.stop() == 0


def test_a_worker_that_hangs_before_it_registers_is_killed_and_another_comes(
    start_spawner: StartSpawner, table: Table
) -> None:
    set_queue(table, limit=1)
    id = table.enqueue("noop", queue="ai")
    spawner = start_spawner()
    (pid,) = eventually(lambda: pids(table))
    os.kill(pid, signal.SIGSTOP)
    table.rows("""UPDATE workers SET "launchedAt" = now() - interval '121 s' WHERE "registeredAt" IS NULL""")
    spawner.said("worker.never_came")
    eventually(lambda: is_gone(pid))
    assert table.until(id, seconds=60)["status"] == "completed"
    assert launched(table) == 2
    assert spawner.stop() == 0


def test_a_restart_of_the_database_ends_no_spawner(
    start_spawner: StartSpawner, table: Table, server: EmbeddedPostgres
) -> None:
    set_queue(table)
    spawner = start_spawner()
    spawner.said("spawner.status")
    server.restart()
    table.close()
    id = table.enqueue("noop", queue="ai")
    assert table.until(id, seconds=90)["status"] == "completed"
    assert spawner.stop() == 0


def test_a_worker_past_its_time_is_told_to_stop_and_then_killed(
    start_spawner: StartSpawner, table: Table, gate: Gate
) -> None:
    set_queue(table, limit=1)
    (id,) = hold(table, gate, 1)
    spawner = start_spawner(SHUTDOWN_GRACE=1, CANCEL_GRACE=1)
    table.until(id, "processing", seconds=60)
    (pid,) = pids(table)
    os.kill(pid, signal.SIGSTOP)  # it cannot even hear the signal
    table.rows("""UPDATE queues SET "maxRuntimeSeconds" = 1""")
    table.rows("""UPDATE workers SET "launchedAt" = now() - interval '9 s'""")
    spawner.said("worker.over_time", signal="SIGTERM")
    table.rows("""UPDATE workers SET "launchedAt" = now() - interval '1 h'""")
    spawner.said("worker.over_time", signal="SIGKILL")
    eventually(lambda: is_gone(pid))
    table.rows("""UPDATE queues SET "maxRuntimeSeconds" = NULL""")
    gate.open()
    assert table.until(id, seconds=60)["status"] == "completed"
    spawner.stop()


def test_a_command_starts_workers_where_it_likes(start_spawner: StartSpawner, table: Table) -> None:
    set_queue(table)
    table.rows("""UPDATE queues SET launcher = 'command', "launchCommand" = 'say'""")
    table.enqueue("noop", queue="ai")
    say = '{"say": ["/bin/sh", "-c", "echo $LAUNCH_QUEUE of $ROWCREW_BOOT_ID for $0"]}'
    assert start_spawner("--once", LAUNCH_COMMANDS=say).exited() == 0
    (row,) = table.rows("SELECT * FROM workers")
    assert row["launchHandle"] == f"ai of {row['bootId']} for worker"


def test_a_spawner_that_is_killed_between_the_row_and_the_start_blocks_nobody_for_ever(
    start_spawner: StartSpawner, table: Table
) -> None:
    set_queue(table, limit=1)
    table.rows("""UPDATE queues SET launcher = 'command', "launchCommand" = 'kill'""")
    id = table.enqueue("noop", queue="ai")
    killed = start_spawner("--once", LAUNCH_COMMANDS='{"kill": ["/bin/sh", "-c", "kill -9 $PPID"]}')
    assert killed.exited() == -signal.SIGKILL
    assert there(table) == 1
    spawner = start_spawner("--verbose", "--launcher", "process")
    spawner.said("spawner.checked", times=2, queue="ai", start=0)
    table.rows("""UPDATE workers SET "launchedAt" = now() - interval '130 s'""")
    spawner.said("worker.never_came")
    assert table.until(id, seconds=60)["status"] == "completed"
    assert launched(table) == 2
    assert spawner.stop() == 0


@pytest.mark.long
def test_a_queue_of_one_runs_one_job_at_a_time_whatever_workers_and_spawners_there_are(
    start_spawner: StartSpawner, start_worker: StartWorker, table: Table
) -> None:
    set_queue(table, "investor", limit=1)
    watch(table)
    workers = [start_worker(WORKER_QUEUES="investor") for _ in range(3)]
    for _ in range(60):
        table.enqueue("naps", {"seconds": 0.01}, queue="investor")
    spawners = [start_spawner() for _ in range(2)]
    table.drained()
    assert most_at_once(seen(table)) == 1
    assert [one.stop() for one in (*spawners, *workers)] == [0] * 5


@needs_faketime
@pytest.mark.long
def test_spawners_whose_clocks_are_four_hours_apart_start_no_more_than_one_would(
    start_spawner: StartSpawner, table: Table, gate: Gate
) -> None:
    """So are the clocks of their workers."""
    set_queue(table)
    ids = hold(table, gate, 5)
    early, late = (start_spawner("--verbose", **wrong_by(offset)) for offset in ("-2h", "+2h"))
    eventually(lambda: table.count("processing") == 3, 60)
    for spawner in (early, late):
        spawner.said("spawner.checked", times=len(spawner.heard("spawner.checked")) + 2)
    assert launched(table) == 3
    gate.open()
    for id in ids:
        assert table.until(id, seconds=60)["attempts"] == 1
    eventually(lambda: there(table) == 0, 60)
    assert [early.stop(), late.stop()] == [0, 0]


def test_a_tick_brings_the_worker_that_runs_it(start_spawner: StartSpawner, table: Table) -> None:
    set_queue(table)
    table.rows(
        """INSERT INTO schedules (name, type, queue, "everySeconds") VALUES ('daily', 'noop', 'ai', 86400)"""
    )
    start_spawner()
    eventually(
        lambda: table.rows("""SELECT name FROM schedules WHERE "nextAt" IS NOT NULL AND name = 'daily'""")
    )
    assert launched(table) == 0
    table.rows("""UPDATE schedules SET "nextAt" = now() - interval '1 s' WHERE name = 'daily'""")
    eventually(lambda: table.count("completed") == 1, 60)
    assert launched(table) == 1
    assert table.rows("SELECT count(*) AS n FROM schedule_ticks") == [{"n": 1}]


def test_what_is_wrong_with_schedules_keeps_no_job_waiting(
    start_spawner: StartSpawner, table: Table, connect: Connect
) -> None:
    set_queue(table)
    connect().execute("ALTER TABLE schedules RENAME TO of_others")
    id = table.enqueue("noop", queue="ai")
    spawner = start_spawner("--once", "--leave-workers")
    assert spawner.exited() == 1
    assert launched(table) == 1
    connect().execute("ALTER TABLE of_others RENAME TO schedules")
    assert table.until(id, seconds=60)["status"] == "completed"
