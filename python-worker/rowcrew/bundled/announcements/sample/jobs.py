"""Samples as jobs: the feed's entry, with the letter in the payload, so that no file need lie anywhere.

In: how many, and a seed. Out: jobs of `ai_processing`. Called by `rowcrew demo jobs`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

import msgspec

from rowcrew import NewJob
from rowcrew.bundled.announcements.feed import jobs_of
from rowcrew.bundled.announcements.sample.filings import Sample, samples
from rowcrew.bundled.announcements.sample.pdf import pdf_of


def sample_jobs(count: int, seed: int = 0) -> Iterator[NewJob]:
    """So many announcements of companies that do not exist."""
    for sample in samples(count, seed):
        yield job_of(sample)


def job_of(sample: Sample) -> NewJob:
    """The job that its exchange's feed would make of it."""
    feed = {"Table": [sample.entry]} if sample.exchange == "BSE" else [sample.entry]
    (job,) = jobs_of(msgspec.json.encode(feed))
    letter = {"inlineBase64": base64.b64encode(pdf_of(sample)).decode()}
    return msgspec.structs.replace(job, payload={**job.payload, "pdf": letter})
