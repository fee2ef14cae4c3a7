"""A page that was made is given again to its own readers alone, as long as it shows the same."""

from __future__ import annotations

import pytest

from rowcrew.web.login import LOCAL
from rowcrew.web.pages.rendered import MOST, MOST_BYTES, Place, Rendered

PLACE = Place("", "/jobs", "q=failed", LOCAL._replace(by_cookie=True))
OTHERS = [
    PLACE._replace(root="/db/two"),
    PLACE._replace(path="/why"),
    PLACE._replace(query="q=queued"),
    PLACE._replace(user=PLACE.user._replace(name="bob")),
    PLACE._replace(user=PLACE.user._replace(role="viewer")),
    PLACE._replace(user=PLACE.user._replace(reads_payloads=not PLACE.user.reads_payloads)),
    PLACE._replace(user=PLACE.user._replace(by_cookie=False)),
    PLACE._replace(user=PLACE.user._replace(by_proxy=True)),
]


class Sight:
    """What a look has found; any two are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sight)

    __hash__ = None  # type: ignore[assignment]


def test_the_page_of_the_very_same_values_is_given_again() -> None:
    pages, sight = Rendered(), Sight()
    kept = pages.keep(PLACE, (sight, None), b"a page")
    assert pages.get(PLACE, (sight, None)) == kept


@pytest.mark.parametrize("other", [(), (Sight(),), (None, Sight())], ids=["none", "a new look", "more"])
def test_the_page_of_other_values_is_made_anew_also_where_they_are_equal(other: tuple[object, ...]) -> None:
    pages = Rendered()
    pages.keep(PLACE, (Sight(),), b"a page")
    assert pages.get(PLACE, other) is None


@pytest.mark.parametrize("other", OTHERS)
def test_the_page_of_another_reader_or_address_is_another_one(other: Place) -> None:
    pages, sight = Rendered(), Sight()
    pages.keep(PLACE, (sight,), b"a page")
    assert pages.get(other, (sight,)) is None


def test_pages_that_nobody_asks_for_go_first_and_long_ones_are_not_kept() -> None:
    pages, sight = Rendered(), Sight()
    places = [PLACE._replace(query=str(number)) for number in range(MOST + 1)]
    for place in places[:MOST]:
        pages.keep(place, (sight,), b"a page")
    assert pages.get(places[0], (sight,))
    pages.keep(places[MOST], (sight,), b"a page")
    assert [pages.get(place, (sight,)) is None for place in places[:3]] == [False, True, False]
    pages.keep(places[0], (sight,), b" " * (MOST_BYTES + 1))
    assert pages.get(places[0], (sight,)) is None
