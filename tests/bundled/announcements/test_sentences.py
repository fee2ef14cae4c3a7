"""The sentences of a filing, where it has none: a table run together, a page without an end."""

from __future__ import annotations

from rowcrew.bundled.announcements.rules.sentences import LONGEST, sentences_of


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
