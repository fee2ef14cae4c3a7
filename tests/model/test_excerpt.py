"""The first and the last of what is said: so much is kept, and all of the rest is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rowcrew.model.cleaning import clean_text, needs_cleaning
from rowcrew.model.excerpt import LONGEST_SAYING, Excerpt, Part

SAYINGS = st.lists(st.text(st.characters(codec="utf-8"), max_size=60), max_size=80)


def taken(sayings: list[str], most_bytes: int) -> list[Part]:
    excerpt = Excerpt(most_bytes)
    for saying in sayings:
        excerpt.add(saying)
    assert bool(excerpt) == bool(sayings)
    parts = list(excerpt.take())
    assert not excerpt
    assert list(excerpt.take()) == []
    return parts


def test_what_fits_is_kept_in_its_order() -> None:
    assert taken(["a", "b\nc", ""], 100) == [Part(0, 4, "a\nb\nc\n")]


def test_of_more_the_beginning_and_the_end_are_kept_and_what_falls_between_is_counted() -> None:
    numbers = [f"{number:04}" for number in range(1_000)]
    first, last = taken(numbers, 100)
    assert first == Part(0, 10, "\n".join(numbers[:10]))
    assert last == Part(980, 10, "\n".join(numbers[-10:]))


def test_a_saying_of_any_length_is_cut_in_its_middle() -> None:
    ((dropped, lines, text),) = taken(["begin " + "x" * 10_000_000 + " end"], 64 * 1024)
    assert (dropped, lines) == (0, 1)
    assert len(text) <= LONGEST_SAYING
    assert (text[:6], text[-4:]) == ("begin ", " end")


def test_secrets_and_what_cannot_be_stored_do_not_come_through() -> None:
    ((_, _, text),) = taken(["password=hunter2", "\x00\ud800"], 1_000)
    assert text == "password=***\n\\ud800"


@given(SAYINGS, st.integers(min_value=64, max_value=500))
def test_no_line_is_neither_kept_nor_counted_and_the_bounds_hold(sayings: list[str], most_bytes: int) -> None:
    parts = taken([f"{place}" for place, _ in enumerate(sayings)], most_bytes)
    assert sum(part.dropped + part.lines for part in parts) == len(sayings)
    assert sum(len(part.text) for part in parts) <= most_bytes
    texts = taken(sayings, most_bytes)
    assert len(texts) <= 2
    assert sum(len(part.text) for part in texts) <= 2 * most_bytes


SEEDS = (
    *(
        "password=hunter2",
        "pwd: x",
        "SECRET_KEY='x'",
        "Bearer abcdefghij",
        "a://b:c@d",
        "AKIA0123456789ABCDEF",
    ),
    *("\u017fecret=x", "\u0131d", "X-Amz-Signature=abc&", "sig=abc", "sk-0123456789abcdefghij"),
    *("ghp_0123456789abcdefghij", "xoxb-0123456789abc", "eyJabcdefghij.abcdefghij", "\x00", "\r", "\x85"),
    *("-----BEGIN RSA PRIVATE KEY-----", "DETAIL:  x", "[parameters: (1)]", "CONTEXT:  y", "QUERY: z"),
    *("STATEMENT: w", "\ud800", "\n", "a", " "),
)


@given(st.lists(st.one_of(st.sampled_from(SEEDS), st.text(max_size=5)), max_size=6).map("".join))
def test_a_text_that_is_said_to_need_no_cleaning_is_not_changed_by_it(text: str) -> None:
    if not needs_cleaning(text):
        assert clean_text(text, 1_000_000) == text
    assert text == "" or not all(needs_cleaning(part) for part in ("plain words", "so = much", "über 9 €"))
