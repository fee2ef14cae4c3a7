"""What Python and libraries say by ways of their own comes as lines of the log."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rowcrew.control.main import _log_strays
from rowcrew.log import Log
from rowcrew.runner import handler_log
from rowcrew.runner.stray import Records
from tests.log.written import Written

Caught = Callable[[Callable[[], object]], list[dict[str, Any]]]


@pytest.fixture(params=["control", "runner"])
def caught(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Caught:
    """Do something in a process whose strays are caught; the lines of its log. Standard error stays empty."""

    def lines_of(do: Callable[[], object]) -> list[dict[str, Any]]:
        stream, errors = Written(), Written()
        with as_it_was(), monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", errors)
            if request.param == "control":
                _log_strays(Log("json", stream, worker="mine"))
            else:
                handler_log.configure("json", worker="mine", current_job=lambda: None, stream=stream)
            do()
        assert errors.getvalue() == ""
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return lines_of


@contextmanager
def as_it_was() -> Iterator[None]:
    """Put this process back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    unraisable, in_thread = sys.unraisablehook, threading.excepthook
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # Another test may have had it done, to functions that are gone.
        logging.captureWarnings(False)
        yield
        logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.unraisablehook, threading.excepthook = unraisable, in_thread


class Unwilling:
    def __del__(self) -> None:
        raise ZeroDivisionError("in a destructor")

    def __repr__(self) -> str:
        raise ValueError


def warn() -> None:
    warnings.warn("old ways\nof many lines", UserWarning, stacklevel=1)


def let_go() -> None:
    unwilling = Unwilling()
    del unwilling


def break_thread() -> None:
    def divide() -> None:
        raise ZeroDivisionError("in a thread")

    thread = threading.Thread(target=divide, name="divider")
    thread.start()
    thread.join()


def driver_warns() -> None:
    logging.getLogger("psycopg").warning("query cancellation failed: %s", "timeout")


def driver_fails() -> None:
    error = ZeroDivisionError("in a callback")
    logging.getLogger("psycopg").error("error processing notice callback", exc_info=error)


def forget_task() -> None:
    async def divide() -> None:
        raise ZeroDivisionError("in a task")

    async def forget() -> None:
        task = asyncio.ensure_future(divide())
        await asyncio.sleep(0)
        del task

    asyncio.run(forget())


@pytest.mark.parametrize(
    ("stray", "words", "level", "trace"),
    [
        (warn, "UserWarning: old ways", "warning", None),
        (let_go, "Exception ignored in", "error", "in a destructor"),
        (break_thread, "thread divider", "error", "in a thread"),
        (driver_warns, "query cancellation failed: timeout", "warning", None),
        (driver_fails, "error processing notice callback", "error", "in a callback"),
        (forget_task, "Task exception was never retrieved", "error", "in a task"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_stray_is_one_line_with_its_level_and_traceback(
    caught: Caught, stray: Callable[[], None], words: str, level: str, trace: str | None
) -> None:
    (line,) = caught(stray)
    assert words in line["message"]
    assert (line["level"], line["worker"]) == (level, "mine")
    assert (trace or "") in (line.get("traceback") or line.get("exception") or "")


def test_a_thread_that_leaves_on_purpose_is_no_error(caught: Caught) -> None:
    def leave() -> None:
        thread = threading.Thread(target=sys.exit)
        thread.start()
        thread.join()

    assert caught(leave) == []


@pytest.mark.parametrize("caught", ["control"], indirect=True)
def test_what_libraries_only_mention_is_left_out_of_the_workers_own_log(caught: Caught) -> None:
    assert caught(lambda: logging.getLogger("psycopg").info("a detail")) == []


def test_a_record_whose_arguments_do_not_fit_is_told_as_it_stands() -> None:
    told: list[tuple[bool, dict[str, Any]]] = []
    records = Records(lambda is_error, facts: told.append((is_error, facts)))
    records.emit(logging.LogRecord("psycopg", logging.WARNING, "", 1, "%s and %s", ("one",), None))
    assert told == [(False, {"library": "psycopg", "text": "'%s and %s'"})]
