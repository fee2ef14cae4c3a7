"""Errors of handlers reach Sentry as envelopes over HTTP, and nothing of a job's payload goes with them."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sentry_sdk.envelope import Envelope

from rig.fixtures import StartWorker
from rig.http_place import Reply, Request, served
from rig.table import Table
from rig.worker_process import PACKAGES

CARD = "postgresql://me:hunter2@db/4111-1111"

CREW = """
import sentry_sdk
from rowcrew import Cancel, Context, Crew, PermanentError, Snooze
from rowcrew.sentry import report_errors

crew = Crew()
{before}
report_errors(crew, flush_timeout={seconds}, {options})


@crew.job(max_attempts=1)
def broken(card: str) -> None:
    there = card
    raise ValueError(there[:-9])


@crew.job
async def broken_async(card: str) -> None:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise PermanentError("outer") from error


@crew.job
def retried() -> None:
    raise ValueError("once more")


@crew.job
def cancelled() -> None:
    raise Cancel("enough")


@crew.job
def snoozed() -> None:
    raise Snooze(3600)


@crew.job(max_attempts=1)
def no_json() -> object:
    return object()


@crew.job(max_attempts=1)
def beyond_numbers(card: int) -> None: ...


@crew.job
async def speaks() -> None:
    sentry_sdk.capture_message("by hand")
"""

RUN = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor

import msgspec
from crew_with_reports import crew
from rowcrew.model.job import Job
from rowcrew.runner.loop import RunnerLoop
from rowcrew.runner.shutdown import shut_down


async def main() -> None:
    ended = asyncio.Event()

    def send(message: object) -> None:
        if getattr(message, "ended", None):
            print(message.ended)
            ended.set()

    with ThreadPoolExecutor(1) as threads:
        loop = RunnerLoop(crew=crew, slots=1, threads=threads, database_url="", queue=None, send=send)
        for number, type in enumerate(sys.argv[1:], 1):
            most = crew.types[type].manifest.max_attempts or 3
            card = '{"card": "postgresql://me:hunter2@db/4111-1111"}'
            payload = card if type.startswith("broken") else "{}"
            if type == "beyond_numbers":
                payload = '{"card": ' + 5000 * "9" + "}"
            job = Job(number, str(number), type, "mails", 0, 1, most, 0, None, "", payload)
            loop.assign([job], float("inf"))
            await ended.wait()
            ended.clear()
    await shut_down(crew.shutdown_hooks)


asyncio.run(main())
"""


class Sentry(NamedTuple):
    """A server of Sentry's: what it was sent, as bytes and as events."""

    dsn: str
    received: list[bytes]

    @property
    def events(self) -> list[Any]:
        envelopes = [Envelope.deserialize(content) for content in self.received]
        return [event for envelope in envelopes if (event := envelope.get_event()) is not None]

    def has_seen(self, text: str) -> bool:
        return any(text.encode() in content for content in self.received)


@contextmanager
def listening() -> Iterator[Sentry]:
    received: list[bytes] = []

    def play(request: Request) -> Reply:
        assert request.path == "/api/7/envelope/"
        packed = request.headers.get("content-encoding") == "gzip"
        received.append(gzip.decompress(request.content) if packed else request.content)
        return Reply(200, {})

    with served(play) as address:
        yield Sentry(f"http://key@{address.removeprefix('http://')}/7", received)


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    with listening() as sentry:
        yield sentry


def ran(sentry: Sentry, place: Path, *types: str, options: str = "", before: str = "") -> list[Any]:
    """The events of one run of each type, in the loop of a runner, and of its leaving."""
    (place / "crew_with_reports.py").write_text(CREW.format(options=options, before=before, seconds=60))
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(place), *PACKAGES]),
        "SENTRY_DSN": sentry.dsn,
        "SENTRY_ENVIRONMENT": "staging",
    }
    command = [sys.executable, "-c", RUN, *types]
    said = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return sentry.events


