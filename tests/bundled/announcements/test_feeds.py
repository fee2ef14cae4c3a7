"""Feeds as exchanges answer them: a job for each announcement, and one for those that stand there twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rowcrew.bundled.announcements.feed import FeedRefused, jobs_of
from rowcrew.cli import main
from tests.bundled.announcements.conftest import bse_entry, nse_entry


def test_a_feed_of_bse_is_a_job_for_each_announcement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNOUNCEMENT_ATTACHMENTS", "filings")
    entries = [bse_entry(), bse_entry(NEWSID="2", ATTACHMENTNAME=""), bse_entry()]
    jobs = jobs_of(json.dumps({"Table": entries, "Table1": [{"ROWCNT": 3}]}).encode())
    assert [(job.type, job.queue, job.unique_key) for job in jobs] == [
        ("ai_processing", "ai_processing", "BSE-1"),
        ("ai_processing", "ai_processing", "BSE-2"),
    ]
    assert [job.payload.get("pdf") for job in jobs] == [{"path": "filings/order.pdf"}, None]
    assert jobs[0].payload["securityId"] == "999001"


def test_a_feed_of_nse_is_a_job_for_each_announcement_told_apart_by_what_it_says() -> None:
    entries = [nse_entry(), nse_entry(attchmntText="Another."), nse_entry()]
    jobs = jobs_of(json.dumps(entries).encode())
    assert len({job.unique_key for job in jobs}) == len(jobs) == 2
    assert jobs[0].payload["pdf"] == {"url": "https://files.example/order.pdf"}
    assert (jobs[0].payload["exchange"], jobs[0].payload["isin"]) == ("NSE", "INE999A01015")


@pytest.mark.parametrize("content", [b"[", b"{}", b'{"Table": 1}', b"[1]", b'[{"symbol": "A"}]'])
def test_a_file_that_is_no_feed_is_refused_by_what_it_should_be(content: bytes) -> None:
    with pytest.raises(FeedRefused, match="the feed"):
        jobs_of(content)


def test_the_command_enqueues_a_feed_and_knows_it_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    feed = tmp_path / "feed.json"
    feed.write_text(json.dumps([nse_entry(), nse_entry(attchmntText="Another.")]))
    command = ["enqueue", "ai_processing", "--feed", str(feed)]
    assert main(command) == 0
    assert main([*command, "--priority", "high"]) == 0
    assert main([*command, "--unique-key", "one"]) == 2
    assert main(["enqueue", "greet", "--feed", str(feed)]) == 2
    told = capsys.readouterr()
    assert told.out.splitlines() == ["Enqueued 2 jobs", "Enqueued 0 jobs; 2 more are live already"]
    assert "ai_processing" in told.err
