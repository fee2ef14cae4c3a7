"""Enqueue, wait and run make one trace, across processes and languages, and nothing breaks without one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import rowcrew
from rig.fixtures import StartWorker
from rig.http_place import Reply, Request, served
from rig.journal import Journal
from rig.programs import ROWCREW, program
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import PACKAGES, WorkerProcess
from rowcrew import Crew, NewJob
from rowcrew.telemetry import trace_runs
from tests.telemetry.collector import Collector, collecting

CREW = """
import logging

from opentelemetry import trace
from rowcrew import Context, Crew, Retry, Snooze
from rowcrew.telemetry import trace_runs

crew = Crew()
trace_runs(crew, flush_timeout=1)


def current() -> str:
    return format(trace.get_current_span().get_span_context().span_id, "016x")


@crew.job
def report(context: Context) -> str:
    with trace.get_tracer("theirs").start_as_current_span("theirs"):
        context.enqueue("mail")
    return current()


@crew.job
async def mail() -> str:
    return current()


@crew.job(max_attempts=1)
def broken() -> None:
    raise ValueError("postgresql://me:hunter2@db/x does not answer")


@crew.job
def snoozes(context: Context) -> None:
    if context.job.checkpoint is None:
        context.checkpoint(True)
        raise Snooze(0)
"""

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Provider:
    """This process's provider, whose spans stay in memory. There can be one in a process, for good."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        trace.set_tracer_provider(provider)

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._exporter.get_finished_spans()}

    def clear(self) -> None:
        self._exporter.clear()


@pytest.fixture(scope="session")
def provider_of_the_process() -> Provider:
    return Provider()


@pytest.fixture
def provider(provider_of_the_process: Provider) -> Iterator[Provider]:
    yield provider_of_the_process
    provider_of_the_process.clear()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(
    shared_table: Table,
    shared_journal: Journal,
    tmp_path_factory: pytest.TempPathFactory,
    collector: Collector,
) -> Iterator[Table]:
    """The table of one worker whose runs are traced."""
    place = tmp_path_factory.mktemp("traced")
    worker = WorkerProcess(
        shared_table.address,
        log=place / "worker.log",
        journal=shared_journal.path,
        OTEL_BSP_SCHEDULE_DELAY=100,
        **traced_crew(place, collector.address),
    )
    try:
        worker.said("worker.ready", seconds=100)
        yield shared_table
    finally:
        worker.clean_up()


def traced_crew(place: Path, address: str) -> dict[str, Any]:
    (place / "traced_crew.py").write_text(CREW)
    return {
        "crew": "traced_crew:crew",
        "PYTHONPATH": os.pathsep.join([str(place), *PACKAGES]),
        "WORKER_RUNNERS": 1,
        "POLL_INTERVAL": 0.5,
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
    }


def context_of(span: ReadableSpan) -> trace.SpanContext:
    context: trace.SpanContext | None = span.context
    assert context is not None
    return context


def test_enqueue_wait_run_and_its_children_are_one_trace(
    provider: Provider, traced: Table, collector: Collector
) -> None:
    with (
        trace.get_tracer("theirs").start_as_current_span("POST /reports"),
        psycopg.connect(traced.address) as connection,
    ):
        job = rowcrew.enqueue("report", on=connection)
    (child,) = eventually(lambda: traced.rows('SELECT id FROM jobs WHERE "parentId" = %s', job.id))
    eventually(lambda: collector.of(child["id"], "process"))
    spans = provider.spans()
    sent, request = spans["send report"], spans["POST /reports"]
    assert sent.parent == context_of(request)
    trace_id = format(context_of(request).trace_id, "032x")
    (wait,), (process,), (theirs,), (mail,) = (
        [span for span in collector.spans if span.name == name and span.trace_id == trace_id]
        for name in ("wait report", "process report", "theirs", "process mail")
    )
    parent = format(context_of(sent).span_id, "016x")
    assert wait.parent_id == process.parent_id == parent
    assert process.links == [parent]
    assert theirs.parent_id == process.span_id
    assert mail.parent_id == theirs.span_id  # where the handler enqueued it
    assert traced.row(job.id)["result"] == process.span_id


