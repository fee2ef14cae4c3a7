"""Who is who among investors, what changed, and who is told."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew.bundled.announcements.names import ALIKE, normalised, some_of, trigrams
from tests.bundled.announcements.conftest import Desk

PAIRS = [
    ("individual", "Mr. R.K. Damani", "R K DAMANI"),
    ("individual", "Smt. Anita  Deshpande", "Anita Deshpande"),
    ("individual", "Ashish Kacholia", "Ashish Kacholiya"),
    ("company", "Banyan Capital Private Limited", "Banyan Capital Pvt. Ltd."),
    ("company", "Banyan Capital (P) Ltd", "M/s. Banyan Capital Pvt Ltd"),
    ("company", "Neem & Sons Holdings LLP", "Neem and Sons Holdings LLP"),
]
STRANGERS = [
    ("individual", "Anita Deshpande", "Sunita Deshmukh"),
    ("company", "Banyan Capital Private Limited", "Peepal Capital Private Limited"),
]


def similarity(one: str, other: str) -> float:
    """How like two texts are: the trigrams they share, of all that they have."""
    first, second = set(trigrams(one)), set(trigrams(other))
    return len(first & second) / len(first | second) if first | second else 0.0


def keep(desk: Desk, corp_id: str, minute: int, **investor: Any) -> dict[str, Any]:
    """An announcement that names one investor; the payload that links the investor."""
    kind = investor.pop("kind", "individual")
    named: dict[str, Any] = {f"{kind}Investors": [investor]}
    processed = {
        "category": "Shareholding Disclosure",
        "headline": "A deal",
        "summary": "",
        "exchange": "BSE",
        "companyName": "Meru Foods Limited",
        "securityId": "999001",
        "announcedAt": f"2026-11-26T18:{minute:02}:00+05:30",
        **named,
    }
    (child,) = desk.run("supabase_upload", {"corpId": corp_id, "processed": processed}).children
    return dict(child.payload)


@pytest.mark.parametrize(("kind", "one", "other"), PAIRS)
def test_two_ways_to_write_a_name_are_one_investor(desk: Desk, kind: str, one: str, other: str) -> None:
    desk.run("investor_processing", keep(desk, "a", 1, kind=kind, name=one))
    second = desk.run("investor_processing", keep(desk, "b", 2, kind=kind, name=other)).result
    assert (second["linked"], second["created"]) == (1, 0)
    assert desk.rows("SELECT count(*) FROM investors") == [(1,)]


@pytest.mark.parametrize(("kind", "one", "other"), STRANGERS)
def test_other_names_are_other_investors(desk: Desk, kind: str, one: str, other: str) -> None:
    desk.run("investor_processing", keep(desk, "a", 1, kind=kind, name=one))
    assert desk.run("investor_processing", keep(desk, "b", 2, kind=kind, name=other)).result["created"] == 1


def test_a_change_is_told_against_the_deal_before_whichever_was_read_first(desk: Desk) -> None:
    later = keep(desk, "later", 9, name="Anita Deshpande", shares=900, percent="3.5")
    desk.run("investor_processing", later)
    desk.run("investor_processing", keep(desk, "early", 1, name="Anita Deshpande", shares=100, percent="1"))
    middle = keep(desk, "middle", 5, name="Anita Deshpande", shares=150, percent="1.25")
    (change,) = desk.run("investor_processing", middle).result["changes"]
    assert (change["shares"], change["percent"], change["name"]) == (50, "0.25", "Anita Deshpande")
    assert desk.run("investor_processing", middle).result["changes"] == []


def test_those_who_watch_are_told_once(desk: Desk) -> None:
    payload = keep(desk, "a", 1, name="Anita Deshpande")
    desk.run("investor_processing", payload)
    ((investor,),) = desk.rows("SELECT id FROM investors")
    desk.rows(
        """
        INSERT INTO watchlists (owner, "securityId", category, "investorId")
        VALUES ('company', '999001', NULL, NULL), ('both', '999001', 'Dividend', NULL),
               ('category', NULL, 'Shareholding Disclosure', NULL), ('investor', NULL, NULL, %s),
               ('other', NULL, NULL, %s)
        RETURNING id
        """,
        investor,
        desk.rows("INSERT INTO investors (kind, name) VALUES ('company', 'x') RETURNING id")[0][0],
    )
    told = [desk.run("investor_processing", payload).result["notifications"] for _ in range(2)]
    assert told == [3, 0]
    assert desk.rows("SELECT owner, message FROM notifications ORDER BY id") == [
        (owner, "Meru Foods Limited: A deal") for owner in ("company", "category", "investor")
    ]


def test_names_are_as_like_as_pg_trgm_has_them(desk: Desk) -> None:
    try:
        desk.connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except psycopg.Error:
        pytest.skip("this PostgreSQL has no pg_trgm")
    for kind, one, other in (*PAIRS, *STRANGERS):
        first, second = (normalised(name, kind) for name in (one, other))  # type: ignore[arg-type]
        ((theirs,),) = desk.rows("SELECT similarity(%s, %s)", first, second)
        assert similarity(first, second) == pytest.approx(theirs)


@given(st.text("abcdef ", min_size=1, max_size=20), st.integers(0, 19), st.text("abcdef ", max_size=4))
def test_no_name_that_is_alike_is_passed_over_by_the_index(one: str, place: int, added: str) -> None:
    for other in (one[:place] + added + one[place:], one[:place] + added + one[place + 2 :]):
        if similarity(one, other) >= float(ALIKE) and trigrams(one):
            assert set(some_of(trigrams(one))) & set(trigrams(other))
