"""Types that compute for long have no transaction open meanwhile: vacuum goes on, and no limit meets them."""

from __future__ import annotations

from typing import Any

import pytest

from rig.bucket import Bucket
from rowcrew.bundled import crew
from rowcrew.bundled.files import s3
from rowcrew.context import Context
from rowcrew.table.no_transaction import no_transaction
from rowcrew.testing import run_handler
from tests.bundled.exports import export, model_result
from tests.bundled.saas_payload import REFERENCE
from tests.conftest import Connect

NOTE = {"title": "A note", "sections": [{"heading": "One", "text": "Words"}]}
STATES = """
    SELECT state, xact_start, backend_xmin FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'rowcrew job 1'
"""
AT_REST = [("idle", None, None)]


@pytest.fixture
def seen(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the server shows of the run's connection, whenever the run tells its progress."""
    seen: list[Any] = []
    watcher, progress = connect(), Context.progress

    def progress_watched(context: Context, *said: Any) -> None:
        seen.append(watcher.execute(STATES).fetchall())
        progress(context, *said)

    monkeypatch.setattr(Context, "progress", progress_watched)
    return seen


@pytest.mark.parametrize(
    ("type", "payload"),
    [
        ("model_run", REFERENCE),
        ("pdf_export", {"source": {"document": NOTE}}),
        ("pptx_export", {"source": {"document": NOTE}}),
    ],
)
def test_no_transaction_is_open_while_a_run_computes(
    seen: list[Any], database_url: str, type: str, payload: dict[str, Any]
) -> None:
    assert run_handler(crew, type, payload, database_url=database_url).result
    assert seen
    assert [states for states in seen if states != AT_REST] == []


def test_no_transaction_is_open_while_a_result_comes_out_of_a_bucket(
    connect: Connect, database_url: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = model_result(database_url, months=600)
    seen: list[Any] = []
    watcher, download = connect(), s3.download

    def download_watched(*given: Any) -> None:
        seen.append(watcher.execute(STATES).fetchall())
        download(*given)

    monkeypatch.setattr(s3, "download", download_watched)
    source = {"modelRunId": run["modelRunId"]}
    assert export("pdf_export", source, database_url, template="investor").result
    assert seen == [AT_REST]


def test_the_transaction_after_the_work_is_limited_like_the_one_before(connect: Connect) -> None:
    connection = connect(autocommit=False)
    with no_transaction(connection):
        pass
    assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)
