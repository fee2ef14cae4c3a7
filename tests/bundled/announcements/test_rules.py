"""What the rules get right of filings whose truth is known, in the wordings of the package and in others."""

from __future__ import annotations

import io
import shutil
import subprocess
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from rowcrew.bundled.announcements.pdf_text import page_texts
from rowcrew.bundled.announcements.processed import Analysis
from rowcrew.bundled.announcements.rules.categories import GENERAL, category_of, signs
from rowcrew.bundled.announcements.rules.dates import dates_in
from rowcrew.bundled.announcements.rules.likeness import categories, likeness
from rowcrew.bundled.announcements.rules.money import amounts_in
from rowcrew.bundled.announcements.sample.filings import Sample, samples
from rowcrew.bundled.announcements.sample.pdf import pdf_of
from rowcrew.bundled.announcements.sample.wordings import usual, wordings_of
from tests.bundled.announcements.measure import Score, held_out, read, score

SAMPLES = 46
UNSEEN = wordings_of((Path(__file__).parent / "unseen_wordings.toml").read_text())
WORDINGS = {"usual": usual(), "unseen": UNSEEN}


@cache
def readings(name: str) -> list[tuple[Sample, Analysis]]:
    return [(sample, read(sample)) for sample in samples(SAMPLES, seed=7, wordings=WORDINGS[name])]


def plain(text: str) -> str:
    """The text without blanks and hyphens: pdftotext drops one at the end of a line, as in `Rs. 7.5/-`."""
    return "".join(text.replace("-", "").split())


def is_right_often_enough(scored: Score) -> None:
    assert scored.right >= 0.95 * scored.told, scored.wrong
    assert scored.right >= 0.95 * scored.found, scored.wrong
    assert scored.categories >= 0.9 * scored.letters, scored.wrong


@pytest.mark.parametrize("name", WORDINGS)
def test_amounts_and_categories_are_right_often_enough(name: str) -> None:
    assert len({sample.truth.category for sample, _ in readings(name)}) >= 8
    is_right_often_enough(score(readings(name)))


@pytest.mark.parametrize("name", ["first", "second", "third", "fourth"])
def test_letters_that_no_pattern_was_made_for_are_read_right_often_enough(name: str) -> None:
    is_right_often_enough(score((sample, read(sample)) for sample in held_out(name)))


@pytest.mark.parametrize("name", ["fifth", "sixth"])
def test_categories_of_letters_and_of_lines_of_a_feed_are_right_often_enough(name: str) -> None:
    scored = score(((sample, read(sample)) for sample in held_out(name)), of_amounts=False)
    assert scored.letters == 160
    assert scored.categories >= 0.9 * scored.letters, scored.wrong


@pytest.mark.parametrize("name", WORDINGS)
def test_investors_dividends_and_ratios_are_found(name: str) -> None:
    for sample, analysis in readings(name):
        truth = sample.truth
        named = {each.name for each in (*analysis.individual_investors, *analysis.company_investors)}
        assert named == truth.investors, sample.paragraphs
        values = {(each.kind, each.value) for each in analysis.financial_data}
        dividends = {Decimal(value) for kind, value in values if kind == "dividend"}
        assert dividends == ({truth.dividend} if truth.dividend else set()), sample.paragraphs
        if truth.ratio is not None:
            assert ("ratio", truth.ratio) in values, sample.paragraphs


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("orders amounting to Rs. 14,64,85,436/- (including GST)", "146485436", "INR"),
        ("valued at INR 2,434,636,179 plus 18% GST", "2434636179", "INR"),
        ("an order of ₹ 72.62 crore", "726200000", "INR"),
        ("a market of Rs 1.5 lakh crore", "1500000000000", "INR"),
        ("Rs.2.00/- each", "2", "INR"),
        ("a contract of 250 crores from the Railways", "2500000000", "INR"),
        ("Am I eligible for a loan of 35 lakh rupees", "3500000", "INR"),
        ("its net worth of 12 crore is small", "120000000", "INR"),
        ("USD 12 million from the licensee", "12000000", "USD"),
        ("US$60 Mn", "60000000", "USD"),
        ("Re. 1/- per share", "1", "INR"),
    ],
)
def test_an_amount_is_read_in_full_units(text: str, amount: str, currency: str) -> None:
    (found,) = amounts_in(text)
    assert (found.amount, found.currency) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    "text",
    [
        "24 lakh equity shares",
        "1,50,000 shares",
        "5 crore customers",
        "FY 2026-27",
        "There are 1 crore boxes in this container",
        "The submarine may weigh 25 lakh tonnes",
    ],
)
def test_what_counts_something_else_is_no_amount(text: str) -> None:
    assert amounts_in(text) == []


@pytest.mark.parametrize(
    "text",
    ["30th September, 2026", "September 30, 2026", "30.09.2026", "30/09/2026", "30-Sep-2026", "2026-09-30"],
)
def test_a_date_is_read_with_the_day_before_the_month(text: str) -> None:
    assert [each.value for each in dates_in(f"fixed {text} as the record date")] == ["2026-09-30"]


