"""The event stream of a job: what it tells, where it goes on, who may be slow."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from starlette.types import Message

from rig.programs import program
from rowcrew.web.api.offer import EventStream
from rowcrew.web.api.operation import Stream
from tests.web.conftest import Web, serving


class Event(NamedTuple):
    """One event as a client has it."""

    kind: str
    id: str
    data: Any


class Client:
    """A client of one stream, over a plain socket.

    Attributes:
        was_ended: whether the server has ended the stream, and not just the connection.
    """

    def __init__(
        self,
        port: int,
        job: int,
        *,
        last_event_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        below: str = "",
    ) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        sent = {**(headers or {}), **({"Last-Event-ID": last_event_id} if last_event_id else {})}
        place = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self.socket.sendall(
            f"GET {below}/api/v1/jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\n{place}\r\n".encode()
        )
        self.was_ended = False
        self._lines = self.socket.makefile("r", newline="\n")
        self.status = int(self._lines.readline().split()[1])
        while self._lines.readline().strip():
            pass

    def events(self) -> Iterator[Event]:
        """Until the server ends the stream with its last chunk; the connection it keeps a while longer."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line == "0\r\n":
                self.was_ended = True
                return
            name, colon, value = line.strip().partition(": ")
            if colon and name in ("id", "event", "data"):
                fields[name] = value
            elif "data" in fields and not line.strip():
                yield Event(fields["event"], fields["id"], json.loads(fields["data"]))
                fields = {}

    def close(self) -> None:
        self._lines.close()
        self.socket.close()


@contextmanager
def watching(web: Web, job: int, **how: Any) -> Iterator[Client]:
    client = Client(how.pop("port", web.port), job, **how)
    try:
        yield client
    finally:
        client.close()


def say(web: Web, job: int, text: str) -> None:
    web.execute(
        """INSERT INTO job_logs ("jobId", attempt, lines, dropped, text) VALUES (%s, 1, 1, 0, %s)""",
        job,
        text,
    )


def test_a_stream_tells_how_a_job_stands_what_it_says_and_its_end(web: Web) -> None:
    job = web.enqueue("watched")
    with watching(web, job) as client:
        told = client.events()
        assert (first := next(told)).data["status"] == "queued"
        assert first.kind == "job"
        say(web, job, "one")
        assert [one["text"] for one in next(told).data] == ["one"]
        web.execute('UPDATE jobs SET progress = \'{"current": 5, "total": 10}\' WHERE id = %s', job)
        assert next(told).data["progress"] == {"current": 5, "total": 10}
        web.post(f"/api/v1/jobs/{job}/cancel")
        rest = list(told)
    assert [one.kind for one in rest] == ["job", "end"]
    assert rest[-1].data == {"id": job, "status": "cancelled"}


def test_a_stream_that_was_cut_off_goes_on_where_it_was_and_loses_no_line(web: Web) -> None:
    job = web.enqueue("cut-off")
    say(web, job, "one")
    with watching(web, job) as client:
        told = client.events()
        seen = [next(told), next(told)]
    assert [one.kind for one in seen] == ["lines", "job"]
    say(web, job, "two")
    with watching(web, job, last_event_id=seen[-1].id) as client:
        again = next(client.events())
    assert (again.kind, [one["text"] for one in again.data]) == ("lines", ["two"])


def test_after_the_end_a_browser_is_told_to_ask_no_more(web: Web) -> None:
    job = web.enqueue("ended")
    web.post(f"/api/v1/jobs/{job}/cancel")
    with watching(web, job) as client:
        *_, end = client.events()
    assert (end.kind, end.id.endswith("-end")) == ("end", True)
    with watching(web, job, last_event_id=end.id) as client:
        assert client.status == 204
    web.post(f"/api/v1/jobs/{job}/requeue")
    with watching(web, job, last_event_id=end.id) as client:
        assert next(client.events()).data["status"] == "queued"


def test_a_job_that_is_deleted_ends_its_stream(web: Web) -> None:
    job = web.enqueue("deleted")
    with watching(web, job) as client:
        told = client.events()
        next(told)
        web.execute("DELETE FROM jobs WHERE id = %s", job)
        assert [one.kind for one in told] == ["gone"]
    with watching(web, job) as client:
        assert client.status == 404


def test_streams_end_when_the_server_leaves_and_keep_nobody_waiting(web: Web) -> None:
    job = web.enqueue("server-leaves")
    with program(*serving(), DATABASE_URL=web.url) as served:
        port = int(served.line("Serving http://127.0.0.1:").rpartition(":")[2])
        with watching(web, job, port=port) as client:
            told = client.events()
            place = next(told).id
            served.process.send_signal(signal.SIGTERM)
            assert (list(told), client.was_ended) == ([], True)
            assert served.ended() == 0
    with watching(web, job, last_event_id=place) as client:
        say(web, job, "after")
        assert next(client.events()).data[0]["text"] == "after"


def test_a_client_that_does_not_read_keeps_nobody_else_from_events(web: Web) -> None:
    job = web.enqueue("slow-reader")
    for _ in range(60):
        say(web, job, "x" * 60_000)
    slow = [Client(web.port, job) for _ in range(20)]
    try:
        with watching(web, job) as client:
            said: list[Any] = []
            for event in client.events():
                said += event.data if event.kind == "lines" else []
                if len(said) == 60:
                    break
        assert web.get("/livez").status == 200
    finally:
        for one in slow:
            one.close()


def test_a_stream_whose_client_left_before_it_began_is_closed() -> None:
    """A generator that never began runs no `finally`: nothing else would give the place back."""
    closed: list[bool] = []

    async def events() -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None: ...

    answer = EventStream(Stream(events(), lambda: closed.append(True)))
    asyncio.run(answer({"type": "http"}, receive, send))
    assert closed
