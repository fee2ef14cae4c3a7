"""The README is a front page: short, with the five statements and a picture of what the demo prints."""

from __future__ import annotations

from tests.docs.pages import ROOT

README = (ROOT / "README.md").read_text()


def test_the_front_page_is_short() -> None:
    assert len(README.splitlines()) <= 250


def test_the_front_page_shows_the_picture_of_the_demo() -> None:
    assert "(docs/pictures/demo.svg)" in README
