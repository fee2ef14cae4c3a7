"""A model run whose result is a file: its children read it from `blobs` and from the bucket alike."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import psycopg
import pytest

from rig.bucket import Bucket
from rowcrew.bundled import crew
from rowcrew.testing import HandlerRun, run_handler
from tests.bundled.exports import export, permanent
from tests.bundled.saas_payload import REFERENCE
from tests.conftest import Connect

CHURN = [{"path": "revenue.0.churnRate", "distribution": "uniform", "min": 0.02, "max": 0.04}]
# Large by its scenarios: a simulation takes up to 120 months.
LARGE = REFERENCE | {
    "months": 120,
    "scenarios": {f"price {n}": [{"path": "revenue.0.arpa", "op": "add", "value": n}] for n in range(10)},
    "children": [
        {"type": "pdf_export", "payload": {"template": "investor"}},
        {"type": "pptx_export", "payload": {"template": "investor"}},
        {"type": "monte_carlo", "payload": {"drivers": CHURN, "simulations": 200}},
    ],
}


@pytest.fixture(params=["blobs", "bucket"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket | None:
    """Where files go: the bucket, or None for the table."""
    monkeypatch.delenv("S3_BUCKET_NAME", raising=False)
    bucket: Bucket | None = request.getfixturevalue("bucket") if request.param == "bucket" else None
    return bucket


def ran(database_url: str) -> HandlerRun:
    return run_handler(crew, "model_run", LARGE, database_url=database_url)


def content(key: str, store: Bucket | None, connection: psycopg.Connection[tuple[Any, ...]]) -> bytes:
    if store is not None:
        body: bytes = store.get(key)["Body"].read()
        return body
    ((found,),) = connection.execute("SELECT bytes FROM blobs WHERE key = %s", [key])
    return bytes(found)


def test_the_children_of_a_large_run_show_its_figures(
    store: Bucket | None, database_url: str, connect: Connect
) -> None:
    asked = ran(database_url)
    assert "scenarios" not in asked.result
    whole = content(asked.result["key"], store, connect())
    for child in asked.children:
        made = run_handler(crew, child.type, child.payload, database_url=database_url).result
        if child.type == "monte_carlo":
            assert [month["month"] for month in made["monthly"]] == list(range(1, 121))
        else:
            inline = exported_from_an_inline_result(connect(), child.type, child.payload, whole, database_url)
            assert made["sha256"] == inline["sha256"]
            file = content(made["key"], store, connect())
            assert (len(file), hashlib.sha256(file).hexdigest()) == (made["bytes"], made["sha256"])


def exported_from_an_inline_result(
    connection: psycopg.Connection[tuple[Any, ...]],
    type: str,
    payload: dict[str, Any],
    result: bytes,
    database_url: str,
) -> Any:
    """The same export from a kept run that has all of its result in the row."""
    ((id,),) = connection.execute(
        """
        INSERT INTO "modelRuns" ("modelId", "inputsHash", "engineVersion", "jobId", result)
        VALUES (%s, repeat('0', 64), 1, 1, %s) RETURNING id
        """,
        [type, result.decode()],
    )
    return export(type, {"modelRunId": id}, database_url, template=payload["template"]).result


def test_the_key_of_a_large_run_names_its_content(
    store: Bucket | None, database_url: str, connect: Connect
) -> None:
    result = ran(database_url).result
    assert result["key"] == f"modelRuns/{result['sha256']}.json"
    assert hashlib.sha256(content(result["key"], store, connect())).hexdigest() == result["sha256"]


def test_a_job_with_another_payload_leaves_the_file_of_its_first_run(
    store: Bucket | None, database_url: str, connect: Connect
) -> None:
    first = ran(database_url).result
    second = run_handler(crew, "model_run", LARGE | {"openingCash": 1}, database_url=database_url).result
    assert first["key"] != second["key"]
    kept = msgspec.json.decode(content(first["key"], store, connect()))
    assert kept["inputsHash"] == first["inputsHash"]


def test_a_run_kept_before_there_was_a_bucket_is_read_from_the_table(
    database_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("S3_BUCKET_NAME", raising=False)
    source = {"modelRunId": ran(database_url).result["modelRunId"]}
    bucket: Bucket = request.getfixturevalue("bucket")
    key = export("pdf_export", source, database_url, template="investor").result["key"]
    assert bucket.keys() == [key]


def test_a_run_kept_in_a_bucket_needs_the_bucket_s_name(
    database_url: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"modelRunId": ran(database_url).result["modelRunId"]}
    monkeypatch.delenv("S3_BUCKET_NAME")
    error = permanent(export("pdf_export", source, database_url))
    assert "set S3_BUCKET_NAME to the bucket it is in" in error
