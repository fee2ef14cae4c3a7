"""The lines of a worker: exact words for people, one object a line for aggregators."""

from __future__ import annotations

import ast
import io
import json
import re
import string
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import rowcrew
from rowcrew.log import EVENTS, JOB_EVENTS, Log, job_facts, render_json
from rowcrew.output import Output
from rowcrew.settings import Settings
from tests.log.written import Written
from tests.model.made import a_job

PACKAGE = Path(rowcrew.__file__).parent

START = """\
🚀 Rowcrew Python Worker started
📊 Polling interval: 2 seconds
⚙️  Worker concurrency: 4
🆔 Worker ID: render-worker-1
✅ Database connection successful
🔍 Checking for stuck jobs...
"""
LIFE = """\
📦 Reserved job: 42 (type: model_run)
⚙️  Processing job: 42
✅ Job completed: 42
"""


class Lines:
    """A log and what it wrote."""

    def __init__(self, format: str, **facts: Any) -> None:
        self.stream = Written()
        self.log = Log(format, self.stream, **facts)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def objects(self) -> list[dict[str, Any]]:
        assert self.text.endswith("\n")
        return [json.loads(line) for line in self.text.removesuffix("\n").split("\n")]


def tell_start(log: Log, settings: Settings) -> None:
    log.event("worker.starting", app_name=settings.app_name)
    log.event("worker.polling", seconds=settings.poll_seconds)
    log.event("worker.slots", slots=settings.slots)
    log.event("worker.id", worker_id="render-worker-1")
    log.event("database.connected")
    log.event("rescue.checking")


def test_the_start_is_told_in_these_words() -> None:
    lines = Lines("text")
    tell_start(lines.log, Settings())
    assert lines.text == START


def test_the_start_carries_the_name_of_the_application_and_the_effective_interval() -> None:
    lines = Lines("text")
    tell_start(lines.log, Settings(app_name="FinaPilot", poll_seconds=0.5))
    assert lines.text.splitlines()[:2] == [
        "🚀 FinaPilot Python Worker started",
        "📊 Polling interval: 0.5 seconds",
    ]


def test_a_life_of_a_job_is_told_in_these_words() -> None:
    lines = Lines("text")
    for name in ("job.reserved", "job.processing", "job.completed"):
        lines.log.event(name, **job_facts(a_job(id=42)))
    assert lines.text == LIFE


def test_a_database_out_of_reach_is_told_in_these_words() -> None:
    lines = Lines("text")
    lines.log.event("database.failed")
    assert lines.text == "❌ Failed to connect to database\n"


@pytest.mark.parametrize("name", EVENTS)
def test_the_symbol_tells_the_level(name: str) -> None:
    level, text, _ = EVENTS[name]
    assert level == {"❌": "error", "⚠": "warning"}.get(text[0], "info")
    assert not text[0].isascii()
    # A symbol that is drawn wider than it is counted takes two blanks.
    wide = "\ufe0f" in text[:2]
    assert text[1:].lstrip("\ufe0f").startswith("  " if wide else " ")
    assert not text[1:].lstrip("\ufe0f").startswith("   ")


def test_json_has_level_event_message_and_facts_in_one_object_a_line() -> None:
    lines = Lines("json", worker="w1")
    lines.log.event("job.retried", **job_facts(a_job(id=42)), max_attempts=3, error="ValueError: two\nlines")
    (line,) = lines.objects
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {
        "level": "warning",
        "event": "job.retried",
        "message": "⚠️  Job failed, will retry: 42 (attempt 1 of 3): ValueError: two\nlines",
        "worker": "w1",
        "job_id": 42,
        "type": "model_run",
        "queue": "default",
        "attempt": 1,
        "max_attempts": 3,
        "error": "ValueError: two\nlines",
    }


def test_a_traceback_follows_in_text_and_stays_inside_a_field_in_json() -> None:
    trace = "Traceback (most recent call last):\n  File ...\nValueError: no"
    facts = {"job_id": 1, "attempt": 3, "max_attempts": 3, "error": "ValueError: no", "traceback": trace}
    text, objects = Lines("text"), Lines("json")
    text.log.event("job.failed", **facts)
    objects.log.event("job.failed", **facts)
    assert text.text == f"❌ Job failed: 1 (attempt 3 of 3): ValueError: no\n{trace}\n"
    (line,) = objects.objects
    assert line["traceback"] == trace
    assert objects.text.count("\n") == 1


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("name", ["job.reserved", "job.processing", "job.completed"])
def test_many_jobs_at_once_are_told_as_one_by_one(format: str, name: str) -> None:
    jobs = [a_job(id=id, type=f"type-{id}", queue="ai", attempt=2) for id in range(3)]
    together, apart = Lines(format, worker="w1"), Lines(format, worker="w1")
    together.log.jobs(name, jobs)
    for job in jobs:
        apart.log.event(name, **job_facts(job))
    if format == "text":
        assert together.text == apart.text
    else:
        assert timeless(together.objects) == timeless(apart.objects)


def timeless(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "timestamp"} for line in objects]


