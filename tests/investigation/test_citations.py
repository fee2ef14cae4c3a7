"""Quotes are held against their chunks: what does not stand there word for word is no citation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rowcrew.bundled.investigation.citations import Quote, cited_chunks, quotes_in

CHUNKS = {7: 'The form says "approved by"\n twice, on purpose.', 8: "Refunds need a signature."}


def test_a_quote_that_stands_in_its_chunk_is_a_citation() -> None:
    answer = 'They do: "Refunds need a signature." [chunk 8]'
    assert cited_chunks(answer) == {8}
    assert quotes_in(answer, CHUNKS) == ([Quote(8, "Refunds need a signature.")], 0)


def test_a_quote_of_another_chunk_or_of_none_or_in_other_words_is_counted_and_left_out() -> None:
    answer = '"Refunds need a signature." [chunk 7] "Refunds need two." [chunk 8] "Refunds" [chunk 99]'
    assert quotes_in(answer, CHUNKS) == ([], 3)


def test_a_line_break_that_the_model_left_out_comes_back() -> None:
    assert quotes_in('"by" twice, on" [chunk 7]', CHUNKS) == ([Quote(7, 'by"\n twice, on')], 0)


def test_a_quote_may_hold_quotation_marks_and_be_set_in_typographic_ones() -> None:
    whole = 'The form says "approved by"\n twice'
    assert quotes_in('See "The form says "approved by" twice" [chunk 7].', CHUNKS) == ([Quote(7, whole)], 0)
    assert quotes_in("“Refunds need” [chunk 8]", CHUNKS) == ([Quote(8, "Refunds need")], 0)


def test_the_same_quote_is_cited_once() -> None:
    assert len(quotes_in('"Refunds" [chunk 8] and "Refunds" [chunk 8]', CHUNKS)[0]) == 1


@given(answer=st.text('ab "“”[chunk]12\n', max_size=200), chunk=st.text('ab "\n', max_size=50))
def test_whatever_an_answer_says_a_citation_occurs_in_its_chunk(answer: str, chunk: str) -> None:
    quotes, _ = quotes_in(answer + '" [chunk 12]', {1: chunk, 12: chunk})
    assert all(quote.words in chunk for quote in quotes)
