"""What handlers log, with structlog or with the logging module, in the form of the worker's own lines."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from rowcrew.model.job import Job
from rowcrew.runner.handler_log import configure
from tests.log.written import Written
from tests.model.made import a_job

Configure = Callable[..., Written]


@pytest.fixture
def configured() -> Iterator[Configure]:
    """Send this process's lines to a text, as a runner's; everything is as before at the end."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def set_up(format: str, job: Job | None = None, stream: Written | None = None) -> Written:
        stream = Written() if stream is None else stream
        configure(format, worker="w1", current_job=lambda: job, stream=stream)
        return stream

    yield set_up
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def structlog_line(level: str, text: str, **facts: Any) -> None:
    getattr(structlog.get_logger(), level)(text, **facts)


def logging_line(level: str, text: str, **facts: Any) -> None:
    getattr(logging.getLogger("shop"), level)(text, **facts)


ways = pytest.mark.parametrize("tell", [structlog_line, logging_line])
JOB = a_job(id=42, type="price", queue="ai", attempt=2)
FIELDS = {"worker": "w1", "job_id": 42, "type": "price", "queue": "ai", "attempt": 2}


def objects(stream: Written) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().removesuffix("\n").split("\n")]


@ways
def test_a_line_of_a_run_carries_its_job_in_json(configured: Configure, tell: Callable[..., None]) -> None:
    stream = configured("json", JOB)
    tell("info", "row 5")
    (line,) = objects(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "handler.log", "level": "info", "message": "row 5", **FIELDS}


@ways
@pytest.mark.parametrize(
    ("level", "symbol"), [("info", "📝 "), ("warning", "⚠️  "), ("error", "❌ "), ("critical", "❌ ")]
)
def test_a_line_of_a_run_names_its_job_in_text(
    configured: Configure, tell: Callable[..., None], level: str, symbol: str
) -> None:
    stream = configured("text", JOB)
    tell(level, "row 5")
    assert stream.getvalue() == f"{symbol}[job 42 price] row 5\n"


@ways
def test_a_line_outside_a_run_names_none(configured: Configure, tell: Callable[..., None]) -> None:
    stream = configured("text")
    tell("info", "loaded")
    assert stream.getvalue() == "📝 loaded\n"
    stream = configured("json")
    tell("info", "loaded")
    assert "job_id" not in objects(stream)[0]


def test_facts_of_a_line_are_shown(configured: Configure) -> None:
    stream = configured("text", JOB)
    structlog_line("info", "read", rows=5, file="a b.csv")
    assert stream.getvalue() == "📝 [job 42 price] read rows=5 file='a b.csv'\n"
    stream = configured("json", JOB)
    structlog_line("info", "read", rows=5, file="a b.csv")
    (line,) = objects(stream)
    assert (line["rows"], line["file"], line["message"]) == (5, "a b.csv", "read")


def test_arguments_of_the_logging_module_are_filled_in(configured: Configure) -> None:
    stream = configured("json", JOB)
    logging.getLogger("shop").info("row %d of %s", 5, "a.csv")
    assert objects(stream)[0]["message"] == "row 5 of a.csv"


@ways
def test_details_are_left_out(configured: Configure, tell: Callable[..., None]) -> None:
    stream = configured("text", JOB)
    tell("debug", "row 5")
    assert stream.getvalue() == ""


def fail(tell: Callable[..., None]) -> None:
    try:
        dict[str, int]()["spot"]
    except KeyError:
        tell("exception", "no price")


@ways
def test_a_traceback_stays_inside_a_field_in_json(configured: Configure, tell: Callable[..., None]) -> None:
    stream = configured("json", JOB)
    fail(tell)
    (line,) = objects(stream)
    assert (line["message"], line["level"]) == ("no price", "error")
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("KeyError: 'spot'")


@ways
def test_a_traceback_follows_its_line_in_text(configured: Configure, tell: Callable[..., None]) -> None:
    stream = configured("text", JOB)
    fail(tell)
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["❌ [job 42 price] no price", "Traceback (most recent call last):"]
    assert lines[-1] == "KeyError: 'spot'"


class Worse:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("value", [object(), Worse(), "\ud800", {object(): 1}, b"\xff", float("nan")])
def test_a_fact_of_any_kind_fails_no_handler(configured: Configure, format: str, value: Any) -> None:
    stream = configured(format, JOB)
    structlog_line("info", "odd \ud800", value=value)
    assert "odd \\ud800" in stream.getvalue().replace("\\\\", "\\")
    assert stream.getvalue().count("\n") == 1


class Gone(Written):
    def write(self, text: str) -> int:  # noqa: ARG002 - the stream's signature
        raise BrokenPipeError


@ways
def test_a_log_that_nobody_reads_fails_no_handler(
    configured: Configure, tell: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configured("text", JOB, Gone())
    tell("error", "row 5")
    assert capsys.readouterr().err == ""


def test_facts_bound_to_the_context_are_on_every_line(configured: Configure) -> None:
    stream = configured("json", JOB)
    with structlog.contextvars.bound_contextvars(request="r1"):
        structlog_line("info", "a")
        logging_line("info", "b")
    assert [line["request"] for line in objects(stream)] == ["r1", "r1"]


def test_a_fact_with_a_name_of_ours_keeps_its_value_beside_the_jobs_identity(configured: Configure) -> None:
    stream = configured("json", JOB)
    facts: Any = {"message": "hello", "type": "csv", "job_id": 7, "level": "high", "worker": "me"}
    structlog.get_logger().info("importing", **facts)
    (line,) = objects(stream)
    assert (line["message"], line["type"], line["job_id"], line["worker"]) == ("importing", "price", 42, "w1")
    assert (line["message_"], line["type_"], line["job_id_"], line["worker_"]) == ("hello", "csv", 7, "me")
    assert (line["level"], line["level_"]) == ("info", "high")


def test_such_a_fact_is_shown_in_text_too(configured: Configure) -> None:
    stream = configured("text", JOB)
    structlog_line("info", "importing", type="csv")
    assert stream.getvalue() == "📝 [job 42 price] importing type_='csv'\n"


def test_facts_take_the_same_forms_as_results(configured: Configure) -> None:
    stream = configured("json", JOB)
    structlog_line("info", "wrote", path=Path("/tmp/x"), odd=object())
    (line,) = objects(stream)
    assert line["path"] == "/tmp/x"
    assert line["odd"].startswith("<object object at")