def test_a_subject_names_the_matter_before_what_the_matter_is_for() -> None:
    assert category_of("", "Record Date for Buyback of equity shares", "") == "Record Date"
    assert category_of("", "Buyback of equity shares: record date", "") == "Buyback"


def test_what_a_board_decided_says_more_than_that_it_met() -> None:
    subject, decided = "Outcome of Board Meeting", "The Board approved an issue of bonus shares."
    assert category_of("", subject, decided) == "Bonus/Stock Split"
    assert category_of("", subject, "The Board adopted a policy.") == subject


def test_what_no_pattern_tells_is_what_it_is_worded_like() -> None:
    text = "Money was lost by an employee, irregularities came up, and an independent probe was ordered."
    assert all(not sign.pattern.search(text) for own in signs().values() for sign in own)
    assert category_of("", "Update", text) == "Fraud"


@pytest.mark.parametrize(
    "courtesy",
    [
        "Dear Sir / Madam ",
        "Kindly take note that ",
        "This is for your information that ",
        "Dear Sir, Pursuant to Regulation 30 of the SEBI (LODR) Regulations, 2015, we inform you that ",
    ],
)
def test_no_courtesy_decides_what_a_letter_is_worded_like(courtesy: str) -> None:
    text = "money was lost by an employee, irregularities came up, and an independent probe was ordered."
    assert category_of("", "Update", f"{courtesy}{text} Thanking you, Yours faithfully") == "Fraud"


def test_of_two_categories_that_patterns_tell_alike_likeness_chooses() -> None:
    told = "The letter of intent and the commercial production are with the"
    assert (
        category_of("", "Update", f"{told} highways authority, tender, bidder and contractor.") == "New Order"
    )
    assert (
        category_of("", "Update", f"{told} plant, furnace and kiln, lit up.") == "Commencement of Production"
    )


def test_likeness_overrules_a_pattern_that_says_little() -> None:
    text = (
        "Dividend policy aside, members may vote by remote e-voting, for which a scrutinizer was appointed."
    )
    assert "Dividend" not in category_of("", "Update", text)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Copy of the newspaper advertisement of the unaudited financial results", "Newspaper Publication"),
        ("Transcript of the conference call on the unaudited financial results", "Earnings Call Transcript"),
        ("Corrigendum to the notice of the extra-ordinary general meeting", "Clarification"),
        ("The board is scheduled to meet to consider the acquisition of a majority stake", "Board Meeting"),
    ],
)
def test_what_a_paper_is_says_more_than_what_it_tells_of(text: str, category: str) -> None:
    assert category_of("", text, text) == category


def test_a_list_of_many_decisions_is_about_none_of_them() -> None:
    text = (
        "The directors considered: 1. AGM on 23rd September. 2. Re-appointment of Mr Rao as director. "
        "3. Appointment of internal auditors. 4. Revision of the policy. 5. Opening of a bank account."
    )
    assert category_of("", "Updates", text) == "Outcome of Board Meeting"


@pytest.mark.parametrize(
    ("text", "category"),
    [
        (
            "received an order passed by the National Company Law Tribunal on the scheme",
            "Mergers/Acquisitions",
        ),
        ("received an order from the court of the District Judge; it is worth Rs 4 crore", "Litigation"),
    ],
)
def test_an_order_of_a_court_is_none_of_a_customer(text: str, category: str) -> None:
    assert category_of("", "Updates", f"The Company has {text}.") == category


def test_what_a_form_asks_and_is_denied_decides_nothing() -> None:
    won = "The Company has secured the works of electrification of a railway line."
    asked = "The promoter group has no interest, and these do not fall within related party transactions."
    assert category_of("", "Updates", f"{won} {asked}") == "New Order"


def test_the_number_of_a_regulation_is_a_word() -> None:
    most = likeness("", "Details under Reg. 23 (9) are attached.")
    assert max(most, key=lambda category: most[category]) == "Related Party Transactions"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Please find attached.",
        "Figures are put on the wall.",
        "Intimation under Regulation 30 of SEBI (LODR) Regulations, 2015.",
    ],
)
def test_a_letter_that_says_nothing_is_general(text: str) -> None:
    assert category_of("Updates", "Updates", text) == GENERAL


def test_every_category_has_phrases() -> None:
    assert set(categories()) == {*signs(), GENERAL}


def test_there_are_about_fifty_categories_and_one_for_the_rest() -> None:
    assert len(signs()) >= 50
    assert GENERAL not in signs()


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_words_of_pages_are_those_that_pdftotext_finds(tmp_path: Path) -> None:
    for number, sample in enumerate(samples(20, seed=9)):
        file = tmp_path / f"{number}.pdf"
        file.write_bytes(pdf_of(sample))
        ours = page_texts(io.BytesIO(file.read_bytes()), lambda page, count: None)
        theirs = subprocess.run(["pdftotext", file, "-"], capture_output=True, text=True, check=True).stdout
        assert plain("\n".join(ours)) == plain(theirs)
