"""Where the files of jobs go: the bucket if there is one, else the table."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import urllib3

from rig.bucket import Bucket
from rowcrew import Context, Crew
from rowcrew.bundled.files.blobs import Blob
from rowcrew.bundled.files.store import presigned_url, store
from rowcrew.model.errors import SettingsError
from rowcrew.testing import run_handler
from tests.bundled.conftest import Imports
from tests.docs.pages import block_marked

BAD = b"Id,Date,Amount,Memo\n1,,,a\n2,never,,b\n"


keepers = Crew()


@keepers.job("keep")
def keep(payload: dict[str, str], context: Context) -> Blob:
    with context.transaction() as connection:
        return store(connection, context, "board.pdf", payload["content"].encode(), "application/pdf")


def stored(imports: Imports, content: bytes) -> dict[str, Any]:
    handled = run_handler(keepers, "keep", {"content": content.decode()}, database_url=imports.url)
    return dict(handled.result)


@pytest.mark.parametrize("with_bucket", [True, False])
def test_a_result_tells_key_hash_size_and_type(
    imports: Imports, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, with_bucket: bool
) -> None:
    if with_bucket:
        request.getfixturevalue("bucket")
    else:
        monkeypatch.delenv("S3_BUCKET_NAME", raising=False)
    assert stored(imports, b"content") == {
        "key": "jobs/1/board.pdf",
        "sha256": hashlib.sha256(b"content").hexdigest(),
        "bytes": 7,
        "contentType": "application/pdf",
    }
    assert imports.count("blobs") == (0 if with_bucket else 1)


def test_the_next_run_of_a_job_replaces_its_object(imports: Imports, bucket: Bucket) -> None:
    stored(imports, b"first")
    stored(imports, b"second")
    assert bucket.keys() == ["jobs/1/board.pdf"]
    answer = bucket.get("jobs/1/board.pdf")
    assert (answer["Body"].read(), answer["ContentType"]) == (b"second", "application/pdf")


def test_the_error_report_of_an_import_goes_to_the_bucket(imports: Imports, bucket: Bucket) -> None:
    key = imports.run(BAD).result["errorReportKey"]
    assert b"never" in bucket.get(key)["Body"].read()
    assert imports.count("blobs") == 0


def test_a_presigned_url_reads_one_file_for_a_while(imports: Imports, bucket: Bucket) -> None:
    stored(imports, b"content")
    url = presigned_url("jobs/1/board.pdf", 60)
    assert "X-Amz-Expires=60&" in url
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", url).data == b"content"


@pytest.mark.parametrize("seconds", [0, 7 * 86_400 + 1])
def test_a_presigned_url_lives_seven_days_at_most(bucket: Bucket, seconds: int) -> None:
    with pytest.raises(ValueError, match="604,800 seconds"):
        presigned_url("key", seconds)


def test_a_presigned_url_needs_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("S3_BUCKET_NAME", raising=False)
    with pytest.raises(SettingsError, match="S3_BUCKET_NAME is not set"):
        presigned_url("key")


def test_the_documented_lifecycle_rule_is_one_and_spares_kept_runs(bucket: Bucket) -> None:
    rule = json.loads(block_marked("bucket", "lifecycle").text)
    bucket.client.put_bucket_lifecycle_configuration(Bucket=bucket.name, LifecycleConfiguration=rule)
    rules = bucket.client.get_bucket_lifecycle_configuration(Bucket=bucket.name)["Rules"]
    assert [each["Filter"]["Prefix"] for each in rules] == ["jobs/"]