def test_spans_say_which_job_they_are_of(traced: Table, collector: Collector) -> None:
    job = traced.enqueue("mail", queue="letters")
    (span,) = eventually(lambda: collector.of(job, "process"))
    (wait,) = collector.of(job, "wait")
    assert wait.seconds == pytest.approx(span.attributes.pop("rowcrew.job.wait_seconds"), abs=1e-5)
    assert wait.seconds > 0
    assert span.kind == 5  # CONSUMER
    assert span.service == "rowcrew"
    assert span.attributes == {
        "messaging.system": "postgresql",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": "letters",
        "messaging.message.id": str(job),
        "rowcrew.job.type": "mail",
        "rowcrew.job.attempt": 1,
        "rowcrew.job.max_attempts": 3,
        "rowcrew.run.ended": "completed",
    }


def test_a_row_of_any_language_continues_the_trace_that_it_names(traced: Table, collector: Collector) -> None:
    job = traced.enqueue("mail", traceparent=f"00-{TRACE}-{PARENT}-01")
    (span,) = eventually(lambda: collector.of(job, "process"))
    assert (span.trace_id, span.parent_id, span.links) == (TRACE, PARENT, [PARENT])


def test_a_request_over_http_is_a_trace_with_the_run_of_its_job(traced: Table, collector: Collector) -> None:
    with program(*ROWCREW, "web", "--port", "0", DATABASE_URL=traced.address) as server:
        place = server.line("Serving http://").partition(" ")[2]
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{place}/api/v1/jobs", b'{"type": "mail"}', headers)
        with urllib.request.urlopen(asked) as answered:
            job = json.load(answered)["id"]
    (span,) = eventually(lambda: collector.of(job, "process"))
    assert (span.trace_id, span.parent_id, span.links) == (TRACE, PARENT, [PARENT])


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "00",
        "nonsense",
        f"00-{TRACE}-{PARENT}",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-zz",
        "x" * 1_000_000,
        "\n\x01é💥",
    ],
)
def test_a_malformed_traceparent_harms_nothing(malformed: str) -> None:
    spans = InMemorySpanExporter()
    run_observed(spans, malformed)
    assert {span.name for span in spans.get_finished_spans()} == {"wait noop", "process noop"}
    assert all(span.parent is None for span in spans.get_finished_spans())


def run_observed(exporter: InMemorySpanExporter, traceparent: str) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    crew = Crew()
    trace_runs(crew, provider=provider)
    run_one(crew, traceparent)


def run_one(crew: Crew, traceparent: str | None) -> None:
    """One run of the runner's loop without a handler's doing."""
    from rowcrew.context import CurrentJob
    from rowcrew.model.job import Job
    from rowcrew.model.outcome import Completed
    from rowcrew.observers import Observed

    job = Job(1, "lease", "noop", "default", 0, 1, 3, 0, None, "", "{}", traceparent=traceparent)
    facts = CurrentJob(
        id=1, type="noop", queue="default", priority=0, attempt=1, max_attempts=3, checkpoint=None
    )
    Observed(crew.observers, job, facts).end(Completed())


def test_a_row_with_a_malformed_traceparent_runs_like_any_other(traced: Table, collector: Collector) -> None:
    for text in ("", "nonsense", "x" * 1_000_000, f"00-{TRACE}-{PARENT}-01-and-more"):
        traced.until(traced.enqueue("mail", traceparent=text), "completed")


def test_a_trace_that_its_producer_does_not_sample_is_not_sent(traced: Table, collector: Collector) -> None:
    unsampled = traced.enqueue("mail", traceparent=f"00-{TRACE}-{PARENT}-00")
    traced.until(unsampled, "completed")
    sampled = traced.enqueue("mail")
    eventually(lambda: collector.of(sampled, "process"))
    assert not collector.of(unsampled, "process")


def test_an_error_is_recorded_as_its_row_shows_it(traced: Table, collector: Collector) -> None:
    job = traced.enqueue("broken", maxAttempts=1)
    (span,) = eventually(lambda: collector.of(job, "process"))
    assert span.failed
    assert span.attributes["error.type"] == "ValueError"
    assert span.attributes["rowcrew.run.ended"] == "failed"
    (event,) = span.events
    assert event["exception.message"] == "ValueError: postgresql://me:***@db/x does not answer"
    assert "in broken" in event["exception.stacktrace"]
    assert "hunter2" not in str(event)


