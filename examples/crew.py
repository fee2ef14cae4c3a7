"""A crew of three: one async handler, one plain function, one with a process of its own.

Start a worker with `rowcrew worker crew:crew` in this directory, and give it something to do:

    INSERT INTO jobs (type, payload) VALUES ('split_text', '{"text": "To be, or not to be."}');
    INSERT INTO jobs (type, payload) VALUES ('find_nonce', '{"prefix": "rowcrew", "zeros": 5}');
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from rowcrew import Context, Crew, PermanentError

STRIDE = 100_000

crew = Crew()


@dataclass
class Paragraph:
    """The payload of `count_words`."""

    number: int
    text: str


@crew.job("split_text", priority="high")
async def split_text(context: Context, text: str) -> dict[str, int]:
    """Enqueue a job for each paragraph; they begin to exist when this one completes."""
    paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]
    if not paragraphs:
        raise PermanentError("the text has no paragraphs")
    for number, paragraph in enumerate(paragraphs, start=1):
        context.enqueue(count_words.new_job(Paragraph(number, paragraph)))
        context.progress(number, len(paragraphs), f"Paragraph {number}")
    return {"paragraphs": len(paragraphs)}


@crew.job("count_words", max_attempts=5)
def count_words(paragraph: Paragraph) -> dict[str, int]:
    """Count the words of a paragraph, the most frequent ones first."""
    words = (word.strip(".,;:!?").lower() for word in paragraph.text.split())
    return dict(Counter(word for word in words if word).most_common())


@crew.job("find_nonce", executor="process", timeout=600)
def find_nonce(context: Context, prefix: str, zeros: int) -> dict[str, int | str]:
    """Find the first number that makes the SHA-256 of prefix and number begin with so many zeros."""
    if not 1 <= zeros <= 8:
        raise PermanentError("zeros must be from 1 to 8")
    first = context.job.checkpoint or 0  # where an earlier attempt was stopped
    while True:
        for nonce in range(first, first + STRIDE):
            digest = hashlib.sha256(f"{prefix}{nonce}".encode()).hexdigest()
            if digest.startswith("0" * zeros):
                return {"nonce": nonce, "sha256": digest}
        first += STRIDE
        context.checkpoint(first)
        context.progress(first, 16**zeros, f"{first:,} tried")
