"""How tables and fields are printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from rowcrew.cli import events, main, queues, types
from rowcrew.cli.output import print_document, print_fields, progress_text
from rowcrew.cli.tables import print_table
from rowcrew.model.terminal_text import width
from rowcrew.table.rows import ListedEvent, ListedQueue, ListedType


def a_queue(name: str) -> ListedQueue:
    return ListedQueue(
        queue=name, queued=12, processing=3, completed=93100, failed=41, cancelled=7, ready=12,
        oldest_ready_at=None, oldest_wait_seconds=184.0, workers=2, workers_allowed=3, slots=8, slots_taken=3,
    )  # fmt: skip


def an_event(id: int, subject: str, now: datetime) -> ListedEvent:
    return ListedEvent(
        id=id, kind="job.failed", subject=subject, queue=subject, type=subject, count=4, created_at=now,
        detail=None, message_id=None, state="waiting", receivers=1, told=0, error="ops: no answer in time",
    )  # fmt: skip


def test_a_table_gives_way_at_its_widest_column_until_it_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table([{"id": 7, "error": "a long story " * 9, "name": "数据库"}], ("id", "error", "name"))
    printed = capsys.readouterr()
    header, row = printed.out.splitlines()
    assert "| cat" in printed.err
    assert (width(row), width(header) <= 40) == (40, True)
    assert row.startswith(" 7  a long story")
    assert row.endswith("…  数据库")


def test_into_a_pipe_nothing_is_cut_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.__stdout__", None)
    print_table([{"error": "x" * 5_000}], ("error",))
    printed = capsys.readouterr()
    assert ("x" * 5_000 in printed.out, printed.err) == (True, "")


def test_what_identifies_a_row_is_whole_and_the_story_stands_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    row = {"id": 1234567, "type": "a.long.type.name", "status": "completed", "error": "no luck " * 30}
    print_table([row], ("id", "type", "status", "error"), shrink=("type",), below="error")
    header, shown, *story = capsys.readouterr().out.splitlines()
    assert header.split() == ["id", "type", "status"]
    assert shown == "1234567  a.long.ty…  completed"
    assert len(story) == 2
    assert all(line.startswith("    ") and width(line) <= 30 for line in story)


def test_the_story_of_a_row_counts_the_columns_of_its_characters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    for story in ("請求書を送信できません " * 3, "🧾 " * 40, "数" * 40):
        print_table([{"id": 1, "error": story}], ("id", "error"), below="error")
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 4, "the heading, the row, and two lines of its story"
        assert max(map(width, lines)) <= 30


NAMES = ("ai_processing", "cost_collection", "investor_processing", "supabase_upload")


def test_eighty_columns_show_the_whole_names_of_queues_types_and_events(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    now = datetime(2030, 1, 31, 9, tzinfo=UTC)
    queue_rows = [a_queue(name) for name in NAMES]
    type_rows = [ListedType(name, name, 10, 3, 600, "process", "a story " * 30, now) for name in NAMES]
    event_rows = [an_event(place, name, now) for place, name in enumerate(NAMES, 20)]
    tables: list[tuple[Any, Any, Callable[..., None]]] = [
        (queues, (queue_rows, {}), queues.list_queues),
        (types, type_rows, types.list_types),
        (events, event_rows, events.list_events),
    ]
    for module, found, shown in tables:
        monkeypatch.setattr(module, "ask", Mock(return_value=found))
        monkeypatch.setattr(module, "read_settings", Mock())
        shown()
        printed = capsys.readouterr().out
        assert all(width(line) <= 80 for line in printed.splitlines())
        assert [name for name in NAMES if name not in printed.split()] == [], printed


@pytest.mark.parametrize("columns", [80, 0])
def test_an_error_fits_the_terminal_that_shows_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setattr(sys.stderr, "fileno", lambda: 2, raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((columns, 24)))
    assert main(["jobs", "list", "--status", "faild"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "".join(lines).count("Did you mean") == 1
    assert [line[:2] for line in lines[:2]] == (["ro", "  "] if columns else ["ro"])
    assert all(width(line) <= 80 for line in lines) or not columns


def test_an_error_is_one_line_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "list", "--status", "faild"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("is_terminal", "variables", "coloured"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_colour_is_for_terminals_whose_readers_want_it(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    variables: dict[str, str],
    coloured: bool,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"TERM": "xterm", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    print_table([{"status": "failed"}], ("status",))
    assert ("\x1b[31mfailed" in capsys.readouterr().out) == coloured


def test_no_table_has_rows_and_still_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], ("id", "type"))
    assert capsys.readouterr().out == "id  type\n"


def test_what_a_terminal_would_obey_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"error": "\x1b[2Jgone\x07", "result": msgspec.Raw(b'"\x7f"')})
    assert not {"\x1b", "\x07", "\x7f"} & set(capsys.readouterr().out)


def test_json_keeps_the_row_s_own_json_and_says_times_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    print_document({"at": datetime(2030, 1, 31, 9, tzinfo=UTC), "result": msgspec.Raw(b'{"n": 1.10}')})
    assert capsys.readouterr().out == '{"at":"2030-01-31T09:00:00Z","result":{"n": 1.10}}\n'


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (b'{"current": 5, "total": 10, "message": "Processing chunks"}', "5/10 Processing chunks"),
        (b'{"current": 5, "total": null, "message": null}', "5"),
        (b'"half"', '"half"'),
        (None, ""),
    ],
)
def test_progress_is_read_as_people_say_it(progress: bytes | None, text: str) -> None:
    assert progress_text(None if progress is None else msgspec.Raw(progress)) == text
