"""Inputs by reference: what may be read, and what is said about the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rig.bucket import Bucket
from rowcrew.bundled.files.blobs import PART_BYTES, put_blob
from tests.bundled.conftest import FILE, Imports, permanent_error


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


def test_an_object_in_s3_is_read(imports: Imports, bucket: Bucket) -> None:
    bucket.put("in/may.csv", FILE)
    assert imports.run_source({"s3": {"bucket": bucket.name, "key": "in/may.csv"}}).result["inserted"] == 1


def test_a_missing_object_or_bucket_is_named(imports: Imports, bucket: Bucket) -> None:
    missing = {"bucket": bucket.name, "key": "nothing"}
    assert f"s3://{bucket.name}/nothing: there is no such object" in refusal(imports, {"s3": missing})
    missing = {"bucket": "no-such-bucket", "key": "k"}
    assert "s3://no-such-bucket/k: there is no such bucket" in refusal(imports, {"s3": missing})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"key": ""}, "payload.source.s3.key"),
        ({"key": "x" * 1_025}, "more than 1,024 bytes"),
        ({"key": "../../etc/passwd"}, "only . or .."),
        ({"key": "a/../../b"}, "only . or .."),
        ({"bucket": "a/b"}, "payload.source.s3.bucket"),
        ({"bucket": "B@evil.example"}, "payload.source.s3.bucket"),
        ({"region": "x"}, "region"),
    ],
)
def test_buckets_and_keys_that_cannot_be_are_refused(
    imports: Imports, wrong: dict[str, str], said: str
) -> None:
    assert said in refusal(imports, {"s3": {"bucket": "bucket", "key": "k"} | wrong})


def test_without_credentials_only_jobs_that_need_them_fail(
    imports: Imports, data: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(data))  # no profile there
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    source = {"s3": {"bucket": bucket.name, "key": "k"}}
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "AWS_SECRET_ACCESS_KEY is not set" in refusal(imports, source)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    error = refusal(imports, source)
    assert "S3 needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which are not set" in error
    assert imports.run_source({"path": "good.csv"}).result["inserted"] == 1


@pytest.mark.parametrize("source", [{}, {"path": "a", "blob": "b"}])
def test_exactly_one_source_is_given(imports: Imports, source: dict[str, Any]) -> None:
    assert "give exactly one of" in refusal(imports, source)


def test_a_stored_file_is_replaced_by_the_next_of_its_key(imports: Imports) -> None:
    put_blob(imports.connection, "key", b"first", "text/plain")
    blob = put_blob(imports.connection, "key", b"second!", "text/plain")
    assert (blob.size, imports.blob("key")) == (7, b"second!")
