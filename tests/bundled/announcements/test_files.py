"""Files that are no good: which end the job, which are tried again, which say nothing."""

from __future__ import annotations

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption

from rowcrew.bundled.announcements import ai_processing
from rowcrew.bundled.files.arrival import Patience
from rowcrew.model.outcome import Errored
from tests.bundled.announcements.conftest import ORDER, Desk, inline, pdf_of
from tests.bundled.conftest import permanent_error
from tests.bundled.servers import saying, serving


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URL_ALLOW_PRIVATE", "127.0.0.0/8")
    monkeypatch.setattr(ai_processing, "_PATIENCE", Patience(attempts=2, longest_wait_seconds=0.01))


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_ends_the_job(desk: Desk, status: int) -> None:
    with serving(saying(status)) as server:
        run = desk.read(pdf={"url": f"http://127.0.0.1:{server.port}/a.pdf"})
        assert f"answers {status}" in permanent_error(run)


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_fails_is_asked_again_later(desk: Desk, status: int) -> None:
    with serving(saying(status)) as server:
        outcome = desk.read(pdf={"url": f"http://127.0.0.1:{server.port}/a.pdf"}).outcome
        assert isinstance(outcome, Errored)
        assert not outcome.permanent


def test_a_file_behind_a_url_is_read(desk: Desk) -> None:
    with serving(saying(200, pdf_of(ORDER))) as server:
        run = desk.read(pdf={"url": f"http://127.0.0.1:{server.port}/a.pdf"})
        assert run.result["category"] == "New Order"


def test_a_url_into_our_own_network_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("URL_ALLOW_PRIVATE")
    assert "source.url" in permanent_error(desk.read(pdf={"url": "https://127.0.0.1/a.pdf"}))


def test_a_pdf_that_opens_only_with_a_password_ends_the_job(desk: Desk) -> None:
    locked = pdf_of(ORDER, password=StandardEncryption("secret", strength=128))
    assert "encrypted" in permanent_error(desk.read(pdf=inline(locked)))


def test_a_pdf_that_only_forbids_copying_is_read(desk: Desk) -> None:
    forbidding = pdf_of(
        ORDER, password=StandardEncryption("", ownerPassword="owner", canCopy=0, strength=128)
    )
    assert desk.read(pdf=inline(forbidding)).result["category"] == "New Order"


def test_a_web_page_in_place_of_a_pdf_ends_the_job(desk: Desk) -> None:
    assert "a web page" in permanent_error(desk.read(pdf=inline(b"<!DOCTYPE html><html>Sign in")))


@pytest.mark.parametrize("content", [b"%PDF-1.4 and nothing else", pdf_of(ORDER)[:600]])
def test_a_broken_pdf_ends_the_job(desk: Desk, content: bytes) -> None:
    assert "the PDF" in permanent_error(desk.read(pdf=inline(content)))


def test_a_scanned_file_completes_and_says_so(desk: Desk) -> None:
    run = desk.read(pdf=inline(pdf_of([])))
    assert run.result["note"] == "scanned, no text"
    assert [child.type for child in run.children] == ["supabase_upload"]


def test_a_file_of_more_pages_than_allowed_ends_the_job(desk: Desk) -> None:
    assert "301 pages" in permanent_error(desk.read(pdf=inline(pdf_of(*[["page"]] * 301))))


def test_an_announcement_without_a_file_is_read_by_the_words_of_its_feed(desk: Desk) -> None:
    run = desk.read(pdf=None)
    assert (run.result["category"], run.result["note"]) == (
        "New Order",
        "no file, only the words of the feed",
    )
