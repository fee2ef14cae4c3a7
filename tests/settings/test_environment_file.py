"""The file `.env`: what is read of it, and who wins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rig.programs import ROOT, run
from rowcrew.model.errors import SettingsError
from rowcrew.settings.environment_file import read_environment_file, variables


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1", "1"),
        (" A = 1 ", "1"),
        ("A=", ""),
        ("A='a # b'", "a # b"),
        ('A="a b" # why', "a b"),
        ("A=a#b  # why", "a#b"),
        ("A=postgresql://a:b@c/d?e=f", "postgresql://a:b@c/d?e=f"),
        ("A=$HOME", "$HOME"),
    ],
)
def test_a_line_is_read_as_other_programs_read_it(line: str, value: str) -> None:
    assert variables(f"# first\n\n{line}\n") == {"A": value}


def test_lines_that_cannot_be_read_are_named_without_their_content() -> None:
    with pytest.raises(SettingsError) as told:
        variables("A=1\nsecret\nB='open\n")
    assert [complaint.partition(":")[0] for complaint in told.value.complaints] == [
        ".env, line 2",
        ".env, line 3",
    ]
    assert "secret" not in str(told.value)


def test_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\n")
    environment = {"A": "environment"}
    read_environment_file(tmp_path, environment)
    assert environment == {"A": "environment", "B": "file"}


def test_every_command_reads_the_file_of_its_directory(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("JOB_QUEUE_NAME=from-the-file\n")
    printed = run("doctor", "--settings", "--json", cwd=tmp_path, DATABASE_URL="postgresql:///x").stdout
    queue = next(
        row for row in map(json.loads, printed.splitlines()) if row.get("variable") == "JOB_QUEUE_NAME"
    )
    assert queue["value"] == "from-the-file"


def test_a_file_that_cannot_be_read_stops_the_command_in_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("what is this")
    ended = run("doctor", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("rowcrew: .env, line 1: ")


def test_the_example_can_be_copied_as_it_stands() -> None:
    assert "DATABASE_URL" in variables((ROOT / ".env.example").read_text())
