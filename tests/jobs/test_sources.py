"""Inputs by reference: what may be read, and what is said about the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rowcrew.table.blobs import PART_BYTES, put_blob
from tests.jobs.conftest import Imports, permanent_error


def refusal(imports: Imports, source: dict[str, Any]) -> str:
    error = permanent_error(imports.run_source(source))
    assert imports.count("transactions") == 0
    return error


def test_a_path_under_the_data_directory_is_read(imports: Imports, data: Path) -> None:
    assert imports.run_source({"path": "good.csv"}).result["inserted"] == 1
    assert imports.run_source({"path": str(data / "good.csv")}).result["inserted"] == 1


@pytest.mark.parametrize(
    "path", ["../secret.csv", "/etc/passwd", "a/../../secret.csv", "link.csv", "linked/secret.csv"]
)
def test_no_path_leads_out_of_the_data_directory(imports: Imports, data: Path, path: str) -> None:
    (data / "link.csv").symlink_to(data.parent / "secret.csv")
    (data / "linked").symlink_to(data.parent)
    assert "is not under ROWCREW_DATA_DIR" in refusal(imports, {"path": path})


def test_missing_files_directories_and_pipes_are_refused(imports: Imports, data: Path) -> None:
    os.mkfifo(data / "pipe")
    assert "cannot be read: No such file" in refusal(imports, {"path": "nothing.csv"})
    assert "no regular file" in refusal(imports, {"path": "pipe"})
    assert "no regular file" in refusal(imports, {"path": "."})


def test_without_a_data_directory_no_path_is_read(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROWCREW_DATA_DIR", raising=False)
    assert "needs ROWCREW_DATA_DIR" in refusal(imports, {"path": "file.csv"})


def test_a_file_above_the_limit_is_refused(imports: Imports, data: Path) -> None:
    with (data / "large.csv").open("wb") as file:
        file.truncate(200_000_001)
    assert "200,000,001 bytes, more than the 200,000,000 allowed" in refusal(imports, {"path": "large.csv"})


def test_a_blob_is_read_in_parts(imports: Imports) -> None:
    line = b"%d,,," + b"x" * 900 + b"\n"
    rows = 2 * PART_BYTES // 900
    content = b"Id,Date,Amount,Memo\n" + b"".join(line % row for row in range(rows))
    put_blob(imports.connection, "in/file.csv", content, "text/csv")
    assert imports.run_source({"blob": "in/file.csv"}).result["inserted"] == rows


def test_an_unknown_blob_is_refused(imports: Imports) -> None:
    assert "'nothing' is not in the table blobs" in refusal(imports, {"blob": "nothing"})


def test_inline_files_are_base64(imports: Imports) -> None:
    assert "is not base64" in refusal(imports, {"inlineBase64": "a"})


@pytest.mark.parametrize(
    "source", [{"s3": {"bucket": "b", "key": "k"}}, {"url": "https://example.com/file.csv"}]
)
def test_sources_of_a_later_version_are_named(imports: Imports, source: dict[str, Any]) -> None:
    assert "is not available in this version" in refusal(imports, source)


@pytest.mark.parametrize("source", [{}, {"path": "a", "blob": "b"}])
def test_exactly_one_source_is_given(imports: Imports, source: dict[str, Any]) -> None:
    assert "give exactly one of" in refusal(imports, source)


def test_a_stored_file_is_replaced_by_the_next_of_its_key(imports: Imports) -> None:
    put_blob(imports.connection, "key", b"first", "text/plain")
    blob = put_blob(imports.connection, "key", b"second!", "text/plain")
    assert (blob.size, imports.blob("key")) == (7, b"second!")
