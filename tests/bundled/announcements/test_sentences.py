"""The sentences of a filing: also where it has none, or wraps what it tells in courtesies."""

from __future__ import annotations

import pytest

from rowcrew.bundled.announcements.rules.sentences import LONGEST, headline_of, sentences_of, summary_of

TOLD = "The Company has bagged an order worth Rs. 250 crore from the Ministry of Railways."


def test_words_without_an_end_are_cut_into_pieces_and_none_is_lost() -> None:
    words = [f"word{number}" for number in range(5_000)]
    pieces = sentences_of(" ".join(words))
    assert max(map(len, pieces)) <= LONGEST
    assert " ".join(pieces).split() == words


def test_a_word_without_an_end_is_cut_too() -> None:
    pieces = sentences_of("x" * 5_000)
    assert [len(piece) for piece in pieces] == [LONGEST] * 5


def test_lines_of_one_paragraph_are_one_sentence_and_a_short_one_ends_it() -> None:
    page = "The board of directors has approved\nthe purchase of shares in Falcon\nRail.\nPlace: Pune"
    assert sentences_of(page) == [
        "The board of directors has approved the purchase of shares in Falcon Rail.",
        "Place: Pune",
    ]


@pytest.mark.parametrize(
    "courtesy",
    [
        "Dear Sir/Madam, ",
        "Dear Sir / Madam ",
        "Respected Sirs, ",
        "Sub: An order. Dear Sir, With reference to the captioned subject, we wish to inform you that ",
        "Dear Madam, Pursuant to Regulation 30 of SEBI (LODR) Regulations, we inform the Exchanges that ",
        "Kindly take note that ",
    ],
)
def test_a_courtesy_at_the_beginning_hides_nothing_of_what_a_letter_tells(courtesy: str) -> None:
    sentences = sentences_of(f"{courtesy}{TOLD} Kindly take the same on record.")
    summary = summary_of(sentences, "ABC Limited")
    assert summary.endswith(TOLD)
    assert "Sir" not in summary
    assert headline_of("Update", summary, "New Order") == TOLD


def test_what_leads_up_to_a_sentence_stays_in_the_headline_where_it_tells_something() -> None:
    sentence = "With reference to the demand order of Rs. 5 crore, we inform you that it has been set aside."
    assert headline_of("Update", sentence, "Litigation") == sentence
