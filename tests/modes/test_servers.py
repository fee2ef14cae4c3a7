"""A worker in the processes of real web servers: one in each that serves, none beside, gone when they are.

The applications are the examples; the servers are uvicorn, gunicorn, and those of Flask and Django.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import psutil
import pytest

from rig.table import Row, Table
from rig.waiting import eventually
from tests.modes.servers import Server, server

pytestmark = pytest.mark.timeout(600)  # servers that begin, and begin again

Start = Callable[..., AbstractContextManager[Server]]

UVICORN = ("--port", "{port}", "--no-access-log")
GUNICORN = ("--bind", "127.0.0.1:{port}", "--no-control-socket")
SERVERS = {
    "FastAPI under uvicorn": ("-m uvicorn", "fastapi_lifespan:application", *UVICORN),
    "Django under uvicorn": ("-m uvicorn", "embedded_django:asgi_application", *UVICORN),
    "Flask under gunicorn": (
        *("-m gunicorn", "--config", "python:embedded_flask", "embedded_flask:application"),
        *GUNICORN,
    ),
    "Django under gunicorn": (
        *("-m gunicorn", "--config", "python:embedded_django", "embedded_django:application"),
        *GUNICORN,
    ),
    "Django's own": ("embedded_django.py", "runserver", "{port}", "--noreload"),
}
FLASK = SERVERS["Flask under gunicorn"]


@pytest.fixture
def start(tmp_path: Path, database_url: str) -> Start:
    return partial(server, tmp_path, DATABASE_URL=database_url, LOG_FORMAT="text", SHUTDOWN_GRACE="5")


def living(table: Table) -> list[Row]:
    return table.rows('SELECT * FROM workers WHERE "stoppedAt" IS NULL AND "lostAt" IS NULL ORDER BY id')


def has_workers(table: Table, number: int) -> list[Row]:
    """Wait for so many workers, each in a process that lives."""
    return eventually(
        lambda: (
            rows
            if len(rows := living(table)) == number and all(psutil.pid_exists(row["pid"]) for row in rows)
            else []
        ),
        90,
    )


@pytest.mark.parametrize("how", SERVERS.values(), ids=SERVERS)
def test_a_server_has_one_worker_that_runs_its_jobs_and_leaves_with_it(
    start: Start, table: Table, how: tuple[str, ...]
) -> None:
    with start(*how) as web:
        assert web.runs_a_job()["result"] == {"paragraphs": 2}
        has_workers(table, 1)
        web.program.process.send_signal(signal.SIGINT)
        web.program.ended()
    (row,) = table.rows("SELECT * FROM workers")
    assert row["stopReason"] == "drained"
    eventually(lambda: table.connections_of_workers() == [])


def test_a_handler_on_the_server_s_own_loop_reaches_those_who_listen_to_the_server(
    start: Start, table: Table
) -> None:
    leaving = ("--timeout-graceful-shutdown", "1")
    with start("-m uvicorn", "fastapi_inline:application", *UVICORN, *leaving) as web:
        (worker,) = has_workers(table, 1)
        assert eventually(lambda: web.ask("/openapi.json"), 60)
        with closing(web.lines("/news")) as news:
            assert next(news) == ": listening"
            job = table.enqueue("announce", {"text": "Doors open"})
            assert next(line for line in news if line) == 'data: "Doors open"'
            assert table.until(job, "completed")["result"] == 1
            assert worker["pid"] == web.program.process.pid
            assert psutil.Process(web.program.process.pid).children() == []
            web.program.process.send_signal(signal.SIGINT)  # while somebody listens
            web.program.ended()
    (row,) = table.rows("SELECT * FROM workers")
    assert row["stopReason"] == "drained"


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preloaded"])
def test_each_process_of_gunicorn_has_a_worker_of_its_own_and_so_has_one_that_follows(
    start: Start, table: Table, preload: tuple[str, ...]
) -> None:
    with start(*FLASK, "--workers", "2", *preload) as web:
        first, second = has_workers(table, 2)
        serving = {process.pid for process in psutil.Process(web.program.process.pid).children()}
        assert {first["pid"], second["pid"]} == serving
        eventually(lambda: len({row["name"] for row in living(table)}) == 2)
        web.runs_a_job()
        os.kill(first["pid"], signal.SIGKILL)
        eventually(lambda: first["id"] not in {row["id"] for row in has_workers(table, 2)}, 60)
        web.runs_a_job()
        web.program.stop()
    assert living(table) == []


def test_gunicorn_reloads_its_processes_and_their_workers_with_them(start: Start, table: Table) -> None:
    with start(*FLASK) as web:
        (before,) = has_workers(table, 1)
        web.program.process.send_signal(signal.SIGHUP)
        eventually(lambda: [row["id"] for row in living(table)] not in ([], [before["id"]]), 60)
        (after,) = has_workers(table, 1)
        assert after["pid"] != before["pid"]
        assert web.runs_a_job()["status"] == "completed"
        web.program.stop()


def test_each_process_of_uvicorn_has_a_worker_of_its_own(start: Start, table: Table) -> None:
    with start(*SERVERS["FastAPI under uvicorn"], "--workers", "2") as web:
        first, second = has_workers(table, 2)
        assert first["name"] != second["name"]
        web.runs_a_job()
        web.program.stop()
    assert living(table) == []


RELOADING = {
    "uvicorn": (*SERVERS["FastAPI under uvicorn"], "--reload"),
    "Flask's own": ("embedded_flask.py",),
    "Django's own": ("embedded_django.py", "runserver", "{port}"),
}


@pytest.mark.parametrize("how", RELOADING.values(), ids=RELOADING)
def test_a_reloader_has_one_worker_and_another_after_each_change(
    start: Start, table: Table, how: tuple[str, ...]
) -> None:
    with start(*how) as web:
        (before,) = has_workers(table, 1)
        assert before["pid"] != web.program.process.pid
        web.runs_a_job()
        web.touch("fastapi_lifespan.py" if how[0] == "-m uvicorn" else how[0])
        eventually(lambda: [row["id"] for row in living(table)] not in ([], [before["id"]]), 60)
        has_workers(table, 1)
        web.runs_a_job()


def test_other_commands_of_django_have_no_worker(start: Start, table: Table) -> None:
    with start("embedded_django.py", "check") as web:
        assert web.program.ended() == 0
    assert table.rows("SELECT id FROM workers") == []


@pytest.mark.parametrize("how", ["FastAPI under uvicorn", "Django under uvicorn", "Flask under gunicorn"])
def test_a_server_whose_worker_cannot_begin_does_not_begin_either(
    start: Start, empty_url: str, how: str
) -> None:
    with start(*SERVERS[how], DATABASE_URL=empty_url) as web:
        assert web.program.ended() != 0
        assert any("rowcrew migrate" in line for line in web.program.lines)
