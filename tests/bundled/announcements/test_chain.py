"""What each of the three types does with one announcement, and what a second run of it changes: nothing."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from rig.databases import new_database
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.model.outcome import Errored
from tests.bundled.announcements.conftest import Desk, filing, inline, pdf_of
from tests.bundled.conftest import permanent_error


def test_a_filing_is_read_and_handed_on_to_be_kept(desk: Desk) -> None:
    run = desk.read()
    result = run.result
    assert (result["category"], result["companyName"], result["pages"]) == (
        "New Order",
        "Meru Foods Limited",
        1,
    )
    assert [each["name"] for each in result["individualInvestors"]] == ["Ramesh K. Damani"]
    assert {each["value"] for each in result["financialData"]} == {"726200000", "120"}
    assert result["announcedAt"] == "2026-11-26T18:05:33.123000+05:30"
    assert run.progress[0]["message"] == "Reading page 1 of 1"
    (child,) = run.children
    assert (child.type, child.queue, child.unique_key) == ("supabase_upload", "supabase_upload", "BSE-1")


def test_the_same_payload_twice_is_inserted_then_unchanged_and_updated_only_if_asked(desk: Desk) -> None:
    first = desk.upload()
    assert first.result["status"] == "inserted"
    assert first.progress[0]["message"] == "Saved announcement and 2 figures"
    again = desk.upload()
    assert again.result == {**first.result, "status": "unchanged"}
    assert desk.upload(updateExisting=True).result == {**first.result, "status": "updated"}
    assert desk.counts() == [1, 2, 1]


def test_an_update_replaces_figures_and_investors_that_are_no_longer_told(desk: Desk) -> None:
    (child,) = desk.read().children
    desk.run("supabase_upload", child.payload)
    fewer: dict[str, Any] = {**child.payload["processed"], "financialData": [], "individualInvestors": []}
    told = desk.run("supabase_upload", {**child.payload, "processed": fewer, "updateExisting": True})
    assert (told.result["figureIds"], told.result["investorIds"], desk.counts()) == ([], [], [1, 0, 0])


def test_a_payload_that_the_tables_refuse_is_permanent_and_leaves_no_row(desk: Desk) -> None:
    (child,) = desk.read().children
    figure = {"kind": "amount", "value": "a lot", "label": "", "quote": ""}
    processed = {**child.payload["processed"], "financialData": [figure]}
    run = desk.run("supabase_upload", {**child.payload, "processed": processed})
    assert "cannot be stored" in permanent_error(run)
    assert desk.counts() == [0, 0, 0]


def test_a_filing_that_is_kept_is_not_read_again(desk: Desk) -> None:
    desk.upload()
    again = desk.read()
    assert (again.progress, again.children) == ([], [])
    assert again.result["category"] == "New Order"


def test_another_file_of_a_kept_announcement_is_read(desk: Desk) -> None:
    desk.upload()
    changed = desk.read(
        pdf=inline(pdf_of(["The board has declared an interim dividend of Rs. 2 per share."]))
    )
    assert [child.type for child in changed.children] == ["supabase_upload"]


def test_investors_are_created_once_and_then_linked(desk: Desk) -> None:
    (child,) = desk.upload().children
    first = desk.run("investor_processing", child.payload)
    assert first.result == {"linked": 0, "created": 1, "changes": [], "notifications": 0}
    assert first.progress[0]["message"] == "Investor 1 of 1"
    before = desk.rows('SELECT * FROM "investorAliases", investors, "investorDeals"')
    again = desk.run("investor_processing", child.payload)
    assert again.result == {"linked": 1, "created": 0, "changes": [], "notifications": 0}
    assert desk.rows('SELECT * FROM "investorAliases", investors, "investorDeals"') == before
    assert desk.rows('SELECT count(*) FROM "announcementInvestors" WHERE "investorId" IS NULL') == [(0,)]


def test_an_unknown_announcement_has_no_investors(desk: Desk) -> None:
    assert "is not in the table announcements" in permanent_error(
        desk.run("investor_processing", {"corpId": "none"})
    )


def test_with_a_database_of_their_own_announcements_are_kept_there(
    desk: Desk, server: EmbeddedPostgres, migrated_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (child,) = desk.read().children
    with new_database(server, "supabase", template=migrated_template) as name:
        monkeypatch.setenv("SUPABASE_DB_URL", server.url_of(name))
        statuses = [desk.run("supabase_upload", child.payload).result["status"] for _ in range(2)]
        assert statuses == ["inserted", "unchanged"]
        assert desk.run("ai_processing", filing()).children == []
        with psycopg.connect(server.url_of(name)) as there:
            assert there.execute("SELECT count(*) FROM announcements").fetchone() == (1,)
    assert desk.counts() == [0, 0, 0]


def test_a_database_that_is_away_is_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (child,) = desk.read().children
    monkeypatch.setenv("SUPABASE_DB_URL", "postgresql://nobody@127.0.0.1:1/none")
    outcome = desk.run("supabase_upload", child.payload).outcome
    assert isinstance(outcome, Errored)
    assert not outcome.permanent