def test_each_attempt_is_a_span_of_the_same_trace(traced: Table, collector: Collector) -> None:
    job = traced.enqueue("snoozes", traceparent=f"00-{TRACE}-{PARENT}-01")
    eventually(lambda: len(collector.of(job, "process")) == 2)
    spans = collector.of(job, "process")
    assert [span.attributes["rowcrew.run.ended"] for span in spans] == ["snoozed", "completed"]
    assert {span.trace_id for span in spans} == {TRACE}
    assert not any(span.failed for span in spans)


def test_spans_that_wait_are_sent_when_the_worker_leaves(
    start_worker: StartWorker, tmp_path: Path, table: Table
) -> None:
    with collecting() as collector:
        crew = traced_crew(tmp_path, collector.address)
        worker = start_worker(OTEL_BSP_SCHEDULE_DELAY=3_600_000, **crew)
        worker.said("worker.ready", seconds=100)
        table.until(table.enqueue("mail"), "completed")
        assert not collector.spans
        worker.signal(signal.SIGTERM)
        assert worker.exited() == 0
    assert {span.name for span in collector.spans} == {"wait mail", "process mail"}


def test_a_collector_that_never_answers_keeps_no_worker(
    start_worker: StartWorker, tmp_path: Path, table: Table
) -> None:
    released = threading.Event()

    def deaf(_: Request) -> Reply:
        released.wait(120)
        return Reply(200, b"")

    with served(deaf) as address:
        worker = start_worker(OTEL_BSP_SCHEDULE_DELAY=100, **traced_crew(tmp_path, address))
        worker.said("worker.ready", seconds=100)
        table.until(table.enqueue("mail"), "completed")
        worker.signal(signal.SIGTERM)
        try:
            assert worker.exited() == 0
        finally:
            released.set()
    assert "not done within 1 seconds, left behind" in worker.log.read_text()


@pytest.mark.anyio
async def test_producers_put_the_span_of_the_insert_into_every_row(
    provider: Provider, database_url: str, table: Table
) -> None:
    own = f"00-{TRACE}-{PARENT}-01"
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        jobs = [NewJob("a", queue="q"), NewJob("b", queue="q", traceparent=own)]
        await rowcrew.enqueue_many_async(jobs, on=connection)
        await asyncio.gather(rowcrew.enqueue_async(jobs[0], on=connection))
    first, second = [span for span in _finished(provider) if span.name.startswith("send ")]
    assert first.name == "send jobs"
    assert first.attributes == {
        "messaging.system": "postgresql",
        "messaging.operation.type": "send",
        "messaging.operation.name": "send",
        "messaging.destination.name": "q",
        "rowcrew.job.type": "jobs",
        "messaging.batch.message_count": 2,
    }
    written = [row["traceparent"] for row in table.rows("SELECT traceparent FROM jobs ORDER BY id")]
    assert written == [text_of(first), own, text_of(second)]
    assert jobs[0].traceparent is None  # it may be enqueued again, in another trace


def _finished(provider: Provider) -> list[ReadableSpan]:
    return list(provider._exporter.get_finished_spans())


def text_of(span: ReadableSpan) -> str:
    context = context_of(span)
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def test_an_insert_that_fails_fails_its_span(provider: Provider, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            rowcrew.enqueue("report", on=connection)
    span = provider.spans()["send report"]
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ReadOnlySqlTransaction"


PLAIN = """
import sys
import psycopg
import rowcrew, rowcrew.crew, rowcrew.runner.loop, rowcrew.control.worker

with psycopg.connect(sys.argv[1]) as connection:
    rowcrew.enqueue("noop", on=connection)
print([name for name in sys.modules if name.partition(".")[0] in ("opentelemetry", "sentry_sdk")])
"""


def test_a_program_without_traces_imports_nothing_of_them(database_url: str, table: Table) -> None:
    said = subprocess.run(
        [sys.executable, "-c", PLAIN, database_url], capture_output=True, text=True, check=True
    )
    assert said.stdout == "[]\n"
    assert table.rows("SELECT traceparent FROM jobs") == [{"traceparent": None}]


def test_a_missing_extra_is_told_with_its_name() -> None:
    hidden: dict[str, Any] = {"opentelemetry": None}
    code = f"import sys; sys.modules.update({hidden}); import rowcrew.telemetry"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'rowcrew[otel]'" in said.stderr
