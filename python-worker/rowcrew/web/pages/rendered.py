"""A page that was made a moment ago is given again to who may see the same, as long as it would be the same.

In: whose page it is, the values that it was made of, the page. Out: that page. Called by `Desk.same_page`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from rowcrew.web.login import User
from rowcrew.web.tags import content_tag

MOST: Final = 32
MOST_BYTES: Final = 256 * 1024
"""Of one page; a longer one is made for each who asks."""


class Place(NamedTuple):
    """All that a page depends on beside the values it shows: its address, and who reads it."""

    root: str
    path: str
    query: str
    user: User


class Page(NamedTuple):
    """The bytes of a page, and their tag."""

    content: bytes
    tag: str


class Rendered:
    """The pages that were asked for last."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Place, tuple[Page, Sequence[object]]] = OrderedDict()

    def get(self, place: Place, made_of: Sequence[object]) -> Page | None:
        """The page of these very values; None = it was made of others, or not at all."""
        page, values = self._pages.get(place, (None, ()))
        if page is None or len(values) != len(made_of):
            return None
        if any(value is not other for value, other in zip(values, made_of, strict=True)):
            return None
        self._pages.move_to_end(place)
        return page

    def keep(self, place: Place, made_of: Sequence[object], content: bytes) -> Page:
        """The values stay in memory with their page, so that no others can be taken for them."""
        page = Page(content, content_tag(content))
        self._pages.pop(place, None)
        if len(content) <= MOST_BYTES:
            self._pages[place] = (page, made_of)
        while len(self._pages) > MOST:
            self._pages.popitem(last=False)
        return page