def test_a_job_that_failed_is_reported_with_its_tags_and_without_its_payload(
    sentry: Sentry, tmp_path: Path
) -> None:
    first, second = ran(sentry, tmp_path, "broken", "broken_async")
    assert first["transaction"] == "broken"
    assert first["level"] == "error"
    assert first["environment"] == "staging"
    assert first["tags"].items() >= {"job.id": "1", "job.type": "broken", "job.queue": "mails"}.items()
    assert first["contexts"]["job"].items() >= {"attempt": 1, "max_attempts": 1}.items()
    [error] = first["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "postgresql://me:***@db/")
    assert error["stacktrace"]["frames"][-1]["function"] == "broken"
    assert [one["type"] for one in second["exception"]["values"]] == ["KeyError", "PermanentError"]
    assert second["tags"]["job.id"] == "2"
    assert not sentry.has_seen("4111-1111")
    assert not sentry.has_seen("hunter2")


def test_the_payload_is_sent_to_those_who_ask(sentry: Sentry, tmp_path: Path) -> None:
    [event] = ran(sentry, tmp_path, "broken", options="payloads=True")
    assert event["contexts"]["job"]["payload"] == {"card": CARD}
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["vars"]["there"] == f"'{CARD}'"


def test_a_payload_that_nobody_can_read_is_sent_as_it_is(sentry: Sentry, tmp_path: Path) -> None:
    [event] = ran(sentry, tmp_path, "beyond_numbers", options="payloads=True")
    assert event["tags"]["job.type"] == "beyond_numbers"
    assert event["contexts"]["job"]["payload"].startswith('{"card": 999')


def test_an_sdk_that_is_set_up_sends_no_variables_either(sentry: Sentry, tmp_path: Path) -> None:
    [event] = ran(
        sentry, tmp_path, "broken", before="sentry_sdk.init(server_name='mine', send_default_pii=True)"
    )
    assert event["server_name"] == "mine"
    assert not sentry.has_seen("4111-1111")


def test_only_what_failed_for_good_is_reported(sentry: Sentry, tmp_path: Path) -> None:
    assert ran(sentry, tmp_path, "retried", "cancelled", "snoozed") == []


def test_attempts_that_are_followed_by_another_are_warnings_for_those_who_ask(
    sentry: Sentry, tmp_path: Path
) -> None:
    [event] = ran(sentry, tmp_path, "retried", "cancelled", "snoozed", options="retries=True")
    assert event["level"] == "warning"
    assert event["exception"]["values"][0]["value"] == "once more"


def test_a_failure_without_an_exception_is_reported_as_its_row_tells_it(
    sentry: Sentry, tmp_path: Path
) -> None:
    [event] = ran(sentry, tmp_path, "no_json")
    assert event["message"].startswith("the result cannot be stored as JSON")
    assert event["tags"]["job.type"] == "no_json"


def test_what_a_handler_reports_itself_has_the_tags_of_its_own_job(sentry: Sentry, tmp_path: Path) -> None:
    events = ran(sentry, tmp_path, "broken", "speaks")
    [event] = [event for event in events if event.get("message") == "by hand"]
    assert event["tags"].items() >= {"job.id": "2", "job.type": "speaks"}.items()


def test_a_worker_that_leaves_sends_its_reports_and_waits_for_no_deaf_server(
    start_worker: StartWorker, tmp_path: Path, table: Table
) -> None:
    released = threading.Event()
    (tmp_path / "crew_with_reports.py").write_text(CREW.format(options="", before="", seconds=1))
    path = os.pathsep.join([str(tmp_path), *PACKAGES])
    arrived: list[bytes] = []

    def deaf(request: Request) -> Reply:
        arrived.append(gzip.decompress(request.content))
        released.wait(120)
        return Reply(200, {})

    with served(deaf) as address:
        dsn = f"http://key@{address.removeprefix('http://')}/7"
        settings = {"PYTHONPATH": path, "SENTRY_DSN": dsn, "WORKER_RUNNERS": 1}
        worker = start_worker(crew="crew_with_reports:crew", **settings)
        worker.said("worker.ready", seconds=100)
        table.until(table.enqueue("broken", {"card": "1"}, maxAttempts=1), "failed")
        worker.signal(signal.SIGTERM)
        try:
            assert worker.exited() == 0
        finally:
            released.set()
    [event] = Sentry(dsn, arrived).events
    assert event["tags"]["job.type"] == "broken"


def test_a_missing_extra_is_told_with_its_name() -> None:
    code = "import sys; sys.modules['sentry_sdk'] = None; import rowcrew.sentry"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'rowcrew[sentry]'" in said.stderr