class Terminal(Written):
    """A stream whose reader is a person."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_the_time_of_day_and_nobody_else() -> None:
    stream = Terminal()
    log = Log("text", stream)
    log.event("worker.starting", app_name="Rowcrew")
    log.jobs("job.completed", [a_job(id=1), a_job(id=2)])
    said = stream.getvalue().splitlines()
    assert len(said) == 3
    assert all(re.match(r"\d\d:\d\d:\d\d (🚀|✅) ", line) for line in said)
    as_json = Terminal()
    Log("json", as_json).event("worker.starting", app_name="Rowcrew")
    assert json.loads(as_json.getvalue())["event"] == "worker.starting"


def test_programs_that_wait_for_the_words_of_a_completion_find_these_and_no_more() -> None:
    lines = Lines("text")
    lines.log.completed([(a_job(id=1), 1.23), (a_job(id=2), None)])
    assert lines.text == "✅ Job completed: 1\n✅ Job completed: 2\n"


def test_a_person_and_an_aggregator_learn_how_long_a_run_took() -> None:
    stream, objects = Terminal(), Lines("json", worker="w1")
    runs = [(a_job(id=1, type="mail"), 1.2345), (a_job(id=2, type="100 %d"), None)]
    Log("text", stream).completed(runs)
    objects.log.completed(runs)
    assert [line.partition(" ")[2] for line in stream.getvalue().splitlines()] == [
        "✅ Job completed: 1 (mail, 1.2 s)",
        "✅ Job completed: 2 (100 %d)",
    ]
    one, two = objects.objects
    assert (one["message"], one["type"], one["seconds"]) == ("✅ Job completed: 1", "mail", 1.234)
    assert (two["message"], two["worker"], "seconds" in two) == ("✅ Job completed: 2", "w1", False)


@pytest.mark.parametrize(("types", "words"), [(0, "0 types"), (1, "1 type"), (2, "2 types")])
def test_what_is_counted_is_told_in_its_number(types: int, words: str) -> None:
    lines = Lines("text")
    lines.log.event("worker.ready", types=types, queues="all")
    assert lines.text == f"👥 Ready: {words}, queues: all\n"


def test_no_jobs_make_no_line() -> None:
    lines = Lines("text")
    lines.log.jobs("job.reserved", [])
    assert lines.text == ""


class Odd:
    def __repr__(self) -> str:
        return "<odd>"


class Worse:
    def __repr__(self) -> str:
        raise RuntimeError


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        (Odd(), "<odd>"),
        ({1, 2}, [1, 2]),
        (b"\xff", "/w=="),
        (Worse(), "<Worse>"),
        ("\ud800", "\\ud800"),
        (endless(), "[[...]]"),
        ({Odd(): 1}, {"<odd>": 1}),
        (10**30, 10**30),
    ],
)
def test_a_fact_that_is_no_json_is_shown_as_it_can_be(detail: Any, shown: Any) -> None:
    lines = Lines("json")
    lines.log.event("worker.ready", types=1, queues="all", detail=detail)
    (line,) = lines.objects
    assert line["detail"] == shown
    assert line["types"] == 1


def test_text_with_half_a_surrogate_pair_is_written() -> None:
    lines = Lines("text")
    lines.log.event("database.failed_reason", reason="\ud800")
    assert lines.text == "❌ \\ud800\n"


def test_a_stream_of_another_encoding_gets_what_it_can_hold() -> None:
    raw = io.BytesIO()
    log = Log("text", io.TextIOWrapper(raw, encoding="ascii"))
    log.event("database.failed")
    assert raw.getvalue() == b"\\u274c Failed to connect to database\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_line_of_json_is_one_in_every_encoding(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    record = {"message": "🚀 Übung ✅"}
    Output(stream).write(render_json(record))
    assert json.loads(raw.getvalue().decode(encoding)) == record


class Gone(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:  # noqa: ARG002 - the stream's signature
        raise self._error


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left"), ValueError("closed")])
def test_a_stream_that_nobody_reads_stops_no_work(error: Exception) -> None:
    log = Log("text", Gone(error))
    log.event("database.failed")
    log.jobs("job.reserved", [a_job()])


def test_a_closed_stream_stops_no_work() -> None:
    lines = Lines("text")
    lines.stream.close()
    lines.log.event("database.failed")


def test_braces_in_facts_are_only_text() -> None:
    lines = Lines("text")
    lines.log.event("database.failed_reason", reason="{worker} {0} {")
    assert lines.text == "❌ {worker} {0} {\n"


def calls() -> Iterator[tuple[str, str, set[str], bool]]:
    """Every `….event("name", fact=…)` in the package: where, name, facts, whether there may be more."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr not in ("event", "jobs") or not node.args:
                continue
            names = [leaf.value for leaf in ast.walk(node.args[0]) if isinstance(leaf, ast.Constant)]
            facts = {keyword.arg for keyword in node.keywords if keyword.arg}
            more = node.func.attr == "jobs" or any(keyword.arg is None for keyword in node.keywords)
            for name in names:
                if isinstance(name, str) and "." in name:
                    yield f"{path.name}:{node.lineno}", name, facts, more


def test_every_event_that_is_told_has_words_and_gets_the_facts_they_take() -> None:
    for where, name, facts, more in calls():
        assert name in EVENTS, where
        wanted = {field for _, field, _, _ in string.Formatter().parse(EVENTS[name].text) if field}
        assert more or wanted <= facts, f"{where}: {name} lacks {wanted - facts}"


def test_every_event_of_which_there_are_words_is_told_somewhere() -> None:
    source = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert [name for name in EVENTS if source.count(f'"{name}"') < 2] == []  # one is its place in EVENTS


def test_job_events_are_those_about_jobs() -> None:
    assert {"job.completed", "job.failed", "job.reserved"} <= JOB_EVENTS <= set(EVENTS)
