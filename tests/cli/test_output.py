"""How tables and fields are printed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import msgspec
import pytest

from rowcrew.cli.output import print_document, print_fields, progress_text
from rowcrew.cli.tables import print_table
from rowcrew.model.terminal_text import width


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
