"""Lists that a worker sends arrive as they were, whatever stands in their texts."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from rowcrew.table.arrays import ArrayDumper
from tests.conftest import Connect

TEXTS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=5)
NUMBERS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5)


@given(texts=TEXTS, numbers=NUMBERS)
@example(texts=['a"b', "c\\", "{d,e}", "", " ", "NULL", "%s", "naïve\n"], numbers=[-1])
def test_texts_and_numbers_come_back(table: Connect, texts: list[str], numbers: list[int]) -> None:
    connection = table()
    connection.adapters.register_dumper(list, ArrayDumper)
    cursor = connection.execute("SELECT %s::text[], %s::bigint[]", [texts, numbers])
    assert cursor.fetchone() == (texts, numbers)
