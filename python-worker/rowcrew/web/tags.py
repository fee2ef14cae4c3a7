"""ETags: what stands for an answer that a client has already, made and read.

In: values or bytes; a header. Out: tags. Called by the API and by the pages.
"""

from __future__ import annotations

import hashlib


def content_tag(content: bytes) -> str:
    """The tag of an answer with this content."""
    return f'"{hashlib.blake2b(content, digest_size=9).hexdigest()}"'


def tags_in(header: str) -> frozenset[str]:
    """The tags that If-Match or If-None-Match names, also where a proxy has made them weak."""
    return frozenset(tag.strip().removeprefix("W/") for tag in header.split(","))
