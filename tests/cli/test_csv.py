"""`rowcrew csv preview` prints what a dry run says, for a terminal of 80 columns and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rowcrew import cli

BANK = "Konto;DE12\n\nBuchung;Betrag;Text\n03.01.2026;1.234,50;Miete\n05.01.2026;-7,25;Tee\n"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    file = tmp_path / "bank.csv"
    file.write_text(BANK)
    return file


def test_without_a_table_it_asks_no_database(
    bank: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["csv", "preview", str(bank)]) == cli.SUCCESS
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    assert "03.01.2026  1.234,50  Miete" in said
    suggestion = json.loads(said.partition("suggestion\n")[2])
    assert suggestion["mapping"] == {"buchung": "Buchung", "betrag": "Betrag", "text": "Text"}


def test_many_columns_stand_below_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wide.csv"
    names = [f"A column with a long name {place}" for place in range(30)]
    file.write_text(",".join(names) + "\n" + ",".join(["some words of text"] * 30) + "\n")
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["csv", "preview", str(file)]) == cli.SUCCESS
    rows = capsys.readouterr().out.partition("rows\n")[2].partition("\n\n")[0].splitlines()
    assert len(rows) == 31
    assert max(map(len, rows)) <= 80


def test_programs_get_json_and_an_exit_code(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank.write_text(BANK + "one cell\n")
    assert cli.main(["csv", "preview", str(bank), "--json"]) == cli.FAILURE
    found = json.loads(capsys.readouterr().out)
    assert found["complaints"][0]["row"] == 6
    assert found["columns"] == ["buchung", "betrag", "text"]


def test_with_a_table_its_rows_are_shown_as_they_would_be_stored(
    bank: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import psycopg

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bank (buchung date, betrag numeric)")
    monkeypatch.setenv("DATABASE_URL", database_url)
    payload = '{"dateFormats": ["%d.%m.%Y"], "decimal": ",", "thousands": "."}'
    assert cli.main(["csv", "preview", str(bank), "--table", "bank", "--payload", payload]) == cli.SUCCESS
    assert "2026-01-03  1234.50" in capsys.readouterr().out


@pytest.mark.parametrize("payload", ["[]", "{", '{"dateFormats": 1}'])
def test_a_wrong_payload_is_told(bank: Path, payload: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["csv", "preview", str(bank), "--payload", payload]) == cli.USAGE
    assert "--payload" in capsys.readouterr().err


def test_what_is_no_csv_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "book.csv"
    file.write_bytes(b"PK\x03\x04 and so on")
    assert cli.main(["csv", "preview", str(file)]) == cli.FAILURE
    assert "Excel workbook" in capsys.readouterr().err


def test_a_file_that_cannot_be_opened_is_no_complaint_about_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, reason in (
        (tmp_path / "absent.csv", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        assert cli.main(["csv", "preview", str(path)]) == cli.USAGE
        said = capsys.readouterr().err
        assert said == f"rowcrew: {path}: {reason}; give the path of a CSV file that you may read\n"
