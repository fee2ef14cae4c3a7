"""The family `documents`: what a document is made of, and how it is set on paper and on slides.

It has no type of its own; other families export by it.
"""

from __future__ import annotations

from rowcrew.family import Family

family = Family(name="documents", package=__name__)
